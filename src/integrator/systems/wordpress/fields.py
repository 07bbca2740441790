"""config/wordpress.toml: which fact feeds which field of a post, and who owns it there."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from integrator.domain.courses import PERSONAL_FIELDS, Course, MainCourse, Venue
from integrator.errors import ConfigError, Problem
from integrator.tomlfile import TomlFile, read_toml

KINDS = {"main_course": MainCourse, "course": Course}
_EXTRA = ("missing_since", "main_post_id", "hash", "synced_at")
_TARGET = re.compile(r"^(title|content\.raw|excerpt\.raw|(meta|acf)\.[A-Za-z0-9_-]+(\*)?)$")
_READABLE = re.compile(r"^(meta|acf)\.[A-Za-z0-9_-]+$")
_SLUG = re.compile(r"^[a-z0-9-]*\{id\}[a-z0-9-]*$")
_POST_TYPE = re.compile(r"^[a-z0-9_-]{1,20}$")
_ZONE = "Europe/Copenhagen"


class _FieldSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    owner: str
    from_: str | None = msgspec.field(default=None, name="from")
    form: str | None = None
    stamp: bool = False


@dataclass(frozen=True)
class Field:
    """One field of a post. target "meta.mac_city"; source "venue.city"; stamp: sent along, never a reason."""

    target: str
    owner: str
    source: str
    form: Callable[[Any], Any]
    stamp: bool


@dataclass(frozen=True)
class PostType:
    """How one kind of record is shown: its post type, slug and fields."""

    kind: str
    post_type: str
    slug_pattern: str
    identity: str
    seeds: tuple[Field, ...]
    owned: tuple[Field, ...]

    def slug(self, key: str) -> str:
        """As WordPress would store it: small letters, and one dash for whatever else."""
        return re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9_]+", "-", self.slug_pattern.format(id=key).lower())).strip("-")

    def wanted(self, facts: Mapping[str, Any], *, seeds: bool = False) -> dict[str, Any]:
        """target → value as the site should have it now; with seeds also what a new post starts with.

        A reference to a post that is not there (yet) is left as it is on the site.
        """
        fields = (*self.seeds, *self.owned) if seeds else self.owned
        values = {field.target: (field, _dig(facts, field.source)) for field in fields if not field.stamp}
        return {
            target: field.form(value)
            for target, (field, value) in values.items()
            if not (field.source == "main_post_id" and value is None)
        }

    def targets_of(self, source: str) -> list[str]:
        """Where one of our facts is written."""
        return [field.target for field in self.owned if field.source == source]

    def stamps(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """target → value of what only travels along with another change."""
        return {field.target: field.form(_dig(facts, field.source)) for field in self.owned if field.stamp}


class TrainerFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where editors keep trainers: posts of their own, and a course's list of their ids. Only ever read."""

    post_type: str = "trainer"
    email: str = "meta.ed_email"
    of_course: str = "meta.ed_trainers"


@dataclass(frozen=True)
class SiteMapping:
    """Both kinds of records, by name, and the trainers; fingerprint changes with the file."""

    types: dict[str, PostType]
    fingerprint: bytes
    trainer: TrainerFields


def load_fields(path: Path, *, shown: str | None = None) -> SiteMapping:
    """Read and check the file.

    Errors  ConfigError: every problem at once, with file and line
    """
    file = read_toml(path, shown=shown)
    problems: list[Problem] = []
    known = (*KINDS, "trainer")
    for name in file.data.keys() - set(known):
        problems.append(file.problem((name,), f"[{name}] is unknown; expected {', '.join(known)}"))
    types = {kind: _post_type(file, kind, problems) for kind in KINDS}
    trainer = _trainer(file, problems)
    if problems:
        raise ConfigError(problems)
    return SiteMapping(types, blake2b(path.read_bytes(), digest_size=16).digest(), trainer)


def _trainer(file: TomlFile, problems: list[Problem]) -> TrainerFields:
    """The table that may be missing: the names are then those of the shipped plugin."""
    try:
        found = msgspec.convert(file.data.get("trainer", {}), TrainerFields)
    except msgspec.ValidationError as error:
        problems.append(file.problem(("trainer",), f"[trainer] {error}; expected post_type, email, of_course"))
        return TrainerFields()
    if not _POST_TYPE.match(found.post_type):
        problems.append(file.problem(("trainer", "post_type"), "[trainer] post_type: expected a name like trainer"))
    for name in ("email", "of_course"):
        if not _READABLE.match(getattr(found, name)):
            problems.append(file.problem(("trainer", name), f"[trainer] {name}: expected meta.KEY or acf.NAME"))
    return found


def _post_type(file: TomlFile, kind: str, problems: list[Problem]) -> PostType:
    table = file.data.get(kind)
    if not isinstance(table, dict):
        problems.append(file.problem((kind,), f"[{kind}] is missing"))
        table = {}
    for name in table.keys() - {"post_type", "slug", "identity", "fields"}:
        problems.append(
            file.problem((kind, name), f"[{kind}] {name} is unknown; expected post_type, slug, identity, fields")
        )
    text = {name: _text(file, kind, name, table, problems) for name in ("post_type", "slug", "identity")}
    if text["post_type"] and not _POST_TYPE.match(text["post_type"]):
        problems.append(file.problem((kind, "post_type"), f"[{kind}] post_type: expected a name like course_date"))
    if text["slug"] and not _SLUG.match(text["slug"]):
        problems.append(
            file.problem((kind, "slug"), f'[{kind}] slug: expected small letters, digits and {{id}}, like "cd-{{id}}"')
        )
    fields = table.get("fields")
    if not isinstance(fields, dict) or not fields:
        problems.append(file.problem((kind,), f"[{kind}.fields] is missing or empty"))
        fields = {}
    read = [_field(file, kind, target, spec, problems) for target, spec in fields.items()]
    usable = [field for field in read if field is not None]
    for field in usable:
        if problem := _ownership_problem(field, text["identity"], fields):
            problems.append(file.problem((kind, "fields", field.target), f"[{kind}.fields] {field.target}: {problem}"))
    return PostType(
        kind,
        text["post_type"],
        text["slug"],
        text["identity"],
        tuple(field for field in usable if field.owner == "seed"),
        # The identity is ours like any other field: a post that is adopted gets it written.
        (
            Field(f"meta.{text['identity']}", "backend", "id", _as_it_is, stamp=False),
            *(field for field in usable if field.owner == "backend" and field.target != f"meta.{text['identity']}"),
        ),
    )


