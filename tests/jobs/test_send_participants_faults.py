"""send-participants when Maconomy, Mailgun or the machine misbehaves: nothing is lost, nothing is sent twice."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from integrator.domain.participants import Participant
from integrator.errors import Unavailable
from integrator.standins.catalogue import sample
from integrator.store import backup
from jobs.sending import (
    ASE,
    CLASS,
    JORGEN,
    LIST,
    POST,
    THE_DAY_BEFORE,
    aside,
    go,
    mails,
    pass_time,
    ready,
    recipients,
    send,
    set_course,
    set_people,
    sheet,
    trainer,
)
from runtime.remote import Died, Raise, Scripted
from world import World

EVENTS = {"method": "GET", "path": "/v3/.*/events.*"}
FAULTS = [
    ({"kind": "status", "status": 503}, "waiting", 75),
    ({"kind": "status", "status": 429, "retry_after": 864000}, "waiting", 75),
    ({"kind": "reset", "when": "before"}, "waiting", 75),
    ({"kind": "close", "when": "after"}, "waiting", 75),
    ({"kind": "cut", "framing": "length"}, "waiting", 75),
    ({"kind": "cut", "framing": "none"}, "failed", 3),
    ({"kind": "body", "what": "login"}, "failed", 3),
    ({"kind": "body", "what": "error"}, "failed", 3),
    ({"kind": "body", "what": "empty"}, "failed", 3),
    ({"kind": "body", "what": "null"}, "failed", 3),
    ({"kind": "body", "what": "list"}, "failed", 3),
    ({"kind": "body", "what": "object"}, "failed", 3),
    ({"kind": "body", "what": "bad-utf8"}, "failed", 3),
    ({"kind": "body", "what": "nan"}, "failed", 3),
    ({"kind": "status", "status": 404}, "failed", 3),
    ({"kind": "gzip-bomb", "megabytes": 100}, "failed", 3),
]


def second_class(here: World, class_id: str = "25172-05") -> None:
    """Another class with a trainer and a participant meets on the same day."""
    days = [{"date": "01-03-2027", "startTime": "09:00", "endTime": "16:00"}]
    facts = {"courseDays": days, "startDate": "01-03-2027", "endDate": "01-03-2027", "trainers": [trainer("mb@b.dk")]}
    set_course(here, class_id, registeredParticipants=0, freeSeats=16, **facts)


def states(here: World) -> list[str]:
    sql = "SELECT state FROM outbox WHERE effect = 'mailgun.participant-list' ORDER BY id"
    return [state for (state,) in here.rows(sql)]


@pytest.mark.parametrize(
    ("fault", "where", "code"),
    FAULTS,
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_a_list_that_cannot_be_read_holds_back_its_class_only(
    here: World, fault: dict[str, Any], where: str, code: int
) -> None:
    ready(here)
    second_class(here)
    here.servers[0].faults.add({"match": LIST, "fault": fault})
    report = send(here)
    assert report["exit_code"] == code
    assert [one["item"] for one in report[where]] == [f"class {CLASS}"]
    assert recipients(here) == ["mb@b.dk"]
    assert aside(here) == []
    here.servers[0].faults.clear()
    assert send(here)["exit_code"] == 0
    assert sorted(recipients(here)) == [ASE, JORGEN, "mb@b.dk"]


@pytest.mark.parametrize("what", ["list", "empty", "null"])
def test_a_failing_source_takes_nothing_away_from_a_list_that_was_sent(here: World, what: str) -> None:
    ready(here)
    send(here)
    before = here.rows("SELECT * FROM participant_lists")
    here.servers[0].faults.add({"match": LIST, "fault": {"kind": "body", "what": what}})
    assert send(here)["exit_code"] == 3
    assert here.rows("SELECT * FROM participant_lists") == before
    assert len(here.mails()) == 2


def test_an_empty_list_of_a_class_with_taken_seats_is_not_believed(here: World) -> None:
    ready(here)
    set_people(here)
    report = send(here)
    assert report["exit_code"] == 3
    assert "lists nobody, though 13 seats are taken" in report["failed"][0]["reason"]
    assert here.mails() == []


def test_a_refused_login_stops_the_run(here: World) -> None:
    ready(here)
    here.servers[0].faults.add({"match": LIST, "fault": {"kind": "status", "status": 401}})
    result = here.run("send-participants", *THE_DAY_BEFORE)
    assert result.code == 1
    assert "maconomy" in result.err
    assert "401" in result.err


class Silent:
    """A Maconomy that answers for some classes only."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def participants(self, class_id: str) -> list[Participant]:
        self.asked.append(class_id)
        if class_id not in self.answers:
            raise Unavailable("maconomy: list participants: no answer within 5 s")
        name = f"Holm {class_id}"
        return [Participant("1", class_id, "Bo", name, "b@example.org", None, None, "registered", None)]


