// One worksheet: what it is, its lines, and on top of them the row that takes a new one.

import { get } from "./api.js";
import { h, say, worksheetPath } from "./dom.js";
import { entryRow } from "./entry.js";
import { redToast, tell } from "./parts.js";
import { cell, headingRow, VirtualList } from "./virtual.js";
import { chip } from "./worksheets.js";

const COLUMNS = [
  ["product", "Varenr."], ["name", "Varenavn"], ["amount", "Antal"], ["unit", "Enhed"], ["price", "Salgspris"], ["created", "Oprettet"],
];

export function worksheetPage(id, go) {
  const place = h("section", { class: "ui-card" }, h("p", { class: "ui-boot", "aria-busy": "true" }, "Indlæser …"));
  fill(place, id, go).catch((failure) => {
    if (failure.status === 401) return;
    place.replaceChildren(h("p", { class: "ui-boot" }, failure.status === 404 ? "Arbejdskortet findes ikke" : failure.message));
  });
  return place;
}

async function fill(place, id, go) {
  const address = `/worksheets/${encodeURIComponent(id)}`;
  const sheet = await get(address);
  const list = lineList(address);
  const reload = () => list.reload().catch((failure) => failure.status === 401 || redToast(failure.message));
  const back = h("a", { href: worksheetPath(), class: "ui-back", click: (event) => { event.preventDefault(); go(worksheetPath()); } }, "Tilbage");
  place.replaceChildren(back, heading(sheet), entryRow(sheet, address, list, reload), list.grid);
  for (const notice of sheet.notices) await tell(notice);
  await reload();
}

function heading(sheet) {
  const facts = [["Kunde", sheet.customer], ["Reg.nr.", sheet.plate]];
  return h("header", { class: "ui-title" },
    h("h1", {}, `${say("Arbejdskort")} ${sheet.number}`), chip(sheet.status),
    h("dl", { class: "ui-facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

function lineList(address) {
  return new VirtualList({
    load: (offset, limit) => get(`${address}/lines?${new URLSearchParams({ offset, limit })}`),
    cells: (row) => COLUMNS.map(([column]) => cell(column, row && (row[column] ?? ""))),
    attributes: (row) => row.pending
      ? { class: "ui-pending line-pending", "aria-busy": "true" }
      : { "data-line-id": row.id },
    rowClass: "line-row",
    headings: headingRow(COLUMNS.map(([column, text]) => [column, say(text)])),
    label: "Linjer",
    empty: "Ingen linjer",
  });
}
