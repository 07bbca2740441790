"""The fields of an orderline: what is taken and how it is kept, what is refused and in which words."""

import json
import string
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrator.domain.orderlines.order import Order
from integrator.domain.orderlines.payload import Accepted, BadRequest

from .bodies import PLAIN, SECRET, SENT, order, refused, result, with_raw

A_ORDER = Order("bennys", "0007", "560", "0005", "5.5")
CONTENT = A_ORDER.content


def test_the_body_of_the_original_becomes_an_order_and_its_credentials_are_gone():
    assert result(SENT) == Accepted(A_ORDER, credentials=True, ignored=())
    assert SECRET not in repr(result(SENT))
    assert "benny@" not in repr(result(SENT))


def test_a_body_without_credentials_is_taken_too():
    assert result(PLAIN) == Accepted(A_ORDER, credentials=False, ignored=())


@pytest.mark.parametrize("value", [None, 7, ["x"], {"a": "b"}, ""])
def test_credentials_of_any_kind_are_thrown_away(value):
    assert result({**SENT, "password": value}) == Accepted(A_ORDER, credentials=True, ignored=())


def test_unknown_fields_are_told_by_name_and_never_by_value():
    found = result({**PLAIN, "tank": "secret-1", "a key\nof two lines": "secret-2", "\ud800": {"x": 1}})
    assert found.ignored == ("tank", "?")
    assert "secret" not in repr(found)


def test_of_very_many_unknown_fields_twenty_are_told():
    found = result({**PLAIN, **{f"field{number}": number for number in range(1000)}})
    assert found.ignored == tuple(f"field{number}" for number in range(20))


# workshop


@pytest.mark.parametrize("name", ["bennys", "BENNYS", "Bennys Auto", "bennys auto"])
def test_a_workshop_is_known_by_its_id_and_by_its_name(name):
    assert order({**PLAIN, "workshop": name}) == A_ORDER


@pytest.mark.parametrize("name", ["../x", "bennys/../karls", "", " ", "nobody", "bennys\0", "x" * 100_000, "\ud800"])
def test_any_other_workshop_is_refused_without_being_named(name):
    found = refused({**PLAIN, "workshop": name})
    assert found == BadRequest(
        "workshop: must be the id or the name of a configured workshop", "0007", None, False, CONTENT
    )


@pytest.mark.parametrize("value", [7, True, 1.5, ["bennys"], {"bennys": 1}])
def test_a_workshop_is_text(value):
    assert refused({**PLAIN, "workshop": value}).reason == "workshop: must be text"


def test_a_workshop_without_credentials_takes_no_orders():
    found = refused({**SENT, "workshop": "karls"})
    assert found == BadRequest("no credentials configured", "0007", "karls", True, CONTENT)


def test_an_order_without_a_workshop_belongs_to_the_one_that_was_asked_for():
    plain = {name: value for name, value in PLAIN.items() if name != "workshop"}
    assert order(plain, only="bennys") == A_ORDER
    assert order({**plain, "workshop": None}, only="bennys") == A_ORDER
    assert refused(plain).reason == "workshop: missing"


def test_an_order_for_another_workshop_than_was_asked_for_makes_no_row_there():
    found = refused(PLAIN, only="karls")
    assert found == BadRequest("workshop: must be the workshop that the body is for", "0007", None, False, CONTENT)
    assert order(PLAIN, only="bennys") == A_ORDER


# ids and numbers


@pytest.mark.parametrize("name", ["case_id", "product_nr", "unique_id"])
def test_leading_zeros_are_kept(name):
    values = {getattr(order({**PLAIN, name: text}), name) for text in ("7", "07", "0007", "00071")}
    assert values == {"7", "07", "0007", "00071"}


@pytest.mark.parametrize("name", ["case_id", "product_nr", "unique_id"])
def test_a_whole_number_is_kept_as_it_is_written(name):
    assert getattr(order(with_raw(name, "37056")), name) == "37056"
    assert type(getattr(order(with_raw(name, "37056")), name)) is str


@pytest.mark.parametrize("name", ["case_id", "product_nr", "unique_id"])
@pytest.mark.parametrize("written", ["-5", "1e3", "5.0", "true", "false", '["560"]', '{"id": "560"}', "1E400"])
def test_an_id_is_text_or_a_whole_number(name, written):
    assert refused(with_raw(name, written)).reason == f"{name}: must be text or a whole number"


