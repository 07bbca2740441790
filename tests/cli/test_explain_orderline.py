"""`explain` of an orderline: what happened to it, where it stands, what to type next."""

from collections.abc import Callable
from pathlib import Path

import pytest
from operating import Run, files_of

from integrator.database import Database
from integrator.domain.orderlines.order import EFFECT, scope_of
from integrator.effects import Message
from integrator.jobs import orderline_desk
from integrator.runtime.outbox import Outbox
from integrator.store.orderlines import Content, Orderlines
from integrator.store.workshops import Workshops
from orderline_rows import WORKSHOP, add_orderline, order
from people import add_order, person

MINUTE = 60
KEY = f"{WORKSHOP}/0007"
PUSH = "integrator push-orderline --workshop bennys-auto   (cron does so every minute)"
ANEW = (
    "have it ordered anew under another id, then clear this one: integrator orderline clear --workshop bennys-auto 0007"
)


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
def way(home: Path, store: Database, now: int) -> Way:
    _workshop(home)
    return Way(store, now)


def _workshop(home: Path) -> None:
    text = '[bennys-auto]\nname = "Bennys Auto"\ntype = "au2office"\nbase_url = "https://erp.example.org"\n'
    (home / "config" / "workshops.toml").write_text(text, encoding="utf-8")


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
        "  2026-08-03 13:05:00  it may have been saved, nobody saw how that ended; it is looked for before anything is"
        " saved: the page closed while it saved (run 7)",
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
        (
            "noted",
            ("received", None, "looked up: it is not there"),
            "its case was read, and it is not there: it begins anew",
        ),
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
        (
            "verified",
            ("880001", "by count", None),
            "the ERP shows one such line more than before, line 880001, which is taken for ours",
        ),
        ("verified", (None, "a person", None), "it is on the case: a person says so"),
        ("verified", ("91", "a person", None), "line 91 is on the case: a person says so"),
        ("verified", (None, "marker", None), "read back from the case: a line has its id, its product and its amount"),
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
    push = "integrator push-orderline --workshop bennys-auto   (cron does so every minute)"
    assert _last(run) == ["now: received: the next run begins with it", f"next: {push}"]
    message = way.begin()
    with way.db.tx():
        way.outbox.put_back(message, "slow", attempts=2, next_at=now + 10 * MINUTE)
        way.lines.noted(KEY, "received", "slow", "too slow", at=way.at)
    assert _last(run) == [
        "now: received (ERP svarer langsomt): tried 2 times; next try after 14:10",
        f"next: wait until 14:10:00, then: {push}",
    ]
    workshops.pause(WORKSHOP, now + 5 * MINUTE, at=now)
    assert _last(run) == [
        "now: received (ERP svarer langsomt): the ERP could not be had several times; it is left alone until 14:05",
        "next: wait until 14:05, or at once: integrator workshop activate bennys-auto --unblock",
    ]
    workshops.set_active(WORKSHOP, False, at=now)
    assert _last(run)[0].endswith("workshop bennys-auto is switched off; its orderlines wait")
    assert _last(run)[1] == "next: integrator workshop activate bennys-auto"
    workshops.block([WORKSHOP], "login-refused", at=now)
    now_said, then = _last(run)
    assert now_said.endswith("(login afvist): workshop bennys-auto is blocked since 14:00, until a person has looked")
    assert then.startswith("next: mend its login ([bennys-auto] in config/workshops.toml: ")
    assert then.endswith(", then: integrator workshop test-login bennys-auto")
    workshops.unblock(WORKSHOP, at=now)
    workshops.block([WORKSHOP], "layout-changed", at=now)
    unblock = "integrator workshop activate bennys-auto --unblock"
    assert _last(run)[1] == f"next: mend config/workshops/au2office.toml, then: {unblock}"


@pytest.mark.parametrize(
    ("attempts", "said"),
    [(0, "not tried yet"), (1, "tried once"), (3, "tried 3 times")],
)
def test_how_often_it_was_tried_is_said_in_words(attempts: int, said: str, run: Run, way: Way, now: int) -> None:
    message = way.begin()
    way.outbox.put_back(message, "slow", attempts=attempts, next_at=now + MINUTE)
    assert _last(run)[0] == f"now: received: {said}; next try after 14:01"


