"""What may stand in each field, what is kept of it, and in which words it is refused."""

from datetime import datetime, timedelta
from string import Formatter

import pytest

from integrator.domain.orders.words import KINDS, SENTENCES

from .order_forms import NOW, only_problem, read, sent


def kept(field, value):
    """What is kept of a value: kept("company__ean", …)."""
    form = read(sent(**{field: value}))
    if field.startswith("participants__0__"):
        return getattr(form.participants[0], field.removeprefix("participants__0__"))
    part, _, name = field.partition("__")
    return getattr(getattr(form, part), name) if name else getattr(form, part)


def refused(field, value, language="en"):
    problem = only_problem(sent(**{field: value}), language=language)
    assert problem.field == field.replace("participants__0", "participants[0]").replace("__", ".")
    return problem.code, problem.message


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("anna@example.org", "anna@example.org"),
        ("  anna@example.org ", "anna@example.org"),
        ("Anna.Holm+kursus@EXAMPLE.ORG", "Anna.Holm+kursus@example.org"),
        ("anna@kursus.ærø.example.org", "anna@kursus.xn--r-3fa9c.example.org"),
        ("anna@KURSUS.ÆRØ.example.org", "anna@kursus.xn--r-3fa9c.example.org"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
        ("anna.o'hara@example.org", "anna.o'hara@example.org"),
    ],
)
def test_an_address_is_kept_as_mail_servers_take_it(typed, value):
    assert kept("customer__email", typed) == value


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("søren@example.org", "Æ, ø, å og andre særlige tegn kan ikke bruges før @ i e-mailadressen."),
        ("anna@@example.org", "E-mailadressen må kun indeholde ét @."),
        ("anna@holm@example.org", "E-mailadressen må kun indeholde ét @."),
        ("anna@example.org, bo@example.org", "E-mailadressen må kun indeholde ét @."),
        ("anna.example.org", "E-mailadressen mangler et @."),
        ("anna@example.org.", "E-mailadressen må ikke slutte med et punktum."),
        ("anna holm@example.org", "E-mailadressen må ikke indeholde mellemrum."),
        ('"anna"@example.org', "Der må ikke være anførselstegn i e-mailadressen."),
        ("anna@example", "E-mailadressen er ikke gyldig. Skriv den som navn@example.org."),
        ("anna..holm@example.org", "E-mailadressen er ikke gyldig. Skriv den som navn@example.org."),
        (".anna@example.org", "E-mailadressen er ikke gyldig. Skriv den som navn@example.org."),
        ("anna@-example.org", "E-mailadressen er ikke gyldig. Skriv den som navn@example.org."),
        ("anna@[127.0.0.1]", "E-mailadressen er ikke gyldig. Skriv den som navn@example.org."),
        ("anna@localhost.localdomain.local", "E-mailadressen er ikke gyldig. Skriv den som navn@example.org."),
        ("<anna@example.org>", "E-mailadressen er ikke gyldig. Skriv den som navn@example.org."),
        ("@example.org", "E-mailadressen er ikke gyldig. Skriv den som navn@example.org."),
        ("anna@", "E-mailadressen er ikke gyldig. Skriv den som navn@example.org."),
        ("a" * 65 + "@example.org", "E-mailadressen er ikke gyldig. Skriv den som navn@example.org."),
        ("anna@xn--zzzzzz99.example.org", "E-mailadressen er ikke gyldig. Skriv den som navn@example.org."),
    ],
)
def test_a_wrong_address_is_refused_in_plain_words(typed, message):
    assert refused("customer__email", typed, "da") == ("bad_email", message)
    assert refused("participants__0__email", typed)[0] == "bad_email"


def test_an_address_that_is_too_long_says_how_long_it_may_be():
    assert refused("customer__email", "a" * 250 + "@example.org") == (
        "too_long",
        "This field may hold at most 254 characters.",
    )


@pytest.mark.parametrize("typed", ["33 12 00 00", "+45 (0) 33-12-00-00", "000000", "(+298) 000000"])
def test_a_phone_number_is_kept_as_it_was_typed(typed):
    assert kept("customer__phone", typed) == typed


@pytest.mark.parametrize("typed", ["12345", "33 12 00 00 lok. 5", "tlf. 33120000", "٣٣١٢٠٠٠٠", "+-() +-()"])
def test_what_is_no_phone_number_is_refused(typed):
    code, message = refused("participants__0__phone", typed, "da")
    assert code == "bad_phone"
    assert "mindst 6 cifre" in message


@pytest.mark.parametrize("typed", ["00000000", "00 00 00 00", "DK00000000", "dk-00 00 00 00"])
def test_a_danish_cvr_number_is_kept_as_its_digits(typed):
    assert kept("company__cvr", typed) == "00000000"


