"""What people write of a completion: dates, statuses, and what goes with what."""

from datetime import date, datetime

import pytest

from integrator.domain.completion import date_from, outcome, status_from
from integrator.domain.portal import STATUSES
from integrator.errors import UsageError

TODAY = date(2027, 3, 15)


@pytest.mark.parametrize(
    "written",
    [
        *("2027-03-05", "05-03-2027", "5.3.2027", "05.03.2027", "5/3-2027", "05/03-2027", "5/3/2027", " 2027-3-5 "),
        *("2027-03-05 00:00:00", "2027-03-05T00:00", "05-03-2027 00:00"),
        *(date(2027, 3, 5), datetime(2027, 3, 5)),
    ],
)
def test_a_date_is_read_as_danes_norwegians_and_machines_write_it(written: str | date) -> None:
    assert date_from(written, today=TODAY) == date(2027, 3, 5)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        *(
            (text, "not a date")
            for text in ("", "i går", "5. marts", "05-03-27", "46461", "2027-03", "2027-03-05 14:30")
        ),
        *((text, "no such date") for text in ("2027-02-29", "31-04-2027", "03/15/2027", "00-01-2027", "2027-13-01")),
        ("2027-03-16", "still to come"),
        ("01-01-2028", "still to come"),
        ("1999-12-31", "before 2000"),
        ("0001-01-01", "before 2000"),
        (datetime(2027, 3, 5, 14, 30), "time of day"),
        ("２０２７-03-05", "not a date"),
    ],
)
def test_what_is_no_date_or_cannot_be_one_is_refused(written: str | date, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        date_from(written, today=TODAY)


def test_today_and_the_first_day_of_2000_are_dates_of_completion() -> None:
    assert date_from("2027-03-15", today=TODAY) == TODAY
    assert date_from("1-1-2000", today=TODAY) == date(2000, 1, 1)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("COMPLETED", "completed", "Gennemført", "BESTÅET", "Besta\u030aet", "passed", "Gjennomført"), "COMPLETED"),
        (("NO_SHOW", "no show", "No-Show", "noshow", "Udeblevet", " ikke  mødt "), "NO_SHOW"),
        (("FAILED", "Ikke bestået", "ikke-bestået", "dumpet"), "FAILED"),
        (("NEW", "ny", "Tilmeldt"), "NEW"),
    ],
)
def test_a_status_is_read_in_three_languages(words: tuple[str, ...], status: str) -> None:
    assert {status_from(word) for word in words} == {status}


@pytest.mark.parametrize("word", ["", "DONE", "COMPLETE D", "måske", "WITHDRAWN"])
def test_another_word_is_refused_and_not_repeated(word: str) -> None:
    with pytest.raises(
        UsageError, match=r"unknown status: one of NEW, NO_SHOW, FAILED, COMPLETED is expected; .* udeblevet"
    ):
        status_from(word)


def test_a_completion_has_a_date_and_nothing_else_has_one() -> None:
    assert outcome("completed", "5.3.2027", today=TODAY) == ("COMPLETED", "2027-03-05")
    assert outcome("NO_SHOW", "  ", today=TODAY) == ("NO_SHOW", None)
    with pytest.raises(UsageError, match="COMPLETED needs the date of the completion"):
        outcome("COMPLETED", None, today=TODAY)
    for status in set(STATUSES) - {"COMPLETED"}:
        with pytest.raises(UsageError, match=f"{status} takes no date"):
            outcome(status, "2027-03-05", today=TODAY)