def test_one_under_way_says_by_whom_and_what_is_known(run: Run, way: Way, now: int) -> None:
    way.begin()
    way.db.write("UPDATE orderlines SET lease_until = ?", (now + MINUTE,))
    assert _last(run) == [
        "now: processing: a run works on it now (process 4711 on shop-host)",
        "next: wait for that run to end",  # push-orderline would say that another one has the lock
    ]
    way.db.write("UPDATE orderlines SET lease_until = ?", (now,))
    nothing = "the run that had begun with it ended, and nothing was written; the next one begins anew"
    assert _last(run) == [f"now: processing: {nothing}", f"next: {PUSH}"]


class Doubt:
    """One that was armed and clicked, and nobody saw how that ended, so many seconds ago."""

    def __init__(self, way: Way, ago_s: int, now: int) -> None:
        message = way.begin()
        way.step("armed", '{"ids":[]}')
        self.at = way.at = now - ago_s
        with way.db.tx():
            way.outbox.leaving(message)
            way.outbox.doubt(message, "nobody saw")
            way.lines.noted(KEY, "processing", "doubt", "nobody saw", at=self.at)


def test_a_doubt_says_when_it_is_written_again_and_a_run_before_that_is_not_advised(
    run: Run, way: Way, now: int
) -> None:
    Doubt(way, 43, now)  # 120 s of quiet and two pages' waits of 20 s: 160 s
    assert _last(run) == [
        "now: processing (afklares): its line may be on case 4711-560; runs look for it;"
        " written again if it is absent at 14:01:57",
        f"next: wait until 14:01:57, then: {PUSH}",
    ]
    out = run("explain", KEY).out
    assert "never" not in out


def test_a_doubt_whose_time_is_over_is_settled_by_the_next_run(run: Run, way: Way, now: int) -> None:
    Doubt(way, 160, now)
    assert _last(run) == [
        "now: processing (afklares): its line may be on case 4711-560; the next run looks; written again if it is"
        " absent",
        f"next: {PUSH}",
    ]


@pytest.mark.parametrize("ago_s", [30, 500])
def test_a_doubt_after_the_third_touch_is_given_up_not_written_again(ago_s: int, run: Run, way: Way, now: int) -> None:
    Doubt(way, ago_s, now)
    way.db.write("UPDATE orderlines SET arms = 3")
    said = _last(run)[0]
    assert "given up if it is absent" in said
    assert "written again" not in said


def test_a_doubt_that_rests_between_looks_says_until_when(run: Run, way: Way, now: int) -> None:
    Doubt(way, 200, now)
    way.db.write("UPDATE orderlines SET reason_times = 6, phase_at = ?", (now - 10,))
    assert _last(run) == [
        "now: processing (afklares): its line may be on case 4711-560; runs look for it;"
        " written again if it is absent at 14:03:50",
        f"next: wait until 14:03:50, then: {PUSH}",
    ]


def test_a_time_on_another_day_says_the_day(run: Run, way: Way, clock: Callable[[str], int]) -> None:
    Doubt(way, 0, clock("2026-08-03 21:59"))
    clock("2026-08-03 21:59")
    assert "absent at 2026-08-04 00:01:40" in _last(run)[0]


def test_half_a_line_is_finished_without_waiting(run: Run, way: Way, now: int) -> None:
    Doubt(way, 43, now)
    way.db.write("UPDATE orderlines SET line_ref = '91'")
    assert _last(run) == [
        "now: processing (afklares): its line may be on case 4711-560; line 91 is ours and half done: a run"
        " finishes it",
        f"next: {PUSH}",
    ]


def test_a_doubt_of_a_workshop_that_nobody_works_for_promises_no_look(run: Run, way: Way, now: int) -> None:
    Doubt(way, 43, now)
    Workshops(way.db).set_active(WORKSHOP, False, at=now)
    assert _last(run) == [
        "now: processing (afklares): its line may be on case 4711-560; workshop bennys-auto is switched off; its"
        " orderlines wait",
        "next: integrator workshop activate bennys-auto",
    ]


