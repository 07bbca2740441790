"""Orderlines and workshops in the store: what an order is, how far it got, what is told, how its workshop stands."""

import sqlite3

import pytest

from integrator.domain.orderlines.order import EFFECT, Order, scope_of
from integrator.effects import Done
from integrator.errors import Conflict, InDoubt, NotFound, Unavailable
from integrator.runtime.outbox import Outbox
from integrator.store import open_store
from integrator.store.orderlines import Orderlines, shown
from integrator.store.workshop_health import numbers
from integrator.store.workshops import State, Workshops
from orderline_books import AT, W, begin, deliver, fail, row, rows

FIRST = Order(W, "0007", "560", "0005", "5.5")
BASELINE = '{"ids": [], "same": 0, "total": 0}'


@pytest.fixture
def db(tmp_path):
    made = open_store(tmp_path / "integrator.db", backups=tmp_path).db
    yield made
    made.close()


@pytest.fixture
def lines(db):
    return Orderlines(db, run_id=4)


def take(db, order=FIRST, *, at=AT, credentials=False):
    with db.tx():
        result = Orderlines(db).compare(order)
        if result in ("new", "replaced"):
            Orderlines(db).take(order, source="spool", credentials=credentials, at=at)
            Outbox(db, clock=lambda: at).once(EFFECT, order.key, order.body, scope=scope_of(order.workshop))
    return result


def refuse(db, reason="case_id: missing", *, unique_id="0007", at=AT):
    with db.tx():
        return Orderlines(db).refuse(W, unique_id, reason, source="spool", credentials=True, at=at)


def what_happened(db, unique_id="0007"):
    return [event["what"] for event in Orderlines(db).events(row(db, unique_id)["id"])]


def other(**changed):
    return Order(**(FIRST.body | changed))


# intake -----------------------------------------------------------------------------------------------


def test_a_new_order_waits_from_the_moment_it_came(db):
    assert take(db, credentials=True) == "new"
    found = row(db)
    assert (found["status"], found["received_at"], found["changed_at"], found["credentials"]) == ("received", AT, AT, 1)
    assert (found["attempts"], found["phase"], found["untold"]) == (0, None, 1)
    assert what_happened(db) == ["received"]


@pytest.mark.parametrize("changed", [{"case_id": "561"}, {"product_nr": "5"}, {"product_amount": "5.50001"}])
def test_an_id_is_the_same_order_only_with_the_same_content(db, changed):
    take(db)
    before = dict(row(db))
    assert take(db, at=AT + 9) == "same"
    assert take(db, other(**changed), at=AT + 9) == "reused"
    assert dict(row(db)) == before
    assert what_happened(db) == ["received"]


def test_an_order_that_is_kept_is_not_written_over_even_by_who_did_not_compare(db, lines):
    take(db)
    before = dict(row(db))
    with db.tx():
        lines.take(other(case_id="561"), source="spool", credentials=True, at=AT + 9)
    assert dict(row(db)) == before


def test_ids_that_look_alike_and_workshops_are_told_apart(db):
    for order in (FIRST, other(unique_id="7"), other(unique_id="00071"), other(workshop="karls-biler")):
        assert take(db, order) == "new"
    assert [found["workshop"] for found in Orderlines(db).find("0007")] == [W, "karls-biler"]
    assert row(db, "7")["unique_id"] == "7"
    assert row(db, "0007", "karls-biler")["id"] != row(db)["id"]


def test_an_order_takes_the_place_of_a_bad_request_and_counts_its_wait_from_then(db):
    assert refuse(db)
    take_at = AT + 500
    assert (row(db)["status"], row(db)["bad_reason"], row(db)["credentials"]) == ("bad request", "case_id: missing", 1)
    assert take(db, at=take_at) == "replaced"
    found = row(db)
    assert (found["status"], found["bad_reason"], found["case_id"], found["credentials"]) == (
        "received",
        None,
        "560",
        0,
    )
    assert (found["received_at"], found["untold"]) == (take_at, 1)
    assert what_happened(db) == ["bad request", "received"]


def test_a_bad_request_never_takes_the_place_of_an_order(db):
    take(db)
    before = dict(row(db))
    assert not refuse(db)
    assert dict(row(db)) == before


def test_the_same_bad_request_again_changes_nothing_but_brings_an_archived_one_back(db, lines):
    refuse(db)
    before = dict(row(db))
    assert refuse(db, at=AT + 9)
    assert dict(row(db)) == before
    with db.tx():
        lines.archive(W, ["0007"], at=AT)
    assert lines.queue(W, "error") == []
    assert refuse(db, at=AT + 9)
    assert [found["unique_id"] for found in lines.queue(W, "error")] == ["0007"]
    assert refuse(db, "product_nr: missing", at=AT + 9)
    assert what_happened(db) == ["bad request"] * 3
    assert row(db)["bad_reason"] == "product_nr: missing"


