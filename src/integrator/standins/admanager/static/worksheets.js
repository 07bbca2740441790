// The list of worksheets, narrowed on the server by what is typed into its filter.

import { get } from "./api.js";
import { field, h, say, worksheetPath } from "./dom.js";
import { redToast } from "./parts.js";
import { cell, headingRow, VirtualList } from "./virtual.js";

const DEBOUNCE_MS = 400;
const COLUMNS = [["number", "Nr."], ["status", "Status"], ["customer", "Kunde"], ["plate", "Reg.nr."], ["vin", "Stelnr."]];

export function worksheetsPage(go) {
  const search = field("Søg", { formcontrolname: "search", type: "search" }, { class: "ui-search" });
  const open = (row) => go(`${worksheetPath()}/${encodeURIComponent(row.id)}`);
  const list = new VirtualList({
    load: (offset, limit) => get(`/worksheets?${new URLSearchParams({ search: search.input.value.trim(), offset, limit })}`),
    cells: (row) => COLUMNS.map(([column]) => cell(column, row && shown(row, column))),
    attributes: (row) => ({ class: "ui-clickable", click: () => open(row) }),
    rowClass: "worksheet-row",
    headings: headingRow(COLUMNS),
    label: say("Arbejdskort"),
    empty: "Ingen arbejdskort fundet",
  });
  const reload = () => list.reload().catch((failure) => failure.status === 401 || redToast(failure.message));
  let waiting = 0;
  search.input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(reload, DEBOUNCE_MS);
  });
  reload();
  return h("section", { class: "ui-card" }, h("header", { class: "ui-title" }, h("h1", {}, say("Arbejdskort")), search.box), list.grid);
}

function shown(row, column) {
  return column === "status" ? chip(row.status) : row[column] ?? "";
}

export function chip(status) {
  const words = { åben: "Åben", lukket: "Lukket", faktureret: "Faktureret" };
  return h("mat-chip", { class: `ui-chip ui-${status} mat-mdc-chip`, "data-status": status }, words[status] ?? status);
}
