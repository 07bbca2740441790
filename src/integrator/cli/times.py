"""Times as an operator reads them, and as a program reads them in --json."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from integrator.domain.instants import utc_text
from integrator.durations import format_duration

_INSTANTS = {"at", "uncertain_since", "hold_since", "missing_since"}  # beside whatever ends in _at


def shown(at: int | None, now: datetime, *, date: bool = False) -> str:
    """An instant on the host's clock: "14:05" today, "2026-08-02 14:05" on another day (or with date)."""
    if at is None:
        return "-"
    from integrator.schedule import local_zone

    zone = local_zone()
    local = datetime.fromtimestamp(at, UTC).astimezone(zone)
    today = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M}" if today and not date else f"{local:%Y-%m-%d %H:%M}"


def exact(at: int) -> str:
    """An instant on the host's clock to the second, for what happens within one: "2026-08-02 14:05:09"."""
    from integrator.schedule import local_zone

    return f"{datetime.fromtimestamp(at, UTC).astimezone(local_zone()):%Y-%m-%d %H:%M:%S}"


def short(at: int, now: datetime) -> str:
    """For a narrow column: the time today, the date on another day."""
    return shown(at, now).partition(" ")[0]


def ago(at: int, now: datetime) -> str:
    """How long ago, in words: "3 h 5 min ago"."""
    return f"{format_duration(now.timestamp() - at)} ago"


def iso(at: int | None) -> str | None:
    """An instant for machines, in UTC; None stays None."""
    return None if at is None else utc_text(at)


def timed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the store, its instants for machines."""
    return {
        name: (iso(value or None) if name.endswith("_at") or name in _INSTANTS else value)
        for name, value in row.items()
    }
