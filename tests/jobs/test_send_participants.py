"""send-participants, from Maconomy's participants to the trainers' mails."""

import json

import pytest

from jobs.sending import (
    ASE,
    CLASS,
    JORGEN,
    THE_DAY_BEFORE,
    aside,
    go,
    mails,
    ready,
    recipients,
    send,
    set_course,
    set_people,
    sheet,
)
from runtime.remote import Scripted
from world import World


def test_every_trainer_gets_the_list_in_a_mail_of_their_own(here: World) -> None:
    ready(here)
    result = here.run("send-participants", *THE_DAY_BEFORE)
    assert (result.code, result.out, result.err) == (0, "", "")
    assert sorted(recipients(here)) == [ASE, JORGEN]
    [mail, _] = mails(here)
    assert "mandag den 1. marts 2027" in mail["subject"]
    for text in (mail["text"], mail["html"]):
        assert "Bjørk Aaen" in text
        assert "soeren.noergaard@example.org" in text
    assert [row[:2] + row[-1:] for row in sheet(mail)] == [
        ["Fornavn", "Efternavn", "Status"],
        ["Bjørk", "Aaen", "tilmeldt"],
        ["Søren", "Nørgård", "tilmeldt"],
        ["Zoë", "O’Brien", "venteliste"],
    ]
    assert (mail["options"]["tracking"], mail["options"]["deliver-within"]) == ("no", "12h")


def test_who_has_withdrawn_is_on_no_list(here: World) -> None:
    ready(here)
    send(here)
    assert not [mail for mail in mails(here) if "Møller-Sørensen" in json.dumps(mail, ensure_ascii=False)]
    assert here.rows("SELECT body FROM outbox WHERE effect = 'mailgun.participant-list'") == [(None,), (None,)]


def test_again_sends_nothing_and_changes_nothing(here: World) -> None:
    ready(here)
    send(here)
    tables = ("participant_lists", "outbox", "mails", "set_aside")
    before = [here.rows(f"SELECT * FROM {table}") for table in tables]
    assert send(here)["counts"] == {"classes.read": 1}
    assert [here.rows(f"SELECT * FROM {table}") for table in tables] == before
    assert len(here.mails()) == 2


def test_a_changed_list_goes_out_once_more_and_changed_back_again(here: World) -> None:
    ready(here)
    set_people(here, {"lastName": "Holm"}, {"lastName": "Ager"})
    send(here)
    set_people(here, {"lastName": "Holm"}, {"lastName": "Ager", "status": "Afmeldt"})
    assert send(here)["counts"]["lists.changed"] == 2
    assert send(here)["counts"] == {"classes.read": 1}
    set_people(here, {"lastName": "Holm"}, {"lastName": "Ager"})
    send(here)
    assert [key.rsplit(":", 1)[1] for key in here.mails()] == ["1", "1", "2", "2", "3", "3"]
    assert [[row[1] for row in sheet(mail)[1:]] for mail in mails(here)[::2]] == [
        ["Ager", "Holm"],
        ["Holm"],
        ["Ager", "Holm"],
    ]


def test_a_list_in_another_order_is_the_same_list(here: World) -> None:
    ready(here)
    set_people(here, {"lastName": "Holm", "email": "h@example.org"}, {"lastName": "Ager", "email": "a@example.org"})
    send(here)
    set_people(here, {"lastName": "Ager", "email": "a@example.org"}, {"lastName": "Holm", "email": "h@example.org"})
    assert send(here)["counts"] == {"classes.read": 1}


def test_every_day_of_a_class_has_its_own_mail(here: World) -> None:
    ready(here)
    for date in ("2027-02-28", "2027-03-01", "2027-03-02", "2027-03-03"):
        here.run("send-participants", "--date", date)
    assert [key.split(":")[2] for key in here.mails()] == [f"2027-03-0{day}" for day in (1, 1, 2, 2, 3, 3)]


