"""`explain` of an orderline: what happened to it, where it stands, what to type next."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from operating import Run, files_of

from integrator.database import Database
from integrator.domain.orderlines.order import EFFECT, scope_of
from integrator.effects import Message
from integrator.jobs import orderline_desk
from integrator.runtime.outbox import Outbox
from integrator.store.orderlines import Orderlines
from integrator.store.workshops import Workshops
from orderline_rows import WORKSHOP, add_orderline, order
from people import add_order, person

MINUTE = 60
KEY = f"{WORKSHOP}/0007"


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock("2026-08-03 12:00")


class Way:
    """One orderline on its way, a minute a step."""

    def __init__(self, db: Database, now: int) -> None:
        self.db, self.at = db, now - 60 * MINUTE
        self.lines = Orderlines(db, run_id=7)
        self.outbox = Outbox(db, clock=lambda: float(self.at), run_id=7)
        with db.tx():
            Orderlines(db).take(order(), source="pull", credentials=False, at=self.at)
            self.outbox.once(EFFECT, KEY, order().body, scope=scope_of(WORKSHOP))

    @property
    def message(self) -> Message:
        scope = scope_of(WORKSHOP)
        [found] = [*self.outbox.due(EFFECT, scope=scope), *self.outbox.in_doubt(EFFECT, scope=scope)]
        return found

    def step(self, name: str, *values: str | None) -> None:
        """One of Orderlines' own steps, a minute after the one before."""
        self.at += MINUTE
        with self.db.tx():
            getattr(self.lines, name)(KEY, *values, at=self.at)

    def begin(self) -> Message:
        message = self.message
        self.outbox.begin([message])
        self.step("claimed", "shop-host 4711 99")
        return self.message


@pytest.fixture
def way(store: Database, now: int) -> Iterator[Way]:
    return Way(store, now)


def _last(run: Run) -> list[str]:
    """The lines behind the events."""
    result = run("explain", KEY)
    assert (result.code, result.err) == (0, "")
    lines: list[str] = result.out.splitlines()
    return [line for line in lines if not line.startswith("  ")][1:]


# the way ----------------------------------------------------------------------------------------------


def test_every_step_is_told_with_its_time_in_words(run: Run, way: Way) -> None:
    message = way.begin()
    way.step("looked")
    way.step("armed", '{"ids":[]}')
    way.step("evidence", "bennys-auto/20260803T110000Z-0007")
    way.step("noted", "processing", "doubt", "the page closed while it saved")
    way.step("half", "91")
    way.step("verified", "91", "marker", None)
    with way.db.tx():
        way.outbox.complete(message, "91")
    result = run("explain", KEY)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "orderline bennys-auto/0007: 5.5 × OL-0530 on case 4711-560",
        "  2026-08-03 13:00:00  fetched from OilMat",
        "  2026-08-03 13:01:00  a run began with it (run 7)",
        "  2026-08-03 13:02:00  the case was opened and read: our line is not there (run 7)",
        "  2026-08-03 13:03:00  about to save: from here on the line may be on the case (run 7)",
        "  2026-08-03 13:04:00  what the screen showed is kept: var/evidence/bennys-auto/20260803T110000Z-0007 (run 7)",
        "  2026-08-03 13:05:00  it may have been saved, nobody saw how that ended; it is looked for, never saved again:"
        " the page closed while it saved (run 7)",
        "  2026-08-03 13:06:00  the new line is on the case (line 91); its text and its amount are set next (run 7)",
        "  2026-08-03 13:07:00  read back from the case: line 91 has its id, its product and its amount (run 7)",
        "now: completed: on case 4711-560, line 91, read there",
    ]


@pytest.mark.parametrize(
    ("step", "values", "said"),
    [
        (
            "disarmed",
            ("looked up: it is not there",),
            "looked for long enough, and it is not on the case: it starts over",
        ),
        ("released", (), "the run had ended before anything was written: it waits again"),
        ("noted", ("received", "slow", "too slow"), "not done, and nothing was written; tried again later: too slow"),
        ("noted", ("failed", "case-closed", "the case is closed"), "given up: the case is closed"),
        ("restarted", ("retried", "by a person"), "brought back by a person: the next run begins with it anew"),
        ("settled", ("cleared", "by a person"), "taken out of the queue by a person"),
        ("settled", ("resolved", "line 3"), "settled by a person: line 3"),
        (
            "verified",
            ("9", "marker", "already-present"),
            "read on the case: line 9; it was there already, and nothing was written",
        ),
        (
            "verified",
            (None, "by count", None),
            "the ERP shows one such line more than before, which is taken for ours",
        ),
        ("verified", (None, "a person", None), "it is on the case: a person says so"),
        ("event", ("photographed", None), "photographed"),
    ],
)
def test_what_else_may_happen_is_told_too(
    step: str, values: tuple[str | None, ...], said: str, run: Run, way: Way
) -> None:
    if step == "disarmed":  # looked for, and not found, after a doubt
        way.step("noted", "processing", "slow", "too slow")
        step, values = "noted", ("received", None, *values)
    way.step(step, *values)
    assert f":00  {said} (run 7)\n" in run("explain", KEY).out


