"""The register of personal data: no column is forgotten, and what it promises is so."""

import fnmatch
import json
from pathlib import Path

from booking_rows import BIRTH_DATE, add_booking
from integrator.database import connect
from integrator.domain.courses import PERSONAL_FIELDS
from integrator.store import open_store
from integrator.store.personal import PLAIN, REGISTER
from people import DAY, add_list, add_order, full_name, person
from world import world


def columns(path: Path) -> set[str]:
    db = connect(path)
    made = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    tables = [row[0] for row in db.all(made)]
    found = {f"{table}.{row['name']}" for table in tables for row in db.all(f"PRAGMA table_info({table})")}
    db.close()
    return found


def test_every_column_of_the_store_is_in_the_register(tmp_path: Path) -> None:
    open_store(tmp_path / "store.db", backups=tmp_path).db.close()
    personal = {place.where for place in REGISTER}
    plain = {f"{table}.{column}" for table, names in PLAIN.items() for column in names}
    assert not personal & plain
    assert columns(tmp_path / "store.db") == plain | {where for where in personal if "/" not in where}


def test_every_personal_field_of_a_record_has_its_place() -> None:
    assert {f"courses.{field}" for field in PERSONAL_FIELDS} <= {place.where for place in REGISTER}


def test_trainers_are_nowhere_but_where_the_register_says(tmp_path: Path) -> None:
    with world(tmp_path / "home") as here:
        assert here.run("import-courses").code == 0
        here.maconomy.seed({"set": {"25172-04": {"trainers": [{"initials": "QX", "name": "Qvist Xylander"}]}}})
        assert here.run("import-courses", "-v").code == 0
        with here.store() as db:
            for table in PLAIN:
                for row in db.all(f"SELECT * FROM {table}"):
                    values = {key: value for key, value in dict(row).items() if f"{table}.{key}" != "courses.trainers"}
                    assert "Xylander" not in json.dumps(values, ensure_ascii=False, default=repr)
        files = [path for path in (here.home / "var").rglob("*") if path.is_file() and path.suffix != ".db"]
        holding = {path.name for path in files if b"Xylander" in path.read_bytes()}
        assert holding == {"maconomy-course.last-good.json"}
        assert "Xylander" not in str(here.wordpress.state())


def test_people_of_orders_are_nowhere_but_where_the_register_says(tmp_path: Path) -> None:
    db = open_store(tmp_path / "store.db", backups=tmp_path).db
    people = [person(1), person(2)]
    add_order(db, people, completed_at=DAY, class_end=None, effects="failed", attention=full_name(people[0]))
    add_list(db, people, "2027-03-01", at=DAY)
    texts = {text for one in people for text in one.values()} | {full_name(one) for one in people}
    holding = {
        f"{table}.{column}"
        for table in PLAIN
        for row in db.all(f"SELECT * FROM {table}")
        for column, value in dict(row).items()
        if any(text in str(value) for text in texts)
    }
    db.close()
    columns_of_people = {f"participants.{name}" for name in people[0]}
    columns_of_order = {f"orders.{name}" for name in ("customer_name", "customer_email", "customer_phone", "attention")}
    assert holding == columns_of_people | columns_of_order | {"outbox.body"}
    assert holding <= {place.where for place in REGISTER}


def test_students_of_bookings_are_nowhere_but_where_the_register_says(tmp_path: Path) -> None:
    db = open_store(tmp_path / "store.db", backups=tmp_path).db
    student, paper = person(1), f"{full_name(person(1))}.pdf"
    booking = add_booking(
        db, student, completed_at=DAY, class_end=None, told="failed", documents=(paper,), uploaded="failed"
    )
    known = {*student.values(), full_name(student), BIRTH_DATE, booking.reference, booking.portal_reference}
    known |= {booking.request_key, str(booking.request_hash)}
    holding = {
        f"{table}.{column}"
        for table in PLAIN
        for row in db.all(f"SELECT * FROM {table}")
        for column, value in dict(row).items()
        if any(text in str(value) for text in known)
    }
    db.close()
    # The reference is also what rows and messages about a booking are found by.
    keys = {"booking_statuses.reference", "booking_documents.reference", "outbox.key"}
    assert keys <= holding
    assert holding - keys <= {place.where for place in REGISTER}


def quoting(path: str, text: str) -> dict[str, object]:
    """A refusal that says what was sent."""
    body = json.dumps({"error": "VALIDATION", "message": f"cannot take {text}"}, ensure_ascii=False)
    return {"match": {"path": path, "method": "POST"}, "fault": {"kind": "status", "status": 422, "body": body}}


