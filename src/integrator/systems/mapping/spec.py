"""What a mapping file says, checked and as plain data: endpoints, their fields, items and enums."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrator.systems.mapping.reader import Reader


@dataclass(frozen=True)
class Defaults:
    """How values are written in this system, unless a field says otherwise."""

    timezone: str = "Europe/Copenhagen"
    locale: str = "da"
    decimal: str = ","
    date_formats: tuple[str, ...] = ("%d-%m-%Y", "%d.%m.%Y", "%d/%m/%Y", "%Y-%m-%d", "da-text")
    empty: tuple[str, ...] = ("",)
    unknown_fields: str = "ignore"
    two_digit_year: bool = True
    leading_number: bool = True
    send_nothing: str = "empty"


@dataclass(frozen=True)
class EnumSpec:
    """name is the last part of the code "unknown_<name>"; words maps a folded foreign word to ours."""

    name: str
    words: dict[str, str]


@dataclass(frozen=True)
class ItemSpec:
    """The fields of one entry in a list."""

    name: str
    fields: "tuple[FieldSpec, ...]"


@dataclass(frozen=True)
class FieldSpec:
    """One canonical field. type is "derive" for a derived one; sources are the names after `from` (or `from_date`)."""

    name: str
    type: str
    sources: tuple[str, ...] = ()
    join: str | None = None
    required: bool = False
    default: Any = None
    pattern: str | None = None
    min: int | None = None
    clamp_min: int | None = None
    zero_is_empty: bool = False
    empty_unless: str | None = None
    enum: EnumSpec | None = None
    unknown: str | None = None
    item: ItemSpec | None = None
    numbered: str | None = None
    count: int = 0
    derive: str | None = None
    currency: str | None = None


@dataclass(frozen=True)
class SendSpec:
    """One name to send: where its value stands in our model, and how it is written."""

    name: str
    value: str
    format: str = "plain"


@dataclass(frozen=True)
class Endpoint:
    """One call of the other system. items says where the list is; fields is empty for an outgoing call.

    one   where a single record of the list is, "/api/course/{course_id}"; "" when that is not offered
    """

    name: str
    path: str
    one: str = ""
    method: str = "GET"
    items: str = ""
    min_items: int = 1
    max_drop_percent: int = 20
    fields: tuple[FieldSpec, ...] = ()
    per: str = "record"
    send: tuple[SendSpec, ...] = ()
    answer: tuple[FieldSpec, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)
    defaults: Defaults = field(default_factory=Defaults)

    def compile(self, *, survey: bool = False) -> "Reader":
        """Make the reader of this endpoint's records; of its answer when the call is outgoing.

        A reader belongs to one run and one thread. survey counts per field, for `check`.
        """
        from integrator.systems.mapping.reader import Reader

        return Reader(self, survey=survey)


@dataclass(frozen=True)
class Mapping:
    """One mapping file; shown is its path in messages.

    fingerprint   changes with the file and with the converters: then every record is mapped anew
    """

    fingerprint: bytes
    endpoints: dict[str, Endpoint]
    shown: str = ""
