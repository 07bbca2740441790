"""Reads a mapping file strictly: all that is wrong with it is found in one go, with file and line."""

import re
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from integrator.domain.participants import REGISTRATION_PATHS
from integrator.errors import ConfigError
from integrator.systems.mapping.answers import is_items_path
from integrator.systems.mapping.convert import CONVERTERS_VERSION
from integrator.systems.mapping.dates import date_pattern
from integrator.systems.mapping.fieldspecs import FieldTables
from integrator.systems.mapping.monthnames import LANGUAGES
from integrator.systems.mapping.outgoing import NOTHING, names_in_conflict, wrong_with
from integrator.systems.mapping.sheet import Keys, Sheet, suggestion
from integrator.systems.mapping.spec import Defaults, Endpoint, EnumSpec, FieldSpec, ItemSpec, Mapping, SendSpec
from integrator.systems.mapping.text import folded
from integrator.tomlfile import read_toml

_TOP = ("defaults", "endpoint", "item", "enum")
_DEFAULTS = (
    "timezone", "locale", "decimal", "date_formats", "empty", "unknown_fields", "two_digit_year", "leading_number",
    "send_nothing",
)  # fmt: skip
_INCOMING = ("path", "one", "method", "items", "min_items", "max_drop_percent", "fields")
_OUTGOING = ("path", "method", "per", "send", "answer", "errors")
_METHODS = ("GET", "POST", "PUT", "PATCH")
_MEANINGS = ("retry", "final", "final_full", "final_cancelled")
_SEND_FORMATS = ("plain", "money", "date")
_URL_PATH = re.compile(r"(?:/(?:[\w.~-]|\{[a-z_]+\})+)+", re.ASCII)
_PLACEHOLDERS = ("course_id",)


def load_mapping(path: Path, *, shown: str | None = None) -> Mapping:
    """Read one mapping file.

    Errors  ConfigError: every problem at once, each with file and line
    """
    file = read_toml(path, shown=shown)
    sheet = Sheet(file)
    sheet.known((), file.data, _TOP)
    defaults = _defaults(sheet)
    enums = {name: _enum(sheet, name, table) for name, table in sheet.tables((), file.data, "enum").items()}
    tables = FieldTables(sheet, enums, None)
    raw_items = sheet.tables((), file.data, "item")
    items = {name: ItemSpec(name, tables.read(("item", name), table)) for name, table in raw_items.items()}
    endpoints = _endpoints(sheet, FieldTables(sheet, enums, items), defaults)
    if sheet.problems:
        raise ConfigError(sheet.problems)
    return Mapping(_fingerprint(path), endpoints, file.shown)


def _fingerprint(path: Path) -> bytes:
    return blake2b(path.read_bytes() + b"\0%d" % CONVERTERS_VERSION, digest_size=16).digest()


def _defaults(sheet: Sheet) -> Defaults:
    keys, table = ("defaults",), sheet.get((), sheet.file.data, "defaults", dict, {})
    sheet.known(keys, table, _DEFAULTS)
    usual = Defaults()
    return Defaults(
        timezone=_timezone(sheet, keys, table, usual.timezone),
        locale=sheet.word(keys, table, "locale", tuple(LANGUAGES), usual.locale),
        decimal=sheet.word(keys, table, "decimal", (",", "."), usual.decimal),
        date_formats=_date_formats(sheet, keys, table, usual.date_formats),
        empty=tuple(word.strip() for word in sheet.texts(keys, table, "empty", usual.empty)),
        unknown_fields=sheet.word(keys, table, "unknown_fields", ("ignore", "warn"), usual.unknown_fields),
        two_digit_year=sheet.get(keys, table, "two_digit_year", bool, usual.two_digit_year),
        leading_number=sheet.get(keys, table, "leading_number", bool, usual.leading_number),
        send_nothing=sheet.word(keys, table, "send_nothing", NOTHING, usual.send_nothing),
    )


def _timezone(sheet: Sheet, keys: Keys, table: dict[str, Any], usual: str) -> str:
    name: str = sheet.get(keys, table, "timezone", str, usual)
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        sheet.problem((*keys, "timezone"), f"{name!r} is not a time zone such as Europe/Copenhagen")
        return usual
    return name


def _date_formats(sheet: Sheet, keys: Keys, table: dict[str, Any], usual: tuple[str, ...]) -> tuple[str, ...]:
    formats = sheet.texts(keys, table, "date_formats", usual)
    for form in formats:
        if form == "text" or (form.endswith("-text") and form.removesuffix("-text") in LANGUAGES):
            continue
        try:
            date_pattern(form)
        except ValueError:
            what = f"{form!r} needs %d, %m and %Y once each, or is a language such as da-text"
            sheet.problem((*keys, "date_formats"), what)
            return usual
    return formats


def _enum(sheet: Sheet, name: str, table: dict[str, Any]) -> EnumSpec:
    words: dict[str, str] = {}
    for ours in table:
        for word in sheet.texts(("enum", name), table, ours):
            other = words.setdefault(folded(word), ours)
            if other != ours:
                sheet.problem(("enum", name, ours), f"{word!r} already means {other}")
    return EnumSpec(name, words)


def _endpoints(sheet: Sheet, tables: FieldTables, defaults: Defaults) -> dict[str, Endpoint]:
    found = sheet.tables((), sheet.file.data, "endpoint")
    if not found:
        sheet.problem(("endpoint",), "no endpoint is defined")
    read = {
        name: (_outgoing if "send" in table or table.get("method", "GET") != "GET" else _incoming)
        for name, table in found.items()
    }
    return {name: read[name](sheet, tables, defaults, name, table) for name, table in found.items()}


