"""HTML from people and from Word: cleaned by an allow-list; plain text in an HTML field is escaped."""

import html
import re
from typing import Any

from integrator.systems.mapping.convert import BadValue, Converter, Soft
from integrator.systems.mapping.spec import Defaults, FieldSpec
from integrator.systems.mapping.text import is_garbled, printable

HTML_LIMIT = 200_000

_TAGS = {"p", "br", "ul", "ol", "li", "strong", "em", "b", "i", "h2", "h3", "h4", "a"}
_TABLE_TAGS = {"table", "thead", "tbody", "tr", "th", "td"}
_ATTRIBUTES = {"a": {"href"}, "th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}}
_LINK = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x1f]+", re.IGNORECASE)

_A_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]*|!--.*?--|!doctype[^<>]*)>", re.DOTALL | re.IGNORECASE)
# What was escaped once too often: "L&amp;aelig;r", "&lt;p&gt;".
_DOUBLE = re.compile(r"&amp;(?:[a-zA-Z]{2,8}|#\d{1,6});|&lt;/?[a-zA-Z]")


def rich_text(spec: FieldSpec, defaults: Defaults) -> Converter:
    """HTML that may be shown: no script, no image, no style. "" when nothing is left of it."""

    def convert(raw: Any) -> Any:
        if not isinstance(raw, str):
            raise BadValue("bad_html")
        if len(raw) > HTML_LIMIT:
            raise BadValue("too_long")
        text = printable(raw).replace("\r\n", "\n").replace("\r", "\n").strip()
        value = _clean(text) if _A_TAG.search(text) else _escaped(text)
        if is_garbled(text):
            return Soft(value, "suspect_encoding")
        return Soft(value, "double_escaped") if _DOUBLE.search(text) else value

    return convert


def _clean(text: str) -> str:
    import nh3

    cleaned = nh3.clean(
        text,
        tags=_TAGS | _TABLE_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_safe_attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    return cleaned.replace("<br>", "<br />").strip()


def _safe_attribute(tag: str, name: str, value: str) -> str | None:
    # nh3 checks schemes but lets addresses without one through ("//host/x", "/wp-admin").
    return value if name != "href" or _LINK.fullmatch(value) else None


def _escaped(text: str) -> str:
    # Unescaping first keeps one level: "L&aelig;r" becomes "Lær", and "&lt;" stays what it was.
    safe = html.escape(printable(html.unescape(text)), quote=False)
    if "\n" not in safe:
        return safe
    paragraphs = [part.strip() for part in re.split(r"\n[ \t]*(?:\n[ \t]*)+", safe)]
    return "".join(f"<p>{_lines(part)}</p>" for part in paragraphs if part)


def _lines(paragraph: str) -> str:
    return "<br />".join(line.strip() for line in paragraph.split("\n"))
