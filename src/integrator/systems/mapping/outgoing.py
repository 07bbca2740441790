"""Our facts → the JSON of an outgoing call, as `send` in a mapping file says."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from integrator.systems.mapping.spec import Defaults, Endpoint, SendSpec

NOTHING = ("empty", "null", "omit")
_MONEY_SUFFIX = "_minor"
_MOMENT_SUFFIX = "_at"


def written(endpoint: Endpoint, model: Mapping[str, Any]) -> dict[str, Any]:
    """The body of one call; what is not known is written as send_nothing says.

    Shape   {"courseId": "25172-04", "company": {"name": "Ærø Værft A/S"}}; texts in NFC
    """
    body: dict[str, Any] = {}
    for spec in endpoint.send:
        value = sent_value(spec, model, endpoint.defaults)
        if value is not None or endpoint.defaults.send_nothing != "omit":
            _put(body, spec.name, value)
    return body


def sent_value(spec: SendSpec, model: Mapping[str, Any], defaults: Defaults) -> Any:
    """One value as it is sent; None for what is not known, unless that is sent as an empty text."""
    value = _formatted(_found(model, spec.value), spec.format, defaults)
    return "" if value is None and defaults.send_nothing == "empty" else value


def money_text(minor: int, decimal: str) -> str:
    """Shape   1499500 → "14.995,00" with a decimal comma, as people type it; "14995.00" with a point, as machines do"""
    whole, part = divmod(abs(minor), 100)
    sign = "-" if minor < 0 else ""
    if decimal == ",":
        return f"{sign}{whole:,}".replace(",", ".") + f",{part:02d}"
    return f"{sign}{whole}.{part:02d}"


def wrong_with(path: str, form: str) -> str | None:
    """Why a format does not fit the value it is for, None when it does."""
    if form == "money" and not path.endswith(_MONEY_SUFFIX):
        return f"format 'money' is for an amount such as order.price_minor, not for {path}"
    if form == "date" and not path.endswith(_MOMENT_SUFFIX):
        return f"format 'date' is for a moment such as order.accepted_terms_at, not for {path}"
    return None


def names_in_conflict(names: tuple[str, ...]) -> list[str]:
    """Names that would have to be a value and a group of values ("company" beside "company.name")."""
    groups = {".".join(name.split(".")[:depth]) for name in names for depth in range(1, name.count(".") + 1)}
    return [name for name in names if name in groups or not all(name.split("."))]


def _found(model: Mapping[str, Any], path: str) -> Any:
    value: Any = model
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _formatted(value: Any, form: str, defaults: Defaults) -> Any:
    if value is None or value == "":
        return None
    if form == "money":
        return money_text(int(value), defaults.decimal)
    if form == "date":
        return _day_text(value, defaults)
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def _day_text(value: str, defaults: Defaults) -> str:
    """The day of a moment where the other system's clocks hang, in the first form it can be written in."""
    moment = datetime.fromisoformat(value)
    day = (moment.astimezone(ZoneInfo(defaults.timezone)) if moment.tzinfo else moment).date()
    form = next((form for form in defaults.date_formats if "%" in form), "%Y-%m-%d")
    return form.replace("%d", f"{day:%d}").replace("%m", f"{day:%m}").replace("%Y", f"{day.year:04d}")


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    *groups, last = name.split(".")
    for group in groups:
        body = body.setdefault(group, {})
    body[last] = value
