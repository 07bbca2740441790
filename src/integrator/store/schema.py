"""The tables, as numbered steps. A step that has been shared is never edited: add another one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite_utils


def m001_runs(db: "sqlite_utils.Database") -> None:
    """Run history and the outbox: what runtime/ needs, without a business word."""
    db.execute("""
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY,
            job TEXT NOT NULL,
            boot_id TEXT NOT NULL,
            pid INTEGER NOT NULL,
            version TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            finished_at INTEGER,
            outcome TEXT NOT NULL
                CHECK (outcome IN ('running', 'done', 'partial', 'stopped', 'later', 'skipped', 'failed', 'crashed')),
            exit_code INTEGER,
            counts TEXT NOT NULL DEFAULT '{}',
            error TEXT,
            cpu_ms INTEGER,
            checked TEXT CHECK (checked IN ('quick', 'full'))
        ) STRICT""")
    db.execute("CREATE INDEX runs_by_job ON runs (job, finished_at)")
    db.execute("""
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY,
            effect TEXT NOT NULL,
            scope TEXT NOT NULL DEFAULT '',
            key TEXT NOT NULL,
            mode TEXT NOT NULL CHECK (mode IN ('latest', 'once')),
            body TEXT,
            body_hash BLOB NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('received', 'processing', 'completed', 'failed', 'bad request')),
            attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
            sent_at INTEGER,
            uncertain_since INTEGER,
            next_at INTEGER NOT NULL DEFAULT 0,
            remote_id TEXT,
            reason TEXT,
            created_at INTEGER NOT NULL,
            changed_at INTEGER NOT NULL,
            completed_at INTEGER,
            run_id INTEGER,
            UNIQUE (effect, key),
            CHECK (state <> 'processing' OR sent_at IS NOT NULL),
            CHECK (state NOT IN ('received', 'processing') OR body IS NOT NULL)
        ) STRICT""")
    db.execute("CREATE INDEX outbox_open ON outbox (effect, state, id) WHERE state IN ('received', 'processing')")


def m002_courses(db: "sqlite_utils.Database") -> None:
    """The catalogue as the source has it now, what we could not read of it, and what changed when."""
    common = """
            fingerprint BLOB NOT NULL,
            first_seen_at INTEGER NOT NULL,
            changed_at INTEGER NOT NULL,
            missing_since INTEGER,
            missing_runs INTEGER NOT NULL DEFAULT 0 CHECK (missing_runs >= 0)"""
    db.execute(f"""
        CREATE TABLE main_courses (
            id TEXT PRIMARY KEY,
            title TEXT NOT NULL,
            subtitle TEXT,
            description_html TEXT,
            language TEXT,
            duration_days INTEGER,
            price_minor INTEGER,
            currency TEXT,
            category TEXT,
            active INTEGER NOT NULL CHECK (active IN (0, 1)),
            updated_at TEXT,{common}
        ) STRICT""")
    db.execute(f"""
        CREATE TABLE courses (
            id TEXT PRIMARY KEY,
            main_id TEXT NOT NULL,
            title TEXT NOT NULL,
            language TEXT,
            start TEXT,
            "end" TEXT,
            days TEXT NOT NULL,
            venue TEXT,
            price_minor INTEGER,
            currency TEXT,
            seats_total INTEGER,
            seats_taken INTEGER,
            seats_free INTEGER,
            seats_min INTEGER,
            status TEXT NOT NULL CHECK
                (status IN ('planned', 'open', 'full', 'waitlist', 'closed', 'cancelled', 'held', 'unknown')),
            trainers TEXT NOT NULL,
            updated_at TEXT,{common}
        ) STRICT""")
    db.execute("CREATE INDEX courses_by_main ON courses (main_id)")
    db.execute("""
        CREATE TABLE sources (
            name TEXT PRIMARY KEY,
            mapping BLOB NOT NULL,
            answer BLOB NOT NULL,
            records INTEGER NOT NULL,
            changed_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""")
    db.execute("""
        CREATE TABLE set_aside (
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            code TEXT NOT NULL,
            reason TEXT NOT NULL,
            first_at INTEGER NOT NULL,
            run_id INTEGER NOT NULL,
            PRIMARY KEY (kind, key)
        ) STRICT, WITHOUT ROWID""")
    db.execute("""
        CREATE TABLE changes (
            id INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            at INTEGER NOT NULL,
            run_id INTEGER NOT NULL,
            fields TEXT NOT NULL
        ) STRICT""")
    db.execute("CREATE INDEX changes_by_record ON changes (kind, key)")


def m003_posts(db: "sqlite_utils.Database") -> None:
    """Which post on the site shows which record, and what only we can remember about it."""
    db.execute("""
        CREATE TABLE posts (
            kind TEXT NOT NULL CHECK (kind IN ('main_course', 'course')),
            key TEXT NOT NULL,
            post_id INTEGER,
            cleaned TEXT NOT NULL DEFAULT '{}',
            asked TEXT CHECK (asked IN ('draft', 'publish')),
            unpublished_at INTEGER,
            changed_at INTEGER NOT NULL,
            PRIMARY KEY (kind, key)
        ) STRICT""")


def m004_orders(db: "sqlite_utils.Database") -> None:
    """Orders with their participants, what became of their mails, and what was erased of them."""
    db.execute("""
        CREATE TABLE orders (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            request_key TEXT NOT NULL UNIQUE,
            class_id TEXT NOT NULL,
            class TEXT NOT NULL,
            seats_asked INTEGER NOT NULL CHECK (seats_asked BETWEEN 1 AND 40),
            seats INTEGER NOT NULL CHECK (seats BETWEEN 1 AND 40),
            state TEXT NOT NULL CHECK (state IN ('reserved', 'complete', 'released', 'cancelled')),
            reserved_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            completed_at INTEGER,
            changed_at INTEGER NOT NULL,
            form_hash BLOB,
            customer_name TEXT,
            customer_email TEXT,
            customer_phone TEXT,
            company_name TEXT,
            company_cvr TEXT,
            company_address TEXT,
            company_zip TEXT,
            company_city TEXT,
            company_country TEXT,
            company_ean TEXT,
            purchase_order TEXT,
            attention TEXT,
            accepted_terms_at TEXT,
            hold_reason TEXT,
            hold_since INTEGER,
            anonymised_at INTEGER,
            CHECK ((state = 'complete') = (completed_at IS NOT NULL)),
            CHECK ((hold_reason IS NULL) = (hold_since IS NULL))
        ) STRICT""")
    db.execute("CREATE INDEX orders_by_class ON orders (class_id, state)")
    db.execute("CREATE INDEX orders_reserved ON orders (expires_at) WHERE state = 'reserved'")
    # Numbers begin beyond those that are typed in examples, and are never used again.
    db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('orders', 10000)")
    db.execute("""
        CREATE TABLE participants (
            order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
            number INTEGER NOT NULL CHECK (number BETWEEN 1 AND 40),
            reference TEXT NOT NULL UNIQUE,
            first_name TEXT NOT NULL,
            last_name TEXT NOT NULL,
            email TEXT NOT NULL,
            phone TEXT,
            job_title TEXT,
            comment TEXT,
            registered_no INTEGER,
            registered_at INTEGER,
            anonymised_at INTEGER,
            PRIMARY KEY (order_id, number)
        ) STRICT""")
    db.execute("""
        CREATE TABLE mails (
            key TEXT PRIMARY KEY,
            message_id TEXT NOT NULL,
            queued_at INTEGER NOT NULL,
            result TEXT CHECK (result IN ('delivered', 'failed', 'rejected', 'complained')),
            code TEXT,
            result_at INTEGER,
            seen_at INTEGER
        ) STRICT""")
    db.execute("CREATE INDEX mails_by_message ON mails (message_id)")
    db.execute("""
        CREATE TABLE participant_lists (
            class_id TEXT NOT NULL,
            day TEXT NOT NULL,
            recipient TEXT NOT NULL,
            version INTEGER NOT NULL,
            fingerprint TEXT NOT NULL,
            queued_at INTEGER NOT NULL,
            PRIMARY KEY (class_id, day, recipient)
        ) STRICT""")
    db.execute("""
        CREATE TABLE erasures (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            run_id INTEGER,
            actor TEXT NOT NULL,
            rule TEXT NOT NULL,
            subject TEXT,
            counts TEXT NOT NULL
        ) STRICT""")
    db.execute("CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT")
    db.execute("INSERT INTO counters (name, value) VALUES ('registrations', 0)")
    db.execute("CREATE INDEX outbox_by_scope ON outbox (scope) WHERE scope <> ''")


def m005_orderlines(db: "sqlite_utils.Database") -> None:
    """Orderlines on their way to a workshop's ERP, and how the workshops stand; runs of a part of a job."""
    db.execute("ALTER TABLE runs ADD COLUMN scope TEXT NOT NULL DEFAULT ''")
    # How far an orderline is stands in the outbox; here stands what it is, and what looking at its case needs.
    db.execute("""
        CREATE TABLE orderlines (
            id INTEGER PRIMARY KEY,
            workshop TEXT NOT NULL,
            unique_id TEXT NOT NULL,
            case_id TEXT,
            product_nr TEXT,
            product_amount TEXT,
            source TEXT NOT NULL CHECK (source IN ('command', 'spool', 'pull', 'http')),
            credentials INTEGER NOT NULL CHECK (credentials IN (0, 1)),
            received_at INTEGER NOT NULL,
            bad_reason TEXT,
            phase TEXT CHECK (phase IN ('claimed', 'looked', 'armed', 'half', 'verified', 'doubt')),
            phase_at INTEGER,
            arms INTEGER NOT NULL DEFAULT 0 CHECK (arms >= 0),
            armed_at INTEGER,
            baseline TEXT,
            line_ref TEXT,
            confidence TEXT CHECK (confidence IN ('marker', 'by count', 'a person')),
            reason_code TEXT,
            reason_times INTEGER NOT NULL DEFAULT 0,
            evidence TEXT,
            lease_owner TEXT,
            lease_until INTEGER,
            archived_at INTEGER,
            told TEXT,
            untold INTEGER NOT NULL DEFAULT 1 CHECK (untold IN (0, 1)),
            changed_at INTEGER NOT NULL,
            UNIQUE (workshop, unique_id),
            CHECK (bad_reason IS NOT NULL
                OR (case_id IS NOT NULL AND product_nr IS NOT NULL AND product_amount IS NOT NULL)),
            CHECK (phase NOT IN ('armed', 'half') OR baseline IS NOT NULL)
        ) STRICT""")
    db.execute("CREATE INDEX orderlines_by_case ON orderlines (workshop, case_id)")
    db.execute("CREATE INDEX orderlines_untold ON orderlines (workshop) WHERE untold = 1")
    db.execute("""
        CREATE TABLE orderline_events (
            id INTEGER PRIMARY KEY,
            orderline_id INTEGER NOT NULL REFERENCES orderlines (id) ON DELETE CASCADE,
            at INTEGER NOT NULL,
            run_id INTEGER,
            what TEXT NOT NULL,
            detail TEXT
        ) STRICT""")
    db.execute("CREATE INDEX orderline_events_by_orderline ON orderline_events (orderline_id)")
    db.execute("""
        CREATE TABLE workshops (
            id TEXT PRIMARY KEY,
            active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
            blocked_code TEXT,
            blocked_at INTEGER,
            paused_until INTEGER NOT NULL DEFAULT 0,
            silent_in_row INTEGER NOT NULL DEFAULT 0,
            layout_key TEXT,
            login_at INTEGER,
            done_at INTEGER,
            cursor TEXT,
            rejected INTEGER NOT NULL DEFAULT 0,
            reused INTEGER NOT NULL DEFAULT 0,
            changed_at INTEGER NOT NULL,
            CHECK ((blocked_code IS NULL) = (blocked_at IS NULL))
        ) STRICT""")


def m006_bookings(db: "sqlite_utils.Database") -> None:
    """Seats that a reseller has sold: bookings, what became of their students, and classes as it was told of them."""
    db.execute(
        "ALTER TABLE orders ADD COLUMN channel TEXT NOT NULL DEFAULT 'own' CHECK (channel IN ('own', 'trainingportal'))"
    )
    # A booking is an order of one seat: who takes it, who pays, what they ask for stand there, as of every order.
    db.execute("""
        CREATE TABLE bookings (
            reference TEXT PRIMARY KEY,
            order_id INTEGER NOT NULL UNIQUE REFERENCES orders (id) ON DELETE CASCADE,
            class_id TEXT NOT NULL,
            request_hash BLOB,
            requested_at INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('reserved', 'confirmed', 'unseen', 'cancelled')),
            looks INTEGER NOT NULL DEFAULT 0 CHECK (looks >= 0),
            next_look_at INTEGER,
            portal_reference TEXT,
            enrollment_status TEXT,
            birth_date TEXT,
            confirmed_at INTEGER,
            cancelled_at INTEGER,
            task TEXT CHECK (task IN ('cancel_in_maconomy', 'unseen', 'unclear', 'lost_seat')),
            changed_at INTEGER NOT NULL,
            anonymised_at INTEGER,
            CHECK ((state = 'reserved') = (next_look_at IS NOT NULL))
        ) STRICT""")
    db.execute("CREATE INDEX bookings_by_request ON bookings (request_hash) WHERE request_hash IS NOT NULL")
    db.execute("CREATE INDEX bookings_to_look_for ON bookings (next_look_at) WHERE next_look_at IS NOT NULL")
    db.execute("CREATE INDEX bookings_with_task ON bookings (task) WHERE task IS NOT NULL")
    db.execute("""
        CREATE TABLE booking_statuses (
            reference TEXT PRIMARY KEY REFERENCES bookings (reference) ON DELETE CASCADE,
            status TEXT NOT NULL CHECK (status IN ('NEW', 'NO_SHOW', 'FAILED', 'COMPLETED')),
            completed_on TEXT,
            version INTEGER NOT NULL CHECK (version >= 1),
            told_version INTEGER NOT NULL DEFAULT 0,
            source TEXT NOT NULL CHECK (source IN ('command', 'import', 'maconomy')),
            maconomy_seen TEXT,
            set_at INTEGER NOT NULL,
            told_at INTEGER,
            CHECK ((status = 'COMPLETED') = (completed_on IS NOT NULL))
        ) STRICT""")
    db.execute("""
        CREATE TABLE booking_documents (
            id INTEGER PRIMARY KEY,
            reference TEXT NOT NULL REFERENCES bookings (reference) ON DELETE CASCADE,
            sha256 TEXT NOT NULL,
            name TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('file', 'certificate')),
            size INTEGER NOT NULL,
            queued_at INTEGER NOT NULL,
            uploaded_at INTEGER,
            UNIQUE (reference, sha256)
        ) STRICT""")
    db.execute("""
        CREATE TABLE published_classes (
            class_id TEXT PRIMARY KEY,
            course_id TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('published', 'cancelled')),
            facts TEXT,
            cancelled_at INTEGER,
            changed_at INTEGER NOT NULL
        ) STRICT""")


def m007_orderlines_by_change(db: "sqlite_utils.Database") -> None:
    """When an orderline of a workshop changed last is asked every minute: without reading all of them."""
    db.execute("CREATE INDEX orderlines_by_change ON orderlines (workshop, changed_at)")


STEPS: tuple[Callable[["sqlite_utils.Database"], None], ...] = (
    *(m001_runs, m002_courses, m003_posts, m004_orders),
    *(m005_orderlines, m006_bookings, m007_orderlines_by_change),
)
TABLES = frozenset(
    {"runs", "outbox", "main_courses", "courses", "sources", "set_aside", "changes", "posts"}
    | {"orders", "participants", "mails", "participant_lists", "erasures", "counters"}
    | {"orderlines", "orderline_events", "workshops"}
    | {"bookings", "booking_statuses", "booking_documents", "published_classes"}
)
