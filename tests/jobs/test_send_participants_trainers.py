"""send-participants: who gets the list; Maconomy's trainers, the editors' ones, or a person's attention."""

from typing import Any

import pytest

from jobs.sending import (
    ASE,
    CLASS,
    JORGEN,
    LIST,
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
    trainer,
)
from runtime.remote import Scripted
from world import World

IDA, BO = "ida.lind@example.org", "bo.krag@example.org"
PERSON_NEEDED = [(CLASS, "no_trainer_address")]
SITE = {"method": "GET", "path": "/wp-json/wp/v2/(course_date|trainer)"}


def enter(here: World, *addresses: str, class_id: str = CLASS, status: str = "publish") -> list[int]:
    """Editors make trainer posts and choose them for a class."""
    number = 500 + len(here.all_posts("trainer"))
    posts = [
        {"id": number + n, "type": "trainer", "title": f"Træner {n}", "status": status, "meta": {"ed_email": address}}
        for n, address in enumerate(addresses)
    ]
    here.wordpress.seed({"posts": posts})
    ids = [number + n for n in range(len(addresses))]
    here.wordpress.seed({"edit": {"post": here.posts()[class_id]["id"], "meta": {"ed_trainers": ids}}})
    return ids


def prefer(here: World, *sources: str) -> None:
    path = here.home / "jobs" / "send-participants.toml"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("trainers")]
    path.write_text("\n".join([*lines, f"trainers = {list(sources)!r}".replace("'", '"')]), "utf-8")


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (("maconomy", "wordpress"), [ASE, JORGEN]),
        (("wordpress", "maconomy"), [IDA]),
        (("wordpress",), [IDA]),
        (("maconomy",), [ASE, JORGEN]),
    ],
)
def test_the_first_source_with_an_address_counts(here: World, sources: tuple[str, ...], expected: list[str]) -> None:
    ready(here)
    enter(here, IDA)
    prefer(here, *sources)
    assert send(here)["exit_code"] == 0
    assert sorted(recipients(here)) == expected


@pytest.mark.parametrize("named", [[], [trainer(None)], [trainer("ida(at)example.org")], [trainer("åse@example.org")]])
def test_where_maconomy_has_no_address_the_editors_trainers_count(here: World, named: list[dict[str, str]]) -> None:
    ready(here)
    set_course(here, trainers=named)
    enter(here, IDA, BO)
    assert send(here)["exit_code"] == 0
    assert sorted(recipients(here)) == [BO, IDA]
    assert "Hej Træner 0" in next(mail["text"] for mail in mails(here) if mail["to"] == [IDA])
    assert aside(here) == []


def test_where_the_editors_entered_nobody_maconomys_trainers_count(here: World) -> None:
    ready(here)
    prefer(here, "wordpress", "maconomy")
    assert send(here)["exit_code"] == 0
    assert sorted(recipients(here)) == [ASE, JORGEN]


def test_a_trainer_without_an_address_holds_nobody_back(here: World) -> None:
    ready(here)
    set_course(here, trainers=[trainer(None, "Bo Krag"), trainer(IDA)])
    assert send(here)["exit_code"] == 0
    assert recipients(here) == [IDA]


def test_two_trainers_with_one_address_get_one_mail(here: World) -> None:
    ready(here)
    set_course(here, trainers=[trainer("ida.lind@example.org"), trainer("Ida.Lind@Example.org", "Bo Krag")])
    send(here)
    assert recipients(here) == [IDA]


def test_a_class_without_an_address_needs_a_person_until_it_has_one(here: World) -> None:
    ready(here)
    set_course(here, trainers=[trainer(None)])
    result = here.run("send-participants", *THE_DAY_BEFORE)
    assert result.code == 3
    assert f"failed: class {CLASS}: no trainer of it has a usable e-mail address" in result.err
    assert "maconomy: 1 named, none with a usable address; wordpress: nobody is named" in result.err
    assert aside(here) == PERSON_NEEDED
    status = here.run("status", "--json")
    assert status.code == 1
    assert status.json["set_aside"] == {"trainer": [CLASS]}
    assert here.maconomy.entries(path="/api/participant/.*") == []  # whom nobody is told of, we do not ask for
    enter(here, IDA)
    assert send(here)["exit_code"] == 0
    assert recipients(here) == [IDA]
    assert aside(here) == []


def test_another_class_does_not_take_the_warning_away(here: World) -> None:
    ready(here)
    set_course(here, trainers=[])
    send(here)
    assert send(here, "--class", "25172-05")["exit_code"] == 3  # an empty list that is not believed
    assert aside(here) == PERSON_NEEDED


def test_the_warning_goes_when_the_class_is_over(here: World) -> None:
    ready(here)
    set_course(here, trainers=[])
    go(here, sender=Scripted())
    assert aside(here) == PERSON_NEEDED
    go(here, at="2027-03-03T07:00:00+01:00", sender=Scripted())
    assert aside(here) == PERSON_NEEDED
    go(here, at="2027-03-04T07:00:00+01:00", sender=Scripted())
    assert aside(here) == []


