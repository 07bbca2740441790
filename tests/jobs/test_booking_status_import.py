"""Lists of statuses from files: read in every form people have them, within bounds, all bad rows told at once."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_outcomes import LAST_DAY, NOW, TP, book, reference
from integrator.database import Database
from integrator.domain.completion import ALLOWED
from integrator.errors import UsageError
from integrator.jobs import booking_status_files as files
from integrator.jobs.booking_status_desk import Imported, import_statuses
from integrator.store import open_store

B, C, D = (reference(letter) for letter in "BCD")
HEAD = "reference;status;dato"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    found = open_store(tmp_path / "store.db", backups=tmp_path).db
    for booking in (TP, B, C):
        book(found, booking)
    book(found, D, state="cancelled")
    yield found
    found.close()


def stands(db: Database) -> dict[str, tuple[str, str | None]]:
    rows = db.all("SELECT reference, status, completed_on FROM booking_statuses")
    return {row["reference"]: (row["status"], row["completed_on"]) for row in rows}


def taken(db: Database, tmp_path: Path, content: str | bytes, *, name: str = "list.csv", **more: Any) -> Imported:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_statuses(db, path, NOW, **more)


def sheet(*rows: Sequence[Any], first: int = 0, hidden: bool = False) -> bytes:
    """A workbook with these rows from the line `first` on."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        page, day = book.add_worksheet("Udfald"), book.add_format({"num_format": "dd-mm-yyyy"})
        other = book.add_worksheet("Andet")
        other.write(0, 0, "reference")
        if hidden:
            page.hide()
            other.activate()
        for number, row in enumerate(rows, first):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    page.write_datetime(number, column, cell, day)
                else:
                    page.write(number, column, cell)
    return made.getvalue()


# forms -----------------------------------------------------------------------------------------------

LIST = f"{HEAD}\n{TP};Gennemført;03-03-2027\n{B};ikke mødt;\n\n{C};FAILED\n"
OUTCOME = {TP: ("COMPLETED", LAST_DAY), B: ("NO_SHOW", None), C: ("FAILED", None)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_csv_is_read_in_every_form(db: Database, tmp_path: Path, encoding: str, ending: str, delimiter: str) -> None:
    text = LIST.replace(";", delimiter).replace("\n", ending)
    found = taken(db, tmp_path, text.encode(encoding))
    assert (found.bad, found.rows, found.changed, found.unchanged) == ([], 3, 3, 0)
    assert stands(db) == OUTCOME


@pytest.mark.parametrize(
    "head",
    [
        *(
            "Booking reference;Status;Date",
            "BOOKING_REFERENCE;New status;Completion-date",
            "booking;resultat;Gennemført den",
        ),
        *(
            "navn;Reference;firma;Status ;Dato:",
            "sep=;\nreference;status;dato",
            "\n\nUdfald\n\nref;udfald;completed on",
        ),
    ],
)
def test_columns_are_found_by_danish_and_english_names_wherever_they_stand(
    db: Database, tmp_path: Path, head: str
) -> None:
    named = head.splitlines()[-1].split(";")
    row = {"ref": TP, "sta": "Bestået", "dat": "3/3-2027"}
    cells = []
    for name in named:
        low = name.strip().lower().replace("_", " ")
        kind = (
            "ref"
            if "ref" in low or low.startswith("booking")
            else "sta"
            if low[:3] in ("sta", "new", "res", "udf")
            else "dat"
        )
        cells.append("Åse" if low in ("navn", "firma") else row[kind])
    assert taken(db, tmp_path, f"{head}\n{';'.join(cells)}\n").bad == []
    assert stands(db) == {TP: ("COMPLETED", LAST_DAY)}


@pytest.mark.parametrize("title", ["Liste, maj", "Hold 25172-04, Bergen, maj, uge 18\n", 'Udfald, "maj"\tuge 18'])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_title_above_the_names_of_the_columns_does_not_hide_them(
    db: Database, tmp_path: Path, title: str, delimiter: str
) -> None:
    text = f"{title}\n{LIST.replace(';', delimiter)}"
    assert taken(db, tmp_path, text).bad == []
    assert stands(db) == OUTCOME


def test_quoted_cells_may_hold_delimiters_and_lines(db: Database, tmp_path: Path) -> None:
    text = f'note,reference,status,date\n"a, ""b""\nc",{TP},completed,"2027-03-03"\n,{B},nix,\n'
    assert taken(db, tmp_path, text).bad == [(4, f"unknown status: {ALLOWED}", "")]


def test_a_workbook_is_read_with_its_dates(db: Database, tmp_path: Path) -> None:
    content = sheet(
        ("Hold 25172-04",), ("Reference", "Navn", "Status", "Dato"), (TP, "Åse", "COMPLETED", date(2027, 3, 3)),
        (), (B, "Bo", "NO_SHOW", ""), (C, "Ib", "Gennemført", "3.3.2027"), first=2,
    )  # fmt: skip
    found = taken(db, tmp_path, content, name="liste.xlsx")
    assert (found.bad, found.rows) == ([], 3)
    assert stands(db) == OUTCOME | {C: ("COMPLETED", LAST_DAY)}


def test_rows_of_a_workbook_are_counted_as_it_shows_them(db: Database, tmp_path: Path) -> None:
    rows = [("reference", "status", "date"), (TP, "COMPLETED", 46_449), (B, "COMPLETED", datetime(2027, 3, 3, 14, 30))]
    found = taken(db, tmp_path, sheet(*rows, first=4), name="a.xlsx")
    assert [one.place for one in found.bad] == ['sheet "Udfald", row 6', 'sheet "Udfald", row 7']
    assert "not a date" in found.bad[0][1]
    assert "time of day" in found.bad[1][1]


def workbook(**sheets: Sequence[Sequence[Any]]) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            page = book.add_worksheet(name)
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)
        book.add_chartsheet("Graf")
    return made.getvalue()


