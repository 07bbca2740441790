"""What a person reads: tables that fit 80 columns, a run's report, a plan. Colours only on a terminal."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from integrator.cli import clean
from integrator.runtime.report import Report

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_COLOURS = {
    "done": "green",
    "ok": "green",
    "completed": "green",
    "partial": "yellow",
    "later": "yellow",
    "late": "yellow",
    "skipped": "yellow",
    "received": "yellow",
    "processing": "yellow",
    "stopped": "red",
    "failed": "red",
    "crashed": "red",
    "problem": "red",
}
_SHOWN_ITEMS = 20


def console() -> "Console":
    """The terminal, or 80 columns without colours."""
    from rich.console import Console

    on_terminal = sys.stdout.isatty()
    return Console(width=None if on_terminal else 80, markup=False, highlight=False, emoji=False, soft_wrap=False)


def print_json(value: Any) -> None:
    """For machines: one JSON value, Danish letters as they are."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """A table; a column whose name ends in > is aligned to the right, one in ! is never folded. Cells are no markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD, title=Text(clean(title)) if title else None, title_justify="left", pad_edge=False
    )
    for column in columns:
        right = column.endswith(">")
        whole = column.endswith("!")
        table.add_column(
            Text(column.rstrip(">!")), justify="right" if right else "left", overflow="fold", no_wrap=whole
        )
    for row in rows:
        cells = [clean("" if cell is None else str(cell)) for cell in row]
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in cells))
    console().print(table)


def print_report(report: Report, *, as_json: bool, verbose: bool) -> None:
    """Say how a run ended: JSON, a table on a terminal, and under cron only what needs a person."""
    if as_json:
        print_json(report.as_json())
        return
    if report.dry_run and report.error is None:  # a plan cut short would read as "nothing to do"
        print_plan(report)
        if report.counts and not report.plan:
            _print_counts(report)
    elif not report.dry_run:
        if report.plan:  # a replay's
            print_plan(report)
        if sys.stdout.isatty() or verbose:
            _print_run(report)
    if _is_news(report) or report.dry_run or sys.stderr.isatty() or verbose:
        _print_trouble(report)


def _is_news(report: Report) -> bool:
    """Cron mails whatever is printed: not success, nor a skipped start, nor "later" while it is not late."""
    return report.exit_code not in (0, 5, 75) or report.late is not None


def _print_run(report: Report) -> None:
    head = f"{report.job}  run {report.run_id or '-'}  {report.outcome}  in {report.seconds:.1f} s"
    console().print(clean(head), style=_COLOURS.get(report.outcome, ""))
    if report.counts:
        _print_counts(report)
    waits = [
        f"{_words(item)}: {count:,} wait" + ("" if at is None else f"; the next look is at {_clock(at)}")
        for item, (count, at) in report.later.items()
        if item not in report.waiting
    ]
    if report.exit_code == 0 and all(name.endswith(".read") for name in report.counts):
        waits = [f"nothing to do yet: {line}" for line in waits] or ["nothing to do: all is as it should be"]
    for line in waits:
        console().print(clean(line))


def _clock(at: int) -> str:
    """To the second on the host's clock, with its date on another day: some waits are of seconds."""
    from integrator.cli import opening, times

    exact, today = times.exact(at), times.exact(int(opening.now().timestamp()))
    return exact[11:] if exact[:10] == today[:10] else exact


def _print_counts(report: Report) -> None:
    groups: dict[str, list[str]] = {}
    for name, number in report.counts.items():
        group, _, what = name.rpartition(".")
        groups.setdefault(group or name, []).append(f"{number:,} {what.replace('_', ' ')}")
    print_table(["what", "how many"], [(_words(group), ", ".join(parts)) for group, parts in groups.items()])


def _print_trouble(report: Report) -> None:
    """What failed, what waits, what was remarked: on stderr, one line each."""
    lines = [f"late: {report.late}"] if report.late else []
    if report.error:
        lines.append(report.error)
    lines += _listed(report.failed, "failed")
    nexts = {item: f"; the next is at {_clock(at)}" for item, (_, at) in report.later.items() if at}
    lines += _listed({item: reason + nexts.get(item, "") for item, reason in report.waiting.items()}, "waits")
    lines += [
        f"note: {code}: {count} record(s), such as {', '.join(keys[:3])}"
        for code, (count, keys) in report.notes.items()
    ]
    lines += [f"note: {remark}" for remark in report.remarks]
    for line in lines:
        typer.echo(f"integrator: {report.job}: {clean(line)}", err=True)
    if report.hint:
        typer.echo(f"  → {clean(report.hint)}", err=True)


def _listed(items: dict[str, str], word: str) -> list[str]:
    lines = [f"{word}: {item}: {reason}" for item, reason in list(items.items())[:_SHOWN_ITEMS]]
    if len(items) > _SHOWN_ITEMS:
        lines.append(f"{word}: and {len(items) - _SHOWN_ITEMS} more; --json lists more")
    return lines


def print_plan(report: Report) -> None:
    """What a run would do on the other side: created, changed field by field, unpublished."""
    out = console()
    out.print(f"{report.job}: plan only, nothing was sent and nothing kept", style="bold")
    doing = [(effect, preview) for effect, preview in report.plan if preview.action != "nothing"]
    for effect, preview in doing:
        post = f" (post {preview.remote_id})" if preview.remote_id else ""
        line = f"{preview.action:<10} {effect} {preview.key}{post}  {preview.title}"
        out.print(
            clean(line), style="green" if preview.action == "create" else "yellow", overflow="ellipsis", no_wrap=True
        )
        if preview.reason:
            out.print(f"           {clean(preview.reason)}")
        if preview.action != "create":
            for name, old, new in preview.fields:
                out.print(f"           {name}: {_value(old)} → {_value(new)}", overflow="ellipsis", no_wrap=True)
    numbers: dict[str, int] = {}
    for _, preview in doing:
        numbers[preview.action] = numbers.get(preview.action, 0) + 1
    nothing = "nothing to send" if report.counts else "nothing to do"
    out.print(", ".join(f"{number} to {action}" for action, number in numbers.items()) or nothing)


def _value(value: Any) -> str:
    text = clean(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 60 else text[:57] + "…"


def _words(name: str) -> str:
    return name.replace("_", " ").replace(".", ": ")


class Bar:
    """A progress bar on a terminal."""

    def __init__(self) -> None:
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def begin(self, what: str, total: int | None = None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        if self._bar is None:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
            )
            self._bar = Progress(*columns, transient=True)
            self._bar.start()
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(what, total=total)

    def advance(self, number: int) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, number)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
