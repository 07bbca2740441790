"""The store's connection: its settings, its transactions, and what each of SQLite's errors becomes."""

import os
import resource
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from integrator import database
from integrator.database import connect, sqlite_error
from integrator.errors import ConfigError, IntegratorError, StoreDamaged, Unavailable


class Stop(BaseException):
    """As a stop signal or a kill would."""


@pytest.fixture
def db(tmp_path):
    made = connect(tmp_path / "var" / "integrator.db")
    made.conn.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT NOT NULL) STRICT")
    yield made
    made.close()


def words(db):
    return [row["word"] for row in db.all("SELECT word FROM t ORDER BY id")]


# opening --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("journal_mode", "truncate"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("temp_store", 2),
        ("trusted_schema", 0),
    ],
)
def test_every_connection_has_the_settings_we_rely_on(db, name, value):
    again = connect(db.path)
    assert [conn.value(f"PRAGMA {name}") for conn in (db, again)] == [value, value]
    again.close()


def test_a_setting_that_does_not_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(database._PRAGMAS, "page_size", 123)  # no page size: SQLite ignores it
    with pytest.raises(sqlite3.OperationalError, match="PRAGMA page_size is 4096, wanted 123"):
        connect(tmp_path / "integrator.db")


def test_file_folder_and_journal_are_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        db = connect(tmp_path / "var" / "integrator.db")
        db.conn.execute("CREATE TABLE t (id INTEGER)")
    finally:
        os.umask(before)
    db.close()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "var").iterdir()}
    assert modes == {"integrator.db": 0o600, "integrator.db-journal": 0o600}
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700


def test_deleted_rows_leave_no_trace_in_the_file(db):
    db.write("INSERT INTO t (word) VALUES ('aase.oestergaard@example.org')")
    db.write("DELETE FROM t")
    assert b"oestergaard" not in db.path.read_bytes()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_store_that_others_can_read_is_refused_with_78(tmp_path, mode):
    path = tmp_path / "integrator.db"
    path.touch(mode=0o600)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600") as caught:
        connect(path)
    assert caught.value.exit_code == 78
    assert path.stat().st_size == 0


def test_a_file_that_is_no_database_is_refused_with_70_and_left_alone(tmp_path):
    path = tmp_path / "integrator.db"
    path.touch(mode=0o600)
    path.write_text("Kære Åse, dette er et brev. " * 100, encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match="is damaged; nothing more was touched") as caught:
        connect(path)
    assert caught.value.exit_code == 70
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["integrator.db"]


@pytest.mark.parametrize("what", ["its folder is a file", "it is a folder", "it is a link to nowhere"])
def test_a_path_where_no_store_can_lie_is_said_with_70(tmp_path, what):
    path = tmp_path / "x" / "integrator.db"
    if what == "its folder is a file":
        (tmp_path / "x").touch()
    elif what == "it is a folder":
        path.mkdir(parents=True, mode=0o700)
    else:
        path.parent.mkdir(mode=0o700)
        path.symlink_to(tmp_path / "gone" / "integrator.db")
    with pytest.raises(StoreDamaged, match=r"integrator\.db: cannot be"):
        connect(path)


def test_a_store_that_must_be_there_is_missed_and_none_is_made(tmp_path):
    path = tmp_path / "disk" / "integrator.db"
    with pytest.raises(StoreDamaged, match="is missing, and this home had one"):
        connect(path, make=False)
    assert os.listdir(tmp_path) == []
    connect(path).close()
    connect(path, make=False).close()


def test_a_connection_waits_as_long_as_it_is_told_to(db):
    patient, hasty = connect(db.path), connect(db.path, patience_s=0.25)
    assert [one.value("PRAGMA busy_timeout") for one in (patient, hasty)] == [30_000, 250]
    patient.close()
    hasty.close()


