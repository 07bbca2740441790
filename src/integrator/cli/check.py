"""integrator check: what works, what does not, and what to do about it; one row per subject."""

import os
import sys
import textwrap
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from integrator.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from integrator.checks import Finding

# As in checks.SYSTEMS, which is dear to import for --help.
_SYSTEMS = ("maconomy", "wordpress", "mailgun", "trainingportal", "oilmat", "gateway", "workshops", "browser")
_STYLES = {"ok": "green", "note": "yellow", "problem": "red"}
_SUBJECT, _STATE, _WIDEST = 15, 9, 110
_WIDEST_NAME, _NARROWEST = 26, 12


def check(
    system: str | None = typer.Argument(
        None,
        metavar="[SYSTEM]",
        help=f"{', '.join(_SYSTEMS[:-1])} or {_SYSTEMS[-1]}; without it everything.",
        autocompletion=lambda: list(_SYSTEMS),
    ),
    fields: bool = typer.Option(
        False, "--fields", help="Maconomy: what became of each field, and which names nobody maps."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the findings as JSON."),
) -> None:
    """Say what is wrong here, and what to do.

    Looks at configuration, store, disk, clock, jobs and each system; writes nothing.

    Exit codes: 0 all is well (notes included), 1 refused or changed, 70 store, 75 a system is down, 78 configuration.

    Example: integrator check maconomy --fields
    """
    from integrator.checks import exit_code

    if fields and system not in (None, "maconomy"):
        raise UsageError("check: --fields is for maconomy")
    findings = []
    for finding in _found(system, quiet=as_json):
        findings.append(finding)
        if not as_json:
            print_finding(finding)
            if fields:
                print_fields(finding)
    code = exit_code(findings)
    if as_json:
        from integrator.cli.render import print_json

        print_json({"exit_code": code, "checks": [_json(finding, fields=fields) for finding in findings]})
    raise typer.Exit(code)


def _found(system: str | None, *, quiet: bool) -> Any:
    from integrator.checks import Finding, run_checks
    from integrator.home import need_home

    try:
        home = need_home(os.environ)
    except ConfigError as error:
        finding = Finding("configuration")
        for problem in error.problems:
            finding.problem(str(problem), error.hint, exit_code=error.exit_code)
        return [finding]
    options = {} if quiet or not sys.stdout.isatty() else {"waiting": _waiting}
    return run_checks(home, now=datetime.now(UTC), system=system, **options)


def _waiting(name: str) -> AbstractContextManager[object]:
    """Maconomy may take a minute: show that something is going on."""
    from integrator.cli.render import console

    return console().status(f"asking {name}")


def _json(finding: "Finding", *, fields: bool) -> dict[str, Any]:
    made = finding.as_json()
    if not fields:
        for facts in made["facts"].get("lists", {}).values():
            facts.pop("fields")
    return made


def print_finding(finding: "Finding") -> None:
    """The subject beside its lines, the gravest first; below each the next thing to do."""
    from rich.text import Text

    from integrator.cli import clean
    from integrator.cli.render import console

    out = console()
    width = min(out.width, _WIDEST) - _SUBJECT - _STATE
    subject = finding.subject
    for line in finding.sorted_lines():
        rows = _wrapped(clean(line.what), width)
        if line.then:
            rows += _wrapped(f"→ {clean(line.then)}", width, indent="  ")
        state = line.state
        for row in rows:
            text = Text.assemble(f"{subject:<{_SUBJECT}}", (f"{state:<{_STATE}}", _STYLES.get(state, "")), row)
            text.rstrip()
            out.print(text, no_wrap=True, crop=False, overflow="ignore")
            subject = state = ""


def _wrapped(text: str, width: int, *, indent: str = "") -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False) or [""]


def print_fields(finding: "Finding") -> None:
    """Per list a table of our fields, and one of the names nobody maps."""
    from integrator.checks.maconomy import NAMES

    for name, facts in finding.facts.get("lists", {}).items():
        typer.echo(f"\n{NAMES[name]}: GET {facts['path']}, {facts['records']:,} records\n")
        rows = [
            (row["name"], row["theirs"], f"{row['present']}/{row['records']}", str(row["converted"]), _trouble(row))
            for row in facts["fields"]
        ]
        _print_columns([("our field", "their name", "there", "read", "failed, doubts"), *rows])
        if facts["unmapped"]:
            typer.echo()
            _print_columns([("a name nobody maps", "there")] + [(k, str(n)) for k, n in facts["unmapped"].items()])


def _print_columns(rows: list[tuple[str, ...]]) -> None:
    """Left-aligned columns two blanks apart. A very long name is folded, and the last column takes what is left."""
    from itertools import zip_longest

    from integrator.cli import clean
    from integrator.cli.render import console

    widths = [min(max(map(len, column)), _WIDEST_NAME) for column in zip(*rows, strict=True)]
    widths[-1] = max(_NARROWEST, min(console().width, _WIDEST) - sum(widths[:-1]) - 2 * (len(widths) - 1))
    for row in rows:
        cells = [_wrapped(clean(cell), width) for cell, width in zip(row, widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = (f"{part:<{width}}" for part, width in zip(parts, widths, strict=True))
            typer.echo("  ".join(padded).rstrip())


def _trouble(row: dict[str, Any]) -> str:
    """Shape   "2 failed: bad_money", "unknown_status" """
    codes = ", ".join(row["examples"])
    return f"{row['failed']} failed: {codes}" if row["failed"] else codes
