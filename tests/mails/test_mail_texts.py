"""What the shipped mails say, whatever the facts are."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from integrator.errors import BadRecord
from integrator.mails import NAMES, Postroom
from integrator.mails.samples import sample

BOTH = pytest.mark.parametrize("language", ["da", "en"])
EACH = pytest.mark.parametrize("name", NAMES)
_VOID = {"meta", "br"}


class _Checker(HTMLParser):
    """Collects tags, and fails where one is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> _Checker:
    checker = _Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    return checker


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_a_danish_confirmation_names_order_days_price_and_terms_in_both_parts(postroom: Postroom) -> None:
    mail = postroom.mail(sample("confirmation-customer"))
    assert mail.subject == "Ordrebekræftelse 10001: Projektledelse i praksis"
    for part in (squeezed(mail.text), squeezed(parsed(mail.html).text)):
        for expected in (
            "Hej Åse Østergård",
            "2 pladser på Projektledelse i praksis",
            "10001",
            "25172-04",
            "1.–2. marts og 15. marts 2027",
            "14.995,00 kr.",
            "29.990,00 kr.",
            "ekskl. moms",
            "21. november 2026 kl. 10.00",
            "mandag den 1. marts 2027",
            "kl. 19.00–21.30",
            "Restaurant Søpavillonen, København K",
            "2900 Hellerup",
            "Søren Kjærgaard-Ærø",
            "PO-2027-118",
            "CVR: 10000001",
            "Att.: Bogholderiet",
        ):
            assert expected in part


def test_an_english_confirmation_speaks_english_dates_and_money(postroom: Postroom) -> None:
    mail = postroom.mail(sample("confirmation-customer", "en"))
    assert mail.subject == "Order confirmation 10001: Projektledelse i praksis"
    for part in (squeezed(mail.text), squeezed(parsed(mail.html).text)):
        for expected in ("Dear Åse Østergård,", "DKK 14,995.00", "DKK 29,990.00", "1–2 March and 15 March 2027"):
            assert expected in part
        assert "Tuesday 2 March 2027" in part
        assert "19:00–21:30" in part
        assert "kr." not in part


def test_a_participant_reads_who_ordered_and_no_price(postroom: Postroom) -> None:
    mail = postroom.mail(sample("confirmation-participant"))
    assert mail.subject == "Du er tilmeldt: Projektledelse i praksis"
    for part in (mail.text, mail.html):
        assert "Tilmeldingen er foretaget af Nordlys Rådgivning A/S." in part
        assert "14.995" not in part
        assert "Kjærgaard" not in part


def test_who_ordered_for_themselves_is_not_told_who_did_it(postroom: Postroom) -> None:
    facts = sample("confirmation-participant")
    facts["order"]["company"] = None
    mail = postroom.mail(facts)
    assert "foretaget af" not in mail.text + mail.html


def test_one_seat_is_a_singular(postroom: Postroom) -> None:
    facts = sample("confirmation-customer")
    facts["order"]["seats"] = 1
    assert "reserveret 1 plads på" in postroom.mail(facts).text


def test_a_list_has_who_attends_by_danish_order_and_the_waiting_list_apart(postroom: Postroom) -> None:
    mail = postroom.mail(sample("participant-list"))
    text = mail.text
    places = [
        text.index(name) for name in ("DELTAGERE (3)", "Mette Dahl", "Søren", "Åse Østergård\u0020 ", "VENTELISTE (1)")
    ]
    assert places == sorted(places)
    assert text.index("Bjørn Ågesen") > places[-1]
    assert parsed(mail.html).text.index("Bjørn Ågesen") > parsed(mail.html).text.index("Venteliste (1)")
    assert "Ida Lund" not in text + mail.html  # withdrew
    assert mail.deliver_within == "12h"
    assert mail.tags == ("participant-list", "class-25172-04")


def test_the_columns_of_a_list_are_aligned(postroom: Postroom) -> None:
    lines = postroom.mail(sample("participant-list")).text.splitlines()
    head = next(line for line in lines if line.startswith("Navn"))
    rows = [line for line in lines if "@example.org" in line and "Nordlys" in line]
    assert len(rows) == 2
    for row in rows:
        assert row[head.index("Virksomhed") :].startswith("Nordlys")
        assert re.match(r"\S+@example\.org$", row[head.index("E-mail") :])


def test_nobody_registered_is_said_plainly(postroom: Postroom) -> None:
    for language, said in (("da", "Der er ingen tilmeldte deltagere."), ("en", "Nobody is registered.")):
        mail = postroom.mail(sample("participant-list", language) | {"participants": []})
        assert said in mail.text
        assert said in mail.html
        assert "VENTELISTE" not in mail.text
        assert "WAITING" not in mail.text