def test_looking_writes_nothing(run: Run, home: Path, way: Way) -> None:
    before = files_of(home)
    assert run("explain", KEY).code == 0
    assert files_of(home) == before


# where it stands, and what to type ----------------------------------------------------------------------


def test_one_that_waits_says_for_what(run: Run, way: Way, now: int) -> None:
    workshops = Workshops(way.db)
    push = "next: integrator push-orderline --workshop bennys-auto   (cron does so every minute)"
    assert _last(run) == ["now: received: the next run begins with it", push]
    message = way.begin()
    with way.db.tx():
        way.outbox.put_back(message, "slow", attempts=2, next_at=now + 10 * MINUTE)
        way.lines.noted(KEY, "received", "slow", "too slow", at=way.at)
    assert _last(run)[0] == "now: received (ERP svarer langsomt): tried 2 time(s); next try after 14:10"
    workshops.pause(WORKSHOP, now + 5 * MINUTE, at=now)
    assert _last(run)[0].endswith("the ERP could not be had several times; it is left alone until 14:05")
    workshops.set_active(WORKSHOP, False, at=now)
    assert _last(run)[0].endswith("workshop bennys-auto is switched off; its orderlines wait")
    assert _last(run)[1] == "next: integrator workshop activate bennys-auto"
    workshops.block([WORKSHOP], "login-refused", at=now)
    assert _last(run) == [
        "now: received (login afvist): workshop bennys-auto is blocked since 14:00, until a person has looked",
        "next: mend it (login afvist), then: integrator workshop test-login bennys-auto",
    ]


def test_one_under_way_says_by_whom_and_what_is_known(run: Run, way: Way, now: int) -> None:
    way.begin()
    way.db.write("UPDATE orderlines SET lease_until = ?", (now + MINUTE,))
    assert _last(run)[0] == "now: processing: a run works on it now (process 4711 on shop-host)"
    way.db.write("UPDATE orderlines SET lease_until = ?", (now,))
    nothing = "the run that had begun with it ended, and nothing was written; the next one begins anew"
    assert _last(run)[0] == f"now: processing: {nothing}"
    way.step("armed", '{"ids":[]}')
    way.step("noted", "processing", "doubt", "nobody saw")
    assert _last(run)[0] == (
        "now: processing (afklares): its line may be on case 4711-560; the next run looks, and saves nothing before it"
        " knows"
    )


@pytest.mark.parametrize(
    ("code", "reason", "said", "step"),
    [
        (
            "case-closed",
            "sag lukket",
            "given up after 1 attempt(s), without a line as far as could be read",
            "have case 4711-560 opened again, then: integrator orderline retry --workshop bennys-auto 0007",
        ),
        (
            "product-unknown",
            "handle varenummer",
            "given up after 1 attempt(s), without a line as far as could be read",
            "have product OL-0530 made in the ERP, then: integrator orderline retry --workshop bennys-auto 0007",
        ),
        (
            "manual-check",
            "kræver manuel kontrol",
            "nobody can tell from here whether its line is there",
            'look on case 4711-560 for a line with "OilMat: 0007", then: integrator orderline resolve --workshop'
            " bennys-auto 0007 --as completed --note TEXT   or --as failed",
        ),
        (
            "cleared",
            "fjernet fra køen",
            "given up after 1 attempt(s), without a line as far as could be read",
            "integrator orderline retry --workshop bennys-auto 0007",
        ),
    ],
    ids=["case-closed", "product-unknown", "manual-check", "cleared"],
)
def test_one_that_failed_says_what_to_mend_and_what_to_type(
    code: str, reason: str, said: str, step: str, run: Run, home: Path, way: Way
) -> None:
    _workshop(home)
    message = way.begin()
    with way.db.tx():
        way.outbox.fail(message, "no")
        way.lines.noted(KEY, "failed", code, "no", at=way.at)
    assert _last(run) == [f"now: failed ({reason}): {said}", f"next: {step}"]
    words = step.partition("integrator ")[2].partition("   or ")[0].replace("TEXT", "seen").split()
    assert run(*words).code == 0  # what it says to type can be typed


def test_a_bad_request_says_what_was_wrong(run: Run, store: Database, now: int) -> None:
    with store.tx():
        reason = "product_amount: is no number"
        Orderlines(store).refuse(WORKSHOP, "0007", reason, source="spool", credentials=False, at=now)
    result = run("explain", KEY)
    assert result.out.splitlines() == [
        "orderline bennys-auto/0007: what it asked for could not be read",
        "  2026-08-03 14:00:00  refused, it was never tried: product_amount: is no number",
        "now: bad request: product_amount: is no number; nothing was tried",
        "next: have it mended in OilMat; sent again under the same id it takes its place",
    ]


