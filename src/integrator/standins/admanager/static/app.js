// AD Manager as a browser meets it: one page whose script draws login, list and worksheet.

import { get, onLoggedOut, post } from "./api.js";
import { button, h, say, useNames, worksheetPath } from "./dom.js";
import { loginPage } from "./login.js";
import { clearOverlays, cookieBar, dialog, redToast } from "./parts.js";
import { worksheetPage } from "./worksheet.js";
import { worksheetsPage } from "./worksheets.js";

const root = document.querySelector("app-root");
let me = null;

function go(path) {
  history.pushState(null, "", path);
  return show();
}

function entered() {
  return go("/");
}

async function show() {
  clearOverlays();
  const path = location.pathname.replace(/^\/opgaver/, "/worksheet");
  if (path === "/login") {
    me = null;
    root.replaceChildren(loginPage(entered));
    return;
  }
  try {
    me ??= await welcome();
  } catch (failure) {
    if (failure.status !== 401) root.replaceChildren(h("p", { class: "ui-boot" }, failure.message));
    return;
  }
  const number = /^\/worksheet\/([^/]+)$/.exec(path);
  const page = number ? worksheetPage(decodeURIComponent(number[1]), go) : path === "/worksheet" ? worksheetsPage(go) : frontPage();
  root.replaceChildren(shell(page));
}

async function welcome() {
  const found = await get("/me");
  if (found.cookies) cookieBar();
  if (found.news) dialog({ ...found.news, yes: "Luk" });
  return found;
}

function link(path, text) {
  const follow = (event) => { event.preventDefault(); go(path); };
  return h("a", { href: path, routerlink: path, class: "ui-link mat-mdc-list-item", click: follow }, say(text));
}

function shell(page) {
  const leave = async () => { await post("/logout", {}).catch(() => {}); go("/login"); };
  return h("div", { class: "ui-shell" },
    h("mat-toolbar", { class: "ui-toolbar mat-toolbar" }, h("span", { class: "ui-brand" }, "AD Manager"),
      h("nav", { class: "ui-menu", "aria-label": "Menu" }, link("/", "Forside"), link(worksheetPath(), "Arbejdskort")),
      h("span", { class: "ui-user" }, me.name), button("Log ud", { look: "ui-plain", click: leave })),
    h("main", { class: "ui-main" }, page));
}

function frontPage() {
  return h("section", { class: "ui-card" }, h("h1", {}, `Velkommen, ${me.name}`), h("p", {}, me.workshop));
}

async function boot() {
  const setup = await get("/setup").catch(() => ({ renamed: "" }));
  useNames(setup.renamed);
  onLoggedOut(() => go("/login"));
  addEventListener("popstate", show);
  addEventListener("unhandledrejection", (event) => event.reason.status === 401 || redToast(event.reason.message));
  await show();
}

boot();
