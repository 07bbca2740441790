"""`gdpr-cleanup`, and `gdpr`: what a person may ask for, and what a court may."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from integrator.cli.erasing import copies_of, erasing, person_typed, user
from integrator.cli.jobs import AS_JSON, DRY_RUN, RECORD, REPLAY, VERBOSE
from integrator.errors import NotFound, UsageError

if TYPE_CHECKING:
    from collections import Counter

    from integrator.domain.retention import Person
    from integrator.runtime.run import Run
    from integrator.store.erasure.copies import Copies
    from integrator.store.erasure.people import Found
    from integrator.store.erasure.steps import Erasing
    from integrator.store.erasure.trace import Place

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Personal data: trace, export, erase, hold, unhold, accept-loss.\n\n"
    "PERSON is an e-mail address, a phone number or 'First Last'. Write - and type it on standard input: whoever is"
    " on this machine can read command lines.\n\n"
    "Example: integrator gdpr trace -",
)
PERSON = typer.Argument(..., metavar="PERSON", help="An e-mail address, a phone number, 'First Last', or - for stdin.")
ORDER = typer.Argument(..., metavar="ORDER", help="The number of an order.")
SAME_PERSON = typer.Option(False, "--same-person", help="All that is found is one person, whatever the spelling.")
JSON = typer.Option(False, "--json", help="Print it as JSON.")
FILE = typer.Option(None, "--file", metavar="FILE", help="By default ./gdpr-export-DATE.json.", show_default=False)


def gdpr_cleanup(
    dry_run: bool = DRY_RUN,
    as_json: bool = AS_JSON,
    record: Path | None = RECORD,
    replay: Path | None = REPLAY,
    verbose: bool = VERBOSE,
) -> None:
    """Erase what is past its retention; then prove it.

    Example: integrator gdpr-cleanup --dry-run
    """
    from integrator.cli import opening
    from integrator.cli.jobs import Manner, start

    def story(run: "Run", wiring: object) -> None:
        from integrator.jobs import gdpr_cleanup as job

        found = opening.settings()
        spool = found.oilmat.spool if found.oilmat else None
        if run.dry or run.db.path != found.store.path:  # a copy: a dry run's, or a replay's
            job.plan(run, found.home, found.store.path, found.retention, spool=spool)
        else:
            actor = user() if sys.stdin.isatty() else "cron"
            job.gdpr_cleanup(run, found.home, found.retention, actor=actor, spool=spool)

    start(
        "gdpr-cleanup",
        story,
        Manner(dry_run, as_json, record, replay, verbose),
        needs=("monitor",),
    )


@app.command()
def trace(person: str = PERSON, as_json: bool = JSON) -> None:
    """Say where a person is: places only, never a value.

    Columns of the store and of its backups, papers of their bookings, then the bytes of every file.
    A file is searched as UTF-8, Latin-1 and escaped JSON. Not found: base64, quoted-printable, what is compressed,
    and a name that a file of another system splits over two fields; ask by address as well.

    Example: integrator gdpr trace -
    """
    from integrator.cli import clean, opening, render
    from integrator.jobs.gdpr_files import papers_of
    from integrator.store.erasure import trace as erasure_trace
    from integrator.store.erasure.trace import Place

    found, who = opening.settings(), person_typed(person)
    spellings: set[str] = set()
    unreadable: list[Path] = []
    with opening.reading(found) as db:
        places = erasure_trace.in_store(db, who, spellings) if db is not None else []
        places += erasure_trace.in_bookings(db, who) if db is not None else []
        references = erasure_trace.references_of(db, who) if db is not None else set()
    places += [Place(str(path), "booking", 1) for path in papers_of(found.home, references)]
    places += erasure_trace.in_copies(copies_of(found), who, spellings, unreadable)
    beside = [found.oilmat.spool] if found.oilmat else []
    paths = erasure_trace.files(found.home.root, found.store.path, unreadable, beside=beside)
    places += erasure_trace.in_files(paths, who, spellings, unreadable)
    if as_json:
        facts = [{"where": place.where, "key": place.key, "times": place.times} for place in places]
        render.print_json({"places": facts, "unreadable": [str(path) for path in unreadable]})
    for place in [] if as_json else places:
        typer.echo(clean(f"{place.where}  {place.key}  {place.times}"))
    if not places and not as_json:
        typer.echo("nowhere")
    for path in unreadable:
        typer.echo(clean(f"integrator: gdpr trace: {path}: cannot be read, and was not searched"), err=True)
    if unreadable:
        raise typer.Exit(3)


@app.command()
def export(
    person: str = PERSON,
    file: Path | None = FILE,
    same_person: bool = SAME_PERSON,
) -> None:
    """Write all we hold about a person into a private file.

    Nobody else's data are in it.

    Example: integrator gdpr export - --file anna.json
    """
    from integrator.cli import clean, opening, times
    from integrator.store.erasure import people
    from integrator.store.erasure.journal import refuse_behind
    from integrator.store.erasure.requests import same_as

    found, who, now = opening.settings(), person_typed(person), opening.now()
    target = file or Path(f"gdpr-export-{now:%Y-%m-%d}.json")
    with opening.reading(found) as db:
        if db is not None:
            refuse_behind(db, found.home.var)
        where = people.find(db, same_as(who), same_person=same_person) if db is not None else None
        if db is None or not where:
            raise NotFound("gdpr export: this person is not in the store", hint="integrator gdpr trace PERSON")
        people.one_person(where, who.text, same_person=same_person)
        facts = {"made_at": times.iso(int(now.timestamp())), **people.exported(db, where, who.text)}
    _write_new(target, facts)
    typer.echo(
        clean(f"written: {target} (0600); {len(facts['orders'])} order(s). Delete it when it has been handed over")
    )


def _write_new(target: Path, facts: dict[str, Any]) -> None:
    """Errors  UsageError: the file is there already, or cannot be made"""
    import json

    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"gdpr export: {target} is there already; nothing is written over") from None
    except OSError as error:
        raise UsageError(f"gdpr export: {target}: cannot be made: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(facts, opened, ensure_ascii=False, indent=2)
        opened.write("\n")


@app.command()
def erase(
    person: str = PERSON,
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be erased; change nothing."),
    same_person: bool = SAME_PERSON,
) -> None:
    """Erase a person: store, unsent messages, backups; prove it.

    It ends with 3 when their name stands in words that somebody typed: a person must look there.

    Example: integrator gdpr erase - --dry-run
    """
    from integrator.cli import opening
    from integrator.jobs import gdpr_files
    from integrator.jobs.gdpr_cleanup import no_backup
    from integrator.runtime import throwaway
    from integrator.store.erasure import requests

    found, who = opening.settings(), person_typed(person)
    if dry_run:
        with opening.reading(found) as db:
            if db is None:
                raise NotFound("gdpr erase: there is no store yet")
            where = requests.look(db, copies_of(found), who, same_person=same_person)
            requests.refuse(db, where)
            _say_found(where, db, "would be erased (nothing was changed)")
        return
    throwaway.sweep(found.home.spool)
    with no_backup(found.home, opening.now()):
        copies = copies_of(found)
        with erasing(found) as round_:
            copies.sweep()
            round_.finish()  # what an earlier run could not
            places = _erase_here(round_, copies, who, same_person=same_person)
            papers = gdpr_files.delete_papers(gdpr_files.old_papers(round_.db, found.home, round_.at))
        copies.erase()
    _say_erased(round_.counts, copies, places, papers)


def _erase_here(round_: "Erasing", copies: "Copies", who: "Person", *, same_person: bool) -> "list[Place]":
    """Gives back where their name or address still stands in somebody's words. Errors  NotFound, Refused, …"""
    from integrator.store.erasure import leftovers, requests
    from integrator.store.erasure.people import Found

    try:
        requests.look(round_.db, copies, who, same_person=same_person)
    except NotFound:
        if (at := requests.erased_at(round_.journal, who)) is None:
            raise
        day = datetime.fromtimestamp(at, UTC).date()
        typer.echo(f"was erased on {day}: nothing more in the store; the backups are searched")
        return leftovers.left(round_.db, Found(), who)
    where = requests.erase(round_, who, same_person=same_person)
    round_.finish()
    _say_found(where, round_.db, "erased")
    return leftovers.left(round_.db, where, who)