CASE = "case_id: must be 1 to 20 letters a-z, digits or hyphens"
ID = "unique_id: must be 1 to 40 letters a-z, digits, dots, underscores or hyphens"
INVISIBLE = "product_nr: must not hold control or invisible characters"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("case_id", "", CASE),
        ("case_id", "1" * 21, CASE),
        ("case_id", "560 ", CASE),
        ("case_id", "560\n", CASE),
        ("case_id", "５６０", CASE),
        ("case_id", "../560", CASE),
        ("case_id", "5\x000", CASE),
        ("unique_id", "", ID),
        ("unique_id", "x" * 41, ID),
        ("unique_id", "../x", ID),
        ("unique_id", "7\r\n", ID),
        ("unique_id", "æ", ID),
        ("product_nr", "", "product_nr: must be 1 to 40 characters"),
        ("product_nr", "x" * 41, "product_nr: must be 1 to 40 characters"),
        ("product_nr", " 5W30", "product_nr: must not begin or end with a blank"),
        ("product_nr", "   ", "product_nr: must not begin or end with a blank"),
        ("product_nr", "5W\t30", INVISIBLE),
        ("product_nr", "5W30\r\n", INVISIBLE),
        ("product_nr", "5W\x0030", INVISIBLE),
        ("product_nr", "5W\u202e30", INVISIBLE),
        ("product_nr", "5W\u200b30", INVISIBLE),
        ("product_nr", "5W\ud80030", INVISIBLE),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_by_the_rule(name, value, reason):
    raw = json.dumps({**PLAIN, name: value}).encode()
    assert refused(raw).reason == reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("case_id", "A" * 20),
        ("case_id", "2026-560"),
        ("unique_id", "xxx"),
        ("unique_id", "a.b_c-d" + "9" * 33),
        ("product_nr", "Olie 5W-30 (ægte)"),
        ("product_nr", "x" * 40),
    ],
)
def test_a_value_at_the_edge_of_a_rule_is_taken_as_it_is(name, value):
    assert getattr(order({**PLAIN, name: value}), name) == value


# amounts


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('"5"', "5"),
        ('"5.5"', "5.5"),
        ('"5,5"', "5.5"),
        ("5", "5"),
        ("5.5", "5.5"),
        ("5.50", "5.5"),
        ('"5.000"', "5"),
        ('"05,50"', "5.5"),
        ('"0,001"', "0.001"),
        ("0.125", "0.125"),
        ("9999", "9999"),
        ('"9999,000"', "9999"),
        ("100", "100"),
        ('"1000"', "1000"),
        ('"1.234"', "1.234"),
    ],
)
def test_an_amount_is_kept_as_canonical_text(written, kept):
    assert order(with_raw("product_amount", written)).product_amount == kept


AMBIGUOUS = "is ambiguous: write it without a thousands mark"
DECIMAL = "must be a decimal number with at most 3 decimals, without sign, exponent or unit"
KIND = "must be a number, or a text that holds one"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ('"1.234,5"', AMBIGUOUS),
        ('"1,234.5"', AMBIGUOUS),
        ('"1.234.567"', AMBIGUOUS),
        ('"1,2,3"', AMBIGUOUS),
        ("1e3", DECIMAL),
        ('"1e3"', DECIMAL),
        ('"NaN"', DECIMAL),
        ('"Infinity"', DECIMAL),
        ("-5", DECIMAL),
        ('"-5"', DECIMAL),
        ('"+5"', DECIMAL),
        ('"5 l"', DECIMAL),
        ('" 5"', DECIMAL),
        ('"5\\n"', DECIMAL),
        ('""', DECIMAL),
        ('"."', DECIMAL),
        ('".5"', DECIMAL),
        ('"5."', DECIMAL),
        ('"1 234,5"', DECIMAL),
        ('"5.5555"', DECIMAL),
        ("5.0000", DECIMAL),
        ('"٥"', DECIMAL),
        ('"0x10"', DECIMAL),
        ('"1_000"', DECIMAL),
        ("true", KIND),
        ("[5]", KIND),
        ("{}", KIND),
        ("0", "must be more than 0"),
        ('"0,000"', "must be more than 0"),
        ("0.0", "must be more than 0"),
        ("10000", "must be at most 9999"),
        ('"9999,001"', "must be at most 9999"),
        ("9" * 5000, DECIMAL),
    ],
)
def test_an_amount_that_could_mean_two_things_or_none_is_refused(written, reason):
    assert refused(with_raw("product_amount", written)).reason == f"product_amount: {reason}"


AMOUNTS = st.decimals(min_value="0.001", max_value=9999, places=3)


@given(AMOUNTS, st.sampled_from(".,"), st.booleans())
def test_every_amount_round_trips_and_its_canonical_text_stands(amount, mark, as_number):
    text = f"{amount:f}"
    kept = order(with_raw("product_amount", text if as_number else f'"{text.replace(".", mark)}"')).product_amount
    assert Decimal(kept) == amount
    assert kept == kept.strip("+ ")
    assert not ("." in kept and kept.endswith(("0", ".")))
    assert order({**PLAIN, "product_amount": kept}).product_amount == kept


@settings(max_examples=300)
@given(st.text(string.digits + ".,-+eE ٥", max_size=8) | st.text(max_size=6))
def test_any_text_as_an_amount_is_refused_or_kept_within_the_rule(text):
    found = result({**PLAIN, "product_amount": text})
    if isinstance(found, Accepted):
        assert 0 < found.order.amount <= 9999
        assert -found.order.amount.as_tuple().exponent <= 3
        assert found.order.amount == Decimal(text.replace(",", "."))
    else:
        assert found.reason.startswith("product_amount: ")