@pytest.mark.parametrize("typed", ["0000000", "000000000", "0000000A", "DK", "SE00000000", "٠٠٠٠٠٠٠٠"])
def test_a_danish_cvr_number_has_8_digits(typed):
    assert refused("company__cvr", typed) == ("bad_cvr", "The CVR number must have 8 digits.")


def abroad(**values):
    return sent(company={"name": "Värmdö Kurs AB", "country": "SE"} | values)


def test_elsewhere_a_company_number_and_a_postcode_are_free():
    company = read(abroad(cvr="SE 000000-0000", zip="SE-139 00", country="se")).company
    assert (company.cvr, company.zip, company.country) == ("SE 000000-0000", "SE-139 00", "SE")


@pytest.mark.parametrize("typed", ["1", "1" * 21])
def test_elsewhere_a_company_number_has_2_to_20_characters(typed):
    problem = only_problem(abroad(cvr=typed))
    assert (problem.field, problem.code) == ("company.cvr", "bad_cvr")
    assert "between 2 and 20" in problem.message


@pytest.mark.parametrize(
    ("typed", "value"), [("5970", "5970"), (" 59 70 ", "5970"), ("DK-5970", "5970"), ("0800", "0800")]
)
def test_a_danish_postcode_has_4_digits(typed, value):
    assert kept("company__zip", typed) == value


@pytest.mark.parametrize("typed", ["597", "59700", "597O", "D-5970", "5970 Ærøskøbing"])
def test_what_is_no_danish_postcode_is_refused(typed):
    assert refused("company__zip", typed, "da") == ("bad_zip", "Et dansk postnummer har 4 cifre.")


@pytest.mark.parametrize("typed", ["D", "Danmark", "DA", "XX", "ß", "AD AE", "UK", "D K"])
def test_what_is_no_country_code_is_refused(typed):
    problem = only_problem(sent(company={"name": "Ærø Værft A/S", "country": typed}), language="da")
    assert (problem.field, problem.code) == ("company.country", "bad_country")


def test_of_a_country_that_cannot_be_read_nothing_else_is_said():
    assert only_problem(abroad(country="Sverige", cvr="SE 000000-0000", zip="139 00")).field == "company.country"


def test_a_blank_country_is_denmark():
    assert only_problem(abroad(country=" ", zip="139 00")).field == "company.zip"


@pytest.mark.parametrize("code", ["DK", "FO", "GL", "SE", "NO", "DE", "GB", "XK"])
def test_country_codes_are_known(code):
    assert read(sent(company={"name": "Ærø Værft A/S", "country": code})).company.country == code


@pytest.mark.parametrize("typed", ["5798000000001", "5798 000 000 001", "0000000000000"])
def test_an_ean_number_is_kept_as_its_13_digits(typed):
    assert kept("company__ean", typed) == typed.replace(" ", "")


@pytest.mark.parametrize("typed", ["579800000000", "57980000000010", "57980000000O1", "٥٧٩٨٠٠٠٠٠٠٠٠١"])
def test_an_ean_number_has_13_digits(typed):
    assert refused("company__ean", typed) == ("bad_ean", "The EAN number must have 13 digits.")


@pytest.mark.parametrize("typed", ["5798000000002", "5789000000001", "5798000000010"])
def test_an_ean_number_with_a_slip_is_refused(typed):
    code, message = refused("company__ean", typed, "da")
    assert code == "bad_ean"
    assert message == "EAN-nummeret er ikke korrekt: Det sidste ciffer passer ikke til de andre."


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("2026-11-21T10:00:00+01:00", "2026-11-21T10:00:00+01:00"),
        ("2026-11-21T09:00:00Z", "2026-11-21T10:00:00+01:00"),
        ("2026-11-21T09:00:00.123Z", "2026-11-21T10:00:00+01:00"),
        ("2026-11-21 09:00+0000", "2026-11-21T10:00:00+01:00"),
        ("2026-11-20T23:30:00-05:00", "2026-11-21T05:30:00+01:00"),
    ],
)
def test_the_time_of_acceptance_is_kept_in_copenhagens_time(typed, value):
    assert kept("accepted_terms_at", typed) == value


def test_in_summer_copenhagen_is_two_hours_ahead():
    now = datetime.fromisoformat("2026-07-01T12:00:00+00:00")
    form = read(sent(accepted_terms_at="2026-07-01T12:00:00Z"), now=now)
    assert form.accepted_terms_at == "2026-07-01T14:00:00+02:00"