def _text(file: TomlFile, kind: str, name: str, table: dict[str, Any], problems: list[Problem]) -> str:
    value = table.get(name)
    if isinstance(value, str) and value:
        return value
    problems.append(file.problem((kind, name), f"[{kind}] {name}: expected a text, got {value!r}"))
    return ""


def _field(file: TomlFile, kind: str, target: str, raw: Any, problems: list[Problem]) -> Field | None:
    keys = (kind, "fields", target)

    try:
        spec = msgspec.convert(raw, _FieldSpec)
        problem = _spec_problem(kind, target, spec)
    except msgspec.ValidationError as error:
        problem = f"{error}; expected owner, from, form, stamp"
    if problem:
        problems.append(file.problem(keys, f"[{kind}.fields] {target}: {problem}"))
        return None
    if spec.owner == "editor":
        return None
    return Field(target, spec.owner, spec.from_ or "", _FORMS[spec.form] if spec.form else _as_it_is, spec.stamp)


def _spec_problem(kind: str, target: str, spec: _FieldSpec) -> str | None:
    if not _TARGET.match(target):
        return "expected title, content.raw, excerpt.raw, meta.KEY or acf.NAME"
    if spec.owner not in ("backend", "seed", "editor"):
        return f'owner: expected "backend", "seed" or "editor", got {spec.owner!r}'
    if spec.owner == "editor":
        return None
    if "*" in target:
        return "only an editor's field may use *"
    if spec.form not in (None, *_FORMS):
        return f"form: expected one of {', '.join(_FORMS)}, got {spec.form!r}"
    return _source_problem(kind, spec.from_) or _form_problem(spec)


def _form_problem(spec: _FieldSpec) -> str | None:
    fits = _FITTING.get(spec.form or "")
    if fits is None or spec.from_ in fits:
        return None
    return f'form = "{spec.form}" is for {", ".join(fits)}, and cannot write from = "{spec.from_}"'


def _ownership_problem(field: Field, identity: str, fields: dict[str, Any]) -> str | None:
    """A field has one owner: what a pattern gives to the editors is theirs, and the identity is ours alone."""
    for pattern, raw in fields.items():
        if isinstance(raw, dict) and raw.get("owner") == "editor" and fnmatchcase(field.target, pattern):
            return f'belongs to the editors, by "{pattern}"'
    if field.target == f"meta.{identity}" and field.source != "id":
        return "carries the identity, so it can hold nothing but the id"
    return None


def _source_problem(kind: str, source: str | None) -> str | None:
    known = [*KINDS[kind].__struct_fields__, *_EXTRA]
    known += [f"venue.{name}" for name in Venue.__struct_fields__] if kind == "course" else []
    if not source:
        return "from is missing"
    if source.split(".")[0] in PERSONAL_FIELDS:
        return f'from = "{source}" is personal data, and this field is public'
    if source not in known:
        near = get_close_matches(source, known, 1)
        return f'from = "{source}" is no field of ours' + (f'; did you mean "{near[0]}"?' if near else "")
    return None


def _dig(facts: Mapping[str, Any], source: str) -> Any:
    value: Any = facts
    for name in source.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


# forms: how a value of ours is written there ---------------------------------------------------


def _as_it_is(value: Any) -> Any:
    return value


def _as_text(value: Any) -> Any:
    return None if value is None else str(value)


def _local(pattern: str) -> Callable[[Any], Any]:
    """ISO text → the site's own wall time, without an offset."""

    def written(value: Any) -> str | None:
        if not value:
            return None
        moment = datetime.fromisoformat(value)
        return (moment.astimezone(ZoneInfo(_ZONE)) if moment.tzinfo else moment).strftime(pattern)

    return written


def _days(value: Any) -> Any:
    """Sessions as a list of objects: date is when the session starts (midnight when that is unknown), with offset."""
    return [
        {
            "date": _instant(day["date"], day["start_time"]),
            "from": day["start_time"] or "",
            "to": day["end_time"] or "",
            "venue": ", ".join(part for part in (day["venue"], day["city"]) if part),
        }
        for day in value or []
    ]


def _instant(date: str, time: str | None) -> str:
    return datetime.fromisoformat(f"{date}T{time or '00:00'}").replace(tzinfo=ZoneInfo(_ZONE)).isoformat()


_MOMENTS = ("start", "end", "updated_at", "missing_since", "synced_at")
_FITTING = {"days": ("days",), "Ymd": _MOMENTS, "Y-m-d H:i:s": _MOMENTS}  # form → what it can write
_FORMS: dict[str, Callable[[Any], Any]] = {
    "days": _days,
    "Ymd": _local("%Y%m%d"),
    "Y-m-d H:i:s": _local("%Y-%m-%d %H:%M:%S"),
    "text": _as_text,
}
