"""Whatever is sent: a form, or a refusal in words. What is taken can be shown, mailed, and read again as it is."""

import json
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from integrator.domain.orders import Form, canonical, form_data, form_from, form_hash
from integrator.errors import BadForm, UsageError

from .order_forms import NOW, SENT

WILD = st.text(st.characters(exclude_categories=()), max_size=40)  # lone surrogates, controls, everything
WORDS = st.sampled_from(
    [
        "Anna",
        " Åse\u00a0Holm ",
        "a\u030a",
        "a\u2000\u0301",
        "Ω\u0345",
        "a\nb",
        "a\r\n\r\n\r\nb",
        "\u202e",
        "\0",
        "5798000000001",
        "0000 0000",
        "１２３４",
        "DK",
        "se",
        "2026-11-21T10:00:00+01:00",
        "2026-11-21T09:00Z",
        "anna@example.org",
        "a@ærø.dk",
        "a@b.ßß.dk",
        "a@\u1e9e.dk",
        "a@ｅxample.org",
        "a@1.1",
        "a@xn--a.dk",
        "a\u200d@x.dk",
        "x" * 120,
        "x" * 3000,
    ]
)
EMAILS = st.builds(lambda local, domain: f"{local}@{domain}", st.text(max_size=8), st.text(max_size=12) | WORDS)
TEXTS = WORDS | WILD | EMAILS | st.text(max_size=1200)
SCALARS = TEXTS | st.none() | st.booleans() | st.integers() | st.floats()
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner), max_leaves=8
)


def an_object(names, required):
    """An object with the right keys, and mostly texts in them."""
    given_ones = {name: st.just(required.get(name, "")) | WORDS | TEXTS for name in names}
    sometimes = st.fixed_dictionaries({}, optional={"unknown": SCALARS})
    right = st.fixed_dictionaries(
        {name: st.just(required[name]) | given_ones[name] for name in required},
        optional={name: given_ones[name] | SCALARS for name in names if name not in required},
    )
    return right | right | st.builds(lambda one, other: {**one, **other}, right, sometimes) | ANYTHING


CUSTOMERS = an_object(SENT["customer"], {"name": "Anna", "email": "anna@example.org"})
COMPANIES = st.none() | an_object(SENT["company"], {"name": "Ærø Værft A/S"})
PEOPLE = an_object(SENT["participants"][0], {"first_name": "Anna", "last_name": "Holm", "email": "anna@example.org"})
FORMS = st.fixed_dictionaries(
    {"customer": CUSTOMERS, "participants": st.lists(PEOPLE, min_size=1, max_size=2) | ANYTHING},
    optional={"company": COMPANIES},
).map(lambda form: {"accepted_terms_at": "2026-11-21T10:00:00+01:00", **form})
# One wild value in an otherwise good form: most of these are taken.
PLACES = [(part, name) for part in ("customer", "company") for name in SENT[part]]
PLACES += [(0, name) for name in SENT["participants"][0]]


def refusal_of(kind, function, *arguments, **options):
    """(what a call gives, None), or (None, the one kind of error it may raise)."""
    try:
        return function(*arguments, **options), None
    except kind as error:
        return None, error


def taken(data, seats=1):
    """The form, or None when it is refused in words; anything else that is raised is a bug."""
    form, error = refusal_of(BadForm, form_from, data, seats=seats, language="da", now=NOW)
    if error:
        assert error.problems
        assert all(problem.field and problem.code and problem.message for problem in error.problems)
        assert error.message.isprintable()
    else:
        assert isinstance(form, Form)
    return form


def texts_of(form):
    for part in (form.customer, form.company, *form.participants):
        if part is not None:
            for name in part.__struct_fields__:
                if (value := getattr(part, name)) is not None:
                    yield name, value


def check(form):
    """What is true of every form that is taken."""
    for name, value in texts_of(form):
        assert value == value.strip() != ""
        assert unicodedata.is_normalized("NFC", value)
        lines = value.split("\n") if name == "comment" else [value]
        for line in lines:
            assert line == " ".join(line.split())
            assert not [char for char in line if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
        if name == "email":
            assert value.isascii()
            assert value.count("@") == 1
            assert len(value) <= 254
    again = form_from(form_data(canonical(form)), seats=len(form.participants), language="en", now=NOW)
    assert again == form
    assert form_hash(again) == form_hash(form)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLACES), TEXTS)
def test_any_text_in_one_field_is_taken_clean_or_refused(place, text):
    part, name = place
    data = {"participants": [SENT["participants"][0]], "accepted_terms_at": SENT["accepted_terms_at"]}
    data |= {"customer": SENT["customer"], "company": SENT["company"]}
    if part == 0:
        data["participants"] = [{**SENT["participants"][0], name: text}]
    else:
        data[part] = {**SENT[part], name: text}
    if form := taken(data):
        check(form)


@settings(max_examples=300, deadline=None)
@given(FORMS)
def test_a_form_with_anything_in_it_is_taken_clean_or_refused(data):
    people = data["participants"]
    if form := taken(data, len(people) if isinstance(people, list) else 1):
        check(form)


@settings(max_examples=200, deadline=None)
@given(ANYTHING)
def test_anything_at_all_is_refused_in_words(data):
    assert taken(data) is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_text_as_the_time_of_acceptance_is_refused_in_words(text):
    assert taken({**SENT, "accepted_terms_at": text}, 2) is None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | ANYTHING.map(lambda data: json.dumps(data).encode()))
def test_any_bytes_are_json_or_refused_in_words(raw):
    _, error = refusal_of(UsageError, form_data, raw)
    assert error is None or error.message.isprintable()
