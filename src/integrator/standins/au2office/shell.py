"""The portal, the window with the two frames, and what stands in the frame of the menu."""

from html import escape

from integrator.standins.au2office.html import hidden, shown
from integrator.standins.au2office.sessions import Session
from integrator.standins.base import Answer

NOTICE = "Systemet opdateres natten til søndag kl. 02-04. I det tidsrum kan der ikke arbejdes i kundestyring."


def portal(session: Session) -> Answer:
    tiles = "".join(
        f'<li><a href="{to}"{where}>{escape(text)}</a><small>{escape(told)}</small></li>'
        for text, to, where, told in (
            ("Åben kundestyring", "/kundestyring", ' target="_blank"', "Sager, kunder og køretøjer"),
            ("Varekatalog", "/portal/katalog", "", "Reservedele og olie"),
            ("Lager", "/portal/lager", "", "Beholdning og optælling"),
            ("Rapporter", "/portal/rapporter", "", "Omsætning og timer"),
        )
    )
    return shown("Portal", f'{_top(session)}<div class="portal"><h2>Velkommen</h2><ul>{tiles}</ul></div>', kind="side")


def closed_room(session: Session) -> Answer:
    body = '<div class="portal"><h2>Ingen adgang</h2><p>Modulet er ikke en del af værkstedets aftale.</p>'
    return shown("Ingen adgang", f'{_top(session)}{body}<p><a href="/portal">Tilbage</a></p></div>', kind="side")


def notice(session: Session) -> Answer:
    body = (
        f'{_top(session)}<div class="portal"><h2>Driftsinformation</h2><p>{escape(NOTICE)}</p>'
        f'<form method="post" action="/driftsinformation">{hidden("token", session.form_token)}'
        '<button class="btn" type="submit">Fortsæt</button></form></div>'
    )
    return shown("Driftsinformation", body, kind="side")


def frames(session: Session, auth: str) -> Answer:
    body = (
        f'{_top(session)}<div class="rammer"><iframe id="menu" name="menu" src="/menu" title="Menu"></iframe>'
        '<iframe id="indhold" name="indhold" src="/sag/liste" title="Indhold"></iframe></div>'
    )
    return shown("Kundestyring", body, frames=auth, kind="vindue")


def menu() -> Answer:
    entries = "".join(
        f'<li><a href="{to}" target="indhold">{escape(text)}</a></li>'
        for text, to in (("Sager", "/sag/liste"), ("Kunder", "/kunder"), ("Køretøjer", "/biler"), ("Hjælp", "/hjaelp"))
    )
    return shown("Menu", f"<h2>Menu</h2><ul>{entries}</ul>", kind="menu")


def empty_room(title: str) -> Answer:
    """What the other entries of the menu show."""
    return shown(title, f"<h1>{escape(title)}</h1><p>Vælg en sag under Sager.</p>", kind="indhold")


def _top(session: Session) -> str:
    return (
        f'<div class="top"><span class="maerke">au2<b>office</b></span><span>Bruger: {escape(session.user)}</span>'
        '<a href="/logud">Log ud</a></div>'
    )