def test_a_network_file_system_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "network_file_system", lambda path: "nfs4")
    with pytest.raises(ConfigError, match="lies on nfs4: file locks are not to be trusted there"):
        connect(tmp_path / "integrator.db")


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        ("/dev/sda1 / ext4 rw 0 0\nserver:/x /srv nfs4 rw 0 0\n", "nfs4"),
        ("server:/x /srv nfs4 rw 0 0\n/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /srv/data ext4 rw 0 0\n", None),
        ("server:/x /srv/dat cifs rw 0 0\n/dev/sda1 / ext4 rw 0 0\n", None),
        ("", None),
        ("server:/x /srv/data\\040of\\134ours nfs4 rw 0 0\n", None),
    ],
    ids=["on it", "on a disk below it", "beside it", "unknown", "another with a blank"],
)
def test_the_mount_that_holds_the_path_decides(monkeypatch, mounts, found):
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: mounts)
    assert database.network_file_system(Path("/srv/data/integrator.db")) == found


@pytest.mark.parametrize("name", ["course data", "tab\there", "line\nbreak", "back\\slash", "\\040", "data\u2028å"])
def test_a_mount_is_found_under_its_real_name(monkeypatch, name):
    shown = "".join(f"\\{ord(letter):03o}" if letter in " \t\n\\" else letter for letter in name)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: f"server:/x /srv/{shown} nfs4 rw 0 0\n")
    assert database.network_file_system(Path("/srv", name, "integrator.db")) == "nfs4"


def transaction(db, *statements, end=None):
    with db.tx():
        for statement in statements:
            db.write(statement)
        if end:
            raise end


# transactions -----------------------------------------------------------------------------------------


def test_what_is_written_inside_is_there_for_others_when_it_ends(db):
    other = connect(db.path)
    with db.tx():
        db.write("INSERT INTO t (word) VALUES ('a')")
        db.write_many("INSERT INTO t (word) VALUES (?)", [("b",), ("c",)])
        assert words(other) == []
    assert words(other) == ["a", "b", "c"]
    other.close()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Stop, GeneratorExit])
def test_whatever_ends_it_early_undoes_it(db, error):
    with pytest.raises(error):
        transaction(db, "INSERT INTO t (word) VALUES ('a')", end=error)
    assert (words(db), db.conn.in_transaction) == ([], False)
    with db.tx():
        db.write("INSERT INTO t (word) VALUES ('b')")
    assert words(db) == ["b"]


def test_a_failing_commit_undoes_it(db):
    db.conn.execute("CREATE TABLE child (t INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED) STRICT")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):  # found out at COMMIT
        transaction(db, "INSERT INTO t (word) VALUES ('a')", "INSERT INTO child VALUES (99)")
    assert (words(db), db.conn.in_transaction) == ([], False)


def test_a_full_disk_undoes_it_and_is_said_with_70(db):
    db.conn.execute(f"PRAGMA max_page_count = {db.value('PRAGMA page_count') + 2}")
    with pytest.raises(sqlite3.OperationalError) as caught:
        transaction(db, *[f"INSERT INTO t (word) VALUES ('{'x' * 3000}')"] * 50)
    assert (words(db), db.conn.in_transaction) == ([], False)
    ours = sqlite_error(caught.value, db.path)
    assert (type(ours), ours.exit_code) == (StoreDamaged, 70)
    assert "the disk is full; the change was rolled back" in ours.message
    assert ours.hint == "free some space: df -h"


DISK_FULL_AT_COMMIT = """
import resource, signal, sqlite3, sys
from pathlib import Path
from integrator.database import connect, sqlite_error
db = connect(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))  # the journal fits, the grown file does not
try:
    with db.tx():
        db.write_many("INSERT INTO t (word) VALUES (?)", [("x" * 3000,)] * 50)
        print("written")
except sqlite3.Error as error:
    ours = sqlite_error(error, db.path)
    print(ours.exit_code, db.conn.in_transaction, db.value("SELECT count(*) FROM t"))
"""


def test_a_disk_that_fails_only_at_commit_undoes_it_too(db):
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    ended = subprocess.run(
        [sys.executable, "-c", DISK_FULL_AT_COMMIT, str(db.path)], capture_output=True, text=True, check=False
    )
    assert ended.stdout.splitlines() == ["written", "70 False 0"]
    assert words(db) == []


def test_one_transaction_inside_another_is_a_bug(db):
    with pytest.raises(RuntimeError, match="nested tx"), db.tx():
        transaction(db, "INSERT INTO t (word) VALUES ('a')")
    assert words(db) == []


def test_many_rows_outside_a_transaction_are_a_bug(db):
    with pytest.raises(RuntimeError, match="outside tx"):
        db.write_many("INSERT INTO t (word) VALUES (?)", [("a",)])


