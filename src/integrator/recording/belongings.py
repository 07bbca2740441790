"""What a replay needs beside the answers: the settings in use without their secrets, mappings, policy; and back."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_origin

import msgspec

from integrator.errors import UsageError
from integrator.home import Home
from integrator.recording.scrub import System
from integrator.secret import Secret
from integrator.settings import JobPolicy, Settings
from integrator.settings.model import Table
from integrator.systems.recordable import Recordable

SECRET_NAME = "INTEGRATOR_REPLAY_SECRET"  # noqa: S105 (the name of a variable, and its value is "replayed")
# Rules of a home that many jobs look at; they have defaults, and no base_url.
_ALWAYS = ("reservations", "retention")
# Texts and switches that say how a system is to be talked to, and nothing about anybody.
_STAYS = {
    "maconomy": {"auth_header"},
    "brp": {"business_units"},
    "trainingportal": {"courses", "path", "upload", "errors", "format", "price"}
    | {"reserve", "booking", "http", "add", "update"},
}
_MADE_UP = {
    "domain": "mail.example.org",
    "from": "Sender <sender@example.org>",
    "reply_to": "sender@example.org",
    "username": "user",
}
_NEVER = frozenset({"store", "monitor", "browser"})
_JOB = re.compile(r"[a-z][a-z0-9-]{0,40}")
_FILE = re.compile(r"config/[A-Za-z0-9][A-Za-z0-9._-]{0,60}\.toml")


def systems_of(settings: Settings, needs: Sequence[str]) -> list[System]:
    """The systems a run talks to, each with what it allows to stay.

    Errors  ConfigError: a mapping cannot be read
    """
    return [
        System(name, base_url, _allowed(name, table))
        for name, table in _tables(settings, needs)
        if (base_url := getattr(table, "base_url", None))
    ]


def _allowed(name: str, table: Any) -> Recordable | None:
    # A system that is not named here has nothing to say: all of its traffic is replaced.
    if name == "maconomy":
        from integrator.systems.maconomy import recordable as maconomy

        return maconomy.recordable(table.mapping)
    if name == "wordpress":
        from integrator.systems.wordpress import recordable

        return recordable.recordable(table.mapping)
    if name == "oilmat":
        from integrator.systems.oilmat import recordable as oilmat

        return oilmat.recordable()
    if name == "mailgun":
        from integrator.systems.mailgun import recordable as mailgun

        return mailgun.recordable()
    if name == "trainingportal":
        from integrator.systems.trainingportal import Options
        from integrator.systems.trainingportal import recordable as trainingportal

        return trainingportal.recordable(Options(**table.switches()))
    return None


def _tables(settings: Settings, needs: Sequence[str]) -> Iterator[tuple[str, Table]]:
    for name in dict.fromkeys([*needs, *_ALWAYS]):
        table = getattr(settings, name, None)
        if isinstance(table, Table) and name not in _NEVER:  # workshops are no table: see orderlines
            yield name, table


def secrets_of(settings: Settings) -> Iterator[str]:
    """Every secret that was read for this run."""
    for name in settings.__struct_fields__:
        yield from revealed(getattr(settings, name))


def revealed(value: Any) -> Iterator[str]:
    """Every secret in a table or a value of it that was read."""
    if isinstance(value, Secret):
        try:
            yield value.reveal()
        except RuntimeError:  # of a system that this run does not use: never read
            return
    elif isinstance(value, Table):
        for name in value.__struct_fields__:
            yield from revealed(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from revealed(inner)


# out of a home ----------------------------------------------------------------------------------


def described(settings: Settings, needs: Sequence[str], job: str, clean: Callable[[str], str]) -> dict[str, Any]:
    """The part of the metadata that comes from the configuration; clean replaces people in a free text."""
    mappings: dict[str, str] = {}
    tables = {name: _table(name, table, mappings, clean) for name, table in _tables(settings, needs)}
    return {"settings": tables, "mappings": mappings, "policy": _policy(settings.jobs[job])}


def replaced(settings: Settings, needs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The texts of the configuration that are somebody's own, and what stands for them in a recording."""
    for name, table in _tables(settings, needs):
        for key, value, stays in _fields(table):
            if isinstance(value, str) and not stays and key != "base_url" and key not in _STAYS.get(name, ()):
                yield value, _made_up(key)


def _fields(table: Table) -> Iterator[tuple[str, Any, bool]]:
    """(key, value, whether it stays as it is whatever it is called)."""
    for field in msgspec.structs.fields(table):
        value = getattr(table, field.name)
        yield field.encode_name, value, isinstance(value, bool | int | float) or get_origin(field.type) is Literal


