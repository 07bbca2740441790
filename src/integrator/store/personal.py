"""The register of personal data: every place where somebody's data may lie, why, how long, and how it goes.

Each column of the store is named here or in PLAIN; a test fails for one that is in neither.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Personal:
    """One place. Shape  where "courses.trainers" (table.column), or a path pattern below the home folder."""

    where: str
    category: str
    purpose: str
    retention: str
    erasure: str


REGISTER = (
    Personal(
        "courses.trainers",
        "trainers: initials, name, e-mail address",
        "sending trainers the list of their participants",
        "as long as the source names them; replaced at every import",
        "the next import overwrites the column; secure_delete overwrites the page",
    ),
    Personal(
        "outbox.body",
        "whatever facts an effect carries until it is delivered (course posts carry none)",
        "delivering the effect exactly once",
        "until it is completed or dropped",
        "set to NULL in the completing transaction; integrator outbox drop",
    ),
    Personal(
        "var/spool/maconomy-*.json",
        "trainers, as the source sent them in the last good and the last bad list answer",
        "answering what the source said",
        "one of each kind: the next answer replaces it",
        "delete the file; nothing depends on it",
    ),
    Personal(
        "var/spool/dry-run-*",
        "a copy of the store, and the list answers of a dry run",
        "showing what a run would do without doing it",
        "until the dry run ends; what a killed one left, for a day",
        "the dry run deletes it; after a day the next start of any job does",
    ),
    Personal(
        "var/spool/replay-*",
        "a copy of the store, and the answers of a recording, whose people are invented",
        "playing a recorded run again",
        "until the replay ends; what a killed one left, for a day",
        "the replay deletes it; after a day the next start of any job does",
    ),
    Personal(
        "var/backups/*.db",
        "everything the store holds",
        "restoring the store",
        "[retention] backups_days",
        "store backup deletes what is older",
    ),
    Personal(
        "var/integrator.db.replaced-*",
        "everything the store held that a restore replaced",
        "taking a restore back",
        "[retention] backups_days",
        "store backup deletes what is older",
    ),
)

# Keys, counts, codes, times and course facts: nobody's data. changes.fields holds no values of personal fields.
PLAIN = {
    "runs": {"id", "job", "boot_id", "pid", "version", "started_at", "finished_at", "outcome", "exit_code", "counts"}
    | {"error", "cpu_ms", "checked"},
    "outbox": {"id", "effect", "scope", "key", "mode", "body_hash", "state", "attempts", "sent_at", "uncertain_since"}
    | {"next_at", "remote_id", "reason", "created_at", "changed_at", "completed_at", "run_id"},
    "main_courses": {"id", "title", "subtitle", "description_html", "language", "duration_days", "price_minor"}
    | {"currency", "category", "active", "updated_at", "fingerprint", "first_seen_at", "changed_at"}
    | {"missing_since", "missing_runs"},
    "courses": {"id", "main_id", "title", "language", "start", "end", "days", "venue", "price_minor", "currency"}
    | {"seats_total", "seats_taken", "seats_free", "seats_min", "status", "updated_at", "fingerprint"}
    | {"first_seen_at", "changed_at", "missing_since", "missing_runs"},
    "sources": {"name", "mapping", "answer", "records", "changed_at"},
    "set_aside": {"kind", "key", "code", "reason", "first_at", "run_id"},
    "changes": {"id", "kind", "key", "at", "run_id", "fields"},
    "posts": {"kind", "key", "post_id", "cleaned", "asked", "unpublished_at", "changed_at"},
}
