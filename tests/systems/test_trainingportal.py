"""Trainingportal's calls: what leaves, byte for byte as in the documentation, and what every kind of answer means.

Tests with "assumed" in their names are on calls and shapes that nobody has seen.
"""

import json
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec
import pytest

from integrator.domain.portal import CLASS, DOCUMENT, STATUS, Address, ClassFacts, PortalClass, status_message
from integrator.effects import Done, Message
from integrator.errors import (
    BadAnswer,
    BadRecord,
    InDoubt,
    IntegratorError,
    ItemError,
    Postponed,
    Refused,
    Rejected,
    Unavailable,
)
from integrator.runtime.patience import Patience
from integrator.secret import Secret
from integrator.systems.http import Http
from integrator.systems.trainingportal import Trainingportal
from portal_options import assumed
from rawserver import CLOSE, HANG, RESET, SIP, UNREAD, WAIT_S, RawServer, answer, drip

SAMPLES = Path(__file__).parents[1] / "samples" / "trainingportal"
USERNAME, PASSWORD = "provider-user", "not-a-real-password"
REFERENCE = "TP-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FACTS = ClassFacts(
    course_id="GSK-4D",
    class_id="NK-2027-0312",
    location="Bergen, Laksevåg",
    seats=12,
    enrollment_deadline="2027-03-01",
    cancellation_deadline="2027-02-22",
    start_date="2027-03-12",
    start_time="08:00",
    end_date="2027-03-15",
    end_time="15:30",
    address=Address("Øvingsveien 4", "Bygg C", "Bergen", "5161", "Norway"),
    currency="NOK",
    price_minor=1_490_000,
)
THERE = PortalClass(**{name: getattr(FACTS, name) for name in FACTS.__struct_fields__})
PDF = b"%PDF-1.7\n" + b"x" * 1000
YES = '{"sucessful": "true", "errorMessage": ""}'
NO = '{"sucessful": "false", "errorMessage": "Not possible"}'


def sample(name, status=200):
    return answer((SAMPLES / f"{name}.json").read_bytes(), status=status, Content_Type="application/json")


def form_sample(name):
    return json.loads((SAMPLES / f"{name}.form.json").read_text(encoding="utf-8"))


def says(text, status=200):
    return [answer(text if isinstance(text, bytes) else text.encode(), status=status)]


def message(effect, key, body):
    return Message(1, effect, key, body, b"", 1, 0, None)


def class_message(facts=FACTS, *, wanted="published"):
    told = None if wanted == "cancelled" else msgspec.to_builtins(facts)
    body = {"class_id": facts.class_id, "course_id": facts.course_id, "wanted": wanted, "facts": told}
    return message(CLASS, facts.class_id, body)


def status(word="COMPLETED", on="2027-03-15", *, version=1, reference=REFERENCE):
    return message(STATUS, reference, status_message(reference, word, on, version))


def document(reference=REFERENCE, name="Kursbevis Åse.pdf"):
    body = {"reference": reference, "name": name, "sha256": "ab" * 32, "kind": "certificate"}
    return message(DOCUMENT, f"{reference}:{'ab' * 8}", body)


class Side:
    """A scripted server, and an adapter that talks to it."""

    def __init__(self, *scripts, timeout_s=5.0, patience=None, references=None, **options):
        self.server = RawServer(*scripts)
        url = f"{self.server.url}/mintra/api/courseprovider/rest"
        http = Http(system="trainingportal", base_url=url, user_agent="t", timeout_s=timeout_s, patience=patience)
        self.portal = Trainingportal(
            http, username=USERNAME, password=Secret(PASSWORD), options=assumed(**options), references=references
        )

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *how):
        self.portal.close()
        self.server.__exit__(*how)

    def bring(self, facts=FACTS, *, wanted="published", there=None, ours=None):
        listed = {} if there is None else {there.class_id: there}
        [result] = self.portal.class_sender(listed, ours or {}).send([class_message(facts, wanted=wanted)])
        return result

    def tell(self, *how, **more):
        [result] = self.portal.status_sender().send([status(*how, **more)])
        return result

    def upload(self, content=PDF, **more):
        [result] = self.portal.document_sender(lambda message: content).send([document(**more)])
        return result

    def paths(self):
        below = "/mintra/api/courseprovider/rest/v1/"
        assert all(one.target.startswith(below) for one in self.server.requests)
        return [one.target.removeprefix(below) for one in self.server.requests]

    def forms(self):
        """What each request carried, without the credentials, which all have."""
        found = []
        for one in self.server.requests:
            form = dict(parse_qsl(one.body.decode(), keep_blank_values=True, strict_parsing=True))
            assert (form.pop("username"), form.pop("password")) == (USERNAME, PASSWORD)
            found.append(form)
        return found