@pytest.mark.parametrize("name", ['=HYPERLINK("http://a.example.org")', "+45 1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_name_is_never_a_formula(here: World, name: str) -> None:
    ready(here)
    set_people(here, {"firstName": name, "lastName": "Holm", "company": name})
    send(here)
    shown = sheet(mails(here)[0])[1]
    assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r")) for text in shown)


def test_a_class_whose_days_nobody_knows_meets_from_its_start_to_its_end(here: World) -> None:
    ready(here)
    set_course(here, courseDays=[])
    for date in ("2027-02-27", "2027-02-28", "2027-03-02", "2027-03-03"):
        here.run("send-participants", "--date", date)
    assert [key.split(":")[2] for key in here.mails()] == [f"2027-03-0{day}" for day in (1, 1, 2, 2, 3, 3)]


def test_days_between_two_course_days_get_no_list(here: World) -> None:
    ready(here)
    days = [{"date": date, "startTime": "09:00", "endTime": "16:00"} for date in ("01-03-2027", "15-03-2027")]
    set_course(here, courseDays=days, endDate="15-03-2027")
    assert here.run("send-participants", "--date", "2027-03-02", "--json").json["counts"] == {}
    assert here.run("send-participants", "--date", "2027-03-14", "--json").json["counts"]["lists.new"] == 2


def test_a_list_whose_day_before_was_missed_goes_out_on_the_day(here: World) -> None:
    ready(here)
    here.servers[0].faults.add(
        {"match": {"path": "/api/participant/.*"}, "times": 2, "fault": {"kind": "status", "status": 503}}
    )
    assert here.run("send-participants", "--date", "2027-02-28").code == 75
    assert here.mails() == []
    here.run("send-participants", "--date", "2027-03-01")
    assert {key.split(":")[2] for key in here.mails()} == {"2027-03-01", "2027-03-02"}


def test_a_cancelled_class_gets_no_list(here: World) -> None:
    ready(here)
    set_course(here, status="Aflyst")
    assert send(here)["counts"] == {}
    report = send(here, "--class", CLASS)
    assert (report["exit_code"], report["counts"]) == (0, {})
    assert "cancelled" in report["remarks"][0]
    assert here.mails() == []


def test_a_class_that_maconomy_no_longer_lists_gets_no_list(here: World) -> None:
    ready(here)
    here.maconomy.seed({"remove": [CLASS]})
    assert [here.run("import-courses").code for _ in range(3)] == [0, 0, 0]
    assert send(here)["counts"] == {}


def test_one_class_gets_its_list_whatever_its_days(here: World) -> None:
    ready(here)
    report = here.run("send-participants", "--date", "2027-01-10", "--class", CLASS, "--json").json
    assert report["counts"]["mailgun.participant-list.sent"] == 2
    assert {key.split(":")[2] for key in here.mails()} == {"2027-03-01"}


def test_a_class_nobody_knows_is_not_found(here: World) -> None:
    ready(here)
    result = here.run("send-participants", "--class", "25172-99")
    assert result.code == 4
    assert "there is no class 25172-99" in result.err


@pytest.mark.parametrize(
    "options",
    [
        ("--date", "28-02-2027"),
        ("--date", "2027-02-30"),
        ("--date", "2027-W09-7"),
        ("--date", "9999-12-31"),
        ("--days-ahead", "-1"),
        ("--days-ahead", "61"),
        ("--days-ahead", "x"),
    ],
)
def test_a_bad_option_is_a_bad_request(here: World, options: tuple[str, str]) -> None:
    ready(here)
    assert here.run("send-participants", *options).code == 2
    assert here.mails() == []


@pytest.mark.parametrize(
    ("date", "options", "policy"),
    [
        ("2027-03-01", ("--days-ahead", "0"), 1),
        ("2027-02-22", ("--days-ahead", "7"), 1),
        ("2027-02-22", (), 7),
        ("2027-03-01", (), 0),
    ],
)
def test_how_many_days_ahead_is_policy_and_an_option(
    here: World, date: str, options: tuple[str, ...], policy: int
) -> None:
    set_policy(here, "days_ahead", str(policy))
    ready(here)
    here.run("send-participants", "--date", date, *options)
    assert {key.split(":")[2] for key in here.mails()} == {"2027-03-01"}


def set_policy(here: World, name: str, value: str) -> None:
    path = here.home / "jobs" / "send-participants.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(f"{name} = {value}" if line.startswith(name) else line for line in lines), "utf-8")


@pytest.mark.parametrize(
    ("name", "value"), [("days_ahead", "61"), ("trainers", "[]"), ("trainers", '["brp"]'), ("trainers", '"maconomy"')]
)
def test_a_policy_that_cannot_be_is_a_configuration_error(here: World, name: str, value: str) -> None:
    ready(here)
    set_policy(here, name, value)
    result = here.run("send-participants", *THE_DAY_BEFORE)
    assert result.code == 78
    assert "jobs/send-participants.toml" in result.err
    assert name in result.err


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        ("2027-02-27T22:59:59+00:00", False),  # still the 27th in Copenhagen
        ("2027-02-27T23:00:00+00:00", True),
        ("2027-02-28T22:59:59+00:00", True),
        ("2027-03-03T22:59:59+00:00", True),  # the 3rd, its last day
        ("2027-03-03T23:00:00+00:00", False),
    ],
)
def test_the_business_date_is_copenhagens(here: World, at: str, sent: bool) -> None:
    ready(here)
    sender = Scripted()
    go(here, at=at, sender=sender)
    assert bool(sender.sent) is sent


