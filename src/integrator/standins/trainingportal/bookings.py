"""The bookings that the Trainingportal stand-in knows: from its reservations with us, with statuses and documents."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from integrator.standins.trainingportal.parameters import Refused, day
from integrator.standins.trainingportal.settings import Settings

STATUSES = ("NEW", "NO_SHOW", "FAILED", "COMPLETED")
NO_BOOKING = "Booking does not exist"


@dataclass
class Booking:
    """One student's place. `reference` is the provider's; fields are named as P1's parameters."""

    reference: str
    portal_reference: str
    class_id: str
    reserved_at: datetime
    fields: dict[str, str] = field(default_factory=dict)
    comment: str | None = None
    purchase_order: str | None = None
    status: str = "NEW"
    completed_on: str | None = None
    cancelled_at: datetime | None = None
    looks: int = 0
    statuses: list[dict[str, Any]] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)

    @property
    def shown_status(self) -> str:
        return self.status if self.cancelled_at is None else "CANCELLED"

    def shown(self) -> dict[str, Any]:
        """Everything that is known of it; the shape stands at `Portal.state`."""
        names = ("reference", "portal_reference", "status", "completed_on", "looks", "comment", "purchase_order")
        facts = {name: getattr(self, name) for name in names}
        lists = {"fields": dict(self.fields), "statuses": list(self.statuses), "documents": list(self.documents)}
        return {**facts, **lists, "class": self.class_id, "cancelled": self.cancelled_at is not None}


class Bookings:
    """Their numbers begin where those before a reset ended, so that no reference comes again."""

    def __init__(self, before: "Bookings | None" = None) -> None:
        self._all: dict[str, Booking] = {}
        self._number: int = before._number if before else 0

    def __iter__(self) -> Iterator[Booking]:
        return iter(list(self._all.values()))

    def new_reference(self) -> str:
        """A reference of its own, as E7's example has it: 32 hex digits in groups of 8, 4, 4, 4 and 12."""
        self._number += 1
        digits = hashlib.sha256(f"booking {self._number}".encode()).hexdigest()
        return "_".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))

    def get(self, reference: str) -> Booking | None:
        return self._all.get(reference)

    def put(self, booking: Booking) -> None:
        self._all[booking.reference] = booking

    def enrolled(self, class_id: str) -> int:
        """How many students have a place on a class."""
        return sum(one.class_id == class_id and one.cancelled_at is None for one in self)

    def look(self, reference: str, settings: Settings, now: datetime) -> Booking:
        """What E7 is asked for; a look that comes too early is counted. Errors: Refused (unknown)."""
        booking = self._asked(reference, settings)
        if booking is None or not _is_visible(booking, settings, now):
            if booking is not None:
                booking.looks += 1
            raise Refused(NO_BOOKING, "unknown")
        booking.looks += 1
        return booking

    def find(self, reference: str, settings: Settings, now: datetime) -> Booking:
        """A booking that can be changed. Errors: Refused (unknown)."""
        booking = self._asked(reference, settings)
        if booking is None or not _is_visible(booking, settings, now):
            raise Refused(NO_BOOKING, "unknown")
        return booking

    def _asked(self, reference: str, settings: Settings) -> Booking | None:
        by_theirs = {one.portal_reference: one for one in self}
        found = {"provider": self._all, "portal": by_theirs, "both": {**by_theirs, **self._all}}
        return found[settings.asked_by].get(reference)


def _is_visible(booking: Booking, settings: Settings, now: datetime) -> bool:
    if settings.visible_after_s is None or (booking.cancelled_at is not None and not settings.cancelled_shown):
        return False
    late_enough = now >= booking.reserved_at + timedelta(seconds=settings.visible_after_s)
    return late_enough and booking.looks >= settings.visible_after_looks


def set_status(booking: Booking, fields: dict[str, str]) -> dict[str, Any]:
    """Take over what E8 says; gives back what the ledger records. Errors: Refused."""
    if unknown := sorted(set(fields) - {"username", "password", "newStatus", "completionDate"}):
        raise Refused(f"unknown parameter {unknown[0]}")
    status, on = fields.get("newStatus", ""), fields.get("completionDate")
    if status not in STATUSES:
        raise Refused(f"newStatus: expected one of {', '.join(STATUSES)}")
    if status == "COMPLETED" and not on:
        raise Refused("completionDate is required when newStatus is COMPLETED")
    if status != "COMPLETED" and on is not None:
        raise Refused("completionDate is only for COMPLETED")
    on = None if on is None else day("completionDate", on)
    again = bool(booking.statuses) and (booking.status, booking.completed_on) == (status, on)
    booking.status, booking.completed_on = status, on
    booking.statuses.append({"status": status, "completed_on": on})
    return {"reference": booking.reference, "status": status, "completed_on": on, "again": again}


def keep_document(booking: Booking, name: str, content: bytes) -> dict[str, Any]:
    """Keep a document beside those that are there; gives back what the ledger records."""
    digest = hashlib.sha256(content).hexdigest()
    again = any(one["sha256"] == digest for one in booking.documents)
    document = {"name": name, "sha256": digest, "size": len(content)}
    booking.documents.append(document)
    return {"reference": booking.reference, **document, "again": again}
