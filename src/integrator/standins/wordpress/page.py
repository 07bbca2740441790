"""The site as a visitor sees it: the published courses with their dates, enrichment before source."""

from datetime import datetime
from html import escape, unescape
from typing import Any

import nh3

from integrator.standins.wordpress.posts import Post
from integrator.standins.wordpress.site import Site

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1d2733 }
h1 { margin-bottom: 0 } h2 { margin: 2rem 0 .3rem; border-bottom: 1px solid #d6dde4 } small, .empty { color: #5c6b7a }
table { border-collapse: collapse; width: 100% } th, td { text-align: left;
padding: .3rem .8rem .3rem 0; vertical-align: top }
th { font-weight: 600; color: #5c6b7a } tr + tr td { border-top: 1px solid #eef1f4 } .num { text-align: right }
"""


def page(site: Site) -> str:
    """A plain HTML page. Titles are stored as HTML text and shown as such; descriptions are cleaned."""
    courses = sorted(_published(site, "course"), key=lambda post: post.title.casefold())
    dates = sorted(_published(site, "course_date"), key=lambda post: str(post.meta.get("mac_start", "")))
    of: dict[int, list[Post]] = {course.id: [] for course in courses}
    loose = [date for date in dates if not _belongs(date, courses, of)]
    parts = [_course(course, of[course.id]) for course in courses]
    if loose:
        parts.append(f"<h2>Datoer uden kursus</h2>{_table(loose)}")
    body = "".join(parts) or '<p class="empty">Ingen kurser endnu.</p>'
    return (
        f'<!DOCTYPE html><html lang="da"><head><meta charset="utf-8"><title>Kurser</title>'
        f"<style>{_STYLE}</style></head><body><h1>Kurser</h1><small>{len(courses)} kurser, {len(dates)} datoer</small>"
        f"{body}</body></html>"
    )


def _published(site: Site, kind: str) -> list[Post]:
    return [post for post in site.posts.of_type(kind) if post.status == "publish"] if site.type_of(kind) else []


def _belongs(date: Post, courses: list[Post], of: dict[int, list[Post]]) -> bool:
    wanted = date.meta.get("mac_maincourse_id")
    for course in courses:
        if course.id == date.meta.get("mac_course_post") or (wanted and course.meta.get("mac_id") == wanted):
            of[course.id].append(date)
            return True
    return False


def _course(course: Post, dates: list[Post]) -> str:
    teaser = course.meta.get("ed_teaser") or course.meta.get("mac_description") or ""
    text = f'<div class="teaser">{nh3.clean(str(teaser))}</div>' if teaser else ""
    table = _table(dates) if dates else '<p class="empty">Ingen datoer.</p>'
    return f'<h2 id="{escape(course.slug)}">{_title(course)}</h2>{text}{table}'


def _title(post: Post) -> str:
    """The title as text: an "&" may be stored as "&amp;", and a tag an editor typed is not one here."""
    return escape(unescape(post.title))


def _table(dates: list[Post]) -> str:
    names = ("Dato", "Tid", "Sted", "Sprog", "Pris", "Ledige pladser", "Status")
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<table><tr>{head}</tr>{''.join(_row(date) for date in dates)}</table>"


def _row(date: Post) -> str:
    value = date.meta.get
    start, end = _when(value("mac_start")), _when(value("mac_end"))
    times = value("ed_times") or (f"{start:%H:%M}–{end:%H:%M}" if start and end else "")
    place = value("ed_venue_note") or ", ".join(str(value(key)) for key in ("mac_venue", "mac_city") if value(key))
    day = _day(start, end) or unescape(date.title)
    cells: list[Any] = [day, times, place, value("mac_language", ""), _price(date)]
    cells += [value("mac_seats_free", ""), value("mac_status", "")]
    return f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>"


def _when(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _day(start: datetime | None, end: datetime | None) -> str:
    if start is None:
        return ""
    first = f"{start.day}.{start.month}.{start.year}"
    return first if end is None or end.date() == start.date() else f"{first} – {end.day}.{end.month}.{end.year}"


def _price(date: Post) -> str:
    minor = date.meta.get("mac_price_minor")
    if not minor:
        return ""
    whole = f"{int(minor) // 100:,}".replace(",", ".")
    return f"{whole},{int(minor) % 100:02d} {date.meta.get('mac_currency', '')}".strip()
