"""Whatever selenium or urllib3 raises becomes a Trouble here, with the code that the table of situations has for it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from integrator.systems.browser.trouble import Trouble

# A page on its way to another one: asked at the wrong moment, chromedriver answers with one of these.
_ON_THE_MOVE = re.compile(
    "aborted by navigation|document unloaded|cannot find context|frame (?:was )?detached|execution context"
    "|uniquecontextid|node with given id|does not belong to the document|loader has changed",
    re.IGNORECASE,
)
_GONE = re.compile(
    "tab crashed|target crashed|disconnected|not reachable|session deleted|browser has closed|window already closed",
    re.IGNORECASE,
)
_NET_ERROR = re.compile(r"net::(ERR_[A-Z0-9_]+)")


class Unsettled(Trouble):
    """The element went away or was covered at this moment: within a wait it means "not yet"."""

    def __init__(self, message: str, *, covered: bool = False, clicked: bool = True) -> None:
        super().__init__("slow", message)
        self.covered = covered
        self.clicked = clicked  # whether a click may have come through


@contextmanager
def guarded() -> Iterator[None]:
    """Errors  Trouble in place of everything that selenium and urllib3 raise"""
    from selenium.common.exceptions import WebDriverException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except WebDriverException as error:
        raise _trouble(error) from error
    except (HTTPError, ConnectionError, TimeoutError) as error:
        raise Trouble("browser", f"the browser's driver does not answer ({type(error).__name__})") from error


def _trouble(error: Exception) -> Trouble:
    """The order matters: what a message says is nearer to the cause than the class it comes in."""
    from selenium.common import exceptions as theirs

    told = _told(error)
    if isinstance(error, theirs.UnexpectedAlertPresentException):
        return Trouble("unexpected-dialog", f"a dialog of the page, answered no: {dialog_text(error.alert_text)}")
    if _GONE.search(told) or isinstance(error, theirs.InvalidSessionIdException):
        return Trouble("browser", f"the browser or its page has ended: {told}")
    if found := _NET_ERROR.search(told):
        return _unreachable(found[1])
    if _ON_THE_MOVE.search(told) or isinstance(error, _moving()):
        return Unsettled(told, covered=isinstance(error, theirs.ElementClickInterceptedException), clicked=_may(error))
    if isinstance(error, theirs.NoSuchWindowException):
        return Trouble("browser", f"the window is gone: {told}")
    if isinstance(error, theirs.TimeoutException):
        return Trouble("slow", f"the page does not come: {told}")
    return Trouble("browser", f"the browser refuses ({type(error).__name__}): {told}")


def _moving() -> tuple[type[Exception], ...]:
    from selenium.common import exceptions as theirs

    return (
        theirs.StaleElementReferenceException,
        theirs.NoSuchElementException,
        theirs.ElementNotInteractableException,
        theirs.ElementClickInterceptedException,
        theirs.InvalidElementStateException,
        theirs.MoveTargetOutOfBoundsException,
        theirs.NoSuchFrameException,
        theirs.JavascriptException,
    )


def _may(error: Exception) -> bool:
    from selenium.common import exceptions as theirs

    return not isinstance(error, theirs.ElementClickInterceptedException | theirs.ElementNotInteractableException)


def _unreachable(code: str) -> Trouble:
    more = ", or its host is not one of the allowed" if code == "ERR_NAME_NOT_RESOLVED" else ""
    return Trouble("erp-unavailable", f"the page cannot be reached: {code}{more}")


def _told(error: Exception) -> str:
    """The first line of their message: what follows is a session's description and a stack."""
    first = (str(getattr(error, "msg", "") or "") or type(error).__name__).strip().split("\n", 1)[0]
    return _without_markup(first)[:200]


def _without_markup(text: str) -> str:
    """A covered element is told with its opening tag: of that only the name, for attributes may hold data."""
    return re.sub(r"<(\w+)[^>]*>(\.\.\.)?(</\w+>)?", r"<\1>", text)


def dialog_text(text: str | None) -> str:
    return repr(" ".join((text or "").split())[:200])
