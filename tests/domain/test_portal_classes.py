"""What becomes of a class at a reseller: what it is told, what is refused, and what is left as it is."""

from datetime import UTC, datetime

import msgspec
import pytest

from integrator.domain import portal_classes as rules
from integrator.domain.courses import Venue
from integrator.domain.portal import Address, ClassFacts, PortalClass, PortalCourse
from integrator.domain.portal_classes import Memory, Standing, Terms
from integrator.errors import GuardTripped
from portal_shop import HALL, a_class

NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)
TERMS = Terms(1, 14)


def decided(course=None, *, known=None, there=False, held=0, terms=TERMS, now=NOW, **standing):
    found = Standing(course or a_class(), **standing)
    return rules.decide(found, "GSK", known=known, there=there, held=held, terms=terms, now=now)


def facts(**changes):
    return msgspec.structs.replace(decided().facts, **changes)


def theirs(**changes):
    return msgspec.convert(msgspec.to_builtins(facts()) | changes, PortalClass)


def test_an_open_class_is_told_with_its_days_place_price_and_free_seats():
    assert decided() == rules.Decision(
        "publish",
        ClassFacts(
            course_id="GSK",
            class_id="25172-04",
            location="Havnehallen",
            seats=7,
            enrollment_deadline="2027-02-28",
            cancellation_deadline="2027-02-15",
            start_date="2027-03-01",
            start_time="09:00",
            end_date="2027-03-03",
            end_time="16:00",
            address=Address("Havnen 1", "", "Esbjerg", "6700", "DK"),
            currency="NOK",
            price_minor=1_499_500,
        ),
    )


def test_a_day_without_a_time_is_told_without_one():
    found = decided(a_class(start="2027-03-01", end="2027-03-03")).facts
    assert (found.start_date, found.start_time, found.end_date, found.end_time) == (
        "2027-03-01",
        None,
        "2027-03-03",
        None,
    )


def test_seats_that_we_hold_are_not_sold_there_and_never_fewer_than_none():
    assert decided(held=3).facts.seats == 4
    assert decided(held=9).facts.seats == 0
    assert decided(a_class(status="full", seats_free=2)).facts.seats == 0


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"currency": "DKK"}, "currency", "DKK"),
        ({"currency": "SEK"}, "currency", "NOK, EUR, USD, GBP"),
        ({"price_minor": None}, "no_price", "price"),
        ({"currency": None}, "no_price", "price"),
        ({"start": None}, "no_date", "start"),
        ({"end": None}, "no_date", "end"),
        ({"venue": None}, "no_address", "venue"),
        ({"venue": Venue("Online (Teams)", None, None, None, None)}, "no_address", "address, zip, city, country"),
        ({"venue": msgspec.structs.replace(HALL, zip=None)}, "no_address", "no zip"),
        ({"seats_free": None}, "seats_unknown", "how many seats"),
    ],
)
def test_a_class_that_cannot_be_told_is_refused_with_a_reason(changes, code, words):
    found = decided(a_class(**changes))
    assert (found.action, found.facts, found.refusal.code) == ("leave", None, code)
    assert words in found.refusal.reason


@pytest.mark.parametrize("currency", ["NOK", "EUR", "USD", "GBP"])
def test_the_four_currencies_on_their_list_are_told(currency):
    assert decided(a_class(currency=currency)).facts.currency == currency


def test_another_currency_is_told_only_where_somebody_asked_for_that():
    assert decided(a_class(currency="SEK"), terms=Terms(1, 14, any_currency=True)).facts.currency == "SEK"


def test_a_published_class_that_cannot_be_told_any_more_sells_nothing_there():
    found = decided(a_class(currency="SEK"), known=facts(), there=True)
    assert (found.action, found.facts, found.refusal.code) == ("close", facts(seats=0), "currency")


@pytest.mark.parametrize("status", ["planned", "closed", "waitlist", "unknown", "cancelled"])
def test_a_published_class_that_is_not_open_stays_there_without_seats(status):
    moved = a_class(status=status, start="2027-03-02T09:00:00+01:00")
    assert decided(moved).action == "leave"
    found = decided(moved, known=facts(), there=True)
    assert (found.action, found.facts.seats, found.facts.start_date, found.refusal) == ("close", 0, "2027-03-02", None)


