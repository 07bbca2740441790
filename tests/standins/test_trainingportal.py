"""The Trainingportal stand-in and its classes: E1 to E6, their life, and every switch of how things are said."""

import json
from typing import Any

import pytest

from integrator.standins.trainingportal import BASE, PASSWORD, USERNAME

from .trainingportal_client import CLASS, CLASSES, LOGIN, Provider, failure, said, sample

CANCEL, RESTORE = f"{CLASSES}/cancel/{CLASS}", f"{CLASSES}/restore/{CLASS}"


@pytest.fixture
def there() -> Provider:
    return Provider()


# The examples of the contract


def test_a_class_is_added_and_its_seats_are_changed_as_the_examples_have_it(there: Provider) -> None:
    assert said(there.add()) == sample("class-add-success.json")
    update = sample("request-class-update-seats.form.json")
    assert said(there.post(f"{CLASSES}/update", **{**update, **LOGIN})) == sample("class-update-success.json")


def test_the_lists_are_as_the_examples_have_them(there: Provider) -> None:
    assert said(there.post("v1/courses/get")) == sample("courses-list-success.assumed.json")
    assert said(there.post(f"{CLASSES}/get")) == sample("course-classes-list-empty.assumed.json")
    there.standin.seed({"courses": {}})
    assert said(there.post("v1/courses/get")) == sample("courses-list-empty.assumed.json")


def test_a_class_without_times_is_listed_with_nulls_when_wished() -> None:
    there = Provider(optional="null")
    there.add()
    second = {"externalId": "NK-2027-0409", "availableSeats": "0", "startDate": "2027-04-09", "endDate": "2027-04-12"}
    there.add(**second, startTime=None, endTime=None)
    assert said(there.post(f"{CLASSES}/get")) == sample("course-classes-list-success.assumed.json")


def test_cancel_and_restore_answer_as_the_examples_have_it(there: Provider) -> None:
    there.add()
    there.booked()
    assert said(there.post(CANCEL)) == sample("class-cancel-success.assumed.json")
    restored = there.post(RESTORE)
    assert (restored.status, said(restored)) == (200, sample("class-restore-success.json"))


def test_wrong_credentials_answer_as_the_example_has_it(there: Provider) -> None:
    assert said(there.post("v1/courses/get", login={})) == sample("auth-error.assumed.json")


# E1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"price.currency": "SEK"}, sample("class-add-error.assumed.json")["errorMessage"]),
        ({"price.currency": "DKK"}, "price.currency: DKK is not an allowed currency"),
        ({"price.currency": "nok"}, "price.currency: nok is not an allowed currency"),
        ({"price.amount": "14.900,00"}, "price.amount: expected an amount as 14900.00"),
        ({"price.amount": "-1"}, "price.amount: expected an amount as 14900.00"),
        ({"availableSeats": "-1"}, "availableSeats: expected a number from 0"),
        ({"availableSeats": "٣"}, "availableSeats: expected a number from 0"),
        ({"startDate": "12.03.2027"}, "startDate: expected yyyy-MM-dd"),
        ({"startDate": "2027-02-30"}, "startDate: expected yyyy-MM-dd"),
        ({"startDate": ""}, "startDate: expected yyyy-MM-dd"),
        ({"startTime": "8:00"}, "startTime: expected HH:mm"),
        ({"startTime": "24:00"}, "startTime: expected HH:mm"),
        ({"endDate": "2027-03-11"}, "endDate is before startDate"),
        ({"externalId": " "}, "externalId is required"),
        ({"location": ""}, "location is required"),
        ({"address.addressLine2": None}, "address.addressLine2 is required"),
        ({"address.city": None}, "address.city is required"),
        ({"sendScheduleInfoToParticipants": "yes"}, "sendScheduleInfoToParticipants: expected true or false"),
        ({"courseExternalId": "GSK-4D"}, "unknown parameter courseExternalId"),
        ({"erollmentDeadline": "2027-03-01"}, "unknown parameter erollmentDeadline"),
    ],
)
def test_a_class_that_is_wrong_is_not_added(there: Provider, changes: dict[str, str | None], message: str) -> None:
    assert failure(there.add(**changes)) == message
    assert (there.classes(), there.effects) == ([], [])


def test_a_class_needs_no_times_and_may_have_no_seats_and_no_second_line(there: Provider) -> None:
    added = said(there.add(**{"startTime": None, "endTime": "", "availableSeats": "0", "address.addressLine2": ""}))
    assert (added["availableSeats"], added["address"]["addressLine2"]) == (0, "")
    assert not {"startTime", "endTime"} & set(added)