def _say_found(where: "Found", db: Any, done: str) -> None:
    """What goes, and what stays and why: numbers of orders only."""
    lines = [f"order {order}: participant {number}: {done}" for order, number in sorted(where.participants)]
    lines += [f"order {order}: customer's address and phone: {done}" for order in sorted(where.customers)]
    lines += [f"order {order}: contact for the invoice: {done}" for order in sorted(where.attentions)]
    lines += [f"order {order}: booking, with its papers: {done}" for order in _booked(db, where)]
    lines += [f"participant list, message {number}: {done}" for number in sorted(where.messages)]
    for order in sorted(where.customers):
        row = db.one("SELECT company_name, channel FROM orders WHERE id = ?", (order,))
        buyer = "the name of the buyer, " if row["channel"] == "own" else ""
        what = f"{'the company, ' if row['company_name'] else buyer}the order and its amounts"
        lines.append(f"order {order}: kept for bookkeeping until its retention ends: {what}")
    kept = "kept until its retention ends: its numbers at the reseller, and whether it was completed"
    lines += [f"order {order}: booking: {kept}" for order in _booked(db, where)]
    chosen = f"id IN ({', '.join('?' * len(where.courses))})"
    listed = db.value(f"SELECT count(*) FROM courses WHERE {chosen} AND missing_since IS NULL", [*where.courses])  # noqa: S608
    if former := len(where.courses) - listed:
        lines.append(f"trainers of {former} class(es) that Maconomy does not list any more: {done}")
    if listed:
        what = f"named as a trainer of {listed} class(es): not erased, Maconomy says so;"
        lines += [what, "  erased here it comes back with the next import: have it erased there"]
    for line in lines or ["nothing in the store; the backups are searched"]:
        typer.echo(line)