def test_a_class_missing_from_one_list_sells_nothing_until_the_next_list_decides():
    assert decided(there=True, known=facts(), missing=True) == rules.Decision("close", facts(seats=0))
    assert decided(there=True, known=facts(), missing=True, gone=True) == rules.Decision("cancel")


def test_a_class_that_has_begun_or_cannot_be_read_is_left_alone_whatever_is_said_of_it():
    begun = datetime(2027, 3, 1, 8, 0, 1, tzinfo=UTC)
    for gone in (False, True):
        assert decided(there=True, known=facts(), gone=gone, now=begun) == rules.Decision("leave")
        assert decided(there=True, known=facts(), gone=gone, readable=False) == rules.Decision("leave")
    assert decided(a_class(start=None, end="2027-01-14T16:00:00+01:00"), there=True) == rules.Decision("leave")
    assert decided(a_class(status="held"), there=True, known=facts()) == rules.Decision("leave")


def test_courses_are_named_as_we_are_registered_for_them():
    listed = [PortalCourse("25180"), PortalCourse("GSK-4D"), PortalCourse("25172")]
    assert rules.registered(listed, {"GSK-4D": "25172", "NOT-THERE": "25191"}) == {"25180": "25180", "25172": "GSK-4D"}


# comparing ----------------------------------------------------------------------------------------


def test_only_what_differs_is_to_be_sent():
    found = rules.compared(facts(), theirs(seats=3, location="Hall 2"), None)
    assert (found.differs, found.stubborn) == ({"seats": 3, "location": "Hall 2"}, ())
    assert rules.compared(facts(), theirs(), None).differs == {}


def test_what_they_do_not_say_is_taken_as_we_left_it():
    memory = Memory("25172-04", "GSK", "published", facts())
    silent = theirs(location=None, address=None, start_time=None)
    assert rules.compared(facts(), silent, memory).differs == {}
    assert sorted(rules.compared(facts(), silent, None).differs) == ["address", "location", "start_time"]
    assert rules.as_seen(silent, facts(), rules.compared(facts(), silent, memory)) == theirs()


def test_blanks_around_a_text_are_no_difference():
    there = theirs(location=" Havnehallen", address=msgspec.structs.replace(theirs().address, city="Esbjerg "))
    wanted = facts(address=msgspec.structs.replace(facts().address, city=" Esbjerg"))
    memory = Memory(
        "25172-04", "GSK", "published", facts(address=msgspec.structs.replace(wanted.address, city="Esbjerg"))
    )
    assert rules.compared(wanted, there, memory).differs == {}
    assert rules.drifted(there, memory) == []
    assert rules.differing(wanted, there) == []
    assert rules.after_sending(wanted, {"location": "Havnehallen "}, None).sent == {}


CHANGES = (
    {},
    {"location": None},
    {"location": "HAVNEHALLEN"},
    {"price_minor": 1},
    {"start_time": None},
    {"seats": None},
)


@pytest.mark.parametrize("wish", [{}, {"start_time": None}, {"location": "Hall 2 ", "seats": 1}])
@pytest.mark.parametrize("there", CHANGES)
@pytest.mark.parametrize("known", [None, {}, {"location": "HAVNEHALLEN"}])
def test_a_sender_finds_the_differences_that_were_decided_on(wish, there, known):
    wanted, seen = facts(**wish), theirs(**there)
    memory = None if known is None else rules.after_sending(facts(), known, None)
    found = rules.compared(wanted, seen, memory)
    assert rules.differing(wanted, rules.as_seen(seen, wanted, found)) == list(found.differs)


def test_a_time_that_we_do_not_know_is_not_taken_away_from_them():
    wanted = facts(start_time=None)
    found = rules.compared(wanted, theirs(), None)
    assert found.differs == {}
    assert rules.at_rest(wanted, found, None).facts.start_time == "09:00"