def test_every_sheet_that_names_the_columns_is_read(db: Database, tmp_path: Path) -> None:
    guide = [("Sådan gør du",), ("Skriv én linje pr. kursist",)]
    first = [("reference", "status"), (TP, "NO_SHOW"), (B, "nix")]
    second = [("Udfald",), ("status", "note", "booking"), ("FAILED", "", C), ("NEW", "", D)]
    content = workbook(Vejledning=guide, Mandag=first, Tom=[], Tirsdag=second)
    found = taken(db, tmp_path, content, name="a.xlsx", partial=True)
    assert (found.rows, found.changed, found.left_out) == (4, 2, ["Vejledning"])
    assert [one.place for one in found.bad] == ['sheet "Mandag", row 3', 'sheet "Tirsdag", row 4']
    assert stands(db) == {TP: ("NO_SHOW", None), C: ("FAILED", None)}
    other = workbook(Mandag=[*first[:1], (TP, "NEW")], Tirsdag=[*first[:1], (TP, "FAILED")])
    assert taken(db, tmp_path, other, name="b.xlsx").bad == [
        (2, 'sheet "Tirsdag", row 2 of the same booking says otherwise', "Mandag"),
        (2, 'sheet "Mandag", row 2 of the same booking says otherwise', "Tirsdag"),
    ]


def test_rows_of_all_sheets_count_together(db: Database, tmp_path: Path) -> None:
    rows = [("reference", "status"), *[(TP, "NEW")] * 5_001]
    assert "more than 10,000 rows" in refused(db, tmp_path, workbook(a=rows, b=rows))


def test_where_no_sheet_names_the_columns_all_are_named_with_what_was_found(db: Database, tmp_path: Path) -> None:
    said = refused(db, tmp_path, workbook(Vejledning=[("Sådan",)], Liste=[("Kursus", "status", "mødt?"), (TP, "NEW")]))
    assert 'on any sheet that shows ("Vejledning", "Liste")' in said
    assert 'found instead on "Liste": row 1: "Kursus", "status", "mødt?"' in said


def test_a_hidden_sheet_is_not_read(db: Database, tmp_path: Path) -> None:
    said = refused(db, tmp_path, sheet(("reference", "status"), (TP, "NEW"), hidden=True))
    assert 'no line with the names of its columns on any sheet that shows ("Andet")' in said


def test_a_wrong_line_of_names_is_shown_and_no_row_ever(db: Database, tmp_path: Path) -> None:
    said = refused(db, tmp_path, f"Kursusliste\nbookingnr;navn;udfald\n{TP};Åse;NEW\n", name="a.csv")
    assert 'found instead: row 2: "bookingnr", "navn", "udfald"; nothing was changed' in said
    for row in (f"{TP};Åse;NEW", "Åse;aase@example.org;NEW", "Åse;4711;NEW"):
        assert "Åse" not in refused(db, tmp_path, f"{row}\n", name="b.csv")


def test_trainingportals_own_reference_counts_and_an_orders_number_does_not(db: Database, tmp_path: Path) -> None:
    theirs = "8b0c0592_da16_a979_b2c4_371eea9ffdd9"
    db.write("UPDATE bookings SET portal_reference = ? WHERE reference = ?", (theirs, B))
    order = db.value("SELECT order_id FROM bookings WHERE reference = ?", (TP,))
    text = f"{HEAD}\n{theirs};FAILED;\n{theirs.upper()};FAILED;\n{order};FAILED;\n"
    found = taken(db, tmp_path, text, partial=True)
    assert found.bad == [(4, "there is no booking of that reference", "")]
    assert stands(db) == {B: ("FAILED", None)}


