"""The rules of retention, and when two texts mean one person."""

from datetime import datetime

import pytest

from integrator.domain.retention import Periods, class_over_at, due, normalised, parts_about, person_from, texts_of
from integrator.errors import UsageError

DAY = 86_400
PERIODS = Periods(participants_days=90, orders_days=1_000)


@pytest.mark.parametrize(
    ("day", "anonymised", "expected"),
    [
        (89, False, None),
        (90, False, "participants"),
        (90, True, None),
        (989, True, None),
        (990, True, "order"),
        (990, False, "order"),
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
