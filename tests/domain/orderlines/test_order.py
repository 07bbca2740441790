"""The mark that an order leaves on a case: found when it is ours, never when it is another's."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrator.domain.orderlines.order import Order, key_of, marker_in, named, order_of

ID_CHARS = string.ascii_letters + string.digits + "._-"
IDS = st.text(ID_CHARS, min_size=1, max_size=40)
MARKERS = (" -- OilMat: ", " -- OilMat:")
ORDER = Order("bennys", "0007", "560", "0005", "5.5")


def test_the_body_of_an_order_gives_the_order_again():
    assert order_of(ORDER.body) == ORDER
    assert ORDER.key == key_of("bennys", "0007") == "bennys/0007"


def test_the_same_id_of_two_workshops_is_two_orders():
    assert key_of("bennys", "0007") != key_of("karls", "0007")


@pytest.mark.parametrize("text", ["Olie -- OilMat: 0007", "Olie -- OilMat:0007", "OilMat:  0007 rest", "OilMat: 0007)"])
def test_a_marker_of_either_kind_is_found(text):
    assert marker_in(text, "0007")


@pytest.mark.parametrize("other", ["7", "007", "00071", "000", "0007.", "0007-1", "0007_", "10007", "x0007"])
def test_an_id_is_not_found_in_the_marker_of_another(other):
    assert not marker_in(f"Olie -- OilMat: {other}", "0007")
    assert not marker_in("Olie -- OilMat: 0007", other)


@pytest.mark.parametrize("text", ["", "0007", "Olie 0007", "OilMat 0007", "OilMat: ", "oilmat: 0007", "OilMat: x 0007"])
def test_an_id_without_its_marker_is_not_found(text):
    assert not marker_in(text, "0007")


@given(st.text(max_size=20), IDS, IDS, st.sampled_from(MARKERS))
def test_a_marker_is_its_own_ids_and_no_other_ones(name, one, other, marker):
    prefix = name.replace("OilMat", "") + marker
    assert marker_in(prefix + one, one)
    assert marker_in(prefix + one + " x", one)
    assert marker_in(prefix + one, other) == (one == other)


@given(IDS, st.text(ID_CHARS, min_size=1, max_size=5))
def test_a_longer_id_never_matches(one, more):
    assert not marker_in(f"OilMat: {one}{more}", one)
    assert not marker_in(f"OilMat: {one}", one + more)


@given(IDS.map(lambda one: one.replace("a", ".")), IDS)
def test_a_dot_in_an_id_is_a_dot(dotted, other):
    assert marker_in(f"OilMat: {other}", dotted) == (dotted == other)


def test_the_products_name_gives_way_and_the_marker_never():
    assert named("Motorolie 5W-30", " -- OilMat: 0007", 60) == "Motorolie 5W-30 -- OilMat: 0007"
    assert named("Motorolie 5W-30", " -- OilMat: 0007", 25) == "Motorolie -- OilMat: 0007"
    assert named("Motorolie 5W-30", " -- OilMat: 0007", 26) == "Motorolie -- OilMat: 0007"
    assert named("Motorolie 5W-30", " -- OilMat: 0007", 16) == "-- OilMat: 0007"
    assert named("Motorolie 5W-30", " -- OilMat: 0007", 14) is None


@given(st.text(max_size=80), IDS, st.sampled_from(MARKERS), st.integers(1, 100))
def test_a_name_fits_and_bears_its_marker_or_there_is_none(name, unique_id, marker, limit):
    text = named(name.replace("OilMat", ""), marker + unique_id, limit)
    if text is None:
        assert limit < len(marker + unique_id)
    else:
        assert len(text) <= limit
        assert marker_in(text, unique_id)