def test_an_empty_second_line_is_refused_when_wished() -> None:
    there = Provider(line2_may_be_empty=False)
    assert failure(there.add(**{"address.addressLine2": ""})) == "address.addressLine2 is required"


def test_the_same_class_twice_in_a_course_is_an_error_and_in_another_course_is_not(there: Provider) -> None:
    there.add()
    assert failure(there.add(availableSeats="1")) == f"externalId: {CLASS} already exists"
    assert said(there.add("HLR-Ö1"))["courseExternalId"] == "HLR-Ö1"
    assert [one["availableSeats"] for one in there.classes()] == [12]


def test_a_parameter_that_comes_twice_is_an_error(there: Provider) -> None:
    body = f"username={USERNAME}&password={PASSWORD}&externalId=a&externalId=b".encode()
    assert failure(there.ask("POST", f"{BASE}/{CLASSES}/add", body)) == "a parameter is given twice"


def test_an_unknown_course_is_one_for_every_call(there: Provider) -> None:
    assert failure(there.add("25172")) == "Course does not exist"
    for call in ("update", "get", f"cancel/{CLASS}", f"restore/{CLASS}"):
        assert failure(there.post(f"v1/courses/get/25172/courseClasses/{call}")) == "Course does not exist"


def test_an_id_with_a_slash_and_letters_of_the_north_is_one_segment(there: Provider) -> None:
    there.add(externalId="VA/2027-44 Ålesund")
    assert said(there.post(f"{CLASSES}/cancel/VA%2F2027-44%20%C3%85lesund"))["sucessful"] is True
    assert there.classes() == []


# E2


def test_only_what_is_given_is_changed_and_students_get_mail_unless_told_otherwise(there: Provider) -> None:
    there.add()
    there.booked()
    there.booked("R2")
    before = there.classes()[0]
    after = said(there.update(availableSeats="9", sendScheduleInfoToParticipants="false"))
    assert after == {**before, "availableSeats": 9, "sendScheduleInfoToParticipants": False}
    there.update(**{"address.city": "Bergen", "startTime": ""})
    assert [(one["changed"], one["send"], one["mails"]) for one in there.effects[1:]] == [
        ({"availableSeats": 9}, False, 0),
        ({"startTime": None}, True, 2),
    ]


@pytest.mark.parametrize(
    ("listens", "sent", "taken"),
    [
        ("erollmentDeadline", {"erollmentDeadline": "2027-03-05"}, True),
        ("erollmentDeadline", {"enrollmentDeadline": "2027-03-05"}, False),
        ("erollmentDeadline", {"enrollmentDeadline": "2027-03-05", "erollmentDeadline": "2027-03-05"}, True),
        ("enrollmentDeadline", {"enrollmentDeadline": "2027-03-05"}, True),
        ("enrollmentDeadline", {"erollmentDeadline": "2027-03-05"}, False),
        ("both", {"enrollmentDeadline": "2027-03-05"}, True),
        ("both", {"erollmentDeadline": "2027-03-05"}, True),
    ],
)
def test_the_deadline_is_taken_in_the_spelling_it_listens_to(listens: str, sent: dict[str, str], taken: bool) -> None:
    there = Provider(deadline_spelling=listens)
    there.add()
    found = said(there.update(**sent))["enrollmentDeadline"]
    assert found == ("2027-03-05" if taken else "2027-03-01")


def test_an_update_that_is_wrong_or_of_nothing_changes_nothing(there: Provider) -> None:
    assert failure(there.update(availableSeats="9")) == "Course class does not exist"
    there.add()
    before = there.classes()
    for wrong in ({"availableSeats": "x"}, {"endDate": "2020-01-01"}, {"price.currency": "SEK"}, {"seats": "1"}):
        failure(there.update(**wrong))
    assert (there.classes(), len(there.effects)) == (before, 1)


# E3 and E4


def test_a_class_without_students_is_deleted_at_once(there: Provider) -> None:
    there.add()
    there.post(CANCEL)
    assert there.classes() == []
    gone = there.post(RESTORE)
    assert (gone.status, said(gone)["sucessful"]) == (404, False)
    assert there.effects[-1]["deleted"] is True
    assert said(there.add())["cancelled"] is False


def test_a_class_with_students_is_cancelled_and_can_be_restored_for_an_hour(there: Provider) -> None:
    there.add()
    there.booked()
    there.post(CANCEL)
    assert [one["cancelled"] for one in there.classes()] == [True]
    assert failure(there.add()) == f"externalId: {CLASS} already exists"
    assert said(there.update(availableSeats="3"))["cancelled"] is True
    there.go_on(3599)
    assert there.post(RESTORE).status == 200
    published = there.post(RESTORE)
    assert (published.status, said(published)["sucessful"]) == (409, False)
    assert [one["cancelled"] for one in there.classes()] == [False]