def _booked(db: Any, where: "Found") -> list[int]:
    """Orders in which they are the student of a booking."""
    orders = sorted({order for order, _ in where.participants})
    return [order for order in orders if db.value("SELECT 1 FROM bookings WHERE order_id = ?", (order,))]


def _say_erased(counts: "Counter[str]", copies: "Copies", places: "list[Place]", papers: tuple[int, list[str]]) -> None:
    from integrator.cli import clean

    number, stayed = papers
    if number:
        typer.echo(f"papers of bookings deleted: {number}")
    typer.echo(f"messages that can no longer be sent: {counts['bodies.dropped']}")
    typer.echo(f"backups rewritten: {copies.counts['backups.rewritten']}; the bytes of the store were searched")
    for name, reason in copies.failed.items():
        typer.echo(clean(f"integrator: gdpr erase: {name}: {reason}"), err=True)
    for reason in sorted({*stayed}):
        typer.echo(f"integrator: gdpr erase: papers of bookings: cannot be deleted: {reason}", err=True)
    for place in places:
        typer.echo(f"still named in somebody's words, look at it: {place.where}  {place.key}", err=True)
    if copies.failed or places or stayed:
        raise typer.Exit(3)


@app.command()
def hold(
    order: int = ORDER,
    reason: str = typer.Option(..., "--reason", metavar="TEXT", help="Why; no names: it is kept for years."),
) -> None:
    """Keep an order and its people whatever their age.

    Example: integrator gdpr hold 10482 --reason "dispute 2026-17"
    """
    from integrator.cli import opening
    from integrator.store.erasure import requests

    with erasing(opening.settings()) as round_:
        requests.hold(round_, order, reason)
    typer.echo(f"order {order} is on hold: nothing of it is erased")


@app.command()
def unhold(order: int = ORDER) -> None:
    """Let retention take its course again.

    Example: integrator gdpr unhold 10482
    """
    from integrator.cli import opening
    from integrator.store.erasure import requests

    with erasing(opening.settings()) as round_:
        requests.unhold(round_, order)
    typer.echo(f"order {order} is not on hold any more: the next gdpr-cleanup looks at it")


@app.command("accept-loss")
def accept_loss() -> None:
    """Go on although entries of the journal of erasures are lost.

    Only when no backup of the home folder has var/erasures as it was. A backup made before a lost entry would bring
    back whom it erased: delete such backups, wherever they are.

    Example: integrator gdpr accept-loss
    """
    from integrator.cli import opening
    from integrator.runtime import lock
    from integrator.store.erasure.journal import Journal, applied

    found = opening.settings()
    journal, copies = Journal(found.home.var), copies_of(found)

    def followed() -> int:
        """Errors  UsageError: nothing is missing"""
        found_there = copies.followed()
        if found.store.path.exists():  # one that is gone is to be restored, and that may need this command first
            with opening.reading(found) as db:
                found_there += [applied(db)] if db is not None else []
        most = max(found_there, default=0)
        if most <= journal.size():
            raise UsageError(f"gdpr accept-loss: nothing of {journal.path} is missing; nothing was changed")
        return most

    followed()  # before there is a file of the lock, which is a sign of a store
    with lock.wait_for(found.home.locks, "store"):
        most = followed()
        journal.mend()
        journal.accept_loss(most, int(opening.now().timestamp()))
    typer.echo("accepted: what is lost is not followed any more. Delete every backup that is older than today's")