def test_what_they_keep_their_own_way_is_not_sent_a_third_time():
    wanted, kept = facts(), theirs(location="HAVNEHALLEN")
    first = rules.after_sending(wanted, None, None)
    second = rules.compared(wanted, kept, first)
    assert second.differs == {"location": "HAVNEHALLEN"}
    third = rules.compared(wanted, kept, rules.after_sending(wanted, None, second))
    assert (third.differs, third.stubborn) == ({}, ("location",))
    resting = rules.at_rest(wanted, third, rules.after_sending(wanted, None, second))
    assert rules.compared(wanted, kept, resting).stubborn == ("location",)
    assert rules.drifted(kept, resting) == []
    assert rules.as_seen(kept, wanted, third).location == "Havnehallen"


def test_what_their_answer_says_otherwise_at_once_is_not_even_sent_twice():
    wanted = facts()
    memory = rules.after_sending(wanted, {"location": "HAVNEHALLEN"}, None)
    assert memory.facts.location == "HAVNEHALLEN"
    assert rules.compared(wanted, theirs(location="HAVNEHALLEN"), memory).stubborn == ("location",)
    renamed = facts(location="Havnehal 2")
    assert rules.compared(renamed, theirs(location="HAVNEHALLEN"), memory).differs == {"location": "HAVNEHALLEN"}


def test_a_stubborn_field_stays_known_when_another_one_travels():
    wanted = facts()
    memory = rules.after_sending(wanted, {"location": "HAVNEHALLEN"}, None)
    fewer, there = facts(seats=2), theirs(location="HAVNEHALLEN")
    found = rules.compared(fewer, there, memory)
    assert (found.differs, found.stubborn) == ({"seats": 7}, ("location",))
    after = rules.after_sending(fewer, msgspec.to_builtins(fewer), found)
    assert rules.drifted(theirs(location="HAVNEHALLEN", seats=2), after) == []
    assert rules.compared(fewer, theirs(location="HAVNEHALLEN", seats=2), after).stubborn == ("location",)


def test_seats_are_sent_again_as_often_as_they_differ():
    first = rules.compared(facts(), theirs(seats=3), None)
    again = rules.compared(facts(), theirs(seats=3), rules.after_sending(facts(), None, first))
    assert (again.differs, again.stubborn) == ({"seats": 3}, ())


def test_what_somebody_changed_there_has_drifted():
    memory = Memory("25172-04", "GSK", "published", facts())
    assert rules.drifted(theirs(), memory) == []
    assert rules.drifted(theirs(location="Hall 2", price_minor=1), memory) == ["location", "price_minor"]
    assert rules.drifted(None, memory) == ["class"]
    assert rules.drifted(theirs(cancelled=True), memory) == ["class"]


# where it is, and how many --------------------------------------------------------------------------


def test_a_class_under_another_course_than_its_own_is_for_a_person():
    here, elsewhere = theirs(course_id="GSK"), theirs(course_id="OLD")
    memory = Memory("25172-04", "OLD", "published", facts())
    assert rules.elsewhere("GSK", here, None) is None
    assert rules.elsewhere(None, None, None) is None
    assert rules.elsewhere("GSK", elsewhere, None).code == "other_course"
    assert rules.elsewhere("GSK", None, memory).code == "other_course"
    assert rules.elsewhere(None, None, memory).code == "course_gone"
    assert rules.elsewhere(None, None, memory, gone=True) is None
    assert rules.elsewhere("GSK", theirs(course_id="OLD", cancelled=True), None) is None


@pytest.mark.parametrize(
    ("expected", "lost", "trips"), [(0, 0, False), (1, 1, True), (2, 1, False), (3, 2, True), (10, 5, False)]
)
def test_most_of_our_classes_gone_at_once_stops_the_run(expected, lost, trips):
    rules.guard_lost(expected=expected, lost=lost, max_percent=50, allowed=True)
    if trips:
        with pytest.raises(GuardTripped, match=f"{lost} of our {expected}"):
            rules.guard_lost(expected=expected, lost=lost, max_percent=50, allowed=False)
    else:
        rules.guard_lost(expected=expected, lost=lost, max_percent=50, allowed=False)


def test_a_guard_of_a_hundred_percent_still_stops_at_all_of_them():
    with pytest.raises(GuardTripped):
        rules.guard_lost(expected=4, lost=4, max_percent=100, allowed=False)
    rules.guard_lost(expected=4, lost=3, max_percent=100, allowed=False)
