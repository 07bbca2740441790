// The JSON API behind the pages. A 401 on anything leads back to the login, whatever was typed until then.

import { redBar } from "./parts.js";

export class Failure extends Error {
  constructor(status, body) {
    super(body.message ?? (status ? "Der opstod en fejl" : "Ingen forbindelse til serveren"));
    this.status = status;
    this.body = body;
  }
}

let loggedOut = () => {};

export function onLoggedOut(listener) {
  loggedOut = listener;
}

// Errors: Failure; status 0 when there was no answer or none that can be read.
export async function call(method, path, body) {
  const options = { method, headers: { Accept: "application/json" }, cache: "no-store" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let answer = null;
  let read = {};
  try {
    answer = await fetch(`/api${path}`, options);
    read = await answer.json();
  } catch {
    if (!answer || answer.ok) throw new Failure(0, {});
  }
  redBar(answer.status === 503 ? read.message ?? "Vi opdaterer systemet" : "");
  if (answer.ok) return read;
  if (answer.status === 401 && !path.startsWith("/login")) loggedOut();
  throw new Failure(answer.status, read);
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);
