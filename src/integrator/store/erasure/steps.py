"""The order in which erasing happens: journal, transaction, VACUUM, proof, copies. Every step may be killed.

    what is due ─→ var/erasures (fsync) ─→ tx(): rows go, erasures_applied and vacuum_due are set ─→ VACUUM ─→ proof

The journal is the intention: a run that was killed behind it is finished by the next one, which finds the store
behind its journal. After a kill the values to look for are gone with the rows; then VACUUM alone is done, which
writes the file anew from its rows. The caller holds the lock "store".
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from integrator.database import Database
from integrator.domain.retention import VERSION, Periods
from integrator.errors import Unavailable
from integrator.store.erasure import proof
from integrator.store.erasure.journal import APPLIED, Entry, Journal, applied
from integrator.store.erasure.rows import carry_out
from integrator.store.erasure.work import Work, journal_work, rules_work

_BATCH = 200  # orders in one transaction
AGAIN = "again, from the journal"
_Followed = Sequence[tuple[Entry, int]]  # entries, each with the byte behind it


@dataclass
class Erasing:
    """One round of erasing in one store. at is epoch seconds; actor who asked: an OS user, or "cron"."""

    db: Database
    journal: Journal
    at: int
    actor: str
    run_id: int | None = None
    counts: Counter[str] = field(default_factory=Counter)
    erased: set[bytes] = field(default_factory=set)

    def level(self, rule: str = AGAIN, subject: str | None = None) -> bool:
        """Follow what the journal says beyond this store. Gives back whether the journal is whole.

        Errors  ConfigError, StoreDamaged: the journal cannot be read
        """
        self.journal.mend()
        start = applied(self.db)
        whole = start <= self.journal.size()
        entries, end = self.journal.read(start if whole else 0)
        for batch in _batches(entries):
            chosen = [entry for entry, _ in batch]
            self._carry_out(journal_work(self.db, chosen, self.journal), rule, subject, followed=batch)
        if not whole and not entries:
            self._write(lambda: self._set_applied(end))
        return whole

    def by_rules(self, periods: Periods, *, is_copy: bool = False) -> Work:
        """Erase what is past its time. Gives back what was due, with what is under way or on hold.

        is_copy: a backup, whose erasures are nobody else's
        """
        work = rules_work(self.db, periods, self.at)
        if is_copy:
            self._carry_out(work, VERSION, None)
            return work
        rules = (("participants", sorted(work.anonymise)), ("order", sorted(work.delete)))
        entries = [Entry(self.at, rule, order=order) for rule, orders in rules for order in orders]
        if work.delete or work.anonymise:
            self.append(entries, VERSION)
        # What is nobody's data any more, or never was, needs no memory: the rule finds it in any copy.
        rest = Work(reservations=work.reservations, lists=work.lists, list_messages=work.list_messages)
        if rest or rest.reservations:
            self._carry_out(rest, VERSION, None)
        return work

    def append(self, entries: Sequence[Entry], rule: str, subject: str | None = None) -> None:
        """Write erasures into the journal, then follow it; so every erasure is done as it will be done again."""
        for begin in range(0, len(entries), _BATCH):
            proof.need_space(self.db.path)
            self.journal.append(entries[begin : begin + _BATCH])
            self.level(rule, subject)

    def finish(self) -> bool:
        """VACUUM and proof, when something was erased since the last. Gives back whether there was.

        Errors  Unavailable: somebody reads the store; StoreDamaged: something is still there
        """
        if not proof.is_due(self.db):
            return False
        proof.need_space(self.db.path)
        proof.vacuum(self.db)
        proof.prove(self.db, self.erased)
        self._write(lambda: proof.set_due(self.db, 0))
        return True

    def _carry_out(self, work: Work, rule: str, subject: str | None, *, followed: _Followed = ()) -> None:
        with self.db.tx():
            counts = carry_out(self.db, work, at=self.at, erased=self.erased)
            if followed:
                self._set_applied(followed[-1][1])
                self._never_again(followed)
            if counts:
                proof.set_due(self.db, 1)
                self.db.write(
                    "INSERT INTO erasures (at, run_id, actor, rule, subject, counts) VALUES (?, ?, ?, ?, ?, ?)",
                    (self.at, self.run_id, self.actor, rule, subject, json.dumps(counts, sort_keys=True)),
                )
        self.counts += counts

    def _set_applied(self, end: int) -> None:
        self.db.write(
            "INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
            (APPLIED, end),
        )

    def _never_again(self, followed: _Followed) -> None:
        """The numbers in the journal were given out; a store that was put back by hand may not know of them."""
        highest = max(entry.order or 0 for entry, _ in followed)
        self.db.write("UPDATE sqlite_sequence SET seq = ? WHERE name = 'orders' AND seq < ?", (highest, highest))

    def _write(self, change: Callable[[], None]) -> None:
        with self.db.tx():
            change()


def keep_erased(db: Database, var: Path, *, at: int, actor: str) -> None:
    """Erase again what the journal says was erased: for a store that was put back by hand, before any job uses it.

    A reader may keep VACUUM away: the rows are gone nevertheless (secure_delete), and gdpr-cleanup does the rest.
    """
    erasing = Erasing(db, Journal(var), at, actor)
    erasing.level()
    try:
        erasing.finish()
    except Unavailable:
        return


def erase_in_restored(db: Database, var: Path, periods: Periods, *, at: int, actor: str) -> Erasing:
    """Erase in a copy that is about to be the store what was erased since it was made, and what is past its time."""
    erasing = Erasing(db, Journal(var), at, actor)
    erasing.level()
    erasing.by_rules(periods)
    erasing.finish()
    return erasing


def _batches(entries: _Followed) -> Iterator[_Followed]:
    for begin in range(0, len(entries), _BATCH):
        yield entries[begin : begin + _BATCH]
