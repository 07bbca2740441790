// A list of thousands of rows of which only twelve are in the document: the rest exists on the server until scrolled to.

import { h } from "./dom.js";

const IN_DOM = 12;
const ROW_PX = 44;
const SHOWN = 10;
const BLOCK = 50;
const SKELETONS = 8;

export class VirtualList {
  // load(offset, limit) → {total, rows}; cells(row) → elements, of null for a row that is not here yet.
  constructor({ load, cells, attributes, rowClass, headings, label, empty }) {
    Object.assign(this, { load, cells, attributes, rowClass, empty });
    this.body = h("div", { class: "ui-rows cdk-virtual-scroll-content-wrapper", role: "rowgroup" });
    this.viewport = h("cdk-virtual-scroll-viewport", { class: "ui-viewport cdk-virtual-scrollable", tabindex: "0" }, this.body);
    this.viewport.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()));
    this.grid = h("mat-table", { class: "ui-grid mat-mdc-table", role: "grid", "aria-label": label, "aria-busy": "true", "aria-rowcount": "-1" },
      headings, this.viewport);
    this.turn = 0;
    this.clear();
  }

  clear() {
    this.turn += 1;
    this.total = null;
    this.rows = new Map();
    this.asked = new Set();
    this.extra = [];
    this.grid.setAttribute("aria-busy", "true");
    this.grid.setAttribute("aria-rowcount", "-1");
  }

  // Shows the skeletons, then what the server has now. Gives back whether this call's answer is the one shown.
  async reload() {
    this.clear();
    this.viewport.scrollTop = 0;
    this.draw();
    return this.fetchBlock(0);
  }

  async fetchBlock(block) {
    if (this.asked.has(block)) return false;
    this.asked.add(block);
    const turn = this.turn;
    let answer;
    try {
      answer = await this.load(block * BLOCK, BLOCK);
    } catch (error) {
      if (turn === this.turn) this.asked.delete(block);
      throw error;
    }
    if (turn !== this.turn) return false;
    this.total = answer.total;
    answer.rows.forEach((row, at) => this.rows.set(block * BLOCK + at, row));
    this.grid.setAttribute("aria-busy", "false");
    this.draw();
    return true;
  }

  // Rows that the page shows before the server knows them stand on top.
  put(row) {
    this.extra.unshift(row);
    this.draw();
  }

  take(row) {
    this.extra = this.extra.filter((one) => one !== row);
    this.draw();
  }

  at(index) {
    return index < this.extra.length ? this.extra[index] : this.rows.get(index - this.extra.length) ?? null;
  }

  draw() {
    if (this.total === null) {
      this.body.style.height = `${SKELETONS * ROW_PX}px`;
      this.body.replaceChildren(...Array.from({ length: SKELETONS }, (_, at) => this.row(null, at, {})));
      return;
    }
    const count = this.total + this.extra.length;
    const top = Math.min(this.viewport.scrollTop, Math.max(0, (count - SHOWN) * ROW_PX));
    const first = Math.max(0, Math.min(Math.floor(top / ROW_PX), count - IN_DOM));
    const shown = Array.from({ length: Math.min(IN_DOM, count) }, (_, at) => first + at);
    this.grid.setAttribute("aria-rowcount", count);
    this.body.style.height = `${count * ROW_PX}px`;
    const rows = shown.map((index) => this.row(this.at(index), index, { "aria-rowindex": index + 1 }));
    this.body.replaceChildren(...(rows.length ? rows : [h("p", { class: "ui-none" }, this.empty)]));
    this.fetchMissing(shown);
  }

  fetchMissing(shown) {
    for (const index of shown) {
      if (this.at(index) === null) this.fetchBlock(Math.floor((index - this.extra.length) / BLOCK)).catch(() => {});
    }
  }

  row(row, index, place) {
    const own = row === null ? {} : this.attributes(row);
    const element = h("mat-row", { role: "row", ...place, ...own, class: `ui-row mat-mdc-row ${this.rowClass} ${own.class ?? ""}`.trim() },
      this.cells(row));
    element.style.transform = `translateY(${index * ROW_PX}px)`;
    return element;
  }
}

// One cell; of a row that is not here yet, a grey bone.
export function cell(column, content, look = "") {
  return h("mat-cell", { class: `ui-cell ui-col-${column} mat-mdc-cell cdk-column-${column} ${look}`.trim(), role: "gridcell" },
    content ?? h("span", { class: "ui-bone" }));
}

export function headingRow(columns) {
  return h("mat-header-row", { class: "ui-head mat-mdc-header-row" },
    columns.map(([column, text]) =>
      h("mat-header-cell", { class: `ui-cell ui-col-${column} mat-mdc-header-cell`, role: "columnheader" }, text)));
}
