"""What the stand-in holds: the mails it took, and the events that came of them."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from integrator.standins.mailgun.drafts import Draft
from integrator.standins.mailgun.forms import File
from integrator.standins.mailgun.outcomes import Facts, level_of, outcomes
from integrator.standins.mailgun.settings import Settings

MAX_VARIABLE = 4096


@dataclass(frozen=True)
class Mail:
    """One mail that was taken. `id` has no angle brackets."""

    number: int
    id: str
    at: datetime
    draft: Draft

    @property
    def to(self) -> str:
        """The To line as a reader sees it."""
        return ", ".join(box.text for box in self.draft.to)

    @property
    def headers(self) -> dict[str, str]:
        """What stands above the mail; user variables are there too: every recipient can read them."""
        draft = self.draft
        lines = {"From": draft.sender, "To": self.to, "Cc": ", ".join(box.text for box in draft.cc)}
        lines |= {"Subject": draft.subject, "Date": format_datetime(self.at), "Message-Id": f"<{self.id}>"}
        own = {name: value for name, value in draft.headers.items() if name.lower() != "message-id"}
        variables = json.dumps(draft.variables, ensure_ascii=False) if draft.variables else ""
        return {name: value for name, value in {**lines, **own, "X-Mailgun-Variables": variables}.items() if value}


@dataclass(frozen=True)
class Event:
    """One event and when it begins to be told: from a moment on, and after so many requests."""

    number: int
    mail: int
    body: Facts
    told_from: float
    told_after: int

    @property
    def timestamp(self) -> float:
        return float(self.body["timestamp"])


class Office:
    """Takes mails and writes down what becomes of them. Its numbers begin where the one before it ended."""

    def __init__(self, clock: Callable[[], datetime], before: "Office | None" = None) -> None:
        self._clock = clock
        self.settings = Settings()
        self.mails: dict[int, Mail] = {}
        self.events: list[Event] = []
        self.queries = 0
        self.throttled = 0
        self._mail_number: int = before._mail_number if before else 0
        self._event_number: int = before._event_number if before else 0

    def now(self) -> datetime:
        return (self.settings.now or self._clock()).astimezone(UTC)

    def seed(self, given: dict[str, Any]) -> None:
        """Errors: ValueError, and nothing is changed."""
        self.settings = self.settings.changed(given)
        if "throttle" in given:
            self.throttled = self.settings.throttle.times

    def take(self, drafts: list[Draft]) -> list[Mail]:
        """Queue the mails of one request; they have one id."""
        at = self.now()
        mails: list[Mail] = []
        for draft in drafts:
            self._mail_number += 1
            mail = Mail(self._mail_number, mails[0].id if mails else self._id(draft, at), at, draft)
            mails.append(mail)
            self.mails[mail.number] = mail
            for recipient in draft.recipients:
                self._write_down(mail, recipient)
        return mails

    def _id(self, draft: Draft, at: datetime) -> str:
        given = next((value for name, value in draft.headers.items() if name.lower() == "message-id"), "")
        if self.settings.adopt_message_id and re.fullmatch(r"<[^<>\s@]+@[^<>\s@]+>", given):
            return given.strip("<>")
        return f"{at:%Y%m%d%H%M%S}.{_unguessable(f'mail {self._mail_number}').hex()[:16]}@{self.settings.domain}"

    def _write_down(self, mail: Mail, recipient: str) -> None:
        for seconds, kind, facts in outcomes(self.settings, recipient, is_test=mail.draft.is_test):
            self._event_number += 1
            begin = mail.at if kind == "accepted" else max(mail.at, mail.draft.deliver_at or mail.at)
            timestamp = begin.timestamp() + seconds
            body = _body(self._event_number, kind, timestamp, recipient, mail, facts)
            hidden = self.settings.queries_before(kind)
            told_from, told_after = timestamp + self.settings.events_late_s, self.queries + hidden if hidden else -1
            self.events.append(Event(self._event_number, mail.number, body, told_from, told_after))

    def told(self) -> list[Event]:
        """The events that are known to the outside by now."""
        now = self.now().timestamp()
        return [event for event in self.events if event.told_after < self.queries and event.told_from <= now]

    def state(self) -> dict[str, Any]:
        """Every mail with everything in it, oldest first.

        Shape   {"mails": [{"number", "id", "at", "from", "to": ["aase@example.org"], "cc", "bcc", "subject", "text",
                "html", "headers", "variables": {"ili-key": "…"}, "tags", "options": {"tracking": "no"},
                "attachments": [{"field", "filename", "content_type", "size", "content": base64}],
                "events": [{"event", "recipient", "timestamp", "severity"?, "reason"?, "code"?}]}]}
        """
        return {"mails": [self._shown(mail) for mail in self.mails.values()]}

    def _shown(self, mail: Mail) -> dict[str, Any]:
        draft = mail.draft
        boxes = {name: [box.email for box in getattr(draft, name)] for name in ("to", "cc", "bcc")}
        plain = {name: getattr(draft, name) for name in ("subject", "text", "html", "variables", "tags", "options")}
        return {
            "number": mail.number,
            "id": mail.id,
            "at": mail.at.isoformat(),
            "from": draft.sender,
            **boxes,
            **plain,
            "headers": mail.headers,
            "attachments": [_attachment(file) for file in draft.files],
            "events": [_short(event.body) for event in self.events_of(mail)],
        }

    def events_of(self, mail: Mail) -> list[Event]:
        return [event for event in self.events if event.mail == mail.number]


def _body(number: int, kind: str, timestamp: float, recipient: str, mail: Mail, facts: Facts) -> Facts:
    draft = mail.draft
    flags = {"is-test-mode": draft.is_test, "is-routed": False, "is-authenticated": True, "is-system-test": False}
    headers = {"to": mail.to, "message-id": mail.id, "from": draft.sender, "subject": draft.subject}
    files = [{"filename": file.filename, "content-type": file.kind, "size": len(file.content)} for file in draft.files]
    return {
        "event": kind,
        "id": base64.urlsafe_b64encode(_unguessable(f"event {number}")[:16]).decode().rstrip("="),
        "timestamp": timestamp,
        "log-level": level_of(kind, facts),
        "recipient": recipient,
        "recipient-domain": recipient.rpartition("@")[2],
        "tags": draft.tags,
        "user-variables": {name: _cut(value) for name, value in draft.variables.items()},
        "flags": flags,
        "message": {"headers": headers, "attachments": files, "size": draft.size},
        **facts,
    }


def _attachment(file: File) -> Facts:
    facts: Facts = {"field": file.field, "filename": file.filename, "content_type": file.content_type}
    return facts | {"size": len(file.content), "content": base64.b64encode(file.content).decode()}


def _short(body: Facts) -> Facts:
    wanted = ("event", "recipient", "timestamp", "severity", "reason")
    facts: Facts = {name: body[name] for name in wanted if name in body}
    return facts | ({"code": body["delivery-status"]["code"]} if "delivery-status" in body else {})


def _cut(value: str) -> str:
    return value.encode()[:MAX_VARIABLE].decode(errors="ignore")


def _unguessable(what: str) -> bytes:
    """Looks like chance and is the same in every run."""
    return hashlib.sha256(what.encode()).digest()
