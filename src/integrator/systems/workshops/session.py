"""One browser and one login for all orderlines of a run; both begin when they are first needed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from integrator.domain.orderlines.reasons import REASONS
from integrator.errors import ConfigError
from integrator.secret import Secret
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops import erp_of

if TYPE_CHECKING:
    from integrator.systems.browser.locators import Locators
    from integrator.systems.browser.session import Browser
    from integrator.systems.browser.tab import Tab
    from integrator.systems.workshops.erp import WorkshopErp


@dataclass(frozen=True)
class Login:
    username: str
    password: Secret
    totp: Secret | None

    @property
    def secrets(self) -> list[str]:
        """What no text that we keep may hold."""
        return [secret.reveal() for secret in (self.password, self.totp) if secret is not None]


def _of_the_login(trouble: Trouble) -> Trouble:
    """No order is at fault for what is seen while we log in: what would fail one of them is for a person to see."""
    if REASONS[trouble.code].then != "failed":
        return trouble
    return Trouble("login-attention", f"{trouble.message} ({trouble.code})")


class _Discreet:
    """An ERP whose troubles are told without a secret."""

    def __init__(self, erp: "WorkshopErp", discreet: Callable[[], AbstractContextManager[None]]) -> None:
        self._erp, self._discreet = erp, discreet

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._erp, name)
        if not callable(found):
            return found

        def told(*given: Any, **named: Any) -> Any:
            with self._discreet():
                return found(*given, **named)

        return told


@dataclass
class BrowserSession:
    """What OrderlineSender works with (sender.Session). Make it in the main thread: see browser.process.

    start     starts a browser; logins and starts count what was done
    told      called after each login that was let in
    """

    kind: str
    base_url: str
    login: Callable[[], Login]
    start: "Callable[[], Browser]"
    locators: "Locators"
    evidence: Path
    stamp: Callable[[], str]
    timeout_s: float
    name_limit: int
    told: Callable[[], None] = lambda: None
    starts: int = 0
    logins: int = 0
    _browser: "Browser | None" = None
    _tab: "Tab | None" = None
    _erp: "WorkshopErp | None" = None
    _refused: Trouble | None = field(default=None)
    _login: Login | None = field(default=None, repr=False)

    def erp(self) -> "WorkshopErp":
        """The ERP, logged in.

        Errors  Trouble: no browser, no page, or no way in; who was turned away is not tried again in this run
        """
        if self._refused is not None:
            raise self._refused
        if self._erp is not None:
            return self._erp
        login, erp = self._own_login(), self._opened()
        self.logins += 1
        try:
            erp.log_in(login.username, login.password, login.totp)
        except Trouble as trouble:
            found = _of_the_login(trouble)
            if REASONS[found.code].then == "blocked":
                self._refused = found
            raise found from trouble.__cause__
        self._erp = erp
        self.told()
        return erp

    def _opened(self) -> "WorkshopErp":
        erp = erp_of(self.kind)
        if self._tab is None:
            from integrator.systems.browser.tab import Tab

            self._browser = self.start()
            self.starts += 1
            self._tab = Tab(self._browser.driver, self.locators, timeout_s=self.timeout_s, busy=erp.BUSY)
        return cast("WorkshopErp", _Discreet(erp(self._tab, self.base_url, name_limit=self.name_limit), self._discreet))

    @contextmanager
    def _discreet(self) -> Iterator[None]:
        """A trouble quotes what a page says, and goes into store and log: a page may say a secret.

        An element that the browser cannot look for is one that it does not find.
        """
        from integrator.systems.browser.evidence import Masker

        try:
            yield
        except Trouble as trouble:
            message = Masker(self._secrets())(trouble.message)
            raise Trouble(trouble.code, message, definite=trouble.definite) from trouble.__cause__
        except ConfigError as error:  # the locator file of a home is not sound
            raise Trouble("layout-changed", error.message) from error

    def renew(self) -> None:
        """The login is over."""
        self._erp = None

    def drop(self) -> None:
        """The browser is lost, or nobody knows in which state it is."""
        self._erp = self._tab = None
        if self._browser is not None:
            self._browser.close()
            self._browser = None

    def leave(self) -> None:
        """Close the case that is open, so that a colleague can have it."""
        if self._erp is not None:
            with suppress(Trouble):
                self._erp.close_case()
        if self._tab is not None:
            self._tab.steps.clear()  # the next order's evidence tells of that order

    def capture(self, name: str, error: str) -> str | None:
        """Pictures and pages of what the browser shows now, in a folder of their own below evidence."""
        if self._tab is None:
            return None
        from integrator.systems.browser.evidence import capture

        workshop, _, unique_id = name.partition("/")
        folder = self.evidence / workshop / f"{self.stamp()}-{unique_id}"
        kept = capture(self._tab, folder, secrets=self._secrets(), error=error)
        return None if kept is None else str(kept.relative_to(self.evidence))

    def _secrets(self) -> Sequence[str]:
        return self._own_login().secrets

    def _own_login(self) -> Login:
        """Asked for once: a command that gives a secret may fail the next time, or ask somebody."""
        if self._login is None:
            self._login = self.login()
        return self._login

    def close(self) -> None:
        self.drop()

    def __enter__(self) -> "BrowserSession":
        """Errors  ConfigError: there is no login to be had; no browser was started, and nothing begun"""
        self._own_login()
        return self

    def __exit__(self, *gone: Any) -> None:
        self.close()