@pytest.mark.parametrize(
    "typed", ["", "  ", "ida(at)example.org", "ida@localhost", "ïda@example.org", "a@b.org, c@d.org"]
)
def test_what_an_editor_typed_wrongly_is_no_address(here: World, typed: str) -> None:
    ready(here)
    set_course(here, trainers=[])
    enter(here, typed)
    report = send(here)
    assert report["exit_code"] == 3
    assert "wordpress: 1 named, none with a usable address" in report["failed"][0]["reason"]
    assert typed.strip() == "" or typed not in str(report)


def test_an_address_with_blanks_around_it_is_one(here: World) -> None:
    ready(here)
    set_course(here, trainers=[])
    enter(here, f" {IDA} ")
    send(here)
    assert recipients(here) == [IDA]


def test_a_trainer_in_the_trash_is_nobodys_trainer_and_a_private_one_is(here: World) -> None:
    ready(here)
    set_course(here, trainers=[])
    [gone] = enter(here, IDA)
    here.wordpress.seed({"delete": gone})
    assert send(here)["exit_code"] == 3
    enter(here, BO, status="private")
    assert send(here)["exit_code"] == 0
    assert recipients(here) == [BO]


def test_a_course_whose_post_we_do_not_remember_is_found_by_its_slug(here: World) -> None:
    ready(here)
    set_course(here, trainers=[])
    enter(here, IDA)
    with here.store() as db:
        db.write("DELETE FROM posts")
    send(here)
    assert recipients(here) == [IDA]


def test_a_post_that_belongs_to_another_course_by_now_is_not_believed(here: World) -> None:
    ready(here)
    set_course(here, trainers=[])
    enter(here, IDA, class_id="25172-05")
    enter(here, BO)
    with here.store() as db:
        db.write("UPDATE posts SET post_id = ? WHERE key = ?", (here.posts()["25172-05"]["id"], CLASS))
    send(here)
    assert recipients(here) == [BO]


def test_a_course_without_a_post_has_no_editors_trainers(here: World) -> None:
    ready(here)
    set_course(here, trainers=[])
    here.wordpress.seed({"delete": {"post": here.posts()[CLASS]["id"], "force": True}})
    assert send(here)["exit_code"] == 3
    assert aside(here) == PERSON_NEEDED


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ({"meta_off": {"trainer": ["ed_email"]}}, "does not have trainer.meta.ed_email"),
        ({"meta_off": {"course_date": ["ed_trainers"]}}, "does not have course_date.meta.ed_trainers"),
        ({"types_off": ["trainer"]}, "has no post type trainer"),
        ({"passwords": {"sync": "another one"}}, "does not know us"),
    ],
)
def test_a_site_that_is_not_as_needed_is_said_and_others_go_on(here: World, seed: dict[str, Any], said: str) -> None:
    ready(here)
    enter(here, IDA)
    set_course(here, trainers=[])
    here.wordpress.seed(seed)
    report = send(here)
    assert report["exit_code"] == 3
    assert said in report["failed"][0]["reason"]
    assert aside(here) == []
    prefer(here, "wordpress", "maconomy")
    set_course_trainers_only(here)
    report = send(here)
    assert report["exit_code"] == 0
    assert said in report["remarks"][0]
    assert sorted(recipients(here)) == [ASE, JORGEN]


def set_course_trainers_only(here: World) -> None:
    """Maconomy's own trainers again; the site need not work for that."""
    here.maconomy.seed({"restore": True})
    here.configure(wordpress=False, mailgun=True)
    assert here.run("import-courses").code == 0
    here.configure(mailgun=True)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "status": 503}, 75),
        ({"kind": "status", "status": 429}, 75),
        ({"kind": "reset", "when": "before"}, 75),
        ({"kind": "cut", "framing": "length"}, 75),
        ({"kind": "status", "status": 403}, 3),
        ({"kind": "body", "what": "login"}, 3),
        ({"kind": "body", "what": "null"}, 3),
        ({"kind": "body", "what": "object"}, 3),
        ({"kind": "redirect", "location": "http://127.0.0.2/elsewhere"}, 3),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_a_site_that_fails_takes_no_warning_away_and_makes_none(here: World, fault: dict[str, Any], code: int) -> None:
    ready(here)
    set_course(here, trainers=[])
    send(here)
    assert aside(here) == PERSON_NEEDED
    enter(here, IDA)
    here.servers[1].faults.add({"match": SITE, "fault": fault})
    report = send(here)
    assert report["exit_code"] == code
    assert [one["item"] for one in report["waiting" if code == 75 else "failed"]] == [f"class {CLASS}"]
    assert aside(here) == PERSON_NEEDED
    assert here.mails() == []
    here.servers[1].faults.clear()
    assert send(here)["exit_code"] == 0
    assert (recipients(here), aside(here)) == ([IDA], [])


