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


_PARTICIPANTS = "[retention] participants_days after the end of the class"
_ORDERS = "[retention] orders_days after the order was completed and its class was over, whole years as calendar years"
_REPLACED = (
    "gdpr-cleanup and gdpr erase put a random token in its place; then VACUUM, then a search of the file's bytes"
)
_NULL = "gdpr-cleanup and gdpr erase set it to NULL; then VACUUM, then a search of the file's bytes"
_DELETED = "gdpr-cleanup deletes the order"
_WITH_BOOKING = "gdpr-cleanup deletes the order, and the booking with it"

REGISTER = (
    Personal(
        "courses.trainers",
        "trainers: initials, name, e-mail address",
        "sending trainers the list of their participants",
        "as long as the source lists the class, replaced at every import; of a class that it lists no more [retention]"
        " participants_days after its end",
        "the next import, gdpr-cleanup and gdpr erase overwrite the column; then VACUUM, then a search of the bytes",
    ),
    Personal(
        "outbox.body",
        "what an effect carries until it is delivered: a registration (participant, customer, comment), a mail"
        " (whom it is for, participants), a list of a class's participants, an orderline (the number of a case), what"
        " became of a booking's student, the name of their paper; course posts and classes carry nobody",
        "delivering the effect exactly once",
        "until it is completed or dropped; a failed one as long as its participants, a list's [retention]"
        " participants_days after its day, also when it was never sent, an orderline's [retention] orderlines_days",
        "set to NULL in the completing transaction, by integrator outbox drop, by gdpr-cleanup and gdpr erase",
    ),
    *(
        Personal(
            f"participants.{column}",
            category,
            "registering the participant in Maconomy, and writing to them",
            _PARTICIPANTS,
            _REPLACED if column in ("first_name", "last_name", "email") else _NULL,
        )
        for column, category in (
            ("first_name", "participants: name"),
            ("last_name", "participants: name"),
            ("email", "participants: e-mail address"),
            ("phone", "participants: phone number"),
            ("job_title", "participants: job title"),
            ("comment", "participants: free text, which can hold data on health, such as allergies or a wheelchair"),
        )
    ),
    *(
        Personal(f"orders.{column}", category, "confirming the order, and asking about it", _PARTICIPANTS, _NULL)
        for column, category in (
            ("customer_email", "customers: e-mail address"),
            ("customer_phone", "customers: phone number"),
            ("attention", "customers: name of the contact for the invoice"),
            ("form_hash", "a digest of the form with all its people: tells whether the same form came again"),
        )
    ),
    Personal(
        "orders.customer_name",
        "customers: name of the contact in a company, of who enrolled a reseller's student, or of a private buyer",
        "confirming the order; of a private buyer also bookkeeping",
        "in a company, and where a reseller sold the seat, [retention] participants_days after the class; of a private"
        " buyer orders_days after the order",
        "gdpr-cleanup and gdpr erase set it to NULL when a company or a reseller is the buyer; else the order is"
        " deleted",
    ),
    Personal(
        "orders.request_key",
        "a digest of a caller's own key; of a reseller's booking one of its request, the student among it",
        "answering the same request the same way",
        f"of a booking {_PARTICIPANTS}; else as the order",
        "of a booking gdpr-cleanup and gdpr erase put a random token in its place; else the order is deleted",
    ),
    *(
        Personal(f"orders.{column}", category, "bookkeeping: who bought what", _ORDERS, _DELETED)
        for column, category in (
            ("company_name", "the buyer: a company, which can bear its owner's name"),
            ("company_cvr", "the buyer: registration number, which can be a single owner's"),
            ("company_address", "the buyer: address, which can be somebody's home"),
            ("company_zip", "the buyer: address"),
            ("company_city", "the buyer: address"),
            ("company_country", "the buyer: address"),
            ("company_ean", "the buyer: where electronic invoices go"),
            ("purchase_order", "the buyer's own reference, free text"),
        )
    ),
    Personal(
        "orders.hold_reason",
        "why an order is kept, in an operator's words; names and numbers of the order's people are refused",
        "legal hold",
        "as long as the hold",
        "gdpr unhold sets it to NULL",
    ),
    *(
        Personal(
            f"orderlines.{column}",
            category,
            "putting the line on the case once, and telling what became of it",
            "[retention] orderlines_days after it came, or after it ended when that is later",
            "gdpr-cleanup deletes the orderline with its events and messages; one that has not ended stays",
        )
        for column, category in (
            (
                "case_id",
                "a workshop's customers: the number of a case, which leads to one in the workshop's own system",
            ),
            ("line_ref", "a workshop's customers: the number of a line on that case"),
            ("baseline", "a workshop's customers: numbers of lines that were on that case"),
        )
    ),
    Personal(
        "orderline_events.detail",
        "what was seen on the way: pages, fields and numbers; an operator's note on how they settled it, free text",
        "finding out what happened to an orderline",
        "[retention] orderlines_days, as the orderline",
        "gdpr-cleanup deletes the orderline with its events; gdpr erase names the orderline, and a person looks",
    ),
    *(
        Personal(f"bookings.{column}", category, purpose, _PARTICIPANTS, _NULL)
        for column, category, purpose in (
            (
                "request_hash",
                "a digest of what a reseller asked a seat with, the student among it",
                "answering the same request the same way",
            ),
            ("birth_date", "students: date of birth", "the certificate"),
        )
    ),
    *(
        Personal(
            f"bookings.{column}",
            category,
            "telling the reseller what became of the booking",
            _ORDERS,
            _WITH_BOOKING,
        )
        for column, category in (
            ("reference", "the booking's number at the reseller, which knows the student by it"),
            ("portal_reference", "the reseller's own number of the booking"),
            ("enrollment_status", "whether the student came and passed, as the reseller says"),
        )
    ),
    *(
        Personal(
            f"booking_statuses.{column}",
            category,
            "telling the reseller what became of the student",
            _ORDERS,
            _WITH_BOOKING,
        )
        for column, category in (
            ("status", "students: whether they came and passed"),
            ("completed_on", "students: when they passed"),
        )
    ),
    Personal(
        "booking_documents.name",
        "the name of a certificate's file, which can be the student's",
        "giving the student the certificate by way of the reseller",
        _PARTICIPANTS,
        "gdpr-cleanup and gdpr erase delete the row; then VACUUM, then a search of the file's bytes",
    ),
    Personal(
        "documents/*",
        "certificates and other papers of students, put there by an operator, by booking reference",
        "giving them to the students by way of the reseller",
        "[retention] participants_days after the class; what belongs to no booking until its operator deletes it",
        "gdpr-cleanup and gdpr erase delete the files of bookings whose student they erase; gdpr-cleanup counts"
        " those of no booking in every report",
    ),
    Personal(
        "var/documents/*",
        "the same papers on their way, and certificates that were made",
        "uploading each of them exactly once",
        "until it is uploaded; of what failed, as its participant",
        "update-booking-status deletes it once it is there; gdpr-cleanup and gdpr erase with its student",
    ),
    Personal(
        "var/gateway.db",
        "keyed hashes of addresses that called, with numbers of calls; of signatures, with references of bookings",
        "limiting how much one caller can ask; answering a signed request twice the same",
        "an hour",
        "the gateway deletes them as it goes; delete the file at any time",
    ),
    Personal(
        "var/spool/orderlines/*",
        "orderlines as files: cases of a workshop's customers; the login that may stand in them is taken out",
        "taking orderlines in; done/ and rejected/ tell what came",
        "an incoming file until the next push-orderline; done/ and rejected/ [retention] evidence_days",
        "gdpr-cleanup deletes the files",
    ),
    Personal(
        "var/spool/browser-*",
        "a browser's own files: pages of a workshop's system that it has shown, with its customers",
        "working in the workshop's system",
        "until the run ends; what a killed one left, until the next push-orderline",
        "the run deletes it; else the next push-orderline",
    ),
    Personal(
        "var/status/*.jsonl",
        "ids of orderlines and what became of them: nobody's data without the workshop's own system",
        "telling OilMat",
        "as its orderlines",
        "rewritten after every run that changed anything; gdpr-cleanup takes out what the store does not have any more",
    ),
    Personal(
        "erasures.actor",
        "the operator who erased: their user name on this machine",
        "accounting for what was erased",
        "as long as the store",
        "none: it is the record of who did it",
    ),
    Personal(
        "erasures.subject",
        "a keyed hash of the address, number or name of whoever asked to be erased",
        "accounting for what was erased",
        "as long as the store",
        "none: without var/erasures.key it tells nothing",
    ),
    Personal(
        "var/erasures",
        "numbers of orders, and keyed hashes of whoever asked to be erased; no names",
        "erasing them again after a restore",
        "as long as there are backups; it is small and is kept",
        "none: without it whoever was erased comes back with a backup",
    ),
    Personal(
        "var/erasures.key",
        "the key of those hashes: nobody's data, but what gives them a meaning",
        "erasing somebody again after a restore",
        "as long as var/erasures",
        "none",
    ),
    Personal(
        "var/evidence/*",
        "what jobs keep to show what they saw: pages and pictures of other systems, people on them among it",
        "finding out why a step failed",
        "[retention] evidence_days",
        "gdpr-cleanup deletes the files, and folders that are empty then",
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
        "until the dry run ends; what a killed one left, until the next start of any job",
        "the dry run deletes it; else the next start of any job, or gdpr erase",
    ),
    Personal(
        "var/spool/replay-*",
        "a copy of the store, and the answers of a recording, whose people are invented",
        "playing a recorded run again",
        "until the replay ends; what a killed one left, until the next start of any job",
        "the replay deletes it; else the next start of any job, or gdpr erase",
    ),
    Personal(
        "var/backups/*.db",
        "everything the store holds",
        "restoring the store",
        "[retention] backups_days; the newest three stay, and what is past its time is erased inside them",
        "store backup and gdpr-cleanup delete what is older; gdpr-cleanup and gdpr erase rewrite the others",
    ),
    Personal(
        "var/backups/.*.partial*",
        "everything the store holds: a backup that is being made or rewritten, with its journal",
        "a backup is whole or absent",
        "while it is written; what a killed run left, until the next gdpr-cleanup",
        "gdpr-cleanup and gdpr erase delete it; store backup after a day",
    ),
    Personal(
        "var/.integrator.db.restored*",
        "everything the store holds: a copy that is about to be the store, with its journal",
        "a restore is done or not begun",
        "while a restore runs; what a killed one left, until the next gdpr-cleanup",
        "gdpr-cleanup, gdpr erase and the next restore delete it",
    ),
    Personal(
        "./gdpr-export-*.json",
        "all that is held about one person",
        "handing it to them",
        "until its operator deletes it",
        "by hand; gdpr-cleanup counts them in every report",
    ),
    Personal(
        "./*.eml",
        "a mail to a person, as mail preview shows it; also where its operator said",
        "looking at a mail before it goes out",
        "until its operator deletes it",
        "by hand; gdpr-cleanup counts them in every report",
    ),
    Personal(
        "var/integrator.db.replaced-*",
        "everything the store held that a restore replaced",
        "taking a restore back",
        "[retention] backups_days",
        "store backup and gdpr-cleanup delete what is older; gdpr-cleanup and gdpr erase rewrite the others",
    ),
)

