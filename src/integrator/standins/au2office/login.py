"""The auth server: the login form, what it refuses, and its own pages for accounts that need a person."""

from html import escape
from urllib.parse import quote

from integrator.standins.au2office.html import cookie, form_of, hidden, message, moved, shown
from integrator.standins.au2office.sessions import Sessions
from integrator.standins.base import Answer, Request
from integrator.standins.workshop.data import Shop
from integrator.standins.workshop.staging import Stage

LOGIN = "/Account/Login"
FORM_COOKIE = "au2-antiforgery"  # a port does not separate cookies: names must not be those of the app
WRONG = "Forkert brugernavn eller adgangskode"
BARRED = "Kontoen er spærret. Kontakt support."
EXPIRED_FORM = "Formularen er udløbet. Prøv igen."
TWO_FACTOR, CHANGE = "/Account/TwoFactor", "/Account/ChangePassword"


class Auth:
    """What is served on the auth origin; `app` is the address of the other one."""

    def __init__(self, shop: Shop, sessions: Sessions, stage: Stage, app: str) -> None:
        self.shop, self.sessions, self.stage, self.app = shop, sessions, stage, app

    def answer(self, request: Request) -> Answer | None:
        """The answer of an address; None for an address that is none."""
        match request.method, request.path:
            case "GET", "/":
                return moved(LOGIN)
            case "GET", "/Account/Login":
                return self._form(request.first("ReturnUrl"))
            case "POST", "/Account/Login":
                return self._log_in(request)
            case (("GET" | "POST"), "/Account/TwoFactor"):
                return self._two_factor(request)
            case (("GET" | "POST"), "/Account/ChangePassword"):
                return self._new_password(request)
        return None

    def _form(self, back: str, error: str = "", email: str = "") -> Answer:
        token = self.sessions.new_form()
        summary = f'<div class="validation-summary-errors"><ul><li>{escape(error)}</li></ul></div>' if error else ""
        answer = shown("Log ind", _LOGIN.format(**_escaped(back, token, email), summary=summary), kind="auth")
        answer.headers["Set-Cookie"] = f"{FORM_COOKIE}={token}; Path=/Account; HttpOnly; SameSite=Strict"
        return answer

    def _log_in(self, request: Request) -> Answer:
        form = form_of(request)
        email, back = form.get("Email", ""), form.get("ReturnUrl", "")
        if not self._is_ours(request, form):
            return self._form(back, EXPIRED_FORM, email)
        if self.sessions.is_barred(email):
            self.sessions.tried(email, ok=False)
            return self._form(back, BARRED, email)
        known = self.shop.knows(email, form.get("Password", ""))
        self.sessions.tried(email, ok=known)
        if not known:
            return self._form(back, BARRED if self.sessions.is_barred(email) else WRONG, email)
        if asked := self.stage.take("two_factor"):
            return moved(f"{TWO_FACTOR}?id={self.sessions.ask_code(email, str(asked.get('code', '123456')), back)}")
        if self.stage.take("password_expired"):
            return moved(CHANGE)
        return self._let_in(email, back)

    def _let_in(self, email: str, back: str) -> Answer:
        ticket = self.sessions.new_ticket(email)
        return moved(f"{self.app}/signin?ticket={ticket}&ReturnUrl={quote(_local(back), safe='')}")

    def _is_ours(self, request: Request, form: dict[str, str]) -> bool:
        token = form.get("__RequestVerificationToken", "")
        return token == cookie(request, FORM_COOKIE) and self.sessions.use_form(token)

    def _two_factor(self, request: Request) -> Answer:
        form = form_of(request) if request.method == "POST" else {"id": request.first("id")}
        completed = self.sessions.give_code(form.get("id", ""), form.get("Code", ""))
        if completed:
            return self._let_in(*completed)
        told = ("fejl", "Forkert engangskode") if "Code" in form else None
        return shown("Engangskode", message(told) + _TWO_FACTOR.format(hidden("id", form.get("id", ""))), kind="auth")

    def _new_password(self, request: Request) -> Answer:
        told = ("fejl", "Adgangskoden kan ikke bruges") if request.method == "POST" else None
        return shown("Skift adgangskode", message(told) + _CHANGE, kind="auth")


def _local(back: str) -> str:
    """Only an address on the app itself: anything else would make the login form a way to elsewhere."""
    return back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/portal"


def _escaped(back: str, token: str, email: str) -> dict[str, str]:
    fields = hidden("__RequestVerificationToken", token) + hidden("ReturnUrl", back)
    return {"hidden": fields, "email": escape(email)}


_LOGIN = """<div class="login"><h1>au2<b>office</b></h1>
<form method="post" action="/Account/Login" autocomplete="off">{hidden}
<h2>Log ind</h2>{summary}
<label for="inputEmail">E-mail</label><input id="inputEmail" name="Email" type="email" value="{email}" required>
<label for="inputPassword">Adgangskode</label><input id="inputPassword" name="Password" type="password" required>
<p><button class="btn" type="submit">Log ind</button></p></form>
<p class="fod">Support: hverdage 8-16 &middot; support@au2office.example.org</p></div>"""

_TWO_FACTOR = """<div class="login"><h1>au2<b>office</b></h1><form method="post" action="/Account/TwoFactor">{}
<h2>Bekræft login</h2><p>Vi har sendt en kode til din telefon.</p>
<label for="inputCode">Indtast engangskode</label><input id="inputCode" name="Code" inputmode="numeric">
<p><button class="btn" type="submit">Bekræft</button></p></form></div>"""

_CHANGE = """<div class="login"><h1>au2<b>office</b></h1><form method="post" action="/Account/ChangePassword">
<h2>Din adgangskode er udløbet</h2>
<label for="inputNew">Ny adgangskode</label><input id="inputNew" name="New" type="password">
<label for="inputRepeat">Gentag</label><input id="inputRepeat" name="Repeat" type="password">
<p><button class="btn" type="submit">Skift adgangskode</button></p></form></div>"""
