"""What became of mails: read back from the provider's events, which come late and in any order."""

from typing import TYPE_CHECKING, Any

from integrator.domain.mails import Results
from integrator.store.mails import BAD, Mails

if TYPE_CHECKING:
    from integrator.runtime.run import Run

_BOOKMARK = "mail events"
_EVERY_S = 600
_LATE_S = 1_800  # an event may come so late: what was read once is read again
_KEPT_S = 3 * 86_400  # the provider keeps events at least so long


def is_due(run: "Run") -> bool:
    """Whether there is a mail to hear of, and the last time is some minutes ago.

    A mail that was delivered is one of them: a complaint, and some bounces, come later.
    """
    now = run.clock()
    return not 0 <= now - _read_until(run) < _EVERY_S and Mails(run.db).any_since(int(now - _KEPT_S))


def read_results(run: "Run", events: Results) -> None:
    """Write down what became of our mails; bad news is an item of this run.

    Errors  Unavailable, Refused, BadAnswer: nothing was written
    """
    now = run.clock()
    since = max(min(_read_until(run), now) - _LATE_S, now - _KEPT_S)
    found = list(events(since, now))
    mails = Mails(run.db)
    with run.db.tx():
        for message_id, result, code, at in found:
            if result is None or (key := mails.ended(message_id, result, code, at=int(at))) is None:
                continue
            run.count(**{f"mails.{result}": 1})
            if result in BAD:
                run.set_aside(f"mail {key}", f"did not arrive: {result} ({code or 'no code'}); integrator mail list")
        _keep_bookmark(run, int(now))


def _read_until(run: "Run") -> int:
    found: Any = run.db.value("SELECT value FROM counters WHERE name = ?", (_BOOKMARK,))
    return int(found or 0)


def _keep_bookmark(run: "Run", at: int) -> None:
    run.db.write(
        "INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
        (_BOOKMARK, at),
    )
