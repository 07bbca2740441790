"""The words in which a system says what of its traffic may stay in a recording; whatever is not named is replaced.

A shape follows the JSON of a request or an answer: Fields by name, Items of a list, and at the leaves what may stay.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto


class May(Enum):
    """What may stay at a leaf. A value of another form than its kind has is replaced all the same."""

    NUMBER = auto()  # 7, "7", "7 ledige"
    AMOUNT = auto()  # 14995.0, "14.995,00 kr."
    YESNO = auto()  # true, "ja", 0
    CODE = auto()  # an id, a slug, a word of the interface: "25172-04", "publish"
    MOMENT = auto()  # a date, a time or both: "01-03-2027", "1. marts 2027"
    ID = auto()  # an id that somebody may have made up: as a code, with letters of any alphabet and blanks
    TEXT = auto()  # free text: stays, but for the people, addresses, numbers and hosts in it
    NAME = auto()  # of a person: replaced by an invented one, here and in every text
    EMAIL = auto()
    PHONE = auto()
    INITIALS = auto()
    LOGIN = auto()
    BIRTHDAY = auto()  # replaced by an invented day, which is not told from others
    REFERENCE = auto()  # of a booking: whoever knows it may cancel it; replaced here, in addresses and in every text
    SECRET = auto()  # nothing is left of it, not even something in its place
    LINK = auto()  # an address of the system itself: replaced as the request to it will be
    ANY = auto()  # of a query: a replay may ask with another value (a moment, a recipient)
    NOTHING = auto()  # replaced by made-up values of the same type


@dataclass(frozen=True)
class Words:
    """A text that may stay when it is one of these (folded: blanks and case do not matter)."""

    words: frozenset[str]


@dataclass(frozen=True)
class Said:
    """A text of which only these words stay (in small letters, without an s at their end), and numbers below 1000."""

    words: frozenset[str]


@dataclass(frozen=True)
class Fields:
    """An object: its fields by name; the others are replaced, their names stay when they look like names.

    loose   names count whatever their case and the blanks around them; those of `of` stand in small letters
    """

    of: Mapping[str, "Shape"] = field(default_factory=dict)
    rest: "Shape" = May.NOTHING
    loose: bool = False

    def get(self, name: str) -> "Shape | None":
        """What holds for a field of this name; None: it is not named here."""
        return self.of.get(name.strip().casefold() if self.loose else name)


@dataclass(frozen=True)
class Items:
    """A list, every entry of the same shape."""

    of: "Shape"


@dataclass(frozen=True)
class Anywhere:
    """Leaves by the name of their field, however deep it stands: for descriptions of an interface."""

    of: Mapping[str, May]


Leaf = May | Words | Said
Shape = Leaf | Fields | Items | Anywhere


@dataclass(frozen=True)
class Call:
    """One kind of request: its path below base_url as a pattern (matched whole), and the shape of both bodies.

    A group named "hidden" at the end of the pattern is replaced: a token in which anything may be wrapped.

    segments   what may stay of the pattern's other named groups, each of which is one segment
    """

    path: re.Pattern[str]
    request: Shape = May.NOTHING
    answer: Shape = May.NOTHING
    query: Mapping[str, Shape] = field(default_factory=dict)
    segments: Mapping[str, May] = field(default_factory=dict)


@dataclass(frozen=True)
class Recordable:
    """A system's calls; the first that fits counts.

    empty   texts that say "nothing" and stay everywhere
    loose   its JSON may have a comma too many, and is read all the same
    """

    calls: tuple[Call, ...] = ()
    empty: frozenset[str] = frozenset()
    loose: bool = False

    def call(self, path: str) -> Call | None:
        """The call a path belongs to; None: nothing of it may stay."""
        return next((call for call in self.calls if call.path.fullmatch(path)), None)