def test_what_could_be_read_of_a_bad_request_is_kept_and_mended_when_more_comes(db):
    def come(*content):
        with db.tx():
            refused = Orderlines(db).refuse(W, "0007", "no", source="spool", credentials=False, at=AT, content=content)
        assert refused
        found = row(db)
        return found["case_id"], found["product_nr"], found["product_amount"]

    assert come("560", "0005", None) == ("560", "0005", None)
    assert come("561", None, None) == ("561", None, None)
    assert come("561", None, None) == ("561", None, None)
    assert what_happened(db) == ["bad request"] * 2  # the same again changes nothing
    assert take(db) == "replaced"


def test_one_that_a_restore_left_to_be_looked_for_first_is_counted_as_waiting(db, lines):
    take(db)
    take(db, other(unique_id="8"))
    db.write("UPDATE outbox SET state = 'processing', sent_at = ?1, uncertain_since = ?1", (AT,))
    with db.tx():
        lines.claimed(f"{W}/8", "host 1 1", at=AT)
    seen = numbers(db, W, now=AT, running=False)
    assert (seen.queued, seen.processing, seen.doubtful, seen.oldest_at) == (1, 1, (), AT)


def test_a_row_is_an_order_or_says_why_not(db):
    with pytest.raises(sqlite3.IntegrityError):
        db.write(
            "INSERT INTO orderlines (workshop, unique_id, source, credentials, received_at, changed_at)"
            " VALUES ('w', '1', 'spool', 0, 0, 0)"
        )


# queues -----------------------------------------------------------------------------------------------


def test_queues_hold_what_waits_and_what_failed_oldest_first(db, lines):
    for unique_id in ("9", "8"):
        take(db, other(unique_id=unique_id))
    fail(db)
    refuse(db, unique_id="3")
    for unique_id in ("2", "1"):
        take(db, other(unique_id=unique_id))
    begin(db, "2")
    take(db, other(unique_id="0", workshop="karls-biler"))
    assert [(found["unique_id"], found["status"]) for found in lines.queue(W, "task")] == [
        ("2", "processing"),
        ("1", "received"),
    ]
    assert [(found["unique_id"], found["status"]) for found in lines.queue(W, "error")] == [
        ("9", "failed"),
        ("8", "failed"),
        ("3", "bad request"),
    ]
    assert [found["unique_id"] for found in lines.every(W)] == ["9", "8", "3", "2", "1"]


def test_what_is_done_is_in_no_queue_and_what_is_archived_still_answers(db, lines):
    take(db)
    take(db, other(unique_id="8", product_nr="1"))
    fail(db)
    with db.tx():
        lines.archive(W, ["0007"], at=AT)
    assert [found["unique_id"] for found in lines.queue(W, "error")] == ["8"]
    assert shown(row(db)) == ("failed", "sag lukket")
    take(db, other(unique_id="9"))
    deliver(db, Done("line-1"))
    assert lines.queue(W, "task") == []
    assert row(db, "9")["status"] == "completed"


def test_when_something_changed_last_is_known_without_reading_every_orderline(db, lines):
    take(db)
    take(db, other(unique_id="0008"), at=AT + 5)
    asked = []
    db.conn.set_trace_callback(asked.append)
    assert (lines.changed_at(W), lines.changed_at("elsewhere")) == (AT + 5, None)
    db.conn.set_trace_callback(None)
    [plan] = db.all(f"EXPLAIN QUERY PLAN {asked[0]}")
    assert "COVERING INDEX orderlines_by_change" in plan["detail"]


def test_an_unknown_one_is_not_found(db, lines):
    with pytest.raises(NotFound, match="bennys-auto has no orderline 7") as unknown:
        lines.get(W, "7")
    assert "integrator orderline queue --workshop bennys-auto " in unknown.value.hint
    assert unknown.value.hint.endswith("integrator explain 7")
    with pytest.raises(NotFound, match="there is no orderline bennys-auto/7"), db.tx():
        lines.event(f"{W}/7", "looked", None, at=AT)
    assert lines.find("7") == []
    assert lines.changed_at(W) is None


# its way ----------------------------------------------------------------------------------------------


