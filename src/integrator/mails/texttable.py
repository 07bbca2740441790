"""An aligned table for the text part of a mail: long cells are folded, the last column runs free."""

import textwrap
import unicodedata
from collections.abc import Sequence

from integrator.mails.facts import Language, Participant

_WIDEST = 24
_GAP = "  "
_HEADS = {"da": ("Navn", "Virksomhed", "Stilling", "E-mail"), "en": ("Name", "Company", "Job title", "E-mail")}


def people(participants: Sequence[Participant], language: Language) -> str:
    """Participants as a table with a head; columns that nobody fills are left out."""
    rows = [(one.name, one.company or "", one.job_title or "", one.email or "") for one in participants]
    filled = [index for index in range(4) if index == 0 or any(row[index] for row in rows)]
    return table([_HEADS[language][index] for index in filled], [[row[index] for index in filled] for row in rows])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of equal columns.

    Shape   "Navn   E-mail\\n-----  ---------\\nÅse Ø  a@…"
    """
    folded = [[_fold(text) for text in row[:-1]] + [[row[-1]]] for row in [list(heads), *rows]]
    widths = [max(_width(line) for row in folded for line in row[index]) for index in range(len(heads))]
    lines = [_line(row, widths, depth) for row in folded for depth in range(max(len(cell) for cell in row))]
    lines.insert(1, _GAP.join("-" * min(width, 40) for width in widths))
    return "\n".join(lines)


def _line(row: list[list[str]], widths: list[int], depth: int) -> str:
    cells = [cell[depth] if depth < len(cell) else "" for cell in row]
    return _GAP.join(text + " " * (width - _width(text)) for text, width in zip(cells, widths, strict=True)).rstrip()


def _fold(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDEST) or [""]


def _width(text: str) -> int:
    """Columns on a screen: an accent takes none, a Chinese character two."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text
    )
