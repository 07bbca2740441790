"""Remarks are counted, with a few examples each; a source holds what it sent, readable or not."""

import pytest

from integrator.domain.fetched import Bad, Fetched, Note, Notes


def test_remarks_are_counted_by_code_with_the_first_five_as_examples():
    notes = Notes()
    for number in range(7):
        notes.add(f"k{number}", [Note("seats_disagree"), Note("unknown_status", "status", "x")])
    assert notes.counts == {"seats_disagree": 7, "unknown_status": 7}
    assert [key for key, _ in notes.examples["unknown_status"]] == ["k0", "k1", "k2", "k3", "k4"]
    assert notes.examples["unknown_status"][0][1] == Note("unknown_status", "status", "x")


def test_no_remark_leaves_no_trace():
    notes = Notes()
    notes.add("k", [])
    assert (notes.counts, notes.examples) == ({}, {})


def test_a_source_holds_what_is_unchanged_new_or_unreadable():
    fetched = Fetched(unchanged={"a"}, records={"b": (b"", b"")}, bad={"c": Bad("x", None, "x")})
    assert [fetched.holds(key) for key in "abcd"] == [True, True, True, False]


def test_two_answers_share_nothing():
    Fetched().unchanged.add("a")
    assert not Fetched().holds("a")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (
            Bad("bad_int", "seats_free", "seats_free is not a whole number"),
            "seats_free is not a whole number (bad_int)",
        ),
        (Bad("end_before_start", "end", "ends before it starts"), "end: ends before it starts (end_before_start)"),
        (Bad("bad_json", None, "the record is not JSON"), "the record is not JSON (bad_json)"),
    ],
)
def test_a_reason_names_its_field_once_and_ends_with_its_code(bad, reason):
    assert bad.reason == reason