def test_the_write_lock_is_taken_at_the_beginning(db, monkeypatch):
    """A transaction that reads first and writes later must not find out in the middle that another one was faster."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0)
    other = connect(db.path)
    with db.tx():
        db.value("SELECT count(*) FROM t")
        with pytest.raises(sqlite3.OperationalError, match="locked"), other.tx():
            pytest.fail("two writers at once")
        db.write("INSERT INTO t (word) VALUES ('a')")
    with other.tx():
        other.write("INSERT INTO t (word) VALUES ('b')")
    assert words(db) == ["a", "b"]
    other.close()


def test_a_transaction_that_a_stop_left_open_can_be_abandoned(db):
    db.conn.execute("BEGIN IMMEDIATE")
    db.write("INSERT INTO t (word) VALUES ('a')")
    db.abandon()
    db.abandon()
    assert words(db) == []


# reading and errors -----------------------------------------------------------------------------------


def test_reads_leave_no_cursor_open_that_would_block_another_commit(db, monkeypatch):
    db.write("INSERT INTO t (word) VALUES ('a'), ('b')")
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0)
    other = connect(db.path)
    rows = db.all("SELECT * FROM t")
    assert (db.one("SELECT word FROM t")["word"], db.value("SELECT 1 WHERE 0"), db.one("SELECT 1 WHERE 0")) == (
        "a",
        None,
        None,
    )
    assert other.write("UPDATE t SET word = 'c'") == 2
    assert [row["word"] for row in rows] == ["a", "b"]
    other.close()


@pytest.mark.parametrize(
    ("code", "kind", "exit_code", "said"),
    [
        (sqlite3.SQLITE_BUSY, Unavailable, 75, "another process held it for 30 s"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Unavailable, 75, "another process held it"),
        (sqlite3.SQLITE_LOCKED, Unavailable, 75, "another process held it"),
        (sqlite3.SQLITE_CORRUPT, StoreDamaged, 70, "is damaged"),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreDamaged, 70, "is damaged"),
        (sqlite3.SQLITE_NOTADB, StoreDamaged, 70, "is damaged"),
        (sqlite3.SQLITE_FULL, StoreDamaged, 70, "the disk is full"),
        (sqlite3.SQLITE_READONLY, StoreDamaged, 70, "cannot be read or written"),
        (sqlite3.SQLITE_READONLY_DBMOVED, Unavailable, 75, "another took its place meanwhile"),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreDamaged, 70, "cannot be read or written"),
        (sqlite3.SQLITE_CANTOPEN, StoreDamaged, 70, "cannot be read or written"),
        (sqlite3.SQLITE_PERM, StoreDamaged, 70, "cannot be read or written"),
    ],
)
def test_each_trouble_of_the_file_has_its_words_and_code(code, kind, exit_code, said):
    error = sqlite3.OperationalError("theirs")
    error.sqlite_errorcode = code
    ours = sqlite_error(error, Path("/x/integrator.db"))
    assert (type(ours), ours.exit_code) == (kind, exit_code)
    assert isinstance(ours, IntegratorError)
    assert ours.message.startswith("store: /x/integrator.db: ")
    assert said in ours.message


@pytest.mark.parametrize("sql", ["SELECT nothing FROM t", "INSERT INTO t (word) VALUES (NULL)", "NO SQL", "SELECT ?"])
def test_our_own_mistakes_come_out_as_they_are(db, sql):
    with pytest.raises(sqlite3.Error) as caught:
        db.all(sql)
    with pytest.raises(sqlite3.Error) as again:
        sqlite_error(caught.value, db.path)
    assert again.value is caught.value


def test_sqlite_utils_works_on_the_same_connection_and_the_same_sqlite(db):
    assert db.utils().table_names() == ["t"]
    assert db.utils().conn is db.conn


def test_another_sqlite_in_the_process_is_refused(db, monkeypatch):
    import sqlite_utils

    class Other:
        __name__ = "pysqlite3.dbapi2"

    monkeypatch.setitem(vars(sqlite_utils.utils), "sqlite3", Other())
    with pytest.raises(ConfigError, match="two SQLite libraries share the store"):
        db.utils()
