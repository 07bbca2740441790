"""The outbox's sender of mails: one at a time, never twice by itself, and looked for in the events after any doubt."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from integrator.domain.mails import Mail
from integrator.effects import Done, Message, Preview
from integrator.errors import BadAnswer, Conflict, IntegratorError, ItemError, Refused
from integrator.systems.mailgun.events import ABOUT_SENDING, Events
from integrator.systems.mailgun.form import ascii_address

# As long as they keep events for certain. Their clock is not ours; an earlier attempt at the same mail counts as well,
# also one that a restored store has forgotten, and its key tells it from others.
LOOK_BACK_S = 3 * 86_400


class Post(Protocol):
    """Where a mail is handed in."""

    def send(self, mail: Mail, *, key: str) -> str: ...


class Mails:
    """compose makes a mail of a message's facts when it is sent: a mended template cures what still waits."""

    def __init__(
        self, post: Post, events: Events, compose: Callable[[Message], Mail], *, resends: bool, settle_s: float
    ) -> None:
        self.resends = resends
        self.settle_s = settle_s
        self._post = post
        self._events = events
        self._compose = compose
        self._composed: tuple[int, Mail | ItemError] | None = None

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        """Each mail alone, made before it is written down as begun: a broken template leaves nothing in doubt.

        Errors  what compose raises, but for ItemError, which is kept for send
        """
        for message in messages:
            self._composed = (message.id, self._made(message))
            yield [message]

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """Errors  Unavailable (nothing left), InDoubt, Refused: concern all mails"""
        [message] = group
        at, mail = self._composed or (None, None)
        self._composed = None
        if mail is None or at != message.id:
            mail = self._made(message)
        if isinstance(mail, ItemError):
            return [mail]
        try:
            return [Done(self._post.send(mail, key=message.key))]
        except ItemError as error:
            return [error]

    def look_up(self, message: Message) -> Done | None:
        """Is there an event of this mail? None proves little before settle_s: events come late.

        Errors  Conflict: several mails carry its key; Unavailable; BadAnswer: the events cannot be read, or not by us
        """
        query: dict[str, Any] = {"begin": message.sent_at - LOOK_BACK_S, "event": ABOUT_SENDING}
        if to := _recipient(message):
            try:
                query["recipient"] = ascii_address(to)
            except ItemError:
                return None  # nobody can be written to there, so no mail has left
        found = self._message_ids(message, query)
        if len(found) > 1:
            raise Conflict(f"mailgun: {message.key}: {len(found)} mails carry this key: it was sent more than once")
        return Done(found[0], "found") if found else None

    def repeatable(self, message: Message) -> bool:
        """Two equal requests are two mails."""
        return False

    def preview(self, message: Message) -> Preview:
        """What would be sent, without saying to whom."""
        mail = self._made(message)
        if isinstance(mail, ItemError):
            return Preview("reject", message.key, "", None, [], mail.message)
        fields = [("to", None, "1 recipient"), ("attachments", None, [file.filename for file in mail.attachments])]
        return Preview("send", message.key, mail.subject, None, fields)

    def _made(self, message: Message) -> Mail | ItemError:
        try:
            return self._compose(message)
        except ItemError as error:
            return error

    def _message_ids(self, message: Message, query: dict[str, Any]) -> list[str]:
        doing = f"look for {message.key}"
        try:
            events = list(self._events.read(query, doing=doing))
        except BadAnswer:
            raise
        except Refused as error:
            # It says nothing of sending, whose key may be another one: the other mails go on.
            text = f"{error.message}; a key that only sends cannot read the events"
            raise BadAnswer(text, code="not_readable", hint=error.hint) from None
        return list(dict.fromkeys(event.message_id for event in events if event.key == message.key))


def _recipient(message: Message) -> str | None:
    """The address in the facts. None (another shape of facts): the events of everybody are looked through."""
    to = message.body.get("to") if isinstance(message.body, dict) else None
    address = to.get("email") if isinstance(to, dict) else None
    return address if isinstance(address, str) and address else None