def test_the_way_of_an_orderline_is_told_step_by_step(db, lines):
    take(db)
    begin(db)
    with db.tx():
        lines.looked(FIRST.key, at=AT + 1)
        lines.armed(FIRST.key, BASELINE, at=AT + 2)
        lines.half(FIRST.key, "line-4", at=AT + 3)
        lines.evidence(FIRST.key, "2026-11-18/0007", at=AT + 3)
        lines.verified(FIRST.key, "line-4", "marker", None, at=AT + 4)
    found = row(db)
    assert (found["phase"], found["line_ref"], found["confidence"]) == ("verified", "line-4", "marker")
    assert (found["arms"], found["armed_at"], found["baseline"]) == (1, AT + 2, None)
    assert (found["lease_owner"], found["lease_until"], found["evidence"]) == (None, None, "2026-11-18/0007")
    assert what_happened(db) == ["received", "claimed", "looked", "armed", "half", "evidence", "verified"]
    assert {event["run_id"] for event in lines.events(found["id"])} == {None, 4}


def test_a_lease_goes_on_with_every_step(db, lines):
    take(db)
    begin(db)
    leases = [row(db)["lease_until"]]
    with db.tx():
        lines.looked(FIRST.key, at=AT + 100)
    leases.append(row(db)["lease_until"])
    with db.tx():
        lines.armed(FIRST.key, BASELINE, at=AT + 200)
    leases.append(row(db)["lease_until"])
    assert leases == [AT + 300, AT + 400, AT + 500]


@pytest.mark.parametrize("phase", ["armed", "half"])
def test_nothing_is_armed_without_what_was_there_before(db, phase):
    take(db)
    with pytest.raises(sqlite3.IntegrityError):
        db.write("UPDATE orderlines SET phase = ?", (phase,))


def test_arming_anew_forgets_the_line_of_the_time_before_and_counts(db, lines):
    take(db)
    begin(db, phase="half")
    with db.tx():
        lines.armed(FIRST.key, BASELINE, at=AT)
    assert (row(db)["line_ref"], row(db)["arms"]) == (None, 2)


@pytest.mark.parametrize(
    ("answer", "status", "phase", "told"),
    [
        (Unavailable("spinner", code="slow"), "received", None, ("received", "ERP svarer langsomt")),
        (InDoubt("no answer", code="slow"), "processing", "doubt", ("processing", "afklares")),
        (Conflict("two lines", code="manual-check"), "failed", "claimed", ("failed", "kræver manuel kontrol")),
    ],
)
def test_an_attempt_that_ends_without_a_line_says_why(db, answer, status, phase, told):
    take(db)
    deliver(db, answer)
    found = row(db)
    assert (found["status"], found["phase"], found["reason_code"]) == (status, phase, answer.code)
    assert shown(found) == told
    assert (found["reason_times"], found["lease_owner"], found["last_error"]) == (1, None, answer.message)


def test_equal_reasons_are_counted_another_one_begins_anew_and_none_changes_nothing(db, lines):
    take(db)
    counted = []
    for code in ("slow", "slow", "browser", None, None, "slow"):
        with db.tx():
            lines.noted(FIRST.key, "received", code, "…", at=AT)
        counted.append(row(db)["reason_times"])
    assert counted == [1, 2, 1, 1, 1, 1]


def test_what_goes_on_as_it_was_is_told_once_with_the_time_when_it_began(db, lines):
    take(db)
    for minute in range(4):
        with db.tx():
            lines.claimed(FIRST.key, "host 1 1", at=AT + 60 * minute)
            lines.noted(FIRST.key, "received", "case-busy", "orderline 8 is in doubt", at=AT + 60 * minute)
    assert what_happened(db) == ["received", "claimed", "waits"]
    assert {event["at"] for event in lines.events(row(db)["id"])} == {AT}
    assert row(db)["phase_at"] == AT + 180  # what is so now is as new as it is
    with db.tx():
        lines.claimed(FIRST.key, "host 1 1", at=AT + 300)
        lines.noted(FIRST.key, "received", "case-busy", "orderline 9 is in doubt", at=AT + 300)
    assert what_happened(db) == ["received", "claimed", "waits", "claimed", "waits"]


def test_a_doubt_that_stays_one_is_told_once_and_again_after_anything_else(db, lines):
    take(db)
    begin(db, phase="armed")
    for detail in ("slow", "slow", "gone", "slow", "slow"):
        with db.tx():
            lines.noted(FIRST.key, "processing", "slow", detail, at=AT)
    assert what_happened(db)[-3:] == ["doubt"] * 3
    with db.tx():
        lines.evidence(FIRST.key, "2026-11-18/0007", at=AT)
        lines.noted(FIRST.key, "processing", "slow", "slow", at=AT)
    assert what_happened(db)[-2:] == ["evidence", "doubt"]


