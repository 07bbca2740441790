"""How cases look: the list of them, and the tabs of one."""

from html import escape
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from integrator.standins.au2office.html import message, shown
from integrator.standins.au2office.sessions import Session
from integrator.standins.base import Answer
from integrator.standins.workshop.data import Case, page_of

PAGE = 20
DANISH_TIME = ZoneInfo("Europe/Copenhagen")
_CHOSEN = ' class="valgt"'
TABS = {"": "Stamdata", "/linjer": "Varelinjer", "/arbejde": "Arbejde", "/historik": "Historik"}


def listed(cases: list[Case], text: str, page: int, session: Session) -> Answer:
    """The search, and a page of what it found."""
    rows = "".join(_row(case) for case in page_of(cases, page, PAGE))
    head = "".join(f"<th>{name}</th>" for name in ("Sagsnr.", "Reg.nr.", "Kunde", "Status"))
    table = f'<table class="gitter" id="sager"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    found = f"{table}{pager('/sag/liste', {'sagsnr': text}, page, len(cases))}" if rows else _NOTHING
    search = (
        '<form method="get" action="/sag/liste" class="soeg"><label for="sagsnr">Sagsnr.</label> '
        f'<input id="sagsnr" name="sagsnr" value="{escape(text)}" size="12"> '
        '<button class="btn" type="submit">Søg</button></form>'
    )
    return shown("Sager", f"{message(session.take_flash())}<h1>Sager</h1>{search}{found}", kind="indhold")


_NOTHING = '<p class="tom">Ingen sager fundet</p>'


def _row(case: Case) -> str:
    # The trailing blank in the link is the real system's.
    return (
        f'<tr class="sag"><td><a href="/sag/{escape(case.key)}"><b>#{escape(case.number)} </b></a></td>'
        f"<td>{escape(case.plate)}</td><td>{escape(case.customer)}</td><td>{badge(case)}</td></tr>"
    )


def pager(path: str, query: dict[str, str], page: int, count: int) -> str:
    """Which rows these are of how many, and the ways to the pages beside."""
    first, last = min((page - 1) * PAGE + 1, count), min(page * PAGE, count)
    links = [
        f'<a href="{escape(path)}?{escape(urlencode({**query, "side": at}))}">{text}</a>'
        for text, at, there in (("Forrige side", page - 1, page > 1), ("Næste side", page + 1, last < count))
        if there
    ]
    return f'<p class="sider"><span id="antal-linjer">{first}-{last} af {count}</span> {" | ".join(links)}</p>'


def badge(case: Case) -> str:
    tone = {"åben": "aaben", "lukket": "lukket", "faktureret": "faktureret"}[case.status]
    return f'<span class="status {tone}">{escape(case.status.capitalize())}</span>'


def case_page(case: Case, session: Session, tab: str, body: str) -> Answer:
    """One tab of a case, with what stands above all of them."""
    lock = f'<div class="laast">Låst af {escape(case.locked_by)}</div>'
    tabs = "".join(
        f'<a href="/sag/{escape(case.key)}{path}"{_CHOSEN if path == tab else ""}>{name}</a>'
        for path, name in TABS.items()
    )
    head = (
        f"<h1>Sag {escape(case.number)} <small>{escape(case.plate)} &middot; {escape(case.customer)}</small> "
        f'{badge(case)}</h1>{lock if is_locked(case, session) else ""}<div class="faner">{tabs}</div>'
    )
    return shown(f"Sag {case.number}", f"{message(session.take_flash())}{head}{body}", kind="indhold")


def is_locked(case: Case, session: Session) -> bool:
    """Whether a colleague has the case open."""
    return bool(case.locked_by) and case.locked_by != session.user


def facts(case: Case) -> str:
    rows = {"Sagsnr.": case.number, "Kunde": case.customer, "Reg.nr.": case.plate, "Stelnr.": case.vin}
    rows |= {"Status": case.status.capitalize(), "Rekvisition": "", "Varelinjer": str(len(case.lines))}
    shown_rows = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in rows.items())
    return f'<table class="stamdata">{shown_rows}</table>'


def history(case: Case) -> str:
    rows = "".join(
        f"<tr><td>{f'{line.created_at.astimezone(DANISH_TIME):%d-%m-%Y %H:%M}' if line.created_at else ''}</td>"
        f"<td>{escape(line.created_by)}</td><td>Varelinje {line.id} tilføjet</td></tr>"
        for line in sorted(case.lines, key=lambda line: line.id)
    )
    head = "<thead><tr><th>Tid</th><th>Bruger</th><th>Hændelse</th></tr></thead>"
    return (
        f'<table class="gitter">{head}<tbody>{rows}</tbody></table>' if rows else '<p class="tom">Ingen hændelser</p>'
    )


WORK = '<p class="tom">Ingen timer registreret på sagen.</p>'
