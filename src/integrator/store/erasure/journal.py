"""The journal of erasures: what was erased, without a name, so that no restored backup brings anybody back.

    var/erasures       one JSON line per erasure, only ever appended, on disk before the store is changed
    var/erasures.key   the key of the hashes in it; without it nobody can tell whom a line means

The store's counter erasures_applied says how many bytes of the journal it has followed. A store that was put back
by hand says less than there is, and the next start of any job follows the rest. Whoever writes here holds the
lock "store".
"""

import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from integrator.database import Database
from integrator.errors import ConfigError, Problem, StoreDamaged, Unavailable

NAME, KEY = "erasures", "erasures.key"
APPLIED = "erasures_applied"
_KEY_BYTES = 32


@dataclass(frozen=True)
class Entry:
    """One erasure. at is epoch seconds: it concerns what was there then, not what came later.

    rule  participants, order: everybody of an order, and all of it; participant, customer, attention: one person in
          an order; subject: a person wherever found (a keyed hash); hold, unhold: a legal hold
          key: the first line; its hash tells whether a key is the one the others were made with
          lost: somebody knows that lines before this one are gone
    """

    at: int
    rule: str
    order: int | None = None
    participant: int | None = None
    subject: str | None = None

    def line(self) -> bytes:
        facts = {"at": self.at, "rule": self.rule, "order": self.order, "participant": self.participant}
        return json.dumps(facts | {"subject": self.subject}, separators=(",", ":")).encode("ascii") + b"\n"

    def concerns(self) -> bool:
        """Whether it is about somebody, or an order."""
        return self.rule not in ("key", "lost")


def applied(db: Database) -> int:
    """How many bytes of the journal this store has followed."""
    return int(db.value("SELECT value FROM counters WHERE name = ?", (APPLIED,)) or 0)


def is_behind(db: Database, var: Path) -> bool:
    """Whether there are erasures that this store has not followed. Cheap: every start of a job asks."""
    try:
        size = os.stat(var / NAME).st_size
    except FileNotFoundError:
        return False
    return size > applied(db)


def refuse_behind(db: Database, var: Path) -> None:
    """Nobody who was erased is shown or used. Errors  Unavailable: an older store was put back by hand"""
    if is_behind(db, var) and _is_behind_still(db, var):
        raise Unavailable(
            "store: somebody put an older one back by hand; nothing was done",
            hint="integrator gdpr-cleanup   erases again who was erased; so does every other job",
        )


def _is_behind_still(db: Database, var: Path) -> bool:
    """The same, once whoever erases at this moment has committed: the journal is written before."""
    try:
        with db.tx():
            return is_behind(db, var)
    except sqlite3.OperationalError:  # opened for looking only, or it takes very long
        return True


