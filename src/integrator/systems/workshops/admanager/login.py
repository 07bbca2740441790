"""AD Manager's login: one attempt, with a code where one is asked for, and what the page answers."""

from collections.abc import Callable

from integrator.secret import Secret
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.admanager.screen import Screen
from integrator.systems.workshops.onetime import code_at

_ERRORS = ("login.wrong", "page.unavailable", "login.error", "login.expired")


def log_in(screen: Screen, username: str, password: Secret, totp: Secret | None, clock: Callable[[], float]) -> None:
    """From wherever the browser is to a page with the menu.

    Codes   login-refused; login-attention: whatever else the login page says, for a second attempt may lock the account
    """
    tab = screen.tab
    screen.inside = False
    tab.open(screen.base_url)
    if screen.first("login.email", "page.menu") == "login.email":
        # The button wakes up by input events only, one in each field.
        tab.fill("login.email", username)
        tab.fill("login.password", password.reveal(), secret=True)
        _send(screen, "login.submit")
        if (answer := screen.first("page.menu", "login.code", *_ERRORS)) == "login.code":
            answer = _enter_code(screen, totp, clock)
        _judge(screen, answer)
    screen.inside = True


def _send(screen: Screen, button: str) -> None:
    """Once: a click that is repeated would be a second attempt."""
    element = screen.tab.need(button)
    screen.tab.wait(f"{button} wakes up", element.is_enabled)
    screen.tab.touch(element)


def _enter_code(screen: Screen, totp: Secret | None, clock: Callable[[], float]) -> str:
    if totp is None:
        raise Trouble("login-attention", "the login asks for a code, and this workshop has no totp")
    screen.tab.fill("login.code", code_at(totp, clock()), secret=True)
    _send(screen, "login.send_code")
    return screen.first("page.menu", *_ERRORS)


def _judge(screen: Screen, answer: str) -> None:
    # The words may have come between the two looks: "wrong" is also an error.
    if answer == "login.wrong" or (answer == "login.error" and screen.tab.find("login.wrong")):
        raise Trouble("login-refused", "the login page refuses the user or the password (login.wrong)")
    if answer == "page.unavailable":
        raise Trouble("erp-unavailable", "the server fails on the login (page.unavailable)")
    if answer in ("login.error", "login.expired"):
        raise Trouble("login-attention", f"the login page does not let us in, and says why ({answer})")