def _restored(db: Database, at: int) -> None:
    with db.tx():
        db.write("INSERT INTO counters (name, value) VALUES ('restored_at', ?)", (at,))


@pytest.fixture
def after_restore(home: Path, store: Database, now: int) -> int:
    """An order came a minute ago, ten minutes after a restore: it may be one that the store has forgotten."""
    _workshop(home)
    at = now - MINUTE
    _restored(store, at - 10 * MINUTE)
    with store.tx():
        Orderlines(store).take(order(), source="pull", credentials=False, at=at)
        Outbox(store, clock=lambda: float(at)).once(
            EFFECT, KEY, order().body, scope=scope_of(WORKSHOP), caused_at=at - 2 * 86_400
        )
    return at


def test_one_that_came_soon_after_a_restore_is_not_said_to_have_been_begun(run: Run, after_restore: int) -> None:
    assert _last(run) == [
        "now: processing: came soon after a restore: the case is read first, then it is written, about 14:01",
        f"next: wait until 14:01:40, then: {PUSH}",
    ]


def test_after_its_time_the_next_run_reads_and_writes_it(
    run: Run, store: Database, after_restore: int, now: int
) -> None:
    store.write("UPDATE outbox SET sent_at = ?1, uncertain_since = ?1", (now - 160,))
    store.write("UPDATE orderlines SET received_at = ?1", (now - 160,))
    assert _last(run) == [
        "now: processing: came soon after a restore: the case is read first, then it is written",
        f"next: {PUSH}",
    ]


def test_one_that_was_in_the_backup_may_have_been_written_since(run: Run, way: Way, now: int) -> None:
    way.db.write("UPDATE outbox SET state = 'processing', sent_at = ?1, uncertain_since = ?1", (now,))
    assert _last(run)[0] == (
        "now: processing: may have been written before the store was restored: the case is read first, then it is"
        " written if it is absent, about 14:02"
    )
    Workshops(way.db).set_active(WORKSHOP, False, at=now)
    assert _last(run)[0].endswith("restored: workshop bennys-auto is switched off; its orderlines wait")


@pytest.mark.parametrize(
    ("code", "reason", "said", "step"),
    [
        (
            "case-closed",
            "sag lukket",
            "given up, tried once, without a line as far as could be read",
            "have case 4711-560 opened again, then: integrator orderline retry --workshop bennys-auto 0007"
            f"   or {ANEW}",
        ),
        (
            "product-unknown",
            "handle varenummer",
            "given up, tried once, without a line as far as could be read",
            "have product OL-0530 made in the ERP, then: integrator orderline retry --workshop bennys-auto 0007"
            f"   or {ANEW}",
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
            "taken out of the queue, without a line as far as could be read",
            "nothing; shall it be written after all: integrator orderline retry --workshop bennys-auto 0007",
        ),
        (
            "resolved",
            "afgjort af en person",
            "a person says that no line of it is there",
            "integrator orderline retry --workshop bennys-auto 0007",
        ),
        (
            "line-conflict",
            "linje afviger",
            "a line on case 4711-560 has its id, and another product or amount",
            "look on case 4711-560; the line shall stay as it is: integrator orderline resolve --workshop bennys-auto"
            " 0007 --as completed --note TEXT   or have it mended or deleted there, then: integrator orderline retry"
            " --workshop bennys-auto 0007",
        ),
    ],
    ids=["case-closed", "product-unknown", "manual-check", "cleared", "resolved", "line-conflict"],
)
def test_one_that_failed_says_what_to_mend_and_what_to_type(
    code: str, reason: str, said: str, step: str, run: Run, way: Way
) -> None:
    message = way.begin()
    with way.db.tx():
        way.outbox.fail(message, "no")
        way.lines.noted(KEY, "failed", code, "no", at=way.at)
    assert _last(run) == [f"now: failed ({reason}): {said}", f"next: {step}"]
    words = step.partition("integrator ")[2].partition("   or ")[0].replace("TEXT", "seen").split()
    assert run(*words).code == 0  # what it says to type can be typed


