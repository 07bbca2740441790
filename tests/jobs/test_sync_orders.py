"""sync-orders: every participant once in Maconomy, every mail once, and a person told of what cannot be done."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from desks import form
from integrator.jobs import booking
from integrator.mails import templates
from integrator.runtime import lock
from integrator.standins.mailgun import KEY
from world import World

KEYS = ["order-confirmation:10001:participant:1", "order-confirmation:10001:participant:2"]
CUSTOMER = "order-confirmation:10001:customer"
POST = {"path": "/api/webparticipant"}


@pytest.fixture
def post(here: World) -> World:
    """A home with Mailgun switched on."""
    here.configure(mailgun=True)
    return here


def states(here: World, effect: str) -> dict[str, str]:
    rows = json.loads(here.run("outbox", "list", "--effect", effect, "--json").out)
    return {row["key"]: row["state"] for row in rows}


def show(here: World, order: int) -> Any:
    return here.run("booking", "show", str(order), "--json").json


def person(here: World, number: int) -> dict[str, Any]:
    return {found["reference"]: found for found in show(here, 10001)["participants"]}[f"ILI-10001-{number}"]


def test_each_participant_is_registered_once_and_everybody_gets_a_mail(post: World) -> None:
    order = post.order(2)
    assert post.run("sync-orders").code == 0
    assert post.registrations() == [f"ILI-{order}-1", f"ILI-{order}-2"]
    assert post.mails() == [*KEYS, CUSTOMER]
    assert show(post, order)["state"] == "registered"
    assert post.run("sync-orders").code == 0
    assert (len(post.registrations()), len(post.mails())) == (2, 3)


def test_maconomy_gets_everything_the_form_says(post: World) -> None:
    order = post.order(1)
    post.run("sync-orders")
    [found] = [record for record in post.maconomy.state()["participants"]["25172-04"] if "Nørgård-a" in str(record)]
    assert found["externalReference"] == f"ILI-{order}-1"
    assert (found["firstName"], found["company"], found["comment"]) == ("Bjørk", "Ærø Værft A/S", "Vegetar")


def test_every_mail_goes_to_one_person_and_is_not_tracked(post: World) -> None:
    post.order(2)
    post.run("sync-orders")
    mails = post.mailgun.state()["mails"]
    people = ["gitte.a@example.org", "p1.a@example.org", "p2.a@example.org"]
    assert sorted(mail["to"] for mail in mails) == [[address] for address in people]
    for mail in mails:
        assert mail["options"]["tracking"] == "no"
        assert mail["options"]["require-tls"] == "yes"
        assert [file["filename"] for file in mail["attachments"]] == ["kursus-25172-04.ics"]


def test_bodies_leave_the_outbox_when_they_are_delivered(post: World) -> None:
    post.order(2)
    post.run("sync-orders")
    assert post.rows("SELECT count(*) FROM outbox WHERE body IS NOT NULL") == [(0,)]


def test_nobody_is_named_in_output_log_or_report(post: World) -> None:
    post.order(2)
    post.maconomy.seed({"refuse": {"p2.a@example.org": "VALIDATION"}})
    said = [str(post.run(*command)) for command in (["sync-orders", "-v"], ["sync-orders", "--json"], ["status"])]
    said += [str(post.run("explain", "10001")), str(post.run("outbox", "list")), str(post.run("runs", "1"))]
    said.append((post.home / "var" / "log" / "integrator.log").read_text())
    for text in said:
        for name in ("Nørgård", "Kj\\u00e6rg", "N\\u00f8rg", "Kjærgård", "example.org>", "p2.a", "gitte."):
            assert name not in text


# one order, several fates ---------------------------------------------------------------------------


def test_two_are_in_and_one_is_refused(post: World) -> None:
    order = post.order(3)
    post.maconomy.seed({"refuse": {"p2.a@example.org": "VALIDATION"}})
    result = post.run("sync-orders")
    assert result.code == 3
    assert f"ILI-{order}-2" in result.err
    assert [person(post, number)["state"] for number in (1, 2, 3)] == ["registered", "refused", "registered"]
    assert "VALIDATION" in person(post, 2)["reason"]
    assert show(post, order)["state"] == "refused"
    assert CUSTOMER not in post.mails()
    assert post.mails() == [KEYS[0], "order-confirmation:10001:participant:3"]
    told = post.run("status")
    assert told.code == 1
    assert "maconomy.registration: 1 message(s) failed" in told.out
    assert "2 of 3 participant(s) are registered" in post.run("explain", "10001").out


def test_the_customer_hears_when_an_operator_has_mended_it(post: World) -> None:
    post.order(2)
    post.maconomy.seed({"refuse": {"p2.a@example.org": "VALIDATION"}})
    post.run("sync-orders")
    post.maconomy.seed({"refuse": {}})
    assert post.run("outbox", "retry", "--all-failed").code == 0
    assert post.run("sync-orders").code == 0
    assert post.mails() == [*KEYS, CUSTOMER]
    assert show(post, 10001)["state"] == "registered"
    assert post.run("status").code in (0, 1)


def test_who_was_erased_before_the_others_were_in_is_not_named_to_the_customer(post: World) -> None:
    post.order(2)
    post.maconomy.seed({"refuse": {"p2.a@example.org": "VALIDATION"}})
    post.run("sync-orders")
    assert post.run("gdpr", "erase", "p1.a@example.org").code == 0
    post.maconomy.seed({"refuse": {}})
    post.run("outbox", "retry", "--all-failed")
    assert post.run("sync-orders").code == 0
    text = post.mailgun.state()["mails"][-1]["text"]
    assert post.mails()[-1] == CUSTOMER
    assert "p2.a@example.org" in text
    assert "erased-" not in text


def test_an_order_whose_customer_was_erased_has_nobody_to_be_confirmed_to(post: World) -> None:
    post.order(2)
    post.maconomy.seed({"refuse": {"p2.a@example.org": "VALIDATION"}})
    post.run("sync-orders")
    assert post.run("gdpr", "erase", "gitte.a@example.org").code == 0
    result = post.run("booking", "confirm", "10001")
    assert result.code == 2
    assert "its customer was erased" in result.err
    assert CUSTOMER not in states(post, "mailgun.confirmation")


@pytest.mark.parametrize(("code", "word"), [("COURSE_FULL", "full"), ("COURSE_CANCELLED", "cancelled")])
def test_a_full_or_cancelled_course_is_final(post: World, code: str, word: str) -> None:
    order = post.order(1)
    post.maconomy.seed({"refuse": {"p1.a@example.org": code}})
    result = post.run("sync-orders")
    assert result.code == 3
    assert word in person(post, 1)["reason"]
    assert show(post, order)["state"] == "refused"
    assert post.mails() == []
    assert post.run("sync-orders").code == 0, "it is told once, and stays in status"
    assert post.run("status").code == 1
    assert post.registrations() == []


def test_locked_books_are_tried_again_later(post: World) -> None:
    post.order(1)
    post.maconomy.seed({"locked": True})
    assert post.run("sync-orders").code == 75
    assert states(post, "maconomy.registration") == {"ILI-10001-1": "received"}
    post.maconomy.seed({"locked": False})
    assert post.run("sync-orders", "--order", "10001").code == 0
    assert post.registrations() == ["ILI-10001-1"]


# trouble of one system ------------------------------------------------------------------------------


def test_mails_go_out_while_maconomy_is_down(post: World) -> None:
    post.order(1)
    post.servers[2].faults.add(
        {"match": {"path": "/v3/.*/messages"}, "times": 1, "fault": {"kind": "status", "status": 429}}
    )
    post.run("sync-orders")
    assert post.mails() == []
    post.order(1, who="b")
    post.servers[0].faults.add({"match": POST, "times": 9, "fault": {"kind": "status", "status": 401}})
    with post.store() as db:
        db.write("UPDATE outbox SET next_at = 0")
    assert post.run("sync-orders").code == 1
    assert post.mails() == [KEYS[0], CUSTOMER]
    assert states(post, "maconomy.registration")["ILI-10002-1"] == "received"


def test_registrations_go_on_while_mailgun_refuses_our_key(post: World) -> None:
    post.mailgun.seed({"keys": {"key-another": "account"}})
    post.order(2)
    result = post.run("sync-orders")
    assert result.code == 1
    assert "mailgun" in result.err
    assert len(post.registrations()) == 2
    assert set(states(post, "mailgun.confirmation").values()) == {"received"}
    with post.store() as db:
        assert db.value("SELECT max(attempts) FROM outbox WHERE effect = 'mailgun.confirmation'") == 0


def test_a_broken_template_holds_back_mails_only_and_leaves_no_doubt(post: World) -> None:
    (post.home / "config" / "templates" / "confirmation-customer.da.txt").write_text("Subject: {{ order.number\n")
    post.order(1)
    result = post.run("sync-orders")
    assert result.code == 78
    assert "confirmation-customer.da.txt" in result.err
    assert post.registrations() == ["ILI-10001-1"]
    assert "processing" not in states(post, "mailgun.confirmation").values()


def test_a_run_that_is_asked_to_end_while_it_writes_a_mail_blames_no_template(
    post: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.order(1)
    bounded, asked = templates._bounded, iter([signal.SIGTERM])

    def stopping(parts: Iterator[str]) -> Iterator[str]:
        for number in asked:
            os.kill(os.getpid(), number)
        yield from bounded(parts)

    monkeypatch.setattr(templates, "_bounded", stopping)
    result = post.run("sync-orders")
    assert (result.code, result.err) == (75, "")
    assert post.run("sync-orders").code == 0
    assert post.mails() == [KEYS[0], CUSTOMER]


def test_without_mailgun_confirmations_wait_and_the_run_says_so(here: World) -> None:
    here.order(1)
    result = here.run("sync-orders", "-v")
    assert result.code == 0
    assert "[mailgun] is switched off" in result.err
    here.configure(mailgun=True)
    assert here.run("sync-orders").code == 0
    assert len(here.mails()) == 2


def test_a_confirmation_that_lay_for_days_is_not_sent_by_itself(here: World) -> None:
    here.order(1)
    here.run("sync-orders")
    here.configure(mailgun=True)
    with here.store() as db:
        db.write("UPDATE outbox SET changed_at = changed_at - 4 * 86400 WHERE effect = 'mailgun.confirmation'")
    result = here.run("sync-orders")
    assert (result.code, here.mails()) == (3, [])
    assert "too old to be sent by itself" in result.err
    here.run("outbox", "retry", "--all-failed")
    assert here.run("sync-orders").code == 0
    assert len(here.mails()) == 2


# one order, dry runs, the clock ------------------------------------------------------------------------


def test_only_the_named_order_is_synced(post: World) -> None:
    post.order(1)
    other = post.order(1, who="b")
    assert post.run("sync-orders", "--order", str(other)).code == 0
    assert post.registrations() == [f"ILI-{other}-1"]
    assert all(str(other) in key for key in post.mails())


@pytest.mark.parametrize("number", ["9", "0", "-3", "99999999999999999999"])
def test_an_unknown_order_is_not_found(post: World, number: str) -> None:
    post.order(1)
    result = post.run("sync-orders", "--order", number)
    assert (result.code, post.registrations()) == (4, [])
    assert "there is no order" in result.err


def test_a_dry_run_lists_what_would_be_registered_and_sends_nothing(post: World) -> None:
    post.order(2)
    result = post.run("sync-orders", "--dry-run")
    assert result.code == 0
    assert "register   maconomy.registration ILI-10001-1" in result.out
    assert "2 to register" in result.out
    assert "Nørgård" not in result.out
    assert (post.registrations(), post.mails()) == ([], [])
    assert set(states(post, "maconomy.registration").values()) == {"received"}


@pytest.mark.parametrize("drain", ["", "5", "-1s", "2h", "1 minute"])
def test_a_drain_is_a_duration(post: World, drain: str) -> None:
    result = post.run("sync-orders", "--drain", drain)
    assert result.code == 2
    assert "--drain" in result.err


def test_without_maconomy_there_is_nothing_to_sync(post: World) -> None:
    (post.home / "config" / "integrator.toml").write_text("")
    assert post.run("sync-orders").code == 78


# delivery results ---------------------------------------------------------------------------------------


def test_a_bounced_confirmation_is_told_once_and_stays_in_status_until_somebody_saw_it(post: World) -> None:
    post.mailgun.seed({"bouncing": ["gitte.a@example.org"]})
    post.order(1)
    result = post.run("sync-orders")
    assert result.code == 3
    assert "order-confirmation:10001:customer" in result.err
    told = post.run("status")
    assert told.code == 1
    assert "1 mail(s) did not arrive: order-confirmation:10001:customer (failed, 550)" in told.out
    assert "gitte" not in told.out + result.err
    assert post.run("sync-orders").code == 0
    assert "did not arrive" in post.run("explain", "10001").out
    assert post.run("mail", "seen", CUSTOMER).code == 0
    assert "did not arrive" not in post.run("status").out


def test_events_that_cannot_be_read_hold_nothing_back(post: World) -> None:
    post.order(1)
    post.servers[2].faults.add(
        {"match": {"path": "/v3/.*/events"}, "times": 9, "fault": {"kind": "status", "status": 500}}
    )
    result = post.run("sync-orders", "-v")
    assert result.code == 0
    assert "delivery results could not be read" in result.err


# a confirmation whose fate nobody knows --------------------------------------------------------------------


def lose_answers(here: World, *, sent: bool, times: int = 1) -> None:
    """Mailgun takes the next mail (or not), and its answer never comes."""
    fault = {"kind": "reset", "when": "after" if sent else "before"}
    here.servers[2].faults.add({"match": {"path": "/v3/.*/messages"}, "times": times, "fault": fault})


def test_a_mail_whose_answer_was_lost_is_found_in_the_events(post: World) -> None:
    post.order(1)
    lose_answers(post, sent=True)
    assert post.run("sync-orders").code == 75
    assert post.run("sync-orders").code == 0
    assert sorted(post.mails()) == sorted([KEYS[0], CUSTOMER])


def test_a_mail_that_no_event_tells_of_is_held_for_a_person(post: World) -> None:
    post.mailgun.seed({"events_after": 9})
    post.order(1)
    lose_answers(post, sent=True)
    assert post.run("sync-orders").code == 75
    assert post.run("sync-orders").code == 75
    with post.store() as db:
        db.write(
            "UPDATE outbox SET uncertain_since = uncertain_since - 3600, sent_at = sent_at - 3600 WHERE sent_at > 0"
        )
    result = post.run("sync-orders")
    assert result.code == 3
    assert "held" in result.err
    assert post.run("status").code == 1
    assert post.mails().count(KEYS[0]) == 1, "it is never sent again by itself"
    post.run("outbox", "retry", "--all-failed")
    assert post.run("sync-orders").code == 3
    assert post.mails().count(KEYS[0]) == 1, "nor when somebody asks for a second look"
    post.run("outbox", "retry", "--all-failed", "--without-looking")
    assert post.run("sync-orders").code == 0
    assert post.mails().count(KEYS[0]) == 2, "a person decided so"


def test_a_registration_that_was_in_doubt_for_a_day_is_looked_for_before_it_is_sent_again(post: World) -> None:
    post.order(1)
    post.servers[0].faults.add({"match": POST, "times": 1, "fault": {"kind": "reset", "when": "after"}})
    assert post.run("sync-orders").code == 75
    with post.store() as db:
        db.write("UPDATE outbox SET uncertain_since = uncertain_since - 90000, sent_at = sent_at - 90000")
    unreadable = {"match": {"path": "/api/participant/.*"}, "times": 2, "fault": {"kind": "body", "what": "login"}}
    post.servers[0].faults.add(unreadable)
    assert post.run("sync-orders").code == 3
    post.servers[0].faults.clear()
    assert "looks there first" in post.run("outbox", "retry", "--all-failed").out
    assert post.run("sync-orders").code == 0
    assert post.registrations() == ["ILI-10001-1"]
    assert len(post.mails()) == 2


def test_a_registration_in_doubt_holds_back_nobody_else_s_mails(post: World) -> None:
    post.order(1)
    post.servers[0].faults.add({"match": POST, "times": 1, "fault": {"kind": "reset", "when": "before"}})
    post.run("sync-orders")
    post.order(1, who="b")
    post.run("sync-orders")
    assert post.registrations() == ["ILI-10002-1"]
    assert len(post.mails()) == 2


def test_a_class_that_is_gone_holds_back_only_its_own_registrations(post: World) -> None:
    with post.desk() as desk:
        order = booking.reserve(desk, "25172-04", seats=6, key="k")["order"]
        booking.complete(desk, order, form(6, at=datetime.now(UTC).isoformat()))
    post.servers[0].faults.add({"match": POST, "times": 6, "fault": {"kind": "reset", "when": "after"}})
    for _ in range(3):
        post.run("sync-orders")
    post.maconomy.seed({"remove": ["25172-04"]})
    post.maconomy.clear_ledger()
    other = post.order(1, who="b", class_id="25180-01")
    post.run("sync-orders")
    assert post.registrations() == [f"ILI-{other}-1"]


def test_what_mailgun_asks_for_holds_for_every_mail_and_every_run(post: World) -> None:
    post.mailgun.seed({"throttle": {"times": 1, "seconds": 120}})
    post.order(2)
    assert post.run("sync-orders").code == 75
    assert post.run("sync-orders").code == 75
    assert post.mails() == []
    due = post.rows("SELECT min(next_at) - max(changed_at) FROM outbox WHERE effect = 'mailgun.confirmation'")
    assert due[0][0] >= 100


def test_a_complaint_after_the_delivery_is_heard(post: World) -> None:
    post.mailgun.seed({"complaining": ["gitte.a@example.org"], "events_after": {"complained": 1}})
    post.order(1)
    assert post.run("sync-orders").code == 0
    assert post.run("mail", "seen", CUSTOMER).code == 4, "it did arrive: there is nothing to see to"
    with post.store() as db:  # ten minutes later
        db.write("UPDATE counters SET value = value - 3600 WHERE name = 'mail events'")
    assert post.run("sync-orders").code == 3
    assert "complained" in post.run("status").out
    with post.store() as db:
        db.write("UPDATE counters SET value = value - 3600 WHERE name = 'mail events'")
    assert post.run("sync-orders").code == 0, "good news that is read again does not cover the bad"
    assert "complained" in post.run("status").out


def test_events_that_we_may_not_read_are_a_person_s_business(post: World) -> None:
    post.mailgun.seed({"keys": {KEY: "sending"}})
    post.order(1)
    assert post.run("sync-orders").code == 0
    told = post.run("status")
    assert told.code == 1
    assert "do not let us read what became of mails" in told.out
    assert "→ integrator check mailgun" in told.out


def test_half_a_form_is_never_kept(here: World, tmp_path: Path) -> None:
    with here.desk() as desk:
        order = booking.reserve(desk, "25172-04", seats=1, key="k")["order"]
        desk.db.conn.execute("CREATE TRIGGER no BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'disk'); END")
    with pytest.raises(Exception, match="disk"):
        here.order(1, who="k")
    with here.desk() as desk:
        desk.db.conn.execute("DROP TRIGGER no")
        assert booking.show(desk, order)["state"] == "reserved"
        assert desk.db.value("SELECT count(*) FROM participants") == 0


# after a restore, and other ways to ask twice ---------------------------------------------------------------


def restore(here: World) -> None:
    [backup] = (here.home / "var" / "backups").glob("integrator-*.db")
    assert here.run("store", "restore", backup.name).code == 0


def test_after_a_restore_nobody_is_registered_or_written_to_twice(post: World) -> None:
    post.order(2)
    assert post.run("store", "backup").code == 0
    assert post.run("sync-orders").code == 0
    restore(post)
    post.run("sync-orders")
    assert post.run("sync-orders").code == 0
    assert (len(post.registrations()), len(post.mails())) == (2, 3)
    assert set(states(post, "mailgun.confirmation").values()) == {"completed"}


def test_a_refused_registration_that_was_mended_after_the_backup_is_not_sent_again(post: World) -> None:
    post.order(1)
    post.maconomy.seed({"refuse": {"p1.a@example.org": "VALIDATION"}})
    post.run("sync-orders")
    post.run("store", "backup")
    post.maconomy.seed({"refuse": {}})
    post.run("outbox", "retry", "--all-failed")
    post.run("sync-orders")
    restore(post)
    for _ in range(2):
        post.run("outbox", "retry", "--all-failed")
        post.run("sync-orders")
    assert (len(post.registrations()), len(post.mails())) == (1, 2)


def test_who_was_refused_before_the_backup_and_given_up_after_it_is_not_registered_by_itself(post: World) -> None:
    post.order(2)
    post.maconomy.seed({"refuse": {"p2.a@example.org": "VALIDATION"}})
    post.run("sync-orders")
    post.run("store", "backup")
    [(number,)] = post.rows("SELECT id FROM outbox WHERE state = 'failed'")
    assert post.run("outbox", "drop", str(number)).code == 0
    post.maconomy.seed({"refuse": {}})
    restore(post)
    for _ in range(2):
        assert post.run("sync-orders").code == 0
    assert post.registrations() == ["ILI-10001-1"]
    assert person(post, 2)["state"] == "refused"


def test_what_had_failed_unsent_before_the_backup_can_be_brought_back(post: World) -> None:
    post.configure()
    post.order(1)
    post.run("sync-orders")
    with post.store() as db:
        db.write("UPDATE outbox SET changed_at = changed_at - 4 * 86400 WHERE effect = 'mailgun.confirmation'")
    post.run("sync-orders")
    post.run("store", "backup")
    restore(post)
    post.configure(mailgun=True)
    assert post.run("outbox", "retry", "--all-failed").code == 0
    assert states(post, "mailgun.confirmation") == dict.fromkeys((KEYS[0], CUSTOMER), "processing")


def test_orders_of_after_the_restore_are_confirmed_at_once(post: World) -> None:
    post.run("store", "backup")
    restore(post)
    with post.store() as db:
        db.write("UPDATE counters SET value = value - 5 WHERE name = 'restored_at'")
    post.order(1)
    assert post.run("sync-orders").code == 0
    assert len(post.mails()) == 2


def test_a_customer_is_told_of_those_who_are_in_when_the_others_are_given_up(post: World) -> None:
    post.order(2)
    post.maconomy.seed({"refuse": {"p2.a@example.org": "VALIDATION"}})
    post.run("sync-orders")
    early = post.run("booking", "confirm", "10001")
    assert early.code == 2
    assert "not every participant is registered or given up" in early.err
    [failed] = post.run("outbox", "list", "--state", "failed", "--json").json
    post.run("outbox", "drop", str(failed["id"]))
    assert "integrator booking confirm 10001" in post.run("explain", "10001").out
    assert post.run("booking", "confirm", "10001").code == 0
    assert post.run("booking", "confirm", "10001").code == 0
    assert post.run("sync-orders").code == 0
    assert post.mails() == [KEYS[0], CUSTOMER]
    told = post.mailgun.state()["mails"][-1]["text"]
    assert "Bjørk" in told
    assert "Zoë" not in told


def test_an_order_asked_for_by_name_is_due_also_for_the_run_that_is_under_way(post: World) -> None:
    post.order(1)
    post.maconomy.seed({"locked": True})
    post.run("sync-orders")
    with lock.hold(post.home / "var" / "locks", "sync-orders", since=datetime.now(UTC)):
        result = post.run("sync-orders", "--order", "10001", "-v")
    assert result.code == 5
    assert post.rows("SELECT next_at FROM outbox WHERE key = 'ILI-10001-1'") == [(0,)]


def test_nobody_who_was_erased_is_shown_out_of_a_store_that_was_put_back_by_hand(post: World) -> None:
    post.order(1)
    post.maconomy.seed({"refuse": {"p1.a@example.org": "VALIDATION"}})
    post.run("sync-orders")
    [(number,)] = post.rows("SELECT id FROM outbox WHERE state = 'failed'")
    store = post.home / "var" / "integrator.db"
    before = store.read_bytes()
    assert post.run("gdpr", "erase", "p1.a@example.org").code == 0
    store.write_bytes(before)
    for command in (("outbox", "show", str(number)), ("gdpr", "export", "p1.a@example.org", "--file", "/dev/null")):
        result = post.run(*command)
        assert (result.code, "p1.a@example.org" in result.out) == (75, False)
        assert "put an older one back by hand" in result.err