@EACH
@BOTH
@pytest.mark.parametrize("bare", [False, True])
def test_html_is_whole_and_fetches_nothing(postroom: Postroom, name: str, language: str, bare: bool) -> None:
    html = postroom.mail(sample(name, language, bare=bare)).html
    tags = parsed(html).seen
    assert ("html", {"lang": language}) in tags
    assert not {tag for tag, _ in tags} & {"img", "link", "script", "style", "a", "iframe", "form", "base"}
    assert not re.search(r"https?:|url\(|src=|href=", html)
    assert "max-width:600px" in html


@EACH
@BOTH
def test_next_to_no_facts_leave_no_empty_labels(postroom: Postroom, name: str, language: str) -> None:
    mail = postroom.mail(sample(name, language, bare=True))
    assert "None" not in mail.text + parsed(mail.html).text
    assert not re.search(r"^[^.\n]*: ?$", mail.text, re.MULTILINE)
    assert not re.search(r"\n\n\n", mail.text)
    assert mail.to.name == ""


@EACH
def test_a_script_in_a_name_is_text(postroom: Postroom, name: str) -> None:
    facts = sample(name)
    facts["to"]["name"] = "<script>alert(1)</script>"
    facts["participants"][0]["first_name"] = "<script>alert(1)</script>"
    facts["class"]["title"] = 'A & B <b onclick="x">'
    mail = postroom.mail(facts)
    checker = parsed(mail.html)
    assert "script" not in {tag for tag, _ in checker.seen}
    assert "b" not in {tag for tag, _ in checker.seen}
    assert "<script>alert(1)</script>" in checker.text
    assert "<script>alert(1)</script>" in mail.text
    assert 'A & B <b onclick="x">' in mail.subject


@EACH
def test_line_breaks_and_turned_writing_in_a_name_forge_nothing(postroom: Postroom, name: str) -> None:
    facts = sample(name)
    evil = "Åse\r\nBcc: alle@example.org\r\n\r\nDu har vundet\u2028\u202egro\x00\x1b[31m\ud800"
    facts["to"]["name"] = evil
    facts["participants"][0]["last_name"] = evil
    facts["class"]["title"] = evil
    mail = postroom.mail(facts)
    assert "\n" not in mail.subject + mail.to.name
    for part in (mail.text, mail.html, mail.subject, mail.to.name):
        assert not re.search("[\r\x00\x1b\u2028\u202e]", part)
        assert not re.search(r"^(Bcc|Du har vundet)", part, re.MULTILINE)
        part.encode()
    assert mail.to.name == "Åse Bcc: alle@example.org Du har vundet gro[31m\N{REPLACEMENT CHARACTER}"


@EACH
def test_template_language_in_a_value_is_not_run(postroom: Postroom, name: str) -> None:
    facts = sample(name)
    facts["to"]["name"] = facts["participants"][0]["first_name"] = "{{ 7 * 7 }}{% include 'x' %}"
    mail = postroom.mail(facts)
    assert "{{ 7 * 7 }}" in mail.text
    assert "{{ 7 * 7 }}" in mail.html
    assert "49" not in mail.text.splitlines()[0]


@EACH
def test_names_of_500_characters_are_kept_but_cannot_stretch_a_header(postroom: Postroom, name: str) -> None:
    facts = sample(name)
    long = "Å" * 500
    facts["to"]["name"] = facts["class"]["title"] = facts["participants"][0]["last_name"] = long
    mail = postroom.mail(facts)
    assert long in mail.html
    assert len(mail.subject) <= 200
    assert len(mail.to.name) <= 100
    for line in mail.text.splitlines():
        assert len(line) < 998


def test_an_unknown_language_is_danish(postroom: Postroom) -> None:
    danish = postroom.mail(sample("confirmation-customer"))
    for language in (None, "sv", ""):
        assert postroom.mail(sample("confirmation-customer") | {"language": language}) == danish
    without = sample("confirmation-customer")
    del without["language"]
    assert postroom.mail(without) == danish


@EACH
def test_the_same_facts_make_the_same_mail(postroom: Postroom, name: str) -> None:
    assert postroom.mail(sample(name)) == postroom.mail(sample(name))


@pytest.mark.parametrize("name", ["confirmation-customer", "confirmation-participant"])
def test_confirmations_are_tagged_without_personal_data(postroom: Postroom, name: str) -> None:
    mail = postroom.mail(sample(name))
    assert mail.tags == ("order-confirmation", name.removeprefix("confirmation-"), "class-25172-04")
    assert mail.deliver_within is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"to": {"email": 5}}, "$.to.email"),
        ({"class": {"id": "25172-04"}}, "title"),
        ({"order": None}, "without its order"),
        ({"participants": []}, "its participant"),
    ],
)
def test_facts_that_are_not_whole_are_a_bad_record_which_quotes_nobody(
    postroom: Postroom, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadRecord, match=re.escape(said)) as caught:
        postroom.mail(sample("confirmation-participant") | change)
    assert caught.value.code == "bad_mail_facts"
    assert "sterg" not in str(caught.value)
