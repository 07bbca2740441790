// The login, and the second page that asks for a code.

import { post } from "./api.js";
import { button, field, h } from "./dom.js";

export function loginPage(entered) {
  const email = field("E-mail", { formcontrolname: "email", type: "email" });
  const password = field("Adgangskode", { formcontrolname: "password", type: "password" });
  const send = async () => {
    const answer = await post("/login", { email: email.input.value, password: password.input.value });
    if (answer.code) return codePage(entered);
    return entered();
  };
  return formPage("Log ind", [email, password], "Log ind", send);
}

function codePage(entered) {
  const code = field("Engangskode", { formcontrolname: "code", inputmode: "numeric", maxlength: "6" });
  const send = async () => {
    await post("/login/code", { code: code.input.value });
    return entered();
  };
  const page = formPage("Indtast engangskode", [code], "Bekræft", send);
  document.querySelector("app-root").replaceChildren(page);
}

// A reactive form: the button wakes up when each field has had an input event; a value put there by script is not seen.
function formPage(title, fields, action, send) {
  const touched = new Set();
  const error = h("mat-error", { class: "ui-error mat-mdc-form-field-error", role: "alert" });
  const submit = button(action, { type: "submit", disabled: true, class: "ui-button ui-filled ui-wide mat-mdc-button" });
  for (const { input } of fields) {
    input.addEventListener("input", () => {
      touched.add(input);
      submit.disabled = touched.size < fields.length || fields.some((one) => !one.input.value);
    });
  }
  const submitted = async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    error.textContent = "";
    try {
      await send();
    } catch (failure) {
      error.textContent = failure.message;
      submit.disabled = false;
    }
  };
  const form = h("form", { class: "ui-login", novalidate: true, submit: submitted },
    h("h1", {}, title), fields.map((one) => one.box), error, submit);
  return h("div", { class: "ui-login-page" }, h("div", { class: "ui-brand" }, "AD Manager"), form);
}
