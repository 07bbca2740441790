"""A store as it was when the backup was made, without any claim that the past cannot make of today."""

from integrator.database import Database
from integrator.domain.orderlines.order import EFFECT as ORDERLINE
from integrator.domain.portal import STATUS

_MAYBE_SENT = "restored from a backup: it may have been sent since"
_MAYBE_NEWER = "restored from a backup: a newer one may have been told since"


def doubt_what_waited(db: Database, at: int) -> None:
    """What may have happened since is looked for before it is done again. Call it inside a transaction.

    Runs that were under way (the one that made the backup is always among them) did not crash: nobody knows more.
    An event that may happen once and was not sent then may have been sent since: the next run looks before it sends.
    What had failed waits for a person still, who may have given it up since; brought back by hand, it is looked for
    first. restored_at lets later runs know which events may follow from what we have forgotten.
    """
    db.write(
        "UPDATE runs SET outcome = 'skipped', finished_at = started_at,"
        " error = 'was under way when the backup was made' WHERE finished_at IS NULL"
    )
    db.write(
        "UPDATE outbox SET state = 'processing', sent_at = ?1, uncertain_since = ?1, changed_at = ?1, reason = ?2"
        " WHERE mode = 'once' AND state = 'received'",
        (at, _MAYBE_SENT),
    )
    db.write(
        "UPDATE outbox SET sent_at = coalesce(sent_at, ?1), uncertain_since = ?1"
        " WHERE mode = 'once' AND state = 'failed' AND body IS NOT NULL",
        (at,),
    )
    _doubt_orderlines(db, at)
    # A newer status may have been told since: what stands there is looked at before any of these is told.
    db.write(
        "UPDATE outbox SET state = 'processing', attempts = 0, sent_at = ?1, uncertain_since = ?1,"
        " changed_at = ?1, reason = ?3"
        " WHERE effect = ?2 AND state IN ('received', 'processing', 'failed') AND body IS NOT NULL",
        (at, STATUS, _MAYBE_NEWER),
    )
    # What follows from them may have happened since, too.
    db.write(
        "INSERT INTO counters (name, value) VALUES ('restored_at', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1",
        (at,),
    )
    # What the site shows may have changed since: whether we took a post down is asked anew.
    db.write("UPDATE posts SET asked = 'draft' WHERE unpublished_at IS NOT NULL")


def _doubt_orderlines(db: Database, at: int) -> None:
    # A run may have gone on with it since; and that nobody looked while it lay in a backup gives up no doubt.
    db.write(
        "UPDATE outbox SET sent_at = ?1, uncertain_since = ?1, changed_at = ?1, reason = ?3"
        " WHERE effect = ?2 AND state = 'processing'",
        (at, ORDERLINE, _MAYBE_SENT),
    )
    db.write(
        "UPDATE orderlines SET phase = NULL, lease_owner = NULL, lease_until = NULL"
        " WHERE phase IN ('claimed', 'looked')"
    )