@pytest.mark.parametrize(
    "typed",
    [
        "2026-11-21T10:00:00",
        "2026-11-21",
        "21-11-2026 10:00",
        "2026-02-31T10:00:00+01:00",
        "2026-11-21T25:00:00+01:00",
        "2026-11-21T10:00:00+99:00",
        "2026-W47-6T10:00:00+01:00",
        "20261121T100000+0100",
        "２０２６-11-21T10:00:00+01:00",
        "true",
        "1795251600",
    ],
)
def test_a_time_without_offset_or_in_another_form_is_refused(typed):
    assert refused("accepted_terms_at", typed) == (
        "bad_time",
        "The time must be written as 2026-11-21T10:00:00+01:00.",
    )


@pytest.mark.parametrize("minutes", [-24 * 60, -1, 0, 10])
def test_a_clock_that_differs_a_little_does_no_harm(minutes):
    at = NOW + timedelta(minutes=minutes)
    assert datetime.fromisoformat(kept("accepted_terms_at", at.isoformat())) == at


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ((NOW + timedelta(days=1, seconds=1)).isoformat(), "Tidspunktet ligger i fremtiden."),
        ("9999-12-31T23:59:59-12:00", "Tidspunktet ligger i fremtiden."),
        ("1999-12-31T23:59:59+00:00", "Tidspunktet kan ikke være rigtigt: det ligger før år 2000."),
        ("0001-01-01T00:00:00+14:00", "Tidspunktet kan ikke være rigtigt: det ligger før år 2000."),
    ],
)
def test_terms_are_not_accepted_tomorrow_nor_before_there_was_a_website(typed, message):
    assert refused("accepted_terms_at", typed, "da") == ("bad_time", message)


LIMITS = {
    "customer__name": 100,
    "company__name": 100,
    "company__address": 200,
    "company__city": 100,
    "company__purchase_order": 50,
    "company__attention": 100,
    "participants__0__first_name": 100,
    "participants__0__last_name": 100,
    "participants__0__job_title": 100,
    "participants__0__comment": 1000,
}


@pytest.mark.parametrize(("field", "limit"), LIMITS.items())
def test_a_text_is_as_long_as_it_may_be_and_no_longer(field, limit):
    assert kept(field, "å" * limit) == "å" * limit
    for length in (limit + 1, 500 + limit, 1_000_000):
        assert refused(field, "å" * length, "da") == ("too_long", f"Feltet må højst være på {limit} tegn.")


def test_what_is_counted_is_what_is_kept():
    assert kept("customer__name", " " * 500 + "a\u030a" * 100 + " ") == "å" * 100


@pytest.mark.parametrize("field", ["customer__name", "company__purchase_order", "participants__0__job_title"])
@pytest.mark.parametrize(
    "typed",
    [
        "a\rb",
        "a\nb",
        "anna\r\n",
        "a\0b",
        "a\x1bb",
        "a\x7fb",
        "a\x85b",
        "a\u2028b",
        "a\u202eb",
        "a\u2066b",
        "a\u200bb",
        "\ufeffa",
        "a\u00adb",
        "a\ufffeb",
        "a\U000e0041b",
    ],
)
def test_what_cannot_be_seen_is_refused_not_taken_away(field, typed):
    assert refused(field, typed) == (
        "control_characters",
        "This field holds line breaks or invisible characters. Type it again on one line.",
    )


@pytest.mark.parametrize("field", ["customer__email", "customer__phone", "company__ean", "accepted_terms_at"])
def test_a_line_break_can_nowhere_make_a_header_of_its_own(field):
    assert refused(field, "x\r\nBcc: alle@example.org")[0] == "control_characters"


def test_half_a_character_is_refused():
    assert refused("customer__name", "Anna \ud83d", "da") == (
        "bad_encoding",
        "Feltet indeholder et ødelagt tegn. Skriv teksten igen.",
    )


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("Vegetar\r\nKommer  sent", "Vegetar\nKommer sent"),
        ("\n\n a \n\n\n\n b\t c\r", "a\n\nb c"),
        ("👩\u200d💻 kommer", "👩\u200d💻 kommer"),
    ],
)
def test_a_comment_may_hold_line_breaks(typed, value):
    assert kept("participants__0__comment", typed) == value


@pytest.mark.parametrize("typed", ["a\0b", "a\u202eb", "a\u2028b", "a\x0bb"])
def test_other_control_characters_are_refused_in_a_comment_too(typed):
    assert refused("participants__0__comment", typed, "da") == (
        "control_characters",
        "Feltet indeholder usynlige tegn. Skriv teksten igen.",
    )


def test_blanks_of_every_kind_become_one():
    assert kept("customer__name", "\u00a0Anna \t\u2003 Holm\u3000") == "Anna Holm"


def test_every_sentence_stands_in_both_languages_with_the_same_facts():
    for danish, english in [*SENTENCES.values(), *KINDS.values()]:
        assert danish
        assert danish != english
        names = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (danish, english)]
        assert names[0] == names[1]
