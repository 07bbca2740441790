"""What is compiled once for all readers, and what each of them has of its own."""

from dataclasses import replace

from mapping_samples import endpoint, mapping_of, one_field, packed, sample

from integrator.systems.mapping import compiler
from integrator.systems.mapping.compiler import Program

LINES = ["def answer():", "    return word"]


def test_the_same_source_is_compiled_once_and_runs_with_the_names_of_each():
    made = [Program(word=word).function("answer", LINES) for word in ("one", "two")]
    assert [function() for function in made] == ["one", "two"]
    assert made[0].__code__ is made[1].__code__


def test_another_source_of_the_same_name_is_another_function():
    other = Program(word="one").function("answer", ["def answer():", "    return word * 2"])
    assert (other(), Program(word="one").function("answer", LINES)()) == ("oneone", "one")


def test_what_is_kept_does_not_grow_with_the_mappings_that_were_read():
    for number in range(200):
        Program().function("answer", ["def answer():", f"    return {number}"])
    kept = compiler._code.cache_info()
    assert kept.maxsize is not None
    assert kept.currsize <= kept.maxsize < 200


def test_readers_of_one_source_convert_each_by_its_own_fields():
    """The names and places are alike; how a date is written, and what an enum is called, is not in the source."""
    danish = one_field("date")
    american = replace(danish, defaults=replace(danish.defaults, date_formats=("%m-%d-%Y",)))
    record = packed({"id": "1", "value": "03-04-2027"})
    found = [each.compile().read(record).record["value"] for each in (danish, american, danish)]
    assert found == ["2027-04-03", "2027-03-04", "2027-04-03"]


def test_a_mapping_that_was_edited_is_read_as_it_stands_now(tmp_path):
    text = """\
[endpoint.thing]
path = "/thing"
[endpoint.thing.fields]
id = {{ from = "{id}", type = "id", required = true }}
"""
    record = packed({"no": "1", "number": "2"})
    found = [
        mapping_of(tmp_path, text.format(id=name)).endpoints["thing"].compile().read(record).key
        for name in ("no", "number", "no")
    ]
    assert found == ["1", "2", "1"]


def test_two_readers_of_one_endpoint_share_no_remark_and_no_value():
    course = endpoint("course")
    first, second = course.compile(), course.compile()
    raws = first.items(sample("assumed/course.json"))
    told = [(first.read(raw).record, second.read(raw).record) for raw in raws]
    assert all(one == two for one, two in told)
    assert all(one is not two for one, two in told)
    assert first.missing_everywhere() == second.missing_everywhere()