# what leaves --------------------------------------------------------------------------------------------


def test_a_class_is_added_as_the_documentation_shows():
    with Side([sample("class-add-success")]) as side:
        result = side.bring()
        [sent] = side.server.requests
        assert (sent.method, side.paths()) == ("POST", ["courses/get/GSK-4D/courseClasses/add"])
        assert dict(parse_qsl(sent.body.decode())) == form_sample("request-class-add")
    assert result == Done("NK-2027-0312", "added", msgspec.to_builtins(FACTS))


def test_new_seats_are_sent_alone_and_nobody_gets_mail():
    with Side([sample("class-update-success")]) as side:
        result = side.bring(msgspec.structs.replace(FACTS, seats=9), there=THERE)
        assert side.paths() == ["courses/get/GSK-4D/courseClasses/update"]
        assert dict(parse_qsl(side.server.requests[0].body.decode())) == form_sample("request-class-update-seats")
    assert (result.result, result.memory["seats"]) == ("seats", 9)


def test_a_deadline_is_sent_in_both_spellings_and_nobody_gets_mail():
    facts = msgspec.structs.replace(FACTS, enrollment_deadline="2027-03-05")
    with Side([sample("class-update-success")]) as side:
        assert side.bring(facts, there=THERE).result == "updated"
        assert dict(parse_qsl(side.server.requests[0].body.decode())) == form_sample("request-class-update-deadline")


@pytest.mark.parametrize("spelling", ["enrollmentDeadline", "erollmentDeadline"])
def test_a_deadline_is_sent_in_the_one_spelling_of_the_settings(spelling):
    facts = msgspec.structs.replace(FACTS, enrollment_deadline="2027-03-05")
    with Side([sample("class-update-success")], [sample("class-add-success")], deadline=spelling) as side:
        side.bring(facts, there=THERE)
        side.bring(facts)
        changed, added = side.forms()
    assert [name for name in changed if "Deadline" in name] == [spelling]
    assert "erollmentDeadline" not in added  # the slip is in one article only


