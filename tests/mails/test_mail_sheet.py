"""The spreadsheet, read back from its XML."""

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from integrator.domain.mails import Attachment
from integrator.mails import Postroom
from integrator.mails.samples import sample

NAMESPACE = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def sheet_of(postroom: Postroom, facts: dict[str, Any]) -> Attachment:
    (attachment,) = postroom.mail(facts).attachments
    return attachment


def xml(attachment: Attachment, name: str) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(attachment.content)) as book:
        assert book.testzip() is None
        return ElementTree.fromstring(book.read(name))


def rows(attachment: Attachment) -> list[list[str]]:
    """The texts of the sheet; a cell of another kind fails the test."""
    strings = ["".join(one.itertext()) for one in xml(attachment, "xl/sharedStrings.xml").findall("x:si", NAMESPACE)]
    found = []
    for row in xml(attachment, "xl/worksheets/sheet1.xml").iterfind(".//x:row", NAMESPACE):
        cells = row.findall("x:c", NAMESPACE)
        assert all(cell.get("t") in ("s", None) and cell.find("x:f", NAMESPACE) is None for cell in cells)
        values = [cell.find("x:v", NAMESPACE) for cell in cells]
        found.append(["" if value is None else strings[int(value.text or "")] for value in values])
    return found


def person(**values: str | None) -> dict[str, Any]:
    names = ("first_name", "last_name", "company", "job_title", "email")
    return dict.fromkeys(names) | {"status": "registered"} | values


def test_everyone_who_attends_and_the_waiting_list_last(postroom: Postroom) -> None:
    attachment = sheet_of(postroom, sample("participant-list"))
    assert attachment.filename == "deltagerliste-25172-04.xlsx"
    assert attachment.content_type == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert rows(attachment) == [
        ["Fornavn", "Efternavn", "Virksomhed", "Stilling", "E-mail", "Status"],
        ["Mette", "Dahl", "Vestkystens Håndværkerforening", "", "dahl@example.org", "ukendt"],
        [
            "Søren",
            "Kjærgaard-Ærø",
            "Nordlys Rådgivning A/S",
            "Afdelingschef, digital udvikling",
            "kjargaard@example.org",
            "tilmeldt",
        ],
        ["Åse", "Østergård", "Nordlys Rådgivning A/S", "Projektleder", "ostergard@example.org", "tilmeldt"],
        ["Bjørn", "Ågesen", "", "Konsulent", "agesen@example.org", "venteliste"],
    ]


def test_an_english_sheet_is_english(postroom: Postroom) -> None:
    attachment = sheet_of(postroom, sample("participant-list", "en"))
    assert attachment.filename == "participant-list-25172-04.xlsx"
    assert rows(attachment)[0] == ["First name", "Last name", "Company", "Job title", "E-mail", "Status"]
    assert [row[5] for row in rows(attachment)[1:]] == ["unknown", "registered", "registered", "waiting list"]
    (sheet,) = xml(attachment, "xl/workbook.xml").iterfind(".//x:sheet", NAMESPACE)
    assert sheet.get("name") == "Participants"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+4500000001", "'+4500000001"),
        ("-1+1", "'-1+1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1+1", "'=1+1"),
        ("\r\n=1+1", "'=1+1"),
        ("\x00=1+1", "'=1+1"),
        ("\u200e=1+1", "'=1+1"),
        (" =1+1", "'=1+1"),
        ("＝1+1", "'＝1+1"),
        ("{=1+1}", "{=1+1}"),
        ("https://evil.example.org", "https://evil.example.org"),
        ("00123", "00123"),
        ("Åse\tMarie\nHolm", "Åse Marie Holm"),
    ],
)
def test_nothing_anybody_typed_is_a_formula_a_link_or_a_number(postroom: Postroom, typed: str, shown: str) -> None:
    one = person(first_name=typed, last_name=typed, company=typed, job_title=typed, email=typed)
    attachment = sheet_of(postroom, sample("participant-list") | {"participants": [one]})
    assert rows(attachment)[1] == [shown] * 5 + ["tilmeldt"]
    with zipfile.ZipFile(io.BytesIO(attachment.content)) as book:
        assert not [name for name in book.namelist() if "_rels/sheet" in name]


def test_the_head_is_frozen_and_has_a_filter(postroom: Postroom) -> None:
    sheet = xml(sheet_of(postroom, sample("participant-list")), "xl/worksheets/sheet1.xml")
    pane = sheet.find(".//x:pane", NAMESPACE)
    assert pane is not None
    assert (pane.get("ySplit"), pane.get("state")) == ("1", "frozen")
    area = sheet.find("x:autoFilter", NAMESPACE)
    assert area is not None
    assert area.get("ref") == "A1:F5"


def test_a_list_of_nobody_is_a_sheet_with_a_head(postroom: Postroom) -> None:
    assert len(rows(sheet_of(postroom, sample("participant-list") | {"participants": []}))) == 1


def test_long_texts_stay_within_what_a_cell_holds(postroom: Postroom) -> None:
    one = person(first_name="Å" * 500, company="x" * 40_000)
    row = rows(sheet_of(postroom, sample("participant-list") | {"participants": [one]}))[1]
    assert row[0] == "Å" * 500
    assert len(row[2]) == 32_000


def test_the_file_carries_the_day_of_the_list_and_no_clock(postroom: Postroom) -> None:
    core = xml(sheet_of(postroom, sample("participant-list")), "docProps/core.xml")
    assert [one.text for one in core if one.tag.endswith(("created", "modified"))] == ["2027-03-01T00:00:00Z"] * 2


def test_personal_data_goes_through_no_temporary_file(
    postroom: Postroom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert len(rows(sheet_of(postroom, sample("participant-list")))) == 5
