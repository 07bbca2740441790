"""Strict loading: an operator sees every mistake at once, each with its line."""

import pytest
from mapping_samples import NATIVE, SHIPPED, mapping_of

from integrator.errors import ConfigError
from integrator.systems.mapping import convert, load, load_mapping

GOOD = """\
[endpoint.course]
path = "/api/course"
[endpoint.course.fields]
id = { from = "courseId", type = "id", required = true }
"""


def problems_of(folder, text):
    with pytest.raises(ConfigError) as caught:
        mapping_of(folder, text)
    return [str(problem) for problem in caught.value.problems]


def test_five_mistakes_give_five_problems_with_their_lines(tmp_path):
    text = """\
[defaults]
decimal = ","
timezon = "Europe/Copenhagen"

[endpoint.course]
path = "/api/course"
[endpoint.course.fields]
id     = { from = "courseId", type = "id", required = true, pattern = '^(\\d+$' }
title  = { form = "name", from = "name", type = "text" }
price  = { from = "price", type = "mony" }
status = { from = "status", type = "enum", enum = "staus" }
[enum.status]
open = ["Open"]
"""
    assert problems_of(tmp_path, text) == [
        "config/mapping.toml:3: [defaults] timezon: unknown key; did you mean 'timezone'?",
        "config/mapping.toml:8: [endpoint.course.fields] id: pattern '^(\\\\d+$': "
        "missing ), unterminated subpattern at position 1",
        "config/mapping.toml:9: [endpoint.course.fields.title] form: unknown key; did you mean 'from'?",
        "config/mapping.toml:10: [endpoint.course.fields.price] type: unknown type 'mony'; did you mean 'money'?",
        "config/mapping.toml:11: [endpoint.course.fields] status: [enum.staus] is not defined",
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("", ""),
        ('title = { type = "text" }', "from: expected a name or a list of names, it is missing"),
        ('title = { from = "name" }', "a field needs a type"),
        ('title = { from = [], type = "text" }', "expected a name or a list of names"),
        ('title = { from = "a b", type = "text" }', "neither a name nor JMESPath"),
        ("title = 5", "expected a table such as"),
        ('title = { from = "name", type = "text", required = "yes" }', "expected true or false, got 'yes'"),
        ('title = { from = "name", type = "text", join = " " }', "join needs several names"),
        ('title = { from = "name", type = "text", min = 1 }', "min has no meaning for type 'text'"),
        ('seats = { from = "n", type = "int", min = true }', "expected a whole number, got True"),
        ('seats = { from = "n", type = "int", default = "0" }', "expected a whole number, got '0'"),
        ('seats = { from = "n", type = "int", default = 0, required = true }', "has no use for a default"),
        ('seats = { from = "n", type = "int", empty_unless = "a[0]" }', "is not a name"),
        ('status = { from = "s", type = "enum" }', "type 'enum' needs an enum"),
        ('days = { from = "days", type = "list" }', "a list needs an item"),
        ('days = { from = "days", type = "list", item = "dag" }', "[item.dag] is not defined"),
        ('days = { from = "days", type = "list", item = "day", count = 3 }', "count is only for numbered names"),
        ('days = { numbered = "day", count = 3, item = "day" }', "expected one {n} in 'day'"),
        ('days = { numbered = "day{n}", item = "day" }', "numbered needs a count"),
        ('days = { numbered = "day{n}", count = 101, item = "day" }', "expected 1 to 100, got 101"),
        ('days = { numbered = "day{n}", count = 2, item = "deep" }', "is no plain name to number"),
        ('start = { derive = "first_day" }', "did you mean 'first_day_start'?"),
        ('start = { derive = "first_day_start" }', "needs a list called days with date, start_time and end_time"),
        ('start = { derive = "first_day_start", type = "date" }', "type has no meaning for a derived field"),
        ('"a.b.c" = { from = "x", type = "text" }', "is no name for a field of ours"),
        (
            'venue = { from = "x", type = "text" }\n"venue.name" = { from = "y", type = "text" }',
            "both a field and a group",
        ),
        ('venue.name = { from = "x", type = "text" }', "unknown key"),
    ],
)
def test_a_mistake_in_a_field_is_named(tmp_path, line, what):
    items = '[item.day]\ndate = { from = "date", type = "date" }\n[item.deep]\ndate = { from = "a.b", type = "date" }\n'
    text = GOOD + line + "\n" + items
    if not what:
        assert list(mapping_of(tmp_path, text).endpoints) == ["course"]
        return
    problems = problems_of(tmp_path, text)
    assert any(what in problem for problem in problems), problems
    assert all(problem.startswith("config/mapping.toml:5:") or "venue" in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "config/mapping.toml:1: [endpoint]: no endpoint is defined"),
        ("[endpoint.x]\npath = '/x'\n", "[endpoint] x: [endpoint.x.fields] is missing"),
        ("[endpoint.x]\npath = '/x'\n[endpoint.x.fields]\n", "[endpoint.x] fields: no fields"),
        (GOOD.replace("required = true", "required = false"), "no required field of type id"),
        (GOOD.replace('path = "/api/course"', ""), "[endpoint] course: path is missing"),
        (GOOD.replace("/api/course", "https://example.org/api"), "expected a path such as"),
        (GOOD.replace("[endpoint.course.fields]", "items = 'a b'\n[endpoint.course.fields]"), "where a list is"),
        (GOOD.replace("[endpoint.course.fields]", "min_items = -1\n[endpoint.course.fields]"), "got -1"),
        (GOOD.replace("[endpoint.course.fields]", "send = 1\n[endpoint.course.fields]"), "unknown key"),
        (GOOD + "[enum.a]\nx = ['Ja']\ny = [' JA ']\n", "config/mapping.toml:7: [enum.a] y: ' JA ' already means x"),
        (GOOD + "[defaults]\ndate_formats = ['%d-%m']\n", "'%d-%m' needs %d, %m and %Y once each"),
        (GOOD + "[defaults]\ntimezone = 'Europe/Kbh'\n", "'Europe/Kbh' is not a time zone"),
        (GOOD + "[defaults]\nempty = [1]\n", "expected a list of texts"),
        (GOOD + "[itm.day]\n", "config/mapping.toml:5: [itm]: unknown key; did you mean 'item'?"),
        (GOOD + "[item.day]\nx = { from = 'x', type = 'list', item = 'day' }\n", "an entry has no lists inside"),
        (GOOD + "[item.day]\nx = { derive = 'last_day_end' }\n", "an entry has no derived fields"),
    ],
)
def test_a_mistake_in_a_table_is_named(tmp_path, text, what):
    problems = problems_of(tmp_path, text)
    assert any(what in problem for problem in problems), problems