CHANGES = {
    "location": ({"location": "Oslo"}, {"location": "Oslo"}, "true"),
    "start_date": ({"start_date": "2027-03-13"}, {"startDate": "2027-03-13"}, "true"),
    "start_time": ({"start_time": "09:00"}, {"startTime": "09:00"}, "true"),
    "end": ({"end_date": "2027-03-16", "end_time": "12:00"}, {"endDate": "2027-03-16", "endTime": "12:00"}, "true"),
    "address": (
        {"address": Address("Øvingsveien 4", "", "Bergen", "5161", "Norway")},
        {
            "address.addressLine1": "Øvingsveien 4",
            "address.addressLine2": "",
            "address.city": "Bergen",
            "address.zipCode": "5161",
            "address.country": "Norway",
        },
        "true",
    ),
    "price": ({"price_minor": 1_500_050}, {"price.currency": "NOK", "price.amount": "15000.50"}, "false"),
    "cancellation": ({"cancellation_deadline": "2027-02-20"}, {"cancellationDeadline": "2027-02-20"}, "false"),
    "seats and time": (
        {"seats": 3, "start_time": "10:00"},
        {"availableSeats": "3", "startTime": "10:00"},
        "true",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_only_what_differs_is_sent_and_students_hear_of_what_stands_in_a_calendar(what):
    change, fields, tell = CHANGES[what]
    with Side([sample("class-update-success")]) as side:
        assert side.bring(msgspec.structs.replace(FACTS, **change), there=THERE).result == "updated"
        [form] = side.forms()
    assert form == {"externalId": "NK-2027-0312", **fields, "sendScheduleInfoToParticipants": tell}


def test_what_is_as_wanted_is_not_sent():
    with Side([sample("class-update-success")]) as side:
        assert side.bring(there=THERE) == Done("NK-2027-0312", "unchanged", msgspec.to_builtins(FACTS))
        assert side.server.requests == []


def test_a_time_that_we_do_not_know_is_neither_added_nor_compared():
    facts = msgspec.structs.replace(FACTS, start_time=None, end_time=None)
    with Side([sample("class-add-success")]) as side:
        assert side.bring(facts).result == "added"
        assert side.bring(facts, there=THERE).result == "unchanged"
        [form] = side.forms()
    assert "startTime" not in form
    assert "endTime" not in form


def test_what_they_do_not_say_is_sent():
    silent = msgspec.structs.replace(THERE, address=None, price_minor=None)
    with Side([sample("class-update-success")]) as side:
        side.bring(there=silent)
        [form] = side.forms()
    assert {name.partition(".")[0] for name in form} == {
        "externalId", "address", "price", "sendScheduleInfoToParticipants",
    }  # fmt: skip


def test_the_memory_is_what_they_answer():
    nasty = answer(b'{"externalId": "NK-2027-0312", "location": "Bergen", "availableSeats": "11", "startTime": null}')
    with Side([nasty]) as side:
        result = side.bring()
    assert result.memory == msgspec.to_builtins(msgspec.structs.replace(FACTS, location="Bergen", seats=11))


def test_formats_prices_and_vat_go_by_the_settings():
    options = {"date": "dd.MM.yyyy", "time": "HH.mm", "amount": "0,00", "vat": "included"}
    with Side([sample("class-add-success")], **options) as side:
        side.bring()
        [form] = side.forms()
    assert (form["startDate"], form["startTime"], form["price.amount"]) == ("12.03.2027", "08.00", "18625,00")


def test_a_status_is_told_as_the_documentation_shows():
    with Side([sample("booking-update-success")]) as side:
        assert side.tell() == Done(REFERENCE, "told")
        [sent] = side.server.requests
        assert side.paths() == [f"booking/update/{REFERENCE}"]
        assert dict(parse_qsl(sent.body.decode())) == form_sample("request-booking-update-completed")


@pytest.mark.parametrize("word", ["NEW", "NO_SHOW", "FAILED"])
def test_only_completed_has_a_date(word):
    with Side([sample("booking-update-success")], date="dd.MM.yyyy") as side:
        side.tell(word, "2027-03-15")
        side.tell("COMPLETED", "2027-03-15")
        first, second = side.forms()
    assert first == {"newStatus": word}
    assert second == {"newStatus": "COMPLETED", "completionDate": "2027-03-15"}  # this format is documented


@pytest.mark.parametrize(
    ("word", "on"), [("COMPLETED", None), ("COMPLETED", "15.03.2027"), ("DONE", None), (None, None)]
)
def test_a_status_that_cannot_be_told_is_not_sent(word, on):
    with Side(says(YES)) as side:
        result = side.tell(word, on)
        assert type(result) is Rejected
        assert side.server.requests == []


def test_the_assumed_upload_is_a_form_with_one_file():
    with Side(says(YES)) as side:
        assert side.upload() == Done(REFERENCE, "uploaded")
        [sent] = side.server.requests
        assert side.paths() == [f"booking/uploadDocumentation/{REFERENCE}"]
    head = f"Content-Type: {sent.headers['content-type']}\r\n\r\n".encode()
    parts = list(BytesParser(policy=HTTP).parsebytes(head + sent.body).iter_parts())
    found = {part.get_param("name", header="content-disposition"): part for part in parts}
    assert [found[name].get_content().strip() for name in ("username", "password")] == [USERNAME, PASSWORD]
    assert (found["file"].get_filename(), found["file"].get_content_type()) == ("Kursbevis Aase.pdf", "application/pdf")
    assert found["file"].get_payload(decode=True) == PDF
    assert len(parts) == 3


@pytest.mark.parametrize(
    ("name", "sent"),
    [("..\\..\\x.pdf", "document.._.._x.pdf"), ("a\"b\r\nc.pdf", "a_b_c.pdf"), (None, "document"), ("", "document"),
     ("Øvelse.pdf", "Oevelse.pdf"), ("/etc/passwd", "_etc_passwd"), ("證書.pdf", "document.pdf")],
)  # fmt: skip
def test_a_file_name_is_of_plain_letters(name, sent):
    with Side(says(YES)) as side:
        side.upload(name=name)
        assert f'filename="{sent}"'.encode() in side.server.requests[0].body


def test_the_assumed_upload_goes_by_the_settings():
    options = {"upload": "v2/{booking}/docs", "upload_part": "doc", "upload_content_type": "text/plain"}
    with Side(says(YES), **options) as side:
        assert side.upload(b"no pdf at all").result == "uploaded"
        [sent] = side.server.requests
    assert sent.target.endswith(f"/rest/v2/{REFERENCE}/docs")
    assert b'name="doc"' in sent.body
    assert b"Content-Type: text/plain" in sent.body


def test_what_is_no_pdf_or_too_big_or_unreadable_is_not_uploaded():
    def gone(message):
        raise Rejected("the file is gone")

    with Side(says(YES), upload_max_bytes=500) as side:
        assert side.upload(b"PK\x03\x04").code == "no_pdf"
        assert side.upload(PDF).code == "too_big"
        [result] = side.portal.document_sender(gone).send([document()])
        assert (type(result), result.message) == (Rejected, "the file is gone")
        assert side.server.requests == []


@pytest.mark.parametrize(
    ("style", "path", "form"),
    [("path", "courses/get/GSK-4D/courseClasses/cancel/NK-2027-0312", {}),
     ("form", "courses/get/GSK-4D/courseClasses/cancel", {"externalId": "NK-2027-0312"})],
)  # fmt: skip
def test_the_assumed_cancelling_has_two_styles(style, path, form):
    with Side([sample("class-cancel-success.assumed")], cancel_style=style) as side:
        assert side.bring(wanted="cancelled", there=THERE) == Done("NK-2027-0312", "cancelled")
        assert (side.paths(), side.forms()) == ([path], [form])


def test_the_assumed_paths_are_settings():
    options = {"get_courses": "v2/c", "get_classes": "v2/{course}/k", "cancel_class": "v2/x/{class}/of/{course}"}
    with Side(says("[]"), says("[]"), says(YES), **options) as side:
        side.portal.courses()
        side.portal.classes("GSK-4D")
        side.bring(wanted="cancelled", there=THERE)
        found = [one.target.partition("/rest/")[2] for one in side.server.requests]
    assert found == ["v2/c", "v2/GSK-4D/k", "v2/x/NK-2027-0312/of/GSK-4D"]


def test_lists_and_bookings_are_asked_for_by_post_with_nothing_in_the_address():
    scripts = [sample("courses-list-success.assumed")], [sample("course-classes-list-empty.assumed")]
    with Side(*scripts, [sample("booking-get-success")]) as side:
        assert [course.id for course in side.portal.courses()] == ["GSK-4D", "VARME-ARB", "HLR-Ö1"]
        assert side.portal.classes("HLR-Ö1") == []
        assert side.portal.booking(REFERENCE).purchase_order == "PO-2027-0088"
        assert side.paths() == ["courses/get", "courses/get/HLR-%C3%961/courseClasses/get", f"booking/get/{REFERENCE}"]
        assert side.forms() == [{}, {}, {}]
        assert {one.method for one in side.server.requests} == {"POST"}
        assert not any("authorization" in one.headers or "cookie" in one.headers for one in side.server.requests)


@pytest.mark.parametrize("bad", ["..", "a/b", "a?b", "a%2fb", "", "VA/2027-44 Ålesund"])
def test_an_id_that_no_address_can_carry_is_never_sent(bad):
    with Side(says(YES)) as side:
        for facts in (msgspec.structs.replace(FACTS, course_id=bad), msgspec.structs.replace(FACTS, class_id=bad)):
            assert type(side.bring(facts)) is BadRecord
        assert type(side.tell(reference=bad)) is BadRecord
        assert type(side.upload(reference=bad)) is BadRecord
        with pytest.raises(BadRecord):
            side.portal.classes(bad)
        with pytest.raises(BadRecord):
            side.portal.booking(bad)
        assert side.server.requests == []


def test_their_own_reference_is_used_when_the_settings_say_so_and_it_is_known():
    known = {"TP-A": "4f0c_1"}
    scripts = [sample("booking-get-success")], says(YES)
    with Side(*scripts, reference_source="portal", references=known.get) as side:
        assert side.portal.booking("TP-B") is not None  # ours is all that they can know it by
        assert side.tell(reference="TP-A") == Done("TP-A", "told")
        assert side.upload(reference="TP-A") == Done("TP-A", "uploaded")
        for waiting in (side.tell(reference="TP-B"), side.upload(reference="TP-B")):
            assert (type(waiting), waiting.code) == (Postponed, "no_reference")
        assert side.paths() == ["booking/get/TP-B", "booking/update/4f0c_1", "booking/uploadDocumentation/4f0c_1"]


def test_a_currency_that_they_do_not_take_is_refused_or_sent_as_the_settings_say():
    swedish = msgspec.structs.replace(FACTS, currency="SEK")
    with Side([sample("class-add-success")]) as side:
        refused = side.bring(swedish)
        assert (type(refused), refused.code, side.server.requests) == (Rejected, "currency", [])
        assert "in SEK, and they take NOK, EUR, USD, GBP" in refused.message
    with Side([sample("class-add-success")], currency_policy="send") as side:
        assert side.bring(swedish).result == "added"
        assert side.forms()[0]["price.currency"] == "SEK"


def test_an_amount_that_their_format_cannot_hold_is_not_rounded():
    with Side([sample("class-add-success")], amount="0") as side:
        refused = side.bring(msgspec.structs.replace(FACTS, price_minor=1_490_050))
        assert (type(refused), refused.code, side.server.requests) == (Rejected, "amount", [])


# what an answer means -----------------------------------------------------------------------------------


def outcome(read):
    try:
        return read()
    except IntegratorError as error:
        return error


NO_TO_LOGIN = {
    "a status object about the password": [sample("auth-error.assumed")],
    "the same with 400": [sample("auth-error.assumed", status=400)],
    "401": says("<h1>401</h1>", 401),
    "403": says("", 403),
    "403 with a status object": says(NO, 403),
    "words of another case": says('{"successful": false, "errorMesssage": "BAD CREDENTIALS"}'),
}


@pytest.mark.parametrize("kind", NO_TO_LOGIN)
@pytest.mark.parametrize("call", ["courses", "classes", "booking", "bring", "tell", "upload"])
def test_a_no_to_our_login_concerns_everything(kind, call):
    with Side(NO_TO_LOGIN[kind]) as side:
        args = {"classes": ["GSK-4D"], "booking": [REFERENCE]}.get(call, [])
        found = outcome(lambda: getattr(side.portal if hasattr(side.portal, call) else side, call)(*args))
    assert type(found) is Refused
    assert "integrator check trainingportal" in found.hint


NO_TO_ITEM = {
    "a status object": says(NO),
    "a boolean in it": says('{"successful": false, "errorMessage": "Not possible"}'),
    "capitals in it": says('{"sucessful": "FALSE", "errorMessage": "Not possible"}'),
    "400 and a status object": says(NO, 400),
    "404 and a page": says("<h1>404</h1>", 404),
    "404 and nothing": says("", 404),
    "413": says("", 413),
    "422 and text": says("no", 422),
}


@pytest.mark.parametrize("kind", NO_TO_ITEM)
def test_a_no_to_one_item_leaves_the_others_alone(kind):
    with Side(NO_TO_ITEM[kind]) as side:
        assert side.portal.booking(REFERENCE) is None
        assert type(side.tell()) is Rejected
        assert type(side.upload()) is Rejected
        with pytest.raises(Rejected):
            side.portal.classes("GSK-4D")
        with pytest.raises(Refused):  # no item is named in it
            side.portal.courses()


def test_the_assumed_answers_of_the_examples_are_a_no():
    with Side([sample("booking-get-not-found.assumed")], [sample("booking-update-error")]) as side:
        assert side.portal.booking(REFERENCE) is None
        told = side.tell()
    assert (type(told), told.message.rpartition(": ")[2]) == (
        Rejected,
        "completionDate is required when newStatus is COMPLETED",
    )


def test_which_statuses_are_a_no_is_a_setting():
    with Side(says("<h1>500</h1>", 500), item_statuses=(500,), login_statuses=(400,)) as side:
        assert type(side.tell()) is Rejected
        assert side.portal.booking(REFERENCE) is None
    with Side(says("", 400), item_statuses=(500,), login_statuses=(400,)) as side, pytest.raises(Refused):
        side.portal.courses()
    with Side(says('{"sucessful": "false", "errorMessage": "feil passord"}'), login_words=("passord",)) as side:
        assert type(outcome(side.tell)) is Refused


UNSURE = {
    "500 and a page": says("<h1>500</h1>", 500),
    "500 and a yes": says(YES, 500),
    "503": says("", 503),
    "409": says("{}", 409),
    "302": [answer(b"", status=302, Location="https://login.example.org/")],
    "nothing": says(""),
    "a page": says("<html>login</html>"),
    "null": says("null"),
    "a list": says("[]"),
    "text": says("OK"),
    "cut JSON": says('{"sucessful": "tr'),
    "a flag that is neither": says('{"sucessful": "perhaps"}'),
    "a flag that is null": says('{"sucessful": null, "errorMessage": ""}'),
    "words without a flag": says('{"errorMessage": "Something is wrong"}'),
    "broken UTF-8": says(b'{"a": "\xff"}'),
    "huge": says(b'{"a": "' + b"x" * 11_000_000 + b'"}'),
    "no answer": [HANG],
    "closed": [CLOSE],
    "reset": [RESET],
    "cut in its length": [b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"sucessful": "true"', CLOSE],
    "dripping": [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", drip(b" ")],
}


@pytest.mark.parametrize("kind", UNSURE)
def test_what_says_neither_yes_nor_no_is_in_doubt(kind):
    with Side(UNSURE[kind], timeout_s=WAIT_S, upload_timeout_s=WAIT_S) as side:
        for found in (side.tell(), side.upload(), side.bring(msgspec.structs.replace(FACTS, seats=9), there=THERE)):
            assert type(found) is InDoubt


READS = {
    **dict.fromkeys(
        ("500 and a page", "500 and a yes", "503", "no answer", "closed", "reset", "dripping"), Unavailable
    ),
    **dict.fromkeys(("cut in its length",), Unavailable),
    **dict.fromkeys(("409", "302"), Refused),
    **dict.fromkeys(("nothing", "a page", "null", "text", "cut JSON", "broken UTF-8", "huge"), BadAnswer),
}


@pytest.mark.parametrize("kind", READS)
def test_a_read_that_went_wrong_never_says_that_there_is_nothing(kind):
    with Side(UNSURE[kind], timeout_s=WAIT_S) as side:
        for found in (
            outcome(side.portal.courses),
            outcome(lambda: side.portal.classes("GSK-4D")),
            outcome(lambda: side.portal.booking(REFERENCE)),
        ):
            assert type(found) is READS[kind]


def test_an_object_that_is_no_booking_is_not_taken_for_none():
    with Side(says("{}")) as side, pytest.raises(BadAnswer) as caught:
        side.portal.booking(REFERENCE)
    assert caught.value.code == "no_booking"


def test_a_status_object_without_a_flag_is_a_yes():
    with Side(says("{}")) as side:
        assert side.tell().result == "told"


@pytest.mark.parametrize("text", ["{}", YES, '{"externalId": "another"}', '{"externalId": null}'])
def test_an_answer_that_is_not_about_this_class_is_in_doubt(text):
    with Side(says(text)) as side:
        assert type(side.bring()) is InDoubt


def test_without_a_connection_nothing_was_sent_and_everything_waits():
    with Side(says(YES)) as side:
        pass
    for call in (side.tell, side.upload, side.bring, side.portal.courses):
        error = outcome(call)
        assert type(error) is Unavailable
        assert error.code is None
    side.portal.close()


def test_too_many_requests_are_for_later():
    with Side([answer(b"", status=429, Retry_After="7")]) as side:
        for call in (side.tell, side.upload, side.bring, side.portal.courses):
            error = outcome(call)
            assert (type(error), error.retry_after_s) == (Unavailable, 7.0)


def test_a_read_is_repeated_and_a_write_is_not():
    patience = Patience(attempts=3, budget_s=lambda: 60.0, sleep=lambda seconds: None)
    with Side(says("", 503), [sample("booking-get-success")], patience=patience) as side:
        assert side.portal.booking(REFERENCE).status == "NEW"
        assert len(side.server.requests) == 2
    with Side(says("", 503), says(YES), patience=patience) as side:
        assert type(side.tell()) is InDoubt
        assert len(side.server.requests) == 1


# an upload that is cut in the middle ------------------------------------------------------------------


def take(count):
    """Read so many bytes of the request, and no more."""

    def step(server, sock):
        left = count
        while left > 0 and (got := sock.recv(min(65_536, left))):
            left -= len(got)
        return left == 0

    return step


CUT = {
    "reset": [UNREAD, take(100_000), RESET],
    "closed": [UNREAD, take(100_000), CLOSE],
    "not taken any more": [UNREAD, take(100_000), HANG],
    "taken in sips": [UNREAD, SIP],
    "500 before the end": [UNREAD, take(100_000), answer(b"<h1>no</h1>", status=500), CLOSE],
    "a yes before the end": [UNREAD, take(100_000), answer(YES.encode()), CLOSE],
}
LARGE = b"%PDF-" + b"x" * 20_000_000  # more than the buffers of both sides hold


@pytest.mark.parametrize("how", CUT)
def test_an_upload_that_never_left_whole_is_no_doubt_and_holds_up_nothing_else(how):
    with Side(CUT[how], upload_timeout_s=WAIT_S, upload_max_bytes=50_000_000) as side:
        found = side.upload(LARGE)
    assert (type(found), found.code) == (Unavailable, "cut")
    assert "they never had the whole request" in found.message


def test_an_upload_refused_before_its_end_is_refused():
    with Side([UNREAD, take(100_000), answer(b"", status=413), CLOSE], upload_max_bytes=50_000_000) as side:
        assert type(side.upload(LARGE)) is Rejected


def test_an_upload_that_left_whole_and_was_not_answered_is_in_doubt():
    with Side([CLOSE]) as side:
        assert type(side.upload()) is InDoubt


# what an error says -------------------------------------------------------------------------------------


WORDS = {
    "Course class is full": True,
    "Status NO_SHOW is not allowed before the class": True,
    "Bjørn Ærlighaug is not a student": False,
    "Booking of Bjørn does not exist": False,
    "Booking of BJØRN ÆRLIGHAUG does not exist": False,
    "booking of bjørn ærlighaug does not exist": False,
    "no student with 4790000001": False,
    "bjorn@example.org is unknown": False,
    f"user {USERNAME} may not": False,
    f"not with {PASSWORD}": False,
    "<script>": False,
    "x" * 500: False,
}


@pytest.mark.parametrize("words", WORDS)
def test_their_words_about_a_booking_are_shown_when_they_hold_nobody(words):
    said = json.dumps({"sucessful": "false", "errorMessage": words}, ensure_ascii=False)
    with Side(says(said), login_words=("nothing such",)) as side:
        found = side.tell()
    assert type(found) is Rejected
    assert (words in found.message) is WORDS[words]


def test_their_words_about_a_class_are_shown_with_names_of_fields_and_numbers():
    with Side([sample("class-add-error.assumed")], [sample("course-classes-list-empty.assumed")]) as side:
        found = side.bring()
    assert found.message == (
        "trainingportal: add NK-2027-0312: the answer is no: price.currency: SEK is not an allowed currency"
    )


@pytest.mark.parametrize("kind", [*UNSURE, *NO_TO_ITEM, *NO_TO_LOGIN, *CUT])
def test_no_error_holds_credentials_or_a_body(kind):
    script = {**UNSURE, **NO_TO_ITEM, **NO_TO_LOGIN, **CUT}[kind]
    with Side(script, timeout_s=WAIT_S, upload_timeout_s=WAIT_S) as side:
        for call in (side.tell, side.upload, lambda: side.portal.booking(REFERENCE)):
            error = outcome(call)
            while isinstance(error, BaseException):
                shown = f"{error!r} {error} {getattr(error, 'hint', '')} {vars(error)}"
                for secret in (PASSWORD, USERNAME, "2027-03-15", "Kursbevis"):
                    assert secret not in shown
                assert isinstance(error, IntegratorError)
                error = error.__cause__ or error.__context__


def test_a_message_that_wants_nothing_is_rejected():
    broken = message(CLASS, "A", {"class_id": "A", "course_id": "B", "wanted": "published", "facts": None})
    with Side(says(YES)) as side:
        sender = side.portal.class_sender({}, {})
        [found] = sender.send([broken])
        assert isinstance(found, ItemError)
        assert sender.preview(broken).action == "reject"
        with pytest.raises(BadAnswer):
            sender.look_up(broken)
        assert side.server.requests == []
