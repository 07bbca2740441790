"""Locator files: how each element of a page is found, several ways in order, in data and not in code."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from integrator.errors import ConfigError, Problem
from integrator.tomlfile import TomlFile, read_toml

XPATH, CSS = "xpath", "css selector"  # selenium's words for them
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]")
_PRESSED = "@type='submit' or @type='button' or @type='reset' or @type='image'"
_FIELD = (
    f"(self::input[not(@type='hidden' or {_PRESSED})] or self::textarea or self::select or @contenteditable='true'"
    " or @role='textbox' or @role='searchbox' or @role='combobox' or @role='spinbutton')"
)
_UNSEEN = "not(self::script or self::style or self::template or self::title or self::noscript or self::head)"
# What an element is without saying so (HTML's implicit roles, those that matter for finding).
_ROLES = {
    "button": f"self::button or self::input[{_PRESSED}]",
    "checkbox": "self::input[@type='checkbox']",
    "dialog": "self::dialog",
    "heading": "self::h1 or self::h2 or self::h3 or self::h4 or self::h5 or self::h6",
    "link": "self::a[@href]",
    "list": "self::ul or self::ol",
    "listitem": "self::li",
    "navigation": "self::nav",
    "row": "self::tr",
    "status": "self::output",
    "table": "self::table",
}


class Locators:
    """One locator file. A name is "page.element"; each alternative is "kind=what a person sees"."""

    def __init__(self, found: Mapping[str, tuple[str, ...]], *, shown: str) -> None:
        self._found = dict(found)
        self.shown = shown

    def __len__(self) -> int:
        return len(self._found)

    def unlike(self, known: "Locators") -> list[str]:
        """The names that the other has not."""
        return sorted(self._found.keys() - known._found.keys())

    def over(self, below: "Locators") -> "Locators":
        """These, and of the others those that are not named here."""
        return Locators({**below._found, **self._found}, shown=self.shown)

    def told(self, name: str) -> str:
        """The alternatives as the file has them, for a message."""
        return ", ".join(self._found.get(name, ()))

    def alternatives(self, name: str, **fill: str) -> list[tuple[str, str]]:
        """Selenium's (by, value) pairs, in the order of the file; {case} in a locator becomes fill["case"], quoted.

        Errors  ConfigError: the file has no such element, or asks for something that is not known there
        """
        if name not in self._found:
            raise ConfigError([Problem(self.shown, f"{name} is missing")])
        try:
            return [_selector(*_split(locator), fill) for locator in self._found[name]]
        except KeyError as error:
            known = ", ".join(f"{{{key}}}" for key in sorted(fill)) or "nothing"
            what = f"{name}: {{{error.args[0]}}} is not known there; known is {known}"
            raise ConfigError([Problem(self.shown, what)]) from None


def load_locators(path: Path, *, shown: str) -> Locators:
    """Read one locator file: tables are pages, keys elements, values lists of text.

    Errors  ConfigError: every problem at once, each with file and line
    """
    file = read_toml(path, shown=shown)
    problems: list[Problem] = []
    found: dict[str, tuple[str, ...]] = {}
    for page, table in file.data.items():
        if not isinstance(table, dict):
            problems.append(file.problem((page,), f"{page}: expected a table [{page}], one for each page"))
            continue
        for element, value in table.items():
            wrong = _wrong_with(value)
            problems += [_problem(file, page, element, what) for what in wrong]
            found[f"{page}.{element}"] = () if wrong else tuple(value)
    if problems:
        raise ConfigError(problems)
    return Locators(found, shown=shown)


def _problem(file: TomlFile, page: str, element: str, what: str) -> Problem:
    return file.problem((page, element), f"[{page}] {element}: {what}")


def _wrong_with(value: Any) -> list[str]:
    if not isinstance(value, list) or not value:
        return ['expected a list of locators, such as ["label=E-mail", "css=#inputEmail"]']
    return [what for locator in value if (what := _wrong_locator(locator))]


def _wrong_locator(locator: Any) -> str | None:
    if not isinstance(locator, str):
        return "expected text in quotes"
    kind, sought = _split(locator)
    if kind not in _KINDS and kind != "css":
        return f'"{locator}": a locator begins with one of {", ".join(f"{name}=" for name in (*_KINDS, "css"))}'
    if not sought.strip():
        return f'"{locator}": nothing behind {kind}='
    if kind != "css" and sought != " ".join(sought.split()):
        return f'"{locator}": white space is compared as single blanks, with none around'
    if _FORBIDDEN.search(sought):
        return f'"{kind}=": control characters'
    if kind == "role" and not re.fullmatch("[a-z]+", sought):
        return f'"{locator}": expected one role, such as role=dialog'
    left = _PLACEHOLDER.sub("", sought)
    if kind != "css" and ("{" in left or "}" in left):
        return f'"{locator}": a placeholder is a word in braces, such as {{case}}'
    return None


def _split(locator: str) -> tuple[str, str]:
    kind, equals, sought = locator.partition("=")
    return (kind.strip(), sought) if equals else ("", locator)


def _selector(kind: str, sought: str, fill: Mapping[str, str]) -> tuple[str, str]:
    if kind == "css":
        return CSS, _PLACEHOLDER.sub(lambda name: css_quoted(fill[name[1]]), sought)
    whole = _PLACEHOLDER.sub(lambda name: fill[name[1]], sought)
    return XPATH, _KINDS[kind](" ".join(whole.split()))


def css_quoted(text: str) -> str:
    r"""The text for the inside of a CSS string, or for a name in CSS. Shape  "5'6" → "\35 \27 \36 " """
    return "".join(
        letter if letter.isalpha() or letter == "_" or ord(letter) > 0x9F else f"\\{ord(letter):x} " for letter in text
    )


def xpath_quoted(text: str) -> str:
    """The text as a literal of XPath 1.0, which knows no escapes: with both quotes in it, a concat()."""
    if "'" not in text:
        return f"'{text}'"
    if '"' not in text:
        return f'"{text}"'
    return "concat(" + ', "\'", '.join(f"'{part}'" for part in text.split("'")) + ")"


def _plain(what: str) -> str:
    """White space made one, also the space that does not break."""
    return f"normalize-space(translate({what}, '\u00a0', ' '))"


def _is(what: str, text: str) -> str:
    return f"{_plain(what)} = {xpath_quoted(text)}"


def _labels(what: str, text: str) -> str:
    """As a person reads a label: a colon or the star of a required field behind it says nothing."""
    return "(" + " or ".join(_is(what, text + mark) for mark in ("", ":", " :", "*", " *")) + ")"


def _by_label(text: str) -> str:
    label = f"[{_labels('.', text)} or .//text()[{_labels('.', text)}]]"
    ways = (
        f"@id = //label{label}/@for",
        f"ancestor::label{label}",
        _labels("@aria-label", text),
        _is("@placeholder", text),
        f"@aria-labelledby and @aria-labelledby = //*[@id and {_labels('.', text)}]/@id",
    )
    return f".//*[{_FIELD}][{' or '.join(f'({way})' for way in ways)}]"


def _by_button(text: str) -> str:
    return f".//*[{_has_role('button')}][{_called(text)} or (self::input and {_is('@value', text)})]"


def _by_link(text: str) -> str:
    return f".//*[self::a or {_has_role('link')}][{_called(text)}]"


def _called(text: str) -> str:
    """By its whole text, its aria-label, or its text beside icons that are only drawn."""
    beside = f"not(*[not(@aria-hidden='true')]) and text()[{_is('.', text)}]"
    return f"({_is('.', text)} or {_is('@aria-label', text)} or ({beside}))"


def _by_text(text: str) -> str:
    return _smallest(_is(".", text))


def _by_part(text: str) -> str:
    return _smallest(f"contains({_plain('.')}, {xpath_quoted(text)})")


def _smallest(which: str) -> str:
    return f".//*[{_UNSEEN}][{which}][not(.//*[{_UNSEEN}][{which}])]"


def _by_role(role: str) -> str:
    return f".//*[{_has_role(role)}]"


def _has_role(role: str) -> str:
    told = f"contains(concat(' ', normalize-space(@role), ' '), ' {role} ')"
    return f"({told} or (not(@role) and ({_ROLES[role]})))" if role in _ROLES else told


_KINDS: dict[str, Callable[[str], str]] = {
    "label": _by_label,
    "button": _by_button,
    "link": _by_link,
    "text": _by_text,
    "contains": _by_part,
    "role": _by_role,
}
