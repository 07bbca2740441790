"""What leaves: the sample request to the letter, amounts and days as the other side writes them, names that nest."""

import json
import unicodedata

import pytest
from mapping_samples import NATIVE, SHIPPED, endpoint, mapping_of, sample

from integrator.domain.ordered import registration
from integrator.domain.participants import IMPERSONAL_PATHS, REGISTRATION_PATHS
from integrator.errors import ConfigError
from integrator.systems.mapping import written
from integrator.systems.mapping.outgoing import money_text
from maconomy_calls import BODY

OUT = """\
[endpoint.out]
path = "/api/out"
method = "POST"
[endpoint.out.send]
{send}
[endpoint.out.answer]
id = {{ from = "participantId", type = "id", required = true }}
"""


def out(tmp_path, send, defaults=""):
    return mapping_of(tmp_path, OUT.format(send=send) + defaults).endpoints["out"]


def test_the_sample_request_is_written_to_the_letter():
    expected = json.loads(sample("assumed/webparticipant.json"))["request"]["json"]
    ours = written(endpoint("webparticipant"), BODY)
    assert ours == expected
    assert list(ours) == list(expected)


def test_the_other_style_says_the_same_under_its_names():
    ours = written(endpoint("webparticipant", NATIVE), BODY)
    expected = written(endpoint("webparticipant", SHIPPED), BODY) | {"price": "14995.00"}
    assert ours == json.loads(json.dumps(expected, ensure_ascii=False), object_pairs_hook=_lower)


def _lower(pairs):
    return {name.lower(): value for name, value in pairs}


def test_the_model_s_paths_are_those_of_a_registration():
    names = [f"company_{name}" for name in ("name", "cvr", "address", "zip", "city", "country", "ean")]
    names += [f"customer_{name}" for name in ("name", "email", "phone")]
    order = dict.fromkeys([*names, "purchase_order", "attention", "id", "class_id", "accepted_terms_at"])
    order |= {"class": {"price_minor": 1, "currency": "DKK"}}
    person = dict.fromkeys(["reference", "number", "first_name", "last_name", "email", "phone", "job_title", "comment"])
    assert set(_paths(registration(order, person))) == set(REGISTRATION_PATHS)
    assert set(REGISTRATION_PATHS) >= IMPERSONAL_PATHS


def _paths(value, before=""):
    for name, inner in value.items():
        yield from _paths(inner, f"{before}{name}.") if isinstance(inner, dict) else [before + name]


@pytest.mark.parametrize(
    ("minor", "decimal", "text"),
    [
        (1499500, ",", "14.995,00"),
        (1499500, ".", "14995.00"),
        (123456789005, ",", "1.234.567.890,05"),
        (5, ",", "0,05"),
        (0, ".", "0.00"),
        (-1050, ",", "-10,50"),
    ],
)
def test_an_amount_is_written_as_the_other_side_reads_it(minor, decimal, text):
    assert money_text(minor, decimal) == text


@pytest.mark.parametrize("minor", [0, 5, 99, 100, 1499500, 123456789005])
@pytest.mark.parametrize("path", [SHIPPED, NATIVE])
def test_an_amount_comes_back_as_it_left(path, minor):
    course = endpoint("maincourse", path)
    names = {field.name: field.sources[0] for field in course.fields}
    text = money_text(minor, course.defaults.decimal)
    record = {names["id"]: "1", names["title"]: "x", names["price_minor"]: text}
    assert course.compile().read(json.dumps(record).encode()).record["price_minor"] == (
        minor or (0 if path == SHIPPED else None)
    )


@pytest.mark.parametrize(
    ("defaults", "day"),
    [
        ("", "01-01-2027"),
        ('[defaults]\ndate_formats = ["da-text", "%Y/%m/%d"]\n', "2027/01/01"),
        ('[defaults]\ndate_formats = ["da-text"]\n', "2027-01-01"),
        ('[defaults]\ntimezone = "America/New_York"\n', "31-12-2026"),
    ],
)
def test_a_day_is_the_one_on_their_calendar(tmp_path, defaults, day):
    sending = out(tmp_path, 'day = { value = "order.accepted_terms_at", format = "date" }', defaults)
    assert written(sending, {"order": {"accepted_terms_at": "2026-12-31T23:30:00+00:00"}}) == {"day": day}


SOME = 'a = "order.number"\n"b.c" = "participant.phone"\n"b.d.e" = "participant.number"\n'


@pytest.mark.parametrize(
    ("defaults", "body"),
    [
        ("", {"a": "7", "b": {"c": "", "d": {"e": 2}}}),
        ('[defaults]\nsend_nothing = "null"\n', {"a": "7", "b": {"c": None, "d": {"e": 2}}}),
        ('[defaults]\nsend_nothing = "omit"\n', {"a": "7", "b": {"d": {"e": 2}}}),
    ],
)
def test_what_is_not_known_is_sent_as_the_mapping_says(tmp_path, defaults, body):
    model = {"order": {"number": "7"}, "participant": {"phone": None, "number": 2}}
    assert written(out(tmp_path, SOME, defaults), model) == body


def test_a_whole_group_that_is_not_known_is_nothing(tmp_path):
    sending = out(tmp_path, '"company.name" = "order.company.name"')
    assert written(sending, {"order": {"company": None}}) == {"company": {"name": ""}}


def test_letters_leave_in_their_short_form(tmp_path):
    sending = out(tmp_path, 'name = "participant.first_name"')
    apart = unicodedata.normalize("NFD", "Åse Bjørk Édith")
    assert written(sending, {"participant": {"first_name": apart}}) == {"name": "Åse Bjørk Édith"}


@pytest.mark.parametrize(
    ("send", "what"),
    [
        ('x = "participant.frist_name"', "'participant.frist_name' is no path in our model; did you mean"),
        ('x = "order.company"', "'order.company' is no path in our model"),
        ("x = 7", "expected a path in our model such as order.number, got 7"),
        ('x = { value = "order.number", format = "money" }', "format 'money' is for an amount such as"),
        ('x = { value = "order.number", format = "date" }', "format 'date' is for a moment such as"),
        ('company = "order.number"\n"company.name" = "order.currency"', "is no name to send: it is a group of others"),
        ('"a..b" = "order.number"', "is no name to send"),
        ('x = "order.number"\n[defaults]\nsend_nothing = "nil"', "unknown send_nothing 'nil'"),
    ],
)
def test_what_can_never_be_sent_is_found_when_the_mapping_is_read(tmp_path, send, what):
    with pytest.raises(ConfigError) as caught:
        out(tmp_path, send)
    assert any(what in str(problem) and "config/mapping.toml:" in str(problem) for problem in caught.value.problems), (
        caught.value
    )
