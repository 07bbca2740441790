"""What a failed exchange means in our words. A read that failed did nothing; a write that failed may have done it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from integrator.errors import BadAnswer, InDoubt, IntegratorError, Refused, Rejected, Unavailable
from integrator.systems.http.reading import Reply
from integrator.systems.http.retry_after import retry_after_s

if TYPE_CHECKING:
    import httpx

_UNSURE = "nobody knows whether it was done"
_NOT_WHOLE = "they never had the whole request, so that it cannot have been done"
CUT = "cut"  # the code of an InDoubt that says so: whoever sends one by one need not take it for a doubt
_LATER = (408, 429)
_NEVER = (501, 505)  # "not implemented" is no passing trouble; every other 5xx may be


def read_status_error(status: int, headers: Mapping[str, str], *, system: str, about: str, url: str) -> IntegratorError:
    """The error of a GET that was answered with a status its caller does not take. url is without its query."""
    if status in _LATER or (status >= 500 and status not in _NEVER):
        return Unavailable(f"{about}: answered {status}", retry_after_s=retry_after_s(headers))
    if status in (401, 403):
        return Refused(f"{about}: answered {status}", hint=_login_hint(system))
    if 300 <= status < 400:
        return Refused(f"{about}: answered {status}{_elsewhere(headers)}", hint=_base_hint(system, url))
    if status >= 400:
        return Refused(f"{about}: answered {status}", hint=_base_hint(system, url) if status == 404 else None)
    return BadAnswer(f"{about}: answered {status}, which says nothing to this request", code="bad_status")


def status_error(reply: Reply, system: str, doing: str) -> IntegratorError:
    """The error of a write by its answer's status: not done (later, or never), or unknown.

    Errors  given back, not raised: Unavailable (429), Refused (401, 403), Rejected (400, 404, 422), InDoubt (the rest;
            code "cut" when it came before the whole request had left)
    """
    text = f"{system}: {doing}: answered {reply.status}"
    if reply.status == 429:
        return Unavailable(text, retry_after_s=retry_after_s(reply.headers))
    if reply.status in (401, 403):
        return Refused(text, hint=_login_hint(system))
    if reply.status in (400, 404, 422):
        return Rejected(text)
    if reply.early:
        return InDoubt(f"{text}; {_NOT_WHOLE}", retry_after_s=retry_after_s(reply.headers), code=CUT)
    where = _elsewhere(reply.headers) if 300 <= reply.status < 400 else ""
    return InDoubt(f"{text}{where}; {_UNSURE}", retry_after_s=retry_after_s(reply.headers))


def in_doubt(error: IntegratorError, *, cut: bool) -> InDoubt:
    """A write whose answer could not be read: the same words, and what follows from them. cut: as in leaving.py"""
    return InDoubt(f"{error.message}; {_NOT_WHOLE}", code=CUT) if cut else InDoubt(f"{error.message}; {_UNSURE}")


def exchange_error(
    theirs: httpx.HTTPError, *, about: str, seconds: float, write: bool, cut: bool = False
) -> Unavailable:
    """An exchange that broke. Only before the connection stands is it certain that nothing of a write has left.

    cut  the end of it never left: it is in doubt with that code, and was not done
    """
    import httpx

    if isinstance(theirs, httpx.ConnectError):
        # The operating system's or OpenSSL's own words: no route, refused, certificate of another host.
        return Unavailable(f"{about}: no connection ({theirs})")
    if isinstance(theirs, httpx.ConnectTimeout | httpx.PoolTimeout):
        return Unavailable(f"{about}: no connection within {seconds:.3g} s")
    late = isinstance(theirs, httpx.TimeoutException)
    text = f"{about}: " + (
        f"no answer within {seconds:.3g} s" if late else "the connection broke before the answer was complete"
    )
    return in_doubt(Unavailable(text), cut=cut) if write else Unavailable(text)


def _elsewhere(headers: Mapping[str, str]) -> str:
    """Where a redirect points, as far as it may be shown: the host. Its query may hold anything."""
    from urllib.parse import urlsplit

    try:
        host = urlsplit(headers.get("location", "")).hostname
    except ValueError:
        host = None
    shown = "".join(c for c in host or "" if c.isprintable())
    return f", a redirect to {shown or 'another path'}, which is not followed"


def _login_hint(system: str) -> str:
    return f"integrator check  (the login in [{system}] is not accepted, or may not do this)"


def _base_hint(system: str, url: str) -> str:
    return f"integrator check  (is [{system}] base_url right? asked: {url})"