def test_what_the_commands_write_about_people_is_where_the_register_says(tmp_path: Path) -> None:
    """Ordered, refused by both systems in words that quote them, sent, and listed: by the commands themselves."""
    wanted = {"gitte.q@example.org", "p1.q@example.org", "p2.q@example.org", "Nørgård-q", "Kjærgård", "Vegetar"}
    wanted |= {"soeren.noergaard@example.org", "O’Brien"}  # whom Maconomy has in the class
    with world(tmp_path / "home") as here:
        here.configure(mailgun=True)
        assert here.run("import-courses").code == 0
        order = here.order(2, who="q")
        said = "p1.q@example.org, Nørgård-q"
        here.servers[0].faults.add(quoting("/api/webparticipant.*", said) | {"times": 1})
        here.servers[2].faults.add(quoting("/v3/.*/messages", said) | {"times": 1})
        results = [here.run("sync-orders", "-v"), here.run("send-participants", "--date", "2027-02-28", "-v")]
        here.run("booking", "cancel", str(order))
        results += [here.run("status"), here.run("runs"), here.run("outbox", "list"), here.run("gdpr-cleanup", "-v")]
        bodies = here.rows("SELECT state, body FROM outbox WHERE effect <> 'wordpress.course'")
        assert {state for state, body in bodies} >= {"failed", "completed"}
        with here.store() as db:
            places = {
                f"{table}.{column}"
                for table in PLAIN
                for row in db.all(f"SELECT * FROM {table}")
                for column, value in dict(row).items()
                if any(text in str(value) for text in wanted)
            }
        assert places >= {"participants.email", "orders.customer_email", "outbox.body"}
        assert places <= {place.where for place in REGISTER}
        seen = "\n".join(result.out + result.err for result in results)
        log = (here.home / "var" / "log" / "integrator.log").read_text(encoding="utf-8")
        seen += "\n".join(json.dumps(json.loads(line), ensure_ascii=False) for line in log.splitlines())
        assert [text for text in wanted if text in seen] == []


def test_a_comment_is_known_to_hold_data_on_health() -> None:
    [comment] = [place for place in REGISTER if place.where == "participants.comment"]
    assert "health" in comment.category


def test_what_an_erasure_writes_is_in_the_register(tmp_path: Path) -> None:
    with world(tmp_path / "home") as here:
        assert here.run("import-courses").code == 0
        with here.store() as db:
            add_order(db, [person(1)], completed_at=1_500_000_000, class_end="2017-08-01", class_id="10000-01")
        before = {path for path in here.home.rglob("*") if path.is_file()}
        assert here.run("gdpr-cleanup").code == 0
        made = {path for path in here.home.rglob("*") if path.is_file()} - before
        assert {path.name for path in made} >= {"erasures", "erasures.key"}
        left = [path for path in made if not registered(path, here.home)]
        assert {path.parent.name for path in left} <= {"locks", "log"}


def registered(path: Path, home: Path) -> bool:
    """Whether the register names the file, or the folder it lies in."""
    places = [place.where for place in REGISTER if "/" in place.where]
    parts = [str(part.relative_to(home)) for part in (path, *path.parents) if part.is_relative_to(home)]
    return any(fnmatch.fnmatchcase(part, pattern) for part in parts for pattern in places)


def test_what_a_killed_dry_run_leaves_is_in_the_register_and_goes_with_the_next_run(tmp_path: Path) -> None:
    with world(tmp_path / "home") as here:
        assert here.run("import-courses").code == 0
        here.servers[0].faults.add({"match": {"path": "/api/course$"}, "times": 1, "fault": {"kind": "hang"}})
        process = here.start("import-courses", "--dry-run")
        assert here.servers[0].faults.gate.await_held()
        process.kill()
        here.finish(process)
        here.servers[0].faults.gate.release()
        left = list((here.home / "var" / "spool").glob("*/*"))
        assert {"copy.db", "maconomy-maincourse.new.json"} <= {path.name for path in left}
        assert [path for path in left if not registered(path, here.home)] == []
        folders = {path.parent for path in left}
        assert here.run("import-courses").code == 0
        assert not any(folder.exists() for folder in folders)


def test_a_replaced_store_is_in_the_register(tmp_path: Path) -> None:
    with world(tmp_path / "home") as here:
        assert here.run("import-courses").code == 0
        assert here.run("store", "backup").code == 0
        [backup] = (here.home / "var" / "backups").glob("*.db")
        restored = here.run("store", "restore", str(backup))
        assert restored.code == 0, restored.err
        [kept] = (here.home / "var").glob("integrator.db.replaced-*")
        assert registered(kept, here.home)
