"""What WordPress shows of a stored text: curly quotes, entities, paragraphs. Never the same as what was stored."""

import re

_BLOCKS = (
    "table|thead|tfoot|caption|col|colgroup|tbody|tr|td|th|div|dl|dd|dt|ul|ol|li|pre|form|map|area|blockquote|"
    "address|style|p|h[1-6]|hr|fieldset|legend|section|article|aside|hgroup|header|footer|nav|figure|figcaption|"
    "details|menu|summary"
)
_OPEN = re.compile(rf"(<({_BLOCKS})[\s/>])", re.IGNORECASE)
_CLOSE = re.compile(rf"(</({_BLOCKS})>)", re.IGNORECASE)


def texturized(text: str) -> str:
    """Typographic signs outside of tags; a bare "&" becomes an entity."""
    return "".join(
        part if part.startswith("<") and part.endswith(">") else _typed(part)
        for part in re.split(r"(<[^<>\s][^<>]*>)", text)
    )


def _typed(text: str) -> str:
    text = text.replace("...", "&#8230;").replace("---", "&#8212;")
    text = re.sub(r"(?<=\s)--(?=\s)|^--(?=\s)|(?<=\s)--$", "&#8212;", text).replace("--", "&#8211;")
    text = re.sub(r'(^|(?<=[\s(\[{\u201c-]))"', "&#8220;", text).replace('"', "&#8221;")
    text = re.sub(r"(^|(?<=[\s(\[{-]))'(?=\S)", "&#8216;", text).replace("'", "&#8217;")
    text = re.sub(r"(?<=\d)x(?=\d)", "&#215;", text)
    return re.sub(r"&(?!(?:#\d+|#x[0-9a-fA-F]+|[A-Za-z]{2,8}[0-9]{0,2});)", "&#038;", text)


def paragraphs(text: str) -> str:
    """The text in <p>, line breaks as <br />; blocks stay as they are."""
    if not text.strip():
        return ""
    kept: list[str] = []

    def aside(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"<pre\x00{len(kept) - 1}></pre>"

    text = re.sub(r"<pre[\s>].*?</pre>", aside, text.replace("\r\n", "\n").replace("\r", "\n"), flags=re.DOTALL)
    text = re.sub(r"<br\s*/?>\s*<br\s*/?>", "\n\n", text + "\n")
    text = _CLOSE.sub(r"\1\n\n", _OPEN.sub(r"\n\n\1", text))
    text = re.sub(r"(<hr\s*?/?>)", r"\1\n\n", text)
    pieces = [piece.strip("\n") for piece in re.split(r"\n\s*\n", text) if piece.strip()]
    shown = "".join(_paragraph(piece) for piece in pieces)
    return re.sub(r"<pre\x00(\d+)></pre>", lambda found: kept[int(found[1])], shown)


def _paragraph(piece: str) -> str:
    if re.match(rf"</?({_BLOCKS}|pre\x00\d+)[\s/>]", piece, re.IGNORECASE):
        return f"{piece}\n"
    piece = re.sub(r"(<br\s*/?>)?\s*\n", "<br />\n", piece)
    return f"<p>{re.sub(r'(<br */?>)+$', '', piece)}</p>\n"