def many_classes(here: World, number: int) -> list[str]:
    """Copies of the sample class, all on the same day."""
    [course] = [row for row in sample("course") if row["courseId"] == CLASS]
    ids = [f"25172-{n}" for n in range(50, 50 + number)]
    here.maconomy.seed({"add": [{**course, "courseId": class_id} for class_id in ids]})
    assert here.run("import-courses").code == 0
    return [CLASS, *ids]


def test_after_five_classes_without_an_answer_the_others_are_not_asked(here: World) -> None:
    ready(here)
    ids = many_classes(here, 7)
    maconomy, sender = Silent(), Scripted()
    report = go(here, maconomy=maconomy, sender=sender)
    assert maconomy.asked == ids[:5]
    assert report.exit_code == 75
    assert list(report.waiting) == [f"class {class_id}" for class_id in ids]
    assert sender.sent == []


def test_one_answer_between_silences_goes_on(here: World) -> None:
    ready(here)
    ids = many_classes(here, 7)
    maconomy, sender = Silent(ids[4]), Scripted()
    report = go(here, maconomy=maconomy, sender=sender)
    assert maconomy.asked == ids
    assert {key.split(":")[1] for [key] in sender.sent} == {ids[4]}
    assert len(report.waiting) == 7


# the machine ------------------------------------------------------------------------------------------


def test_a_run_killed_between_keep_and_deliver_is_healed_by_the_next(here: World) -> None:
    ready(here)
    with pytest.raises(Died):
        go(here, sender=DiesBeforeSending())
    assert states(here) == ["received"] * 2
    assert send(here)["counts"] == {"classes.read": 1, "mailgun.participant-list.sent": 2}
    assert sorted(recipients(here)) == [ASE, JORGEN]


class DiesBeforeSending(Scripted):
    """The process ends before the first message is written down as begun."""

    def groups(self, messages: Any) -> Any:
        raise Died


def test_a_run_killed_while_it_sends_leaves_a_doubt_that_the_next_settles(here: World) -> None:
    ready(here)
    here.mailgun.seed({"now": "2027-02-28T08:00:00+01:00"})
    with pytest.raises(Died):
        go(here, sender=Scripted(Raise(Died())))
    assert states(here) == ["processing", "received"]
    assert go(here, at="2027-02-28T08:00:00+01:00").exit_code == 0
    assert sorted(recipients(here)) == [ASE, JORGEN]


def test_a_run_killed_between_two_classes_heals(here: World) -> None:
    ready(here)
    second_class(here)

    class Dies:
        asked = 0

        def participants(self, class_id: str) -> list[Participant]:
            self.asked += 1
            if self.asked == 2:
                raise Died
            return Silent(class_id).participants(class_id)

    with pytest.raises(Died):
        go(here, maconomy=Dies(), sender=Scripted())
    assert states(here) == ["received"] * 2
    set_people(here, {"lastName": "Holm"}, courseId=CLASS)
    second_class(here)
    send(here)
    assert sorted(recipients(here)) == [ASE, JORGEN, "mb@b.dk"]
    assert {row[1] for mail in mails(here)[:2] for row in sheet(mail)[1:]} == {"Holm"}


