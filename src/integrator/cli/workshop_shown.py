"""What `workshop` says of workshops: as facts for machines, as lines and tables for people."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from integrator.jobs.workshop_standing import Health, Standing, Worry
    from integrator.settings import Workshop

LISTED = ("id", "name", "type", "active", "blocked", "blocked_reason", "queued")


def facts_of(one: "Standing") -> dict[str, Any]:
    """A workshop as --json tells it; times as epoch seconds."""
    from dataclasses import asdict

    from integrator.domain.orderlines.reasons import text_of

    state, counted = one.state, one.numbers
    return {
        "id": one.id,
        "name": one.settings.name,
        "type": one.settings.type,
        "active": state.active,
        "blocked": state.blocked_code,
        "blocked_reason": text_of(state.blocked_code) or None,
        "blocked_at": state.blocked_at,
        "paused_until": state.paused_until or None,
        "queued": counted.queued,
        "processing": counted.processing,
        "in_doubt": list(counted.doubtful),
        "failed_24h": counted.failed_lately,
        "manual_checks": list(counted.manual_checks),
        "oldest_at": counted.oldest_at,
        "last_ok_at": state.done_at,
        "last_login_ok_at": state.login_at,
        "median_s_per_order": counted.median_s,
        "by_count": list(counted.by_count),
        "rejected": state.rejected,
        "reused": state.reused,
        "run": None if one.worker is None else asdict(one.worker),
    }


def health_json(seen: "Health", now: "datetime") -> dict[str, Any]:
    from integrator.cli import times

    job = seen.job
    return {
        "at": times.iso(int(now.timestamp())),
        "healthy": seen.is_good,
        "problems": [_worry_json(worry) for worry in seen.worries if worry.degrades],
        "notes": [_worry_json(worry) for worry in seen.worries if not worry.degrades],
        "store": {"writable": seen.store_problem is None, "problem": seen.store_problem},
        "job": {
            "outcome": job.outcome,
            "last_run_at": times.iso(job.last["started_at"]) if job.last else None,
            "last_success_at": times.iso(job.last_success),
            "next_run_at": times.iso(job.next_run),
            "late": job.late,
        },
        "rejected_without_workshop": seen.rejected,
        "refused": [
            {"workshop": None if workshop == "-" else workshop, "unique_id": one.unique_id or None}
            | {"reason": one.reason, "at": times.iso(one.at)}
            for workshop, refusals in seen.refused.items()
            for one in refusals
        ],
        "workshops": [_timed(facts_of(one), now) for one in seen.workshops],
    }


def _worry_json(worry: "Worry") -> dict[str, Any]:
    return {"kind": worry.kind, "workshop": worry.workshop, "what": worry.what, "next": worry.then}


def _timed(facts: dict[str, Any], now: "datetime") -> dict[str, Any]:
    """Instants as machines read them; how long the oldest has waited instead of since when."""
    from integrator.cli import times

    instants = ("blocked_at", "paused_until", "last_ok_at", "last_login_ok_at")
    waited = None if facts["oldest_at"] is None else _waited(facts, now)
    facts = {name: value for name, value in facts.items() if name != "oldest_at"}
    run = facts["run"] and facts["run"] | {"since": times.iso(facts["run"]["since"])}
    return facts | {name: times.iso(facts[name]) for name in instants} | {"oldest_waiting_s": waited, "run": run}


def state_of(facts: dict[str, Any], now: "datetime") -> str:
    """Shape   "active", "off", "paused", "blocked: login afvist", "off, blocked: skærmbillede ændret" """
    states = ["off"] * (not facts["active"])
    if facts["blocked"]:
        states.append(f"blocked: {facts['blocked_reason']}")
    elif (facts["paused_until"] or 0) > now.timestamp():
        states.append("paused")
    return ", ".join(states) or "active"


def print_health(seen: "Health", now: "datetime", *, single: bool) -> None:
    from integrator.cli import clean

    rows = [facts_of(one) for one in seen.workshops]
    if not rows:
        typer.echo("no workshops: fill in config/workshops.toml")
    elif single:
        for name, value in _timed(rows[0], now).items():
            typer.echo(clean(f"{name:<19} {as_text(value)}"))
    else:
        _print_tables(rows, now)
    for worry in seen.worries:
        typer.echo(clean(f"{'needs a person' if worry.degrades else 'note'}: {worry.what}"))
        typer.echo(clean(f"  → {worry.then}"))
    for note in [] if single else [note for row in rows for note in _notes(row)]:
        typer.echo(clean(f"note: {note}"))
    if seen.is_good and rows:
        typer.echo("healthy")


def _notes(row: dict[str, Any]) -> "Iterator[str]":
    """What a person may look at, but has no place in a narrow table."""
    if row["by_count"]:
        ids, one = ", ".join(row["by_count"]), row["by_count"][0]
        then = f"integrator orderline resolve --workshop {row['id']} {one} --as completed --note TEXT"
        yield f"{row['id']}: counted, not read back: {ids}: compare them with the cases; what is there: {then}"


def _print_tables(rows: list[dict[str, Any]], now: "datetime") -> None:
    """Two tables: a row of one would be wider than a terminal."""
    from integrator.cli import render, times

    render.print_table(
        ["workshop", "state", "queued>", "doing>", "doubt>", "failed 24 h>", "check>"],
        [
            (
                *(row["id"], state_of(row, now).partition(":")[0], row["queued"], row["processing"]),
                *(len(row["in_doubt"]), row["failed_24h"], len(row["manual_checks"])),
            )
            for row in rows
        ],
    )
    render.print_table(
        ["workshop", "type", "oldest waits>", "last ok", "last login", "s each>"],
        [
            (
                *(row["id"], row["type"], "" if row["oldest_at"] is None else f"{_waited(row, now)} s"),
                *(times.shown(row[name], now).partition(" ")[0] for name in ("last_ok_at", "last_login_ok_at")),
                row["median_s_per_order"],
            )
            for row in rows
        ],
    )


def _waited(row: dict[str, Any], now: "datetime") -> int:
    return int(now.timestamp()) - int(row["oldest_at"])


def settings_of(chosen: "Workshop") -> dict[str, Any]:
    """What config/workshops.toml says; of a secret only where it comes from."""
    facts = {name: getattr(chosen, name) for name in ("id", *chosen.__struct_fields__)}
    for name in ("password", "totp"):
        facts[name] = None if facts[name] is None else str(facts[name])
    return facts | {"allow_hosts": list(chosen.allow_hosts)}


def as_text(value: Any) -> str:
    """Shape   "yes", "-", "0007, 0008", "pid 4711 since 2026-08-03T11:00:00Z" """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return f"pid {value['pid']} since {value['since']}" + ("" if value["alive"] else ", but it is gone")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
