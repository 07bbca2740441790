"""What Trainingportal answers, read: every example file verbatim, and the quirks that are documented or to be feared.

Tests with "assumed" in their names are on shapes that nobody has seen.
"""

import json
from pathlib import Path

import msgspec
import pytest

from integrator.domain.portal import Address, PortalClass, PortalCourse, PortalPerson
from integrator.errors import BadAnswer
from integrator.systems.http import Headers, Reply
from integrator.systems.trainingportal import reading
from integrator.systems.trainingportal.formats import amount_in, amount_out, date_in, date_out, time_in, time_out
from integrator.systems.trainingportal.reading import (
    Fields,
    booking_from,
    class_from,
    classes_in,
    courses_in,
    json_of,
    said_in,
)
from portal_options import assumed

SAMPLES = Path(__file__).parents[1] / "samples" / "trainingportal"
PLAIN = assumed()
CLASS = PortalClass(
    class_id="NK-2027-0312",
    course_id="GSK-4D",
    cancelled=False,
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


def sample(name):
    return Reply(200, Headers([]), (SAMPLES / f"{name}.json").read_bytes(), "trainingportal: read")


def reply(text, status=200, **headers):
    body = text if isinstance(text, bytes) else text.encode()
    return Reply(status, Headers(headers.items()), body, "trainingportal: read")


def a_class(name, class_id):
    return class_from(Fields(json_of(sample(name))), PLAIN, class_id=class_id, course_id="?")


# the examples -----------------------------------------------------------------------------------------


def test_the_answer_to_add_is_read():
    assert a_class("class-add-success", "NK-2027-0312") == CLASS


def test_the_answer_to_update_is_read():
    assert a_class("class-update-success", "NK-2027-0312") == msgspec.structs.replace(CLASS, seats=9)


def test_an_answer_with_every_quirk_of_a_class_is_read():
    assert a_class("class-update-nasty", "VA/2027-44 Ålesund") == PortalClass(
        class_id="VA/2027-44 Ålesund",
        course_id="VARME-ARB",
        cancelled=True,
        location="Ålesund – Sjøgata",
        seats=0,
        enrollment_deadline="2027-10-29",
        start_date="2027-11-05",
        end_date="2027-11-05",
        address=Address("Sjøgata 12 & 14", "", "Ålesund", "0600", "NO"),
        currency="EUR",
        price_minor=34_900,
    )


def test_the_booking_of_the_documentation_is_read():
    booking = booking_from(Fields(json_of(sample("booking-get-success"))))
    assert booking is not None
    assert booking.reference == "4f0c2a7d_91be_4d3a_8c55_0a6e7b1d2c93"
    assert booking.class_id == "NK-2027-0312"
    assert booking.student == PortalPerson("Bjørn", "Ærlighaug", "bjorn.aerlighaug@example.org", "4790000001")
    assert booking.enroller == PortalPerson("Åse", "Øyhaug", "ase.oyhaug@example.org", "4790000002")
    assert (booking.birth_date, booking.company, booking.status) == ("1988-11-30", "Fjordvind Drift AS", "NEW")
    assert (booking.comment, booking.purchase_order) == ("Trenger hørselvern i størrelse L", "PO-2027-0088")


def test_a_booking_with_every_quirk_is_read():
    booking = booking_from(Fields(json_of(sample("booking-get-nasty"))))
    assert booking is not None
    assert booking.class_id == "VA/2027-44 Ålesund"
    assert booking.student == PortalPerson("Märta-Lovisa", "Åström Öqvist", None, "+46 70 000 00 03")
    assert booking.enroller == PortalPerson("Håkon", None, None, None)
    assert (booking.company, booking.purchase_order, booking.birth_date) == (None, None, None)
    assert booking.status == "NO_SHOW"
    assert booking.comment == 'Linje 1\nLinje 2 – "siterat" & <ikke> HTML'


@pytest.mark.parametrize(
    ("name", "flag", "message"),
    [
        ("booking-update-success", True, ""),
        ("booking-update-error", False, "completionDate is required when newStatus is COMPLETED"),
        ("class-restore-success", True, ""),
    ],
)
def test_a_status_object_is_read(name, flag, message):
    said = said_in(sample(name))
    assert (said.flag, said.has_flag, said.message) == (flag, True, message)


@pytest.mark.parametrize(
    ("name", "flag", "message"),
    [
        ("auth-error.assumed", False, "Wrong username or password"),
        ("booking-get-not-found.assumed", False, "Booking does not exist"),
        ("class-add-error.assumed", False, "price.currency: SEK is not an allowed currency"),
        ("class-cancel-success.assumed", True, ""),
        ("class-restore-already-published.assumed", False, "Course class is already published (sent with HTTP 409)"),
        ("class-restore-not-found.assumed", False, "Course class does not exist (sent with HTTP 404)"),
    ],
)
def test_an_assumed_status_object_is_read(name, flag, message):
    said = said_in(sample(name))
    assert (said.flag, said.has_flag, said.message) == (flag, True, message)


def test_the_assumed_list_of_courses_is_read():
    assert courses_in(json_of(sample("courses-list-success.assumed")), "x") == [
        PortalCourse("GSK-4D", "Grunnleggende sikkerhetskurs, 4 dager"),
        PortalCourse("VARME-ARB", "Varme arbeider"),
        PortalCourse("HLR-Ö1", "Hjärt-lungräddning för vuxna"),
    ]


def test_the_assumed_list_of_classes_is_read():
    first, second = classes_in(json_of(sample("course-classes-list-success.assumed")), "GSK-4D", PLAIN, "x")
    assert first == CLASS
    assert (second.class_id, second.seats, second.start_time, second.end_time) == ("NK-2027-0409", 0, None, None)
    assert (second.start_date, second.address) == ("2027-04-09", CLASS.address)


def test_the_assumed_empty_lists_are_empty():
    assert courses_in(json_of(sample("courses-list-empty.assumed")), "x") == []
    assert classes_in(json_of(sample("course-classes-list-empty.assumed")), "GSK-4D", PLAIN, "x") == []


def test_every_example_file_is_used():
    names = {path.name.removesuffix(".json").removesuffix(".form") for path in SAMPLES.iterdir()}
    theirs = {name for name in names if "provider" not in name}  # those are of what we serve
    tests = Path(__file__).parent.glob("test_trainingportal*.py")
    texts = "".join(path.read_text(encoding="utf-8") for path in tests)
    assert len(theirs) == 22
    assert {name for name in theirs if f'"{name}"' not in texts} == set()


# quirks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["successful", "sucessful", "Sucessful", " SUCESSFUL ", "succesful"])
@pytest.mark.parametrize(
    ("value", "flag"),
    [(True, True), ("true", True), ("TRUE", True), (" True ", True), (False, False), ("false", False), ("FALSE", False),
     (None, None), ("", None), ("maybe", None), (1, None), ([], None)],
)  # fmt: skip
def test_a_flag_is_read_in_any_spelling_and_type(key, value, flag):
    said = said_in(reply(json.dumps({key: value})))
    assert (said.flag, said.has_flag) == (flag, True)


@pytest.mark.parametrize("key", ["errorMessage", "errorMesssage", "ERRORMESSAGE", " errorMessage"])
def test_a_message_is_read_in_any_spelling(key):
    assert said_in(reply(json.dumps({key: " full "}))).message == "full"


def test_an_object_without_a_flag_has_none():
    said = said_in(reply('{"cancelled": false}'))
    assert (said.flag, said.has_flag, said.message) == (None, False, "")


@pytest.mark.parametrize("body", ["", "<h1>no</h1>", "[]", "null", "true", '"x"', "7", '{"a": ', "{'a': 1}"])
def test_what_is_no_object_says_nothing(body):
    assert said_in(reply(body)).fields is None


@pytest.mark.parametrize(
    "text",
    ['{"courses": [{"externalId": "A", "name": "x,]}",},],}', '[{"externalId": "A", "name": "x,]}"} , ]',
     '{"Courses ": [{" externalId": "A", "name": "x,]}"}]}', '{"items": [{"EXTERNALID": "A", "name": "x,]}"}], "n": 1}',
    ],
)  # fmt: skip
def test_commas_too_many_other_spellings_and_other_wrappings_are_taken(text):
    assert courses_in(json_of(reply(text)), "x") == [PortalCourse("A", "x,]}")]


def test_commas_too_many_are_taken_in_another_charset_too():
    answer = reply('{"externalId": "Ø",}'.encode("latin-1"), **{"content-type": "application/json; charset=ISO-8859-1"})
    assert json_of(answer) == {"externalId": "Ø"}


def test_json_that_is_cut_stays_broken():
    with pytest.raises(BadAnswer, match="cut or broken"):
        json_of(reply('{"courses": [{"externalId": "A"},'))


def test_a_text_that_never_ends_is_passed_over_in_one_step():
    # Not so, each quote in it would start a search to the end of the body: hours for a megabyte.
    assert [found.span() for found in reading._LOOSE.finditer(b'["' + b'\\"\\\n' * 500)] == [(1, 2_002)]


@pytest.mark.parametrize("piece", ['\\"', '\\"x', '",', "\\", ",  ", "[,", '\\"\\\n'])
def test_a_megabyte_of_broken_json_is_a_bad_answer(piece):
    with pytest.raises(BadAnswer, match="cut or broken"):
        json_of(reply('["' + piece * (1_000_000 // len(piece))))


@pytest.mark.parametrize("text", ['{"courses": null}', "null", "7", '{"a": [], "b": []}', '{"courses": ["A"]}', "[[]]"])
def test_what_is_no_list_of_objects_is_not_an_empty_one(text):
    with pytest.raises(BadAnswer) as caught:
        courses_in(json_of(reply(text)), "x")
    assert caught.value.code == "no_list"


@pytest.mark.parametrize("entry", [{}, {"externalId": None}, {"externalId": "  "}, {"externalId": True}, {"id": "A"}])
def test_a_class_without_id_makes_the_list_unreadable(entry):
    with pytest.raises(BadAnswer) as caught:
        classes_in([{"externalId": "B"}, entry], "GSK-4D", PLAIN, "x")
    assert caught.value.code == "no_id"


def test_of_a_class_that_is_listed_twice_the_one_that_is_not_cancelled_counts():
    entries = [{"externalId": "A", "cancelled": "true"}, {"externalId": "A", "availableSeats": 3}]
    for listed in (entries, entries[::-1]):
        assert classes_in(listed, "X", PLAIN, "x") == [PortalClass("A", "X", seats=3)]


def test_classes_of_another_course_are_left_out():
    entries = [{"externalId": "A", "courseExternalId": "X"}, {"externalId": "B", "externalCourseId": "Y"}]
    assert [one.class_id for one in classes_in(entries, "X", PLAIN, "x")] == ["A"]


def test_numbers_for_ids_and_texts_for_numbers_are_taken():
    [found] = classes_in([{"externalId": 2501, "availableSeats": "7", "price.amount": "14 900,50"}], "X", PLAIN, "x")
    assert (found.class_id, found.seats, found.price_minor) == ("2501", 7, 1_490_050)


@pytest.mark.parametrize("seats", ["many", -1, 1.5, "1.5", True, [], {}, "9" * 5000, "１"])
def test_seats_that_cannot_be_read_are_unknown(seats):
    assert class_from(Fields({"availableSeats": seats}), PLAIN, class_id="A", course_id="X").seats is None


def test_one_key_in_two_spellings_is_the_one_that_says_something():
    fields = Fields({"firstname": "", "firstName": "Åse", " FirstName": "Other"})
    assert fields.text("firstname") == "Åse"


@pytest.mark.parametrize("value", [None, "Norway", [], 7])
def test_an_address_that_is_none_is_unknown(value):
    assert class_from(Fields({"address": value}), PLAIN, class_id="A", course_id="X").address is None


def test_an_object_that_is_no_booking_is_none():
    assert booking_from(Fields({"status": "ok", "email": "a@example.org"})) is None


@pytest.mark.parametrize("word", ["NO_SHOW", "No_show", " no_show "])
def test_a_status_counts_whatever_its_case(word):
    assert booking(enrollmentStatus=word).status == "NO_SHOW"
    assert booking(enrollmentStatus=" ").status is None


TEXTS = ("bookingReference", "externalCourseClassId", "company", "purchaseOrderNumber")


def booking(**given):
    found = booking_from(Fields({"bookingReference": "TP-1"} | given))
    assert found is not None
    return found


def short_texts(found):
    student, enroller = found.student, found.enroller
    own = (found.reference, found.class_id, found.company, found.purchase_order, student.phone)
    return (*own, student.first_name, student.last_name, enroller.first_name, enroller.last_name, enroller.phone)


def with_every_text(text):
    person = dict.fromkeys(("firstName", "lastName", "phone"), text)
    return booking(**dict.fromkeys(TEXTS, text), **person | {"enroller": person}, commentOnEnrollment=text)


def test_texts_of_a_booking_are_cut_to_what_such_texts_take():
    found = with_every_text("å" * 2_000_000)
    assert set(short_texts(found)) == {"å" * 200}
    assert found.comment == "å" * 4_000


def test_control_characters_in_a_booking_become_blanks_and_a_comment_keeps_its_lines():
    found = with_every_text("\0Åse\x1b[31m\nØy\x7f\x9b\u2028haug\r\n")
    assert set(short_texts(found)) == {"Åse [31m Øy   haug"}
    assert found.comment == "Åse [31m\nØy   haug"


@pytest.mark.parametrize("text", ["\0", " \x1b\x85", "\0" * 5_000, " \r\n"])
def test_texts_of_control_characters_alone_say_nothing(text):
    found = booking(firstName=text, company=text, commentOnEnrollment=text, enroller={"email": text})
    assert found.student == found.enroller == PortalPerson()
    assert (found.company, found.comment) == (None, None)
    assert booking_from(Fields({"bookingReference": text, "company": "x"})) is None


def test_an_address_too_long_to_be_one_is_none_rather_than_a_part_of_it():
    longest = "a" * 242 + "@example.org"
    found = booking(email=longest, enroller={"email": longest + "x"})
    assert (found.student.email, found.enroller.email) == (longest, None)
    assert booking(email="a\0b@example.org").student.email == "a b@example.org"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        *(("1988-11-30", "1988-11-30"), (" 2000-02-29 ", "2000-02-29")),
        *((text, None) for text in ("1999-02-29", "19881130", "1988-W48-3", "30.11.1988", "1988-11-30T00:00:00")),
        *((text, None) for text in ("soon", "1988-11-30\0", "x" * 2_000_000, "１９８８-11-30", "0000-00-00", 19881130)),
    ],
    ids=range(13),
)
def test_a_birth_date_is_a_day_of_the_calendar_or_unknown(text, read):
    assert booking(birthDate=text).birth_date == read


def test_deep_nesting_is_no_trouble():
    value = json_of(reply('{"enroller": ' * 400 + "{}" + "}" * 400))
    assert booking_from(Fields(value)) is None


# formats ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("yyyy-MM-dd", "2027-03-01"), ("yyyy/MM/dd", "2027/03/01"), ("yyyyMMdd", "20270301"), ("dd.MM.yyyy", "01.03.2027"),
     ("dd-MM-yyyy", "01-03-2027"), ("dd/MM/yyyy", "01/03/2027"), ("MM/dd/yyyy", "03/01/2027")],
)  # fmt: skip
def test_a_date_travels_in_the_format_of_the_settings_and_comes_back(pattern, text):
    options = assumed(date=pattern)
    assert date_out("2027-03-01", options) == text
    assert date_in(text, options) == date_in("2027-03-01", options) == "2027-03-01"


