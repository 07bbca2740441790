"""What Trainingportal allows to stay in a recording, by the contract's examples and by what stretches them."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from integrator.recording.madeup import MadeUp
from integrator.recording.scrub import Exchange, Scrubber, System
from integrator.systems.trainingportal import Options
from integrator.systems.trainingportal.recordable import recordable
from portal_options import assumed

SAMPLES = Path(__file__).parents[1] / "samples" / "trainingportal"
BASE = "https://www.firm.example/mintra/api/courseprovider/rest/"
CLASSES = "v1/courses/get/GSK-4D/courseClasses"
FORM = {"content-type": ["application/x-www-form-urlencoded"]}
LOGIN = {"username": "provider-user", "password": "hemmelig"}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def kept(
    path: str, answer: Any, *, form: dict[str, str] | None = None, options: Options | None = None, **more: Any
) -> Exchange:
    """One call as it stands in a recording."""
    exchange = Exchange(
        "POST",
        BASE + path,
        sent_headers=FORM,
        sent=urlencode(form or LOGIN).encode(),
        status=200,
        headers={"content-type": ["application/json"]},
        body=answer if isinstance(answer, bytes) else json.dumps(answer).encode(),
    )
    system = System("trainingportal", BASE, recordable(options or assumed()))
    [found] = Scrubber([system], more.get("made_up") or MadeUp()).scrubbed([exchange])
    return found


def sent(found: Exchange) -> dict[str, str]:
    return dict(parse_qsl(found.sent.decode(), keep_blank_values=True))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("v1/courses/get", "courses-list-success.assumed.json"),
        (f"{CLASSES}/get", "course-classes-list-success.assumed.json"),
        (f"{CLASSES}/add", "class-add-success.json"),
        (f"{CLASSES}/add", "class-add-error.assumed.json"),
        (f"{CLASSES}/update", "class-update-success.json"),
        (f"{CLASSES}/update", "class-update-nasty.json"),
        (f"{CLASSES}/restore/NK-2027-0312", "class-restore-already-published.assumed.json"),
        (f"{CLASSES}/cancel/NK-2027-0312", "class-cancel-success.assumed.json"),
        ("v1/booking/update/4f0c2a7d_91be", "booking-update-success.json"),
        ("v1/booking/update/4f0c2a7d_91be", "booking-update-error.json"),
        ("v1/booking/get/4f0c2a7d_91be", "booking-get-not-found.assumed.json"),
        ("v1/booking/get/4f0c2a7d_91be", "auth-error.assumed.json"),
    ],
)
def test_what_is_about_nobody_stays_as_it_came(path: str, name: str) -> None:
    assert json.loads(kept(path, sample(name)).body) == sample(name)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{CLASSES}/add", "request-class-add.form.json"),
        (f"{CLASSES}/update", "request-class-update-deadline.form.json"),
        (f"{CLASSES}/update", "request-class-update-seats.form.json"),
        ("v1/booking/update/4f0c2a7d_91be", "request-booking-update-completed.form.json"),
    ],
)
def test_of_a_request_nothing_of_the_credentials_is_left(path: str, name: str) -> None:
    form = sample(name)
    found = sent(kept(path, {}, form=form))
    assert found == form | {"username": "user1", "password": ""}


@pytest.mark.parametrize("name", ["booking-get-success.json", "booking-get-nasty.json"])
def test_of_a_booking_its_class_and_its_state_stay(name: str) -> None:
    theirs = sample(name)
    found = json.loads(kept(f"v1/booking/get/{theirs['bookingReference']}", theirs).body)
    stays = {"externalCourseClassId", "enrollmentStatus"}
    said = {key for key, value in theirs.items() if value and not isinstance(value, dict)}
    assert {key for key in said if found[key] == theirs[key]} == stays
    assert {key for key in theirs["enroller"] if theirs["enroller"][key] == found["enroller"][key] != ""} <= {
        "lastName"
    }
    assert list(found) == list(theirs)


def test_a_reference_is_the_same_in_the_address_in_the_answer_and_in_a_text() -> None:
    reference, said = "TP-MFRGGZDFMZTWQ2LKNNWG23TPOA", "Booking TP-MFRGGZDFMZTWQ2LKNNWG23TPOA is in another class"
    made_up = MadeUp()
    found = kept(f"v1/booking/get/{reference}", {"bookingReference": reference}, made_up=made_up)
    made = json.loads(found.body)["bookingReference"]
    assert found.url == f"https://trainingportal.example.org/v1/booking/get/{made}"
    told = kept(f"{CLASSES}/add", {"sucessful": False, "location": said}, made_up=made_up)
    assert json.loads(told.body)["location"] == f"Booking {made} is in another class"


def test_of_what_is_said_only_an_interfaces_words_stay() -> None:
    said = "address.city: Kari Lund (student 4790000001) has 2 bookings; sent with HTTP 409"
    for path in (f"{CLASSES}/update", "v1/booking/update/4f0c2a7d_91be"):
        found = json.loads(kept(path, {"sucessful": "false", "errorMesssage": said}).body)["errorMesssage"]
        assert re.fullmatch(r"address.city: \w+ \w+ \(\w+ \d{4}\) has 2 bookings; sent with HTTP 409", found), found
        assert not re.search("Kari|Lund|90000001", found)


def test_a_word_of_an_interface_that_is_somebodys_name_does_not_stay() -> None:
    made_up = MadeUp()
    made_up.learn_name("Åse Price")
    said = {"sucessful": "false", "errorMessage": "price: not allowed"}
    found = json.loads(kept("v1/booking/update/4f0c2a7d_91be", said, made_up=made_up).body)["errorMessage"]
    assert found == "baba: not allowed"


def test_made_up_references_are_in_the_order_of_the_real_ones() -> None:
    made_up = MadeUp()
    for letter in "QABZ":
        made_up.learn_reference(f"TP-{letter * 26}")
    made = [made_up.reference(f"TP-{letter * 26}") for letter in "ZQBA"]
    assert made == sorted(made, reverse=True)
    assert made_up.reference("TP-late") not in made


def test_ids_with_letters_and_slashes_stay_in_addresses_and_answers() -> None:
    found = kept("v1/courses/get/HLR-%C3%961/courseClasses/cancel/VA%2F2027-44%20%C3%85lesund", {"sucessful": True})
    assert found.url.endswith("/v1/courses/get/HLR-%C3%961/courseClasses/cancel/VA%2F2027-44%20%C3%85lesund")
    assert json.loads(found.body) == {"sucessful": True}


def test_configured_paths_are_known_by_their_ids() -> None:
    options = assumed(get_classes="v2/{course}.list", upload="v2/files/{booking}/new", cancel_style="form")
    assert kept(
        "v2/GSK-4D.list", {"courseClasses": [{"externalId": "NK-1", "seller": "Åse"}]}, options=options
    ).body == (b'{"courseClasses": [{"externalId": "NK-1", "seller": "baba"}]}')
    assert "4f0c2a7d" not in kept("v2/files/4f0c2a7d_91be/new", {}, options=options).url
    form = LOGIN | {"externalId": "NK-2027-0312"}
    assert sent(kept(f"{CLASSES}/cancel", {}, form=form, options=options))["externalId"] == "NK-2027-0312"


def test_a_path_that_nobody_knows_and_a_field_that_nobody_maps_are_replaced() -> None:
    found = kept("v1/students/4711/Lund", {"externalId": "Lund", "name": "Åse"}, form=LOGIN | {"note": "Lund"})
    assert not re.search("Lund|Åse|4711|hemmelig", f"{found.url} {found.sent!r} {found.body.decode()}")


def test_a_list_under_another_name_or_none_and_a_comma_too_many_stay() -> None:
    one = {"externalId": "NK-1", "location": "Bergen"}
    assert json.loads(kept(f"{CLASSES}/get", {"data": [one]}).body) == {"data": [one]}
    assert json.loads(kept(f"{CLASSES}/get", [one, one]).body) == [one, one]
    assert kept(f"{CLASSES}/get", b'{"courseClasses": [{"externalId": "a,}",},],}').body == (
        b'{"courseClasses": [{"externalId": "baba"}],}'
    )


def test_of_a_document_its_size_stays() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nprovider-user\r\n'
        b'--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nhemmelig\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="certificate-Lund.pdf"\r\n'
        b"Content-Type: application/pdf\r\n\r\n%PDF-1.7 Lund\r\n--x--\r\n"
    )
    exchange = Exchange(
        "POST",
        f"{BASE}v1/booking/uploadDocumentation/4f0c2a7d_91be",
        sent_headers={"content-type": ["multipart/form-data; boundary=x"]},
        sent=body,
    )
    [found] = Scrubber([System("trainingportal", BASE, recordable(assumed()))], MadeUp()).scrubbed([exchange])
    text = found.sent.decode()
    assert "(13 bytes, left out)" in text
    assert not re.search("Lund|hemmelig|provider-user|4f0c2a7d", text + found.url)
    assert re.search(r'name="password"\n\n\n', text)
