"""The pages of ordrebog, an ERP that nobody has: the worked example of docs/workshop-types.md is tried on them."""

import html
from typing import Any
from urllib.parse import parse_qs

from integrator.standins.base import Answer, Request, StandIn

USER, PASSWORD = "oilmat@example.org", "demo-workshop"
KNOWN = {"OL-0530", "OL-1040"}
MAX_TEXT = 40
_PAGE = "text/html; charset=utf-8"
_COOKIE = "ordrebog=inde"


class OrdrebogPages(StandIn):
    """Cases by their number, each with a state and lines. locked: who has case 563 open."""

    name = "ordrebog"

    def __init__(self) -> None:
        super().__init__()
        self.states = {"56": "Åben", "560": "Åben", "561": "Lukket", "563": "Åben"}
        self.lines_of: dict[str, list[dict[str, str]]] = {number: [] for number in self.states}
        self.logins: list[bool] = []
        self._last_line = 100

    def state(self) -> dict[str, Any]:
        cases = [{"number": number, "lines": list(lines)} for number, lines in self.lines_of.items()]
        return {"cases": cases, "logins": [{"ok": ok} for ok in self.logins]}

    def handle(self, request: Request) -> Answer:
        with self.lock:
            if request.path == "/ind" and request.method == "POST":
                return self._logged_in(_form(request))
            if _COOKIE not in request.headers.get("cookie", ""):
                return _page(_login())
            if not request.path.startswith("/sag/"):
                return _page("<h1>Sager</h1><form><label>Sagsnr. <input name=sag></label></form>")
            return self._case(request, request.path.removeprefix("/sag/"))

    def _logged_in(self, form: dict[str, str]) -> Answer:
        self.logins.append((form.get("bruger"), form.get("kode")) == (USER, PASSWORD))
        if not self.logins[-1]:
            return _page(_login("<p role=alert>Forkert bruger eller kode</p>"))
        return Answer(303, headers={"Location": "/", "Set-Cookie": f"{_COOKIE}; Path=/; HttpOnly"})

    def _case(self, request: Request, number: str) -> Answer:
        if number not in self.states:
            return _page("<p>Sagen findes ikke</p>", 404)
        if request.method == "POST":
            return self._added(request, number, _form(request))
        return _page(self._shown(number, "<p role=status>Linjen er gemt</p>" if "gemt" in request.query else ""))

    def _added(self, request: Request, number: str, form: dict[str, str]) -> Answer:
        if form["varenr"] not in KNOWN:
            return _page(self._shown(number, "<p role=alert>Varen kendes ikke</p>"))
        self._last_line += 1
        line = {"id": str(self._last_line), "product": form["varenr"], "name": form["tekst"], "amount": form["antal"]}
        self.lines_of[number].append(line)
        request.effect(kind="new", case=number, user=USER, **line)
        return Answer(303, headers={"Location": f"/sag/{number}?gemt=1"})

    def _shown(self, number: str, told: str) -> str:
        state, lines = self.states[number], self.lines_of[number]
        rows = "".join(
            f"<tr><td data-felt=linje>{line['id']}<td data-felt=varenr>{html.escape(line['product'])}"
            f"<td data-felt=tekst>{html.escape(line['name'])}<td data-felt=antal>{line['amount']}"
            for line in lines
        )
        locked = "<p>Låst af Mette</p>" if number == "563" else ""
        return (
            f"<h1>Sag {number}</h1><p>Status: <b data-felt=status>{state}</b></p>{locked}{told}"
            f"<table><caption>{len(lines)} linjer</caption>{rows}</table>{_entry(number) if state == 'Åben' else ''}"
        )


def _login(told: str = "") -> str:
    return (
        f"<h1>Ordrebog</h1><form method=post action='/ind'>{told}<label>Bruger: <input name=bruger></label>"
        "<label>Kode: <input name=kode type=password></label><button>Log ind</button></form>"
    )


def _entry(number: str) -> str:
    return (
        f"<form method=post action='/sag/{number}'><label>Varenr. <input name=varenr></label>"
        f"<label>Tekst <input name=tekst maxlength={MAX_TEXT}></label><label>Antal <input name=antal></label>"
        "<button>Gem linje</button></form>"
    )


def _page(body: str, status: int = 200) -> Answer:
    text = f"<!DOCTYPE html><html lang=da><meta charset=utf-8><title>Ordrebog</title>{body}"
    return Answer(status, text, content_type=_PAGE)


def _form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
