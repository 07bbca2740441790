"""The facts of one mail, as templates name them: checked, cleaned, and with a value or None for every name."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from integrator.errors import BadRecord
from integrator.mails.cleaning import cleaned

Language = Literal["da", "en"]
_LETTERS = str.maketrans({"æ": "z1", "ø": "z2", "å": "z3", "ä": "z1", "ö": "z2", "ü": "y", "é": "e"})


class Mailbox(msgspec.Struct, frozen=True):
    email: str
    name: str | None = None


class Place(msgspec.Struct, frozen=True):
    name: str | None = None
    address: str | None = None
    zip: str | None = None
    city: str | None = None
    country: str | None = None


class Session(msgspec.Struct, frozen=True):
    """One course day, or one of its sessions: date "2027-03-01", times "09:00" or None."""

    date: date
    start_time: str | None = None
    end_time: str | None = None
    venue: str | None = None
    city: str | None = None


class Course(msgspec.Struct, frozen=True):
    """The class the mail is about. start and end: ISO with offset, or a bare date."""

    id: str
    title: str
    main_id: str | None = None
    language: str | None = None
    start: str | None = None
    end: str | None = None
    days: list[Session] = []
    venue: Place | None = None
    price_minor: int | None = None
    currency: str | None = None

    @property
    def sessions(self) -> list[Session]:
        return sorted(self.days, key=lambda day: (day.date, day.start_time or ""))

    @property
    def dates(self) -> list[date]:
        """Every date of the course; without days its first and its last, as far as they are known."""
        found = {day.date for day in self.days} or {moment for moment in map(day_of, (self.start, self.end)) if moment}
        return sorted(found)


class Customer(msgspec.Struct, frozen=True):
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Company(msgspec.Struct, frozen=True):
    name: str | None = None
    cvr: str | None = None
    address: str | None = None
    zip: str | None = None
    city: str | None = None
    country: str | None = None
    ean: str | None = None
    attention: str | None = None


class Participant(msgspec.Struct, frozen=True):
    """Someone who attends. Status is known in lists only, number in orders only."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    job_title: str | None = None
    company: str | None = None
    status: str = "registered"
    number: int | None = None

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part)

    @property
    def sorting(self) -> tuple[str, str]:
        """Danish order: Æ, Ø and Å come last."""
        return (_sortable(self.last_name), _sortable(self.first_name))


class Order(msgspec.Struct, frozen=True):
    """An order. price_minor is for one participant, in hundredths, without VAT."""

    number: int
    seats: int
    price_minor: int | None = None
    currency: str | None = None
    accepted_terms_at: str | None = None
    purchase_order: str | None = None
    customer: Customer = Customer()
    company: Company | None = None

    @property
    def total_minor(self) -> int | None:
        return None if self.price_minor is None else self.price_minor * self.seats

    @property
    def ordered_by(self) -> str | None:
        """The company, else the customer."""
        return (self.company.name if self.company else None) or self.customer.name


class Facts(msgspec.Struct, frozen=True):
    """One mail. The names here, but template, are those the templates see (config/templates/README.md)."""

    template: str
    to: Mailbox
    course: Course = msgspec.field(name="class")
    language: Language = "da"
    order: Order | None = None
    day: date | None = None
    people: list[Participant] = msgspec.field(name="participants", default_factory=list)

    @property
    def participants(self) -> list[Participant]:
        """Who attends: in the order of the order, or by last name in a list."""
        if self.order is not None:
            return self.people
        return self._listed([one for one in self.people if one.status not in ("withdrawn", "waitlist")])

    @property
    def waiting(self) -> list[Participant]:
        return self._listed([one for one in self.people if one.status == "waitlist"])

    def _listed(self, people: list[Participant]) -> list[Participant]:
        return sorted(people, key=lambda one: one.sorting)


def facts_from(raw: Mapping[str, Any]) -> Facts:
    """Check the facts of a mail.

    Shape   MAIL: template, language, to, class, and order, participants or day
    Errors  BadRecord, which names the field and no value
    """
    known = cleaned(dict(raw))
    if known.get("language") not in ("da", "en"):
        known["language"] = "da"  # most courses are Danish; an unknown language is no reason to stay silent
    try:
        found = msgspec.convert(known, Facts)
    except msgspec.ValidationError as error:
        raise _bad(str(error)) from None
    if found.template == "participant-list":
        if found.day is None:
            raise _bad("a list without its day")
    elif found.order is None or (found.template == "confirmation-participant" and not found.participants):
        raise _bad("a confirmation without its order or its participant")
    return found


def _bad(what: str) -> BadRecord:
    return BadRecord(f"mail: its facts cannot be read: {what}", code="bad_mail_facts")


def day_of(moment: str | None) -> date | None:
    """The date of "2027-03-01T09:00:00+01:00" or "2027-03-01", as it stands there: it is Copenhagen's."""
    try:
        return datetime.fromisoformat(moment).date() if moment else None
    except ValueError:
        return None


def _sortable(name: str | None) -> str:
    return (name or "").casefold().translate(_LETTERS)
