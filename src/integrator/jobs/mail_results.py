"""What became of mails: read back from the provider's events, which come late and in any order."""

from typing import TYPE_CHECKING

from integrator.domain.mails import Results
from integrator.store.mails import BAD, Mails

if TYPE_CHECKING:
    from integrator.runtime.run import Run

_EVERY_S = 600
_LATE_S = 1_800  # an event may come so late: what was read once is read again
_KEPT_S = 3 * 86_400  # the provider keeps events at least so long


def is_due(run: "Run") -> bool:
    """Whether there is a mail to hear of, and the last time is some minutes ago.

    A mail that was delivered is one of them: a complaint, and some bounces, come later.
    """
    now = run.clock()
    return not 0 <= now - Mails(run.db).read_until() < _EVERY_S and Mails(run.db).any_since(int(now - _KEPT_S))


def read_results(run: "Run", events: Results) -> None:
    """Write down what became of our mails; bad news is an item of this run.

    Errors  Unavailable, Refused, BadAnswer: nothing was written
    """
    now = run.clock()
    since = max(min(Mails(run.db).read_until(), now) - _LATE_S, now - _KEPT_S)
    found = list(events(since, now))
    mails = Mails(run.db)
    with run.db.tx():
        for message_id, result, code, at in found:
            if result is None or (key := mails.ended(message_id, result, code, at=int(at))) is None:
                continue
            run.count(**{f"mails.{result}": 1})
            if result in BAD:
                run.set_aside(f"mail {key}", f"did not arrive: {result} ({code or 'no code'}); integrator mail list")
        mails.keep_read_until(int(now))
