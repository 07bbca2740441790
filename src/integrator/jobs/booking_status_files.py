"""Lists of statuses as people keep them: CSV and XLSX files, read within bounds. Whatever is in them, it only is read.

A workbook is unpacked by us, within a limit, and only then given to the library: neither a small file that unpacks to
gigabytes nor a cell at the far end of a sheet may take the machine's memory. What we cannot tell beforehand, one long
text that stands in every cell, ends a process of its own: python -m integrator.jobs.booking_status_files takes the
unpacked workbook by standard input, and its cells leave as JSON by standard output. It ends with 3 for no workbook.
"""

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from integrator.domain.participants import same_text
from integrator.domain.portal import reference_from
from integrator.errors import UsageError

MAX_BYTES = 5_000_000
MAX_ROWS = 10_000
_MAX_UNPACKED = 50_000_000
_MAX_PARTS = 500
_MAX_COLUMNS = 100
_MAX_MEMORY = 1 << 30  # bytes of address space of the process that reads a workbook
_MAX_SECONDS = 60
_NO_WORKBOOK = 3
_READER = (sys.executable, "-I", "-m", "integrator.jobs.booking_status_files")
_MOST_SHEETS, _MOST_NAMES, _LONGEST_SHEET = 10, 12, 40  # that a message shows
_DATA = re.compile(r"[0-9@]|TP-")  # stands in rows, not in the names of columns
_FIRST_ROWS = 20  # among which the line with the names of the columns is looked for
_ZIP = b"PK\x03\x04"
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_PLACE = re.compile(rb"\sr\s*=\s*[\"']([^\"']*)[\"']")  # of a row or a cell
_CELL_TAG = re.compile(rb"<(?:\w+:)?c[\s/>]")
_CELL = re.compile(r"([A-Z]{0,3})([0-9]{1,7})")

_NAMES = {
    "reference": (
        "reference",
        "booking reference",
        "bookingreference",
        "booking",
        "booking ref",
        "ref",
        "bookingnummer",
    ),
    "status": ("status", "new status", "newstatus", "result", "resultat", "outcome", "udfald"),
    "on": (
        *("date", "dato", "completed on", "completion date", "completiondate", "completed", "gennemført"),
        *("gennemført den", "gennemførelsesdato", "bestået den", "afsluttet", "fullført", "gjennomført"),
    ),
}


@dataclass(frozen=True)
class Row:
    """One row. number as a spreadsheet counts, from 1; on is a text, or a date as a spreadsheet keeps it.

    sheet   of a workbook; "" in a CSV file
    """

    number: int
    reference: str
    status: str
    on: str | date | None
    sheet: str = ""


def place_of(number: int, sheet: str) -> str:
    """Where a row stands. Shape  "row 3", 'sheet "Uge 47", row 3'"""
    return f'sheet "{sheet[:_LONGEST_SHEET]}", row {number}' if sheet else f"row {number}"


@dataclass(frozen=True)
class Listed:
    """What a file holds. left_out: the sheets of a workbook that are no list, when another one is."""

    rows: list[Row]
    left_out: list[str]


def rows_of(path: Path) -> Listed:
    """Every row that is not empty, of every sheet that names our columns.

    Errors  UsageError: no such file, neither kind, too large, no columns of ours, nothing in it
    """
    raw = _content(path)
    sheets = _workbook(raw, path) if raw.startswith(_ZIP) else [("", _text_table(raw, path))]
    return _rows(sheets, path)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; nothing was changed") from None
    if len(raw) > MAX_BYTES:
        raise _refused(path, f"is larger than {MAX_BYTES // 1_000_000} MB")
    return raw


def _refused(path: Path, why: str) -> UsageError:
    return UsageError(f"{path}: {why}; nothing was changed")


# what a table says ---------------------------------------------------------------------------------

Table = list[tuple[int, Sequence[Any]]]  # (number of the row, its cells)
Sheets = list[tuple[str, Table]]  # (the name of a sheet, "" in a CSV file; what stands on it)


def _rows(sheets: Sheets, path: Path) -> Listed:
    rows: list[Row] = []
    left_out: list[str] = []
    for name, table in sheets:
        found = _found(table, name, path)
        if found is None:
            left_out.append(name)
        else:
            rows += found
    if len(left_out) == len(sheets):
        raise _refused(path, _no_columns(sheets))
    if not rows:
        raise _refused(path, "has no row below the names of its columns")
    if len(rows) > MAX_ROWS:
        raise _refused(path, f"has more than {MAX_ROWS:,} rows")
    return Listed(rows, [name for name, table in sheets if name in left_out and table])


