"""ordrebog: a case is one page, its lines are a table on it, and one form below adds a line. An invented ERP."""

from urllib.parse import quote

from integrator.secret import Secret
from integrator.systems.browser.tab import Tab
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.amounts import amount_of, typed
from integrator.systems.workshops.erp import Entry, Line

_STATES = {"Åben": None, "Lukket": "case-closed", "Faktureret": "case-invoiced"}
_REFUSALS = ("product-unknown", "amount-refused", "case-closed")
_COLUMNS = ("lines.id", "lines.product", "lines.text", "lines.amount")
_TEXTS = "return arguments[0].map((one) => one.textContent.trim())"


class Ordrebog:
    """One browser on one workshop's ordrebog. The methods' errors are those of WorkshopErp."""

    BUSY = ()
    marker = " -- OilMat: "
    two_steps = False
    decimals = 2

    def __init__(self, tab: Tab, base_url: str, *, name_limit: int) -> None:
        self._tab, self._base_url, self._name_limit = tab, base_url.rstrip("/"), name_limit
        self._case, self._inside = "", False
        tab.look = self._look

    def log_in(self, username: str, password: Secret, totp: Secret | None) -> None:
        """Come to the list of cases; one attempt."""
        self._inside = False
        with self._tab.step("log in"):
            self._tab.open(self._base_url)
            if self._first("cases.title", "login.user") == "login.user":
                self._tab.fill("login.user", username)
                self._tab.fill("login.password", password.reveal(), secret=True)
                self._tab.touch(self._tab.need("login.submit"))
                if self._first("cases.title", "login.told") == "login.told":
                    raise self._turned_away()
        self._inside = True

    def _turned_away(self) -> Trouble:
        """Asked once the page has answered: a text that is looked for earlier may come a moment later."""
        if self._tab.find("login.wrong"):
            return Trouble("login-refused", "the login page refuses the user or the password (login.wrong)")
        return Trouble("login-attention", "the login page does not let us in, and says why (login.told)")

    def open_case(self, number: str) -> None:
        """Open the case with exactly this number: its address has it, and its heading must say it."""
        with self._tab.step("open case"):
            self._case = number
            self._load()
            state = self._tab.text(self._tab.need("case.state"))
            if state not in _STATES:
                raise Trouble("layout-changed", "case.state: a word that is not known")
            if code := _STATES[state]:
                raise Trouble(code, f"the case is {state}")
            if self._tab.find("case.locked"):
                raise Trouble("case-locked", "the page of the case names who has it open")

    def lines(self) -> list[Line]:
        """All lines of the case, freshly loaded; as many as the page announces."""
        with self._tab.step("read lines"):
            self._load()
            announced = self._tab.text(self._tab.need("lines.count")).split()[0]
            columns = [self._texts(name) for name in _COLUMNS]
            if {str(len(column)) for column in columns} != {announced}:
                raise Trouble("slow", "the table has not as many lines as the page announces")
            return [_line(*cells) for cells in zip(*columns, strict=True)]

    def prepare(self, entry: Entry) -> None:
        """Fill the form and read every field back. This ERP looks no product up: the text begins with its number."""
        with self._tab.step("prepare line"):
            text = entry.text(entry.product, self._room()) if entry.text else entry.product
            if text is None:
                raise Trouble("marker-too-long", "the id does not fit into entry.text")
            fields = {"product": entry.product, "text": text, "amount": typed(entry.amount)}
            for name, value in fields.items():
                if self._tab.fill(f"entry.{name}", value) != value:
                    raise Trouble("field-mismatch", f"entry.{name} does not hold what was typed into it")

    def save(self) -> None:
        """Touch the button once; the page that follows says that the line is saved, or why not."""
        with self._tab.step("save line"):
            self._tab.touch(self._tab.need("entry.save"))
            answer = self._first("saved.done", *(f"refusal.{code}" for code in _REFUSALS))
            if answer != "saved.done":
                raise Trouble(answer.removeprefix("refusal."), f"the line was refused ({answer})", definite=True)

    def finish(self, line_id: str, entry: Entry) -> None:
        raise RuntimeError("ordrebog saves a line whole: there is nothing to finish")

    def close_case(self) -> None:
        """Go back to the list of cases."""
        self._tab.open(self._base_url)

    def _load(self) -> None:
        """The page of the case, from the server; a dialog that is open is answered no."""
        self._tab.alert()
        self._tab.open(f"{self._base_url}/sag/{quote(self._case, safe='')}")
        if self._first("case.title", "case.missing", case=self._case) == "case.missing":
            raise Trouble("case-not-found", "the page says that there is no such case (case.missing)")

    def _first(self, *names: str, **fill: str) -> str:
        """Which of these elements the page shows. Errors: what _look() sees; "slow"; "layout-changed"."""

        def shown() -> str:
            return next((name for name in names if self._tab.find(name, None, **fill)), "")

        try:
            return self._tab.wait(" or ".join(names), shown)
        except Trouble as trouble:
            if trouble.code != "slow":
                raise
        self._tab.need(names[0], None, 0, **fill)  # says whether the page still loads or has changed
        return names[0]

    def _look(self) -> None:
        """Asked before a wait ends in vain: is this another page than we think?"""
        if self._inside and self._tab.find("login.password"):
            raise Trouble("session-lost", "the login form is shown")
        if self._tab.find("page.unavailable"):
            raise Trouble("erp-unavailable", "the page says that it is being mended (page.unavailable)")

    def _room(self) -> int:
        """How many characters a line's text may have: what the field takes, at most what the settings say."""
        with self._tab.guarded():
            most = int(str(self._tab.need("entry.text").get_property("maxLength")))
        return min(most, self._name_limit) if most >= 0 else self._name_limit

    def _texts(self, name: str) -> list[str]:
        with self._tab.guarded():
            return list(self._tab.driver.execute_script(_TEXTS, self._tab.all(name)))


def _line(own: str, product: str, text: str, amount: str) -> Line:
    try:
        return Line(own, product, text, amount_of(amount))
    except ValueError:
        raise Trouble("layout-changed", f"lines.amount: line {own} has no Danish number there") from None


ERP = Ordrebog
