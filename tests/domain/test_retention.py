"""The rules of retention, and when two texts mean one person."""

from datetime import UTC, datetime

import pytest

from integrator.domain.retention import (
    Periods,
    class_over_at,
    due,
    kept_until,
    normalised,
    parts_about,
    person_from,
    texts_of,
)
from integrator.errors import UsageError

DAY = 86_400
PERIODS = Periods(participants_days=90, orders_days=1_000, orderlines_days=365)


@pytest.mark.parametrize(
    ("day", "anonymised", "expected"),
    [
        (89, False, None),
        (90, False, "participants"),
        (90, True, None),
        (999, True, None),
        (1_000, True, "order"),
        (1_000, False, "order"),
    ],
)
def test_participants_go_after_the_class_and_the_order_after_bookkeeping(day, anonymised, expected):
    """The class is over on day 0, and was ordered ten days before."""
    found = due(PERIODS, over_at=0, completed_at=-10 * DAY, anonymised=anonymised, now=day * DAY)
    assert found == expected


def test_an_order_whose_class_lies_ahead_stays_whatever_its_age():
    assert due(PERIODS, over_at=2_000 * DAY, completed_at=0, anonymised=False, now=1_500 * DAY) is None


def test_a_class_without_an_end_is_over_with_its_last_day_or_when_it_was_ordered():
    days = {"days": [{"date": "2027-03-02"}, {"date": "2027-03-01"}], "end": None}
    assert class_over_at(None, days, 5) == datetime.fromisoformat("2027-03-02T23:59:59+01:00").timestamp()
    assert class_over_at(None, {"end": "soon", "days": None}, 5) == 5
    assert class_over_at("2027-03-05T16:00:00+01:00", days, 5) > class_over_at(None, days, 5)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (" Anna@Example.org", "anna@example.ORG", "email"),
        ("+45 12 34 56 78", "0045-12345678", "phone"),
        ("12345678", "45 (12) 34.56-78", "phone"),
        ("Åse  Ærøskov", "åse ærøskov", "name"),
        ("A\u030ase Holm", "Åse Holm", "name"),  # a ring of its own above the A
    ],
)
def test_ways_of_writing_one_person_are_one(one, other, kind):
    assert person_from(one).kind == person_from(other).kind == kind
    assert person_from(one).value == person_from(other).value


@pytest.mark.parametrize("text", ["", " ", "anna", "@", "1234", "a@b"])
def test_what_names_nobody_is_refused_and_not_repeated(text):
    with pytest.raises(UsageError, match="expected an e-mail address"):
        person_from(text)
    assert normalised("phone", "ext. 12") is None


def test_a_longer_word_is_another_person():
    anna = person_from("anna@example.org")
    assert anna.is_in("anna@example.org, Anna@Example.org; <anna@example.org>") == 3
    assert anna.is_in("joanna@example.org anna@example.organisation") == 0
    assert person_from("Anna Holm").is_in("Anna Holmgaard, Joanna Holm") == 0
    assert person_from("12345678").is_in("call +45 12 34 56 78, not 123456789") == 1


def test_of_an_object_only_the_persons_own_part_is_theirs():
    body = {
        "order": {"contact": {"name": "Carl Dam", "email": "carl@example.org"}},
        "participants": [
            {"first_name": "Anna", "last_name": "Holm", "email": "anna@example.org"},
            {"first_name": "Bo", "last_name": "Holm", "email": "bo@example.org", "comment": "came with Anna Holm"},
        ],
    }
    assert parts_about(body, person_from("anna@example.org")) == [body["participants"][0]]
    assert parts_about(body, person_from("Anna Holm")) == [body["participants"][0]]
    assert parts_about(body, person_from("carl dam")) == [body["order"]["contact"]]
    assert "Bo Holm" in set(texts_of(body))


# how long an order is kept -----------------------------------------------------------------------------

YEARS = 365 * 6


def at(day: str) -> float:
    return datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("year", range(2024, 2034))
def test_2190_days_are_never_less_than_five_years_from_the_end_of_the_year(year: int, month: int) -> None:
    for day in (1, 28):
        base = at(f"{year}-{month:02}-{day:02}")
        until = datetime.fromtimestamp(kept_until(base, YEARS), UTC)
        assert until >= datetime(year + 6, 1, 1, tzinfo=UTC)
        assert until.timestamp() >= base + YEARS * DAY


def test_what_is_kept_for_less_than_a_year_goes_on_its_day() -> None:
    assert kept_until(at("2027-12-30"), 10) == at("2028-01-09")


def test_an_order_is_kept_from_the_later_of_its_day_and_its_class() -> None:
    periods = Periods(participants_days=90, orders_days=YEARS, orderlines_days=365)
    ordered, held = at("2026-12-30"), at("2027-01-20")

    def rule(now: str) -> str | None:
        return due(periods, over_at=held, completed_at=int(ordered), anonymised=True, now=at(now))

    assert (rule("2032-12-31"), rule("2033-01-18")) == (None, "order")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna@ærøskøbing.example.org", "anna@xn--rskbing-lxa7nc.example.org"),
        ("Anna@ÆRØSKØBING.example.org", "anna@ærøskøbing.example.org"),
    ],
)
def test_an_address_is_the_same_with_its_domain_in_letters_and_as_it_travels(one: str, other: str) -> None:
    assert normalised("email", one) == normalised("email", other) == "anna@xn--rskbing-lxa7nc.example.org"
    for typed in (one, other):
        assert [person_from(typed).is_in(f"to: {text}, at once") for text in (one, other)] == [1, 1]


def test_what_is_no_address_stays_as_it_is() -> None:
    assert normalised("email", "a@b..Example") == "a@b..example"