# Keys, counts, codes, times and course facts: nobody's data. changes.fields holds no values of personal fields.
PLAIN = {
    "runs": {
        "id",
        "job",
        "scope",
        "boot_id",
        "pid",
        "version",
        "started_at",
        "finished_at",
        "outcome",
        "exit_code",
        "counts",
    }
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
    "orders": {"id", "class_id", "class", "seats_asked", "seats", "state", "reserved_at", "expires_at"}
    | {"completed_at", "changed_at", "accepted_terms_at", "hold_since", "anonymised_at", "channel"},
    "participants": {"order_id", "number", "reference", "registered_no", "registered_at", "anonymised_at"},
    "mails": {"key", "message_id", "queued_at", "result", "code", "result_at", "seen_at"},
    "participant_lists": {"class_id", "day", "recipient", "version", "fingerprint", "queued_at"},
    "erasures": {"id", "at", "run_id", "rule", "counts"},
    "counters": {"name", "value"},
    "orderlines": {"id", "workshop", "unique_id", "product_nr", "product_amount", "source", "credentials"}
    | {"received_at", "bad_reason", "phase", "phase_at", "arms", "armed_at", "confidence", "reason_code"}
    | {"reason_times", "evidence", "lease_owner", "lease_until", "archived_at", "told", "untold", "changed_at"},
    "orderline_events": {"id", "orderline_id", "at", "run_id", "what"},
    "bookings": {"order_id", "class_id", "requested_at", "state", "looks", "next_look_at", "confirmed_at"}
    | {"cancelled_at", "task", "changed_at", "anonymised_at"},
    "booking_statuses": {"reference", "version", "told_version", "source", "maconomy_seen", "set_at", "told_at"},
    "booking_documents": {"id", "reference", "sha256", "kind", "size", "queued_at", "uploaded_at"},
    "published_classes": {"class_id", "course_id", "state", "facts", "cancelled_at", "changed_at"},
    "workshops": {"id", "active", "blocked_code", "blocked_at", "paused_until", "silent_in_row", "layout_key"}
    | {"login_at", "done_at", "cursor", "rejected", "reused", "changed_at"},
}