OUT = """\
[endpoint.out]
path = "/api/out"
method = "POST"
per = "participant"
[endpoint.out.send]
courseId = "course.id"
price = { value = "order.price_minor", format = "money" }
[endpoint.out.answer]
id = { from = "participantId", type = "id", required = true }
[endpoint.out.errors]
FULL = "final_full"
"""


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('"course.id"', '"course.ID"', "'course.ID' is no path in our model; did you mean 'course.id'?"),
        ('"money"', '"mony"', "did you mean 'money'?"),
        ("format =", "form =", "did you mean 'format'?"),
        ('"final_full"', '"full"', "unknown FULL 'full'"),
        ('per = "participant"', 'per = "order"\nitems = ""', "[endpoint.out] items: unknown key"),
        ('"POST"', '"GIVE"', "unknown method 'GIVE'"),
        ("courseId", "[endpoint.x]\ncourseId", "nothing to send"),
        ('type = "id"', 'type = "ID"', "did you mean 'id'?"),
    ],
)
def test_an_outgoing_call_is_checked_as_strictly(tmp_path, old, new, what):
    assert mapping_of(tmp_path, OUT).endpoints["out"].method == "POST"
    problems = problems_of(tmp_path, OUT.replace(old, new, 1))
    assert any(what in problem for problem in problems), problems


def test_the_fingerprint_changes_with_the_file_and_with_the_converters(tmp_path, monkeypatch):
    first = mapping_of(tmp_path, GOOD).fingerprint
    assert mapping_of(tmp_path, GOOD).fingerprint == first
    assert len(first) == 16
    assert mapping_of(tmp_path, GOOD + "# another word\n").fingerprint != first
    monkeypatch.setattr(load, "CONVERTERS_VERSION", convert.CONVERTERS_VERSION + 1)
    assert mapping_of(tmp_path, GOOD).fingerprint != first


def test_a_missing_file_is_a_problem_of_the_configuration(tmp_path):
    with pytest.raises(ConfigError, match="the file is missing"):
        load_mapping(tmp_path / "none.toml", shown="config/maconomy.toml")


@pytest.mark.parametrize("path", [SHIPPED, NATIVE])
def test_the_shipped_files_load_and_say_where_they_are(path):
    assert load_mapping(path, shown=f"config/{path.name}").shown == f"config/{path.name}"
