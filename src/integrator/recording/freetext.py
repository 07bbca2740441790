"""Free text that may stay: the people, addresses, phone numbers and hosts in it are replaced."""

import re
from html import unescape

from integrator.recording.madeup import WORD, MadeUp, fold, phone_digits

_ADDRESS = re.compile(r"""https?:\\?/\\?/([^\s/"'<>\\()]+)([^\s"'<>()]*)""", re.IGNORECASE)
_WWW = re.compile(r"""(?<![\w.@/-])www\.([\w-]+\.)+[a-z]{2,}([^\s"'<>()]*)""", re.IGNORECASE)
EMAIL = re.compile(r"""[^\s<>"'(),;:@&\[\]\\/=]+(?:@|&#64;|&commat;|%40)(?:[\w-]+\.)*[\w-]+""")
_BEFORE, _AFTER = r"(?<!\w)(?<!\d[.,/:-])", r"(?!\w)(?![.,/:-]\d)"
_GAP = r"[ .\u00a0-]?"
# One pattern, because a made-up number must not be taken for a real one again.
_PHONE = re.compile(
    _BEFORE
    + "(?:"
    + "|".join(
        (
            rf"(?:\+|00)\d{{1,3}}{_GAP}(?:\(0\) ?)?\d(?:{_GAP}\d){{5,12}}",  # +45 70 20 12 34, 0046 8 123 456 78
            r"\d{2}(?P<gap>[ .\u00a0-]?)\d{2}(?P=gap)\d{2}(?P=gap)\d{2}",  # 70 20 12 34, 70.20.12.34, 70201234
            r"(?!(?:19|20)\d\d[ -](?:19|20)\d\d)\d{4}[ \u00a0-]\d{4}",  # 7020 1234, but not 2026-2027
            r"\d{3}[ \u00a0]\d{3}[ \u00a0]\d{2}|\d{2}[ \u00a0]\d{3}[ \u00a0]\d{3}|\d{3}[ \u00a0]\d{2}[ \u00a0]\d{3}",
            r"0\d{1,3}[ /-]\d{2,3}(?:[ ]?\d{2,3}){1,3}",  # 08-123 456 78, 070-123 45 67
            r"0\d{8,10}",
        )
    )
    + ")"
    + _AFTER
)
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_TOKEN = re.compile(r"[\w-]{6,}")  # what may be a reference; a shorter one is a number like any other
_LONG = 12  # letters of a reference that is found inside another word, too
_NUMBERS = re.compile(r"(?<!\w)\+?\d(?:[ .()/\u00a0-]{0,2}\d){4,16}(?!\w)")


class FreeText:
    """Replaces by pattern what looks like an address or a number, and by name whoever was learnt."""

    def __init__(self, made_up: MadeUp) -> None:
        self._made_up = made_up

    def cleaned(self, text: str) -> str:
        """The text with everything personal replaced; it is left byte for byte when there is nothing."""
        text = self.without_references(text)
        text = _ADDRESS.sub(self._address, text)
        text = _WWW.sub(lambda found: self._made_up.host(found[0]), text)
        text = EMAIL.sub(lambda found: self._made_up.email(unescape(found[0]).replace("%40", "@")), text)
        text = self._without_domains(text)
        text = _PHONE.sub(lambda found: self._made_up.phone(found[0]), text)
        if self._made_up.phones:
            text = _NUMBERS.sub(self._known_number, text)
        return self.without_names(text)

    def without_references(self, text: str) -> str:
        """Bookings' references in a text or a code."""
        known = self._made_up.references
        if not known:
            return text
        return _TOKEN.sub(lambda found: self._made_up.reference(found[0]) if found[0] in known else found[0], text)

    def _without_domains(self, text: str) -> str:
        """A domain of our own configuration, also where it is no address."""
        for real, made in self._made_up.own.items():
            if _DOMAIN.fullmatch(real) and real in text:
                text = re.sub(rf"(?<![\w.@-]){re.escape(real)}(?![\w-])", made, text)
        return text

    def without_names(self, text: str, *, parts: bool = True) -> str:
        """Known names in a text, in whatever case, accents and separators: a full name always.

        parts: also a part of one that stands alone and looks like a name, and initials
        """
        made_up = self._made_up
        if not made_up.name_words and not made_up.initials:
            return text
        found = list(WORD.finditer(text))
        known = [fold(word[0]) in made_up.name_words for word in found]
        pieces, end = [], 0
        for at, word in enumerate(found):
            beside = _near(text, found, known, at, at - 1) or _near(text, found, known, at, at + 1)
            if not (beside and known[at]) and not (parts and self._looks_like(word[0], known=known[at])):
                continue
            new = made_up.short_name(word[0]) if not known[at] else made_up.name_word(unescape(word[0]))
            pieces += [text[end : word.start()], new]
            end = word.end()
        return "".join([*pieces, text[end:]])

    def _looks_like(self, word: str, *, known: bool) -> bool:
        if not known:
            return word in self._made_up.initials
        plain = unescape(word)
        lone = fold(word) in self._made_up.lone_words
        return len(plain) >= (4 if lone else 5) or (plain[0].isupper() and len(plain) >= (2 if lone else 3))

    def _address(self, found: re.Match[str]) -> str:
        host = found[1].rpartition("@")[2]
        behind = f"/{self._made_up.page(found[0])}" if found[2].strip("/\\") else found[2]
        return f"https://{self._made_up.host(host)}{behind}"

    def _known_number(self, found: re.Match[str]) -> str:
        return self._made_up.phone(found[0]) if phone_digits(found[0]) in self._made_up.phones else found[0]


def _near(text: str, found: list[re.Match[str]], known: list[bool], at: int, other: int) -> bool:
    """Whether the next word is a known one, too, with nothing but a blank, a comma or a dot between."""
    if not 0 <= other < len(found) or not known[other]:
        return False
    first, second = (found[at], found[other]) if at < other else (found[other], found[at])
    between = unescape(text[first.end() : second.start()])
    return len(between.strip(" \u00a0\t\r\n")) <= 2 and len(between) <= 4 and "\n\n" not in between


def survivors(text: str, made_up: MadeUp) -> int:
    """How many real full names, addresses and references of bookings are left in a text.

    A fence behind the replacing: it must find none.
    """
    strange = [found for found in EMAIL.findall(text) if not found.endswith("@example.org")]
    tokens = set(_TOKEN.findall(text))
    strange += [known for known in made_up.references if known in tokens or (len(known) >= _LONG and known in text)]
    found = list(WORD.finditer(text))
    words = [fold(word[0]) for word in found]
    known = [word in made_up.name_words for word in words]
    longest = max((len(name) for name in made_up.names), default=0)
    full = 0
    for at in range(len(words)):
        length = 1
        while length < longest and _near(text, found, known, at + length - 1, at + length) and known[at]:
            length += 1
            full += tuple(words[at : at + length]) in made_up.names
    return len(strange) + full
