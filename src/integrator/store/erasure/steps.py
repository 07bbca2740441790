"""The order in which erasing happens: journal, transaction, VACUUM, proof, copies. Every step may be killed.

    what is due ─→ tx(): is it so still? ─→ var/erasures (fsync) ─→ rows go, erasures_applied and vacuum_due are set
                ─→ VACUUM ─→ proof

The journal is the intention: a run that was killed behind it is finished by the next one, which finds the store
behind its journal. It is written inside the transaction, before its commit: nobody orders or sends in between. After
a kill the values to look for are gone with the rows; then VACUUM alone is done, which writes the file anew from its
rows. The caller holds the lock "store".
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from integrator.database import Database
from integrator.domain.retention import VERSION, Periods
from integrator.errors import Unavailable
from integrator.store.erasure import proof
from integrator.store.erasure.journal import APPLIED, Entry, Journal, applied
from integrator.store.erasure.rows import carry_out
from integrator.store.erasure.work import UNDER_WAY, Work, journal_work, rules_work

_BATCH = 200  # orders in one transaction
AGAIN = "again, from the journal"
_SCOPES_UNDER_WAY = "SELECT DISTINCT scope FROM outbox WHERE state IN ('received', 'processing')"
_T = TypeVar("_T")


@dataclass
class Erasing:
    """One round of erasing in one store. at is epoch seconds; actor who asked: an OS user, or "cron".

    is_copy: a backup, whose erasures are nobody else's
    """

    db: Database
    journal: Journal
    at: int
    actor: str
    run_id: int | None = None
    is_copy: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    erased: set[bytes] = field(default_factory=set)

    def level(self) -> None:
        """Follow what the journal says beyond this store.

        Errors  ConfigError: the journal has lost entries, or its key; StoreDamaged: it cannot be read
        """
        self.journal.mend()
        start = applied(self.db)
        self.journal.need_whole(start)
        for batch in _batches(self.journal.read(start)[0]):
            with self.db.tx():
                self.follow([entry for entry, _ in batch], batch[-1][1])

    def by_rules(self, periods: Periods) -> Work:
        """Erase what is past its time. Gives back what was due, with what is under way or on hold."""
        work = rules_work(self.db, periods, self.at)
        if self.is_copy:
            with self.db.tx():
                self._carry_out(work, VERSION, None)
            return work
        rules = (("participants", sorted(work.anonymise)), ("order", sorted(work.delete)))
        entries = [Entry(self.at, rule, order=order) for rule, orders in rules for order in orders]
        for batch in _batches(entries):
            proof.need_space(self.db.path)
            with self.db.tx():
                self.write_down(self._without_under_way(batch, work), VERSION)
        # What is nobody's data any more, or never was, needs no memory: the rule finds it in any copy.
        rest = ("reservations", "lists", "list_messages", "trainers", "orderlines")
        with self.db.tx():
            now = rules_work(self.db, periods, self.at)
            self._carry_out(Work(**{name: getattr(now, name) for name in rest}), VERSION, None)
        return work

    def _without_under_way(self, entries: Sequence[Entry], work: Work) -> list[Entry]:
        """Those that are due still, now that nobody else writes: an operator may have sent a message anew meanwhile."""
        scopes = {row["scope"] for row in self.db.all(_SCOPES_UNDER_WAY)}
        under_way = {entry for entry in entries if f"order:{entry.order}" in scopes}
        work.under_way |= {f"order {entry.order}": UNDER_WAY for entry in under_way}
        return [entry for entry in entries if entry not in under_way]

    def write_down(self, entries: Sequence[Entry], rule: str, subject: str | None = None) -> None:
        """Write erasures into the journal, then follow it; so every erasure is done as it will be done again.

        Call inside tx(), with a store that is level.
        """
        if entries:
            self.journal.append(entries)
            self.follow(entries, self.journal.size(), rule, subject)

    def follow(self, entries: Sequence[Entry], end: int, rule: str = AGAIN, subject: str | None = None) -> None:
        """Do what entries of the journal say, up to its byte `end`; inside tx()."""
        work = journal_work(self.db, entries, self.journal, is_copy=self.is_copy)
        self._carry_out(work, rule, subject)
        self.db.write(
            "INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
            (APPLIED, end),
        )
        # The numbers in the journal were given out; a store that was put back by hand may not know of them.
        highest = max(entry.order or 0 for entry in entries)
        self.db.write("UPDATE sqlite_sequence SET seq = ? WHERE name = 'orders' AND seq < ?", (highest, highest))

    def finish(self) -> bool:
        """VACUUM and proof, when something was erased since the last. Gives back whether there was.

        Errors  Unavailable: somebody reads the store; StoreDamaged: something is still there
        """
        if not proof.is_due(self.db):
            return False
        proof.need_space(self.db.path)
        proof.vacuum(self.db)
        proof.prove(self.db, self.erased)
        proof.set_due(self.db, 0)
        return True

    def _carry_out(self, work: Work, rule: str, subject: str | None) -> None:
        counts = carry_out(self.db, work, at=self.at, erased=self.erased)
        if counts:
            proof.set_due(self.db, 1)
            self.db.write(
                "INSERT INTO erasures (at, run_id, actor, rule, subject, counts) VALUES (?, ?, ?, ?, ?, ?)",
                (self.at, self.run_id, self.actor, rule, subject, json.dumps(counts, sort_keys=True)),
            )
        self.counts += counts


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


def _batches(entries: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for begin in range(0, len(entries), _BATCH):
        yield entries[begin : begin + _BATCH]
