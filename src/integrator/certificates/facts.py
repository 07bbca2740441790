"""What a certificate says, and how: the student, the course, the day; dates in words of its language."""

import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import msgspec

Language = Literal["da", "en", "no"]
LANGUAGES: tuple[Language, ...] = ("da", "en", "no")
_LOCALES = {"da": "da", "en": "en_GB", "no": "nb"}
_ALSO: dict[str, Language] = {"en": "en", "no": "no", "nb": "no", "nn": "no"}
_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "COMBINING", "DIGIT", "MODIFIER LETTER")


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one certificate. Dates ISO; starts_on and ends_on are the course's first and last day."""

    reference: str
    language: Language
    first_name: str
    last_name: str
    birth_date: str | None = None
    class_id: str
    title: str
    starts_on: str | None = None
    ends_on: str | None = None
    place: str | None = None
    completed_on: str

    @property
    def name(self) -> str:
        return " ".join(f"{self.first_name} {self.last_name}".split())


def language_of(text: str | None) -> Language:
    """The language of a certificate, by its class's: Danish where none is known."""
    return _ALSO.get((text or "").casefold()[:2], "da")


def certificate_of(student: Mapping[str, Any], course: Mapping[str, Any]) -> Certificate:
    """Put together from a booking's row (store.booking_documents) and its class's facts."""
    venue = course.get("venue") or {}
    return Certificate(
        reference=student["reference"],
        language=language_of(course.get("language")),
        first_name=student["first_name"],
        last_name=student["last_name"],
        birth_date=student["birth_date"],
        class_id=student["class_id"],
        title=course.get("title") or student["class_id"],
        starts_on=(course.get("start") or "")[:10] or None,
        ends_on=(course.get("end") or "")[:10] or None,
        place=venue.get("city") or venue.get("name"),
        completed_on=student["completed_on"],
    )


def values(facts: Certificate) -> dict[str, Any]:
    """What a template sees as `data`; documented in certificate.typ."""
    return {
        "language": facts.language,
        "reference": facts.reference,
        "student": {
            "name": facts.name,
            "first_name": facts.first_name,
            "last_name": facts.last_name,
            "birth_date": facts.birth_date,
            "born": _day(facts.birth_date, facts.language),
        },
        "course": {
            "id": facts.class_id,
            "title": " ".join(facts.title.split()),
            "starts_on": facts.starts_on,
            "ends_on": facts.ends_on,
            "dates": _dates(facts),
            "place": facts.place,
        },
        "completed_on": facts.completed_on,
        "completed": _day(facts.completed_on, facts.language),
    }


def unwritable(facts: Certificate) -> bool:
    """Whether a text has letters of a script that the built-in fonts lack: they would come out as boxes."""
    texts = f"{facts.name}{facts.title}{facts.place or ''}"
    return any(unicodedata.category(one)[0] in "LM" and not _is_known(one) for one in texts)


def _is_known(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_SCRIPTS)


def sample(language: Language, *, bare: bool = False) -> Certificate:
    """Invented facts; bare: nothing is known that may be unknown."""
    titles = {"da": "Grundlæggende sikkerhed", "en": "Basic safety training", "no": "Grunnleggende sikkerhet"}
    return Certificate(
        reference="TP-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        language=language,
        first_name="Åse",
        last_name="Østergård",
        birth_date=None if bare else "1990-02-14",
        class_id="25172-04",
        title=titles[language],
        starts_on=None if bare else "2027-03-01",
        ends_on=None if bare else "2027-03-03",
        place=None if bare else "Esbjerg",
        completed_on="2027-03-03",
    )


def _dates(facts: Certificate) -> str | None:
    """ "1.–3. marts 2027", "30 March – 2 April 2027"; one day alone where the course has one, None when unknown."""
    first, last = _date(facts.starts_on), _date(facts.ends_on or facts.starts_on)
    if first is None or last is None or first >= last:
        return _day(facts.starts_on, facts.language)
    whole = _day(facts.ends_on, facts.language)
    dot = "" if facts.language == "en" else "."
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}{dot}–{whole}"
    pattern = f"d{dot} MMMM" if first.year == last.year else f"d{dot} MMMM y"
    return f"{_written(first, facts.language, pattern)} – {whole}"


def _day(text: str | None, language: Language) -> str | None:
    """ "3. marts 2027"; a text that is no date stays as it is."""
    found = _date(text)
    return text if found is None else _written(found, language, "long")


def _written(day: date, language: Language, pattern: str) -> str:
    from babel.dates import format_date

    return format_date(day, pattern, locale=_LOCALES[language])


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
