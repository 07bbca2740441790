"""What the modelled site registers: its post types and their meta keys, in the order of registration."""

from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]

DAY: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "date": {"type": "string", "format": "date-time"},
        "from": {"type": "string"},
        "to": {"type": "string"},
        "venue": {"type": "string"},
    },
}
EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": []}


@dataclass(frozen=True)
class MetaKey:
    """One registered meta key. The order of registration is the order in which an update writes them."""

    name: str
    schema: Schema
    single: bool = True
    default: Any = ""
    locked: bool = False  # its auth callback says no to everyone
    sanitised: bool = False  # its sanitiser is sanitize_text_field

    @property
    def is_private(self) -> bool:
        """Left out of every answer that is not in the context of editing."""
        return "view" not in self.schema.get("context", ["view"])

    @property
    def owner(self) -> str:
        """Who may write it under strict_meta."""
        return "editor" if self.name.startswith("ed_") else "backend"


@dataclass
class PostType:
    """One post type that is shown in REST."""

    name: str
    label: str
    supports: tuple[str, ...]
    meta: list[MetaKey] = field(default_factory=list)

    @property
    def has_meta(self) -> bool:
        """Without custom-fields support `meta` is swallowed on writing and absent on reading."""
        return "custom-fields" in self.supports

    @property
    def needs_content(self) -> bool:
        """Only a type with title, editor and excerpt refuses an empty post."""
        return {"title", "editor", "excerpt"} <= set(self.supports)

    def key(self, name: str) -> MetaKey | None:
        return next((key for key in self.meta if key.name == name), None)


def _keys(names: str, kind: str = "string", **extra: Any) -> list[MetaKey]:
    default = EMPTY[kind]
    schema = {"type": kind, "description": "", "default": default}
    return [MetaKey(name, schema, default=default, **extra) for name in names.split()]


def _course_date_keys() -> list[MetaKey]:
    text = (
        "mac_id mac_maincourse_id mac_start mac_end mac_venue mac_city mac_language mac_currency mac_status mac_hash "
        "mac_synced_at mac_missing_since ed_times ed_trainer_note ed_venue_note"
    )
    trainer_ids = {"type": "array", "items": {"type": "integer", "description": "", "default": 0}}
    days = {"type": "array", "description": "", "default": [], "items": DAY}
    return [
        *_keys(text),
        *_keys("mac_price_minor mac_seats_total mac_seats_free mac_course_post", "integer"),
        *_keys("mac_sold_out", "boolean"),
        *_keys("mac_ratio", "number"),
        MetaKey("ed_trainers", trainer_ids, single=False, default=[]),
        MetaKey("mac_days", days, default=[]),
        *_keys("locked_key", locked=True),
        *_keys("mac_clean", sanitised=True),
        MetaKey("mac_defaulted", {"type": "string", "description": "", "default": "open"}, default="open"),
    ]


def _email_key() -> MetaKey:
    schema = {"type": "string", "description": "", "default": "", "context": ["edit"]}
    return MetaKey("ed_email", schema)


def registered() -> dict[str, PostType]:
    """A fresh copy of the site's post types."""
    course_keys = "mac_id mac_title mac_description mac_language mac_currency mac_hash mac_synced_at ed_teaser"
    types = [
        PostType(
            "course",
            "Courses",
            ("title", "editor", "excerpt", "custom-fields", "revisions", "thumbnail"),
            [*_keys(course_keys), *_keys("mac_price_minor", "integer")],
        ),
        PostType("course_date", "Course dates", ("title", "custom-fields"), _course_date_keys()),
        PostType("trainer", "Trainers", ("title", "editor", "custom-fields"), [_email_key()]),
        PostType("nometa", "No meta", ("title",), _keys("mac_id")),
    ]
    return {kind.name: kind for kind in types}
