"""`workshop`: which there are, how each stands, on and off, and whether its ERP lets us in."""

from typing import TYPE_CHECKING

import typer

from integrator.errors import Blocked

if TYPE_CHECKING:
    from datetime import datetime

    from integrator.jobs.workshop_standing import Standing
    from integrator.settings import Settings, Workshop
    from integrator.store.workshops import State

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Workshops: how they stand, on and off, their login.\n\nExample: integrator workshop health",
)
AS_JSON = typer.Option(False, "--json", help="Print it as JSON.")
WORKSHOP = typer.Argument(..., metavar="W", help="A workshop: its id, or its name.")
MAYBE_WORKSHOP = typer.Argument(None, metavar="[W]", help="One workshop; without it all.", show_default=False)


@app.command("list")
def list_(as_json: bool = AS_JSON) -> None:
    """List the workshops, and which of them take orders.

    Example: integrator workshop list
    """
    from integrator.cli import opening, render
    from integrator.cli.workshop_shown import LISTED, facts_of, state_of

    found, now = opening.settings(), opening.now()
    rows = [facts_of(one) for one in _standings(found, now)]
    if as_json:
        render.print_json([{name: row[name] for name in LISTED} for row in rows])
    elif not rows:
        typer.echo("no workshops: fill in config/workshops.toml")
    else:
        render.print_table(
            ["workshop", "name", "type", "state", "queued>"],
            [(row["id"], row["name"], row["type"], state_of(row, now), row["queued"]) for row in rows],
        )


@app.command()
def show(workshop: str = WORKSHOP, as_json: bool = AS_JSON) -> None:
    """Show one workshop: its settings, and whether it is on.

    Of its login only where the secret comes from.

    Example: integrator workshop show bennys-auto
    """
    from integrator.cli import clean, opening, render
    from integrator.cli.workshop_shown import LISTED, as_text, facts_of, settings_of
    from integrator.jobs.workshop_desk import find

    found, now = opening.settings(), opening.now()
    chosen = find(found.workshops, workshop)
    [one] = _standings(found, now, chosen)
    facts = settings_of(chosen) | {name: facts_of(one)[name] for name in LISTED if name not in ("id", "name", "type")}
    if as_json:
        render.print_json(facts)
        return
    for name, value in facts.items():
        if value not in (None, []):
            typer.echo(clean(f"{name:<16} {as_text(value)}"))


@app.command()
def activate(
    workshop: str = WORKSHOP,
    unblock: bool = typer.Option(False, "--unblock", help="Also take back a block: what led to it is mended."),
    as_json: bool = AS_JSON,
) -> None:
    """Let a workshop be worked for, from the next run on.

    A pause and a block stay, unless they are taken back.

    Example: integrator workshop activate bennys-auto --unblock
    """
    from integrator.cli import opening, render, times
    from integrator.jobs import workshop_desk

    found = opening.settings()
    chosen = workshop_desk.find(found.workshops, workshop)
    with opening.writing(found, make=True) as db:
        state = workshop_desk.set_active(db, chosen.id, True, unblock=unblock, at=_at())
    paused = state.paused_until if state.paused_until > _at() else None
    if as_json:
        told = {"workshop": chosen.id, "active": True}
        render.print_json(told | ({"paused_until": times.iso(paused)} if paused else {}))
    elif paused and not state.blocked_code:
        typer.echo(
            f"{chosen.id}  active, but paused until {times.shown(paused, opening.now())}: its ERP did not answer"
        )
        typer.echo(f"  → at once: integrator workshop activate {chosen.id} --unblock")
    else:
        then = "its orders wait" if state.blocked_code else "the next run works for it"
        typer.echo(f"{chosen.id}  active{', not blocked' if unblock else ''}: {then}")
    _say_blocked(chosen, state)


@app.command()
def deactivate(
    workshop: str = WORKSHOP,
    stop_running: bool = typer.Option(
        False, "--stop-running", help="Also end the run that works for it now, and its browser."
    ),
    wait: float = typer.Option(
        30.0, "--wait", metavar="SECONDS", min=0, max=3_600, help="How long that run may take before it is killed."
    ),
    as_json: bool = AS_JSON,
) -> None:
    """Stop working for a workshop; its orders are still taken in.

    A run that works for it now finishes the order at hand. A killed run's order is looked for before it is sent again.

    Example: integrator workshop deactivate bennys-auto --stop-running
    """
    from integrator.cli import clean, opening, render
    from integrator.jobs import workshop_desk

    found = opening.settings()
    chosen = workshop_desk.find(found.workshops, workshop)
    with opening.writing(found, make=True) as db:
        workshop_desk.set_active(db, chosen.id, False, unblock=False, at=_at())
    ended = workshop_desk.end_run(found.home, chosen.id, wait_s=wait) if stop_running else None
    if as_json:
        stopped = {"pid": ended[0], "killed": ended[1]} if ended else None
        render.print_json({"workshop": chosen.id, "active": False} | ({"stopped_run": stopped} if stop_running else {}))
        return
    typer.echo(clean(f"{chosen.id}  not active: its orders wait"))
    if ended:
        typer.echo(f"the run with pid {ended[0]} was {'killed' if ended[1] else 'asked to end, and did'}")
    elif stop_running:
        typer.echo("no run works for it now: there was nothing to end")


