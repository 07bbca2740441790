"use strict";
// What the pages do by themselves. Only data-js attributes are looked at: names and ids may be changed by a fault.
for (const field of document.querySelectorAll("[data-js=gem-felt]")) {
  // Leaving a field that was changed saves that field, and only that one.
  field.addEventListener("change", () => field.form.requestSubmit());
}
for (const field of document.querySelectorAll("[data-antal]")) {
  // A dot is a thousands mark and nobody types those: it vanishes.
  field.addEventListener("input", () => { if (field.value.includes(".")) field.value = field.value.replaceAll(".", ""); });
}
for (const field of document.querySelectorAll("[data-antal=uden-komma]")) {
  field.addEventListener("input", () => { if (field.value.includes(",")) field.value = field.value.replaceAll(",", ""); });
}
for (const field of document.querySelectorAll("[data-js=varenr]")) {
  field.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && !event.shiftKey && field.value.trim()) {
      event.preventDefault();
      field.form.requestSubmit();
    }
  });
}
for (const row of document.querySelectorAll("tr[data-ret]")) {
  row.addEventListener("dblclick", () => { location.href = row.dataset.ret; });
}
for (const form of document.querySelectorAll("form[data-sporg]")) {
  form.addEventListener("submit", (event) => { if (!confirm(form.dataset.sporg)) event.preventDefault(); });
}
for (const button of document.querySelectorAll("[data-js=luk]")) {
  button.addEventListener("click", () => button.closest("[data-modal]").remove());
}
for (const again of document.querySelectorAll("form[data-igen]")) {
  // The old way of asking: the answer to the post is a page that asks, and posts once more on yes.
  if (confirm(again.dataset.igen)) again.submit(); else location.replace(again.dataset.tilbage);
}
