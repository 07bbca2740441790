"""Backups, and the stores that restores kept: what was erased, and what is past its time, goes in them, too."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from integrator.database import Database
from integrator.domain.retention import Periods
from integrator.errors import IntegratorError, Stopped, StoreDamaged
from integrator.store import backup
from integrator.store.erasure import proof
from integrator.store.erasure.journal import Journal, applied
from integrator.store.erasure.steps import Erasing
from integrator.store.erasure.work import journal_work, rules_work

_FIRST_WITH_ORDERS = 4  # schema version; what is older holds nobody that a rule erases


@dataclass
class Copies:
    """The copies of one store. The caller holds the locks of whoever makes, restores or changes one.

    failed: file name → why it could not be read or rewritten; read: how many could be
    """

    live: Path
    folder: Path
    journal: Journal
    periods: Periods
    at: int
    counts: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)

    def files(self) -> list[Path]:
        return [found.path for found in (*backup.found(self.folder), *backup.replaced(self.live))]

    def __post_init__(self) -> None:
        self.live = self.live.resolve()  # as a restore does: its copies lie beside the file, not beside a link

    def sweep(self) -> None:
        """Delete what killed runs left half written: whoever could still be writing holds a lock that we have, "store"
        or "store-backup"."""
        for folder in {self.folder, self.live.parent}:
            self.counts["unfinished_copies.deleted"] += backup.sweep(folder, now=self.at, older_than_s=float("-inf"))
        draft = backup.draft_of(self.live)
        for path in [*draft.parent.glob(f"{draft.name}*")]:
            path.unlink(missing_ok=True)
            self.counts["unfinished_copies.deleted"] += 1

    def erase(self) -> None:
        """Rewrite each copy in which something is due; one that cannot be is named in failed, the others go on."""
        backup.forget_unfinished(self.live)
        for path in self.files():
            try:
                if self._is_second_name(path):
                    raise StoreDamaged("is a second name of the store itself: finish the restore that was interrupted")
                if self.is_due(path):
                    backup.rewrite(path, self._change)
                    self.counts["backups.rewritten"] += 1
                self.counts["files.checked"] += 1
            except Stopped:  # concerns no single copy
                raise
            except IntegratorError as error:
                self.failed[path.name] = error.message
            except OSError as error:
                self.failed[path.name] = f"cannot be rewritten: {error.strerror}"

    def followed(self) -> list[int]:
        """How far each copy that can be read has followed the journal, in bytes."""
        found = []
        for path in self.files():
            with suppress(IntegratorError), self.opened(path) as db:
                found.append(applied(db) if db is not None else 0)
        return found

    def due(self) -> list[Path]:
        """The copies that erase() would rewrite, of those that can be read."""
        found = []
        for path in self.files():
            try:
                if self.is_due(path):
                    found.append(path)
            except Stopped:
                raise
            except IntegratorError:
                continue
        return found

    def is_due(self, path: Path) -> bool:
        """Whether anybody in a copy is to be erased. Errors  StoreDamaged"""
        with self.opened(path) as db:
            if db is None:
                return False
            self.journal.need_whole(applied(db))
            entries = [entry for entry, _ in self.journal.read(applied(db))[0]]
            return bool(
                proof.is_due(db)
                or rules_work(db, self.periods, self.at)
                or journal_work(db, entries, self.journal, is_copy=True)
            )

    @contextmanager
    def opened(self, path: Path) -> Iterator[Database | None]:
        """A copy for looking, as it lies; None when it is older than orders are."""
        with backup.reading(path) as conn:
            has_orders = backup.verified(conn, path) >= _FIRST_WITH_ORDERS
            yield Database(conn, path) if has_orders else None

    def _change(self, db: Database) -> None:
        erasing = Erasing(db, self.journal, self.at, "backup", is_copy=True)
        erasing.level()
        erasing.by_rules(self.periods)
        erasing.finish()

    def _is_second_name(self, path: Path) -> bool:
        return self.live.exists() and path.samefile(self.live)


def foreign(folder: Path) -> list[Path]:
    """Stores in the folder of backups that are not ours to delete or to change: somebody put them there."""
    ours = {found.path for found in backup.found(folder)}
    return sorted(path for path in folder.glob("[!.]*") if path.is_file() and path not in ours and _is_store(path))


def _is_store(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return path.suffix == ".db"