class Journal:
    """The two files of one home."""

    def __init__(self, var: Path) -> None:
        self.path = var / NAME
        self.key_path = var / KEY

    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def check(self) -> None:
        """Errors  ConfigError: a file is open to others, or the key is gone although there are entries"""
        problems = [
            Problem(str(path), f"is open to group or others: chmod 600 {path}")
            for path in (self.path, self.key_path)
            if path.exists() and path.stat().st_mode & 0o077
        ]
        if problems:
            raise ConfigError(problems)
        if self.size() and (wrong := self._wrong_key()):
            what = f"{wrong}: nobody can tell whom {self.path} means, and who was erased may come back"
            raise ConfigError([Problem(str(self.key_path), what)], hint="put it back from a backup of the home folder")

    def _wrong_key(self) -> str | None:
        if self._key() is None:
            return "is missing or damaged"
        with self.path.open("rb") as file:
            first = file.readline()
        if b'"rule":"key"' not in first or not first.endswith(b"\n"):  # written by an earlier version, or cut off
            return None
        return None if _entry(first, self.path).subject == self._check_value() else "is not the key it was made with"

    def _check_value(self) -> str:
        return self.hash("key", "check")

    def need_whole(self, followed: int) -> None:
        """Errors  ConfigError: a store has followed more bytes than there are"""
        if followed > self.size():
            what = (
                "is missing, or shorter than what was followed of it: entries are lost, and a restored backup could"
                " bring back who was erased"
            )
            hint = "put it back from a backup of the home folder; if there is none: integrator gdpr accept-loss"
            raise ConfigError([Problem(str(self.path), what)], hint=hint)

    def accept_loss(self, followed: int, at: int) -> None:
        """Go on without the lines that are lost. Where each store stands in the journal stays true: the new line ends
        behind all that was followed."""
        self.append([Entry(at, "lost")], at_least=followed)

    def read(self, start: int) -> tuple[list[tuple[Entry, int]], int]:
        """The entries from a byte on, each with the byte behind it; and the byte behind the last one.

        A line that a kill cut off was never followed, and is not read.
        Errors  ConfigError; StoreDamaged: a line cannot be read
        """
        self.check()
        found: list[tuple[Entry, int]] = []
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    start += len(line)
                    found.append((_entry(line, self.path), start))
        except FileNotFoundError:
            return [], 0
        return found, start

    def mend(self) -> None:
        """Take away a last line that a kill cut off: nothing was done about it."""
        if self.size():
            descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            try:
                _cut_torn_line(descriptor)
            finally:
                os.close(descriptor)

    def append(self, entries: Sequence[Entry], *, at_least: int = 0) -> None:
        """Write entries to disk, behind what mend() left. When this returns they outlive a power cut.

        at_least    the size of the file afterwards; blanks before its last line's end fill it
        """
        self.check()
        self.key()
        is_new, size = not self.path.exists(), self.size()
        first = [] if size else [Entry(entries[0].at, "key", subject=self._check_value())]
        text = b"".join(entry.line() for entry in [*first, *entries])
        text = text[:-1].ljust(at_least - size - 1) + b"\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _write_all(descriptor, text)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _to_disk(self.path.parent)

    def hash(self, kind: str, value: str) -> str:
        """The keyed hash of a person's address, number or name; kind keeps equal texts of two kinds apart."""
        import hmac

        return hmac.new(self.key(), f"{kind}:{value}".encode(), "sha256").hexdigest()

    def key(self) -> bytes:
        """The key; made once. Errors  ConfigError: it is gone although there are entries"""
        found = self._key()
        if found is None:
            self.check()
            self._make_key()
            found = self._key()
        assert found is not None
        return found

    def _key(self) -> bytes | None:
        try:
            key = bytes.fromhex(self.key_path.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None
        return key if len(key) == _KEY_BYTES else None

    def _make_key(self) -> None:
        """Under its name it is whole or absent, and never written over: link() refuses a name that exists."""
        import secrets

        draft = self.key_path.with_name(f".{self.key_path.name}.{os.getpid()}.new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write_all(descriptor, secrets.token_hex(_KEY_BYTES).encode("ascii") + b"\n")
            os.fsync(descriptor)
            if self.key_path.exists():  # damaged, and no entry was made with it
                self.key_path.unlink()
            os.link(draft, self.key_path)
        finally:
            os.close(descriptor)
            draft.unlink()
        _to_disk(self.key_path.parent)


def _entry(line: bytes, path: Path) -> Entry:
    try:
        facts = json.loads(line)
        return Entry(int(facts["at"]), str(facts["rule"]), facts["order"], facts["participant"], facts["subject"])
    except (ValueError, KeyError, TypeError):
        raise StoreDamaged(
            f"{path}: a line cannot be read: what was erased cannot be told; nothing was touched",
            hint="put it back from a backup of the home folder",
        ) from None


def _cut_torn_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, 4096, max(0, size - 4096))
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(descriptor, size - len(tail) + tail.rfind(b"\n") + 1)


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
