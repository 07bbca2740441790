// Building elements as the framework does: attributes, generated ids, and the other names of a changed layout.

const state = { renamed: "", next: 0 };
const OTHER_WORDS = {
  "E-mail": "Brugernavn", "Adgangskode": "Kodeord", "Log ind": "Fortsæt", "Arbejdskort": "Opgaver", "Søg": "Find",
  "Varenr.": "Artikel", "Varenavn": "Beskrivelse", "Antal": "Mængde", "Tilføj linje": "Opret", "Engangskode": "Kode",
};
const FRAMEWORK_NAME = /^(mat|mdc|cdk|ng|line|worksheet)-/;

export function useNames(renamed) {
  state.renamed = renamed;
}

export function worksheetPath() {
  return state.renamed === "all" ? "/opgaver" : "/worksheet";
}

// "mat-input-7": counts over the whole life of the page, so the same field has another id the next time it is shown.
export function newId(kind) {
  return `${kind}-${state.next++}`;
}

export function say(text) {
  if (state.renamed !== "all") return text;
  return Object.hasOwn(OTHER_WORDS, text) ? OTHER_WORDS[text] : text;
}

function scrambled(name) {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.charCodeAt(0)) % 1_000_003;
  return `x${sum.toString(36)}`;
}

function named(name) {
  return state.renamed && FRAMEWORK_NAME.test(name) ? scrambled(name) : name;
}

function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (typeof value === "function") {
    element.addEventListener(name, value);
  } else if (name === "class") {
    element.className = value.split(" ").map(named).join(" ");
  } else if (state.renamed && /^(data-|routerlink$|matinput$)/.test(name)) {
    element.setAttribute(`data-${scrambled(name)}`, value);
  } else if (state.renamed && name === "formcontrolname") {
    element.setAttribute(name, scrambled(value));
  } else {
    element.setAttribute(name, value === true ? "" : value);
  }
}

// h("div", {class, role, click: listener}, child, "text", …)
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag.includes("-") ? named(tag) : tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

// A labelled input; `input` and `error` are the parts a page needs again.
export function field(label, attributes, options = {}) {
  const id = newId("mat-input");
  const errorId = newId("mat-mdc-error");
  const input = h("input", {
    id, class: "ui-input mat-mdc-input-element", matinput: true, autocomplete: "off",
    "aria-describedby": errorId, ...attributes,
  });
  const error = h("mat-error", { id: errorId, class: "ui-error mat-mdc-form-field-error", role: "alert" });
  const box = h("mat-form-field", { class: `ui-field mat-mdc-form-field ${options.class ?? ""}`.trim() },
    h("label", { for: id, class: "ui-label" }, say(label)), input, error);
  return { box, input, error };
}

export function button(text, attributes = {}) {
  const look = attributes.look ?? "ui-filled";
  const { look: _, ...rest } = attributes;
  return h("button", { type: "button", class: `ui-button ${look} mat-mdc-button`, ...rest },
    h("span", { class: "mdc-button__label" }, say(text)));
}

export function overlays() {
  return document.querySelector(".ui-overlays");
}
