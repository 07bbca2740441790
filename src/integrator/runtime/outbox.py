"""The outbox: every effect on another system is a row here before its first byte leaves.

    received ──commit, attempts + 1──> processing ──send──> completed
        ^                                   |  └─ not done ──> received, next_at later | failed
        └── looked up: not there, settled ──┘  └─ unknown ───> stays processing, looked up later

This module holds the rows and moves them; what follows from an answer is decided in delivery.py.
"""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from integrator.database import Database
from integrator.effects import SHOWN_STATE, Message
from integrator.errors import Conflict, NotFound, UsageError

STATES = ("received", "processing", "completed", "failed", "bad request")
SHOWN = (*STATES, "dropped")  # failed, and given up for good: without a body
_PAGE = 200


class Outbox:
    """Rows of the table outbox, and the only code that moves them from state to state."""

    def __init__(self, db: Database, *, clock: Callable[[], float], run_id: int | None = None) -> None:
        self.db = db
        self.clock = clock
        self._run_id = run_id

    # intake: call inside the transaction that made it true --------------------------------------

    def latest(self, effect: str, key: str, body: Any, *, scope: str = "") -> bool:
        """Ask for the newest state of a record, replacing what still waits.

        The same content again is a no-op while it waits or after it failed; a completed one is asked for anew,
        since the caller saw the other side differ. Gives back whether a row was written.
        """
        text, digest = _packed(body)
        return bool(
            self.db.write(
                "INSERT INTO outbox (effect, scope, key, mode, body, body_hash, state, created_at, changed_at, run_id)"
                " VALUES (?1, ?2, ?3, 'latest', ?4, ?5, 'received', ?6, ?6, ?7)"
                " ON CONFLICT (effect, key) DO UPDATE SET body = ?4, body_hash = ?5, changed_at = ?6, run_id = ?7,"
                "  attempts = 0, next_at = 0, reason = NULL,"
                "  state = iif(state = 'processing', 'processing', 'received')"
                " WHERE body_hash <> ?5 OR state = 'completed'",
                (effect, scope, key, text, digest, int(self.clock()), self._run_id),
            )
        )

    def once(self, effect: str, key: str, body: Any, *, scope: str = "", caused_at: float | None = None) -> bool:
        """Ask for an event that may happen one time ever, under a key that names it. False: it is already here.

        caused_at   when what it follows from came to be. Before the store was restored: it may have been sent then,
                    and we forgot; it is looked for first
        Errors  Conflict: the key is here with other content
        """
        text, digest = _packed(body)
        forgotten = caused_at is not None and caused_at <= self._restored_at()
        written = self.db.write(
            "INSERT INTO outbox (effect, scope, key, mode, body, body_hash, state, created_at, changed_at, run_id,"
            " sent_at, uncertain_since) VALUES (?1, ?2, ?3, 'once', ?4, ?5, iif(?8, 'processing', 'received'),"
            " ?6, ?6, ?7, iif(?8, ?6, NULL), iif(?8, ?6, NULL)) ON CONFLICT (effect, key) DO NOTHING",
            (effect, scope, key, text, digest, int(self.clock()), self._run_id, forgotten),
        )
        if not written and digest != self.db.value(
            "SELECT body_hash FROM outbox WHERE effect = ? AND key = ?", (effect, key)
        ):
            raise Conflict(f"outbox: {effect} {key}: is already there with other content; nothing was queued")
        return bool(written)

    def _restored_at(self) -> int:
        return int(self.db.value("SELECT value FROM counters WHERE name = 'restored_at'") or 0)

    # reading ------------------------------------------------------------------------------------

    def due(self, effect: str, *, scope: str | None = None) -> list[Message]:
        """The oldest messages that may be sent now, a page of them; of one scope only, when it is given."""
        return self._messages("state = 'received' AND next_at <= ?2", effect, self.clock(), scope=scope)

    def failed_keys(self, effect: str) -> set[str]:
        """Keys of messages that only a person brings back."""
        return {
            row["key"] for row in self.db.all("SELECT key FROM outbox WHERE effect = ? AND state = 'failed'", (effect,))
        }

    def every_due(self, effect: str) -> list[Message]:
        """All of them at once, for a plan."""
        return self._messages("state = 'received' AND next_at <= ?2", effect, self.clock(), limit=-1)

    def in_doubt(self, effect: str, *, scope: str | None = None) -> list[Message]:
        """All messages that were begun and whose end nobody wrote down."""
        return self._messages("state = 'processing' AND ?2", effect, 1, limit=-1, scope=scope)

    def next_due(self, effect: str, *, scope: str | None = None) -> int | None:
        """When the next waiting message of an effect may be sent (epoch seconds), None when none waits."""
        found = self.db.value(
            "SELECT min(next_at) FROM outbox WHERE effect = ?1 AND state = 'received' AND (?2 IS NULL OR scope = ?2)",
            (effect, scope),
        )
        return None if found is None else int(found)

    def is_fresh(self, effect: str, *, since: float, scope: str) -> bool:
        """Whether a message may be sent now that came, or whose wait ended, since then."""
        sql = (
            "SELECT 1 FROM outbox WHERE effect = ? AND scope = ? AND state = 'received' AND next_at <= ?"
            " AND max(next_at, created_at) >= ? LIMIT 1"
        )
        return self.db.value(sql, (effect, scope, self.clock(), int(since))) is not None

    def postpone(self, effect: str, until: float, *, scope: str | None = None) -> None:
        """No waiting message of an effect is due before then; of one scope only, when it is given."""
        self.db.write(
            "UPDATE outbox SET next_at = ?1 WHERE effect = ?2 AND state = 'received' AND next_at < ?1"
            " AND (?3 IS NULL OR scope = ?3)",
            (int(until), effect, scope),
        )

    def hasten(self, scope: str) -> int:
        """Messages of one scope that wait for their next try may be sent at once; gives back how many."""
        return self.db.write("UPDATE outbox SET next_at = 0 WHERE scope = ? AND state = 'received'", (scope,))

    def scopes(self, effect: str) -> list[str]:
        """The scopes in which a message of an effect has not ended."""
        rows = self.db.all(
            "SELECT DISTINCT scope FROM outbox WHERE effect = ? AND state IN ('received', 'processing') ORDER BY scope",
            (effect,),
        )
        return [row["scope"] for row in rows]

    def pending(self, effect: str, *, scope: str | None = None) -> int:
        """How many messages of an effect have not ended."""
        return int(
            self.db.value(
                "SELECT count(*) FROM outbox WHERE effect = ?1 AND state IN ('received', 'processing')"
                " AND (?2 IS NULL OR scope = ?2)",
                (effect, scope),
            )
        )

    def _messages(
        self, condition: str, effect: str, value: float, *, limit: int = _PAGE, scope: str | None = None
    ) -> list[Message]:
        rows = self.db.all(
            f"SELECT * FROM outbox WHERE effect = ?1 AND {condition} AND (?3 IS NULL OR scope = ?3)"  # noqa: S608
            " ORDER BY id LIMIT ?4",
            (effect, value, scope, limit),
        )
        return [
            Message(
                row["id"],
                row["effect"],
                row["key"],
                json.loads(row["body"]),
                row["body_hash"],
                row["attempts"],
                row["sent_at"] or 0,
                row["uncertain_since"],
            )
            for row in rows
        ]

    # before anything was sent ------------------------------------------------------------------------

    def withdraw(self, scope: str, reason: str) -> bool:
        """Give up all messages of a scope, if none of them was done, or perhaps done; otherwise none. Inside tx()."""
        rows = self.db.all("SELECT state, uncertain_since FROM outbox WHERE scope = ?", (scope,))
        if any(row["state"] not in ("received", "failed") or row["uncertain_since"] for row in rows):
            return False
        self.db.write(
            "UPDATE outbox SET state = 'failed', body = NULL, reason = ?, changed_at = ? WHERE scope = ?",
            (reason, int(self.clock()), scope),
        )
        return True

    def take_back(self, effect: str, key: str) -> bool:
        """Forget the newest state of a record that still waits, as if never asked for. False: it does not. In tx()."""
        sql = "DELETE FROM outbox WHERE effect = ? AND key = ? AND mode = 'latest' AND state = 'received'"
        return bool(self.db.write(sql, (effect, key)))

    def expire(self, effect: str, *, before: float, reason: str, scope: str | None = None) -> list[str]:
        """Messages that nobody touched since then are too old to be sent by themselves; gives back their keys."""
        rows = self.db.all(
            "UPDATE outbox SET state = 'failed', reason = ?1, changed_at = ?2 WHERE effect = ?3"
            " AND state = 'received' AND changed_at < ?4 AND (?5 IS NULL OR scope = ?5) RETURNING key",
            (reason, int(self.clock()), effect, before, scope),
        )
        return sorted(row["key"] for row in rows)

    # transitions: each names the state it leaves ---------------------------------------------------

    def begin(
        self, messages: Sequence[Message], *, prepare: Callable[[Message], None] = lambda message: None
    ) -> list[Message]:
        """received → processing, durably, before the first byte leaves; prepare is called in the same transaction.

        Gives back those that may leave: one that an operator dropped since it was read is not among them.
        """
        assignments = (
            "state = 'processing', attempts = attempts + 1, sent_at = :sent, uncertain_since = NULL, run_id = :run"
        )
        with self.db.tx():
            # Rounded up: a request never counts as older, and so as settled sooner, than it is.
            sent = math.ceil(self.clock())
            begun = [message for message in messages if self._moved(message, "received", assignments, sent=sent)]
            for message in begun:
                prepare(message)
            return begun

    def leaving(self, message: Message) -> None:
        """processing → processing: only now the first byte leaves; whatever is settled later is counted from here."""
        self._move(message, "processing", "sent_at = :sent, uncertain_since = NULL", sent=math.ceil(self.clock()))

    def complete(self, message: Message, remote_id: str | None) -> None:
        """processing → completed: key and receipt stay, the body goes; a newer body that came meanwhile waits."""
        self._move(
            message,
            "processing",
            "state = iif(body_hash = :hash, 'completed', 'received'), body = iif(body_hash = :hash, NULL, body),"
            " remote_id = :remote, reason = NULL, uncertain_since = NULL, completed_at = :now",
            hash=message.body_hash,
            remote=remote_id,
        )

    def put_back(self, message: Message, reason: str, *, attempts: int, next_at: float) -> None:
        """processing → received: it was certainly not done. A newer body that came meanwhile has had no attempt yet."""
        self._move(
            message,
            "processing",
            "state = 'received', attempts = iif(body_hash = :hash, :attempts, 0), next_at = :next, reason = :reason,"
            " uncertain_since = NULL",
            hash=message.body_hash,
            attempts=attempts,
            next=int(next_at),
            reason=reason,
        )

    def doubt(self, message: Message, reason: str) -> None:
        """processing → processing: nobody knows; from now on it is uncertain."""
        self._move(
            message,
            "processing",
            "uncertain_since = coalesce(uncertain_since, :now), reason = :reason",
            reason=reason,
        )

    def fail(self, message: Message, reason: str, *, doubted: bool = False) -> None:
        """processing → failed: only an operator brings it back. A newer body that came meanwhile waits for its turn.

        doubted   it may be there: brought back, it is looked for before it is sent
        """
        self._move(
            message,
            "processing",
            "state = iif(body_hash = :hash, 'failed', 'received'), reason = :reason,"
            " uncertain_since = iif(body_hash = :hash, coalesce(uncertain_since, iif(:doubted, :now, NULL)), NULL)",
            hash=message.body_hash,
            reason=reason,
            doubted=doubted,
        )

    def _move(self, message: Message, state: str, assignments: str, **values: Any) -> None:
        if not self._moved(message, state, assignments, **values):
            raise AssertionError(f"outbox row {message.id} is not {state} any more")

    def _moved(self, message: Message, state: str, assignments: str, **values: Any) -> bool:
        values |= {"id": message.id, "state": state, "now": int(self.clock()), "run": self._run_id}
        sql = f"UPDATE outbox SET {assignments}, changed_at = :now WHERE id = :id AND state = :state"  # noqa: S608
        return self.db.write(sql, values) == 1

    # the operator's side ----------------------------------------------------------------------------

    def listed(self, *, state: str | None = None, effect: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """Rows without their bodies, oldest trouble first. state is one of SHOWN."""
        rows = self.db.all(
            f"SELECT * FROM (SELECT id, effect, key, {SHOWN_STATE} AS state, attempts, reason, remote_id,"  # noqa: S608
            "  created_at, changed_at, next_at, uncertain_since FROM outbox x)"
            " WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR effect = ?2)"
            " ORDER BY CASE state WHEN 'failed' THEN 0 WHEN 'processing' THEN 1 WHEN 'received' THEN 2 ELSE 3 END, id"
            " LIMIT ?3",
            (state, effect, limit),
        )
        return [dict(row) for row in rows]

    def get(self, row_id: int) -> dict[str, Any]:
        """One row, with its body while it has one.

        Errors  NotFound
        """
        row = self.db.one("SELECT * FROM outbox WHERE id = ?", (row_id,))
        if row is None:
            raise NotFound(f"outbox: there is no message {row_id}", hint="integrator outbox list")
        return dict(row) | {
            "body": json.loads(row["body"]) if row["body"] else None,
            "body_hash": row["body_hash"].hex(),
        }

    def retry(self, row_id: int, *, looked: bool = False, afresh: bool = False) -> str:
        """failed → received, or a waiting one at once. Gives back the state it has now.

        One that failed out of a doubt goes back to processing: the next run looks there first, unless somebody looked.
        afresh   its doubt is as old as this word: a look that fails does not give it up at once
        Errors  NotFound; UsageError: it is completed, in doubt, or has no body any more
        """
        row = self.get(row_id)
        if row["state"] not in ("failed", "received") or row["body"] is None:
            raise UsageError(f"outbox: message {row_id} is {_why_not(row)}; it was left as it is")
        doubted = row["mode"] == "once" and row["uncertain_since"] is not None and not looked
        state = "processing" if doubted else "received"
        written = self.db.write(
            "UPDATE outbox SET state = ?1, attempts = 0, next_at = 0, changed_at = ?2,"
            " uncertain_since = iif(?1 = 'processing', iif(?5, ?2, uncertain_since), NULL)"
            " WHERE id = ?3 AND state = ?4 AND body IS NOT NULL",
            (state, int(self.clock()), row_id, row["state"], afresh),
        )
        _expect_one(written, row_id)
        return state

    def resolve(self, row_id: int, *, done: bool, reason: str, open_too: bool = False) -> None:
        """failed → completed, or failed with another reason: a person looked at the other side and says so.

        open_too   also processing: the caller knows that no run works on it
        Errors     NotFound; UsageError: it has not failed
        """
        row = self.get(row_id)
        if row["state"] != "failed" and not (open_too and row["state"] == "processing"):
            raise UsageError(f"outbox: message {row_id} is {_why_not(row)}; it was left as it is")
        written = self.db.write(
            "UPDATE outbox SET state = iif(?1, 'completed', 'failed'), body = iif(?1, NULL, body), reason = ?2,"
            " uncertain_since = NULL, changed_at = ?3, completed_at = iif(?1, ?3, NULL)"
            " WHERE id = ?4 AND state = ?5",
            (done, reason, int(self.clock()), row_id, row["state"]),
        )
        _expect_one(written, row_id)

    def give_up(self, row_id: int, reason: str) -> None:
        """received → failed, for a person does not want it; it keeps its body, so that it can be brought back.

        Errors  NotFound; UsageError: it does not wait
        """
        row = self.get(row_id)
        if row["state"] != "received":
            raise UsageError(f"outbox: message {row_id} is {_why_not(row)}; it was left as it is")
        written = self.db.write(
            "UPDATE outbox SET state = 'failed', reason = ?, changed_at = ? WHERE id = ? AND state = 'received'",
            (reason, int(self.clock()), row_id),
        )
        _expect_one(written, row_id)

    def drop(self, row_id: int) -> None:
        """failed or received → failed for good: the body goes, the key stays so that it cannot be queued twice.

        Of a record's newest state (latest) only this version is dropped: a later change asks for it anew.

        Errors  NotFound; UsageError: it is completed or in doubt
        """
        row = self.get(row_id)
        if row["state"] not in ("failed", "received"):
            raise UsageError(f"outbox: message {row_id} is {_why_not(row)}; it was left as it is")
        written = self.db.write(
            "UPDATE outbox SET state = 'failed', body = NULL, reason = 'dropped by an operator', changed_at = ?"
            " WHERE id = ? AND state = ?",
            (int(self.clock()), row_id, row["state"]),
        )
        _expect_one(written, row_id)


def _packed(body: Any) -> tuple[str, bytes]:
    from hashlib import blake2b  # brings OpenSSL: most starts queue nothing

    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text, blake2b(text.encode(), digest_size=16).digest()


def _expect_one(written: int, row_id: int) -> None:
    if written != 1:
        raise UsageError(f"outbox: message {row_id} was moved by a run at this moment; look again")


def _why_not(row: dict[str, Any]) -> str:
    if row["state"] == "processing":
        return "under way or in doubt: the next run looks there first"
    return "dropped" if row["body"] is None and row["state"] == "failed" else str(row["state"])
