"""The shop behind both workshop stand-ins keeps the rules of writing lines, and its numbers are Danish."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrator.standins.workshop.data import Refused, Shop, page_of
from integrator.standins.workshop.numbers import decimal_of, shown
from integrator.standins.workshop.staging import Stage

START = datetime(2027, 2, 28, 6, 0, 3, tzinfo=UTC)


@pytest.fixture
def shop() -> Shop:
    return Shop(lambda: START)


def _refusal(do: Any, *given: Any, **more: Any) -> str:
    with pytest.raises(Refused) as caught:
        do(*given, **more)
    return caught.value.code


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("5,50", "5.50"),
        ("5", "5.00"),
        (",5", "0.50"),
        ("1.234,50", "1234.50"),
        ("5.5", "55.00"),
        ("5.50", "550.00"),
        ("1,005", "1.01"),
        (" 2,5 ", "2.50"),
        ("-1", "-1.00"),
    ],
)
def test_a_comma_is_the_decimal_mark_and_a_dot_means_nothing(typed: str, meant: str) -> None:
    assert decimal_of(typed) == Decimal(meant)


@pytest.mark.parametrize("typed", ["", ",", "x", "1,2,3", "5 l", "1e3", "٥", "--1"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        decimal_of(typed)


@pytest.mark.parametrize(("number", "text"), [("5.5", "5,50"), ("1234.5", "1.234,50"), ("1234567", "1.234.567,00")])
def test_numbers_are_shown_with_two_decimals(number: str, text: str) -> None:
    assert shown(Decimal(number)) == text
    assert decimal_of(text) == Decimal(number)


# Lines


def test_a_line_has_the_name_unit_and_price_of_the_register_and_says_who_and_when(shop: Shop) -> None:
    line = shop.new_line("560", "OL-0530", "oilmat")
    assert (line.name, line.unit, line.group) == ("Motorolie 5W-30 Longlife", "ltr.", "Olie")
    assert (line.amount, line.price) == (Decimal("1.00"), Decimal("98.50"))
    assert (line.created_by, line.created_at) == ("oilmat", START)


def test_the_same_line_is_written_as_often_as_it_is_sent(shop: Shop) -> None:
    for _ in range(3):
        shop.new_line("56", "OL-0530", "oilmat", name="Olie -- OilMat: 0007", amount="5,5")
    lines = shop.case("56").lines
    assert len({line.id for line in lines}) == len(shop.saves) == 3
    assert {(line.name, line.amount) for line in lines} == {("Olie -- OilMat: 0007", Decimal("5.50"))}


def test_an_amount_with_a_dot_is_stored_ten_times_too_large(shop: Shop) -> None:
    assert shop.new_line("56", "OL-0530", "oilmat", amount="5.5").amount == Decimal(55)


@pytest.mark.parametrize("amount", ["0", "-1", "x", "", "10.000", "0,001"])
def test_an_amount_that_cannot_be_is_refused_and_nothing_is_written(shop: Shop, amount: str) -> None:
    assert _refusal(shop.new_line, "56", "OL-0530", "oilmat", amount=amount) == "amount-refused"
    assert (shop.case("56").lines, shop.saves) == ([], [])


def test_a_long_name_is_cut_from_the_right_so_that_the_marker_goes_first(shop: Shop) -> None:
    line = shop.new_line("56", "OL-0530", "oilmat", name="x" * 50 + " -- OilMat: 0007")
    assert line.name == "x" * 50 + " -- OilMat"
    shop.seed({"name_limit": 5})
    assert shop.change_line("56", line.id, "oilmat", name="abcdefgh").name == "abcde"


def test_name_and_amount_are_set_each_by_itself(shop: Shop) -> None:
    line = shop.new_line("56", "OL-0530", "oilmat")
    shop.change_line("56", line.id, "oilmat", name="Ny")
    assert (line.name, line.amount) == ("Ny", Decimal("1.00"))
    shop.change_line("56", line.id, "oilmat", amount="2,25")
    assert (line.name, line.amount) == ("Ny", Decimal("2.25"))
    assert [(one["kind"], one["name"], one["amount"]) for one in shop.saves[1:]] == [
        ("change", "Ny", "1.00"),
        ("change", "Ny", "2.25"),
    ]


def test_a_refused_change_leaves_the_line_as_it_was(shop: Shop) -> None:
    line = shop.new_line("56", "OL-0530", "oilmat", name="Olie")
    assert _refusal(shop.change_line, "56", line.id, "oilmat", name="Ny", amount="0") == "amount-refused"
    assert (line.name, len(shop.saves)) == ("Olie", 1)
    assert _refusal(shop.change_line, "56", 1, "oilmat", name="Ny") == "line-not-found"


@pytest.mark.parametrize(
    ("case", "product", "code"),
    [
        ("99", "OL-0530", "case-not-found"),
        ("561", "OL-0530", "case-closed"),
        ("562", "OL-0530", "case-invoiced"),
        ("563", "OL-0530", "case-locked"),
        ("56", "OL-05", "product-unknown"),
        ("56", "007", "product-unknown"),
        ("56", "OL-1540", "product-blocked"),
        ("56", "AT-III", "product-blocked"),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_reason(shop: Shop, case: str, product: str, code: str) -> None:
    assert _refusal(shop.new_line, case, product, "oilmat") == code
    assert shop.saves == []


def test_who_holds_the_lock_may_write(shop: Shop) -> None:
    assert shop.new_line("563", "OL-0530", "mette").created_by == "mette"


def test_every_save_changes_the_version_of_its_case(shop: Shop) -> None:
    line = shop.new_line("56", "OL-0530", "oilmat")
    shop.change_line("56", line.id, "oilmat", amount="2")
    assert (shop.case("56").version, shop.case("560").version) == (2, 0)


# Finding


def test_a_number_is_found_by_any_part_of_it_shortest_first(shop: Shop) -> None:
    assert [case.number for case in shop.found("56")] == ["56", "560", "561", "562", "563", "5601", "37056"]
    assert shop.found("99999") == []


def test_products_are_found_by_how_they_begin_whatever_the_case_of_letters(shop: Shop) -> None:
    assert [one.number for one in shop.hits("0007")] == ["0007", "00071"]
    assert [one.number for one in shop.hits("kØl")] == ["KØL-12"]
    assert shop.hits("  ") == shop.hits("nope") == []


def test_a_list_is_shown_twenty_to_a_page() -> None:
    assert page_of(range(45), 3) == [40, 41, 42, 43, 44]
    assert page_of(range(45), 4) == []


def test_a_login_is_known_whatever_the_case_of_its_mail_but_not_of_its_password(shop: Shop) -> None:
    assert shop.knows(" OilMat@Example.org", "demo-workshop")
    assert not shop.knows("oilmat@example.org", "Demo-Workshop")
    assert not shop.knows("nobody@example.org", "")


# Seeds


def test_two_cases_may_have_one_number_and_are_told_apart_by_their_keys(shop: Shop) -> None:
    shop.seed({"add_cases": [{"number": "560", "customer": "En anden"}]})
    assert [case.key for case in shop.found("560") if case.number == "560"] == ["560", "560~2"]
    shop.new_line("560~2", "OL-0530", "oilmat")
    assert len(shop.case("560").lines) == len(shop.case("560~2").lines) == 1


def test_a_list_replaces_what_was_there_and_an_addition_does_not(shop: Shop) -> None:
    shop.seed({"cases": [{"number": "1", "lines": [{"product": "FI-100", "amount": "2.5"}]}]})
    (case,) = shop.cases.values()
    assert (case.lines[0].name, case.lines[0].unit, case.lines[0].amount) == ("Oliefilter", "stk.", Decimal("2.5"))
    shop.seed({"add_products": [{"number": "X", "name": "Ny"}]})
    assert "FI-100" in shop.products
    shop.seed({"products": [{"number": "X", "name": "Ny"}]})
    assert list(shop.products) == ["X"]


def test_lines_can_go_as_if_a_colleague_deleted_them(shop: Shop) -> None:
    line = shop.new_line("560", "OL-0530", "oilmat")
    shop.seed({"remove_lines": [line.id]})
    assert [one.product for one in shop.case("560").lines] == ["FI-100"]
    assert len(shop.saves) == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"nope": 1},
        {"cases": [{"customer": "x"}]},
        {"cases": [{"number": 560}]},
        {"cases": [{"number": "1", "status": "open"}]},
        {"users": ["x"]},
        {"name_limit": "60"},
    ],
)
def test_a_seed_that_cannot_be_meant_is_refused_and_changes_nothing(shop: Shop, bad: dict[str, Any]) -> None:
    before = shop.state()
    with pytest.raises(ValueError, match="seed"):
        shop.seed({"name_limit": 5, **bad})
    assert (shop.state(), shop.name_limit) == (before, 60)


def test_no_line_number_comes_again_after_a_reset(shop: Shop) -> None:
    line = shop.new_line("56", "OL-0530", "oilmat")
    after = Shop(lambda: START, shop)
    assert after.saves == []
    assert min(one.id for case in after.cases.values() for one in case.lines) > line.id


# Staging


def test_a_staged_fault_comes_on_its_case_after_so_many_and_so_often() -> None:
    stage = Stage({"js_confirm": {"text"}})
    stage.staged.append(stage.made({"fault": {"kind": "js_confirm"}, "case": "56", "skip": 1, "times": 2}))
    met = [stage.take("js_confirm", case) is not None for case in ("56", "560", "56", "56", "56")]
    assert met == [False, False, True, True, False]
    assert (stage.listed()[0]["seen"], stage.listed()[0]["met"]) == (3, 2)


def test_a_setting_that_was_given_must_fit_and_one_that_was_not_fits_all() -> None:
    stage = Stage({"cut": {"field"}})
    stage.staged += [stage.made({"fault": {"kind": "cut", "field": "navn"}}), stage.made({"fault": {"kind": "cut"}})]
    assert stage.take("cut", field="antal") == {"kind": "cut"}
    assert stage.take("cut", field="navn") == {"kind": "cut", "field": "navn"}


@pytest.mark.parametrize("bad", [{"fault": {"kind": "cut", "nope": 1}}, {"fault": {"kind": "cut"}, "nope": 1}])
def test_a_fault_that_cannot_be_meant_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="fault"):
        Stage({"cut": ()}).made(bad)
