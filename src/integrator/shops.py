"""Settings → what works for one workshop: its rules, its login, its browser. Heavy imports happen on first use."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from integrator.errors import ConfigError, Problem
from integrator.home import Home, shipped
from integrator.jobs.push_orderline import Book, Shop
from integrator.secret import SecretError
from integrator.settings import Settings, Variables

if TYPE_CHECKING:
    from integrator.systems.browser.locators import Locators
    from integrator.systems.browser.session import Browser, BrowserOptions
    from integrator.systems.workshops.sender import OrderlineSender
    from integrator.systems.workshops.session import BrowserSession, Login

_COMMAND_S = 30.0  # of one command to the driver: what does not answer within it is frozen,
_TO_ANSWER_S = 10.0  # unless a page may take longer; this long after that it must have said so


class Shops:
    """The workshops of a home.

    scratch   a folder for the browser's own files (its profile), gone with the run
    start     starts a browser; None: as systems.browser does
    sleep     waits between looks after a doubt
    """

    def __init__(
        self,
        settings: Settings,
        scratch: Path,
        *,
        start: "Callable[[BrowserOptions], Browser] | None" = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._scratch = scratch
        self._start = start
        self._sleep = sleep

    def shop(self, workshop: str) -> Shop:
        """What push_orderline needs to work for one workshop."""
        from integrator.systems.workshops.sender import OrderlineSender, Rules

        settings = self._settings.workshops[workshop]
        rules = Rules(
            marker_field=settings.marker_field == "name",
            existing_fails=settings.existing_line == "fail",
            name_limit=settings.name_limit,
            look_again_s=self._settings.jobs["push-orderline"].policy["look_again"],
            pictures=settings.pictures == "always",
            user=settings.shown_user or settings.username,
        )

        def sender(session: "BrowserSession", book: Book) -> "OrderlineSender":
            return OrderlineSender(session, book, rules, settings.settle_s, self._sleep)

        like_it = tuple(other.id for other in self._settings.workshops.values() if other.type == settings.type)
        return Shop(settings, like_it, lambda: self.session(workshop), sender)

    def session(self, workshop: str) -> "BrowserSession":
        """A browser for one workshop, not started yet.

        Errors  ConfigError: its locator file is wrong, or nothing here works with its type
        """
        from integrator.systems.browser.session import start
        from integrator.systems.workshops import is_known
        from integrator.systems.workshops.session import BrowserSession

        settings, home = self._settings.workshops[workshop], self._settings.home
        if not is_known(settings.type):
            what = f"[{workshop}] type: {settings.type} has a locator file, but this program has no such type of ERP"
            raise ConfigError([Problem("config/workshops.toml", what)], hint="integrator check workshops")
        options = self._browser_options(workshop)
        return BrowserSession(
            kind=settings.type,
            base_url=settings.base_url,
            login=lambda: self.login(workshop),
            start=lambda: (self._start or start)(options),
            locators=locators_of(home, settings.type),
            evidence=home.evidence,
            stamp=lambda: datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ"),
            timeout_s=settings.timeout_s,
            name_limit=settings.name_limit,
        )

    def _browser_options(self, workshop: str) -> "BrowserOptions":
        from integrator.systems.browser.session import BrowserOptions

        settings, browser = self._settings.workshops[workshop], self._settings.browser
        return BrowserOptions(
            binary=browser.binary if browser else None,
            driver=browser.driver if browser else None,
            remote_url=settings.remote_url or (browser.remote_url if browser else None),
            allow_hosts=(str(urlsplit(settings.base_url).hostname), *settings.allow_hosts),
            timeout_s=settings.timeout_s,
            command_timeout_s=max(_COMMAND_S, settings.timeout_s + _TO_ANSWER_S),
            scratch=self._scratch,
        )

    def login(self, workshop: str) -> "Login":
        """Errors  ConfigError: there is none, or its secret cannot be had"""
        from integrator.systems.workshops.session import Login

        settings = self._settings.workshops[workshop]
        where = f"config/workshops.toml [{workshop}]"
        if settings.username is None or settings.password is None:
            raise ConfigError([Problem(where, "has no username and password: no credentials configured")])
        env = Variables(self._settings.home, os.environ)
        try:
            password = settings.password.resolve(env, self._settings.home.root)
            totp = settings.totp.resolve(env, self._settings.home.root) if settings.totp else None
        except SecretError as error:
            raise ConfigError([Problem(where, str(error))], hint="integrator check") from None
        return Login(settings.username, password, totp)


def locators_of(home: Home, kind: str) -> "Locators":
    """A home's own file stands over the shipped one, element by element: a newer program may know more of them.

    Errors  ConfigError: with every problem of one of them, or elements that nothing asks for
    """
    from integrator.systems.browser.locators import load_locators

    file = Path("config") / "workshops" / f"{kind}.toml"
    found = [load_locators(root / file, shown=str(file)) for root in (shipped(), home.root) if (root / file).exists()]
    if unknown := found[-1].unlike(found[0]):
        what = f"the program asks for no such element: {', '.join(unknown)}; the shipped {file} names those it does"
        raise ConfigError([Problem(str(file), what)], hint="integrator check workshops")
    return found[-1].over(found[0])
