// The product number's autocomplete. TAB and ENTER accept the highlighted option, which need not be the one that was typed.

import { get } from "./api.js";
import { h, newId, overlays } from "./dom.js";

const DEBOUNCE_MS = 150;

export function productField(product, { chosen, changed }) {
  const { input, error } = product;
  let options = [];
  let active = -1;
  let accepted = null;
  let panel = null;
  let waiting = 0;

  function close() {
    panel?.remove();
    panel = null;
    options = [];
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-controls");
    input.removeAttribute("aria-activedescendant");
  }

  function open(found) {
    close();
    if (!found.length) {
      error.textContent = "Varenummeret findes ikke";
      return;
    }
    options = found.map((option) => ({ ...option, id: newId("mat-option") }));
    const panelId = newId("mat-autocomplete");
    panel = h("div", { id: panelId, class: "ui-options mat-mdc-autocomplete-panel", role: "listbox", "aria-label": "Varer" },
      options.map(optionElement));
    const box = input.getBoundingClientRect();
    panel.style.left = `${box.left}px`;
    panel.style.top = `${box.bottom + 4}px`;
    overlays().append(panel);
    input.setAttribute("aria-expanded", "true");
    input.setAttribute("aria-controls", panelId);
    highlight(options.findIndex((option) => !option.blocked));
  }

  function optionElement(option) {
    return h("mat-option", {
      id: option.id, class: "ui-option mat-mdc-option", role: "option", "data-number": option.number,
      "aria-disabled": option.blocked ? "true" : "false", "aria-selected": "false",
      mousedown: (event) => { event.preventDefault(); if (!option.blocked) accept(option); },
    }, h("span", { class: "ui-option-number" }, option.number), h("span", {}, option.name),
    option.note ? h("span", { class: "ui-option-note" }, option.note) : null);
  }

  function highlight(at) {
    active = at;
    options.forEach((option, index) => {
      const element = document.getElementById(option.id);
      element.classList.toggle("ui-active", index === at);
      element.classList.toggle("mat-mdc-option-active", index === at);
    });
    if (at < 0) return;
    input.setAttribute("aria-activedescendant", options[at].id);
    document.getElementById(options[at].id).scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    for (let at = active + step; at >= 0 && at < options.length; at += step) {
      if (!options[at].blocked) return highlight(at);
    }
    return undefined;
  }

  function accept(option) {
    close();
    accepted = option.number;
    input.value = option.number;
    error.textContent = "";
    chosen(option);
  }

  async function search() {
    const typed = input.value.trim();
    close();
    if (!typed) return;
    const answer = await get(`/products?${new URLSearchParams({ search: typed })}`);
    if (input.value.trim() === typed && document.activeElement === input && accepted === null) open(answer.options);
  }

  input.addEventListener("input", () => {
    accepted = null;
    error.textContent = "";
    changed();
    close();
    clearTimeout(waiting);
    waiting = setTimeout(search, DEBOUNCE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (!panel) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      close();
    } else if ((event.key === "Tab" || event.key === "Enter") && active >= 0) {
      if (event.key === "Enter") event.preventDefault();
      accept(options[active]);
    }
  });
  input.addEventListener("blur", () => {
    close();
    if (accepted === null && input.value) error.textContent ||= "Vælg en vare på listen";
  });

  return {
    number: () => accepted,
    clear: () => { clearTimeout(waiting); close(); accepted = null; input.value = ""; },
  };
}
