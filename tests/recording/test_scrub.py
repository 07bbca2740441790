"""What is replaced in a recording, value by value, and what stays."""

import gzip
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrator.recording.freetext import FreeText, survivors
from integrator.recording.madeup import MadeUp
from integrator.recording.scrub import Exchange, Scrubber, System
from integrator.systems.recordable import Anywhere, Call, Fields, Items, May, Recordable, Shape, Words

BASE = "https://erp.firm.example/base"
ALLOWED = Items(
    Fields(
        {
            "id": May.CODE,
            "title": May.TEXT,
            "seats": May.NUMBER,
            "price": May.AMOUNT,
            "start": May.MOMENT,
            "active": May.YESNO,
            "status": Words(frozenset({"open"})),
            "who": Items(
                Fields(
                    {"name": May.NAME, "mail": May.EMAIL, "phone": May.PHONE, "short": May.INITIALS, "user": May.LOGIN}
                )
            ),
            "about": Anywhere({"type": May.CODE}),
        }
    )
)


def scrubber(shape: Shape = ALLOWED, made_up: MadeUp | None = None) -> Scrubber:
    call = Call(re.compile("/list(/[^/]+)?"), request=shape, answer=shape, query={"page": May.NUMBER, "who": May.NAME})
    return Scrubber([System("erp", BASE, Recordable((call,), frozenset({"", "nil"})))], made_up or MadeUp())


def answer(value: Any, *, url: str = f"{BASE}/list", headers: dict[str, list[str]] | None = None) -> Exchange:
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return Exchange("GET", url, status=200, headers=headers or {"content-type": ["application/json"]}, body=body)


def after(value: Any) -> Any:
    """One record as it stands in the recording."""
    [exchange] = scrubber().scrubbed([answer([value])])
    return json.loads(exchange.body)[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "25172-04"),
        ("id", 25172),
        ("title", "Projektledelse i praksis – fra idé & til 2026-2027, 01-03-2027, 14.995,00 kr., 2900 Hellerup"),
        ("title", None),
        ("title", "Uge 12 34, 3.000.000 og 25172-04"),
        ("seats", 7),
        ("seats", "7 ledige"),
        ("price", "14.995,00 kr."),
        ("price", 14995.5),
        ("start", "2027-03-01T09:00:00+01:00"),
        ("start", "1. marts 2027"),
        ("active", True),
        ("active", "Nej"),
        ("status", " OPEN "),
        ("unmapped", ""),
        ("unmapped", "nil"),
        ("unmapped", None),
        ("about", {"type": "string", "properties": {"type": {"type": "integer"}}}),
    ],
)
def test_what_is_allowed_and_has_its_form_stays(field: str, value: Any) -> None:
    assert after({field: value}) == {field: value}


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("unmapped", "Ring til Åse om fakturaen", str),
        ("unmapped", 4711, int),
        ("unmapped", True, bool),
        ("unmapped", ["Åse", "Jørgen"], list),
        ("unmapped", {"title": "Åse Østergård"}, dict),
        ("id", "Åse Østergård", str),
        ("seats", "spørg Åse", str),
        ("price", "spørg Åse på 70201234", str),
        ("start", "når Åse kan", str),
        ("active", "spørg Åse", str),
        ("status", "spørg Åse", str),
        ("title", {"text": "Åse"}, dict),
        ("about", {"description": "skrevet af Åse", "default": 4711}, dict),
        (
            "who",
            [{"name": "Åse Østergård", "mail": "aase@firm.example", "phone": "+45 70 20 12 34", "short": "ÅØ"}],
            list,
        ),
        ("who", [{"name": 4711, "mail": "Åse <aase@firm.example>", "phone": 70201234, "user": "aase"}], list),
    ],
)
def test_what_is_not_allowed_or_has_another_form_is_replaced_by_the_same_type(
    field: str, value: Any, kind: type
) -> None:
    found = after({field: value})[field]
    text = json.dumps(found, ensure_ascii=False)
    assert isinstance(found, kind)
    assert not re.search(r"åse|aase|østerg|jørgen|firm|70 ?20 ?12|4711|ÅØ", text, re.IGNORECASE), text
    if isinstance(value, list):
        assert len(found) == len(value)


