"""Participants: who attends a class, as Maconomy lists them, and what a registration tells of one."""

import unicodedata
from typing import Literal

import msgspec

ParticipantStatus = Literal["registered", "withdrawn", "waitlist", "completed", "no_show", "failed", "unknown"]

# Where the values of a registration stand, see domain/ordered.py: what the outgoing part of a mapping may name.
REGISTRATION_PATHS = (
    *("course.id", "order.number", "order.price_minor", "order.currency", "order.accepted_terms_at"),
    *(f"order.company.{name}" for name in ("name", "cvr", "address", "zip", "city", "country")),
    *(f"order.invoice.{name}" for name in ("email", "ean", "po_number", "attention")),
    *(f"order.contact.{name}" for name in ("name", "email", "phone")),
    *("participant.reference", "participant.number", "participant.first_name", "participant.last_name"),
    *("participant.email", "participant.phone", "participant.job_title", "participant.comment"),
)
# Those that say nothing about a person.
IMPERSONAL_PATHS = frozenset(
    {
        *("course.id", "order.number", "order.price_minor", "order.currency", "order.accepted_terms_at"),
        *("participant.reference", "participant.number"),
    }
)


class Participant(msgspec.Struct, frozen=True):
    """One participant of a class. Personal data: never kept, goes to the participant list only. Texts are in NFC."""

    id: str
    course_id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    company: str | None
    job_title: str | None
    status: ParticipantStatus
    external_reference: str | None


def same_text(text: str | None) -> str:
    """A text as it is compared: NFC, without upper case, single blanks. "" for nothing.

    A Mac writes ø and å in two characters where Windows writes one: to a reader they are the same.
    """
    plain = unicodedata.normalize("NFC", text or "").casefold()
    return " ".join(unicodedata.normalize("NFC", plain).split())


def same_name(first: str | None, last: str | None) -> str:
    """A whole name as it is compared, wherever it is cut in two."""
    return same_text(f"{first or ''} {last or ''}")
