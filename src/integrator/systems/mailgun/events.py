"""Mailgun's events: what became of a mail. Read page by page, typed, without anybody's address."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from integrator.errors import BadAnswer, BadRecord
from integrator.systems.http import Http, Reply
from integrator.systems.mailgun.form import KEY
from integrator.systems.mailgun.judging import refusal, said

PAGE = 300  # the most they give
ABOUT_SENDING = "accepted OR delivered OR failed OR rejected"
ABOUT_ALL = f"{ABOUT_SENDING} OR complained"
MOST_PAGES = 1000
_KINDS = ("accepted", "delivered", "failed", "rejected", "complained")
_REFUSED = (401, 402, 403, 404)

Kind = Literal["accepted", "delivered", "failed", "rejected", "complained"]
Verdict = Literal["delivered", "failed", "rejected", "complained"]


@dataclass(frozen=True, slots=True)
class MailEvent:
    """One event of one mail. Nobody's name or address is in it.

    id          unique within a day
    message_id  without angle brackets
    key         our key of the mail; None: somebody else's mail of the same domain
    severity    of "failed": "permanent" or "temporary"
    reason      a word or a short sentence: "bounce", "suppress-bounce", "generic"
    code        what the receiving server said, "550"; Mailgun's own are 6xx
    at          epoch seconds
    """

    id: str
    kind: Kind
    message_id: str
    key: str | None
    severity: str | None
    reason: str | None
    code: str | None
    at: float


def verdict(event: MailEvent) -> tuple[Verdict | None, str | None]:
    """What an event says for good, and its code ("550", "suppress-bounce"); None: nothing is settled yet.

    A temporary failure may be followed by a delivery. A reason suppress-…: Mailgun did not even try, because the
    address is on one of its lists.
    """
    if event.kind == "failed" and event.severity == "permanent":
        suppressed = (event.reason or "").startswith("suppress-")
        return "failed", event.reason if suppressed else event.code or event.reason
    if event.kind in ("delivered", "rejected", "complained"):
        return event.kind, event.code
    return None, event.code


# reading ----------------------------------------------------------------------------------------


class Events:
    """The event log of one domain."""

    def __init__(self, http: Http, domain: str) -> None:
        self._http = http
        self._domain = domain
        self._path = f"/v3/{domain}/events"

    def touch(self) -> None:
        """Read one event, to know that key, domain and region belong together. Errors  as read"""
        _Page.of(self._get(self._path, {"limit": 1}, "look at the events"))

    def read(self, query: Mapping[str, Any], *, doing: str) -> Iterator[MailEvent]:
        """Every event that fits, oldest first, each once.

        Errors  Refused: key, domain, region; Unavailable; BadAnswer: not what the contract says, or without an end
        """
        params: dict[str, Any] | None = {**query, "ascending": "yes", "limit": PAGE}
        path, asked = self._path, set[str]()
        seen: set[tuple[int, str]] = set()
        for _ in range(MOST_PAGES):
            page = _Page.of(self._get(path, params, doing))
            for event in page.events():
                if (mark := (int(event.at // 86_400), event.id)) not in seen:
                    seen.add(mark)
                    yield event
            if not page.items:
                return
            path, params = self._below(page.next, doing)
            if f"{path}?{params}" in asked:
                break
            asked.add(f"{path}?{params}")
        raise BadAnswer(f"mailgun: {doing}: the pages have no end", code="endless_paging")

    def _get(self, path: str, params: Mapping[str, Any] | None, doing: str) -> Reply:
        try:
            reply = self._http.get(path, doing=doing, params=params, ok=(200, *_REFUSED))
        except BadRecord:  # the address of a next page that would leave the system
            raise _foreign(doing) from None
        if reply.status in _REFUSED:
            raise refusal(reply.status, doing)
        return reply

    def _below(self, url: str, doing: str) -> tuple[str, dict[str, Any] | None]:
        """The path and query of the next page, if it is one of the same events: our key goes nowhere else."""
        base = self._http.base_url
        prefix = f"{base}{self._path}"
        if not (url.startswith((f"{prefix}/", f"{prefix}?")) and url.isascii() and url.isprintable()):
            raise _foreign(doing)
        parts = urlsplit(url[len(base) :])
        if parts.fragment:
            raise _foreign(doing)
        return parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)) or None


def _foreign(doing: str) -> BadAnswer:
    return BadAnswer(f"mailgun: {doing}: the next page would be at another place; not asked", code="foreign_paging")


class _Headers(msgspec.Struct):
    message_id: str | None = msgspec.field(name="message-id", default=None)


class _Message(msgspec.Struct):
    headers: _Headers | None = None


class _Delivery(msgspec.Struct):
    code: int | None = None


class _Reject(msgspec.Struct):
    reason: str | None = None


class _Item(msgspec.Struct, rename="kebab"):
    """The fields we read of an event; new ones may come, and ours may not change their type."""

    event: str
    id: str
    timestamp: float
    severity: str | None = None
    reason: str | None = None
    delivery_status: _Delivery | None = None
    reject: _Reject | None = None
    user_variables: dict[str, Any] | None = None
    message: _Message | None = None


class _Paging(msgspec.Struct):
    next: str


class _Whole(msgspec.Struct):
    items: list[_Item]
    paging: _Paging | None = None


@dataclass(frozen=True)
class _Page:
    items: list[_Item]
    next: str
    about: str

    @classmethod
    def of(cls, reply: Reply) -> "_Page":
        try:
            whole = msgspec.convert(reply.json(), _Whole)
        except msgspec.ValidationError as error:
            wrong = str(error)  # a type and a path, never a value
        else:
            return cls(whole.items, whole.paging.next if whole.paging else "", reply.about)
        raise BadAnswer(f"{reply.about}: {wrong}", code="bad_event")

    def events(self) -> Iterator[MailEvent]:
        for item in self.items:
            if item.event in _KINDS and (event := self._event(item)):
                yield event

    def _event(self, item: _Item) -> MailEvent | None:
        key = (item.user_variables or {}).get(KEY)
        headers = item.message.headers if item.message else None
        message_id = (headers.message_id if headers else None) or ""
        if not message_id.strip("<>"):
            if key is None:
                return None  # of nobody's mail that we could name
            raise BadAnswer(f"{self.about}: an event of ours has no message id", code="bad_event")
        reason = item.reason or (item.reject.reason if item.reject else None)
        code = item.delivery_status.code if item.delivery_status else None
        return MailEvent(
            id=item.id,
            kind=item.event,  # type: ignore[arg-type]  # one of _KINDS: events() looked
            message_id=message_id.strip("<>"),
            key=key if isinstance(key, str) else None,
            severity=item.severity,
            reason=said(reason or "") or None,
            code=None if code is None else str(code),
            at=item.timestamp,
        )
