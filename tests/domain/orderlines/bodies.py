"""A body as the original sends it, two workshops, and one way to read it."""

import json

from integrator.domain.orderlines.payload import Accepted, BadRequest, read

SECRET = "Sommer-2026!"
SENT = {
    "workshop": "bennys",
    "username": "benny@example.org",
    "password": SECRET,
    "case_id": "560",
    "product_nr": "0005",
    "product_amount": "5.5",
    "unique_id": "0007",
}
PLAIN = {name: value for name, value in SENT.items() if name not in ("username", "password")}


class Workshops:
    """Bennys Auto and Karls Biler; the latter has no login."""

    def find(self, name):
        names = {"bennys": "bennys", "bennys auto": "bennys", "karls": "karls", "karls biler": "karls"}
        return names.get(name.lower())

    def has_credentials(self, workshop):
        return workshop == "bennys"


def results(raw, only=None):
    if not isinstance(raw, bytes):
        raw = json.dumps(raw).encode()
    return list(read(raw, workshops=Workshops(), only=only))


def result(raw, only=None):
    (found,) = results(raw, only)
    return found


def order(raw, only=None):
    found = result(raw, only)
    assert isinstance(found, Accepted), found
    return found.order


def refused(raw, only=None):
    found = result(raw, only)
    assert isinstance(found, BadRequest), found
    return found


def with_raw(name, written):
    """A sound body but for one member, which is written as it is given."""
    rest = ", ".join(f'"{key}": {json.dumps(value)}' for key, value in PLAIN.items() if key != name)
    return f'{{{rest}, "{name}": {written}}}'.encode()
