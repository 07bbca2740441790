"""Where somebody is in the store: the columns that name people, read once, asked of each value."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from integrator.database import Database
from integrator.domain.instants import utc_text
from integrator.domain.retention import Kind, normalised, parts_about, person_from, texts_of
from integrator.errors import UsageError

Same = Callable[[Kind, str, int], bool]  # kind, a value made comparable, when it was written → is it whom we look for?


@dataclass(frozen=True)
class Role:
    """One person in one order: a participant (by number), the customer, or the contact for the invoice."""

    order: int
    role: str
    number: int
    name: str | None
    email: str | None
    phone: str | None

    def values(self) -> Iterator[tuple[Kind, str]]:
        pairs: tuple[tuple[Kind, str | None], ...] = (("email", self.email), ("phone", self.phone), ("name", self.name))
        for kind, text in pairs:
            value = normalised(kind, text) if text else None
            if value is not None:
                yield kind, value


@dataclass
class Found:
    """Where somebody is. messages: participant lists that hold them; courses: where they are named as a trainer.

    names and addresses are all that stand with them: several of both may be several people.
    """

    participants: set[tuple[int, int]] = field(default_factory=set)
    customers: set[int] = field(default_factory=set)
    attentions: set[int] = field(default_factory=set)
    messages: set[int] = field(default_factory=set)
    courses: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)

    @property
    def orders(self) -> set[int]:
        return {order for order, _ in self.participants} | self.customers | self.attentions

    def __bool__(self) -> bool:
        return bool(self.orders or self.messages or self.courses)


def find(db: Database, same: Same, *, same_person: bool = False) -> Found:
    """Everywhere that somebody is whom `same` knows.

    Who has their name in the same order is taken for them, too: but not with another address, unless the operator
    says that all of it is the same person.
    """
    found = Found()
    for roles in _orders(db):
        made_at = roles[0][1]
        known = [role for role, _ in roles if any(same(kind, value, made_at) for kind, value in role.values())]
        for role, _ in roles:
            if role in known or any(_is_same(role, one, any_address=same_person) for one in known):
                _add(found, role)
    found.messages = _in_lists(db, same)
    found.courses = _as_trainer(db, same)
    return found


def _is_same(role: Role, known: Role, *, any_address: bool) -> bool:
    """Whether two people of one order are one: the same name, and not two addresses."""
    if not role.name or not known.name or normalised("name", role.name) != normalised("name", known.name):
        return False
    return any_address or not (role.email and known.email)


def _orders(db: Database) -> Iterator[list[tuple[Role, int]]]:
    """The people of each order that still has any, with the moment they were written down."""
    people: dict[int, list[Any]] = {}
    for row in db.all("SELECT * FROM participants WHERE anonymised_at IS NULL ORDER BY order_id, number"):
        people.setdefault(row["order_id"], []).append(row)
    columns = "id, coalesce(completed_at, reserved_at) AS made_at, customer_name, customer_email, customer_phone"
    sql = f"SELECT {columns}, attention FROM orders WHERE state = 'complete' ORDER BY id"  # noqa: S608 (constants)
    for row in db.all(sql):
        roles = [
            Role(row["id"], "participant", one["number"], f"{one['first_name']} {one['last_name']}".strip(),
                 one["email"], one["phone"])
            for one in people.get(row["id"], [])
        ]  # fmt: skip
        customer = (row["customer_name"], row["customer_email"], row["customer_phone"])
        if any(customer):
            roles.append(Role(row["id"], "customer", 0, *customer))
        if row["attention"]:
            roles.append(Role(row["id"], "attention", 0, row["attention"], None, None))
        if roles:
            yield [(role, row["made_at"]) for role in roles]


def _add(found: Found, role: Role) -> None:
    if role.role == "participant":
        found.participants.add((role.order, role.number))
    elif role.role == "customer":
        found.customers.add(role.order)
    else:
        found.attentions.add(role.order)
        return
    if role.name:
        found.names.add(normalised("name", role.name) or "")
    if role.email:
        found.addresses.add(normalised("email", role.email) or "")


def _in_lists(db: Database, same: Same) -> set[int]:
    """Participant lists that were not sent: their bodies hold people who need not be in any order of ours."""
    sql = "SELECT id, body, created_at FROM outbox WHERE body IS NOT NULL AND effect = 'mailgun.participant-list'"
    return {row["id"] for row in db.all(sql) if _names(json.loads(row["body"]), same, row["created_at"])}


def _as_trainer(db: Database, same: Same) -> set[str]:
    rows = db.all("SELECT id, trainers, changed_at FROM courses WHERE trainers <> '[]'")
    return {row["id"] for row in rows if _names(json.loads(row["trainers"]), same, row["changed_at"])}


def _names(value: Any, same: Same, at: int) -> bool:
    for text in texts_of(value):
        kinds: tuple[Kind, ...] = ("email",) if "@" in text else ("name", "phone")
        for kind in kinds:
            plain = normalised(kind, text)
            if plain is not None and same(kind, plain, at):
                return True
    return False


def one_person(found: Found, text: str, *, same_person: bool) -> None:
    """Errors  UsageError: what was typed may mean several people"""
    kind = person_from(text).kind
    by_address = kind == "name" or (kind == "phone" and len(found.names) < 2)
    others, what = (found.addresses, "addresses") if by_address else (found.names, "names")
    if len(others) > 1 and not same_person:
        raise UsageError(
            f"gdpr: this is found with {len(others)} different {what}: it may mean several people; nothing was done",
            hint="name one of them by address, or by first and last name; --same-person if they are one",
        )


# what we know about somebody -------------------------------------------------------------------------

_OF_CUSTOMER = (
    *("customer_name", "customer_email", "customer_phone", "company_name", "company_cvr", "company_address"),
    *("company_zip", "company_city", "company_country", "company_ean", "purchase_order", "accepted_terms_at"),
)
_OF_PARTICIPANT = (
    *("number", "reference", "first_name", "last_name", "email", "phone", "job_title", "comment", "registered_at"),
)
_OF_BOOKING = (
    *("reference", "portal_reference", "state", "enrollment_status", "birth_date"),
    *("requested_at", "confirmed_at", "cancelled_at"),
)
_OF_STATUS = ("status", "completed_on", "set_at", "told_at")
_OF_DOCUMENT = ("name", "kind", "size", "queued_at", "uploaded_at")


def exported(db: Database, found: Found, text: str) -> dict[str, Any]:
    """All that the store holds about somebody, and nothing of anybody else; instants in UTC, as people read them."""
    facts = {
        "orders": [_order(db, found, order) for order in sorted(found.orders)],
        "messages": _messages(db, found, text),
        "trainer_of": [
            {"class": row["id"], "trainers": parts_about(json.loads(row["trainers"]), person_from(text))}
            for row in db.all("SELECT id, trainers FROM courses ORDER BY id")
            if row["id"] in found.courses
        ],
    }
    return {name: _dated(value) for name, value in facts.items()}


def _dated(value: Any, name: str = "") -> Any:
    """The same with its epoch seconds written out: 1795300000 is nothing a person can check."""
    if isinstance(value, dict):
        return {key: _dated(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_dated(inner) for inner in value]
    if isinstance(value, int) and name.endswith(("_at", "_since")):
        return utc_text(value)
    return value


def _order(db: Database, found: Found, order: int) -> dict[str, Any]:
    [row] = db.all("SELECT * FROM orders WHERE id = ?", (order,))
    facts: dict[str, Any] = {"number": order, "class": json.loads(row["class"]), "completed_at": row["completed_at"]}
    facts["legal_hold_since"] = row["hold_since"]
    if order in found.customers:
        facts["customer"] = {name: row[name] for name in _OF_CUSTOMER}
    if order in found.attentions:
        facts["attention"] = row["attention"]
    mails = ["customer"] if order in found.customers else []
    people = db.all("SELECT * FROM participants WHERE order_id = ? ORDER BY number", (order,))
    own = [one for one in people if (order, one["number"]) in found.participants]
    facts["participant"] = [{name: one[name] for name in _OF_PARTICIPANT} for one in own]
    if own and (booking := _booking(db, order)):
        facts["booking"] = booking
    mails += [f"participant:{one['number']}" for one in own]
    keys = json.dumps([f"order-confirmation:{order}:{end}" for end in mails])
    sent = db.all("SELECT * FROM mails WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key", (keys,))
    return facts | {"mails": [dict(mail) for mail in sent]}


def _booking(db: Database, order: int) -> dict[str, Any] | None:
    """The booking that a reseller sold a student, with what became of them and the names of their papers."""
    row = db.one("SELECT * FROM bookings WHERE order_id = ?", (order,))
    if row is None:
        return None
    status = db.one("SELECT * FROM booking_statuses WHERE reference = ?", (row["reference"],))
    papers = db.all("SELECT * FROM booking_documents WHERE reference = ? ORDER BY id", (row["reference"],))
    return {name: row[name] for name in _OF_BOOKING} | {
        "status": {name: status[name] for name in _OF_STATUS} if status else None,
        "documents": [{name: paper[name] for name in _OF_DOCUMENT} for paper in papers],
    }


def _messages(db: Database, found: Found, text: str) -> list[dict[str, Any]]:
    """Of a message that still has its facts, only the parts that are this person's own."""
    person, scopes = person_from(text), json.dumps([f"order:{order}" for order in found.orders])
    rows = db.all(
        "SELECT id, effect, key, state, body FROM outbox WHERE body IS NOT NULL"
        " AND (scope IN (SELECT value FROM json_each(?)) OR id IN (SELECT value FROM json_each(?))) ORDER BY id",
        (scopes, json.dumps(sorted(found.messages))),
    )
    parts = [(row, parts_about(json.loads(row["body"]), person)) for row in rows]
    return [
        {"id": row["id"], "effect": row["effect"], "key": row["key"], "state": row["state"], "about": about}
        for row, about in parts
        if about
    ]
