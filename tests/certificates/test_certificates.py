"""Certificates: the same bytes for the same facts, in three languages; what a template may not do, and what is said."""

import socket
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integrator.certificates import TEMPLATE, Certificate, Certificates
from integrator.certificates.facts import LANGUAGES, certificate_of, language_of, sample, values
from integrator.errors import BadRecord, ConfigError, Unavailable
from integrator.home import shipped

SHIPPED = shipped() / "config" / "templates"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A home's folder of templates, inside another folder."""
    folder = tmp_path / "home" / "templates"
    folder.mkdir(parents=True)
    return folder


def made(own: Path, text: str, **options: Any) -> bytes:
    (own / TEMPLATE).write_text(text, encoding="utf-8")
    return Certificates(own, SHIPPED, **options).pdf(sample("da"))


def broken(own: Path, text: str, facts: Certificate | None = None, **options: Any) -> str:
    """What is said of a template that cannot be used."""
    (own / TEMPLATE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Certificates(own, SHIPPED, **options).pdf(facts or sample("da"))
    [problem] = caught.value.problems
    return str(problem)


def changed(**facts: Any) -> Certificate:
    return msgspec.structs.replace(sample("da"), **facts)


# what it says ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_facts_make_the_same_bytes_and_other_facts_make_others(own: Path, language: Any) -> None:
    certificates = Certificates(own, SHIPPED)
    first = certificates.pdf(sample(language))
    assert first.startswith(b"%PDF-")
    assert b"%%EOF" in first[-20:]
    assert certificates.pdf(sample(language)) == first
    assert certificates.pdf(msgspec.structs.replace(sample(language), first_name="Bo")) != first


def test_the_same_bytes_come_out_of_another_process_at_another_time_and_place(own: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from integrator.certificates import Certificates;"
        "from integrator.certificates.facts import sample;"
        "sys.stdout.buffer.write(Certificates(Path('/nowhere'), Path(sys.argv[1])).pdf(sample('en')))"
    )
    env = {"TZ": "Pacific/Auckland", "LANG": "C"}
    there = subprocess.run([sys.executable, "-c", code, SHIPPED], env=env, capture_output=True, check=True).stdout
    assert there == Certificates(own, SHIPPED).pdf(sample("en"))


def test_dates_are_in_the_words_of_the_language() -> None:
    said = {language: values(sample(language)) for language in LANGUAGES}
    assert [said[one]["course"]["dates"] for one in LANGUAGES] == [
        *("1.–3. marts 2027", "1–3 March 2027", "1.–3. mars 2027")
    ]
    assert [said[one]["completed"] for one in LANGUAGES] == ["3. marts 2027", "3 March 2027", "3. mars 2027"]
    assert said["da"]["student"]["born"] == "14. februar 1990"


@pytest.mark.parametrize(
    ("facts", "dates"),
    [
        ({"starts_on": "2027-03-30", "ends_on": "2027-04-02"}, "30. marts – 2. april 2027"),
        ({"starts_on": "2026-12-30", "ends_on": "2027-01-02"}, "30. december 2026 – 2. januar 2027"),
        ({"ends_on": "2027-03-01"}, "1. marts 2027"),
        ({"ends_on": None}, "1. marts 2027"),
        ({"starts_on": None, "ends_on": None}, None),
    ],
)
def test_the_dates_of_a_course_are_put_together(facts: dict[str, Any], dates: str | None) -> None:
    assert values(changed(**facts))["course"]["dates"] == dates


def test_the_language_is_the_classs_and_danish_where_none_is_known() -> None:
    given = [None, "", "da", "en", "en-GB", "no", "nb", "NN", "sv"]
    assert [language_of(one) for one in given] == ["da", "da", "da", "en", "en", "no", "no", "no", "da"]


def test_facts_come_from_the_booking_and_its_class_whatever_is_missing_there() -> None:
    student = {"reference": "TP-A", "class_id": "25172-04", "birth_date": None, "completed_on": "2027-03-03"}
    person = {"first_name": " Åse ", "last_name": "Ø"}
    found = certificate_of(student | person, {"title": None, "venue": None, "start": None, "end": "2027-03-03T16:00"})
    assert (found.name, found.title, found.place, found.starts_on, found.ends_on) == (
        *("Åse Ø", "25172-04", None, None, "2027-03-03"),
    )
    assert certificate_of(student | person, {"venue": {"name": "Salen", "city": None}}).place == "Salen"


@pytest.mark.parametrize(
    "facts",
    [
        {"first_name": "#sys.inputs", "last_name": '*_$ "\\ <x> @y #import "/etc/passwd" //'},
        {"title": "= Overskrift\n\n- #panic()", "place": "`raw`"},
        {"first_name": "A" * 300, "title": "Meget " * 200},
        {"first_name": "Łukasz Þór", "last_name": "Ξενάκης Чайковский O’Neill"},
    ],
)
def test_whatever_people_typed_is_text(own: Path, facts: dict[str, Any]) -> None:
    assert Certificates(own, SHIPPED).pdf(changed(**facts)).startswith(b"%PDF-")


def test_a_name_that_would_come_out_as_boxes_is_not_printed(own: Path) -> None:
    with pytest.raises(BadRecord, match="letters that the built-in fonts lack") as caught:
        Certificates(own, SHIPPED).pdf(changed(first_name="小明"))
    assert "小明" not in str(caught.value)


# whose template ---------------------------------------------------------------------------------------


def test_a_homes_own_template_wins_with_the_files_beside_it(own: Path) -> None:
    (own / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', encoding="utf-8")
    (own / "parts").mkdir()
    (own / "parts" / "frame.typ").write_text("#let frame(body) = rect(body)", encoding="utf-8")
    text = '#import "parts/frame.typ": frame\n#image("logo.svg")\n#frame(json(bytes(sys.inputs.data)).student.name)'
    assert made(own, text) != Certificates(own / "none", SHIPPED).pdf(sample("da"))


def test_the_shipped_template_has_no_problem_and_neither_has_one_that_uses_every_name(own: Path) -> None:
    assert Certificates(own, SHIPPED).problems() == []
    names = "student.name student.born student.birth_date course.title course.dates course.place course.id"
    text = "#let data = json(bytes(sys.inputs.data))\n" + "".join(f"#data.{name}\n" for name in names.split())
    made(own, text + "#data.completed #data.completed_on #data.reference #data.language")


# what a template may not do -----------------------------------------------------------------------------


def test_nothing_outside_the_folder_is_read(own: Path) -> None:
    secret = own.parent / "secret.txt"
    secret.write_text("geheimnis", encoding="utf-8")
    (own / "link.txt").symlink_to(secret)
    (own / "folder").symlink_to(own.parent)
    for path in ("../secret.txt", str(secret), "link.txt", "folder/secret.txt", "/etc/passwd", "/proc/self/environ"):
        said = broken(own, f'\n#read("{path}")')
        assert said.startswith("config/templates/certificate.typ:2: "), said
        assert "geheimnis" not in said


def test_a_template_that_is_a_link_is_refused(own: Path) -> None:
    (own / TEMPLATE).symlink_to(SHIPPED / TEMPLATE)
    with pytest.raises(ConfigError, match=r"certificate\.typ: is not a plain file"):
        Certificates(own, SHIPPED).pdf(sample("da"))


def test_a_package_is_refused_before_anything_is_fetched(own: Path) -> None:
    said = broken(own, 'Hej\n#import "@preview/cetz:0.3.4": canvas')
    assert said.startswith("config/templates/certificate.typ:2: uses a package"), said
    made(own, '// #import "@preview/cetz:0.3.4"\n#"skriv til kontor@example.org"')


@contextmanager
def listening() -> Iterator[tuple[str, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield f"http://127.0.0.1:{server.getsockname()[1]}", server


def test_a_package_whose_name_is_put_together_is_sent_nowhere(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set up to swallow it is asked and nobody else: here somebody listens there, to see it."""
    text = '#let at = "@"\n#import at + "preview/cetz:0.3.4"'
    said = broken(own, text)
    assert said.startswith("config/templates/certificate.typ:2: uses a package"), said
    with listening() as (url, server):
        monkeypatch.setattr(
            "integrator.certificates.typesetting._NO_NETWORK",
            dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), url),
        )
        with pytest.raises(Unavailable):
            made(own, text, timeout_s=0.7)
        caller, _ = server.accept()
        caller.close()


def test_no_secret_of_ours_is_in_the_reach_of_a_template(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAININGPORTAL_PASSWORD", "geheimnis")
    assert b"geheimnis" not in zlib_open(made(own, "#repr(sys.inputs)\n#repr(sys)"))


def zlib_open(pdf: bytes) -> bytes:
    """The PDF with its packed parts unpacked."""
    parts = [part.split(b"endstream")[0].strip(b"\r\n") for part in pdf.split(b"stream\n")[1:]]
    opened = b""
    for part in parts:
        with_error = zlib.decompressobj()
        try:
            opened += with_error.decompress(part)
        except zlib.error:
            continue
    return pdf + opened


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("= A\n\n#foo", ":3: unknown variable: foo"),
        ("= A\n#let a = (1", ":2: unclosed delimiter"),
        ('#image("logo.png")', ":1: file not found (searched at logo.png)"),
        ("\n#json(bytes(sys.inputs.data)).nope", ':2: dictionary does not contain key "nope"'),
        ("#let f(n) = f(n + 1)\n#f(1)", ":1: maximum function call depth exceeded"),
        ("#while true {}", ":1: condition is always true"),
    ],
)
def test_a_broken_template_is_told_in_one_line_with_its_place(own: Path, text: str, said: str) -> None:
    assert broken(own, text) == f"config/templates/certificate.typ{said}"


def test_the_file_of_the_mistake_is_named_not_the_one_that_uses_it(own: Path) -> None:
    (own / "frame.typ").write_text("\n\n#let frame() = nope", encoding="utf-8")
    assert broken(own, '#import "frame.typ": frame\n#frame()') == "config/templates/frame.typ:3: unknown variable: nope"


def test_what_only_one_students_facts_break_is_told_without_them(own: Path) -> None:
    text = '#let name = json(bytes(sys.inputs.data)).student.name\n#if name == "Bo Krag" { panic(name) }'
    (own / TEMPLATE).write_text(text, encoding="utf-8")
    certificates, bo = Certificates(own, SHIPPED), changed(first_name="Bo", last_name="Krag", reference="TP-BO")
    for _ in range(2):
        with pytest.raises(BadRecord) as caught:
            certificates.pdf(bo)
        what = "booking TP-BO: config/templates/certificate.typ:2 cannot be filled in for it"
        assert (caught.value.code, caught.value.message) == ("template", what)
        assert certificates.pdf(sample("da")).startswith(b"%PDF-")


def test_one_that_is_no_text_is_told(own: Path) -> None:
    (own / TEMPLATE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"certificate\.typ: .*UTF-8"):
        Certificates(own, SHIPPED).pdf(sample("da"))


def test_one_that_never_ends_is_ended(own: Path) -> None:
    text = "#for a in range(100000) { for b in range(100000) { let c = a * b } }"
    with pytest.raises(Unavailable, match=r"config/templates/certificate\.typ: takes longer than 0\.7 s") as caught:
        made(own, text, timeout_s=0.7)
    assert caught.value.message.startswith(f"booking {sample('da').reference}: ")
    [problem] = Certificates(own, SHIPPED, timeout_s=0.7).problems()
    assert problem.what == "takes longer than 0.7 s"


def test_one_that_eats_the_memory_is_ended(own: Path) -> None:
    said = broken(own, '#let a = "abcdefgh" * 1000000000\n#a.len()')
    assert "needs more memory or time than there is" in said


def test_a_folder_full_of_other_things_is_not_copied(own: Path) -> None:
    (own / "film.mp4").write_bytes(b"0")
    with (own / "film.png").open("wb") as file:
        file.truncate(30_000_000)
    assert broken(own, "Hej").startswith("config/templates: holds more than 20 MB")
    (own / "film.png").rename(own / "film.mov")
    made(own, "Hej")
