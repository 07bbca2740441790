"""The one place where errors become words, or one JSON value, and an exit code."""

import os
import sqlite3
import sys
import time
from datetime import UTC, datetime
from typing import Any

import typer

from integrator.errors import BadForm, ConfigError, Full, IntegratorError, NotBookable, UsageError
from integrator.home import file_error, find_home
from integrator.runtime import logbook


def end(error: Exception) -> int:
    """Say what ended the command, and give back its exit code."""
    as_json = "--json" in sys.argv[1:]
    if hasattr(error, "format_message") and not as_json:  # the command line cannot be read: typer shows the usage
        error.show()  # type: ignore[attr-defined]  # ClickException, which typer keeps to itself
        return int(error.exit_code)  # type: ignore[attr-defined]
    ours = _in_our_words(error)
    if as_json:
        _print_json(ours)
    else:
        _complain(ours)
    if not isinstance(error, IntegratorError) and os.environ.get("INTEGRATOR_DEBUG"):
        import traceback

        traceback.print_exception(error)
    return ours.exit_code


def _in_our_words(error: Exception) -> IntegratorError:
    if isinstance(error, IntegratorError):
        return error
    if hasattr(error, "format_message"):
        return UsageError(error.format_message())
    if isinstance(error, UnicodeEncodeError) and any(not _is_text(word) for word in sys.argv):
        return UsageError("the command line holds bytes that are not UTF-8 text")
    if isinstance(error, sqlite3.Error):
        from integrator.database import sqlite_error

        try:
            return sqlite_error(error)
        except sqlite3.Error:  # our own mistake
            return _bug(error)
    if isinstance(error, OSError):
        ours = file_error(error)
        return ours if error.filename is not None else IntegratorError(f"{ours.message} ({_place(error)})")
    return _bug(error)


def _is_text(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bug(error: Exception) -> IntegratorError:
    """Never the message of a bug: it may hold a record. Its type and place are enough to find it."""
    log = _written_down(error)
    frames = f"the frames stand in {log}; with INTEGRATOR_DEBUG=1" if log else "with INTEGRATOR_DEBUG=1 the frames"
    return IntegratorError(
        f"this is a bug: {type(error).__name__} at {_place(error)}",
        hint=f"{frames} {'they ' if log else ''}are printed",
    )


def _place(error: Exception) -> str:
    frames = logbook.place_of(error)
    return frames[-1] if frames else "an unknown place"


def _written_down(error: Exception) -> str | None:
    """The log in which the place of a bug stands, None when it stands in none: no home, or no var/log yet."""
    from integrator.cli import COMMANDS

    try:
        folder = find_home(os.environ).log
        if not logbook.is_written(error):
            facts = {
                "at": datetime.fromtimestamp(int(time.time()), UTC).isoformat(),
                "command": next((word for word in sys.argv[1:2] if word in COMMANDS), None),
                "exit_code": IntegratorError.exit_code,
                "error": f"bug: {type(error).__name__}",
                "place": logbook.place_of(error),
            }
            logbook.write_line(folder, facts)
    except (OSError, IntegratorError):
        return None
    return str(folder / logbook.NAME)


def _print_json(error: IntegratorError) -> None:
    from integrator.cli.render import print_json

    problems: list[dict[str, Any]] = []
    if isinstance(error, ConfigError):
        problems = [{"where": problem.where, "what": problem.what} for problem in error.problems]
    elif isinstance(error, BadForm):
        problems = [{"field": p.field, "code": p.code, "message": p.message} for p in error.problems]
    facts = {"exit_code": error.exit_code, "error": error.message, "hint": error.hint, "problems": problems}
    if isinstance(error, NotBookable | Full):
        facts["refused"] = error.code
    print_json(facts)


def _complain(error: IntegratorError) -> None:
    """System, action, record and consequence on stderr; then the next command."""
    from integrator.cli import clean

    lines = [str(problem) for problem in error.problems] if isinstance(error, ConfigError) else [error.message]
    if isinstance(error, BadForm):
        lines += [f"{problem.field}: {problem.message}" for problem in error.problems]
    for line in lines:
        typer.echo(f"integrator: {clean(line)}", err=True)
    if error.hint:
        typer.echo(f"  → {clean(error.hint)}", err=True)
