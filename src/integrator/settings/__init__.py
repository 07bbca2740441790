"""config/integrator.toml, jobs/*.toml, .env and the environment → Settings, checked all at once."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from integrator.errors import ConfigError, Problem
from integrator.home import Home, closed_problems, private_problem, shipped
from integrator.secret import open_plain
from integrator.settings.jobs import read_jobs
from integrator.settings.model import (
    TABLES,
    BrowserSettings,
    BrpSettings,
    GatewaySettings,
    JobPolicy,
    MaconomySettings,
    MailgunSettings,
    MonitorSettings,
    OilmatSettings,
    OpenTable,
    ReservationSettings,
    RetentionSettings,
    Settings,
    StoreSettings,
    TrainingportalSettings,
    WordPressSettings,
    Workshop,
)
from integrator.settings.tables import TableReader
from integrator.settings.values import did_you_mean
from integrator.settings.workshops import read_workshops
from integrator.tomlfile import TomlFile, read_toml

__all__ = [
    "BrowserSettings",
    "BrpSettings",
    "GatewaySettings",
    "JobPolicy",
    "MaconomySettings",
    "MailgunSettings",
    "MonitorSettings",
    "OilmatSettings",
    "OpenTable",
    "ReservationSettings",
    "RetentionSettings",
    "Settings",
    "StoreSettings",
    "TrainingportalSettings",
    "Variables",
    "WordPressSettings",
    "Workshop",
    "load_settings",
    "read_gateway",
]
_ALWAYS = (
    "store",
    "reservations",
    "retention",
    "monitor",
    "gateway",
)  # they have defaults; without a table a system is off


def load_settings(
    home: Home, environ: Mapping[str, str], *, needs: Sequence[str] | None = None, job: str | None = None
) -> Settings:
    """Read and check a home's whole configuration.

    Shape   needs names the tables whose secrets this run uses, "workshops" the file of that name; None: all of them.
            The rest is checked all the same.
            job: of the files in jobs/ only this one is read, for a start that has to be cheap
    Errors  ConfigError with every problem: file, line, and what is expected
    """
    if needs is not None and (unknown := set(needs) - TABLES.keys() - {"workshops"}):
        raise ValueError(f"load_settings: no such table: {', '.join(sorted(unknown))}")
    if closed := closed_problems(home):
        raise ConfigError(closed, hint=f"nothing was started; mend {home.root}, then: integrator check")
    problems = [problem] if (problem := private_problem(home)) else []
    tables: dict[str, Any] = {}
    env = Variables(home, environ)
    try:
        file = _read_config(home)
    except ConfigError as error:
        problems += error.problems
    else:
        tables = _read_tables(home, file, env, needs, problems)
    workshops = read_workshops(home, env, problems) if job is None or "workshops" in (needs or ()) else {}
    jobs = read_jobs(home, problems, only=job)
    if problems:
        raise ConfigError(problems, hint=f"nothing was started; mend {home.root}, then: integrator check")
    return Settings(home=home, jobs=jobs, workshops=workshops, **tables)


def read_gateway(home: Home, environ: Mapping[str, str]) -> tuple[GatewaySettings, TomlFile, list[Problem]]:
    """What is right in [gateway], whatever else is wrong in the configuration; and what is wrong in that table.

    Errors  ConfigError: the file cannot be read
    """
    file, env = _read_config(home), Variables(home, environ)
    reader = TableReader(home, file, env, frozenset({"gateway"}))
    return reader.read_each("gateway", GatewaySettings), file, reader.problems


def _read_config(home: Home) -> TomlFile:
    """The home's integrator.toml. A home without one has every system switched off, as the shipped one says."""
    own = home.config / "integrator.toml"
    path = own if os.path.lexists(own) else shipped() / "config" / "integrator.toml"
    return read_toml(path, shown="config/integrator.toml")


def _read_tables(
    home: Home, file: TomlFile, env: "Variables", needs: Sequence[str] | None, problems: list[Problem]
) -> dict[str, Any]:
    reader = TableReader(home, file, env, None if needs is None else frozenset(needs))
    tables = {name: reader.read(name, kind) for name, kind in TABLES.items() if name in file.data or name in _ALWAYS}
    for name in file.data.keys() - TABLES.keys():
        reader.problems.append(file.problem((name,), f"[{name}] unknown table: {did_you_mean(name, TABLES)}"))
    problems += [*env.problems, *sorted(reader.problems, key=_line)]
    return tables


def _line(problem: Problem) -> int:
    return int(problem.where.rpartition(":")[2])


class Variables(Mapping[str, str]):
    """The environment, and behind it .env: read when a name is asked for that the environment does not have."""

    def __init__(self, home: Home, environ: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._home = home
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        if name in self._environ:
            return self._environ[name]
        if name not in self._file and self.problems:
            return "https://localhost"  # the load fails for .env already; spare the operator what follows from that
        return self._file[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._file, **self._environ})

    def __len__(self) -> int:
        return len({**self._file, **self._environ})

    @cached_property
    def _file(self) -> dict[str, str]:
        from dotenv.parser import parse_stream

        try:
            descriptor = open_plain(self._home.env_file)
            if descriptor is None:
                self.problems.append(Problem(".env", "is not a plain file"))
                return {}
            with open(descriptor, encoding="utf-8-sig") as stream:
                bindings = list(parse_stream(stream))
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.problems.append(Problem(".env", f"cannot be read: {error.strerror}"))
            return {}
        except UnicodeDecodeError:
            self.problems.append(Problem(".env", "is not UTF-8 text"))
            return {}
        for binding in bindings:
            if binding.error or (binding.key and binding.value is None):
                self.problems.append(Problem(f".env:{binding.original.line}", "expected NAME=value"))
        # As it is written: a "$" in a password is a "$".
        return {binding.key: binding.value for binding in bindings if binding.key and binding.value is not None}