def _found(table: Table, sheet: str, path: Path) -> list[Row] | None:
    """The rows of one sheet; None: nothing on it names our columns."""
    for place, (_, cells) in enumerate(table[:_FIRST_ROWS]):
        if columns := _columns(cells, path):
            below = table[place + 1 :]
            return [_row(number, cells, columns, sheet) for number, cells in below if any(map(_text, cells))]
    return None


def _no_columns(sheets: Sheets) -> str:
    """Why none of it is a list, with what was found instead."""
    expected = '"reference", "status" and "date" (or "dato") are expected'
    first = [f"{_on(name)}{heading}" for name, table in sheets if (heading := _heading(table))]
    found = f"; found instead{'; '.join(first[:_MOST_SHEETS])}" if first else ""
    looked = ", ".join(f'"{name[:_LONGEST_SHEET]}"' for name, _ in sheets[:_MOST_SHEETS] if name)
    more = f" and {len(sheets) - _MOST_SHEETS} more" if len(sheets) > _MOST_SHEETS else ""
    where = f" on any sheet that shows ({looked}{more})" if looked else ""
    return f"has no line with the names of its columns{where}: {expected}{found}"


def _on(sheet: str) -> str:
    return f' on "{sheet[:_LONGEST_SHEET]}": ' if sheet else ": "


def _heading(table: Table) -> str:
    """The line that was meant to name the columns, "" where that is not sure: what stands in rows is not repeated."""
    lines = [(number, [text for cell in cells if (text := _text(cell))]) for number, cells in table[:_FIRST_ROWS]]
    known = {name for names in _NAMES.values() for name in names}
    likely = [line for line in lines if any(_name(text) in known for text in line[1])]
    titled = [line for line in lines if len(line[1]) > 1]
    for number, texts in (likely or titled)[:1]:
        if not any(_DATA.search(text) for text in texts):
            shown = ", ".join(f'"{text[:_LONGEST_SHEET]}"' for text in texts[:_MOST_NAMES])
            return f"row {number}: {shown}{' …' if len(texts) > _MOST_NAMES else ''}"
    return ""


def _name(text: str) -> str:
    return same_text(text).replace("_", " ").replace("-", " ").rstrip(":")


def _columns(cells: Sequence[Any], path: Path) -> dict[str, int] | None:
    """Where our columns stand, None when this is not the line that names them. Errors  UsageError: one twice"""
    names = [_name(_text(cell)) for cell in cells]
    places = {ours: [place for place, name in enumerate(names) if name in known] for ours, known in _NAMES.items()}
    if not places["reference"] or not places["status"]:
        return None
    if twice := next((ours for ours, found in places.items() if len(found) > 1), None):
        shown = "date" if twice == "on" else twice
        raise _refused(path, f"has several columns for the {shown}")
    return {ours: found[0] for ours, found in places.items() if found}


def _row(number: int, cells: Sequence[Any], columns: dict[str, int], sheet: str) -> Row:
    found = {ours: cells[place] if place < len(cells) else "" for ours, place in columns.items()}
    on = found.get("on")
    return Row(
        number,
        reference_from(_text(found["reference"])),
        _text(found["status"]),
        on if isinstance(on, date) else _text(on) or None,
        sheet,
    )


def _text(cell: Any) -> str:
    """A cell as it is read on screen; the no-break blanks of copied texts are blanks."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).replace("\ufeff", "").replace("\xa0", " ").strip()


# CSV -------------------------------------------------------------------------------------------------


def _text_table(raw: bytes, path: Path) -> Table:
    text = _decoded(raw, path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, path), strict=True)
    table: Table = []
    try:
        for cells in reader:
            if len(table) > MAX_ROWS + _FIRST_ROWS or len(cells) > _MAX_COLUMNS:
                raise _refused(path, f"has more than {MAX_ROWS:,} rows or {_MAX_COLUMNS} columns")
            table.append((reader.line_num, cells))
    except csv.Error as error:
        raise _refused(path, f"line {reader.line_num} cannot be read as CSV: {error}") from None
    return table


def _decoded(raw: bytes, path: Path) -> str:
    """UTF-8, else what Windows writes here. Errors  UsageError: neither, so it is no text"""
    if b"\0" not in raw:
        for encoding in ("utf-8-sig", "cp1252"):
            try:
                return raw.decode(encoding)
            except UnicodeDecodeError:
                continue
    raise _refused(path, "is neither an XLSX workbook nor CSV in UTF-8 or Windows-1252")


def _delimiter(text: str, path: Path) -> str:
    """What makes a line the names of our columns, else what is most often in the first line that says anything.

    Excel's own word for it wins.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lower().startswith("sep=") and len(first.strip()) == 5:
        return first.strip()[4]
    likely = sorted(";,\t", key=first.count, reverse=True)
    return next((one for one in likely if _names_columns(text, one, path)), likely[0])