def test_a_form_that_breaks_the_contract_still_breaks_it() -> None:
    found = after({"price": "gratis", "seats": "mange", "who": [{"mail": "ingen adresse"}]})
    assert not any(char.isdigit() for char in found["price"] + found["seats"])
    assert "@" not in found["who"][0]["mail"]


def test_the_same_value_becomes_the_same_everywhere_also_in_the_query_and_in_texts() -> None:
    person = {"name": "Åse Østergård", "mail": "aase@firm.example", "phone": "70201234"}
    text = "Spørg ÅSE ØSTERGÅRD (aase@firm.example, +45 70 20 12 34) – eller Åse, Aase eller &Aring;se Østergaard"
    first = answer([{"title": text}], url=f"{BASE}/list?who=%C3%85se+%C3%98sterg%C3%A5rd&page=2")
    one, two = scrubber().scrubbed([first, answer([{"who": [person]}, {"unmapped": "Åse Østergård"}])])
    who, unmapped = json.loads(two.body)
    name = who["who"][0]["name"]
    given = name.split()[0]
    assert one.url == f"https://erp.example.org/list?who={name.replace(' ', '+')}&page=2"
    assert unmapped["unmapped"] == name
    found = json.loads(one.body)[0]["title"]
    mail, phone = who["who"][0]["mail"], who["who"][0]["phone"]
    assert found == f"Spørg {name.upper()} ({mail}, {phone}) – eller {given}, {given} eller {name}"


def test_addresses_numbers_and_hosts_go_from_texts_although_nobody_named_them() -> None:
    text = 'Skriv til kurser@firm.example, ring 70.20.12.34, 08-123 456 78; se <a href="https://www.firm.example/a?b=c">her</a>'
    found = after({"title": text})["title"]
    assert not re.search(r"firm|70\.20|123 456|b=c", found)
    assert 'href="https://site1.example.org/page1"' in found


def test_our_own_host_is_named_after_its_system_wherever_it_stands() -> None:
    found = after({"title": "Se https://erp.firm.example/base/x"})["title"]
    assert found == "Se https://erp.example.org/page1"


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b"", b""),
        (b'[{"id": "1", "title": "Aase', b'[{"recorded": "cut or broken'),
        (b"<!DOCTYPE html><title>Aase</title>", b"<html>"),
        (b'[{"title": "\xe5se"}]', b'[{"recorded": "\xff"}]'),
        (b"null", b"null"),
    ],
)
def test_a_body_that_is_no_json_stays_what_it_is_without_its_words(body: bytes, left: bytes) -> None:
    [exchange] = scrubber().scrubbed([answer(body)])
    assert exchange.body.startswith(left)
    assert b"Aase" not in exchange.body


def test_numbers_and_keys_stay_as_they_are_written() -> None:
    [exchange] = scrubber().scrubbed([answer(b'[{"price": 1.50, "price": 1e3, "seats": NaN, "id": "1", "id": "2"}]')])
    assert exchange.body == b'[{"price": 1.50, "price": 1e3, "seats": NaN, "id": "1", "id": "2"}]'


def test_compressed_answers_are_unpacked_and_other_charsets_kept() -> None:
    packed = answer(
        gzip.compress('[{"title": "Lær åse"}]'.encode("latin-1")),
        headers={"Content-Type": ["application/json; charset=iso-8859-1"], "Content-Encoding": ["gzip"]},
    )
    [exchange] = scrubber().scrubbed([packed])
    assert exchange.body == '[{"title": "Lær åse"}]'.encode("latin-1")
    assert exchange.headers == {"content-type": ["application/json; charset=iso-8859-1"]}


def test_only_harmless_headers_stay() -> None:
    sent = {"Authorization": ["Bearer x"], "Accept": ["application/json"], "X-Api-Key": ["k"], "Cookie": ["a=b"]}
    came = {
        "Set-Cookie": ["a=b"],
        "Location": ["https://x.example/?token=1"],
        "Retry-After": ["120"],
        "X-WP-Total": ["7"],
    }
    [exchange] = scrubber().scrubbed([Exchange("GET", f"{BASE}/list", sent_headers=sent, status=503, headers=came)])
    assert exchange.sent_headers == {"accept": ["application/json"]}
    location = ["https://site1.example.org/"]
    assert exchange.headers == {"retry-after": ["120"], "x-wp-total": ["7"], "location": location}


