"""Forms that are no forms: other types, unknown keys, thousands of everything. Each is refused, in bounded work."""

import pytest

from .order_forms import SENT, only_problem, problems, refusal, sent

OTHERS = [(5, "et tal", "a number"), (1.5, "et tal", "a number"), (float("nan"), "et tal", "a number")]
OTHERS += [(True, "ja/nej", "yes/no"), ([], "en liste", "a list"), ({}, "et objekt", "an object")]
OTHERS += [(b"x", "noget andet", "something else")]


@pytest.mark.parametrize(("value", "danish", "english"), OTHERS)
def test_another_type_than_text_is_said(value, danish, english):
    form = sent(participants__1__email=value)
    problem = only_problem(form, language="da")
    assert (problem.field, problem.code) == ("participants[1].email", "not_text")
    assert problem.message == f"Her skal stå tekst, ikke {danish}."
    assert only_problem(form).message == f"This must be text, not {english}."


@pytest.mark.parametrize("value", [5, "x", True, []])
@pytest.mark.parametrize("part", ["customer", "company"])
def test_a_part_that_is_no_object_is_said(part, value):
    problem = only_problem(sent(**{part: value})) if part == "company" else refusal(sent(**{part: value})).problems[0]
    assert (problem.field, problem.code) == (part, "not_object")


@pytest.mark.parametrize("value", [5, "x", False, {}])
def test_participants_are_a_list(value):
    problem = only_problem(sent(participants=value))
    assert (problem.field, problem.code) == ("participants", "not_list")


def test_a_participant_is_an_object():
    assert problems(sent(participants=[None, "Anna"])) == [
        ("participants[0]", "not_object"),
        ("participants[1]", "not_object"),
    ]


@pytest.mark.parametrize("data", [None, [], [SENT], "form", 5, True, float("inf"), {1, 2}])
def test_a_form_that_is_no_object_is_one_problem(data):
    problem = only_problem(data)
    assert (problem.field, problem.code) == ("form", "not_object")


def test_an_unknown_key_is_named_with_those_that_are_known():
    form = sent(customer__emial="x", participants__0__age="x", invoice={}, company__vat="x")
    told = {problem.field: (problem.code, problem.message) for problem in refusal(form, language="da").problems}
    assert told == {
        "invoice": (
            "unknown_field",
            "Feltet er ukendt. Kendte felter: customer, company, participants, accepted_terms_at.",
        ),
        "customer.emial": ("unknown_field", "Feltet er ukendt. Kendte felter: name, email, phone."),
        "company.vat": (
            "unknown_field",
            "Feltet er ukendt. Kendte felter: name, cvr, address, zip, city, country, ean, purchase_order, attention.",
        ),
        "participants[0].age": (
            "unknown_field",
            "Feltet er ukendt. Kendte felter: first_name, last_name, email, phone, job_title, comment.",
        ),
    }


@pytest.mark.parametrize("key", ["anna@example.org", "Åse", "a\nb", "", "\ud800", 5, None, "x" * 1000])
def test_a_key_that_is_no_name_is_not_repeated(key):
    form = sent()
    form["customer"][key] = "x"
    error = refusal(form)
    assert [(problem.field, problem.code) for problem in error.problems] == [("customer", "unknown_field")]
    assert error.message == "the form has 1 problem: customer"


@pytest.mark.parametrize(
    ("language", "last"), [("da", "Der er også 22 andre fejl."), ("en", "There are also 22 other problems.")]
)
def test_more_than_40_problems_are_counted_in_a_last_one(language, last):
    people = [{"first_name": "Anna"} for _ in range(31)]
    error = refusal(sent(participants=people), seats=31, language=language)
    assert error.count == 62
    assert len(error.problems) == 41
    assert (error.problems[-1].field, error.problems[-1].code) == ("form", "more_problems")
    assert error.problems[-1].message == last
    assert error.message.startswith("the form has 62 problems: participants[0].last_name, participants[0].email, ")


def test_a_41st_problem_alone_is_counted_in_its_own_words():
    people = [{"first_name": "Anna"} for _ in range(20)]
    error = refusal(sent(participants=people, customer__name=""), seats=20, language="da")
    assert error.problems[-1].message == "Der er også én anden fejl."


def test_ten_thousand_participants_are_not_looked_through():
    people = [{"first_name": 5} for _ in range(10_000)]
    error = refusal(sent(participants=people))
    assert error.count == 1 + 40 * 3
    assert error.problems[0].message == "2 seats are reserved, but 10000 participants are given."


def test_a_hundred_thousand_unknown_keys_are_only_counted():
    error = refusal(sent() | {f"key{number}": 1 for number in range(100_000)})
    assert (error.count, len(error.problems)) == (100_000, 41)


def test_a_value_nested_a_thousand_times_is_just_no_text():
    nested = []
    for _ in range(1000):
        nested = [nested]
    assert problems(sent(customer__name=nested, company__cvr={"a": nested})) == [
        ("customer.name", "not_text"),
        ("company.cvr", "not_text"),
    ]


@pytest.mark.parametrize("text", ["x" * 10_000_000, "\n" * 10_000_000, "\0" * 10_000_000, "@" * 10_000_000])
def test_a_huge_text_is_too_long_whatever_it_holds(text):
    assert problems(sent(customer__email=text, participants__0__comment=text)) == [
        ("customer.email", "too_long"),
        ("participants[0].comment", "too_long"),
    ]
