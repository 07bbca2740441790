"""config/workshops.toml → one Workshop per table, with every problem of it collected."""

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from integrator.errors import ConfigError, Problem
from integrator.home import Home, shipped
from integrator.settings.model import Workshop
from integrator.settings.tables import TableReader
from integrator.settings.values import did_you_mean
from integrator.tomlfile import TomlFile, read_toml

NAME = "config/workshops.toml"
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def read_workshops(home: Home, env: Mapping[str, str], problems: list[Problem]) -> dict[str, Workshop]:
    """Read the workshops of a home: its own file, or the shipped one, which has none. Problems go into the list."""
    own = home.config / "workshops.toml"
    path = own if os.path.lexists(own) else shipped() / "config" / "workshops.toml"
    try:
        file = read_toml(path, shown=NAME)
    except ConfigError as error:
        problems += error.problems
        return {}
    reader = TableReader(home, file, env, frozenset())
    found: dict[str, Workshop] = {}
    for workshop in file.data:
        if not _ID.fullmatch(workshop):
            problems.append(
                file.problem((workshop,), "a workshop's id has up to 40 small letters, digits, hyphens and underscores")
            )
        elif (read := reader.read(workshop, Workshop)) is not None:
            problems += [*_together(file, workshop, read), *_unknown_type(home, file, workshop, read)]
            found[workshop] = _with_id(workshop, read)
    problems += [*reader.problems, *_same_names(file, found), *_same_logins(file, found)]
    return found


def _unknown_type(home: Home, file: TomlFile, workshop: str, read: Workshop) -> list[Problem]:
    folders = (shipped() / "config" / "workshops", home.config / "workshops")
    known = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    if read.type in known:
        return []
    what = f"[{workshop}] type: there is no such one: {did_you_mean(read.type, known)}"
    return [file.problem((workshop, "type"), what)]


def _with_id(workshop: str, read: Workshop) -> Workshop:
    import msgspec

    return msgspec.structs.replace(read, id=workshop)


def _together(file: TomlFile, workshop: str, read: Workshop) -> list[Problem]:
    if (read.username is None) == (read.password is None):
        return []
    missing = "username" if read.username is None else "password"
    return [file.problem((workshop,), f"[{workshop}] {missing}: missing, though the other half of the login is there")]


def _same_names(file: TomlFile, found: dict[str, Workshop]) -> list[Problem]:
    """An order names its workshop by id or by name: both must lead to one."""
    names: dict[str, str] = {}
    problems = []
    for workshop, read in found.items():
        for name in {workshop, read.name.casefold()}:
            if names.setdefault(name, workshop) != workshop:
                problems.append(
                    file.problem((workshop, "name"), f"[{workshop}] name: [{names[name]}] goes by the same one")
                )
    return problems


def _same_logins(file: TomlFile, found: dict[str, Workshop]) -> list[Problem]:
    """Ids count per workshop, and a case has one list of lines: two workshops in one ERP would take one another's."""
    logins: dict[tuple[object, str], str] = {}
    problems = []
    for workshop, read in found.items():
        if read.username is not None:
            first = logins.setdefault((_place(read.base_url), read.username.casefold()), workshop)
            if first != workshop:
                what = f"[{workshop}] username: [{first}] logs in there as the same user: they would be one workshop"
                problems.append(file.problem((workshop, "username"), what))
    return problems


def _place(url: str) -> tuple[str | None, int | None, str]:
    """Where an address leads: a host is the same in capitals, and with the port that it has anyway."""
    found = urlsplit(url)
    return found.hostname, found.port or {"http": 80, "https": 443}.get(found.scheme), found.path
