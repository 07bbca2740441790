"""A mail as it leaves us: to one person, in text and HTML, with its attachments."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

# What became of mails between two instants (epoch seconds): message id, result, code, when.
# A result is "delivered", "failed", "rejected" or "complained"; None says that nothing is settled yet.
Results = Callable[[float, float], Iterator[tuple[str, str | None, str | None, float]]]


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox. Personal data."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file of a mail. Shape  filename "deltagerliste-25172-04.xlsx" (ASCII), content_type "text/calendar; …"."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to exactly one person.

    tags            for the provider's statistics: no personal data
    deliver_within  "12h": after that a late mail does harm; None: whenever it can
    """

    to: Address
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()
    tags: tuple[str, ...] = ()
    deliver_within: str | None = None