def test_after_the_window_it_is_gone(there: Provider) -> None:
    there.standin.seed({"restorable_s": 60})
    there.add()
    there.booked()
    there.post(CANCEL)
    there.go_on(60)
    assert there.post(RESTORE).status == 404
    assert said(there.add())["cancelled"] is False


def test_cancelling_twice_succeeds_and_happens_once(there: Provider) -> None:
    there.add()
    there.booked()
    assert [said(there.post(CANCEL))["sucessful"] for _ in range(2)] == [True, True]
    assert [one["action"] for one in there.effects] == ["add", "cancel"]
    there.go_on(3600)
    assert failure(there.post(CANCEL)) == "Course class does not exist"


def test_cancelled_classes_are_not_listed_when_wished(there: Provider) -> None:
    there.standin.seed({"list_cancelled": False})
    there.add()
    there.booked()
    there.post(CANCEL)
    assert there.classes() == []


def test_each_style_of_cancelling_is_the_only_one(there: Provider) -> None:
    there.add()
    assert there.post(f"{CLASSES}/cancel", externalId=CLASS).status == 404
    there.standin.seed({"cancel_style": "form"})
    assert there.post(CANCEL).status == 404
    assert failure(there.post(f"{CLASSES}/cancel")) == "externalId is required"
    assert said(there.post(f"{CLASSES}/cancel", externalId=CLASS))["sucessful"] is True
    assert there.classes() == []


# Who asks, and where


@pytest.mark.parametrize(
    "wrong", [{"username": "x"}, {"password": "x"}, {"password": ""}, {"password": PASSWORD + "x"}]
)
def test_wrong_credentials_are_refused_by_every_call(there: Provider, wrong: dict[str, str]) -> None:
    there.add()
    there.booked()
    booking = [f"v1/booking/{call}/R1" for call in ("get", "update", "uploadDocumentation")]
    for path in ("v1/courses/get", f"{CLASSES}/add", f"{CLASSES}/get", CANCEL, RESTORE, *booking):
        assert failure(there.post(path, login={**LOGIN, **wrong})) == "Wrong username or password"
    assert len(there.effects) == 1


@pytest.mark.parametrize(
    ("way", "status", "begins"),
    [
        ({"status": 401}, 401, '{"sucessful": "false"'),
        ({"status": 403, "body": "text"}, 403, "Wrong username"),
        ({"status": 500, "body": "html"}, 500, "<!doctype html>"),
        ({"status": 200, "body": "login"}, 200, "<!doctype html>"),
        ({"status": 200, "body": "nothing"}, 200, ""),
    ],
)
def test_wrong_credentials_are_said_in_the_way_that_was_staged(way: dict[str, Any], status: int, begins: str) -> None:
    there = Provider(forbidden=way)
    answer = there.post("v1/courses/get", login={})
    assert (answer.status, answer.encoded().decode().startswith(begins)) == (status, True)
    assert (begins == "") == (answer.encoded() == b"")
    assert failure(there.add(externalId="")) == "externalId is required"


def test_the_ways_of_other_failures_are_their_own() -> None:
    there = Provider(errors={"status": 400}, unknown={"status": 404, "body": "html"})
    wrong, unknown = there.add(location=""), there.update(availableSeats="1")
    assert (wrong.status, said(wrong)["errorMessage"]) == (400, "location is required")
    assert (unknown.status, unknown.content_type) == (404, "text/html;charset=utf-8")


def test_credentials_in_the_query_are_none(there: Provider) -> None:
    query = f"username={USERNAME}&password={PASSWORD}"
    assert failure(there.ask("POST", f"{BASE}/v1/courses/get?{query}")) == "Wrong username or password"
    assert there.ask("GET", f"{BASE}/v1/courses/get?{query}").status == 405
    there.standin.seed({"allow_get": True})
    assert len(said(there.ask("GET", f"{BASE}/v1/courses/get?{query}"))["courses"]) == 3
    assert failure(there.ask("GET", f"{BASE}/v1/courses/get")) == "Wrong username or password"


def test_credentials_in_json_are_none(there: Provider) -> None:
    answer = there.ask("POST", f"{BASE}/v1/courses/get", json.dumps(LOGIN).encode(), "application/json")
    assert failure(answer) == "Wrong username or password"


def test_other_addresses_and_methods_are_pages(there: Provider) -> None:
    for path in ("v2/courses/get", "v1/courses/get/GSK-4D", "v1/booking/get/", "rest/v1/courses/get", ""):
        answer = there.post(path)
        assert (answer.status, answer.content_type) == (404, "text/html;charset=utf-8")
    assert there.ask("DELETE", f"{BASE}/v1/courses/get").status == 405


