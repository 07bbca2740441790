"""Orders in the store: seats that are held, forms that are complete, and how far their registrations are.

How far a registration is stands in the outbox alone; this module joins it and never copies it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from integrator.database import Database
from integrator.domain.ordered import REGISTRATION, confirmation, reference_of
from integrator.effects import SHOWN_STATE
from integrator.errors import NotFound

_BUYER = ("name", "cvr", "address", "zip", "city", "country", "ean")
_FORM = (
    *("customer_name", "customer_email", "customer_phone"),
    *(f"company_{name}" for name in _BUYER),
    *("purchase_order", "attention", "accepted_terms_at"),
)
_PERSON = ("first_name", "last_name", "email", "phone", "job_title", "comment")
_LARGEST = 2**63 - 1  # SQLite's

# Seats of a class that we hold and that its free seats in Maconomy may not account for yet: all of a reservation;
# of a complete order those who were not registered when :counted was read. One who was registered later may or may
# not be among them, and is held. What failed is held until an operator drops it. :own is left out.
_HELD = """(
    SELECT coalesce(sum(CASE o.state WHEN 'reserved' THEN o.seats ELSE (
        SELECT count(*) FROM participants p
        LEFT JOIN outbox x ON x.effect = 'maconomy.registration' AND x.key = p.reference
        WHERE p.order_id = o.id AND (p.registered_no IS NULL OR p.registered_no > :counted)
            AND NOT coalesce(x.state = 'failed' AND x.body IS NULL, 0)
    ) END), 0)
    FROM orders o WHERE o.class_id = :class_id AND o.state IN ('reserved', 'complete') AND o.id IS NOT :own
)"""


class Orders:
    """Rows of orders and participants. What writes must be called inside tx()."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # reading ------------------------------------------------------------------------------------

    def get(self, order_id: int) -> dict[str, Any]:
        """One order, its class decoded.

        Errors  NotFound
        """
        row = self._db.one("SELECT * FROM orders WHERE id = ?", (order_id,)) if 0 < order_id <= _LARGEST else None
        if row is None:
            raise NotFound(f"there is no order {order_id}")
        return _decoded(row)

    def by_key(self, key: str) -> dict[str, Any] | None:
        """The order that a request of this key made."""
        row = self._db.one("SELECT * FROM orders WHERE request_key = ?", (_hashed(key),))
        return _decoded(row) if row else None

    def people(self, order_id: int) -> list[dict[str, Any]]:
        """An order's participants, each with the state, the reason and the receipt of their registration."""
        rows = self._db.all(
            f"SELECT p.*, x.id AS message_id, x.reason, x.remote_id, x.attempts, {SHOWN_STATE} AS state"  # noqa: S608
            " FROM participants p"
            " LEFT JOIN outbox x ON x.effect = ? AND x.key = p.reference WHERE p.order_id = ? ORDER BY p.number",
            (REGISTRATION, order_id),
        )
        return [dict(row) for row in rows]

    def counted(self) -> int:
        """How many registrations have been completed, ever: read it before asking Maconomy for free seats."""
        return int(self._db.value("SELECT value FROM counters WHERE name = 'registrations'"))

    def known(self, class_id: str, person: Mapping[str, Any]) -> int:
        """How many participants of this name and address we know to be registered in a class."""
        rows = self._db.all(
            "SELECT first_name, last_name, email FROM participants JOIN orders ON orders.id = order_id"
            " WHERE class_id = ? AND registered_no IS NOT NULL",
            (class_id,),
        )
        return sum(all(row[name].casefold() == str(person[name]).casefold() for name in row.keys()) for row in rows)  # noqa: SIM118

    # seats --------------------------------------------------------------------------------------

    def reserve(
        self,
        class_id: str,
        *,
        key: str,
        seats: int,
        facts: Mapping[str, Any],
        free: int,
        counted: int,
        at: int,
        until: int,
        channel: str = "own",
    ) -> int | None:
        """Hold seats if there are enough: free in Maconomy, when asked after counted, less what we hold.

        channel   who sells them: "own", or a reseller's name
        Gives back the order's number, None when there are too few.
        """
        values = {
            "key": _hashed(key),
            "class_id": class_id,
            "seats": seats,
            "facts": msgspec.json.encode(facts).decode(),
        }
        values |= {"free": free, "counted": counted, "own": None, "at": at, "until": until, "channel": channel}
        written = self._db.write(
            "INSERT INTO orders (request_key, class_id, class, seats_asked, seats, state, reserved_at, expires_at,"
            " changed_at, channel)"
            " SELECT :key, :class_id, :facts, :seats, :seats, 'reserved', :at, :until, :at, :channel"
            f" WHERE :free - {_HELD} >= :seats",
            values,
        )
        return int(self._db.value("SELECT last_insert_rowid()")) if written else None

    def change_seats(
        self, order: Mapping[str, Any], seats: int, *, free: int, counted: int, at: int, until: int
    ) -> bool:
        """Hold another number of seats, and for longer. False: too few, or the order is not what it was."""
        values = {"own": order["id"], "class_id": order["class_id"], "seats": seats, "free": free, "counted": counted}
        return bool(
            self._db.write(
                "UPDATE orders SET seats = :seats, expires_at = :until, changed_at = :at"  # noqa: S608 (a constant)
                " WHERE id = :own AND state = 'reserved' AND expires_at > :at"
                f" AND (:seats <= seats OR :free - {_HELD} >= :seats)",
                values | {"at": at, "until": until},
            )
        )

    def held(self, class_ids: Iterable[str], *, since: int) -> dict[str, int]:
        """Seats that we hold, by class, and that free seats read from Maconomy since then may not account for yet.

        Units  since in epoch seconds: when the reading began
        """
        later = "SELECT min(registered_no) FROM participants WHERE registered_at >= ?"
        counted = int(self._db.value(later, (since,)) or self.counted() + 1) - 1
        found = {}
        for class_id in class_ids:
            values = {"class_id": class_id, "counted": counted, "own": None}
            found[class_id] = int(self._db.value(f"SELECT {_HELD}", values))
        return found

    def extend(self, order_id: int, *, until: int) -> None:
        """Hold a reservation at least until then, if its seats have not been released."""
        self._db.write(
            "UPDATE orders SET expires_at = ?1 WHERE id = ?2 AND state = 'reserved' AND expires_at < ?1",
            (until, order_id),
        )

    def release_expired(self, at: int, *, class_id: str | None = None) -> dict[str, int]:
        """Let go of the seats of reservations that have run out; gives back how many, by class.

        The condition is the one of complete(), negated, inside the same statement: both can never win.
        """
        rows = self._db.all(
            "UPDATE orders SET state = 'released', changed_at = ?1 WHERE state = 'reserved' AND expires_at <= ?1"
            " AND (?2 IS NULL OR class_id = ?2) RETURNING class_id, seats",
            (at, class_id),
        )
        released: dict[str, int] = {}
        for row in rows:
            released[row["class_id"]] = released.get(row["class_id"], 0) + row["seats"]
        return dict(sorted(released.items()))

    # an order's way -------------------------------------------------------------------------------

    def complete(self, order_id: int, form: Mapping[str, Any], form_hash: bytes, *, at: int) -> bool:
        """reserved → complete, with its participants. False: it is not reserved any more, or holds other seats by now.

        Shape   form is {"customer": {…}, "company": {…} or None, "participants": [{…}], "accepted_terms_at": "…"}
        """
        holes = ", ".join(f"{name} = ?" for name in _FORM)
        written = self._db.write(
            f"UPDATE orders SET state = 'complete', completed_at = ?, changed_at = ?, form_hash = ?, {holes}"  # noqa: S608
            " WHERE id = ? AND state = 'reserved' AND expires_at > ? AND seats = ?",
            (at, at, form_hash, *_form_columns(form), order_id, at, len(form["participants"])),
        )
        if not written:
            return False
        people = [
            (order_id, number, reference_of(order_id, number), *(person[name] for name in _PERSON))
            for number, person in enumerate(form["participants"], 1)
        ]
        self._db.write_many(
            "INSERT INTO participants (order_id, number, reference, first_name, last_name, email, phone, job_title,"
            " comment) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            people,
        )
        return True

    def cancel(self, order_id: int, *, at: int) -> None:
        """Give an order's seats back. Its form and its participants go: nobody needs them any more."""
        empty = ", ".join(f"{name} = NULL" for name in (*_FORM, "form_hash", "completed_at"))
        self._db.write("DELETE FROM participants WHERE order_id = ?", (order_id,))
        self._db.write(
            f"UPDATE orders SET state = 'cancelled', changed_at = ?, {empty} WHERE id = ?"  # noqa: S608 (constants)
            " AND state IN ('reserved', 'complete')",
            (at, order_id),
        )

    def registered(self, reference: str, *, at: int) -> int:
        """One more participant is in Maconomy; gives back the order's number."""
        count = "UPDATE counters SET value = value + 1 WHERE name = 'registrations' RETURNING value"
        number = self._db.all(count)[0]["value"]
        self._db.write(
            "UPDATE participants SET registered_no = ?, registered_at = ?"
            " WHERE reference = ? AND registered_no IS NULL",
            (number, at, reference),
        )
        return int(self._db.value("SELECT order_id FROM participants WHERE reference = ?", (reference,)))

    def mail_facts(self, order_id: int, template: str, participant: int | None = None) -> dict[str, Any]:
        """What a confirmation of this order says.

        Errors  NotFound: no such order, it is not complete, its people were erased, or no such participant
        """
        order, people = self.get(order_id), self.people(order_id)
        if order["state"] != "complete" or order["anonymised_at"] is not None:
            raise NotFound(f"order {order_id} has no participants to write to")
        if template != "confirmation-participant":
            return confirmation(order, people, to=None)
        chosen = [person for person in people if person["number"] == (participant or 1)]
        if not chosen:
            raise NotFound(f"order {order_id} has {len(people)} participant(s): there is no number {participant}")
        return confirmation(order, chosen, to=chosen[0])


def _hashed(key: str) -> str:
    """A caller's key as it is kept: it may be a visitor's session, or an address that somebody took for a key."""
    from hashlib import blake2b

    return blake2b(key.encode(), digest_size=16).hexdigest()


def _decoded(row: Any) -> dict[str, Any]:
    return dict(row) | {"class": msgspec.json.decode(row["class"])}


def _form_columns(form: Mapping[str, Any]) -> list[Any]:
    """The values of _FORM, in its order."""
    company = form["company"] or {}
    found = {f"customer_{name}": form["customer"][name] for name in ("name", "email", "phone")}
    found |= {
        f"company_{name}": company.get(name) for name in ("name", "cvr", "address", "zip", "city", "country", "ean")
    }
    found |= {name: company.get(name) for name in ("purchase_order", "attention")}
    found["accepted_terms_at"] = form["accepted_terms_at"]
    return [found[name] for name in _FORM]
