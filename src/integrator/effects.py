"""What the outbox and an adapter say to one another: Message, Done, and the Sender an adapter offers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from integrator.errors import IntegratorError

# The state of a row of outbox x as people are told it: what failed and has no body any more was given up for good.
SHOWN_STATE = "iif(x.state = 'failed' AND x.body IS NULL, 'dropped', x.state)"


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the outbox. body holds facts in our words; the adapter maps them when it sends.

    attempts counts the tries begun so far; times are epoch seconds.
    """

    id: int
    effect: str
    key: str
    body: Any
    body_hash: bytes
    attempts: int
    sent_at: int
    uncertain_since: int | None


@dataclass(frozen=True, slots=True)
class Done:
    """The other side has it. result is one word for the counts: created, updated, unchanged, found."""

    remote_id: str | None
    result: str = "sent"
    memory: Any = None  # what the caller keeps beside the record, in the completing transaction


@dataclass(frozen=True, slots=True)
class Preview:
    """What sending a message would do, for a person: action "create", fields [(target, theirs, ours)]."""

    action: str
    key: str
    title: str
    remote_id: str | None
    fields: list[tuple[str, Any, Any]]
    reason: str = ""


class Sender(Protocol):
    """What an adapter offers for one effect.

    settle_s   how long a lost request may still arrive there, or stay unseen
    resends    what is not there after that is sent again; False: a person decides, because looking proves too little
    """

    settle_s: float
    resends: bool

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        """Split into units; each is written down as processing before it leaves, and sent at once."""

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """Send one unit; one answer per message. Raises what concerns all of them."""

    def look_up(self, message: Message) -> Done | None:
        """Is the effect there? None: certainly not. Errors: Conflict (several), Unavailable (cannot tell)."""

    def repeatable(self, message: Message) -> bool:
        """Sending it once more does no harm, so nobody needs to wait for it to settle."""

    def preview(self, message: Message) -> Preview:
        """What send() would do; reads nothing and changes nothing."""