@app.command("test-login")
def try_login(workshop: str = WORKSHOP) -> None:
    """Log in to a workshop's ERP once, and open no case.

    A login that is let in ends a block of the login; one that is refused blocks the workshop, as in a run. A block
    because of other pages stays: mend the locators, then activate --unblock.

    Example: integrator workshop test-login bennys-auto
    """
    from integrator.cli import clean, opening
    from integrator.domain.orderlines.reasons import text_of
    from integrator.jobs import workshop_desk

    found = opening.settings()
    chosen = workshop_desk.find(found.workshops, workshop)
    try:
        _log_in(found, chosen)
    except Blocked as error:
        with opening.writing(found, make=True) as db:
            workshop_desk.keep_refusal(db, chosen.id, error.code, at=_at())
        raise
    with opening.writing(found, make=True) as db:
        before, state = workshop_desk.keep_login(db, chosen.id, at=_at())
    typer.echo(clean(f"{chosen.id}  logged in at {chosen.base_url}; no case was opened"))
    if before.blocked_code and not state.blocked_code:
        typer.echo(clean(f"it was blocked ({text_of(before.blocked_code)}), and is not any more"))
    _say_blocked(chosen, state)
    if not state.active:
        typer.echo(f"it is switched off: integrator workshop activate {chosen.id}")


@app.command()
def health(
    workshop: str | None = MAYBE_WORKSHOP,
    seen_to: bool = typer.Option(False, "--seen", help="The orders that were refused are seen to: forget them."),
    as_json: bool = AS_JSON,
) -> None:
    """Show how the workshops stand; exit 1 if one is not well.

    Not well: blocked, runs are late, in doubt for an hour, a manual check waits, switched off for a day while orders
    wait, files that no workshop takes, the store cannot be written.

    Example: integrator workshop health
    """
    from integrator.cli import opening, render
    from integrator.cli.workshop_shown import health_json, print_health
    from integrator.jobs import workshop_desk, workshop_standing
    from integrator.runtime.watch import job_state

    found, now = opening.settings(), opening.now()
    chosen = list(found.workshops.values()) if workshop is None else [workshop_desk.find(found.workshops, workshop)]
    if seen_to:
        with opening.writing(found) as db:
            number = workshop_desk.seen(db, workshop and [one.id for one in chosen], at=_at())
        typer.echo(f"integrator: workshop health: {number} refused order(s) are seen to", err=True)
    with opening.reading(found) as db:
        policy = found.jobs[workshop_standing.JOB]
        job = job_state(db, policy, locks=found.home.locks, now=now, off=not found.workshops)
        seen = workshop_standing.health(found, db, chosen, job, now=int(now.timestamp()))
    if as_json:
        render.print_json(health_json(seen, now))
    else:
        print_health(seen, now, single=workshop is not None)
    raise typer.Exit(0 if seen.is_good else 1)


# behind them --------------------------------------------------------------------------------------------------------


def _at() -> int:
    from integrator.cli import opening

    return int(opening.now().timestamp())


def _say_blocked(chosen: "Workshop", state: "State") -> None:
    from integrator.cli import clean
    from integrator.domain.orderlines.reasons import text_of
    from integrator.jobs.workshop_standing import way_out

    if code := state.blocked_code:
        typer.echo(clean(f"integrator: {chosen.id} is still blocked: {code} ({text_of(code)})"), err=True)
        typer.echo(clean(f"  → {way_out(chosen, code)}"), err=True)


def _standings(found: "Settings", now: "datetime", *chosen: "Workshop") -> "list[Standing]":
    from integrator.cli import opening
    from integrator.jobs.workshop_standing import standing

    with opening.reading(found) as db:
        workshops = chosen or tuple(found.workshops.values())
        return [standing(db, one, found.home, now=int(now.timestamp())) for one in workshops]


def _log_in(found: "Settings", chosen: "Workshop") -> None:
    """Errors  LockHeld: a run is going on; as workshop_desk.try_login"""
    from integrator.cli import opening
    from integrator.home import make_var
    from integrator.jobs.workshop_desk import try_login
    from integrator.jobs.workshop_standing import JOB
    from integrator.runtime import lock
    from integrator.runtime.stopping import Stopper
    from integrator.shops import Shops

    make_var(found.home, found.store.path)
    stopper = Stopper()
    with (
        stopper.installed(),
        lock.hold(found.home.locks, lock.name_of(JOB, chosen.id), since=opening.now()),
        Shops(found, found.home.spool).session(chosen.id) as session,
        stopper.interruptible(),
    ):
        try_login(session, chosen)
