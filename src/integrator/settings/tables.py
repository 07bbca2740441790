"""One TOML table → one settings class, with every problem of it collected."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo

from integrator.errors import Problem
from integrator.home import Home, shipped
from integrator.secret import Reference, Secret, SecretError, check_reference, resolve
from integrator.settings.model import Table
from integrator.settings.values import Wrong, did_you_mean, mail_address, of_type, web_address
from integrator.tomlfile import TomlFile

T = TypeVar("T", bound=Table)
_FILLED = {"extra", "id"}  # not read from a key of that name
_SECRET_WORDS = ("password", "passwd", "secret", "token", "apikey", "api_key", "auth_value", "private_key")


class TableReader:
    """Reads the tables of one home. env is asked only for secrets of systems in needs (None: of all)."""

    def __init__(self, home: Home, file: TomlFile, env: Mapping[str, str], needs: frozenset[str] | None) -> None:
        self.home = home
        self.file = file
        self.problems: list[Problem] = []
        self._env = env
        self._needs = needs

    def read(self, table: str, kind: type[T]) -> T | None:
        """Read one table; None when anything in it is wrong (see problems)."""
        data = self.file.data.get(table, {})
        if not isinstance(data, dict):
            self._wrong((table,), f"expected a table: one line [{table}], its keys below it")
            return None
        return self._table((table,), data, kind)

    def read_each(self, table: str, kind: type[T]) -> T:
        """Read a table whose keys may all be absent, key by key: a wrong one is as if it were absent (see problems)."""
        data, found = self.file.data.get(table, {}), kind()
        if not isinstance(data, dict):
            return found  # read() says so
        for field in msgspec.structs.fields(kind):
            before = len(self.problems)
            value = self._value((table, field.encode_name), field, data)
            if len(self.problems) == before:
                found = msgspec.structs.replace(found, **{field.name: value})
        return found

    def _table(self, keys: tuple[str, ...], data: dict[str, Any], kind: type[T]) -> T | None:
        before = len(self.problems)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind) if field.name not in _FILLED}
        values = {field.name: self._value((*keys, key), field, data) for key, field in fields.items()}
        unknown = {key: value for key, value in data.items() if key not in fields}
        if "extra" in kind.__struct_fields__:
            values["extra"] = {key: self._extra(keys[0], key, value) for key, value in unknown.items()}
        else:
            for key in unknown:
                self._wrong((*keys, key), f"unknown key: {did_you_mean(key, fields)}")
        if len(self.problems) > before:
            return None
        made = kind(**values)
        for where, what in made.contradictions():
            self._wrong((*keys, *where), what)
        return made if len(self.problems) == before else None

    def _wrong(self, keys: tuple[str, ...], what: str) -> None:
        self.problems.append(self.file.problem(keys, f"[{keys[0]}] {'.'.join(keys[1:])}".rstrip() + f": {what}"))

    def _value(self, keys: tuple[str, ...], field: FieldInfo, data: dict[str, Any]) -> Any:
        table, key = keys[0], keys[-1]
        default = field.default_factory() if callable(field.default_factory) else field.default
        if key not in data and field.required:
            self._wrong(keys, "missing")
            return None
        if key not in data and not isinstance(default, Path):
            return default
        value, kind = data.get(key, default), _without_none(field.type)
        if isinstance(kind, type) and issubclass(kind, Table):
            if isinstance(value, dict):
                return self._table(keys, value, kind)
            self._wrong(keys, f"expected a table: {key}.NAME = ..., or [{'.'.join(keys)}] and its keys below it")
            return None
        try:
            return self._reader(table, key, kind)(value)
        except (Wrong, SecretError) as error:
            self._wrong((*keys, *getattr(error, "keys", ())), str(error))
            return None

    def _reader(self, table: str, key: str, kind: Any) -> Callable[[Any], Any]:
        if key == "ping_url":
            return self._ping_url
        if kind is Secret:
            return lambda value: self._secret(table, value)
        if kind is Reference:
            return Reference
        if kind is Path:
            return self._mapping if key == "mapping" else self._path
        if key in {"base_url", "remote_url"}:
            return web_address
        if key == "alert_to":
            return mail_address
        return lambda value: of_type(value, kind)

    def _secret(self, table: str, value: Any) -> Secret:
        check_reference(value)
        if self._needs is not None and table not in self._needs:
            return Secret(None)
        return resolve(value, self._env, self.home.root)

    def _ping_url(self, value: Any) -> Secret:
        if isinstance(value, str):
            return Secret(web_address(value))
        secret = self._secret("monitor", value)
        if self._needs is None or "monitor" in self._needs:
            web_address(secret.reveal())
        return secret

    def _path(self, value: Any) -> Path:
        text: str = of_type(str(value) if isinstance(value, Path) else value, str)
        if not text or "\0" in text:
            raise Wrong("expected a path, relative to the home folder or absolute")
        return self.home.root / text

    def _mapping(self, value: Any) -> Path:
        own = self._path(value)
        for path in (own, shipped() / value):
            try:
                if path.is_file():
                    return path
            except OSError as error:  # a folder above it that this user cannot enter
                raise Wrong(f"the file {path} cannot be read: {error.strerror}") from None
        raise Wrong(f"the file {value} is missing in {self.home.root}")

    def _extra(self, table: str, key: str, value: Any) -> Any:
        """Keep a key nobody described yet, as long as it holds no password in plain text."""
        reference = isinstance(value, dict) and value.keys() <= {"env", "file", "command"}
        if not reference and not any(word in key.lower() for word in _SECRET_WORDS):
            return value
        try:
            return self._secret(table, value)
        except SecretError as error:
            self._wrong((table, key), str(error))
            return None


def _without_none(kind: Any) -> Any:
    """The type of a key that may be absent: TOML has no null, so None is only ever the default."""
    if get_origin(kind) in {Union, UnionType}:
        rest = [part for part in get_args(kind) if part is not NoneType]
        return rest[0] if len(rest) == 1 else kind
    return kind