def test_how_often_a_reason_was_seen_is_counted_anew_where_a_doubt_begins(db, lines):
    take(db)
    counted = []
    for state in ("received", "received", "processing", "processing", "received"):
        with db.tx():
            lines.noted(FIRST.key, state, "slow", "…", at=AT)
        counted.append(row(db)["reason_times"])
    assert counted == [1, 2, 1, 2, 3]


def test_a_message_without_an_orderline_disturbs_nobody(db, lines):
    with db.tx():
        lines.noted(f"{W}/by-hand", "failed", "slow", "…", at=AT)
    assert rows(db, "orderline_events") == []


def test_a_case_is_busy_while_a_line_of_another_order_may_be_there(db, lines):
    take(db)
    take(db, other(unique_id="8"))
    take(db, other(unique_id="9", case_id="561"))
    first = begin(db, "8")
    assert lines.under_way(FIRST) is None  # only claimed
    with db.tx():
        lines.armed(first.key, BASELINE, at=AT)
    assert lines.under_way(FIRST) == "8"
    assert lines.under_way(other(unique_id="8")) is None  # it is not in its own way
    assert lines.under_way(other(unique_id="9", case_id="561")) is None
    assert lines.under_way(other(workshop="karls-biler")) is None
    with db.tx():
        lines.noted(first.key, "processing", "doubt", "…", at=AT)
    assert lines.under_way(FIRST) == "8"
    deliver(db, Done("line-1"))
    assert lines.under_way(FIRST) is None


def test_lines_that_were_only_counted_are_listed_until_they_are_archived(db, lines):
    take(db)
    begin(db)
    with db.tx():
        lines.verified(FIRST.key, None, "by count", None, at=AT)
    assert lines.by_count(W) == ["0007"]
    with db.tx():
        lines.archive(W, ["0007"], at=AT)
    assert lines.by_count(W) == []


def test_one_that_is_brought_back_begins_anew_and_keeps_what_was_seen_only_for_looking(db, lines):
    take(db)
    begin(db, phase="armed")
    with db.tx():
        lines.noted(FIRST.key, "processing", "doubt", "…", at=AT)
        lines.archive(W, ["0007"], at=AT)
        lines.restarted(FIRST.key, "retried", "by a person", phase="doubt", at=AT + 1)
    found = row(db)
    assert (found["phase"], found["baseline"]) == ("doubt", BASELINE)
    assert (found["reason_code"], found["reason_times"], found["arms"], found["archived_at"]) == (None, 0, 0, None)
    with db.tx():
        lines.restarted(FIRST.key, "retried", "by a person", at=AT + 2)
    assert row(db)["phase"] is None


@pytest.mark.parametrize(
    ("line_ref", "confidence", "code", "detail"),
    [
        ("line-4", "marker", None, "line line-4, marker"),
        ("line-4", "marker", "already-present", "line line-4, marker: already-present"),
        ("line-4", "by count", None, "line line-4, by count"),
        (None, "by count", None, "by count"),
        ("line-4", "a person", None, "line line-4, a person"),
    ],
)
def test_a_line_that_is_there_is_kept_with_how_that_is_known(db, lines, line_ref, confidence, code, detail):
    take(db)
    begin(db)
    with db.tx():
        lines.verified(FIRST.key, line_ref, confidence, code, at=AT)
    assert lines.events(row(db)["id"])[-1]["detail"] == detail


# what is told -----------------------------------------------------------------------------------------


def test_what_changed_is_untold_until_it_was_told(db, lines):
    take(db)
    [found] = lines.untold(W)
    with db.tx():
        lines.told(found["id"], '["received", ""]', found["changed_at"])
    assert lines.untold(W) == []
    fail(db)
    [found] = lines.untold(W)
    assert (found["status"], found["told"]) == ("failed", '["received", ""]')
    assert lines.untold("karls-biler") == []


def test_what_changes_while_it_is_told_stays_to_be_told(db, lines):
    take(db)
    [found] = lines.untold(W)
    with db.tx():
        lines.settled(FIRST.key, "cleared", "by a person", at=AT + 1)
        lines.told(found["id"], '["received", ""]', found["changed_at"])
    assert [found["unique_id"] for found in lines.untold(W)] == ["0007"]


