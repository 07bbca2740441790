"""What happened and what needs a person: `status` and `runs`. Nothing here writes."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from integrator.cli.standing import Standing
    from integrator.settings import Settings

AS_JSON = typer.Option(False, "--json", help="Print it as JSON.")
_LARGEST = 2**63 - 1  # SQLite's
_SHOWN_COUNTS = 3
_SHOWN_ITEMS = 20


def status(as_json: bool = AS_JSON) -> None:
    """Show how all stands; exit 1 if a person is needed.

    Example: integrator status
    """
    from integrator.cli import opening, render
    from integrator.cli.standing import look

    found, now = opening.settings(), opening.now()
    with opening.reading(found) as db:
        standing = look(found, db, now)
    if as_json:
        render.print_json(standing.as_json(now))
    else:
        _print_standing(standing, now)
    raise typer.Exit(1 if standing.problems else 0)


def _print_standing(standing: "Standing", now: "datetime") -> None:
    from integrator.cli import clean, render, times

    rows = [
        (
            job.name,
            times.shown(job.last["started_at"] if job.last else None, now),
            job.outcome,
            times.shown(job.last_success, now),
            times.shown(job.next_run, now),
        )
        for job in standing.jobs
    ]
    render.print_table(["job", "last run", "outcome", "last success", "next run"], rows)
    if not standing.has_store:
        typer.echo("store: there is none yet: no job has run")
    if standing.queues:
        queued = [(q.effect, q.state, f"{q.count:,}", times.shown(q.oldest, now)) for q in standing.queues]
        render.print_table(["queue", "state", "how many>", "oldest"], queued)
    newest = standing.backups[0] if standing.backups else None
    if newest:
        typer.echo(
            f"backups: {len(standing.backups)}, the newest of {times.shown(newest.made_at, now)}"
            f" ({times.ago(newest.made_at, now)})"
        )
    elif standing.has_store:
        typer.echo("backups: none yet")
    for problem in standing.problems:
        typer.echo(clean(f"needs a person: {problem.what}"))
        typer.echo(clean(f"  → {problem.then}"))
    if not standing.problems:
        typer.echo("nothing needs a person")


def runs(
    run: int | None = typer.Argument(None, metavar="[RUN]", help="One run in full, by its number.", show_default=False),
    number: int | None = typer.Option(None, "--id", metavar="RUN", help="The same.", show_default=False),
    job: str | None = typer.Option(None, "--job", help="Only of this job.", show_default=False),
    limit: int = typer.Option(20, "--limit", min=1, max=1_000_000, help="How many, newest first."),
    as_json: bool = AS_JSON,
) -> None:
    """List the runs, newest first, or show one in full.

    Example: integrator runs --job import-courses
    """
    from integrator.cli import opening
    from integrator.errors import NotFound
    from integrator.runtime.history import History

    found, now = opening.settings(), opening.now()
    wanted = number if run is None else run
    with opening.reading(found) as db:
        if wanted is not None:
            row = History(db).get(wanted) if db and wanted <= _LARGEST else None
            if row is None:
                raise NotFound(f"runs: there is no run {wanted}", hint="integrator runs")
            _show_run(found, _facts(found, row), now, as_json=as_json)
            return
        rows = History(db).latest(job=job, limit=limit) if db else []
    if job and not rows and job not in found.jobs:
        raise NotFound(f"runs: there is no job {job}", hint=f"jobs here: {', '.join(sorted(found.jobs))}")
    _list_runs([_facts(found, row) for row in rows], now, as_json=as_json)


def _facts(found: "Settings", row: dict[str, Any]) -> dict[str, Any]:
    """A run's row with what can be told of it now."""
    from integrator.runtime.watch import outcome_of

    seconds = None if row["finished_at"] is None else row["finished_at"] - row["started_at"]
    return row | {"outcome": outcome_of(row, found.home.locks), "seconds": seconds}


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    from integrator.cli import times

    return row | {name: times.iso(row[name]) for name in ("started_at", "finished_at")}


def _list_runs(rows: list[dict[str, Any]], now: "datetime", *, as_json: bool) -> None:
    from integrator.cli import render, times
    from integrator.durations import format_duration

    if as_json:
        render.print_json([_as_json(row) for row in rows])
    elif not rows:
        typer.echo("no runs yet")
    else:
        render.print_table(
            ["run>", "job", "started", "took", "outcome", "exit>", "counted"],
            [
                (
                    row["id"],
                    row["job"],
                    times.shown(row["started_at"], now),
                    "" if row["seconds"] is None else format_duration(row["seconds"]),
                    row["outcome"],
                    row["exit_code"],
                    _short(row["counts"]),
                )
                for row in rows
            ],
        )


def _short(counts: dict[str, int]) -> str:
    """What changed, summed over kinds of records; what was read says nothing, it is always the same."""
    telling: dict[str, int] = {}
    for name, number in counts.items():
        word = name.rpartition(".")[2].replace("_", " ")
        if word != "read":
            telling[word] = telling.get(word, 0) + number
    said = [f"{number:,} {word}" for word, number in telling.items()]
    return ", ".join(said[:_SHOWN_COUNTS]) + (" …" if len(said) > _SHOWN_COUNTS else "")


def _show_run(found: "Settings", row: dict[str, Any], now: "datetime", *, as_json: bool) -> None:
    from integrator.cli import clean, render, times
    from integrator.runtime.watch import log_line

    said = log_line(found.home.log, row) or {}
    items = {name: said.get(name) or [] for name in ("failed", "waiting", "notes", "remarks")}
    if as_json:
        render.print_json(_as_json(row) | items)
        return
    took = "" if row["seconds"] is None else f" to {times.shown(row['finished_at'], now, date=True)}"
    lines = [
        f"run {row['id']} of {row['job']}: {row['outcome']}"
        + ("" if row["exit_code"] is None else f", exit code {row['exit_code']}"),
        f"{times.shown(row['started_at'], now, date=True)}{took}, pid {row['pid']}, version {row['version']}",
        *([f"error: {row['error']}"] if row["error"] else []),
        *([f"store checked: {row['checked']}"] if row["checked"] else []),
    ]
    for line in lines:
        typer.echo(clean(line))
    if row["counts"]:
        render.print_table(["counted", "how many>"], [(name, f"{n:,}") for name, n in row["counts"].items()])
    for line in _item_lines(items):
        typer.echo(clean(line))


def _item_lines(items: dict[str, list[Any]]) -> list[str]:
    lines = []
    for name, word in (("failed", "failed"), ("waiting", "waits")):
        lines += [f"{word}: {item.get('item')}: {item.get('reason')}" for item in items[name][:_SHOWN_ITEMS]]
        if len(items[name]) > _SHOWN_ITEMS:
            lines.append(f"{word}: and {len(items[name]) - _SHOWN_ITEMS} more; --json lists them all")
    for note in items["notes"]:
        lines.append(f"note: {note.get('code')}: {note.get('count')} record(s), such as {', '.join(note['keys'][:3])}")
    return lines + [f"note: {remark}" for remark in items["remarks"]]