def test_what_was_only_counted_is_to_be_compared(run: Run, way: Way) -> None:
    message = way.begin()
    with way.db.tx():
        way.outbox.complete(message, None)
    way.step("verified", None, "by count", None)
    assert _last(run) == [
        "now: completed: on case 4711-560, as far as counting tells: no line there bears its id",
        "next: compare it with case 4711-560: no line there bears its id",
    ]


def test_what_a_person_settled_is_told_in_their_words(run: Run, way: Way) -> None:
    message = way.begin()
    with way.db.tx():
        way.outbox.fail(message, "no")
        way.lines.noted(KEY, "failed", "manual-check", "two lines bear its id", at=way.at)
    clock = lambda: float(way.at)  # noqa: E731 (as the desk takes it)
    orderline_desk.resolve(way.db, WORKSHOP, "0007", completed=True, note="line 3, 5.5 l", clock=clock)
    out = run("explain", KEY).out
    assert "settled by a person: line 3, 5.5 l" in out
    assert _last(run) == ["now: completed: on case 4711-560, as a person says"]


# what it may be called ------------------------------------------------------------------------------------


def _workshop(home: Path) -> None:
    text = '[bennys-auto]\nname = "Bennys Auto"\ntype = "au2office"\nbase_url = "https://erp.example.org"\n'
    (home / "config" / "workshops.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "words",
    [
        ("0007",),
        (KEY,),
        (f"workshop.orderline {KEY}",),
        ("workshop.orderline", KEY),
        ("oilmat.status", KEY),
        ("bennys auto/0007",),
    ],
)
def test_it_goes_by_its_key_as_reports_name_it_and_by_its_bare_id(
    words: tuple[str, ...], run: Run, home: Path, way: Way
) -> None:
    _workshop(home)
    result = run("explain", *words)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("orderline bennys-auto/0007: ")


def test_a_bare_id_of_two_workshops_is_asked_back(run: Run, way: Way, now: int) -> None:
    add_orderline(way.db, "0007", at=now, workshop="autogarden")
    result = run("explain", "0007")
    assert (result.code, result.out) == (2, "")
    assert "0007 is an orderline of bennys-auto, autogarden: say which" in result.err
    assert "integrator explain bennys-auto/0007   or   integrator explain autogarden/0007" in result.err
    assert run("explain", "autogarden/0007").out.startswith("orderline autogarden/0007: ")


def test_an_id_is_not_the_beginning_of_another_one(run: Run, way: Way) -> None:
    assert run("explain", "bennys-auto/00071").code == 4
    assert run("explain", "autogarden/0007").code == 4
    result = run("explain", "007")
    assert result.code == 4
    assert "bennys-auto/0007 an orderline" in result.err


@pytest.mark.parametrize("extra", [(), ("--json",)])
def test_a_number_of_an_order_means_the_order_and_the_orderline_is_said(
    extra: tuple[str, ...], run: Run, store: Database, now: int
) -> None:
    number = str(add_order(store, [person(1)], completed_at=now, class_end="2026-09-01"))
    add_orderline(store, number, at=now)
    result = run("explain", number, *extra)
    assert result.code == 0
    assert result.err == f"{number} is an orderline, too: integrator explain bennys-auto/{number}\n"
    assert [story["kind"] for story in result.json()] == ["order"] if extra else f"order {number}: " in result.out
    assert run("explain", f"{WORKSHOP}/{number}").out.startswith(f"orderline bennys-auto/{number}: ")


def test_json_has_everything(run: Run, way: Way) -> None:
    way.begin()
    way.step("armed", '{"ids":[]}')
    way.step("evidence", "bennys-auto/x")
    [story] = run("explain", KEY, "--json").json()
    events = story.pop("events")
    assert events[0] == {
        "at": "2026-08-03T11:00:00Z",
        "run": None,
        "what": "received",
        "detail": "by pull",
        "said": "fetched from OilMat",
    }
    assert [event["what"] for event in events] == ["received", "claimed", "armed", "evidence"]
    assert story == {
        "kind": "orderline",
        "workshop": "bennys-auto",
        "unique_id": "0007",
        "case_id": "4711-560",
        "product_nr": "OL-0530",
        "product_amount": "5.5",
        "source": "pull",
        "phase": "armed",
        "attempts": 1,
        "arms": 1,
        "line_ref": None,
        "confidence": None,
        "reason_code": None,
        "last_error": None,
        "received_at": "2026-08-03T11:00:00Z",
        "armed_at": "2026-08-03T11:02:00Z",
        "changed_at": "2026-08-03T11:02:00Z",
        "archived_at": None,
        "uncertain_since": None,
        "status": "processing",
        "reason": "",
        "next_try_at": None,
        "evidence": "var/evidence/bennys-auto/x",
        "now": "processing: its line may be on case 4711-560; the next run looks, and saves nothing before it knows",
        "next": "integrator push-orderline --workshop bennys-auto   (cron does so every minute)",
    }