# bad rows ---------------------------------------------------------------------------------------------

BAD = (
    f"{HEAD}\n{TP};COMPLETED;03-03-2027\n;NEW;\n{B};COMPLETED;\n{C};NO_SHOW;03-03-2027\nTP-UKENDT;NEW;\n{D};NEW;\n"
    f"{B};måske;\n{C};COMPLETED;31-02-2027\n{C};COMPLETED;11-03-2027\n{B};;\n{B};FAILED;\n"
)
REASONS = [
    (3, "has no booking reference"),
    (4, "COMPLETED needs the date of the completion"),
    (5, "NO_SHOW takes no date: only COMPLETED has one"),
    (6, "there is no booking of that reference"),
    (7, "the booking is cancelled: it takes no status"),
    (8, f"unknown status: {ALLOWED}"),
    (9, 'there is no such date (day, month, year): expected "2027-03-15" or "15-03-2027"'),
    (10, "the date is still to come: a completion is told when it has happened"),
    (11, "has no status"),
]


def test_all_bad_rows_are_told_and_nothing_is_taken(db: Database, tmp_path: Path) -> None:
    found = taken(db, tmp_path, BAD)
    assert (found.taken, found.bad, found.changed) == (False, [(*one, "") for one in REASONS], 0)
    assert stands(db) == {}
    assert db.value("SELECT count(*) FROM outbox") == 0


def test_told_to_the_good_rows_are_taken(db: Database, tmp_path: Path) -> None:
    found = taken(db, tmp_path, BAD, partial=True)
    assert (found.taken, found.bad, found.changed) == (True, [(*one, "") for one in REASONS], 2)
    assert stands(db) == {TP: ("COMPLETED", LAST_DAY), B: ("FAILED", None)}


def test_rows_that_contradict_one_another_are_all_bad(db: Database, tmp_path: Path) -> None:
    text = f"{HEAD}\n{TP};NEW;\n{B};FAILED;\n{TP};FAILED;\n{TP};NEW;\n{B};Ikke bestået;\n"
    found = taken(db, tmp_path, text, partial=True)
    assert found.bad == [
        (2, "row 4 of the same booking says otherwise", ""),
        (4, "row 2 of the same booking says otherwise", ""),
    ]
    assert stands(db) == {B: ("FAILED", None)}


def test_the_same_list_again_changes_nothing(db: Database, tmp_path: Path) -> None:
    taken(db, tmp_path, LIST)
    found = taken(db, tmp_path, LIST)
    assert (found.changed, found.unchanged) == (0, 3)
    assert [row[0] for row in db.all("SELECT version FROM booking_statuses")] == [1, 1, 1]


def test_no_reason_repeats_what_a_cell_says(db: Database, tmp_path: Path) -> None:
    found = taken(db, tmp_path, f"{HEAD}\nÅse Østergård;Åse Østergård;Åse Østergård\n{TP};Åse;Åse\n")
    assert not any("Åse" in reason for _, reason, _ in found.bad)


# bounds -----------------------------------------------------------------------------------------------


