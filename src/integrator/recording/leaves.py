"""A value at a leaf → what stands for it in a recording, by what may stay there."""

import re
from collections.abc import Callable
from datetime import date
from html import unescape
from typing import Any

from integrator.recording.freetext import EMAIL, FreeText
from integrator.recording.jsontree import Number
from integrator.recording.madeup import WORD, MadeUp, fold, phone_digits
from integrator.systems.recordable import Leaf, May, Said, Words

_CODE = re.compile(r"[A-Za-z0-9_/-][A-Za-z0-9._:/,+?=&%-]{0,8000}")
_ID = re.compile(r"[^\W_][\w ./:,+&()#-]{0,199}")
_MOMENT = re.compile(r"[\d\s.:/+,TZ-]{4,40}|\d{1,2}\.? ?[a-zæøå]{3,10}\.?,? \d{4}", re.IGNORECASE)
_NUMBER = re.compile(r"\s*[+-]?\d[\d., ]{0,20}(?:\s[A-Za-zÆØÅæøå.]{1,12})?\s*")
_AMOUNT = re.compile(r"\s*(?:kr\.?|[A-Z]{3})?\s*-?\d[\d.,: ]{0,20}-{0,2}\s*(?:kr\.?|[A-Z]{3})?\s*", re.IGNORECASE)
_YESNO = re.compile(r"\s*(?:j|ja|y|yes|true|sand|sant|x|n|nej|nei|no|false|falskt?|0|1)\s*", re.IGNORECASE)
_FORMS: dict[Leaf, re.Pattern[str]] = {
    May.CODE: _CODE,
    May.ID: _ID,
    May.MOMENT: _MOMENT,
    May.NUMBER: _NUMBER,
    May.AMOUNT: _AMOUNT,
    May.YESNO: _YESNO,
}
_SHORT = re.compile(r"[0-9]{1,3}")
_MAILBOX = re.compile(r'\s*"?([^<>@"]*)"?\s*<[^<>]+>\s*')
ANYTHING = "*"  # in the query of a recorded request: whatever a replay asks with


class Leaves:
    """Learns and replaces single values by one table; link replaces an address of a system of ours."""

    def __init__(self, made_up: MadeUp, free: FreeText, link: Callable[[str], str]) -> None:
        self.empty: frozenset[str] = frozenset()  # texts that say "nothing" at the system of this moment
        self._made_up = made_up
        self._free = free
        self._link = link

    def learn(self, kind: Leaf, value: Any) -> Any:
        """Remember whom a value names; it is given back as it is."""
        if isinstance(value, Number) and kind is May.REFERENCE:
            self._made_up.learn_reference(str(value))
        if isinstance(value, str) and not self._says_nothing(value):
            if kind is May.NAME:
                self._made_up.learn_name(EMAIL.sub("", value))
            elif kind is May.EMAIL and (mailbox := _MAILBOX.fullmatch(value)):
                self._made_up.learn_name(mailbox[1])
            elif kind is May.INITIALS:
                self._made_up.learn_initials(value)
            elif kind is May.PHONE:
                self._made_up.learn_phone(value)
            elif kind is May.REFERENCE:
                self._made_up.learn_reference(value.strip())
        return value

    def replaced(self, kind: Leaf, value: Any) -> Any:
        """What stands for a value."""
        if value is None or (isinstance(value, str) and self._says_nothing(value)):
            return value
        if kind is May.SECRET:
            return ""
        if isinstance(value, bool):
            return value if _stays(kind) else False
        if isinstance(value, Number):
            says_nothing = value.strip("-0.") == "" or not value[-1].isdigit()  # 0, 0.0; NaN, -Infinity
            return value if _stays(kind) or says_nothing else self._number(kind, value)
        if isinstance(kind, Words):
            return value if _folded(value) in kind.words else self._hidden(value)
        if isinstance(kind, Said):
            return self._said(kind, value)
        if kind is May.TEXT:
            return self._free.cleaned(value)
        if kind is May.ANY:
            return ANYTHING
        if kind is May.LINK:
            return self._link(value)
        form = _FORMS.get(kind)
        if form:
            return self._formed(kind, value) if form.fullmatch(value) else self._hidden(value)
        return self._personal(kind, value)

    def _says_nothing(self, value: str) -> bool:
        return not value.strip() or value.strip() in self.empty

    def _said(self, kind: Said, value: str) -> str:
        def one(word: re.Match[str]) -> str:
            stays = word[0].casefold().rstrip("s") in kind.words or _SHORT.fullmatch(word[0])
            return word[0] if stays and fold(word[0]) not in self._made_up.name_words else self._made_up.text(word[0])

        return WORD.sub(one, value)

    def _formed(self, kind: Leaf, value: str) -> str:
        """A value in the form its kind has; a code is the only one that could be somebody's name or number."""
        if kind not in (May.CODE, May.ID):
            return value
        if phone_digits(value) in self._made_up.phones and phone_digits(value) == value[-8:]:
            return self._made_up.phone(value)
        return self._free.without_names(self._free.without_references(value), parts=False)

    def _number(self, kind: Leaf, value: Number) -> Any:
        if kind is May.PHONE:
            return Number("45" + phone_digits(self._made_up.phone(value)))
        if kind is May.REFERENCE:
            return self._made_up.reference(str(value))
        return Number(self._made_up.number(str(value)))

    def _personal(self, kind: Leaf, value: str) -> str:
        inside = value.strip()
        if kind is May.NAME and WORD.search(inside):
            made = self._name(inside)
        elif kind is May.EMAIL and EMAIL.search(inside):
            made = self._addresses(inside)
        elif kind is May.PHONE and len(phone_digits(inside)) >= 5:
            made = self._made_up.phone(inside)
        elif kind is May.INITIALS:
            made = self._made_up.short_name(inside)
        elif kind is May.LOGIN:
            made = self._made_up.login(inside)
        elif kind is May.REFERENCE:
            made = self._made_up.reference(inside)
        elif kind is May.BIRTHDAY and _is_day(inside):
            made = self._made_up.birthday(inside)
        else:
            return self._hidden(value)
        return value.replace(inside, made, 1)

    def _name(self, value: str) -> str:
        without = EMAIL.sub(lambda found: self._made_up.email(found[0]).partition("@")[0], value)
        return WORD.sub(lambda word: self._made_up.name_word(unescape(word[0])), without)

    def _addresses(self, value: str) -> str:
        """One address or several; what stands beside them ("Name <address>") is replaced, too."""
        pieces, end = [], 0
        for found in EMAIL.finditer(value):
            pieces += [self._beside(value[end : found.start()]), self._made_up.email(found[0])]
            end = found.end()
        return "".join([*pieces, self._beside(value[end:])])

    def _beside(self, text: str) -> str:
        return WORD.sub(lambda word: self._made_up.name_word(word[0]), text)

    def _hidden(self, value: str) -> str:
        """Made-up words; but somebody known keeps the invented name, address or number."""
        inside = value.strip()
        if EMAIL.fullmatch(inside):
            return self._made_up.email(inside)
        if inside in self._made_up.references:
            return self._made_up.reference(inside)
        words = WORD.findall(inside)
        if words and self._made_up.knows(words):
            return self._name(inside)
        if phone_digits(inside) in self._made_up.phones and re.fullmatch(r"[\d +().-]+", inside):
            return self._made_up.phone(inside)
        return self._made_up.text(inside)


def _stays(kind: Leaf) -> bool:
    return isinstance(kind, Words) or kind in _FORMS or kind is May.TEXT


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _folded(word: str) -> str:
    from integrator.systems.mapping.text import folded

    return folded(word)
