"""The shop's records as the JSON API shows them: texts, ready to stand on a page."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from integrator.standins.base import Request
from integrator.standins.workshop.data import Case, Line, Product
from integrator.standins.workshop.numbers import shown

DANISH_TIME = ZoneInfo("Europe/Copenhagen")
MAX_PAGE = 100
MAX_OPTIONS = 20
Json = dict[str, Any]


def page_of(rows: Sequence[Any], request: Request) -> Sequence[Any]:
    """The rows that `offset` and `limit` ask for. Errors: ValueError for what is no number."""
    offset, limit = int(request.first("offset", "0")), int(request.first("limit", "50"))
    if offset < 0 or limit < 1:
        raise ValueError("offset and limit are not negative")
    return rows[offset : offset + min(limit, MAX_PAGE)]


def worksheet_row(case: Case) -> Json:
    """One row of the list. Who has it open is not told: that is seen when saving."""
    row: Json = {"id": case.key, "number": case.number, "status": case.status}
    return row | {"customer": case.customer, "plate": case.plate, "vin": case.vin}


def line_row(line: Line) -> Json:
    at = line.created_at.astimezone(DANISH_TIME) if line.created_at else None
    created = f"{at.day}.{at.month}.{at.year} {at:%H:%M} {line.created_by}" if at else line.created_by
    row: Json = {"id": str(line.id), "product": line.product, "name": line.name, "unit": line.unit}
    return row | {"amount": shown(line.amount), "price": shown(line.price), "created": created}


def option(product: Product) -> Json:
    """One row of the autocomplete."""
    blocked = product.status != "aktiv"
    notes = [product.status.capitalize() if blocked else "", "" if product.stock > 0 else "⚠ Ikke på lager"]
    note = " · ".join(note for note in notes if note)
    return {"number": product.number, "name": product.name, "blocked": blocked, "note": note}


def looked_up(product: Product) -> Json:
    return {"number": product.number, "name": product.name, "unit": product.unit, "price": shown(product.price)}


def found_worksheets(cases: Sequence[Case], text: str) -> list[Case]:
    """The newest first; the filter looks into number, customer and plate, so "56" finds a good many."""
    wanted = text.strip().casefold()
    hits = [case for case in cases if wanted in f"{case.number}\n{case.customer}\n{case.plate}".casefold()]
    return sorted(hits, key=lambda case: (len(case.number), case.number, case.key), reverse=True)


def found_products(products: Sequence[Product], text: str, *, exact_last: bool) -> list[Product]:
    """The options for what was typed, by name: the first one need not be the exact one.

    `exact_last` makes sure of that; an only hit then has some other product before it.
    """
    wanted = text.strip().casefold()
    hits = [one for one in products if one.number.casefold().startswith(wanted) or wanted in one.name.casefold()]
    hits.sort(key=lambda one: (one.name.casefold(), one.number))
    if not exact_last:
        return hits[:MAX_OPTIONS]
    exact = [one for one in hits if one.number.casefold() == wanted]
    others = [one for one in hits if one not in exact]
    others = others or [one for one in products if one not in exact and one.status == "aktiv"][:1]
    return [*others[: MAX_OPTIONS - len(exact)], *exact]
