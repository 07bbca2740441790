"""OilMat: what was pumped is asked for page by page, and what became of it is told.

Wholly assumed: no document about it was found. Items may come twice and out of order; what one says is not read here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from integrator.domain.orderlines.order import MAX_BYTES
from integrator.errors import BadAnswer
from integrator.systems.http import Http, Reply, once
from integrator.systems.http.request import Sealed
from integrator.systems.oilmat.sender import DISPENSES, Bearer, Statuses

__all__ = ["OilMat", "Page", "Statuses"]

LIMIT = 200
MOST_PAGES = 1000
MOST_CURSOR = 2000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Page:
    """Some of what a workshop pumped.

    items  each one JSON value, byte for byte as it came: whatever fields it has, and perhaps no order at all
    next   where to go on, also when there is nothing more now; "": from the beginning
    more   there is a further page already
    """

    items: tuple[bytes, ...] = field(repr=False)
    next: str
    more: bool


class OilMat:
    """One OilMat. token is what it knows us by, None where it does not ask for one."""

    def __init__(self, http: Http, *, token: Sealed | None = None, limit: int = LIMIT) -> None:
        """limit: how many items of a page we ask for; it may give fewer, or more."""
        self._http = http
        self._headers = {} if token is None else {"Authorization": Bearer(token)}
        self._limit = limit

    def dispenses(self, workshop: str, after: str | None = None, *, at_most_s: float | None = None) -> Page:
        """One page of what a workshop pumped, behind a cursor; None: from the beginning.

        at_most_s   for a caller who cannot wait: it is asked once, and not for longer

        Shape   GET ?workshop=W&after=CURSOR&limit=N gives {"items": [...], "next": "CURSOR", "more": true}
        Errors  Unavailable; Refused; BadAnswer (bad_page, endless_paging: more, and the same cursor as before)
        Source  assumed
        """
        page = _page_of(self._ask(workshop, after, self._limit, at_most_s), after)
        if page.more and page.next == (after or ""):
            raise _endless(workshop)
        return page

    def pages(self, workshop: str, after: str | None = None, *, at_most_s: float | None = None) -> Iterator[Page]:
        """Every page there is now. Keep a page with its cursor before asking for the next one.

        at_most_s   of each page, as dispenses
        Errors  as dispenses; endless_paging also when an earlier cursor comes back, or after MOST_PAGES
        """
        asked = {after or ""}
        for _ in range(MOST_PAGES):
            page = self.dispenses(workshop, after, at_most_s=at_most_s)
            if page.more and page.next in asked:
                break
            yield page
            if not page.more:
                return
            asked.add(page.next)
            after = page.next
        raise _endless(workshop)

    def statuses(self, *, at_most_s: float | None = None) -> Statuses:
        """The outbox's sender of what became of orders; at_most_s: for each of them."""
        return Statuses(self._http, self._headers, at_most_s=at_most_s)

    def check(self, workshop: str) -> None:
        """Make sure of address and token by asking for one item; nothing is taken. Errors  as dispenses"""
        _page_of(self._ask(workshop, None, 1), None)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(self, workshop: str, after: str | None, limit: int, at_most_s: float | None = None) -> Reply:
        params = {"workshop": workshop, "limit": str(limit)} | ({"after": after} if after else {})
        doing = f"ask for dispenses of {workshop}"
        return self._http.get(
            DISPENSES,
            doing=doing,
            params=params,
            max_bytes=MAX_BYTES,
            headers=self._headers,
            timeout_s=at_most_s,
            patience=None if at_most_s is None else once,
        )


class _Whole(msgspec.Struct):
    """A page as it comes; new fields may come, and ours may not change their type."""

    items: list[msgspec.Raw]
    more: bool
    next: str | None = None


def _page_of(reply: Reply, after: str | None) -> Page:
    """A last page may leave the cursor out: then the one before still holds."""
    reply.json()  # the items are not looked into below, so that what is no JSON has to be found here
    try:
        whole = msgspec.json.decode(reply.utf8().removeprefix(_BOM), type=_Whole)
    except msgspec.ValidationError as error:
        wrong = str(error)  # a type and a path, never a value
    else:
        if not whole.next and whole.more:
            wrong = "there is more, and no `next` to ask with"
        elif not _is_cursor(whole.next or ""):
            wrong = "`next` is no cursor that could be kept"
        else:
            return Page(tuple(map(bytes, whole.items)), whole.next or after or "", whole.more)
    raise BadAnswer(f"{reply.about}: {wrong}", code="bad_page")


def _is_cursor(text: str) -> bool:
    return len(text) <= MOST_CURSOR and text.isprintable()


def _endless(workshop: str) -> BadAnswer:
    return BadAnswer(f"oilmat: ask for dispenses of {workshop}: the pages have no end", code="endless_paging")
