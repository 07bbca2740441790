"""What WordPress does to HTML of a user without unfiltered_html, and to every text while it is saved."""

import re
from collections.abc import Callable, Mapping
from html.entities import html5

_EVERYWHERE = "class id style title role dir lang hidden xml:lang align"
_POST = {
    "a": "href rel rev name target download",
    "abbr acronym address article aside b big br cite code dd dfn div dl dt em figcaption figure footer h1 h2 h3": "",
    "h4 h5 h6 header hgroup i kbd legend li main mark menu nav p pre s samp section small span strike strong": "",
    "sub summary sup tt u var caption center_": "",
    "area": "alt coords href nohref shape target",
    "audio": "autoplay controls loop muted preload src",
    "bdo ul": "type",
    "blockquote q": "cite",
    "button": "disabled name type value",
    "col colgroup": "char charoff span valign width",
    "del ins": "datetime cite",
    "details": "open",
    "fieldset": "",
    "font": "color face size",
    "hr": "noshade size width",
    "img": "alt border height hspace loading longdesc src usemap vspace width",
    "label": "for",
    "map": "name",
    "object": "",
    "ol": "start type reversed",
    "table": "bgcolor border cellpadding cellspacing rules summary width",
    "tbody tfoot thead": "char charoff valign",
    "td th": "abbr axis bgcolor char charoff colspan headers height nowrap rowspan scope valign width",
    "tr": "bgcolor char charoff valign",
    "textarea": "cols rows disabled name readonly",
    "track": "default kind label src srclang",
    "video": "autoplay controls height loop muted playsinline poster preload src width",
}
_TITLE = {
    "a": "href title",
    "abbr acronym": "title",
    "b code em i s strike strong cite": "",
    "blockquote q": "cite",
    "del": "datetime",
}
Allowed = Mapping[str, frozenset[str]]


def _allowed(table: Mapping[str, str], everywhere: str) -> Allowed:
    return {
        tag: frozenset([*attributes.split(), *everywhere.split()])
        for tags, attributes in table.items()
        for tag in tags.split()
    }


IN_POSTS = _allowed(_POST, _EVERYWHERE)
IN_TITLES = _allowed(_TITLE, "")
_ADDRESSES = {"href", "src", "cite", "longdesc", "usemap", "poster", "action", "background"}
_PROTOCOLS = {"http", "https", "ftp", "ftps", "mailto", "tel", "sms", "webcal", "news", "irc", "svn", "xmpp", "urn"}
_CSS = re.compile(
    r"(color|background(-\w+)*|border(-\w+)*|margin(-\w+)*|padding(-\w+)*|font(-\w+)*|text-\w+|line-height|"
    r"letter-spacing|vertical-align|(min-|max-)?(width|height)|float|clear|display|list-style(-\w+)*|overflow|"
    r"direction|cursor|opacity|flex(-\w+)*|grid(-\w+)*|gap|align-\w+|justify-\w+|object-position|aspect-ratio)"
)
_PIECE = re.compile(r"(<!--.*?(?:-->|$))|(<[^>]*(?:>|$)|>)", re.DOTALL)
_TAG = re.compile(r"<\s*(/\s*)?([a-zA-Z0-9-]+)([^>]*)>?", re.DOTALL)
_ATTRIBUTE = re.compile(
    r"""\s*([a-zA-Z_:][-a-zA-Z0-9_.:]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"']+))?(?=\s|/\s*$|$)""", re.DOTALL
)
_BROKEN = re.compile(r"""\s*("[^"]*("|$)|'[^']*('|$)|\S)*\s*""")


def kses(text: str, allowed: Allowed = IN_POSTS) -> str:
    """The text without what `allowed` does not name. "5 < 6 og 7 > 3" loses the words between the signs."""
    text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)
    text = re.sub(r"<[^>]*?((?=<)|>|$)", _lonely, _entities(text), flags=re.DOTALL)
    return _PIECE.sub(_piece(allowed), text)


def _lonely(found: re.Match[str]) -> str:
    """A "<" without its ">" is text."""
    part = found[0]
    if ">" in part:
        return part
    return part.replace("<", "&lt;").replace('"', "&quot;").replace("'", "&#039;")