def test_without_wordpress_maconomys_trainers_are_all_there_is(here: World) -> None:
    ready(here)
    set_course(here, trainers=[])
    here.configure(wordpress=False, mailgun=True)
    assert send(here)["exit_code"] == 3
    assert aside(here) == PERSON_NEEDED


def test_the_site_is_not_asked_when_maconomy_has_every_address(here: World) -> None:
    ready(here)
    here.servers[1].faults.add({"match": {"path": "/wp-json/.*"}, "fault": {"kind": "status", "status": 500}})
    assert send(here)["exit_code"] == 0
    assert len(here.mails()) == 2


def test_a_trainer_who_was_replaced_does_not_get_what_still_waits(here: World) -> None:
    ready(here)
    here.configure()
    send(here)
    set_course(here, trainers=[trainer(IDA)])
    here.configure(mailgun=True)
    send(here)
    assert recipients(here) == [IDA]
    reasons = here.rows("SELECT state, body, reason FROM outbox WHERE effect LIKE 'mailgun%' AND state <> 'completed'")
    assert reasons == [("failed", None, "this trainer is not its trainer any more")] * 2
    assert here.run("status", "--json").json["set_aside"] == {}


def test_who_is_no_trainer_any_more_gets_nothing_also_when_nobody_else_is(here: World) -> None:
    ready(here)
    here.configure()
    send(here)
    set_course(here, trainers=[])
    here.configure(mailgun=True)
    assert send(here)["exit_code"] == 3
    assert recipients(here) == []


def test_who_is_no_trainer_any_more_gets_nothing_also_when_the_list_cannot_be_read(here: World) -> None:
    ready(here)
    here.configure()
    send(here)
    set_course(here, trainers=[trainer(IDA)])
    here.configure(mailgun=True)
    here.servers[0].faults.add({"match": LIST, "fault": {"kind": "status", "status": 503}})
    assert send(here)["exit_code"] == 75
    assert recipients(here) == []


def test_a_trainer_who_comes_back_gets_the_list_after_all(here: World) -> None:
    ready(here)
    here.configure()
    send(here)
    set_course(here, trainers=[trainer(IDA)])
    send(here)
    here.maconomy.seed({"restore": True})
    assert here.run("import-courses").code == 0
    here.configure(mailgun=True)
    send(here)
    pass_time(here)
    send(here)
    assert sorted(recipients(here)) == [ASE, JORGEN]


def test_a_new_trainer_gets_the_list_that_the_other_one_has(here: World) -> None:
    ready(here)
    set_course(here, trainers=[trainer(IDA)])
    send(here)
    set_course(here, trainers=[trainer(IDA), trainer(BO, "Bo Krag")])
    send(here)
    assert recipients(here) == [IDA, BO]


def test_the_editors_trainers_are_read_once_for_all_classes(here: World) -> None:
    ready(here)
    set_people(here, {"lastName": "Holm"})
    enter(here, IDA)
    prefer(here, "wordpress")
    send(here)
    asked = [one["path"] for one in here.wordpress.entries()]
    assert asked == ["/wp-json/wp/v2/users/me", "/wp-json/wp/v2/course_date", "/wp-json/wp/v2/trainer"]


def test_a_recording_holds_no_person_and_replays(here: World) -> None:
    ready(here)
    set_course(here, trainers=[])
    enter(here, IDA)
    tape = here.home / "run.yaml"
    assert send(here, "--record", str(tape))["counts"]["mailgun.participant-list.sent"] == 1
    text = tape.read_text(encoding="utf-8")
    for word in ("ida.lind", "Træner 0", "Nørgård", "soeren", "Blåbær"):
        assert word not in text
    assert send(here, "--replay", str(tape))["counts"]["mailgun.participant-list.sent"] == 1
    assert len(here.mails()) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('email = "title"', "[trainer] email: expected meta.KEY or acf.NAME"),
        ('of_course = "ed_trainers"', "[trainer] of_course: expected meta.KEY or acf.NAME"),
        ('post_type = "Trainer!"', "[trainer] post_type: expected a name like trainer"),
        ('mail = "meta.ed_email"', "expected post_type, email, of_course"),
        ("email = 7", "expected post_type, email, of_course"),
    ],
)
def test_wrong_names_for_the_trainers_are_configuration_errors(here: World, line: str, said: str) -> None:
    ready(here)
    mapping = here.home / "config" / "wordpress.toml"
    head = mapping.read_text(encoding="utf-8").partition("[trainer]")[0]
    mapping.write_text(f"{head}[trainer]\n{line}\n", encoding="utf-8")
    result = here.run("send-participants", *THE_DAY_BEFORE)
    assert result.code == 78
    assert "config/wordpress.toml" in result.err
    assert said in result.err


def test_a_mapping_of_before_has_the_plugins_names(here: World) -> None:
    ready(here)
    set_course(here, trainers=[])
    enter(here, IDA)
    mapping = here.home / "config" / "wordpress.toml"
    mapping.write_text(mapping.read_text(encoding="utf-8").partition("[trainer]")[0], encoding="utf-8")
    assert send(here)["exit_code"] == 0
    assert recipients(here) == [IDA]
