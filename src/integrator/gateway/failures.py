"""Our errors, and whatever else goes wrong, as problems. Nothing of how this machine is set up is in them."""

import sqlite3

from werkzeug.exceptions import HTTPException, MethodNotAllowed

from integrator.database import REPLACED, sqlite_error
from integrator.errors import (
    BadForm,
    Full,
    IntegratorError,
    ItemError,
    LockHeld,
    NotBookable,
    NotFound,
    Refused,
    Unavailable,
    UsageError,
)
from integrator.gateway.answers import Answer, problem
from integrator.gateway.shapes import FieldError

_SOON_S, _LATER_S = 5, 60
_LONGEST_S = 3_600


def failure(error: Exception) -> Answer:
    """The problem that an exception is to whoever called."""
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, sqlite3.Error):
        try:
            error = sqlite_error(error)
        except sqlite3.Error:  # our own mistake
            return _bug()
    if isinstance(error, IntegratorError):
        return _of_ours(error)
    if isinstance(error, OSError):
        return _not_ready(type(error).__name__)
    return _bug()


def _of_ours(error: IntegratorError) -> Answer:
    if isinstance(error, BadForm):
        errors = [FieldError(field=one.field, message=one.message, code=one.code) for one in error.problems]
        return problem(422, error.message, code="bad_form", errors=errors)
    if isinstance(error, Full | NotBookable):
        return problem(409, error.message, code=error.code)
    if isinstance(error, UsageError):
        return problem(422, error.message, code="bad_request")
    if isinstance(error, NotFound):
        return problem(404, error.message, code="not_found")
    if isinstance(error, LockHeld) or (isinstance(error, Unavailable) and error.code == REPLACED):
        return _later("something else is being done with the store; nothing was changed", "busy", _SOON_S)
    if isinstance(error, Unavailable):
        return _later("it cannot be done now, and nothing was changed; try again", "unavailable", wait_of(error))
    if isinstance(error, Refused | ItemError):
        detail = "the system behind this one gave no answer that can be used; nothing was changed"
        return problem(502, detail, code="bad_answer", note=type(error).__name__)
    return _not_ready(type(error).__name__)


def wait_of(error: Unavailable) -> int:
    """After how many seconds it may be tried again."""
    asked = _SOON_S if error.retry_after_s is None else error.retry_after_s
    return int(min(max(asked, 1), _LONGEST_S))


def _of_http(error: HTTPException) -> Answer:
    status = error.code or 500
    headers: dict[str, str] = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    words = {
        404: "there is nothing at this address",
        405: "this address is not asked in this way",
        413: "the body is larger than any that is taken here; it was not read",
    }
    return problem(status, words.get(status, error.name), code=error.name.lower().replace(" ", "_"), headers=headers)


def _later(detail: str, code: str, after_s: int) -> Answer:
    return problem(503, detail, code=code, headers={"Retry-After": str(after_s)}, note=code)


def _not_ready(note: str) -> Answer:
    """A person must mend this installation: the log and `integrator check` say what."""
    detail = "this gateway is not ready: whoever runs it must see to it; nothing was changed"
    return problem(503, detail, code="not_ready", headers={"Retry-After": str(_LATER_S)}, note=note)


def _bug() -> Answer:
    return problem(500, "something is wrong here, and was written down; nothing more is known", code="bug", note="bug")
