"""What Maconomy and WordPress allow to stay: as their mappings say."""

import json
from pathlib import Path
from typing import Any

from integrator.home import shipped
from integrator.recording.madeup import MadeUp
from integrator.recording.scrub import Exchange, Scrubber, System
from integrator.systems.maconomy import recordable as maconomy_recordable
from integrator.systems.recordable import Recordable
from integrator.systems.wordpress import recordable as wordpress_recordable

CONFIG = shipped() / "config"
SAMPLES = Path(__file__).parents[1] / "samples"


def through(allows: Recordable, path: str, value: Any, *, sent: Any = None) -> tuple[Any, Any]:
    """(the answer, the request) as they stand in a recording."""
    exchange = Exchange(
        "POST" if sent is not None else "GET",
        f"https://x.firm.example{path}",
        sent=b"" if sent is None else json.dumps(sent).encode(),
        status=200,
        headers={"content-type": ["application/json"]},
        body=json.dumps(value).encode(),
    )
    [kept] = Scrubber([System("x", "https://x.firm.example", allows)], MadeUp()).scrubbed([exchange])
    return json.loads(kept.body), json.loads(kept.sent) if kept.sent else None


def test_a_course_keeps_everything_but_its_trainers_and_what_nobody_maps() -> None:
    course = json.loads((SAMPLES / "maconomy/assumed/course-25172-04.json").read_text(encoding="utf-8"))
    course = course[0] if isinstance(course, list) else course
    allows = maconomy_recordable.recordable(CONFIG / "maconomy.toml")
    kept, _ = through(allows, "/api/course", [course | {"internNote": "ring", "responsible": {"name": "Åse"}}])
    assert {name: value for name, value in kept[0].items() if name in course and name != "trainers"} == {
        name: value for name, value in course.items() if name != "trainers"
    }
    assert all(
        new[name] != old[name] for new, old in zip(kept[0]["trainers"], course["trainers"], strict=True) for name in old
    )
    assert kept[0]["internNote"] != "ring"
    assert kept[0]["responsible"] != {"name": "Åse"}


def test_another_mapping_allows_its_own_names() -> None:
    record = {
        "data": {
            "coursenumber": "1-2",
            "coursename": "Kursus",
            "trainer1name": "Åse Lund",
            "day1city": "Køge",
            "x": "y",
        }
    }
    allows = maconomy_recordable.recordable(CONFIG / "maconomy.native-style.toml")
    kept, _ = through(allows, "/api/course", {"panes": {"filter": {"records": [record]}}})
    data = kept["panes"]["filter"]["records"][0]["data"]
    assert (data["coursenumber"], data["coursename"], data["day1city"]) == ("1-2", "Kursus", "Køge")
    assert "Åse" not in data["trainer1name"]
    assert data["x"] != "y"


def test_of_participants_only_ids_and_states_stay() -> None:
    people = json.loads((SAMPLES / "maconomy/assumed/participant-25172-04.json").read_text(encoding="utf-8"))
    kept, _ = through(maconomy_recordable.recordable(CONFIG / "maconomy.toml"), "/api/participant/25172-04", people)
    for new, old in zip(kept, people, strict=True):
        stays = {"participantId", "courseId", "status", "externalReference"}
        assert {name for name in old if new[name] == old[name] and old[name]} == stays & {n for n in old if old[n]}


def test_one_course_alone_keeps_what_the_list_keeps() -> None:
    course = json.loads((SAMPLES / "maconomy/assumed/course-25172-04.json").read_text(encoding="utf-8"))
    allows = maconomy_recordable.recordable(CONFIG / "maconomy.toml")
    alone, _ = through(allows, "/api/course/25172-04", course)
    [listed], _ = through(allows, "/api/course", [course])
    assert {name: value for name, value in alone.items() if name != "trainers"} == {
        name: value for name, value in course.items() if name != "trainers"
    }
    assert alone["trainers"] == listed["trainers"]
    native = maconomy_recordable.recordable(CONFIG / "maconomy.native-style.toml")
    record = {"panes": {"filter": {"records": [{"data": {"coursenumber": "25172-04", "freeseats": 7, "x": "Åse"}}]}}}
    kept, _ = through(native, "/api/course/25172-04", record)
    data = kept["panes"]["filter"]["records"][0]["data"]
    assert (data["coursenumber"], data["freeseats"]) == ("25172-04", 7)
    assert data["x"] != "Åse"


