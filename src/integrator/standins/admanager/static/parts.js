// What lies over the pages: toasts, dialogs, the cookie bar.

import { button, h, newId, overlays } from "./dom.js";

const TOAST_MS = 4000;

export function toast(text) {
  showToast(h("div", { class: "ui-toast mat-mdc-snack-bar-container", role: "status", "aria-live": "polite" }, text));
}

export function redToast(text) {
  showToast(h("div", { class: "ui-toast ui-red mat-mdc-snack-bar-container", role: "alert" }, text));
}

// One at a time, as the framework does it: a new one takes the place of the old one.
function showToast(element) {
  for (const old of document.querySelectorAll(".ui-toast")) old.remove();
  overlays().append(element);
  setTimeout(() => element.remove(), TOAST_MS);
}

// Resolves to true for the first button and false for the second one.
export function dialog({ title, text, yes, no = null }) {
  return new Promise((resolve) => {
    const titleId = newId("mat-mdc-dialog-title");
    const end = (answer) => { veil.remove(); resolve(answer); };
    const actions = [button(yes, { click: () => end(true) })];
    if (no) actions.push(button(no, { look: "ui-plain", click: () => end(false) }));
    const box = h("mat-dialog-container",
      { class: "ui-dialog mat-mdc-dialog-container", role: "dialog", "aria-modal": "true", "aria-labelledby": titleId, tabindex: "-1" },
      h("h2", { id: titleId, class: "mat-mdc-dialog-title" }, title),
      h("p", { class: "mat-mdc-dialog-content" }, text),
      h("div", { class: "ui-actions mat-mdc-dialog-actions" }, actions));
    const veil = h("div", { class: "ui-veil cdk-overlay-backdrop" }, box);
    overlays().append(veil);
    box.focus();
  });
}

// What the server wants to have asked, as a dialog of the page or of the browser. Resolves to what was answered.
export async function tell(notice) {
  if (notice.kind === "confirm") return window.confirm(notice.text);
  return dialog(notice);
}

export function cookieBar() {
  if (localStorage.getItem("cookies") === "ok" || document.querySelector(".ui-cookies")) return;
  const accept = () => { localStorage.setItem("cookies", "ok"); bar.remove(); };
  const bar = h("div", { class: "ui-cookies", role: "region", "aria-label": "Cookies" },
    h("p", {}, "Vi bruger cookies til login og statistik."), button("Accepter", { click: accept }));
  overlays().append(bar);
}

// Whatever a page left open goes with it.
export function clearOverlays() {
  for (const open of document.querySelectorAll(".ui-veil, .ui-options")) open.remove();
}

export function redBar(text) {
  for (const old of document.querySelectorAll(".ui-redbar")) old.remove();
  if (text) document.body.prepend(h("div", { class: "ui-redbar", role: "alert" }, text));
}
