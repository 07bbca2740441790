"""What an orderline is told as: facts for machines, and lines for people."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from integrator.cli import times

if TYPE_CHECKING:
    from datetime import datetime

_INSTANTS = (
    *("next_try_at", "received_at", "armed_at", "phase_at", "changed_at", "uncertain_since", "archived_at"),
    *("looked_for_since", "next_look_at"),
)
_ELSEWHERE = ("reason", "status", "unique_id", "workshop", "events")


def for_machines(told: Mapping[str, Any]) -> dict[str, Any]:
    """What orderline_desk tells of one, as --json has it."""
    made = {**told, **{name: times.iso(told[name]) for name in _INSTANTS if name in told}}
    if "events" in told:
        made["events"] = [event | {"at": times.iso(event["at"])} for event in told["events"]]
    return made


def lines(told: Mapping[str, Any], now: "datetime") -> Iterator[str]:
    """One line a fact that there is, then one an event."""
    for name, value in told.items():
        if name in _ELSEWHERE or value is None:
            continue
        yield f"  {name:<16} {times.shown(value, now, date=True) if name in _INSTANTS else value}"
    for event in told["events"]:
        run = f" (run {event['run']})" if event["run"] else ""
        text = f": {event['detail']}" if event["detail"] else ""
        yield f"  {times.shown(event['at'], now, date=True)}  {event['what']}{text}{run}"
