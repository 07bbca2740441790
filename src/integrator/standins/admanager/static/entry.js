// The entry row: a product is looked up and accepted, its name comes from the register, and one POST saves the whole line.

import { get, post } from "./api.js";
import { button, field, h } from "./dom.js";
import { redToast, tell, toast } from "./parts.js";
import { productField } from "./products.js";

export function entryRow(sheet, address, list, reload) {
  const open = sheet.entry.open;
  const attributes = (name, more = {}) => ({ formcontrolname: name, disabled: !open, ...more });
  const name = field("Varenavn", attributes("name", { maxlength: sheet.entry.name_limit, readonly: !sheet.entry.name_editable }), { class: "ui-col-name" });
  const amount = field("Antal", attributes("amount", { inputmode: "decimal" }), { class: "ui-col-amount" });
  const unit = h("span", { class: "ui-cell ui-col-unit" });
  const price = h("span", { class: "ui-cell ui-col-price" });
  const product = field("Varenr.", attributes("product", {
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-haspopup": "listbox",
  }), { class: "ui-col-product" });
  const chosen = productField(product, { chosen: look, changed: forget });
  const add = button("Tilføj linje", { disabled: true, click: () => save() });
  const row = h("mat-row", { class: "ui-row ui-entry mat-mdc-row line-row", role: "row", tabindex: "0", "aria-label": "Ny linje" },
    product.box, name.box, amount.box, unit, price, add);
  row.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === row) save();
  });
  amount.input.addEventListener("blur", tidyAmount);
  if (sheet.entry.eats_comma) amount.input.addEventListener("input", () => { amount.input.value = amount.input.value.replaceAll(",", ""); });
  for (const { input } of [name, amount]) input.addEventListener("input", check);
  let found = null;

  function ready() {
    return open && found !== null && name.input.value.trim() !== "" && danish(amount.input.value) !== null;
  }

  function check() {
    add.disabled = !ready();
  }

  function forget() {
    found = null;
    name.input.value = unit.textContent = price.textContent = "";
    check();
  }

  async function look(option) {
    name.box.setAttribute("aria-busy", "true");
    try {
      const answer = await get(`/products/${encodeURIComponent(option.number)}`);
      if (chosen.number() === answer.number) fillIn(answer);
    } catch (failure) {
      if (failure.status !== 401) product.error.textContent = failure.message;
    }
    name.box.removeAttribute("aria-busy");
  }

  function fillIn(answer) {
    found = answer;
    name.input.value = answer.name.slice(0, sheet.entry.name_limit);
    amount.input.value ||= "1,00";
    unit.textContent = answer.unit;
    price.textContent = answer.price;
    check();
  }

  function tidyAmount() {
    const value = danish(amount.input.value);
    amount.error.textContent = value === null && amount.input.value ? "Ugyldigt antal" : "";
    if (value !== null) amount.input.value = inDanish(value);
    check();
  }

  function empty() {
    chosen.clear();
    forget();
    amount.input.value = "";
    for (const one of [product, name, amount]) one.error.textContent = "";
  }

  // The line is in the list before the server has heard of it.
  function save() {
    if (!ready()) return;
    tidyAmount();
    const line = { product: found.number, name: name.input.value, amount: amount.input.value };
    const pending = { ...line, unit: found.unit, price: found.price, created: "", pending: true };
    list.put(pending);
    empty();
    if (sheet.stale_toast) toast("Linje tilføjet");
    send(line, pending);
  }

  async function send(line, pending) {
    try {
      const answer = await post(`${address}/lines`, line);
      Object.assign(pending, answer.line, { pending: false });
      list.draw();
      if (answer.toast) toast(answer.toast);
    } catch (failure) {
      await refused(failure, line, pending);
    }
  }

  async function refused(failure, line, pending) {
    if (failure.status === 428 && (await tell(failure.body.ask))) {
      await send({ ...line, confirmed: true }, pending);
      return;
    }
    list.take(pending);
    if (failure.status === 428 || failure.status === 401) return;
    redToast(failure.message);
    const where = { product, name, amount }[failure.body.field];
    if (where) where.error.textContent = failure.message;
    if (failure.status === 409) reload();
  }

  return row;
}

// A dot is a thousands mark, wherever it stands: "5.5" is 55.
function danish(text) {
  const plain = text.trim();
  if (!/^[\d.]*\d[\d.]*(,\d*)?$/.test(plain)) return null;
  const value = Number(plain.replaceAll(".", "").replace(",", "."));
  return value > 0 ? value : null;
}

function inDanish(value) {
  return value.toLocaleString("da-DK", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
