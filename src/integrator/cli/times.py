"""Times as an operator reads them, and as a program reads them in --json."""

from datetime import UTC, datetime

from integrator.durations import format_duration


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
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
