"""What the app server does in the frame with the cases: search, look, and the two steps of writing a line."""

from urllib.parse import quote

from integrator.standins.au2office import case_pages, line_pages
from integrator.standins.au2office.html import form_of, moved, number_in, shown
from integrator.standins.au2office.line_pages import View
from integrator.standins.au2office.relayout import read_back
from integrator.standins.au2office.sessions import Session
from integrator.standins.base import Answer, Request
from integrator.standins.workshop.data import Case, Line, Product, Refused, Shop
from integrator.standins.workshop.staging import Stage

ASK_AGAIN = "Varen findes allerede på sagen. Findes allerede, tilføj igen?"
UNKNOWN_NOTICE = "Kunden har en ubesvaret besked. Marker som læst?"
NOT_IN_STOCK = "Bemærk: ikke på lager"


class Work:
    """One session at work. Its methods answer addresses, and change the shop by the shop's own rules."""

    def __init__(self, shop: Shop, stage: Stage, session: Session) -> None:
        self.shop, self.stage, self.session = shop, stage, session

    def answer(self, request: Request) -> Answer | None:
        """The answer of an address below /sag; None for an address that is none."""
        parts = request.path.split("/")[2:]
        if request.method == "GET" and parts == ["liste"]:
            return self._list(request)
        try:
            return self._case(request, self.shop.case(parts[0]), parts[1:]) if parts else None
        except Refused as refused:
            return shown("Fejl", f"<h1>{refused.text}</h1>", kind="indhold", status=404)

    def _list(self, request: Request) -> Answer:
        text = read_back({name: values[0] for name, values in request.query.items()}).get("sagsnr", "")
        return case_pages.listed(self.shop.found(text), text, _page(request), self.session)

    def _case(self, request: Request, case: Case, rest: list[str]) -> Answer | None:
        self._locked_by_a_colleague(case, "save" if request.method == "POST" else "open")
        match request.method, rest:
            case "GET", []:
                return self._tab(case, "", case_pages.facts(case))
            case "GET", ["arbejde"]:
                return self._tab(case, "/arbejde", case_pages.WORK)
            case "GET", ["historik"]:
                return self._tab(case, "/historik", case_pages.history(case))
            case "GET", ["linjer"]:
                return self._lines(request, case)
            case "POST", ["linjer"]:
                return self._post(request, case, None)
            case "POST", ["linjer", line_id] if number_in(line_id, 0):
                return self._post(request, case, self.shop.line(case.key, int(line_id)))
        return None

    def _tab(self, case: Case, tab: str, body: str) -> Answer:
        return case_pages.case_page(case, self.session, tab, body)

    def _lines(self, request: Request, case: Case) -> Answer:
        view = View(case, self.session, _page(request), number_in(request.first("ret"), 0), self._limit(case))
        view.typed = request.first("soeg")
        view.hits = self.shop.hits(view.typed) if view.typed else None
        if asked := self.stage.take("js_confirm", case.key):
            view.asks = str(asked.get("text", "Er du sikker?"))
        if modal := self.stage.take("unknown_modal", case.key):
            view.notice = str(modal.get("title", "Besked")), str(modal.get("text", UNKNOWN_NOTICE))
        view.name_field = self.stage.take("no_marker_field", case.key) is None
        view.eats_comma = self.stage.take("eats_comma", case.key) is not None
        return self._tab(case, "/linjer", line_pages.table(view))

    # Writing

    def _post(self, request: Request, case: Case, line: Line | None) -> Answer:
        form = form_of(request)
        back = View(case, self.session).path
        if form.get("token") != self.session.form_token:
            return shown("Fejl", "<h1>Ugyldig formular</h1><p>Genindlæs siden.</p>", kind="indhold", status=400)
        self._closed_by_a_colleague(case)
        try:
            return self._step_one(case, form) if line is None else self._step_two(request, case, line, form)
        except Refused as refused:
            self.session.flash = ("fejl", refused.text)
            return moved(back)

    def _step_one(self, case: Case, form: dict[str, str]) -> Answer:
        """Put a product on the case with the amount 1,00 and the register's name, at once."""
        view, typed = View(case, self.session), form.get("varenr", "").strip()
        number = form.get("valgt", typed)
        self.shop.writable(case.key, self.session.user)
        if "valgt" not in form:
            hits = self.shop.hits(typed)
            if hits and [hit.number for hit in hits] != [typed]:
                return moved(f"{view.path}?soeg={quote(typed, safe='')}")
        if self._asks_again(case, number, form):
            return shown("Spørgsmål", line_pages.asking(view, number, ASK_AGAIN), kind="indhold")
        self._colleague(case, number, "before")
        line = self.shop.new_line(case.key, number, self.session.user)
        self._colleague(case, number, "after")
        product = self.shop.products[line.product]
        self.session.flash = ("besked", "Gemt") if _is_there(product) else ("advarsel", NOT_IN_STOCK)
        return moved(f"{view.path}?side={line_pages.page_with(case, line.id)}")

    def _asks_again(self, case: Case, number: str, form: dict[str, str]) -> bool:
        if "igen" in form or all(line.product != number for line in case.lines):
            return False
        return self.stage.take("duplicate_question", case.key) is not None

    def _step_two(self, request: Request, case: Case, line: Line, form: dict[str, str]) -> Answer:
        """Set one field of a line; the other one is not touched."""
        given = {"name": form.get("navn"), "amount": form.get("antal")}
        if self.stage.take("no_marker_field", case.key):
            given["name"] = None
        if any(self._is_cut(case, name) for name in ("navn", "antal") if name in form):
            return shown("Fejl", "<h1>Der er opstået en fejl</h1><p>Fejl 500</p>", kind="indhold", status=500)
        if given["name"] is not None and not given["name"].strip():
            self.session.flash = ("fejl", "Varenavn mangler")
        else:
            name = None if given["name"] is None else given["name"].strip()[: self._limit(case)]
            self.shop.change_line(case.key, line.id, self.session.user, name=name, amount=given["amount"])
            self.session.flash = ("besked", "Gemt")
        page = line_pages.page_with(case, line.id)
        return moved(f"{View(case, self.session).path}?side={page}&ret={line.id}")

    # What is staged

    def _limit(self, case: Case) -> int:
        fault = self.stage.take("name_limit", case.key)
        return self.shop.name_limit if fault is None else int(fault.get("characters", 30))

    def _is_cut(self, case: Case, field: str) -> bool:
        return self.stage.take("cut_second_step", case.key, field=field) is not None

    def _locked_by_a_colleague(self, case: Case, when: str) -> None:
        if fault := self.stage.take("lock_case", case.key, when=when):
            case.locked_by = str(fault.get("by", "mette"))

    def _closed_by_a_colleague(self, case: Case) -> None:
        if fault := self.stage.take("close_case_before_save", case.key):
            case.status = "faktureret" if fault.get("status") == "faktureret" else "lukket"

    def _colleague(self, case: Case, number: str, when: str) -> None:
        """Let a colleague put a line on the case just now; the same product, unless another was staged."""
        if fault := self.stage.take("extra_line_by_colleague", case.key, when=when):
            name, amount = fault.get("name"), str(fault.get("amount", "1,00"))
            self.shop.new_line(case.key, fault.get("product", number), "mette", name=name, amount=amount)


def _is_there(product: Product) -> bool:
    return product.stock > 0


def _page(request: Request) -> int:
    return max(1, number_in(request.first("side"), 1))
