"""What a whole order form becomes, and how it is told apart from another one."""

import msgspec
import pytest

from integrator.domain.orders import Attendee, Company, Customer, Form, canonical, form_data, form_hash

from .order_forms import SENT, only_problem, problems, read, refusal, sent


def reversed_keys(value):
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(one) for one in value] if isinstance(value, list) else value


def test_a_form_is_taken_as_it_was_sent():
    assert read(SENT) == Form(
        customer=Customer("Gitte Kjærgård", "gitte.kjaergaard@example.org", "+45 00 00 00 00"),
        company=Company(
            name="Ærø Værft A/S",
            cvr="00000000",
            address="Havnen 1",
            zip="5970",
            city="Ærøskøbing",
            country="DK",
            ean="5798000000001",
            purchase_order="PO-77",
            attention="Bogholderiet",
        ),
        participants=(
            Attendee("Søren", "Nørgård", "soeren.noergaard@example.org", "00000000", "Projektleder", "Vegetar"),
            Attendee("Åse", "Østergård", "aase.oestergaard@example.org", None, None, None),
        ),
        accepted_terms_at="2026-11-21T10:00:00+01:00",
    )


@pytest.mark.parametrize("company", [None, ..., {}, {"name": " ", "cvr": None, "country": "DK"}])
def test_a_private_customer_has_no_company(company):
    form = sent(company=company)
    if company is ...:
        del form["company"]
    assert read(form).company is None


def test_of_a_company_only_the_name_is_needed_and_its_country_is_denmark():
    company = read(sent(company={"name": "Ærø Værft A/S"})).company
    assert company == Company("Ærø Værft A/S", None, None, None, None, "DK", None, None, None)


def test_a_company_without_a_name_is_refused():
    problem = only_problem(sent(company={"cvr": "00000000"}), language="da")
    assert (problem.field, problem.code) == ("company.name", "missing")
    assert problem.message == "Skriv virksomhedens navn, eller udelad virksomheden helt."


@pytest.mark.parametrize("name", ["https://example.org/win", "Win at WWW.example.org"])
def test_a_web_address_is_nobody_s_name(name):
    problem = only_problem(sent(participants__0__last_name=name), language="en")
    assert (problem.field, problem.code) == ("participants[0].last_name", "web_address")


def test_empty_and_blank_values_are_no_values():
    form = sent(customer__phone="  ", company__ean="", company__zip=None, participants__0__comment=" \n ")
    taken = read(form)
    assert (taken.customer.phone, taken.company.ean, taken.company.zip) == (None, None, None)
    assert taken.participants[0].comment is None


def test_every_required_value_that_is_missing_is_told():
    assert problems({"participants": [{}], "customer": {}}, seats=1) == [
        ("customer.name", "missing"),
        ("customer.email", "missing"),
        ("participants[0].first_name", "missing"),
        ("participants[0].last_name", "missing"),
        ("participants[0].email", "missing"),
        ("accepted_terms_at", "missing"),
    ]


def test_of_an_empty_form_the_missing_parts_are_told():
    assert problems({}) == [
        ("customer.name", "missing"),
        ("customer.email", "missing"),
        ("participants", "missing"),
        ("accepted_terms_at", "missing"),
    ]


def test_all_problems_come_at_once_and_the_operator_reads_no_value():
    form = sent(customer__email="soeren@@example.org", participants__0__last_name="", accepted_terms_at="i går")
    error = refusal(form)
    assert error.exit_code == 2
    assert error.count == 3
    assert error.message == ("the form has 3 problems: customer.email, participants[0].last_name, accepted_terms_at")
    assert str(refusal(sent(customer__name=5))) == "the form has 1 problem: customer.name"


@pytest.mark.parametrize("language", ["da", None])
def test_messages_are_danish_unless_the_course_is_in_another_language(language):
    assert only_problem(sent(customer__name=""), language=language).message == "Feltet skal udfyldes."


@pytest.mark.parametrize("language", ["en", "sv"])
def test_messages_are_english_for_other_languages(language):
    assert only_problem(sent(customer__name=""), language=language).message == "This field must be filled in."


@pytest.mark.parametrize(
    ("seats", "language", "message"),
    [
        (3, "da", "Der er reserveret 3 pladser, men angivet 2 deltagere."),
        (1, "da", "Der er reserveret 1 plads, men angivet 2 deltagere."),
        (3, "en", "3 seats are reserved, but 2 participants are given."),
        (1, "en", "1 seat is reserved, but 2 participants are given."),
    ],
)
def test_there_are_as_many_participants_as_seats(seats, language, message):
    problem = only_problem(SENT, seats=seats, language=language)
    assert (problem.field, problem.code, problem.message) == ("participants", "wrong_number", message)


def test_no_participant_at_all_is_the_wrong_number():
    problem = only_problem(sent(participants=[]), seats=1)
    assert problem.message == "1 seat is reserved, but 0 participants are given."


def test_the_same_person_twice_is_refused_at_the_second_place():
    form = sent(
        participants__1={"first_name": " SØREN", "last_name": "nørgård", "email": "Soeren.Noergaard@EXAMPLE.ORG"}
    )
    problem = only_problem(form, language="da")
    assert (problem.field, problem.code) == ("participants[1]", "duplicate")
    assert problem.message == "Denne person er allerede angivet som deltager 1."


@pytest.mark.parametrize(
    "changes",
    [
        {"participants__1__email": "soeren.noergaard@example.org"},
        {"participants__1__first_name": "Søren", "participants__1__last_name": "Nørgård"},
    ],
)
def test_colleagues_may_share_an_address_or_a_name(changes):
    assert len(read(sent(**changes)).participants) == 2


def test_the_hash_is_the_same_for_the_same_content():
    other = sent(
        customer__name="  Gitte   Kjærga\u030ard ",
        customer__email="gitte.kjaergaard@EXAMPLE.org",
        company__cvr="DK 00 00 00 00",
        company__country="dk",
        participants__1__comment=None,
        accepted_terms_at="2026-11-21T09:05:00.250Z",  # the button was pressed a second time
    )
    assert form_hash(read(reversed_keys(other))) == form_hash(read(SENT))
    assert len(form_hash(read(SENT))) == 16


@pytest.mark.parametrize(
    "changes",
    [
        {"customer__phone": None},
        {"company": None},
        {"company__purchase_order": "PO-78"},
        {"participants__0__comment": "Veganer"},
        {"participants": [SENT["participants"][1], SENT["participants"][0]]},
    ],
)
def test_the_hash_is_another_for_other_content(changes):
    assert form_hash(read(sent(**changes))) != form_hash(read(SENT))


def test_a_form_comes_back_out_of_its_own_json():
    form = read(SENT)
    assert read(form_data(canonical(form))) == form
    assert msgspec.json.decode(canonical(form), type=Form) == form