def test_a_receipt_keeps_its_ids_and_an_error_its_code() -> None:
    allows = maconomy_recordable.recordable(CONFIG / "maconomy.toml")
    receipt = {"participantId": "100300", "courseId": "25172-04", "externalReference": "ILI-10001-1", "who": "Åse Lund"}
    kept, _ = through(allows, "/api/webparticipant", receipt, sent={})
    assert kept | {"who": ""} == receipt | {"who": ""}
    assert kept["who"] != "Åse Lund"
    refused = {"error": "VALIDATION", "field": "email", "message": "Åse Lund har ingen e-mail"}
    kept, _ = through(allows, "/api/webparticipant", refused, sent={})
    assert (kept["error"], kept["field"]) == ("VALIDATION", "email")
    assert "Åse" not in kept["message"]


def test_a_registration_keeps_its_reference_and_nobody() -> None:
    sent = {
        "courseId": "25172-04",
        "externalReference": "ILI-4711-1",
        "firstName": "Åse",
        "lastName": "Lund",
        "email": "aase@firm.example",
        "company": {"name": "Firmaet A/S", "vatNumber": "12345678"},
        "comment": "allergisk",
    }
    allows = maconomy_recordable.recordable(CONFIG / "maconomy.toml")
    _, kept = through(allows, "/api/webparticipant", {"participantId": "1003"}, sent=sent)
    assert (kept["courseId"], kept["externalReference"]) == ("25172-04", "ILI-4711-1")
    whole = json.dumps(kept, ensure_ascii=False)
    assert not any(real in whole for real in ("Åse", "Lund", "firm", "Firmaet", "12345678", "allergisk")), whole
    assert list(kept) == list(sent)


def test_of_a_post_our_fields_stay_and_the_editors_do_not() -> None:
    post = {
        "id": 7,
        "slug": "mc-25172",
        "status": "publish",
        "title": {"raw": "Kursus", "rendered": "Kursus"},
        "meta": {"mac_id": "25172", "mac_title": "Kursus", "ed_teaser": "Ring til Åse", "plugin": "Åse"},
        "author_name": "Åse",
    }
    kept, sent = through(
        wordpress_recordable.recordable(CONFIG / "wordpress.toml"),
        "/wp-json/wp/v2/course/7",
        post,
        sent={"title": "Kursus"},
    )
    assert kept["meta"] | {"ed_teaser": "", "plugin": ""} == {
        "mac_id": "25172", "mac_title": "Kursus", "ed_teaser": "", "plugin": "",
    }  # fmt: skip
    assert (kept["id"], kept["slug"], kept["status"], kept["title"]) == (7, "mc-25172", "publish", post["title"])
    assert "Åse" not in json.dumps(kept, ensure_ascii=False)
    assert sent == {"title": "Kursus"}


def test_who_we_are_on_the_site_is_replaced() -> None:
    me = {"id": 3, "slug": "aase", "name": "Åse Lund", "email": "aase@firm.example", "roles": ["course_sync"]}
    kept, _ = through(wordpress_recordable.recordable(CONFIG / "wordpress.toml"), "/wp-json/wp/v2/users/me", me)
    assert kept["roles"] == ["course_sync"]
    assert kept["slug"] == "user1"
    assert kept["email"].endswith("@example.org")
    assert "Lund" not in kept["name"]


def test_below_an_expression_only_the_names_it_speaks_of_stay(tmp_path: Path) -> None:
    mapping = tmp_path / "maconomy.toml"
    mapping.write_text(
        '[endpoint.course]\npath = "/api/course"\n[endpoint.course.fields]\n'
        'id = { from = "id", type = "id", required = true }\n'
        'title = { from = "names[?lang==\'da\'].text | [0]", type = "text" }\n',
        encoding="utf-8",
    )
    record = {"id": "1", "names": [{"lang": "da", "text": "Kursus", "by": "Åse"}], "text": "Åse"}
    kept, _ = through(maconomy_recordable.recordable(mapping), "/api/course", [record])
    assert kept[0]["names"][0] | {"by": ""} == {"lang": "da", "text": "Kursus", "by": ""}
    assert "Åse" not in json.dumps(kept, ensure_ascii=False)
