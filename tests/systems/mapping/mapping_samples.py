"""The shipped mappings and the sample answers, for the tests beside this file."""

import json
from pathlib import Path

from integrator.systems.mapping import Endpoint, FieldSpec, load_mapping

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "tests" / "samples" / "maconomy"
SHIPPED = ROOT / "config" / "maconomy.toml"
NATIVE = ROOT / "config" / "maconomy.native-style.toml"

COURSE = {
    "courseId": "25172-04",
    "mainCourseId": "25172",
    "name": "Projektledelse i praksis",
    "startDate": "01-03-2027",
    "endDate": "01-03-2027",
    "courseDays": [{"date": "01-03-2027", "startTime": "09:00", "endTime": "16:00"}],
}


def sample(name):
    return (SAMPLES / name).read_bytes()


def endpoint(name, path=SHIPPED):
    return load_mapping(path).endpoints[name]


def mapping_of(folder, text):
    """A mapping of a few lines, written to a file as an operator would."""
    path = folder / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path, shown="config/mapping.toml")


def one_field(kind, source="value", **more):
    """An endpoint with an id and one field of a type, under the shipped defaults."""
    fields = (FieldSpec("id", "id", ("id",), required=True), FieldSpec("value", kind, (source,), **more))
    return Endpoint("test", "/test", fields=fields, defaults=endpoint("course").defaults)


def convert(kind, raw, **more):
    """(value, codes of the notes) of one raw value."""
    mapped = one_field(kind, **more).compile().read(packed({"id": "1", "value": raw}))
    return mapped.record["value"], [note.code for note in mapped.notes]


def packed(record):
    return json.dumps(record, ensure_ascii=False).encode()


def read(record, *, name="course", path=SHIPPED):
    return endpoint(name, path).compile().read(packed(record))
