"""`booking` at a shell: each bad request has a message of its own, and none leaves anything half done."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from desks import form
from world import Result, World, world

CLASS = "25172-04"
TABLES = ("orders", "participants", "outbox", "counters", "mails")
Complete = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    """A home with the sample catalogue in Maconomy, and Mailgun."""
    with world(tmp_path / "home") as made:
        made.configure(mailgun=True)
        yield made


@pytest.fixture
def complete(here: World, tmp_path: Path) -> Complete:
    """complete(data) → order 10001 is completed with this form, out of a file."""

    def call(data: Any, *options: str, order: str = "10001") -> Result:
        file = tmp_path / "form.json"
        raw = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()
        file.write_bytes(raw)
        return here.run("booking", "complete", order, "--file", str(file), *options)

    return call


def books(here: World) -> list[list[tuple[Any, ...]]]:
    return [here.rows(f"SELECT * FROM {table}") for table in TABLES]


def reserve(here: World, *, seats: int = 1, key: str = "k") -> int:
    result = here.run("booking", "reserve", CLASS, "--seats", str(seats), "--key", key, "--json")
    assert result.code == 0, result
    return int(result.json["order"])


def filled(seats: int = 1, **changes: Any) -> dict[str, Any]:
    """A form that is right but for the changes: filled(participants__0__email="x"); a value of ... is left out."""
    data = deepcopy(form(seats, at=datetime.now(UTC).isoformat()))
    for path, value in changes.items():
        *steps, last = (int(step) if step.isdigit() else step for step in path.split("__"))
        at: Any = data
        for step in steps:
            at = at[step]
        if value is ...:
            del at[last]
        else:
            at[last] = value
    return data


# reserving --------------------------------------------------------------------------------------------


def test_a_reservation_as_json_is_what_a_website_needs(here: World) -> None:
    result = here.run("booking", "reserve", CLASS, "--seats", "2", "--key", "k", "--json")
    assert result.code == 0
    found = result.json
    assert list(found) == ["order", "class_id", "seats", "expires_at"]
    assert (found["order"], found["class_id"], found["seats"]) == (10001, CLASS, 2)
    left = datetime.fromisoformat(found["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=25) < left <= timedelta(minutes=30)
    assert here.run("booking", "reserve", CLASS, "--seats", "2", "--key", "k", "--json").out == result.out


def test_a_refusal_for_lack_of_room_is_an_answer_and_not_a_failure(here: World) -> None:
    here.maconomy.seed({"set": {CLASS: {"freeSeats": 1}}})
    result = here.run("booking", "reserve", CLASS, "--seats", "2", "--key", "k", "--json")
    assert (result.code, result.json, result.err) == (1, {"refused": "full"}, "")
    told = here.run("booking", "reserve", CLASS, "--seats", "2", "--key", "k")
    assert (told.code, told.out) == (1, "")
    assert "has not enough free seats for 2; nothing was reserved" in told.err
    reserve(here)
    more = here.run("booking", "seats", "10001", "2", "--json")
    assert (more.code, more.json) == (1, {"refused": "full"})


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["99999-01", "--key", "k"], 4, "there is no such class"),
        (["../course", "--key", "k"], 4, "is no number of a class"),
        (["", "--key", "k"], 4, "is no number of a class"),
        ([CLASS, "--key", "k", "--seats", "0"], 2, "expected 1 to 40, got 0"),
        ([CLASS, "--key", "k", "--seats", "41"], 2, "expected 1 to 40, got 41"),
        ([CLASS, "--key", "k", "--seats", "-1"], 2, "expected 1 to 40, got -1"),
        ([CLASS, "--key", "k", "--seats", "two"], 2, "--seats"),
        ([CLASS, "--key", ""], 2, "a key has 1 to 200"),
        ([CLASS, "--key", "x" * 201], 2, "a key has 1 to 200"),
        ([CLASS, "--key", "a\nb"], 2, "a key has 1 to 200"),
        ([CLASS], 2, "--key"),
    ],
)
def test_a_reservation_that_cannot_be_made_holds_nothing(
    here: World, arguments: list[str], code: int, said: str
) -> None:
    reserve(here, key="another")
    before = books(here)
    result = here.run("booking", "reserve", *arguments)
    assert (result.code, said in result.err, result.out) == (code, True, ""), result
    assert books(here) == before


@pytest.mark.parametrize(("status", "said"), [("Aflyst", "is cancelled"), ("Afholdt", "has been held")])
def test_a_class_that_is_not_sold_says_why(here: World, status: str, said: str) -> None:
    here.maconomy.seed({"set": {CLASS: {"status": status}}})
    result = here.run("booking", "reserve", CLASS, "--key", "k")
    assert (result.code, said in result.err) == (2, True)
    asked = here.run("booking", "reserve", CLASS, "--key", "k", "--json")
    assert asked.json["refused"] == {"Aflyst": "cancelled", "Afholdt": "held"}[status]
    assert here.rows("SELECT count(*) FROM orders") == [(0,)]


def test_a_key_of_another_request_is_refused(here: World) -> None:
    reserve(here)
    before = books(here)
    result = here.run("booking", "reserve", CLASS, "--seats", "2", "--key", "k")
    assert (result.code, "another request needs another key" in result.err) == (2, True)
    assert books(here) == before


# the number of seats ------------------------------------------------------------------------------------


def test_seats_cannot_be_changed_after_completion(here: World, complete: Complete) -> None:
    reserve(here)
    assert complete(filled()).code == 0
    before = books(here)
    result = here.run("booking", "seats", "10001", "2")
    assert (result.code, "its seats cannot be changed any more" in result.err) == (2, True)
    assert books(here) == before


@pytest.mark.parametrize("seats", ["0", "41", "x"])
def test_seats_are_one_to_forty(here: World, seats: str) -> None:
    reserve(here)
    before = books(here)
    result = here.run("booking", "seats", "10001", seats)
    assert (result.code, result.out, books(here)) == (2, "", before)


@pytest.mark.parametrize("command", [["seats", "{}", "2"], ["cancel", "{}"], ["show", "{}"]])
@pytest.mark.parametrize("order", ["10002", "0", "99999999999999999999"])
def test_an_order_that_nobody_knows_is_not_found(here: World, command: list[str], order: str) -> None:
    reserve(here)
    before = books(here)
    result = here.run("booking", *(word.format(order) for word in command))
    assert (result.code, f"there is no order {order}" in result.err) == (4, True)
    assert books(here) == before


# completing -----------------------------------------------------------------------------------------------


def test_completing_twice_gives_the_same_answer_and_another_form_changes_nothing(
    here: World, complete: Complete
) -> None:
    reserve(here)
    data = filled()
    first = complete(data, "--json")
    assert (first.code, first.json["state"]) == (0, "complete")
    before = books(here)
    assert complete(data, "--json") == first
    other = complete(filled(participants__0__last_name="Andersen"))
    assert (other.code, "with another form; nothing was changed" in other.err) == (2, True)
    assert books(here) == before
    assert here.run("sync-orders").code == 0
    assert here.registrations() == ["ILI-10001-1"]
    assert complete(data).code == 0, "also when it has been registered"


def test_a_reservation_that_has_run_out_cannot_be_completed(here: World, complete: Complete) -> None:
    reserve(here)
    with here.store() as db:
        db.write("UPDATE orders SET reserved_at = reserved_at - 3600, expires_at = expires_at - 3600")
    before = books(here)
    result = complete(filled())
    assert (result.code, "its reservation has run out" in result.err) == (2, True)
    assert complete(filled(), "--json").json["refused"] == "expired"
    assert books(here) == before


def test_an_order_that_nobody_knows_cannot_be_completed(here: World, complete: Complete) -> None:
    result = complete(filled(), order="10001")
    assert (result.code, "there is no order 10001" in result.err) == (4, True)


@pytest.mark.parametrize(
    ("data", "field", "code"),
    [
        (filled(customer=...), "customer.name", "missing"),
        (filled(customer__email=...), "customer.email", "missing"),
        (filled(participants=...), "participants", "missing"),
        (filled(participants__0__first_name=""), "participants[0].first_name", "missing"),
        (filled(accepted_terms_at=...), "accepted_terms_at", "missing"),
        (filled(participants__0__last_name="ø" * 500), "participants[0].last_name", "too_long"),
        (filled(customer__name="x" * 500), "customer.name", "too_long"),
        (filled(customer__name="Gitte\r\nBcc: x@example.org"), "customer.name", "control_characters"),
        (filled(participants__0__first_name="Åse\r\nX: 1"), "participants[0].first_name", "control_characters"),
        (filled(participants__0__email="a@b@example.org"), "participants[0].email", "bad_email"),
        (filled(customer__email="gitte.example.org"), "customer.email", "bad_email"),
        (filled(participants__0__email=["a@example.org"]), "participants[0].email", "not_text"),
        (filled(participants__0__seats=2), "participants[0].seats", "unknown_field"),
        (filled(company__cvr="123"), "company.cvr", "bad_cvr"),
        (filled(seats=2), "participants", "wrong_number"),
        ([], "form", "not_object"),
        (None, "form", "not_object"),
        ("x", "form", "not_object"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_by_field_and_nothing_is_kept(
    here: World, complete: Complete, data: Any, field: str, code: str
) -> None:
    reserve(here)
    before = books(here)
    result = complete(data, "--json")
    assert result.code == 2
    assert (field, code) in [(problem["field"], problem["code"]) for problem in result.json["problems"]]
    told = complete(data)
    assert (told.code, f"{field}: " in told.err, told.out) == (2, True, "")
    assert "gitte" not in told.err.lower(), "what was typed is not repeated"
    assert books(here) == before


def test_a_participant_twice_is_one_person(here: World, complete: Complete) -> None:
    reserve(here, seats=2)
    before = books(here)
    data = filled(2)
    data["participants"][1] = data["participants"][0]
    result = complete(data, "--json")
    assert result.code == 2
    assert [(problem["field"], problem["code"]) for problem in result.json["problems"]] == [
        ("participants[1]", "duplicate")
    ]
    assert books(here) == before


def test_everything_wrong_is_told_at_once(here: World, complete: Complete) -> None:
    reserve(here)
    result = complete(filled(customer__email="x", participants__0__email="a@b@c", accepted_terms_at="yesterday"))
    assert result.code == 2
    assert "the form has 3 problems" in result.err


def test_a_name_of_danish_letters_arrives_as_it_was_typed(here: World, complete: Complete) -> None:
    reserve(here)
    person = {"first_name": "Åse", "last_name": "Østergård", "email": "aase@example.org"}
    data = filled(participants=[person], customer__name="Østergård, Åse", customer__email="oe@example.org")
    assert complete(data).code == 0
    assert here.run("sync-orders").code == 0
    to = {mail["to"][0]: mail["headers"]["To"] for mail in here.mailgun.state()["mails"]}
    assert to == {
        "aase@example.org": "Åse Østergård <aase@example.org>",
        "oe@example.org": '"Østergård, Åse" <oe@example.org>',
    }
    [found] = [one for one in here.maconomy.state()["participants"][CLASS] if one["email"] == "aase@example.org"]
    assert (found["firstName"], found["lastName"]) == ("Åse", "Østergård")


# where a form comes from -----------------------------------------------------------------------------------


def test_a_form_comes_from_standard_input(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve(here)
    raw = json.dumps(filled(), ensure_ascii=False).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    result = here.run("booking", "complete", "10001", "--file", "-", "--json")
    assert (result.code, result.json["state"]) == (0, "complete")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is not JSON: line 1, column 1"),
        (b"{", "is not JSON: line 1, column 2"),
        (b"\xff\xfe{}", "is not UTF-8: line 1"),
        (b'{"customer": 1, "customer": 2}', 'the key "customer" stands twice'),
        (b'{"customer": NaN}', "NaN is no number"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"customer": "' + b"x" * 300_000 + b'"}', "larger than 256 kB"),
    ],
    ids=["empty", "cut", "not-utf8", "key-twice", "nan", "deep", "300-kB"],
)
def test_what_is_no_form_is_refused(
    here: World, complete: Complete, monkeypatch: pytest.MonkeyPatch, raw: bytes, said: str
) -> None:
    reserve(here)
    before = books(here)
    result = complete(raw)
    assert (result.code, said in result.err, result.out) == (2, True, ""), result
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    assert here.run("booking", "complete", "10001", "--file", "-").code == 2
    assert books(here) == before


def test_a_file_that_is_not_there_or_is_none_is_said(here: World, tmp_path: Path) -> None:
    reserve(here)
    before = books(here)
    for file, said in ((tmp_path / "missing.json", "No such file"), (tmp_path, "Is a directory")):
        result = here.run("booking", "complete", "10001", "--file", str(file))
        assert (result.code, said in result.err) == (2, True)
    assert here.run("booking", "complete", "10001").code == 2
    assert books(here) == before


# the shapes that scripts rely on ----------------------------------------------------------------------------


def test_an_order_as_json_says_how_each_participant_stands_and_names_nobody(here: World, complete: Complete) -> None:
    reserve(here, seats=2)
    here.maconomy.seed({"refuse": {"p2.a@example.org": "VALIDATION"}})
    complete(filled(2))
    here.run("sync-orders")
    result = here.run("booking", "show", "10001", "--json")
    assert set(result.json) == {
        *("order", "class_id", "seats", "state", "expires_at", "completed_at", "participants"),
    }
    assert [set(person) for person in result.json["participants"]] == [
        {"number", "reference", "state", "reason", "participant_id"}
    ] * 2
    assert [person["state"] for person in result.json["participants"]] == ["registered", "refused"]
    for typed in ("Nørgård", "N\\u00f8rg", "example.org", "Projektleder"):
        assert typed not in result.out + here.run("booking", "show", "10001").out


def test_the_outbox_as_json_says_what_waits_and_why(here: World, complete: Complete) -> None:
    reserve(here)
    complete(filled())
    here.maconomy.seed({"locked": True})
    assert here.run("sync-orders").code == 75
    [row] = here.run("outbox", "list", "--json").json
    assert {"key", "effect", "state", "attempts", "reason"} <= set(row)
    assert (row["key"], row["effect"]) == ("ILI-10001-1", "maconomy.registration")
    assert (row["state"], row["attempts"], "LOCKED" in row["reason"]) == ("received", 1, True)


def test_errors_as_json_have_one_shape(here: World) -> None:
    for command in (["reserve", "99999-01", "--key", "k"], ["seats", "7", "1"], ["show", "7"], ["cancel", "7"]):
        result = here.run("booking", *command, "--json")
        assert (result.code, result.json["exit_code"], result.err) == (4, 4, "")
        assert set(result.json) == {"exit_code", "error", "hint", "problems"}
