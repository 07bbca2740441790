"""An order form as it is kept: every value cleaned, absent ones None. All of it is personal data."""

import hashlib

import msgspec


class Customer(msgspec.Struct, frozen=True):
    """Who orders, and gets the customer's confirmation."""

    name: str
    email: str
    phone: str | None


class Company(msgspec.Struct, frozen=True):
    """Who pays, when it is not the customer. cvr is 8 digits and zip 4 when country is "DK"; ean is 13 digits."""

    name: str
    cvr: str | None
    address: str | None
    zip: str | None
    city: str | None
    country: str
    ean: str | None
    purchase_order: str | None
    attention: str | None


class Attendee(msgspec.Struct, frozen=True):
    """One participant of a form; the first is participant 1 of the order. comment may hold line breaks."""

    first_name: str
    last_name: str
    email: str
    phone: str | None
    job_title: str | None
    comment: str | None


class Form(msgspec.Struct, frozen=True):
    """A whole form.

    Shape   company None: a private customer; e-mail addresses in ASCII (an IDN domain as xn--…);
            accepted_terms_at "2026-11-21T10:00:00+01:00", always with Copenhagen's offset
    """

    customer: Customer
    company: Company | None
    participants: tuple[Attendee, ...]
    accepted_terms_at: str


def canonical(form: Form) -> bytes:
    """The form as JSON that is the same for the same content, whatever order and blanks it was typed in."""
    return msgspec.json.encode(form, order="deterministic")


def form_hash(form: Form) -> bytes:
    """16 bytes that tell whether a second form has the same content.

    Who presses the button again accepts the terms again, and means the same order: the moment is left out.
    """
    same = msgspec.structs.replace(form, accepted_terms_at="")
    return hashlib.blake2b(canonical(same), digest_size=16).digest()
