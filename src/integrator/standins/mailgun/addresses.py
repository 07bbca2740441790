"""Address lists as Mailgun takes them: a comma outside quotes begins the next address, whatever was meant."""

import re
from dataclasses import dataclass

from integrator.standins.mailgun.forms import Refusal

MAX_RECIPIENTS = 1000
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")
_NAMED = re.compile(r'("(?:[^"\\]|\\.)*"|[^"<>@,;:\\]*)\s*<([^<>\s]+)>')


@dataclass(frozen=True)
class Mailbox:
    """One address. Shape  email "aase@example.org", text '"Østergård, Åse" <aase@example.org>' as it was sent."""

    email: str
    text: str


def mailboxes(values: list[str], field: str) -> list[Mailbox]:
    """The addresses of all values of a field. Errors: Refusal 400 for the first that is none."""
    return [_mailbox(piece.strip(), field) for value in values for piece in _pieces(value)]


def _pieces(text: str) -> list[str]:
    pieces, quoted = [""], False
    for mark in re.findall(r"\\.|.", text, re.DOTALL):
        if mark == '"':
            quoted = not quoted
        if mark == "," and not quoted:
            pieces.append("")
        else:
            pieces[-1] += mark
    return pieces


def _mailbox(text: str, field: str) -> Mailbox:
    named = _NAMED.fullmatch(text)
    email = named[2] if named else text
    # A line break would let a name write a header of its own.
    if not _ADDRESS.fullmatch(email) or re.search(r"[\r\n]", text):
        raise Refusal(f"{field} parameter is not a valid address. please check documentation")
    return Mailbox(email, text)


def without_repeats(*fields: list[Mailbox]) -> list[list[Mailbox]]:
    """The same fields, each address only where it comes first. Errors: Refusal 400 for too many."""
    seen: set[str] = set()
    kept: list[list[Mailbox]] = []
    for boxes in fields:
        kept.append([])
        for box in boxes:
            if box.email.casefold() not in seen:
                seen.add(box.email.casefold())
                kept[-1].append(box)
    if len(seen) > MAX_RECIPIENTS:
        raise Refusal(f"too many recipients: {len(seen)}, at most {MAX_RECIPIENTS} in one message")
    return kept