# spellings


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("dealer", "workshop"),
        ("case_nr", "case_id"),
        ("worksheet", "case_id"),
        ("worksheet_id", "case_id"),
        ("uniqueid", "unique_id"),
    ],
)
def test_other_spellings_of_a_field_are_taken(alias, name):
    sent = {alias if key == name else key: value for key, value in PLAIN.items()}
    assert result(sent) == Accepted(A_ORDER, credentials=False, ignored=())
    assert order({**PLAIN, alias: PLAIN[name]}) == A_ORDER
    assert order({**PLAIN, alias: None}) == A_ORDER


def test_two_spellings_are_compared_by_what_they_mean():
    assert order({**PLAIN, "dealer": "Bennys Auto", "case_nr": 560}) == A_ORDER


def test_two_spellings_with_different_values_are_refused():
    found = refused({**PLAIN, "worksheet": "561", "dealer": "karls"})
    assert found.reason == (
        "workshop: given with different values, as workshop and dealer; "
        "case_id: given with different values, as case_id and worksheet"
    )
    assert found.workshop is None
    assert found.unique_id == "0007"


def test_an_id_that_is_given_twice_differently_is_no_id():
    found = refused({**PLAIN, "uniqueid": "7"})
    assert (found.unique_id, found.workshop) == (None, "bennys")


def test_a_wrong_value_is_told_by_the_spelling_that_was_used():
    sent = {**PLAIN, "uniqueid": "a b"}
    assert refused(sent).reason == ID.replace("unique_id", "uniqueid")


def test_spelling_counts_letter_by_letter():
    sent = {name: value for name, value in PLAIN.items() if name != "case_id"}
    assert refused({**sent, "Case_ID": "560"}).reason == "case_id: missing"


# everything at once


def test_all_that_is_wrong_is_said_field_by_field():
    found = refused({"workshop": "bennys", "password": SECRET, "product_amount": "five", "case_id": "", "tank": SECRET})
    assert found == BadRequest(
        f"{CASE}; product_nr: missing; product_amount: {DECIMAL}; unique_id: missing", None, "bennys", credentials=True
    )


@pytest.mark.parametrize(
    ("wrong", "content"),
    [
        ({"product_amount": "five"}, ("560", "0005", None)),
        ({"case_id": "5 60"}, (None, "0005", "5.5")),
        ({"product_nr": "", "product_amount": None}, ("560", None, None)),
        ({"worksheet": "561"}, (None, "0005", "5.5")),
    ],
    ids=["amount", "case", "product and amount", "two cases"],
)
def test_what_could_be_read_of_a_bad_request_is_kept_as_an_order_would_have_it(wrong, content):
    assert refused({**SENT, **wrong}).content == content


def test_an_empty_object_misses_everything():
    names = ("workshop", "case_id", "product_nr", "product_amount", "unique_id")
    assert refused({}).reason == "; ".join(f"{name}: missing" for name in names)


def test_a_key_that_stands_twice_is_refused_and_the_id_still_read():
    found = refused(b'{"case_id": "561", ' + json.dumps(SENT).encode()[1:])
    assert found == BadRequest("case_id: stands twice in the object", "0007", "bennys", True, (None, *CONTENT[1:]))


def test_an_id_that_stands_twice_is_no_id_even_when_both_are_equal():
    found = refused(b'{"unique_id": "0007", ' + json.dumps(PLAIN).encode()[1:])
    assert (found.reason, found.unique_id) == ("unique_id: stands twice in the object", None)


def test_a_key_that_stands_twice_is_refused_when_the_last_of_them_is_null():
    found = refused(b'{"case_nr": "561", "case_nr": null, ' + json.dumps(PLAIN).encode()[1:])
    assert found.reason == "case_nr: stands twice in the object"


def test_any_key_that_stands_twice_is_refused():
    sent = json.dumps(SENT).encode()[1:]
    assert refused(b'{"password": "a", ' + sent).reason == 'the key "password" stands twice in the object'
    assert refused(b'{"a b": 1, "a b": 2, ' + sent).reason == "a key stands twice in the object"


MARK = "§µ¶"
NESTED = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text().map(lambda text: text + MARK),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*SENT, "dealer", "case_nr", "uniqueid", "tank"]), NESTED, max_size=6))
def test_no_reason_ever_holds_what_was_sent(wrong):
    found = result({**SENT, **wrong})
    assert found.credentials
    assert MARK not in repr(found).replace(MARK, "", _marks_kept(found))
    if isinstance(found, BadRequest):
        assert MARK not in found.reason
        assert found.reason.isprintable()


def _marks_kept(found):
    """A product number may hold any printable characters; an order keeps it, and so does a bad request beside it."""
    product = found.order.product_nr if isinstance(found, Accepted) else found.content[1]
    return (product or "").count(MARK)
