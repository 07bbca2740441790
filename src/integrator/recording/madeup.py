"""Made-up values: one table per recording, so that a real value always becomes the same invented one."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from html import unescape
from itertools import count, product

# All invented; none of them is taken when it occurs in the recording itself.
_GIVEN = re.findall(
    r"\w+",
    "Alvin Bodil Cecil Dagny Egon Frida Gorm Hjalte Irma Joakim Karla Laurits Mille Niels Olga Palle Rikke Sigurd "
    "Tilde Ulrik Vibe Walther Xenia Yrsa Zander Asta Birger Clara Ditlev Ebba Finn Gerda Holger Ingrid Jeppe Kirsten",
)
_SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo")
_LETTERS = "QWXZYVKUHG"
_BORN = date(1950, 1, 1)
_SPELT = (("ø", "o"), ("æ", "a"), ("ð", "d"), ("đ", "d"), ("aa", "a"), ("ae", "a"), ("oe", "o"), ("ue", "u"))

# A run of letters and digits; a letter may be written as an HTML entity, or with its accent behind it.
_LETTER_ENTITY = (
    r"&(?:[A-Za-z]{1,2}(?:acute|grave|circ|tilde|uml|ring|slash|cedil|lig)"
    r"|#(?:19[2-9]|2\d\d|3[0-7]\d)|#[xX](?:[c-fC-F][0-9A-Fa-f]|1[0-7][0-9A-Fa-f]));"
)
WORD = re.compile(rf"(?:[^\W_]|[\u0300-\u036f]|{_LETTER_ENTITY})+")
_DIGITS = re.compile(r"\D+")


@lru_cache(maxsize=100_000)
def fold(word: str) -> str:
    """A word as it is compared, however it is written in addresses and slugs: Kjær is kjaer, Søren soeren or soren."""
    bare = unicodedata.normalize("NFKD", unescape(word)).casefold()
    bare = "".join(char for char in bare if not unicodedata.combining(char))
    for spelt, plain in _SPELT:
        bare = bare.replace(spelt, plain)
    return bare


class MadeUp:
    """The table. Real names are told first (learn_*), because a made-up one must not be somebody real in it."""

    def __init__(self) -> None:
        self.replaced: dict[str, set[str]] = {}
        self.names: set[tuple[str, ...]] = set()  # every name, as its folded words
        self.name_words: set[str] = set()
        self.lone_words: set[str] = set()  # names of a single word
        self.initials: set[str] = set()
        self.phones: set[str] = set()
        self.references: set[str] = set()
        self.own: dict[str, str] = {}  # texts of the configuration, and what stands for them
        self._numbered: set[str] = set()
        self._given: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, Iterator[int]] = {}
        self._names = self._fresh(_GIVEN)
        self._words = self._fresh(())

    # learning -----------------------------------------------------------------------------------

    def learn_name(self, value: str) -> None:
        words = WORD.findall(value)
        folded = tuple(fold(word) for word in words)
        self.name_words.update(folded)
        if words:
            self.names.add(folded)
        if len(words) == 1:
            self.lone_words.update(folded)

    def learn_initials(self, value: str) -> None:
        if 2 <= len(value.strip()) <= 5:
            self.initials.add(value.strip())

    def learn_phone(self, value: str) -> None:
        if len(digits := phone_digits(value)) >= 5:
            self.phones.add(digits)

    def learn_reference(self, value: str) -> None:
        self.references.add(value)

    def knows(self, words: Sequence[str]) -> bool:
        """Whether these words are somebody's whole name."""
        return tuple(fold(word) for word in words) in self.names

    # inventing ----------------------------------------------------------------------------------

    def name_word(self, word: str) -> str:
        """One word of a name, in the same capitals."""
        self._count("names", fold(word))
        if fold(word).isdigit():
            return self.number(word)
        if len(unescape(word)) == 1:
            made = self._same("letter", fold(word), lambda n: _LETTERS[n % len(_LETTERS)])
        else:
            made = self._same("name", fold(word), lambda n: next(self._names))
        return made.lower() if word.islower() else made.upper() if len(word) > 1 and word.isupper() else made

    def email(self, address: str) -> str:
        self._count("e-mail addresses", address.casefold())
        return self._same("email", address.casefold(), lambda n: f"person{n}@example.org")

    def phone(self, number: str) -> str:
        """A number nobody has: none begins with 0 in Denmark."""
        self._count("phone numbers", phone_digits(number))
        made = self._same("phone", phone_digits(number), lambda n: f"{n:08d}")
        return "+45 " + " ".join(made[at : at + 2] for at in range(0, 8, 2))

    def short_name(self, value: str) -> str:
        self._count("initials", value)
        return self._same("initials", value, lambda n: "Q" + _letters(n))

    def login(self, value: str) -> str:
        self._count("user names", value)
        return self._same("login", value, lambda n: f"user{n}")

    def reference(self, value: str) -> str:
        """Of a booking, in the form that ours have; in the order of the real ones, because jobs go by it."""
        self._count("references", value)
        for known in sorted(self.references - self._numbered):
            self._same("reference", known, _reference)
        self._numbered |= self.references
        return self._same("reference", value, _reference)

    def birthday(self, value: str) -> str:
        self._count("birth dates", value)
        return self._same("birthday", value, lambda n: (_BORN + timedelta(days=n)).isoformat())

    def host(self, host: str) -> str:
        made = self._same("host", host.casefold(), lambda n: f"site{n}.example.org")
        self._count("hosts", made)
        return made

    def page(self, address: str) -> str:
        """What stands behind the host of an address."""
        return self._same("page", address, lambda n: f"page{n}")

    def name_host(self, host: str, name: str) -> None:
        """A system's own host becomes NAME.example.org."""
        self._count("hosts", name)
        self._given["host", host.casefold()] = name

    def name_text(self, value: str, made: str) -> None:
        """A text of the configuration (a user name, a mail domain) becomes what the replay's configuration says."""
        self.own[value] = made
        for kind in ("text", "login", "host"):
            self._given[kind, value] = made

    def number(self, literal: str) -> str:
        self._count("numbers", literal)
        return self._same("number", literal, lambda n: str(1000 + n))

    def text(self, value: str) -> str:
        """Words in the place of a text: as many, up to six."""
        self._count("texts", value)
        if _is_number(value):
            return self.number(value.strip())
        return self._same("text", value, lambda n: " ".join(next(self._words) for _ in range(_how_many(value))))

    def addresses(self) -> list[tuple[str, str]]:
        """Every e-mail address that was replaced, in small letters, and what stands for it."""
        return [(key, made) for (kind, key), made in self._given.items() if kind == "email"]

    def counts(self) -> dict[str, int]:
        """How many different values were replaced, by kind."""
        found = {kind: len(values) for kind, values in self.replaced.items()}
        if "names" in found:
            found["names"] = max(1, len(self.names))
        return found

    def _same(self, kind: str, key: str, make: Callable[[int], str]) -> str:
        if (kind, key) not in self._given:
            self._given[kind, key] = make(next(self._numbers.setdefault(kind, count(1))))
        return self._given[kind, key]

    def _count(self, kind: str, key: str) -> None:
        self.replaced.setdefault(kind, set()).add(key)

    def _fresh(self, first: Sequence[str]) -> Iterator[str]:
        """Words that are nobody's name in this recording."""
        for word in _candidates(first):
            if fold(word) not in self.name_words:
                yield word


def _reference(number: int) -> str:
    """Shape  "TP-MADEUPAAAAAAAAAAAAAAAAAAAB" """
    letters = ""
    for _ in range(20):
        number, rest = divmod(number, 26)
        letters = chr(ord("A") + rest) + letters
    return f"TP-MADEUP{letters}"


def phone_digits(number: str) -> str:
    """What is compared of a phone number: its last eight digits, without country and blanks."""
    return _DIGITS.sub("", number)[-8:]


def _candidates(first: Sequence[str]) -> Iterator[str]:
    yield from first
    for length in count(2):
        for syllables in product(_SYLLABLES, repeat=length):
            word = "".join(syllables)
            yield word.capitalize() if first else word


def _how_many(value: str) -> int:
    return max(1, min(6, len(value.split())))


def _is_number(value: str) -> bool:
    return value.strip().isascii() and value.strip().isdigit()


def _letters(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number - 1, len(_LETTERS))
        text = _LETTERS[rest] + text
    return text
