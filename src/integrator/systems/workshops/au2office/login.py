"""The way into au2office: one login on the other host, its notices, and the window with the cases."""

from collections.abc import Callable

from integrator.secret import Secret
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.au2office.pages import Pages
from integrator.systems.workshops.onetime import code_at

_WRONG = "Forkert brugernavn eller adgangskode"
_OUTDATED = "Formularen er udløbet"
_NOTICES = 3
_INSIDE = ("portal.cases", "portal.notice")


class Login:
    """One login. Its clock is for one-time codes."""

    def __init__(self, pages: Pages, base_url: str, clock: Callable[[], float]) -> None:
        self.pages, self.tab, self.base_url, self.clock = pages, pages.tab, base_url, clock

    def log_in(self, username: str, password: Secret, totp: Secret | None) -> None:
        """Come to the window with the cases. Errors: Trouble login-refused, login-attention; field-mismatch"""
        self.pages.window, self.pages.is_at_login = "", True
        try:
            self._only_one_window()
            with self.tab.step("log in"):
                self.tab.open(self.base_url)
                where = self.pages.arrive(*_INSIDE, "login.email")
                if where == "login.email":
                    where = self._name_ourselves(username, password, totp)
        finally:
            self.pages.is_at_login = False
        self._close_notices(where)
        self._open_window()

    def _only_one_window(self) -> None:
        """What an earlier login left open is closed: the last window stays."""
        with self.tab.guarded():
            driver = self.tab.driver
            *others, last = driver.window_handles
            for handle in others:
                driver.switch_to.window(handle)
                driver.close()
            driver.switch_to.window(last)
        self.tab.alert()

    def _name_ourselves(self, username: str, password: Secret, totp: Secret | None) -> str:
        if self.tab.fill("login.email", username) != username.strip():
            raise Trouble("field-mismatch", "login: the e-mail reads back other than it was typed")
        self.tab.fill("login.password", password.reveal(), secret=True)
        where = self._sent("login.submit", "login.code", "login.new_password", "login.error")
        if where == "login.error":
            raise self._refusal()
        if where == "login.new_password":
            raise Trouble("login-attention", "login: a new password is asked for")
        return self._give_code(totp) if where == "login.code" else where

    def _sent(self, button: str, *more: str) -> str:
        """Send a form of the login, once. A form that comes again without a word is for a person: no second knock."""
        element = self.tab.need(button)
        try:
            return self.pages.go(lambda: self.tab.touch(element), *more, *_INSIDE)
        except Trouble as trouble:
            if trouble.code == "layout-changed" and self.tab.find("login.password"):
                raise Trouble("login-attention", "login: the form came again without saying why") from trouble
            raise

    def _refusal(self) -> Trouble:
        told = self.tab.text(self.tab.need("login.error"))
        if _WRONG in told:
            return Trouble("login-refused", "login: wrong user name or password")
        if _OUTDATED in told:
            return Trouble("slow", "login: the form was too old when it was sent")
        return Trouble("login-attention", "login: the account is barred, or something else is wrong with it")

    def _give_code(self, totp: Secret | None) -> str:
        if totp is None:
            raise Trouble("login-attention", "login: a one-time code is asked for, and none is configured")
        self.tab.fill("login.code", code_at(totp, self.clock()), secret=True)
        where = self._sent("login.send_code", "told.refused")
        if where == "told.refused":
            raise Trouble("login-attention", "login: the one-time code was not taken")
        return where

    def _close_notices(self, where: str) -> None:
        for _ in range(_NOTICES):
            if where == "portal.cases":
                return
            with self.tab.step("known notice closed: Driftsinformation"):
                where = self.pages.go(lambda: self.tab.press("portal.go_on"), *_INSIDE)
        if where != "portal.cases":
            raise Trouble("unexpected-dialog", "the notice Driftsinformation does not go away")

    def _open_window(self) -> None:
        with self.tab.step("open the window with the cases"):
            with self.tab.new_window(lambda: self.tab.press("portal.cases")):
                self.pages.arrive("window.content")
            with self.tab.guarded():
                self.pages.window = self.tab.driver.current_url
            with self.pages.frame():
                self.pages.arrive("list.number")