# Mailgun ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500, "when": "after"},
        {"kind": "status", "status": 504, "when": "after"},
        {"kind": "reset", "when": "after"},
        {"kind": "close", "when": "after"},
        {"kind": "cut", "framing": "length"},
        {"kind": "body", "what": "login", "when": "after"},
        {"kind": "body", "what": "empty", "when": "after"},
    ],
    ids=lambda value: "-".join(map(str, value.values())),
)
def test_a_mail_whose_answer_was_lost_is_found_and_not_sent_again(here: World, fault: dict[str, Any]) -> None:
    ready(here)
    here.servers[2].faults.add({"match": POST, "times": 1, "fault": fault})
    assert send(here)["exit_code"] == 75
    assert sorted(states(here)) == ["completed", "processing"]
    report = send(here)
    assert (report["exit_code"], report["counts"]) == (0, {"classes.read": 1, "mailgun.participant-list.found": 1})
    assert sorted(recipients(here)) == [ASE, JORGEN]
    assert len(here.rows("SELECT message_id FROM mails")) == 2


@pytest.mark.parametrize(
    "fault",
    [{"kind": "status", "status": 500, "when": "before"}, {"kind": "reset", "when": "before"}],
    ids=lambda value: "-".join(map(str, value.values())),
)
def test_a_mail_that_never_arrived_is_sent_again_when_that_is_settled(here: World, fault: dict[str, Any]) -> None:
    ready(here)
    here.servers[2].faults.add({"match": POST, "times": 1, "fault": fault})
    assert send(here)["exit_code"] == 75
    assert len(mails(here)) == 1
    pass_time(here)
    assert send(here)["exit_code"] == 0
    assert sorted(recipients(here)) == [ASE, JORGEN]


def test_a_list_that_a_restored_store_forgot_is_found_hours_later_and_not_sent_again(here: World) -> None:
    ready(here, mailgun_extra="settle_s = 1.0")
    at, eve = datetime.now(UTC), date(2027, 2, 28)
    with here.store() as db:
        made = backup.make(db, here.home / "var" / "backups")
    go(here, at=at.isoformat(), today=eve)
    backup.restore(made, here.home / "var" / "integrator.db", at=(at + timedelta(hours=8)).timestamp())
    for hours in (24, 25):
        assert go(here, at=(at + timedelta(hours=hours)).isoformat(), today=eve).exit_code == 0
    assert sorted(recipients(here)) == [ASE, JORGEN]


def test_events_that_cannot_be_read_leave_the_doubt_and_send_nothing(here: World) -> None:
    ready(here)
    here.servers[2].faults.add({"match": POST, "times": 1, "fault": {"kind": "reset", "when": "before"}})
    here.servers[2].faults.add({"match": EVENTS, "fault": {"kind": "status", "status": 404}})
    send(here)
    pass_time(here)
    assert send(here)["exit_code"] == 75
    assert len(mails(here)) == 1


def test_mailgun_away_keeps_everything_for_the_next_run(here: World) -> None:
    ready(here)
    here.servers[2].faults.add({"match": POST, "fault": {"kind": "status", "status": 429}})
    assert send(here)["exit_code"] == 75
    assert states(here) == ["received"] * 2
    here.servers[2].faults.clear()
    pass_time(here)
    assert send(here)["exit_code"] == 0
    assert sorted(recipients(here)) == [ASE, JORGEN]


def test_a_wrong_key_stops_the_run_and_burns_no_attempt(here: World) -> None:
    ready(here)
    here.mailgun.seed({"keys": {"another": "account"}})
    assert send(here)["exit_code"] == 1
    assert here.rows("SELECT DISTINCT state, attempts FROM outbox WHERE effect LIKE 'mailgun%'") == [("received", 0)]


def test_a_newer_list_takes_the_place_of_one_that_waits(here: World) -> None:
    ready(here)
    here.configure()
    set_people(here, {"lastName": "Holm"})
    send(here)
    set_people(here, {"lastName": "Ager"})
    send(here)
    here.configure(mailgun=True)
    send(here)
    assert sorted(recipients(here)) == [ASE, JORGEN]
    assert {row[1] for mail in mails(here) for row in sheet(mail)[1:]} == {"Ager"}


