"""The participant list as a spreadsheet. No cell of it is a formula, whatever somebody called himself."""

import io
from datetime import date, datetime, time
from typing import Any

from integrator.domain.mails import Attachment
from integrator.mails.cleaning import cell, file_part
from integrator.mails.facts import Facts, Participant

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SHEET = {"da": "Deltagere", "en": "Participants"}
_FILE = {"da": "deltagerliste", "en": "participant-list"}
_HEADS = {
    "da": ("Fornavn", "Efternavn", "Virksomhed", "Stilling", "E-mail", "Status"),
    "en": ("First name", "Last name", "Company", "Job title", "E-mail", "Status"),
}
_STATUS = {
    "da": {"registered": "tilmeldt", "waitlist": "venteliste"},
    "en": {"registered": "registered", "waitlist": "waiting list"},
}
_UNKNOWN = {"da": "ukendt", "en": "unknown"}
_NARROWEST, _WIDEST = 12, 42
_LITERAL = {
    "in_memory": True,  # personal data: no temporary files
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def participant_sheet(facts: Facts) -> Attachment:
    """Everyone who attends, then the waiting list, as one sheet with a filter. The same facts give the same bytes."""
    import xlsxwriter  # type: ignore[import-untyped]  # it ships no types

    out = io.BytesIO()
    rows = [_row(one, facts) for one in (*facts.participants, *facts.waiting)]
    with xlsxwriter.Workbook(out, _LITERAL) as book:
        made = datetime.combine(facts.day or date(2000, 1, 1), time())
        book.set_properties({"title": f"{_SHEET[facts.language]} {facts.course.id}", "created": made})
        sheet = book.add_worksheet(_SHEET[facts.language])
        _fill(sheet, [_HEADS[facts.language], *rows], bold=book.add_format({"bold": True, "bottom": 1}))
    return Attachment(f"{_FILE[facts.language]}-{file_part(facts.course.id)}.xlsx", TYPE, out.getvalue())


def _row(one: Participant, facts: Facts) -> tuple[str, ...]:
    status = _STATUS[facts.language].get(one.status, _UNKNOWN[facts.language])
    found = (one.first_name, one.last_name, one.company, one.job_title, one.email, status)
    return tuple(cell(text) for text in found)


def _fill(sheet: Any, rows: list[tuple[str, ...]], *, bold: Any) -> None:
    for index, row in enumerate(rows):
        for column, text in enumerate(row):
            sheet.write_string(index, column, text, None if index else bold)
    columns = len(rows[0])
    for column in range(columns):
        longest = max(len(row[column]) for row in rows)
        sheet.set_column(column, column, min(max(longest + 2, _NARROWEST), _WIDEST))
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(rows) - 1, columns - 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
