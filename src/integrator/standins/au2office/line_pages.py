"""How the lines of a case look: the table with its entry row, a row being edited, the modals."""

from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from integrator.standins.au2office.case_pages import PAGE, is_locked, pager
from integrator.standins.au2office.html import hidden
from integrator.standins.au2office.sessions import Session
from integrator.standins.workshop.data import Case, Line, Product, page_of
from integrator.standins.workshop.numbers import shown

COLUMNS = ("Varenummer", "Varenavn", "Enhed", "Gruppe", "Antal", "Salgspris", "Oprettet af", "")


@dataclass
class View:
    """What one load of the lines shows beside the lines themselves."""

    case: Case
    session: Session
    page: int = 1
    edited: int = 0  # the line that is open
    name_limit: int = 60
    hits: list[Product] | None = None  # what a search for a product found
    typed: str = ""
    asks: str = ""  # a confirm() before anything is posted
    notice: tuple[str, str] | None = None  # a modal nobody knows: title and text
    name_field: bool = True
    eats_comma: bool = False

    @property
    def path(self) -> str:
        return f"/sag/{quote(self.case.key)}/linjer"

    @property
    def is_open(self) -> bool:
        return self.case.status == "åben" and not is_locked(self.case, self.session)


def ordered(case: Case) -> list[Line]:
    """As the page sorts them: by group and name, so that a line moves when its name is set. Only ids stay."""
    return sorted(case.lines, key=lambda line: (line.group, line.name.casefold(), -line.id))


def page_with(case: Case, line_id: int) -> int:
    """The page a line stands on."""
    places = {line.id: place for place, line in enumerate(ordered(case))}
    return places.get(line_id, 0) // PAGE + 1


def table(view: View) -> str:
    """The tab with the lines."""
    lines = ordered(view.case)
    rows = "".join(_row(view, line) for line in page_of(lines, view.page, PAGE))
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    whole = (
        f'<table class="gitter" id="linjer"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}{_entry(view) if view.is_open else ''}</tbody></table>"
    )
    modals = _search(view) + _notice(view)
    return whole + pager(view.path, {}, view.page, len(lines)) + modals


def _row(view: View, line: Line) -> str:
    is_edited = view.is_open and line.id == view.edited
    name = _field(view, line, "navn", line.name) if is_edited and view.name_field else escape(line.name)
    amount = _field(view, line, "antal", shown(line.amount)) if is_edited else shown(line.amount)
    to = f"{view.path}?side={view.page}&amp;ret={line.id}"
    cells = {"varenr": escape(line.product), "navn": name, "enhed": escape(line.unit), "gruppe": escape(line.group)}
    cells |= {"antal": amount, "pris": shown(line.price), "bruger": escape(line.created_by)}
    link = f'<a href="{to}">Ret</a>' if view.is_open and not is_edited else ""
    opens = f' data-ret="{to}"' if view.is_open else ""
    told = "".join(f'<td data-kol="{name}">{value}</td>' for name, value in cells.items())
    return f'<tr data-linje-id="{line.id}"{opens}>{told}<td>{link}</td></tr>'


def _field(view: View, line: Line, name: str, value: str) -> str:
    """One field of the open row: a form of its own, since each is saved by itself."""
    label = {"navn": "Varenavn", "antal": "Antal"}[name]
    amount = f'size="8" data-antal{"=uden-komma" if view.eats_comma else ""}'
    size = f'size="44" maxlength="{view.name_limit}"' if name == "navn" else amount
    field = (
        f'<input name="{name}" aria-label="{label}" value="{escape(value)}" {size} data-js="gem-felt" '
        'autocomplete="off">'
    )
    return f"<form {_target(view, f'/{line.id}')}>{_token(view)}{hidden('side', str(view.page))}{field}</form>"


def _entry(view: View) -> str:
    field = (
        f'<input name="varenr" aria-label="Varenummer" value="{escape(view.typed)}" size="14" data-js="varenr" '
        'autocomplete="off">'
    )
    form = (
        f'<form id="ny-linje" {_target(view)}>{_token(view)}{field} <button class="btn" type="submit">Tilføj</button>'
    )
    return f'<tr class="ny"><td colspan="{len(COLUMNS)}">{form}</form></td></tr>'


def _target(view: View, more: str = "") -> str:
    asks = f' data-sporg="{escape(view.asks)}"' if view.asks else ""
    return f'method="post" action="{escape(view.path)}{more}"{asks}'


def _token(view: View) -> str:
    return hidden("token", view.session.form_token)


def _search(view: View) -> str:
    if view.hits is None:
        return ""
    rows = "".join(_hit(view, product) for product in view.hits)
    head = "<thead><tr><th>Varenummer</th><th>Varenavn</th><th>Lager</th><th></th></tr></thead>"
    return (
        '<div class="modal" role="dialog" data-modal aria-modal="true" aria-label="Søg vare">'
        '<div class="boks"><h2>Søg vare</h2>'
        f'<table class="gitter">{head}<tbody>{rows}</tbody></table>'
        '<p><button class="btn" type="button" data-js="luk">Annuller</button></p></div></div>'
    )


def _hit(view: View, product: Product) -> str:
    form = (
        f"<form {_target(view)}>{_token(view)}{hidden('valgt', product.number)}"
        '<button class="btn" type="submit">Vælg</button></form>'
    )
    return (
        f'<tr class="vare"><td data-kol="varenr">{escape(product.number)}</td><td data-kol="navn">'
        f'{escape(product.name)}</td><td data-kol="lager">{shown(product.stock)}</td><td>{form}</td></tr>'
    )


def _notice(view: View) -> str:
    if view.notice is None:
        return ""
    title, text = map(escape, view.notice)
    return (
        f'<div class="modal" role="dialog" data-modal aria-modal="true" aria-label="{title}">'
        f'<div class="boks"><h2>{title}</h2><p>{text}</p>'
        '<p><button class="btn" type="button" data-js="luk">OK</button></p></div></div>'
    )


def asking(view: View, number: str, question: str) -> str:
    """The page that asks before a product is put on the case once more."""
    return (
        f'<form {_target(view)} data-igen="{escape(question)}" data-tilbage="{escape(view.path)}">{_token(view)}'
        f"{hidden('valgt', number)}{hidden('igen', '1')}<p>{escape(question)}</p></form>"
    )