def _names_columns(text: str, delimiter: str, path: Path) -> bool:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return any(_columns(cells, path) for cells in islice(reader, _FIRST_ROWS))
    except csv.Error:
        return False


# XLSX -------------------------------------------------------------------------------------------------


def _workbook(raw: bytes, path: Path) -> Sheets:
    """The cells of every visible sheet. Errors  UsageError"""
    if find_spec("python_calamine") is None:
        hint = "pip install 'integrator[sheets]', or save it as CSV"
        raise UsageError(f"{path}: workbooks cannot be read here; nothing was changed", hint=hint)
    found = json.loads(_read_apart(_repacked(raw, path), path))
    return [(name, [(number, [*map(_given, row)]) for number, row in enumerate(rows, 1)]) for name, rows in found]


def _read_apart(workbook: bytes, path: Path) -> bytes:
    """What the process says of a workbook. Without our environment: the library needs no secret of ours."""
    try:
        ended = subprocess.run(
            _READER,
            input=workbook,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # its words may hold a cell
            env={},
            timeout=_MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_much(path) from None
    if ended.returncode == _NO_WORKBOOK:
        raise _refused(path, "cannot be read as an XLSX workbook")
    if ended.returncode != 0:
        raise _too_much(path)
    return ended.stdout


def _too_much(path: Path) -> UsageError:
    what = "cannot be read as a workbook within the memory and time that a list may take"
    return UsageError(f"{path}: {what}; nothing was changed", hint="save it as CSV, and import that")


def _given(cell: Any) -> Any:
    """A cell as _shown wrote it. A date of a spreadsheet is an instant at midnight."""
    if not isinstance(cell, dict):
        return cell
    instant = datetime.fromisoformat(cell["at"])
    return instant.date() if (instant.hour, instant.minute, instant.second) == (0, 0, 0) else instant


def _repacked(raw: bytes, path: Path) -> bytes:
    """The same parts, unpacked within our limit and not packed again: what the library reads is what we measured."""
    made = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as book, zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as plain:
            for name, content in _parts(book, path):
                if _SHEET.fullmatch(name):
                    _check_extent(content, path)
                plain.writestr(name, content)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error):
        raise _refused(path, "is a damaged, protected or foreign workbook") from None
    return made.getvalue()


def _parts(book: zipfile.ZipFile, path: Path) -> Iterator[tuple[str, bytes]]:
    infos = {info.filename: info for info in book.infolist()}
    if "xl/workbook.xml" not in infos:
        raise _refused(path, "is packed, but it is no XLSX workbook")
    if len(infos) > _MAX_PARTS or len(infos) != len(book.infolist()):
        raise _refused(path, "is no workbook as programs write it")
    left = _MAX_UNPACKED
    for name, info in infos.items():
        with book.open(info) as part:
            content = part.read(left + 1)
        left -= len(content)
        if left < 0:
            raise _refused(path, f"unpacks to more than {_MAX_UNPACKED // 1_000_000} MB")
        yield name, content


def _check_extent(sheet: bytes, path: Path) -> None:
    """The library lays out every cell up to the farthest one. Errors  UsageError: it is too far, or cannot be told"""
    if b"\0" in sheet:
        raise _refused(path, "is no workbook as programs write it")
    cells = 0
    for found in _PLACE.finditer(sheet):
        place = _CELL.fullmatch(found[1].decode("ascii", "replace"))
        if place is None or int(place[2]) > MAX_ROWS + _FIRST_ROWS or _column(place[1]) > _MAX_COLUMNS:
            raise _refused(path, f"has cells beyond {MAX_ROWS:,} rows or {_MAX_COLUMNS} columns")
        cells += bool(place[1])
    if sum(1 for _ in _CELL_TAG.finditer(sheet)) > cells:  # cells that do not say where they stand
        raise _refused(path, "is no workbook as programs write it")


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


# the process that reads a workbook ----------------------------------------------------------------------


def main() -> int:
    """Errors  none: when memory runs out the process dies, which says it"""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        plain = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        shown = [sheet.name for sheet in plain if sheet.visible == SheetVisibleEnum.Visible]
        rows = [(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in shown]
    except (CalamineError, OSError, ValueError):
        return _NO_WORKBOOK
    said = json.dumps(rows, default=_shown).encode()
    if len(said) > _MAX_UNPACKED:  # whoever started us is not to drown in it either
        raise MemoryError
    sys.stdout.buffer.write(said)
    return 0


def _shown(cell: Any) -> Any:
    """What JSON has no form for. A time of day and a duration are texts."""
    if isinstance(cell, date):
        return {"at": cell.isoformat()}
    return str(cell)


if __name__ == "__main__":
    sys.exit(main())