@pytest.mark.parametrize(
    ("pattern", "text"), [("HH:mm", "08:05"), ("HH:mm:ss", "08:05:00"), ("HH.mm", "08.05"), ("HHmm", "0805")]
)
def test_a_time_travels_in_the_format_of_the_settings_and_comes_back(pattern, text):
    options = assumed(time=pattern)
    assert time_out("08:05", options) == text
    assert time_in(text, options) == time_in("08:05", options) == time_in("08:05:00", options) == "08:05"


@pytest.mark.parametrize("text", [None, "", "31.02.2027", "2027-02-31", "soon", "25:00"])
def test_what_is_no_date_and_no_time_is_unknown(text):
    assert (date_in(text, PLAIN), time_in(text, PLAIN)) == (None, None)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "14900.00"),
        ({"amount": "0,00"}, "14900,00"),
        ({"amount": "0"}, "14900"),
        ({"vat": "included"}, "18625.00"),
        ({"vat": "included", "vat_percent": 12.5, "amount": "0,00"}, "16762,50"),
        ({"vat": "excluded", "vat_percent": 12.5}, "14900.00"),
    ],
)
def test_a_price_travels_as_the_settings_say_and_comes_back(options, text):
    assert amount_out(1_490_000, assumed(**options)) == text
    assert amount_in(text, assumed(**options)) == 1_490_000


@pytest.mark.parametrize("percent", [0.0, 6.0, 12.0, 12.5, 25.0, 100.0])
def test_a_price_with_vat_comes_back_exactly(percent):
    options = assumed(vat="included", vat_percent=percent)
    assert all(amount_in(amount_out(price, options), options) == price for price in range(0, 5_000, 7))


@pytest.mark.parametrize(("value", "minor"), [(14900, 1_490_000), (14900.0, 1_490_000), ("349", 34_900), (0, 0)])
def test_a_price_is_read_as_number_and_as_text(value, minor):
    assert amount_in(value, PLAIN) == minor


@pytest.mark.parametrize("value", [None, True, "", "free", "1.234,50", "-5", -5, 1e20, [], "9" * 400])
def test_what_is_no_price_is_unknown(value):
    assert amount_in(value, PLAIN) is None