def test_an_older_list_in_doubt_is_not_sent_behind_a_newer_one(here: World) -> None:
    ready(here)
    set_people(here, {"lastName": "Holm"})
    here.servers[2].faults.add({"match": POST, "times": 2, "fault": {"kind": "reset", "when": "before"}})
    send(here)
    pass_time(here)
    set_people(here, {"lastName": "Ager"})
    counts = send(here)["counts"]
    assert counts["mailgun.participant-list.outdated"] == 2
    assert counts["mailgun.participant-list.sent"] == 2
    assert {row[1] for mail in mails(here) for row in sheet(mail)[1:]} == {"Ager"}


def test_a_list_of_a_day_that_is_over_is_dropped(here: World) -> None:
    ready(here)
    here.configure()
    go(here)
    here.configure(mailgun=True)
    report = go(here, at="2027-03-02T07:00:00+01:00", class_id="25180-01")
    assert any("2 participant list(s) of days that are over were never sent" in remark for remark in report.remarks)
    assert here.rows("SELECT DISTINCT state, body, reason FROM outbox WHERE effect LIKE 'mailgun%'") == [
        ("failed", None, "its day is over")
    ]
    assert here.mails() == []


MOVED = [{"date": "08-03-2027", "startTime": "09:00", "endTime": "16:00"}]


@pytest.mark.parametrize(
    "facts", [{"status": "Aflyst"}, {"courseDays": MOVED, "startDate": "08-03-2027", "endDate": "08-03-2027"}]
)
def test_a_list_that_waits_is_dropped_when_its_class_is_cancelled_or_moved(here: World, facts: dict[str, Any]) -> None:
    ready(here)
    here.configure()
    send(here)
    set_course(here, **facts)
    here.configure(mailgun=True)
    report = send(here)
    assert (report["exit_code"], here.mails()) == (0, [])
    assert "2 participant list(s) of classes that do not take place then were dropped" in report["remarks"]
    here.maconomy.seed({"restore": True})
    assert here.run("import-courses").code == 0
    send(here)
    pass_time(here)
    send(here)
    assert sorted(recipients(here)) == [ASE, JORGEN]


def test_a_list_in_doubt_of_a_class_that_was_cancelled_is_looked_for_and_never_sent(here: World) -> None:
    ready(here)
    here.servers[2].faults.add({"match": POST, "times": 2, "fault": {"kind": "reset", "when": "before"}})
    send(here)
    pass_time(here)
    set_course(here, status="Aflyst")
    assert send(here)["counts"] == {"mailgun.participant-list.outdated": 2}
    assert here.mails() == []


def test_a_list_of_today_still_goes_out(here: World) -> None:
    ready(here)
    here.configure()
    go(here)
    sender = Scripted()
    go(here, at="2027-03-01T07:00:00+01:00", sender=sender)
    assert [key.split(":")[2] for [key] in sender.sent] == ["2027-03-01"] * 2 + ["2027-03-02"] * 2


def test_a_list_in_doubt_of_a_day_that_is_over_is_looked_for_and_never_sent(here: World) -> None:
    ready(here)
    with pytest.raises(Died):
        go(here, sender=Scripted(Raise(Died())))
    sender = Scripted()
    report = go(here, at="2027-03-04T07:00:00+01:00", sender=sender)
    assert report.exit_code == 0
    assert (sender.sent, len(sender.looked)) == ([], 1)
    assert sorted(states(here)) == ["completed", "failed"]
    assert here.rows("SELECT * FROM mails") == []


def test_a_later_date_typed_by_hand_drops_nothing(here: World) -> None:
    ready(here)
    here.configure()
    send(here)
    here.run("send-participants", "--date", "2027-12-24")
    assert states(here) == ["received"] * 2


def test_an_operator_who_drops_a_list_is_obeyed(here: World) -> None:
    ready(here)
    here.configure()
    send(here)
    [(first,), _] = here.rows("SELECT id FROM outbox WHERE effect LIKE 'mailgun%' ORDER BY id")
    assert here.run("outbox", "drop", str(first)).code == 0
    here.configure(mailgun=True)
    send(here)
    assert len(mails(here)) == 1


def test_a_list_that_was_erased_here_may_be_asked_for_again(here: World) -> None:
    """The key of its old message stays; a new one has another."""
    ready(here)
    send(here)
    with here.store() as db:
        db.write("DELETE FROM participant_lists")
    assert send(here)["exit_code"] == 0
    assert len(here.mails()) == len(set(here.mails())) == 4