def test_one_that_was_ordered_wrongly_and_anew_under_another_id_can_be_cleared(run: Run, way: Way) -> None:
    message = way.begin()
    with way.db.tx():
        way.outbox.fail(message, "no")
        way.lines.noted(KEY, "failed", "product-unknown", "no", at=way.at)
    words = _last(run)[1].rpartition("clear this one: integrator ")[2].split()
    assert run(*words).out == "bennys-auto: 1 archived: 0007\n"


@pytest.mark.parametrize(("kind", "mark"), [("au2office", "OilMat: 0007"), ("admanager", "OilMat:0007")])
def test_what_a_person_looks_for_on_the_case_is_written_as_the_workshop_s_erp_has_it(
    kind: str, mark: str, run: Run, home: Path, way: Way
) -> None:
    path = home / "config" / "workshops.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("au2office", kind), encoding="utf-8")
    message = way.begin()
    with way.db.tx():
        way.outbox.fail(message, "no")
        way.lines.noted(KEY, "failed", "manual-check", "no", at=way.at)
    assert f'look on case 4711-560 for a line with "{mark}", then' in _last(run)[1]


def test_a_line_that_differs_can_be_kept_by_a_person_though_no_run_ever_armed_it(run: Run, way: Way) -> None:
    message = way.begin()
    with way.db.tx():
        way.outbox.fail(message, "line 91 bears its id with another product or amount")
        way.lines.noted(KEY, "failed", "line-conflict", "line 91 bears its id with another amount", at=way.at)
    step = _last(run)[1]
    assert "without a line" not in _last(run)[0]
    command = step.partition(": integrator ")[2].partition("   or ")[0]
    words = [word if word != "TEXT" else "5 l, agreed with Benny" for word in command.split()]
    result = run(*words)
    assert (result.code, result.out) == (0, "bennys-auto/0007: completed\n")
    assert _last(run) == ["now: completed: on case 4711-560, as a person says"]


def test_a_line_that_differed_and_was_mended_there_is_looked_at_anew(run: Run, way: Way) -> None:
    message = way.begin()
    with way.db.tx():
        way.outbox.fail(message, "line 91 bears its id with another product or amount")
        way.lines.noted(KEY, "failed", "line-conflict", "line 91 bears its id with another amount", at=way.at)
    words = _last(run)[1].rpartition("then: integrator ")[2].split()
    assert run(*words).out == "bennys-auto/0007: received\n"


@pytest.mark.parametrize("phase", [None, "claimed", "armed", "restored"])
def test_of_a_workshop_that_is_gone_no_next_run_is_promised(phase: str | None, run: Run, home: Path, way: Way) -> None:
    if phase in ("claimed", "armed"):
        way.begin()
        way.db.write("UPDATE orderlines SET lease_until = NULL")
    if phase == "armed":
        way.step("armed", '{"ids":[]}')
        way.db.write("UPDATE orderlines SET lease_until = NULL")
    if phase == "restored":
        way.db.write("UPDATE outbox SET state = 'processing', sent_at = ?1, uncertain_since = ?1", (way.at,))
    (home / "config" / "workshops.toml").unlink()
    now, step = _last(run)
    assert now.endswith("config/workshops.toml has no such workshop any more, and no run works for it")
    assert "the next" not in now
    assert step == "next: put [bennys-auto] into config/workshops.toml again"


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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (("560", "0005", None), "? × 0005 on case 560"),
        ((None, "0005", "5.5"), "5.5 × 0005 on case ?"),
        ((None, None, None), "what it asked for could not be read"),
    ],
)
def test_what_could_be_read_of_a_bad_request_is_shown(
    content: Content, said: str, run: Run, store: Database, now: int
) -> None:
    with store.tx():
        Orderlines(store).refuse(WORKSHOP, "0007", "no", source="spool", credentials=False, at=now, content=content)
    assert run("explain", KEY).out.startswith(f"orderline bennys-auto/0007: {said}\n")