def test_a_system_that_says_nothing_keeps_nothing() -> None:
    system = System("kobo", "https://kobo.firm.example")
    sent = Exchange(
        "POST",
        "https://kobo.firm.example/api/v2/assets/aX93/data?sort=aase&limit=9",
        sent_headers={"content-type": ["application/x-www-form-urlencoded"]},
        sent=b"name=Aase&id=4711",
        status=200,
        headers={"content-type": ["application/json"]},
        body=b'{"results": [{"name": "Aase", "Aase Lund": 4711}]}',
    )
    [exchange] = Scrubber([system], MadeUp()).scrubbed([sent])
    whole = f"{exchange.url} {exchange.sent!r} {exchange.body!r}"
    assert exchange.url.startswith("https://kobo.example.org/api/v2/assets/")
    assert not re.search("Aase|aase|4711|aX93|firm", whole), whole
    assert json.loads(exchange.body)["results"][0]["name"]


def test_traffic_with_others_is_not_recorded() -> None:
    others = [answer([], url="https://erp.firm.example/elsewhere"), answer([], url="https://hc-ping.example/uuid")]
    assert scrubber().scrubbed(others) == []


def test_a_made_up_name_is_nobodys_in_the_recording() -> None:
    people = [{"name": "Alvin Bodil"}, {"name": "Cecil Dagny"}]
    [exchange] = scrubber().scrubbed([answer([{"who": people}])])
    assert not re.search("Alvin|Bodil|Cecil|Dagny", exchange.body.decode())


NAME = st.builds(
    lambda parts: " ".join(part.capitalize() for part in parts),
    st.lists(st.text("abdeghijklmnorstuvyæøåéö", min_size=2, max_size=9), min_size=2, max_size=3),
)
MAIL = st.from_regex(r"[a-z][a-z0-9._-]{0,12}[a-z0-9]@[a-z]{2,10}\.(dk|se|example)", fullmatch=True)
PHONE = st.from_regex(r"(\+45 ?)?[2-9]\d ?\d\d ?\d\d ?\d\d", fullmatch=True)


@settings(max_examples=150, deadline=None)
@given(
    people=st.lists(st.tuples(NAME, MAIL, PHONE), min_size=1, max_size=4),
    frame=st.sampled_from(["{}", "Spørg {}.", "<p>{}</p>", "kontakt:{};", "({})", "… {}, og så videre"]),
    shouted=st.sampled_from([str, str.upper, str.lower]),
)
def test_nobody_survives(people: list[tuple[str, str, str]], frame: str, shouted: Any) -> None:
    records = [{"who": [{"name": name, "mail": mail, "phone": phone}]} for name, mail, phone in people]
    texts = [{"title": frame.format(shouted(value)), "unmapped": value, "id": value} for row in people for value in row]
    made_up = MadeUp()
    [exchange] = scrubber(made_up=made_up).scrubbed([answer([*texts, *records])])
    found = exchange.body.decode().casefold()
    for name, mail, phone in people:
        assert name.casefold() not in found
        assert mail.casefold() not in found
        assert phone not in found
    assert survivors(exchange.body.decode(), made_up) == 0


def test_the_fence_sees_a_name_and_an_address() -> None:
    made_up = MadeUp()
    made_up.learn_name("Jørgen Kjær")
    assert survivors("joergen.kjaer", made_up) == 1
    assert survivors("jk@firm.example and person1@example.org", made_up) == 1
    assert survivors("Jørgen alone, and a Kjær", made_up) == 0


def test_an_untouched_text_is_left_byte_for_byte() -> None:
    made_up = MadeUp()
    made_up.learn_name("Jørgen Kjær")
    text = "<p>L&aelig;r  at \u00a0lede – fra id&eacute; til \u2028 plan</p>"
    assert FreeText(made_up).cleaned(text) == text