def refused(db: Database, tmp_path: Path, content: str | bytes, *, name: str = "a.xlsx") -> str:
    with pytest.raises(UsageError) as caught:
        taken(db, tmp_path, content, name=name)
    assert caught.value.message.endswith("; nothing was changed")
    return caught.value.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no line with the names"),
        (b"reference;status\n", "no row below"),
        (b"navn;adresse\na;b\n", "no line with the names"),
        (f"{HEAD};date\n{TP};NEW;;\n", "several columns for the date"),
        (b"\xff\xfer\0e\0f\0", "neither an XLSX workbook nor CSV"),
        (b"%PDF-1.7", "no line with the names"),
        (f'{HEAD}\n"{TP};NEW;\n', "cannot be read as CSV"),
        (HEAD + f"\n{TP};NEW;" * 10_001, "more than 10,000 rows"),
        ("a;" * 200, "100 columns"),
        (b"x" * 5_000_001, "is larger than 5 MB"),
        (b"PK\x03\x04 nonsense", "damaged, protected or foreign workbook"),
    ],
)
def test_what_is_no_list_is_refused(db: Database, tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in refused(db, tmp_path, content)


def test_a_file_that_is_not_there_is_said(db: Database, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.csv: No such file"):
        import_statuses(db, tmp_path / "none.csv", NOW)


def repacked(content: bytes, **parts: bytes) -> bytes:
    """A workbook with other parts in the place of its own."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as book, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as other:
        names = {name.rsplit("/", 1)[-1].removesuffix(".xml"): name for name in book.namelist()}
        for short, name in names.items():
            other.writestr(name, parts.get(short, book.read(name)))
        for short in parts.keys() - names.keys():
            other.writestr(short, parts[short])
    return made.getvalue()


GOOD = sheet(("reference", "status"), (TP, "NEW"))
SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'


def test_a_small_file_that_unpacks_to_much_is_refused(db: Database, tmp_path: Path) -> None:
    bomb = repacked(GOOD, bomb=bytes(60_000_000))
    assert len(bomb) < 100_000
    assert "unpacks to more than 50 MB" in refused(db, tmp_path, bomb)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (b'<row r="1"><c r="XFD1048576"><v>1</v></c></row>', "cells beyond"),
        (b'<row r="1048576"/>', "cells beyond"),
        (b"<row r='9'><c t=\"n\" r = 'ZZ9'/></row>", "cells beyond"),
        (b'<row r="1"><c foo=">" r="XFD1"/></row>', "cells beyond"),
        (b'<row r="1"><c r="A&#49;048576"/></row>', "cells beyond"),
        (b'<x:row r="1"><x:c r="A99999"/></x:row>', "cells beyond"),
        (b"<row>" + b"<c/>" * 200_000 + b"</row>", "no workbook as programs write it"),
    ],
)
def test_a_cell_at_the_far_end_of_a_sheet_takes_no_memory(
    db: Database, tmp_path: Path, cells: bytes, said: str
) -> None:
    assert said in refused(db, tmp_path, repacked(GOOD, sheet1=SHEET % cells))


FAR = SHEET % b'<row r="1"><c r="A1"><v>1</v></c></row><row r="900000"><c r="XFD900000"><v>1</v></c></row>'
with zipfile.ZipFile(io.BytesIO(GOOD)) as good:
    RELATIONS = good.read("xl/_rels/workbook.xml.rels").replace(b"worksheets/sheet1.xml", b"other/sheet1.xml")
ELSEWHERE = {"workbook.xml.rels": RELATIONS, "xl/other/sheet1.xml": FAR}
LONG = {
    "sharedStrings": b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>%s</t></si></sst>'
    % (b"A" * 1_000_000),
    "sheet1": SHEET % b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (n, n) for n in range(1, 6_000)),
}


@pytest.mark.parametrize("parts", [ELSEWHERE, LONG], ids=["a far cell out of sight", "one long text everywhere"])
def test_a_workbook_that_would_take_the_memory_ends_its_own_process_only(
    db: Database, tmp_path: Path, parts: dict[str, bytes]
) -> None:
    path = tmp_path / "bomb.xlsx"
    path.write_bytes(repacked(GOOD, **parts))
    with pytest.raises(UsageError, match=r"within the memory and time .*; nothing was changed") as caught:
        import_statuses(db, path, NOW)
    assert caught.value.hint == "save it as CSV, and import that"


def test_a_text_that_many_cells_share_is_refused_before_it_fills_our_own_memory(db: Database, tmp_path: Path) -> None:
    rows = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (n, n) for n in range(1, 60))
    assert "within the memory and time" in refused(db, tmp_path, repacked(GOOD, **LONG | {"sheet1": SHEET % rows}))


def test_a_workbook_that_takes_too_long_is_given_up(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_MAX_SECONDS", 0)
    assert "within the memory and time" in refused(db, tmp_path, GOOD)


def test_a_workbook_of_another_kind_or_broken_inside_is_refused(db: Database, tmp_path: Path) -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as book:
        book.writestr("content.xml", "x")
    assert "no XLSX workbook" in refused(db, tmp_path, other.getvalue())
    assert "cannot be read as an XLSX workbook" in refused(db, tmp_path, repacked(GOOD, workbook=b"<nope"))
    twice = GOOD[:-1] + b"\xff"
    cut = GOOD[: len(GOOD) // 2]
    for content in (cut, GOOD.replace(b"xl/worksheets/sheet1.xml", b"xl/worksheets/sheet2.xml"), twice[:200]):
        assert "nothing was changed" in refused(db, tmp_path, content)


def test_a_formula_is_its_value_and_is_never_carried_out(db: Database, tmp_path: Path) -> None:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["reference", "status"])
        page.write(1, 0, TP)
        page.write_formula(1, 1, '=HYPERLINK("http://example.org")', value="FAILED")
    assert taken(db, tmp_path, made.getvalue(), name="a.xlsx").bad == []
    assert stands(db) == {TP: ("FAILED", None)}


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"{HEAD}\n{text}".encode()))
def test_whatever_is_in_a_file_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        rows = files.rows_of(path).rows
    except UsageError:
        return
    assert all(row.number >= 1 for row in rows)
