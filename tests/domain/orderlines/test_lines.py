"""The lines of a case, judged: ours by the marker, half of ours by what is new, or by counting when nothing else is."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrator.domain.orderlines.lines import (
    Absent,
    Baseline,
    Differs,
    Line,
    Present,
    Several,
    baseline_of,
    by_count,
    half_line,
    judge,
    new_lines,
    same_product,
)
from integrator.domain.orderlines.order import Order
from integrator.systems.workshops import erp

ORDER = Order("bennys", "0007", "560", "5W30", "5.5")


def line(number, name="Motorolie", amount="5.50", product="5W30", by=None):
    return Line(None if number is None else str(number), product, name, Decimal(amount), by)


OURS = line(1, "Motorolie -- OilMat: 0007")
OTHERS = [line(2), line(3, "Motorolie -- OilMat: 00071"), line(4, "Arbejde", product="TIMER"), line(5, "", "-1")]


def test_a_line_is_the_same_thing_for_the_pages_and_for_the_rules():
    assert erp.Line is Line


def test_a_case_without_our_marker_does_not_hold_the_order():
    assert judge([], ORDER) == Absent()
    assert judge(OTHERS, ORDER) == Absent()


@pytest.mark.parametrize("amount", ["5.5", "5.50", "5.500"])
def test_a_line_with_our_marker_product_and_amount_is_ours(amount):
    ours = replace(OURS, amount=Decimal(amount))
    assert judge([*OTHERS, ours], ORDER) == Present(ours)


def test_ours_is_found_among_two_hundred():
    lines = [line(number, f"Olie -- OilMat: 0007{number}") for number in range(200)]
    assert judge([*lines[:2], OURS, *lines[2:]], ORDER) == Present(OURS)


def test_white_space_that_a_page_adds_to_a_product_number_does_not_count():
    order = replace(ORDER, product_nr="5W 30")
    assert judge([replace(OURS, product=" 5W  30 ")], order) == Present(replace(OURS, product=" 5W  30 "))
    assert isinstance(judge([replace(OURS, product="5W30")], order), Differs)


@pytest.mark.parametrize("product", ["5w30", "05W30", "5W301", ""])
def test_our_marker_on_another_product_differs(product):
    other = replace(OURS, product=product)
    assert judge([other], ORDER) == Differs(other, half_done=False)
    assert judge([replace(other, amount=Decimal("1.00"))], ORDER).half_done is False


def test_our_marker_with_another_amount_differs_and_with_the_default_one_it_is_half_done():
    assert judge([replace(OURS, amount=Decimal("55"))], ORDER) == Differs(replace(OURS, amount=Decimal("55")), False)
    assert judge([replace(OURS, amount=Decimal("1"))], ORDER) == Differs(replace(OURS, amount=Decimal("1")), True)


def test_an_order_of_the_default_amount_is_whole_with_it():
    one = replace(OURS, amount=Decimal("1.00"))
    assert judge([one], replace(ORDER, product_amount="1")) == Present(one)


def test_our_marker_twice_is_not_for_us_to_decide():
    assert judge([OURS, replace(OURS, id="9", amount=Decimal("1"))], ORDER) == Several(2)


def test_the_same_product_is_seen_when_it_bears_another_marker_or_none():
    assert same_product(OTHERS, ORDER)
    assert same_product([line(3, "Olie -- OilMat: 00071", "2")], ORDER)
    assert not same_product([OURS, line(4, product="TIMER")], ORDER)


# half of ours


BASE = baseline_of(OTHERS, ORDER)
HALF = line(9, "Motorolie", "1.00", by="benny")


def half(*more, user="benny"):
    return half_line([*OTHERS, *more], BASE, ORDER, user=user)


def test_the_one_new_line_with_our_product_and_the_default_amount_is_half_of_ours():
    assert half(HALF) == HALF
    assert half(HALF, user=None) == HALF
    assert half(replace(HALF, created_by=None)) == replace(HALF, created_by=None)
    assert half(HALF, user=" Benny") == HALF


@pytest.mark.parametrize(
    "other",
    [
        replace(HALF, product="5W40"),
        replace(HALF, amount=Decimal("5.50")),
        replace(HALF, name="Motorolie -- OilMat: 0008"),
        replace(HALF, name="Motorolie -- OilMat: 0007"),
        replace(HALF, id="2"),
    ],
)
def test_a_line_that_is_not_half_of_ours_is_let_be(other):
    assert half(other) is None


def test_a_single_line_under_another_name_may_be_ours_all_the_same():
    theirs = replace(HALF, created_by="mette")
    assert half(theirs) == Several(1)
    assert half(theirs, replace(HALF, id="10")) == replace(HALF, id="10")


def test_nothing_new_is_no_half():
    assert half() is None


def test_two_that_might_be_ours_are_not_for_us_to_decide():
    assert half(HALF, replace(HALF, id="10")) == Several(2)


def test_a_line_without_an_id_cannot_be_told_from_older_ones():
    assert half(replace(HALF, id=None)) == Several(1)
    assert half(replace(HALF, id=None), HALF) == Several(2)


# by count


def many(same, others=0, first=0):
    return [line(first + number) for number in range(same)] + [
        line(first + 1000 + number, product="TIMER") for number in range(others)
    ]


def nameless(lines):
    return [replace(one, id=None) for one in lines]


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [(0, 0, "absent"), (0, 1, "saved"), (3, 3, "absent"), (3, 4, "saved"), (3, 5, "unclear"), (3, 2, "unclear")],
)
@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("others", [(0, 0), (2, 2), (2, 5), (5, 2)])
def test_the_number_of_equal_lines_tells_whether_ours_came(before, now, told, ids, others):
    shape = list if ids else nameless
    base = baseline_of(shape(many(before, others[0])), ORDER)
    assert by_count(base, shape(many(now, others[1])), ORDER) == told


def test_a_line_that_came_while_another_went_is_unclear_where_ids_are_shown():
    base = baseline_of(many(2), ORDER)
    assert by_count(base, many(2, first=1), ORDER) == "unclear"
    assert by_count(baseline_of(nameless(many(2)), ORDER), nameless(many(2, first=1)), ORDER) == "absent"


def test_ids_that_are_shown_only_afterwards_prove_nothing():
    base = baseline_of(nameless(many(2)), ORDER)
    assert by_count(base, many(2), ORDER) == "absent"
    assert by_count(base, many(3), ORDER) == "saved"


def test_an_older_line_that_was_changed_into_one_like_ours_is_unclear():
    before = [replace(one, amount=Decimal("2")) for one in many(1)]
    assert by_count(baseline_of(before, ORDER), many(1), ORDER) == "unclear"


def test_lines_of_another_amount_do_not_count():
    before = many(1)
    now = [*before, replace(line(50), amount=Decimal("5.51"))]
    assert by_count(baseline_of(before, ORDER), now, ORDER) == "absent"


LINES = st.lists(
    st.builds(
        line,
        st.none() | st.integers(0, 9),
        name=st.sampled_from(["Olie", "Olie -- OilMat: 0007", "Olie -- OilMat: 00071"]),
        amount=st.sampled_from(["1.00", "5.50", "5.5", "55"]),
        product=st.sampled_from(["5W30", "5W301"]),
    ),
    max_size=6,
)


@given(LINES)
def test_nothing_has_changed_when_nothing_has_changed(lines):
    base = baseline_of(lines, ORDER)
    assert Baseline.from_json(base.as_json()) == base
    assert new_lines(lines, base) == []
    assert by_count(base, lines, ORDER) == "absent"


@given(LINES, LINES)
def test_saved_is_only_said_when_there_is_exactly_one_more(before, now):
    base = baseline_of(before, ORDER)
    more = baseline_of(now, ORDER).same - base.same
    assert (by_count(base, now, ORDER) == "saved") <= (more == 1)
    assert (by_count(base, now, ORDER) == "absent") <= (more == 0)


@given(LINES)
def test_present_is_only_said_of_one_line_that_is_all_ours(lines):
    found = judge(lines, ORDER)
    marked = [one for one in lines if one.name.endswith("0007")]
    assert isinstance(found, Absent) == (not marked)
    assert isinstance(found, Several) == (len(marked) > 1)
    if isinstance(found, Present):
        assert (found.line.product, found.line.amount) == ("5W30", Decimal("5.5"))