def _table(name: str, table: Table, mappings: dict[str, str], clean: Callable[[str], str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value, stays in _fields(table):
        if isinstance(value, Secret):
            found[key] = {"env": SECRET_NAME}
        elif key == "mapping":
            found[key] = f"config/{name}.toml"
            mappings[found[key]] = _without_people(value.read_text(encoding="utf-8"), clean)
        elif key == "base_url" and value:
            found[key] = f"https://{System(name, value).host}"
        elif stays or key in _STAYS.get(name, ()):
            found[key] = _plain(value)
        elif isinstance(value, str):
            found[key] = _made_up(key)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return {"env": SECRET_NAME}
    if isinstance(value, Table):  # one below a table
        value = {key: inner for key, inner, _ in _fields(value) if inner is not None}
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _made_up(key: str) -> str:
    return _MADE_UP.get(key, f"made-up-{key}")


def _without_people(text: str, clean: Callable[[str], str]) -> str:
    """A mapping file with the addresses and names in its comments replaced; what it says stays the same."""
    lines = []
    for line in text.splitlines(keepends=True):
        code, mark, comment = line.partition("#")
        changed = code + mark + clean(comment)
        lines.append(changed if _says_the_same(line, changed) else line)
    found = "".join(lines)
    return found if tomllib.loads(found) == tomllib.loads(text) else text


def _says_the_same(line: str, changed: str) -> bool:
    return line.count('"') == changed.count('"') and line.count("'") == changed.count("'")


def _policy(policy: JobPolicy) -> dict[str, Any]:
    found = {
        "schedule": policy.schedule,
        "timeout": f"{policy.timeout_s}s",
        "attempts": policy.attempts,
        "backoff": [f"{round(wait)}s" for wait in policy.backoff_s],
        **{key: _policy_value(value) for key, value in policy.policy.items()},
    }
    return found | ({"alert_after": f"{policy.alert_after_s}s"} if policy.alert_after_s else {})


def _policy_value(value: Any) -> Any:
    """Durations are read as numbers, and written with their unit."""
    is_duration = isinstance(value, tuple) and all(isinstance(part, float) for part in value)
    return [f"{round(part)}s" for part in value] if is_duration else value


# into a home ------------------------------------------------------------------------------------


def made_home(root: Path, metadata: dict[str, Any], *, source: Path) -> Home:
    """Write a home that has what the metadata says, and a secret that opens nothing.

    Errors  UsageError: the metadata are not what a recording has
    """
    job = metadata.get("job")
    settings, mappings, policy = (metadata.get(name) for name in ("settings", "mappings", "policy"))
    if not (isinstance(job, str) and _JOB.fullmatch(job)):
        raise UsageError(f"--replay {source}: is no recording of ours: metadata.job is missing or wrong")
    for name, value in (("settings", settings), ("mappings", mappings), ("policy", policy)):
        if not isinstance(value, dict):
            raise UsageError(f"--replay {source}: is no recording of ours: metadata.{name} is missing or wrong")
    home = Home(root)
    for folder in (home.config, home.jobs):
        folder.mkdir(mode=0o700)
    for path, text in (mappings or {}).items():
        if not (isinstance(path, str) and _FILE.fullmatch(path) and isinstance(text, str)):
            raise UsageError(f"--replay {source}: is no recording of ours: metadata.mappings holds a foreign file")
        (root / path).write_text(text, encoding="utf-8")
    try:
        tables = text_of(settings or {})
        (home.jobs / f"{job}.toml").write_text(_toml(policy), encoding="utf-8")
    except (TypeError, AttributeError):
        raise UsageError(f"--replay {source}: is no recording of ours: its settings are no settings") from None
    (home.config / "integrator.toml").write_text(tables, encoding="utf-8")
    home.env_file.touch(0o600)
    home.env_file.write_text(f"{SECRET_NAME}=replayed\n", encoding="utf-8")
    return home


def moment_of(metadata: dict[str, Any], *, source: Path) -> float:
    """When the run was recorded. Errors  UsageError"""
    try:
        return datetime.fromisoformat(metadata["recorded_at"]).astimezone(UTC).timestamp()
    except (KeyError, TypeError, ValueError):
        raise UsageError(
            f"--replay {source}: is no recording of ours: metadata.recorded_at is missing or wrong"
        ) from None


def text_of(tables: dict[str, Any]) -> str:
    """A TOML file of these tables. Errors  TypeError, AttributeError: they are none"""
    return "".join(f"[{_key(name)}]\n{_toml(table)}\n" for name, table in tables.items())


def _toml(table: Any) -> str:
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items())


def _key(name: Any) -> str:
    return _value(str(name))


def _value(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, str):
        # A JSON text is a TOML text, but for what only JSON writes as two halves.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    raise TypeError