def _incoming(sheet: Sheet, tables: FieldTables, defaults: Defaults, name: str, table: dict[str, Any]) -> Endpoint:
    keys = ("endpoint", name)
    sheet.known(keys, table, _INCOMING)
    items = sheet.get(keys, table, "items", str, "")
    if not is_items_path(items):
        sheet.problem((*keys, "items"), f"{items!r} does not say where a list is, such as data or records[].data")
        items = ""
    return Endpoint(
        name=name,
        path=_path(sheet, keys, table),
        one=_one(sheet, keys, table),
        items=items,
        min_items=sheet.at_least(keys, table, "min_items", 0, 1_000_000, 1),
        max_drop_percent=sheet.at_least(keys, table, "max_drop_percent", 0, 100, 20),
        fields=_fields(sheet, tables, keys, table, "fields"),
        defaults=defaults,
    )


def _outgoing(sheet: Sheet, tables: FieldTables, defaults: Defaults, name: str, table: dict[str, Any]) -> Endpoint:
    keys = ("endpoint", name)
    sheet.known(keys, table, _OUTGOING)
    return Endpoint(
        name=name,
        path=_path(sheet, keys, table),
        method=sheet.word(keys, table, "method", _METHODS, "POST"),
        per=sheet.word(keys, table, "per", ("participant",), "participant"),
        send=_send(sheet, keys, table),
        answer=_fields(sheet, tables, keys, table, "answer"),
        errors=_errors(sheet, keys, table),
        defaults=defaults,
    )


def _path(sheet: Sheet, keys: Keys, table: dict[str, Any]) -> str:
    if "path" not in table:
        sheet.problem(keys, "path is missing")
    return _address(sheet, keys, table, "path")


def _one(sheet: Sheet, keys: Keys, table: dict[str, Any]) -> str:
    path = _address(sheet, keys, table, "one")
    if path and "{" not in path:
        sheet.problem((*keys, "one"), f"expected the place of the id, such as {path}/{{course_id}}")
    return path


def _address(sheet: Sheet, keys: Keys, table: dict[str, Any], name: str) -> str:
    path: str = sheet.get(keys, table, name, str, "")
    if path and not _URL_PATH.fullmatch(path):
        sheet.problem((*keys, name), f"expected a path such as /api/course or /api/x/{{course_id}}, got {path!r}")
    for placeholder in re.findall(r"\{(\w+)\}", path):
        if placeholder not in _PLACEHOLDERS:
            sheet.problem((*keys, name), f"unknown {{{placeholder}}}{suggestion(placeholder, _PLACEHOLDERS)}")
    return path


def _fields(sheet: Sheet, tables: FieldTables, keys: Keys, table: dict[str, Any], part: str) -> tuple[FieldSpec, ...]:
    if part not in table:
        sheet.problem(keys, f"[{'.'.join((*keys, part))}] is missing")
        return ()
    before = len(sheet.problems)
    found = sheet.get(keys, table, part, dict, {})
    fields = tables.read((*keys, part), found)
    if len(sheet.problems) == before:
        _check_whole(sheet, (*keys, part), fields)
    return fields


def _check_whole(sheet: Sheet, keys: Keys, fields: tuple[FieldSpec, ...]) -> None:
    """What only shows when all fields are there: an id, and the days a derived field is derived from."""
    if not any(field.type == "id" and field.required for field in fields):
        sheet.problem(keys, "no required field of type id: records need a key")
    days = {field.name: field for field in fields}.get("days")
    names = {entry.name for entry in days.item.fields} if days and days.item else set()
    position = [field.name for field in fields].index("days") if days else -1
    for number, field in enumerate(fields):
        if field.derive and not {"date", "start_time", "end_time"} <= names:
            sheet.problem((*keys, field.name), "needs a list called days with date, start_time and end_time")
        elif field.derive and number < position:
            sheet.problem((*keys, field.name), "stands before days, which it is derived from")


def _send(sheet: Sheet, keys: Keys, table: dict[str, Any]) -> tuple[SendSpec, ...]:
    keys = (*keys, "send")
    send = sheet.get(keys[:-1], table, "send", dict, {})
    if not send:
        sheet.problem(keys, "nothing to send")
    for name in names_in_conflict(tuple(send)):
        sheet.problem((*keys, name), "is no name to send: it is a group of others, or has an empty part")
    return tuple(_send_one(sheet, (*keys, name), name, value) for name, value in send.items())


def _send_one(sheet: Sheet, keys: Keys, name: str, value: Any) -> SendSpec:
    table = value if isinstance(value, dict) else {"value": value}
    sheet.known(keys, table, ("value", "format"))
    path = table.get("value")
    if not isinstance(path, str):
        sheet.problem(keys, f"expected a path in our model such as order.number, got {path!r}")
    elif path not in REGISTRATION_PATHS:
        sheet.problem(keys, f"{path!r} is no path in our model{suggestion(path, REGISTRATION_PATHS)}")
    form = sheet.word(keys, table, "format", _SEND_FORMATS, "plain")
    if wrong := wrong_with(str(path), form):
        sheet.problem(keys, wrong)
    return SendSpec(name, str(path), form)


def _errors(sheet: Sheet, keys: Keys, table: dict[str, Any]) -> dict[str, str]:
    errors = sheet.get(keys, table, "errors", dict, {})
    meanings = {}
    for code in errors:
        meaning = sheet.word((*keys, "errors"), errors, code, _MEANINGS)
        if meaning:
            meanings[code] = meaning
    return meanings
