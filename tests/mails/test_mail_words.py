"""Dates, times, money and places in words."""

from datetime import date
from typing import Any

import pytest

from integrator.mails import words
from integrator.mails.facts import Company, Course, Place, Session


def course(*days: str, **more: Any) -> Course:
    return Course(id="1-1", title="T", days=[Session(date.fromisoformat(day)) for day in days], **more)


@pytest.mark.parametrize(
    ("days", "danish", "english"),
    [
        ([], "", ""),
        (["2027-03-01"], "1. marts 2027", "1 March 2027"),
        (["2027-03-01", "2027-03-01"], "1. marts 2027", "1 March 2027"),
        (["2027-03-03", "2027-03-01", "2027-03-02"], "1.–3. marts 2027", "1–3 March 2027"),
        (["2027-03-30", "2027-03-31", "2027-04-01"], "30. marts – 1. april 2027", "30 March – 1 April 2027"),
        (
            ["2026-12-31", "2027-01-01"],
            "31. december 2026 – 1. januar 2027",
            "31 December 2026 – 1 January 2027",
        ),
        (["2027-03-01", "2027-04-05"], "1. marts og 5. april 2027", "1 March and 5 April 2027"),
        (["2026-12-01", "2027-01-05"], "1. december 2026 og 5. januar 2027", "1 December 2026 and 5 January 2027"),
        (
            ["2027-03-01", "2027-03-02", "2027-03-08", "2027-03-15"],
            "1.–2. marts, 8. marts og 15. marts 2027",
            "1–2 March, 8 March and 15 March 2027",
        ),
        (
            ["2027-03-01", "2027-03-08", "2027-03-15", "2027-03-22"],
            "1.–22. marts 2027 (4 dage)",
            "1–22 March 2027 (4 days)",
        ),
    ],
)
def test_the_days_of_a_course_in_short(days: list[str], danish: str, english: str) -> None:
    assert words.when(course(*days), "da") == danish
    assert words.when(course(*days), "en") == english


def test_without_days_start_and_end_tell() -> None:
    found = course(start="2027-03-01T09:00:00+01:00", end="2027-03-12T16:00:00+01:00")
    assert words.when(found, "da") == "1.–12. marts 2027"
    assert words.when(course(start="2027-03-01"), "en") == "1 March 2027"


@pytest.mark.parametrize(
    ("start", "end", "danish", "english"),
    [
        ("09:00", "16:00", " kl. 9.00–16.00", ", 9:00–16:00"),
        ("09:00", None, " fra kl. 9.00", ", from 9:00"),
        (None, "16:30", " til kl. 16.30", ", until 16:30"),
        (None, None, "", ""),
    ],
)
def test_a_session_in_words(start: str | None, end: str | None, danish: str, english: str) -> None:
    found = Session(date(2027, 3, 1), start, end)
    assert words.session(found, "da") == f"mandag den 1. marts 2027{danish}"
    assert words.session(found, "en") == f"Monday 1 March 2027{english}"


def test_an_instant_is_on_copenhagens_clock_in_summer_and_winter() -> None:
    assert words.instant("2026-11-21T10:00:00+01:00", "da") == "21. november 2026 kl. 10.00"
    assert words.instant("2026-07-01T22:30:00Z", "da") == "2. juli 2026 kl. 0.30"
    assert words.instant("2026-12-31T23:30:00+00:00", "en") == "1 January 2027, 0:30"
    assert words.instant(None, "da") == words.instant("i går", "da") == ""


@pytest.mark.parametrize(
    ("minor", "currency", "danish", "english"),
    [
        (1499500, "DKK", "14.995,00 kr.", "DKK 14,995.00"),
        (0, "DKK", "0,00 kr.", "DKK 0.00"),
        (99, "EUR", "0,99 EUR", "EUR 0.99"),
        (123456789012345, "DKK", "1.234.567.890.123,45 kr.", "DKK 1,234,567,890,123.45"),
        (1499500, None, "14.995,00", "14,995.00"),
        (None, "DKK", "", ""),
    ],
)
def test_money_in_both_languages(minor: int | None, currency: str | None, danish: str, english: str) -> None:
    assert words.money(minor, currency, "da") == danish
    assert words.money(minor, currency, "en") == english


def test_a_session_without_place_is_where_the_course_is() -> None:
    held = course(venue=Place(name="Kursuscenter Nord", city="Hellerup"))
    assert words.place(Session(date(2027, 3, 1)), held) == "Kursuscenter Nord, Hellerup"
    assert words.place(Session(date(2027, 3, 1), city="Aarhus"), held) == "Aarhus"
    assert words.place(Session(date(2027, 3, 1)), course()) == ""


def test_an_address_leaves_denmark_unsaid() -> None:
    assert words.address(Place("A", "B 1", "2900", "Hellerup", "Danmark")) == ["A", "B 1", "2900 Hellerup"]
    assert words.address(Company(name="A", city="Malmö", country="Sverige")) == ["A", "Malmö", "Sverige"]
    assert words.address(None) == []