def _entities(text: str) -> str:
    text = text.replace("&", "&amp;")
    text = re.sub(r"&amp;([A-Za-z]{2,8}[0-9]{0,2});", lambda m: f"&{m[1]};" if f"{m[1]};" in html5 else m[0], text)
    text = re.sub(r"&amp;#(0*[0-9]{1,7});", lambda m: f"&#{m[1].lstrip('0').rjust(3, '0')};", text)
    return re.sub(r"&amp;#[Xx](0*[0-9A-Fa-f]{1,6});", lambda m: f"&#x{m[1].lstrip('0')};", text)


def _piece(allowed: Allowed) -> Callable[[re.Match[str]], str]:
    def cleaned(found: re.Match[str]) -> str:
        part = found[0]
        if part == ">":
            return "&gt;"
        if part.startswith("<!--"):
            inner = kses(part[4:].removesuffix("-->"), allowed)
            return f"<!--{inner}-->" if inner else ""
        tag = _TAG.fullmatch(part)
        if tag is None or tag[2].lower() not in allowed:
            return ""
        if tag[1]:
            return f"</{tag[2]}>"
        return _open_tag(tag[2], tag[3], allowed[tag[2].lower()])

    return cleaned


def _open_tag(name: str, attributes: str, allowed: frozenset[str]) -> str:
    closed = " /" if re.search(r"\s*/\s*$", attributes) else ""
    kept: dict[str, str] = {}
    rest = re.sub(r"\s*/\s*$", "", attributes)
    while rest.strip():
        found = _ATTRIBUTE.match(rest)
        if found is None:
            broken = _BROKEN.match(rest)
            rest = rest[max(1, broken.end() if broken else 1) :]
            continue
        rest = rest[found.end() :]
        whole = _attribute(found[1], found[2], allowed)
        if whole:
            kept.setdefault(found[1].lower(), whole)
    return f"<{name}{''.join(f' {whole}' for whole in kept.values())}{closed}>"


def _attribute(name: str, value: str | None, allowed: frozenset[str]) -> str:
    lower = name.lower()
    if not (lower in allowed or (allowed and "class" in allowed and re.fullmatch(r"(data|aria)-[a-z0-9_-]+", lower))):
        return ""
    if value is None:
        return name
    mark = value[0] if value[0] in "\"'" else '"'
    bare = value.strip("\"'") if value[0] in "\"'" else value
    if lower in _ADDRESSES:
        bare = _address(bare)
    if lower == "style" and not (bare := _style(bare)):
        return ""
    return f"{name}={mark}{bare}{mark}"


def _address(text: str) -> str:
    found = re.match(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):", text)
    return _address(text[found.end() :]) if found and found[1].lower() not in _PROTOCOLS else text


def _style(text: str) -> str:
    rules = [rule.strip() for rule in text.split(";") if rule.strip()]
    return ";".join(rule for rule in rules if _CSS.fullmatch(rule.partition(":")[0].strip().lower()))


def with_noopener(text: str) -> str:
    """A link that opens a window gets rel="noopener", whoever saves it."""

    def added(found: re.Match[str]) -> str:
        tag = found[0]
        if re.search(r"\srel\s*=", tag, re.IGNORECASE) or not re.search(r"\starget\s*=", tag, re.IGNORECASE):
            return tag
        return f'{tag[:-1]} rel="noopener">'

    return re.sub(r"<a\s[^>]*>", added, text, flags=re.IGNORECASE)


def text_field(text: str) -> str:
    """WordPress' sanitize_text_field: no tags, no line breaks, no blanks around it."""
    text = text.replace("\0", "")
    if "<" in text:
        text = re.sub(r"<[^>]*?((?=<)|>|$)", _lonely, text, flags=re.DOTALL)
        text = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", text, flags=re.DOTALL | re.IGNORECASE)
        text = re.sub(r"<[^>]*>", "", text)
    text = re.sub(r"[\r\n\t ]+", " ", text).strip()
    return re.sub(r"%[a-fA-F0-9]{2}", "", text)