def test_the_base_may_be_missing(there: Provider) -> None:
    body = f"username={USERNAME}&password={PASSWORD}".encode()
    assert len(said(there.ask("POST", "/v1/courses/get", body))["courses"]) == 3


def test_paths_that_nobody_has_seen_can_be_others() -> None:
    there = Provider(paths={"get_courses": "v1/courses/list", "get_classes": "v1/courseClasses/{course}"})
    assert there.post("v1/courses/get").status == 404
    assert len(said(there.post("v1/courses/list"))["courses"]) == 3
    assert said(there.post("v1/courseClasses/GSK-4D")) == {"courseClasses": []}


# How things are said


def test_flags_and_their_names_are_said_as_staged() -> None:
    there = Provider(flag_type="boolean", flag_name="successful", message_name="errorMesssage")
    assert said(there.update(seats="1")) == {"successful": False, "errorMesssage": "Course class does not exist"}
    there.standin.seed({"flag_type": "string"})
    there.add()
    assert said(there.post(CANCEL))["successful"] == "true"
    there.standin.seed({"flag_type": "upper"})
    assert said(there.post(RESTORE))["successful"] == "FALSE"


def test_keys_with_dots_and_values_as_texts_are_those_of_the_nasty_example(there: Provider) -> None:
    there.add()
    there.standin.seed({"dotted_keys": True, "text_values": True, "times_with_seconds": True, "unknown_keys": True})
    (one,) = there.classes()
    assert (one["cancelled"], one["availableSeats"], one["price.amount"]) == ("false", "12", "14900")
    assert (one["address.city"], one["startTime"], one["someFutureField"]) == ("Bergen", "08:00:00", {"a": 1})
    assert not {"address", "price"} & set(one)


def test_blank_keys_and_bare_lists(there: Provider) -> None:
    there.standin.seed({"blank_keys": True, "lists": "bare"})
    there.add()
    (one,) = said(there.post(f"{CLASSES}/get"))
    assert one[" address"][" city"] == "Bergen"
    assert "GSK-4D" in [one[" externalId"] for one in said(there.post("v1/courses/get"))]


def test_commas_behind_the_last_one_are_no_json_and_everything_else_is_the_same(there: Provider) -> None:
    there.add(location='Bergen, "Laksevåg",}')
    strict = there.post(f"{CLASSES}/get").encoded().decode()
    there.standin.seed({"trailing_commas": True})
    loose = there.post(f"{CLASSES}/get").encoded().decode()
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(loose)
    mended = loose.replace('",}",', "\0").replace(",}", "}").replace(",]", "]").replace("\0", '",}",')
    assert json.loads(mended) == json.loads(strict)


# The control port's part


def test_what_cannot_be_staged_is_refused_and_changes_nothing(there: Provider) -> None:
    for wrong in (
        {"nope": 1},
        {"restorable_s": -1},
        {"errors": {"status": 99}},
        {"classes": {}},
        {"classes": [{"course": "GSK-4D", "class": "A", "startDate": "x"}]},
        {"classes": [{"course": "GSK-4D"}]},
        {"bookings": [{"reference": "R1"}]},
        {"bookings": [[]]},
        {"reserve": {"class": "A"}},
        {"cancel": []},
    ):
        with pytest.raises(ValueError, match=r"\w"):
            there.standin.seed({"username": "other", **wrong})
    assert there.classes() == []


def test_classes_can_simply_be_there_be_others_and_be_gone(there: Provider) -> None:
    there.standin.seed({"classes": [{"course": "GSK-4D", "class": CLASS, "availableSeats": "3"}]})
    there.standin.seed({"classes": [{"course": "GSK-4D", "class": CLASS, "location": "Oslo", "cancelled": True}]})
    (one,) = there.classes()
    assert (one["availableSeats"], one["location"], one["cancelled"]) == (3, "Oslo", True)
    there.standin.seed({"forget_classes": [CLASS, "nothing"]})
    assert there.classes() == []


def test_the_clock_can_stand_still_by_a_setting(there: Provider) -> None:
    there.standin.seed({"now": "2027-03-01T12:00:00+01:00", "restorable_s": 60})
    there.add()
    there.booked()
    there.post(CANCEL)
    there.go_on(3600)
    assert there.post(RESTORE).status == 200


def test_reset_forgets_everything_and_no_reference_comes_again(there: Provider) -> None:
    there.booked()
    first = there.standin.state()["bookings"][0]["portal_reference"]
    there.standin.seed({"username": "other"})
    there.standin.reset()
    there.booked()
    assert there.standin.state()["bookings"][0]["portal_reference"] != first
    assert said(there.add())["externalId"] == CLASS
