"""The two mappings that are shipped: other names and other shapes, the same records in our words."""

import json

import pytest
from mapping_samples import NATIVE, SAMPLES, SHIPPED, endpoint, sample

STYLES = [(SHIPPED, "assumed"), (NATIVE, "native-style")]


@pytest.mark.parametrize(("path", "style"), STYLES)
@pytest.mark.parametrize("name", ["maincourse", "course"])
def test_both_styles_give_exactly_the_same_records(path, style, name):
    reader = endpoint(name, path).compile()
    read = [reader.read(raw) for raw in reader.items(sample(f"{style}/{name}.json"))]
    expected = json.loads(sample(f"canonical/{name}.json"))
    assert [mapped.record for mapped in read] == expected
    assert [mapped.key for mapped in read] == [record["id"] for record in expected]
    assert [mapped.notes for mapped in read] == [[]] * len(expected)
    assert reader.missing_everywhere() == {}


@pytest.mark.parametrize("name", ["course-25172-04.json", "course-25172-05-sold-out.json"])
def test_the_answer_about_one_course_gives_the_record_of_the_list(name):
    reader = endpoint("course").compile()
    mapped = reader.read(reader.one(sample(f"assumed/{name}")))
    expected = {record["id"]: record for record in json.loads(sample("canonical/course.json"))}
    assert mapped.record == expected[mapped.key]


def test_all_fields_are_there_in_the_order_of_the_mapping():
    reader = endpoint("course").compile()
    record = reader.read(reader.one(sample("assumed/course-25172-04.json"))).record
    assert list(record)[:7] == ["id", "main_id", "title", "language", "days", "start", "end"]
    assert list(record["venue"]) == ["name", "address", "zip", "city", "country"]


def test_participants_are_read_and_their_extra_fields_left_behind():
    reader = endpoint("participant").compile()
    people = [reader.read(raw).record for raw in reader.items(sample("assumed/participant-25172-04.json"))]
    assert [person["status"] for person in people] == ["registered", "registered", "withdrawn", "waitlist"]
    assert people[2]["external_reference"] is None
    assert "comment" not in people[0]
    assert "Vegetar" not in json.dumps(people)
    assert reader.items(sample("assumed/participant-none.json")) == []


def test_the_outgoing_call_is_data_for_who_sends_it():
    registration = endpoint("webparticipant")
    send = {spec.name: (spec.value, spec.format) for spec in registration.send}
    sent = json.loads(sample("assumed/webparticipant.json"))["request"]["json"]
    flat = {
        name if not isinstance(value, dict) else f"{name}.{part}"
        for name, value in sent.items()
        for part in (value if isinstance(value, dict) else [""])
    }
    assert set(send) == flat
    assert send["price"] == ("order.price_minor", "money")
    assert send["externalReference"] == ("participant.reference", "plain")
    assert registration.errors["LOCKED"] == "retry"
    assert (registration.method, registration.per) == ("POST", "participant")


def test_the_answer_of_the_outgoing_call_is_read_like_any_record():
    responses = json.loads(sample("assumed/webparticipant.json"))["responses"]
    reader = endpoint("webparticipant").compile()
    created = reader.one(json.dumps(responses[0]["json"]).encode())
    assert reader.read(created).record == {
        "id": "100231",
        "course_id": "25172-04",
        "external_reference": "ILI-4711-1",
    }


def test_limits_come_from_the_file_or_are_the_usual_ones():
    course, participants = endpoint("course"), endpoint("participant")
    assert (course.min_items, course.max_drop_percent) == (1, 20)
    assert (participants.min_items, participants.path) == (0, "/api/participant/{course_id}")
    assert endpoint("course", NATIVE).min_items == 1


def test_the_samples_name_nobody_who_could_exist():
    for path in SAMPLES.rglob("*.json"):
        for word in path.read_text(encoding="utf-8").replace('"', " ").split():
            if "@" in word:
                assert word.casefold().rstrip(",").endswith("example.org"), path