@pytest.mark.parametrize(
    ("line_ref", "line"), [(None, ""), ("880001", "line 880001, ")], ids=["lines have no ids", "lines have ids"]
)
def test_what_was_only_counted_is_to_be_compared(line_ref: str | None, line: str, run: Run, way: Way) -> None:
    message = way.begin()
    with way.db.tx():
        way.outbox.complete(message, line_ref)
    way.step("verified", line_ref, "by count", None)
    assert "has its id" not in run("explain", KEY).out
    assert _last(run) == [
        f"now: completed: on case 4711-560, {line}as far as counting tells: no line there bears its id",
        "next: compare it with case 4711-560: no line there bears its id; is it there: integrator orderline resolve"
        " --workshop bennys-auto 0007 --as completed --note TEXT",
    ]


@pytest.mark.parametrize(
    ("half", "line"), [(None, ""), ("91", "line 91, ")], ids=["no line is known", "a half line of ours is known"]
)
def test_what_a_person_settled_is_told_in_their_words(half: str | None, line: str, run: Run, way: Way) -> None:
    message = way.begin()
    with way.db.tx():
        way.outbox.fail(message, "no")
        way.lines.noted(KEY, "failed", "manual-check", "two lines bear its id", at=way.at)
        way.db.write("UPDATE orderlines SET line_ref = ?", (half,))
    clock = lambda: float(way.at)  # noqa: E731 (as the desk takes it)
    orderline_desk.resolve(way.db, WORKSHOP, "0007", completed=True, note="line 3, 5.5 l", clock=clock)
    out = run("explain", KEY).out
    assert "settled by a person: line 3, 5.5 l" in out
    assert "read back" not in out  # nobody has
    assert _last(run) == [f"now: completed: on case 4711-560, {line}as a person says"]


# what it may be called ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("0007",),
        (KEY,),
        (f"workshop.orderline {KEY}",),
        ("workshop.orderline", KEY),
        ("oilmat.status", KEY),
        ("bennys auto/0007",),
        ("BENNYS-AUTO/0007",),
    ],
)
def test_it_goes_by_its_key_as_reports_name_it_and_by_its_bare_id(words: tuple[str, ...], run: Run, way: Way) -> None:
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


def test_json_has_everything(run: Run, way: Way, now: int) -> None:
    way.begin()
    way.step("armed", '{"ids":[]}')
    way.step("evidence", "bennys-auto/x")
    way.db.write("UPDATE orderlines SET lease_until = ?", (now + 1,))
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
        "held_by": "process 4711 on shop-host",
        "reason_code": None,
        "last_error": None,
        "received_at": "2026-08-03T11:00:00Z",
        "armed_at": "2026-08-03T11:02:00Z",
        "phase_at": "2026-08-03T11:02:00Z",
        "changed_at": "2026-08-03T11:02:00Z",
        "archived_at": None,
        "uncertain_since": None,
        "status": "processing",
        "reason": "",
        "next_try_at": None,
        "looked_for_since": "2026-08-03T11:00:00Z",
        "next_look_at": None,
        "evidence": "var/evidence/bennys-auto/x",
        "now": "processing: a run works on it now (process 4711 on shop-host)",
        "next": "wait for that run to end",
    }


@pytest.mark.parametrize("phase", ["doubt", "half", "failed"])
def test_explain_and_status_tell_the_same_facts(phase: str, run: Run, way: Way) -> None:
    message = way.begin()
    way.step("armed", '{"ids":[]}')
    way.step("evidence", "bennys-auto/x")
    if phase == "half":
        way.step("half", "91")
    elif phase == "doubt":
        way.step("noted", "processing", "slow", "the page went away")
    else:
        with way.db.tx():
            way.outbox.fail(message, "no")
        way.step("noted", "failed", "line-conflict", "no")
    told = run("orderline", "status", "--workshop", WORKSHOP, "0007", "--detail", "--json").json()
    [story] = run("explain", KEY, "--json").json()
    assert all(event.pop("said") for event in story["events"])
    assert story.pop("kind") == "orderline"
    assert story == told | {"now": story["now"], "next": story["next"]}
    assert story["reason_code"] == ("line-conflict" if phase == "failed" else "doubt")
