"""What the OilMat stand-in keeps: what each workshop pumped, in its order, and what we said about it."""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

TOKEN = "demo-oilmat-token"  # noqa: S105 (a stand-in's, and in every manual of it)

Status = Literal["received", "processing", "completed", "bad request", "failed"]
_BEGUN = {"received": 0, "processing": 1}  # the others are ends
_ENDED = 2
_ID_NAMES = ("unique_id", "uniqueid")


class Refusal(Exception):
    """A request that is answered with an error; code is what a machine reads of it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of `seed` but the dispenses. The package's docstring says what each one does."""

    token: str = TOKEN
    workshops: list[str] | None = None
    take_unknown: bool = False
    page_most: Annotated[int, msgspec.Meta(ge=1)] = 500
    twice: bool = False
    overlap: Annotated[int, msgspec.Meta(ge=0)] = 0
    disorder: bool = False
    endless: bool = False


class Update(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of one dispense, as it is posted."""

    workshop: str
    status: Status
    updated_at: Annotated[datetime, msgspec.Meta(tz=True)]
    reason: str | None = None

    @property
    def age(self) -> tuple[datetime, int]:
        """What is compared: within the same moment a dispense only goes on, from received to its end."""
        return self.updated_at, _BEGUN.get(self.status, _ENDED)


@dataclass
class Told:
    """The newest status of a dispense, and everything that arrived about it."""

    newest: Update
    arrived: list[dict[str, Any]] = field(default_factory=list)


class Book:
    """Not thread-safe: the stand-in's lock is held around every call."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.offered: dict[str, list[Any]] = {}
        self.told: dict[tuple[str, str], Told] = {}

    def seed(self, given: dict[str, Any]) -> None:
        """Errors: ValueError, and nothing is changed."""
        rest = {name: value for name, value in given.items() if name != "dispenses"}
        try:
            offered = msgspec.convert(given.get("dispenses", {}), dict[str, list[Any]])
            self.settings = msgspec.convert({**msgspec.to_builtins(self.settings), **rest}, Settings)
        except msgspec.ValidationError as error:
            known = sorted(("dispenses", *Settings.__struct_fields__))
            raise ValueError(f"seed: {error}; known: {known}") from error
        for workshop, items in offered.items():
            self.offered.setdefault(workshop, []).extend(items)

    def page(self, workshop: str, after: str, limit: int) -> dict[str, Any]:
        """The items behind a cursor. Errors: Refusal 403, and 400 for a cursor that is none of this workshop."""
        self._check(workshop)
        settings, items = self.settings, self.offered.get(workshop, [])
        begin = _position(after, workshop) if after else 0
        end = min(len(items), begin + min(limit, settings.page_most))
        page = items[max(0, begin - settings.overlap) : end]
        if settings.twice:
            page = [item for item in page for _ in range(2)]
        if settings.disorder:
            page.reverse()
        if settings.endless:
            return {"items": page, "next": _cursor(workshop, begin), "more": True}
        return {"items": page, "next": _cursor(workshop, end), "more": end < len(items)}

    def take(self, unique_id: str, update: Update) -> bool:
        """Keep an update, if it is newer than what is known; gives back whether it changed anything.

        Errors: Refusal 403, and 404 for what was never offered
        """
        self._check(update.workshop)
        if not self.settings.take_unknown and not self._knows(update.workshop, unique_id):
            raise Refusal(404, "UNKNOWN_DISPENSE", "nothing with this id was offered to this workshop")
        told = self.told.setdefault((update.workshop, unique_id), Told(update))
        changes = not told.arrived or (update != told.newest and update.age >= told.newest.age)
        told.arrived.append({"status": update.status, "updated_at": _shown(update.updated_at), "kept": changes})
        if changes:
            told.newest = update
        return changes

    def state(self) -> dict[str, Any]:
        """What is offered, and of every dispense that we told about the newest status.

        Shape   {"dispenses": {workshop: [item]}, "statuses": [{"workshop", "unique_id", "status", "reason",
                "updated_at", "arrived": [{"status", "updated_at", "kept"}]}]}
        """
        statuses = [
            {
                "workshop": workshop,
                "unique_id": unique_id,
                "status": told.newest.status,
                "reason": told.newest.reason,
                "updated_at": _shown(told.newest.updated_at),
                "arrived": list(told.arrived),
            }
            for (workshop, unique_id), told in self.told.items()
        ]
        return {"dispenses": {workshop: list(items) for workshop, items in self.offered.items()}, "statuses": statuses}

    def _check(self, workshop: str) -> None:
        if self.settings.workshops is not None and workshop not in self.settings.workshops:
            raise Refusal(403, "FORBIDDEN", "this token is not for this workshop")

    def _knows(self, workshop: str, unique_id: str) -> bool:
        return any(_id_of(item) == unique_id for item in self.offered.get(workshop, []))


def _id_of(item: Any) -> str | None:
    found = next((item[name] for name in _ID_NAMES if name in item), None) if isinstance(item, dict) else None
    return None if found is None else str(found)


def _cursor(workshop: str, position: int) -> str:
    """Nothing that anybody could count with."""
    return base64.urlsafe_b64encode(f"{workshop}\n{position}".encode()).decode().rstrip("=")


def _position(cursor: str, workshop: str) -> int:
    try:
        of, _, position = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("\n")
        if of == workshop and position.isdecimal():
            return int(position)
    except (binascii.Error, ValueError):
        pass
    raise Refusal(400, "BAD_CURSOR", "after is no cursor of this workshop")


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
