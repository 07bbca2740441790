"""The calendar file, read back with the library calendar programs could be using."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil.rrule import rrulestr

from integrator.domain.mails import Attachment
from integrator.mails import Postroom
from integrator.mails.samples import sample

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


def facts(*days: tuple[str, str | None, str | None], language: str = "da", **course: Any) -> dict[str, Any]:
    made = sample("confirmation-participant", language)
    names = ("date", "start_time", "end_time")
    made["class"]["days"] = [dict(zip(names, day, strict=True)) | {"venue": None, "city": None} for day in days]
    made["class"] |= course
    return made


def file_of(postroom: Postroom, made: dict[str, Any]) -> Attachment:
    (attachment,) = postroom.mail(made).attachments
    return attachment


def events(attachment: Attachment) -> list[icalendar.Event]:
    return list(icalendar.Calendar.from_ical(attachment.content).walk("VEVENT"))


def spans(attachment: Attachment) -> list[tuple[str, str]]:
    """From and to of every entry, in UTC."""
    return [(_utc(event["DTSTART"].dt), _utc(event["DTEND"].dt)) for event in events(attachment)]


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def test_summer_and_winter_give_the_right_instants(postroom: Postroom) -> None:
    winter, summer = ("2027-03-01", "09:00", "16:00"), ("2027-06-01", "09:00", "16:00")
    assert spans(file_of(postroom, facts(winter, summer))) == [
        ("2027-03-01 08:00", "2027-03-01 15:00"),
        ("2027-06-01 07:00", "2027-06-01 14:00"),
    ]


def test_an_evening_that_ends_at_midnight_has_an_end(postroom: Postroom) -> None:
    assert spans(file_of(postroom, facts(("2027-03-01", "18:00", "24:00")))) == [
        ("2027-03-01 17:00", "2027-03-01 23:00")
    ]


def test_days_on_which_the_clock_is_changed(postroom: Postroom) -> None:
    spring, autumn = ("2027-03-28", "01:30", "09:00"), ("2027-10-31", "01:30", "09:00")
    assert spans(file_of(postroom, facts(spring, autumn))) == [
        ("2027-03-28 00:30", "2027-03-28 07:00"),
        ("2027-10-30 23:30", "2027-10-31 08:00"),
    ]


def test_the_rule_of_the_zone_says_what_tzdata_says(postroom: Postroom) -> None:
    calendar = icalendar.Calendar.from_ical(file_of(postroom, facts(("2027-03-01", "09:00", None))).content)
    (zone,) = calendar.walk("VTIMEZONE")
    changes = 0
    for part in zone.subcomponents:
        before, after = part["TZOFFSETFROM"].td, part["TZOFFSETTO"].td
        rule = rrulestr(part["RRULE"].to_ical().decode(), dtstart=part["DTSTART"].dt)
        for onset in rule.between(datetime(2026, 1, 1), datetime(2036, 1, 1)):
            instant = (onset - before).replace(tzinfo=UTC)
            assert (instant - timedelta(seconds=1)).astimezone(COPENHAGEN).utcoffset() == before
            assert instant.astimezone(COPENHAGEN).utcoffset() == after
            changes += 1
    assert changes == 20


def test_the_head_names_a_published_calendar(postroom: Postroom) -> None:
    attachment = file_of(postroom, facts(("2027-03-01", "09:00", "16:00")))
    assert attachment.filename == "kursus-25172-04.ics"
    assert attachment.content_type == "text/calendar; charset=utf-8; method=PUBLISH"
    calendar = icalendar.Calendar.from_ical(attachment.content)
    assert (calendar["METHOD"], calendar["VERSION"]) == ("PUBLISH", "2.0")
    assert attachment.content.count(b"TZID=Europe/Copenhagen") == 2
    assert all(len(line) <= 75 for line in attachment.content.split(b"\r\n"))


def test_several_sessions_of_a_day_have_numbers_of_their_own(postroom: Postroom) -> None:
    made = facts(("2027-03-02", "19:00", "21:30"), ("2027-03-01", "09:00", "16:00"), ("2027-03-02", "09:00", "16:00"))
    attachment = file_of(postroom, made)
    assert [str(event["UID"]) for event in events(attachment)] == [
        "25172-04-2027-03-01-1@integrator.invalid",
        "25172-04-2027-03-02-1@integrator.invalid",
        "25172-04-2027-03-02-2@integrator.invalid",
    ]
    assert spans(attachment)[2] == ("2027-03-02 18:00", "2027-03-02 20:30")


@pytest.mark.parametrize(("start", "end"), [(None, None), (None, "16:00"), ("ved 9-tiden", None)])
def test_a_day_without_a_beginning_is_a_whole_day(postroom: Postroom, start: str | None, end: str | None) -> None:
    (event,) = events(file_of(postroom, facts(("2027-02-28", start, end))))
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2027, 2, 28), date(2027, 3, 1))


@pytest.mark.parametrize("end", [None, "09:00", "01:00"])
def test_an_end_that_is_not_later_is_left_out(postroom: Postroom, end: str | None) -> None:
    (event,) = events(file_of(postroom, facts(("2027-03-01", "09:00", end))))
    assert event["DTSTART"].dt.astimezone(UTC) == datetime(2027, 3, 1, 8, tzinfo=UTC)
    assert "DTEND" not in event


def test_without_days_start_and_end_become_one_entry(postroom: Postroom) -> None:
    made = facts(start="2027-03-01T09:00:00+01:00", end="2027-03-03T16:00:00+01:00")
    (event,) = events(file_of(postroom, made))
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2027, 3, 1), date(2027, 3, 4))


def test_without_any_date_there_is_no_file(postroom: Postroom) -> None:
    assert postroom.mail(facts(start=None, end=None)).attachments == ()


def test_nobodys_name_is_in_it_and_it_carries_no_clock(postroom: Postroom) -> None:
    made = facts(("2027-03-01", "09:00", "16:00"))
    attachment = file_of(postroom, made)
    text = attachment.content.decode()
    assert "sterg" not in text
    assert "Nordlys" not in text
    assert "DTSTAMP:20261121T090000Z" in text  # when the terms were accepted
    made["order"]["accepted_terms_at"] = None
    assert b"DTSTAMP:20270301T000000Z" in file_of(postroom, made).content


def test_an_english_entry_keeps_commas_and_long_titles_whole(postroom: Postroom) -> None:
    title = "Leadership; in practice, " + "æøå" * 60
    made = facts(("2027-03-01", "09:00", "16:00"), language="en", title=title)
    attachment = file_of(postroom, made)
    assert attachment.filename == "course-25172-04.ics"
    (event,) = events(attachment)
    assert str(event["SUMMARY"]) == title
    assert event["SUMMARY"].params["LANGUAGE"] == "en"
    assert str(event["LOCATION"]) == "Kursuscenter Nord, Hellerup"
