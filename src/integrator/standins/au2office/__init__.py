"""The au2office stand-in: a workshop's ERP as old server-rendered pages, with its logins on a second origin.

Invented after what is known of the real one (a separate login host, a portal, a window with frames, a list of lines
in which a product number and TAB save a line at once). Nothing of it was seen from inside. `seed` understands what
`workshop.data.Settings` says, and

| setting | default | effect |
|---|---|---|
| session_ttl_s | 1200 | a session ends after so long without a request |
| keep_alive | false | connections are used again (`workshop.staging` says what Chromium then does) |

`POST /faults` understands, beside the framework's own kinds and those of `workshop.staging`, with `case` and `times`:

| kind | settings (= default) | what happens |
|---|---|---|
| two_factor | code=123456 | a right login asks for a one-time code |
| password_expired | | a right login asks for a new password, and takes none |
| news_dialog | | the page "Driftsinformation" after a login |
| expire_after_requests | requests=1 | a session ends after so many more requests |
| session_ttl_s | seconds=1 | a session ends after so long without a request |
| name_limit | characters=30 | the name of a line is no longer |
| lock_case | by=mette, when (either of open, save) | a colleague opens the case just before we do that |
| close_case_before_save | status=lukket | a colleague closes (or "faktureret") the case just before a save |
| extra_line_by_colleague | product, name, amount, when=before | a colleague's line, just before or after ours |
| unknown_modal | title, text | a modal nobody knows lies over the lines |
| js_confirm | text | a confirm() before anything is posted from the lines |
| duplicate_question | | "Findes allerede, tilføj igen?" where the product is on the case |
| cut_second_step | field (any of navn, antal) | setting that field is an error 500, without effect |
| no_marker_field | | the name of a line cannot be changed |
| eats_comma | | the amount field drops the comma: 5,5 reads back as 55 |
| rename_ids | words=false | every id, name and class is another one; with words, what stands on buttons too |
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

import msgspec

from integrator.standins.au2office import shell
from integrator.standins.au2office.html import HTML, cookie, form_of, moved, shown, static
from integrator.standins.au2office.login import LOGIN, Auth
from integrator.standins.au2office.relayout import relaid
from integrator.standins.au2office.sessions import Session, Sessions
from integrator.standins.au2office.work import Work
from integrator.standins.base import Answer, Request
from integrator.standins.workshop.staging import ICON
from integrator.standins.workshop.standin import WorkshopRunning, WorkshopStandIn, guide_of, on_case

__all__ = ["APP", "AUTH", "Au2Office"]

# Where it is while nothing serves it.
APP, AUTH = "http://app.au2office.example.org", "http://login.au2office.example.org"
SESSION = "au2-session"
SETTINGS = __doc__


class Settings(msgspec.Struct, frozen=True):
    """What `seed` changes beside the shop."""

    session_ttl_s: Annotated[float, msgspec.Meta(ge=0)] = 1200
    keep_alive: bool = False


class Au2Office(WorkshopStandIn):
    """The stand-in. `clock` is where its times come from; served, it has two origins."""

    name = "au2office"
    guide = guide_of(name, {"fault": {"kind": "two_factor", "code": "123456"}, "times": 1}, SETTINGS)
    kinds: ClassVar[Mapping[str, Iterable[str]]] = {
        "two_factor": ("code",),
        "session_ttl_s": ("seconds",),
        "name_limit": ("characters",),
        "password_expired": (),
        "news_dialog": (),
        "expire_after_requests": ("requests",),
        "lock_case": ("by", "when"),
        "close_case_before_save": ("status",),
        "extra_line_by_colleague": ("product", "name", "amount", "when"),
        "unknown_modal": ("title", "text"),
        "js_confirm": ("text",),
        "duplicate_question": (),
        "cut_second_step": ("field",),
        "no_marker_field": (),
        "eats_comma": (),
        "rename_ids": ("words",),
    }

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__(clock)
        self.settings, self.sessions = Settings(), Sessions(clock)
        self.app, self.auth = APP, AUTH

    def reset(self) -> None:
        with self.lock:
            super().reset()
            self.settings, self.sessions = Settings(), Sessions(self.clock)

    def seed(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Change the shop and the settings; those not named stay. Errors: ValueError, and nothing is changed."""
        own = {name: value for name, value in settings.items() if name in Settings.__struct_fields__}
        try:
            changed = msgspec.convert({**msgspec.to_builtins(self.settings), **own}, Settings)
        except msgspec.ValidationError as error:
            raise ValueError(f"seed: {error}") from error
        with self.lock:
            super().seed({name: value for name, value in settings.items() if name not in own})
            self.settings, self.sessions.ttl_s = changed, changed.session_ttl_s
        return settings

    def state(self) -> dict[str, Any]:
        """The shop, and "logins": every login that was tried, [{"at", "email", "ok"}]."""
        with self.lock:
            return {**super().state(), "logins": list(self.sessions.attempts)}

    def saves(self, case: str | None) -> str:
        return rf"/sag/{on_case(case)}/linjer(/\d+)?"

    def pages(self, case: str) -> str:
        return rf"/sag/{on_case(case)}(/.*)?"

    def served(self, port: int, control_port: int) -> WorkshopRunning:
        from integrator.standins.au2office.serving import serve  # it knows this class

        return serve(self, port=port, control_port=control_port)

    def handle(self, request: Request) -> Answer:
        answer = self._handled(request)
        if not self.settings.keep_alive:
            answer.headers["Connection"] = "close"
        return answer

    def _handled(self, request: Request) -> Answer:
        if request.path == ICON:  # not by way of the login, whose page a fault may be meant for
            return _nowhere()
        if page := static(request.path):
            return page
        with self.lock:
            before = len(self.shop.saves)
            try:
                answer = self._answer(request) or _nowhere()
            finally:
                self.saved(request, before)
            changed = None if answer.content_type != HTML else self.stage.take("rename_ids")
        if changed and isinstance(answer.body, str):
            answer.body = relaid(answer.body, words=bool(changed.get("words")))
        return answer

    def _answer(self, request: Request) -> Answer | None:
        if f"http://{request.headers.get('host', '')}" == self.auth:
            return Auth(self.shop, self.sessions, self.stage, self.app).answer(request)
        if request.path == "/signin":
            return self._sign_in(request)
        session = self._session(cookie(request, SESSION))
        if session is None:
            return self._to_login(request)
        return self._page(request, session) if session.read_notice else self._notice(request, session)

    def _session(self, secret: str) -> Session | None:
        session = self.sessions.get(secret)
        if session is None:
            return None
        if session.ttl_s is None and (fault := self.stage.take("session_ttl_s")):
            session.ttl_s = float(fault.get("seconds", 1))
        if session.left is None and (fault := self.stage.take("expire_after_requests")):
            session.left = int(fault.get("requests", 1))
        if self.sessions.get(secret) is None:
            return None
        self.sessions.use(session)
        return session

    def _to_login(self, request: Request) -> Answer:
        # What was posted is lost: after the login there is only an address to come back to.
        back = request.target if request.method == "GET" and request.path != "/" else "/portal"
        return moved(f"{self.auth}{LOGIN}?ReturnUrl={quote(back, safe='')}")

    def _sign_in(self, request: Request) -> Answer:
        secret = self.sessions.open(request.first("ticket"), read_notice=self.stage.take("news_dialog") is None)
        if secret is None:
            return moved(f"{self.auth}{LOGIN}")
        back = request.first("ReturnUrl")
        to = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/portal"
        return moved(to, **{SESSION: f"{secret}; Path=/; HttpOnly; SameSite=Lax"})

    def _notice(self, request: Request, session: Session) -> Answer:
        if (request.method, request.path) != ("POST", "/driftsinformation"):
            return shell.notice(session)
        session.read_notice = form_of(request).get("token") == session.form_token
        return moved("/portal")

    def _page(self, request: Request, session: Session) -> Answer | None:
        if request.path.startswith("/sag/"):
            return Work(self.shop, self.stage, session).answer(request)
        if request.path == "/logud":
            self.sessions.end(cookie(request, SESSION))
            return moved(f"{self.auth}{LOGIN}")
        if request.method != "GET":
            return None
        match request.path:
            case "/":
                return moved("/portal")
            case "/portal":
                return shell.portal(session)
            case "/portal/katalog" | "/portal/lager" | "/portal/rapporter":
                return shell.closed_room(session)
            case "/kundestyring":
                return shell.frames(session, self.auth)
            case "/menu":
                return shell.menu()
            case "/kunder" | "/biler" | "/hjaelp":
                return shell.empty_room({"/kunder": "Kunder", "/biler": "Køretøjer"}.get(request.path, "Hjælp"))
        return None


def _nowhere() -> Answer:
    return shown("Siden findes ikke", "<h1>Siden findes ikke</h1>", kind="indhold", status=404)