@pytest.mark.parametrize(
    "at",
    [
        "2027-03-27T07:00:00+01:00",
        "2027-03-27T23:59:59+01:00",
        "2027-03-28T00:00:00+01:00",
        "2027-03-28T03:00:00+02:00",  # clocks went forward
        "2027-03-28T23:59:59+02:00",
    ],
)
def test_in_the_night_of_summer_time_every_day_has_one_list(here: World, at: str) -> None:
    ready(here)
    days = [{"date": f"{day}-03-2027", "startTime": "09:00", "endTime": "16:00"} for day in (28, 29)]
    set_course(here, courseDays=days, startDate="28-03-2027", endDate="29-03-2027")
    sender = Scripted()
    for _ in range(2):
        go(here, at=at, sender=sender)
    wanted = ["2027-03-28"] if at.startswith("2027-03-27") else ["2027-03-28", "2027-03-29"]
    assert [key.split(":")[2] for [key] in sender.sent] == [day for day in wanted for _ in range(2)]


def test_without_mailgun_the_lists_are_kept_and_go_out_when_it_is_there(here: World) -> None:
    ready(here)
    here.configure(mailgun=False)
    report = send(here)
    assert (report["exit_code"], report["counts"]) == (0, {"classes.read": 1, "lists.new": 2})
    assert "2 participant list(s) stay in the outbox" in report["remarks"][0]
    here.configure(mailgun=True)
    assert send(here)["counts"] == {"classes.read": 1, "mailgun.participant-list.sent": 2}


def test_without_maconomy_there_is_nothing_to_do(here: World) -> None:
    ready(here)
    text = (here.home / "config" / "integrator.toml").read_text(encoding="utf-8")
    (here.home / "config" / "integrator.toml").write_text(text[text.index("[wordpress]") :], encoding="utf-8")
    assert here.run("send-participants").code == 78


def test_a_dry_run_says_how_many_and_names_nobody(here: World) -> None:
    ready(here)
    tables = ("participant_lists", "outbox", "mails", "set_aside", "runs")
    before = [here.rows(f"SELECT * FROM {table}") for table in tables], sorted(here.home.rglob("*"))
    result = here.run("send-participants", *THE_DAY_BEFORE, "--dry-run")
    assert result.code == 0
    assert "2 to send" in result.out
    assert "participants: null → 3" in result.out
    plan = here.run("send-participants", *THE_DAY_BEFORE, "--dry-run", "--json")
    assert [one["key"].rsplit(":", 2)[0] for one in plan.json["plan"]] == [f"participant-list:{CLASS}:2027-03-01"] * 2
    for word in ("example.org", "Nørgård", "Østergård", "Blåbær"):
        assert word not in result.out + result.err + plan.out
    assert ([here.rows(f"SELECT * FROM {table}") for table in tables], sorted(here.home.rglob("*"))) == before
    assert here.mails() == []


def test_nobody_is_named_in_keys_reports_logs_and_tables(here: World) -> None:
    ready(here)
    set_people(here, {"lastName": "Særkende", "email": "saerkende@example.org"})
    result = here.run("send-participants", *THE_DAY_BEFORE, "-v")
    log = (here.home / "var" / "log" / "integrator.log").read_text("utf-8")
    rows = [here.rows(f"SELECT * FROM {table}") for table in ("participant_lists", "outbox", "mails", "runs")]
    for word in ("Særkende", "saerkende", ASE, JORGEN, "Østergård"):
        assert word not in result.out + result.err + log
        assert word not in str(rows)


def test_a_class_without_participants_says_so_when_nobody_has_a_seat(here: World) -> None:
    ready(here)
    set_course(here, freeSeats=20, registeredParticipants=0)
    set_people(here, freeSeats=20, registeredParticipants=0)
    assert send(here)["exit_code"] == 0
    assert "ingen tilmeldte" in mails(here)[0]["text"]
    assert sheet(mails(here)[0])[1:] == []


def test_an_english_class_has_an_english_mail(here: World) -> None:
    ready(here)
    set_course(here, language="Engelsk")
    send(here)
    assert "1 March 2027" in mails(here)[0]["subject"]


def test_a_status_that_nobody_knows_is_remarked(here: World) -> None:
    ready(here)
    set_people(here, {"lastName": "Holm"}, {"lastName": "Ager", "status": "Måske"})
    report = send(here)
    assert "1 participant(s) have a status we do not know" in report["remarks"][0]
    assert [row[1] for row in sheet(mails(here)[0])[1:]] == ["Holm"]
    assert aside(here) == []