def test_a_blocked_workshop_is_the_reason_of_all_that_wait_and_of_nothing_else(db, lines):
    take(db)
    fail(db)
    take(db, other(unique_id="8"))
    take(db, other(unique_id="9"))
    begin(db, "9")
    for found in lines.untold(W):
        with db.tx():
            lines.told(found["id"], "x", found["changed_at"])
    with db.tx():
        lines.retell(W, at=AT + 7)
    assert [found["unique_id"] for found in lines.untold(W)] == ["8"]
    assert lines.changed_at(W) == AT + 7
    told = {found["unique_id"]: shown(found, blocked="login-refused") for found in lines.every(W)}
    assert told == {"0007": ("failed", "sag lukket"), "8": ("received", "login afvist"), "9": ("processing", "")}


# workshops --------------------------------------------------------------------------------------------


@pytest.fixture
def workshops(db):
    return Workshops(db)


def test_a_workshop_that_nothing_happened_to_is_active_and_open(workshops):
    assert workshops.get(W) == State(W)
    assert workshops.get(W).active


def test_a_workshop_is_switched_off_and_on_without_losing_the_rest(db, workshops):
    with db.tx():
        workshops.read_up_to(W, "c-17", at=AT)
        workshops.set_active(W, False, at=AT)
    assert workshops.get(W) == State(W, active=False, cursor="c-17")
    with db.tx():
        workshops.set_active(W, True, at=AT)
    assert workshops.get(W) == State(W, cursor="c-17")
    assert workshops.get("karls-biler") == State("karls-biler")


def test_a_block_and_its_end_are_told_to_oilmat_of_all_that_wait(db, lines, workshops):
    take(db)
    take(db, other(unique_id="8", workshop="karls-biler"))

    def untold_after(act):
        for found in [*lines.untold(W), *lines.untold("karls-biler")]:
            with db.tx():
                lines.told(found["id"], "x", found["changed_at"])
        with db.tx():
            act()
        return [found["unique_id"] for found in [*lines.untold(W), *lines.untold("karls-biler")]]

    assert untold_after(lambda: workshops.block([W, "karls-biler"], "layout-changed", at=AT)) == ["0007", "8"]
    assert untold_after(lambda: workshops.unblock(W, at=AT)) == ["0007"]
    assert untold_after(lambda: workshops.unblock(W, at=AT)) == []


def test_other_pages_of_a_type_do_not_hide_that_a_login_was_refused(db, workshops):
    with db.tx():
        workshops.block(["karls-biler"], "login-refused", at=AT)
        workshops.block([W, "karls-biler"], "layout-changed", at=AT + 1)
    found = [(one.blocked_code, one.blocked_at) for one in (workshops.get("karls-biler"), workshops.get(W))]
    assert found == [("login-refused", AT), ("layout-changed", AT + 1)]


def test_unblocking_forgets_all_that_closed_a_workshop(db, workshops):
    with db.tx():
        workshops.block([W, "karls-biler"], "layout-changed", at=AT)
        workshops.pause(W, AT + 900, at=AT)
        workshops.silent(W, at=AT)
        workshops.odd_layout(W, f"{W}/1", at=AT)
        workshops.logged_in(W, at=AT)
    assert (workshops.get(W).blocked_code, workshops.get(W).blocked_at) == ("layout-changed", AT)
    with db.tx():
        workshops.unblock(W, at=AT + 1)
    assert workshops.get(W) == State(W, login_at=AT)
    assert workshops.get("karls-biler").blocked_code == "layout-changed"


def test_silence_is_counted_in_a_row_until_an_answer_or_a_pause(db, workshops):
    with db.tx():
        assert [workshops.silent(W, at=AT) for _ in range(3)] == [1, 2, 3]
        workshops.pause(W, AT + 900, at=AT)
        assert workshops.silent(W, at=AT) == 1
        workshops.answered(W, at=AT)
        assert workshops.silent(W, at=AT) == 1


def test_an_odd_layout_counts_for_two_orders_in_a_row(db, workshops):
    with db.tx():
        seen = [workshops.odd_layout(W, key, at=AT) for key in ("a", "a", "b")]
        workshops.answered(W, at=AT)
        seen.append(workshops.odd_layout(W, "c", at=AT))
    assert seen == [False, False, True, False]


def test_refusals_are_counted_by_kind(db, workshops):
    with db.tx():
        workshops.refused(W, "rejected", None, "the body is no JSON", at=AT)
        for unique_id in ("7", "8", "8"):
            workshops.refused(W, "reused", unique_id, "unique_id reused with other content", at=AT)
        workshops.done(W, at=AT)
    assert workshops.get(W) == State(W, rejected=1, reused=2, done_at=AT)
