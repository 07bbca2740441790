"""The gateway and its store: one that is gone is missed, and nobody waits long for one that somebody else has."""

import io
import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from doors import CLASS, LINE, Doors
from werkzeug.test import TestResponse

from desks import T0
from integrator import database, desk
from integrator.gateway import call
from integrator.runtime import lock
from integrator.store import backup

JSON = {"Content-Type": "application/json"}
BJORN = {"courseClassExternalId": CLASS, "studentFirstName": "Bjørn"}
NOT_NOW = "Forespørselen kan ikke behandles akkurat nå; prøv igjen senere"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "PATIENCE_S", 0.05)
    monkeypatch.setattr(call, "PATIENCE_S", 0.05)
    monkeypatch.setattr(desk, "TURN_S", 0.0)


SEAT = {"class_id": CLASS, "key": "new"}


def store(here: Doors) -> Path:
    return here.home / "var" / "integrator.db"


def every_request(here: Doors) -> list[TestResponse]:
    return [
        here.website("POST", "/api/orders", json=SEAT),
        here.website("GET", "/api/orders/10001"),
        here.website("POST", "/api/orders/10001/cancel"),
        here.portal("reserve", **BJORN),
        here.portal("cancel", bookingReference="TP-X"),
        here.oilmat("POST", "nord/create", json=LINE),
        here.oilmat("GET", "nord/queue?type=task"),
        here.oilmat("GET", "nord/check_order_status?unique_id=0007"),
        here.oilmat("GET", "nord/alive"),
        here.oilmat("PUT", "nord/stop_worker"),
    ]


def is_later(answer: TestResponse, code: str) -> bool:
    assert (answer.status_code, answer.json["code"]) == (503, code), answer.text
    return int(answer.headers["Retry-After"]) > 0


# one that is gone ---------------------------------------------------------------------------------------------------


def lost(here: Doors) -> None:
    here.order()
    store(here).unlink()
    store(here).with_name("integrator.db-journal").unlink(missing_ok=True)


def nothing_but(here: Doors, *kept: str) -> None:
    """Every other trace of the store is gone, and the process is another one."""
    lost(here)
    (here.home / "var" / "locks" / "store.lock").unlink()
    (here.home / "var" / "log" / "integrator.log").unlink()
    here.configure()
    for name in kept:
        path = here.home / "var" / name
        path.touch(0o600)
        path.write_text('{"at":"2026-11-22T06:00:00+00:00","job":"sync-orders","run":1,"outcome":"ok"}\n')


@pytest.mark.parametrize("how", ["running", "started again"])
def test_a_store_that_is_gone_is_missed_and_none_is_made_in_its_place(here: Doors, how: str) -> None:
    lost(here)
    if how == "started again":
        here.configure()
    answers = every_request(here)
    assert [answer.status_code for answer in answers] == [503] * len(answers)
    assert all("Retry-After" in answer.headers for answer in answers)
    assert not store(here).exists()
    assert '"why":"StoreDamaged"' in here.log()


def test_a_process_that_had_a_store_makes_no_other_also_where_everything_is_gone(here: Doors) -> None:
    """As when the disk below var/ is not mounted any more."""
    here.order()
    shutil.rmtree(here.home / "var")
    assert here.website("POST", "/api/orders", json={"class_id": CLASS, "key": "new"}).status_code == 503
    assert not store(here).exists()


@pytest.mark.parametrize("trace", ["backups/integrator-20261121T031500Z.db", "log/integrator.log"])
def test_a_home_that_ever_had_a_store_gets_no_new_one_from_a_request(here: Doors, trace: str) -> None:
    nothing_but(here, trace)
    assert is_later(here.website("POST", "/api/orders", json={"class_id": CLASS, "key": "new"}), "not_ready")
    assert not store(here).exists()


@pytest.mark.parametrize("trace", ["erasures", "log/integrator.log"])
def test_a_store_that_was_emptied_is_missed_as_well(here: Doors, trace: str) -> None:
    nothing_but(here, trace)
    store(here).touch(0o600)
    for answer in every_request(here):
        assert answer.status_code == 503
    assert store(here).stat().st_size == 0


def test_a_home_without_any_trace_gets_its_first_store_by_the_first_reservation(here: Doors) -> None:
    assert here.website("GET", "/nowhere", key="wrong").status_code == 404
    assert here.website("GET", "/api/orders/10001", key="wrong").status_code == 401  # in the log, which is no trace
    assert here.order() == 10001


def test_who_only_looks_or_cancels_makes_no_store(here: Doors) -> None:
    assert here.website("GET", "/api/orders/10001").status_code == 404
    assert here.portal("cancel", bookingReference="TP-X").json["errorMessage"] == "Ukjent bookingreferanse"
    assert here.oilmat("GET", "nord/queue?type=task").json["length"] == 0
    assert not store(here).exists()


def test_a_store_that_another_request_is_making_is_waited_for(here: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file is there, empty, and its lock is held: that is no trace of one that is lost."""
    monkeypatch.setattr(desk, "PATIENCE_S", 20.0)
    store(here).touch(0o600)
    answers: list[TestResponse] = []
    ask = threading.Thread(target=lambda: answers.append(here.website("POST", "/api/orders", json=SEAT)))
    with lock.hold(here.home / "var" / "locks", "store", since=datetime.fromtimestamp(T0, UTC)):
        ask.start()
        ask.join(0.1)
        assert ask.is_alive()
    ask.join()
    assert answers[0].status_code == 201


# one that somebody else has -----------------------------------------------------------------------------------------


@contextmanager
def written_by_another(here: Doors) -> Iterator[None]:
    conn = sqlite3.connect(store(here), isolation_level=None)
    try:
        conn.execute("BEGIN IMMEDIATE")
        yield
    finally:
        conn.close()


def test_a_store_that_is_locked_is_waited_for_briefly(here: Doors) -> None:
    """With the 30 seconds of a job, eight callers would stop the gateway: this test would take minutes."""
    order = here.order()
    with written_by_another(here):
        assert is_later(here.website("POST", "/api/orders", json={"class_id": CLASS, "key": "b"}), "unavailable")
        assert is_later(here.oilmat("POST", "nord/create", json=LINE), "unavailable")
        assert is_later(here.oilmat("PUT", "nord/stop_worker"), "unavailable")
        assert here.website("GET", f"/api/orders/{order}").status_code == 200
    assert here.rows("SELECT count(*) FROM orders") == [(1,)]


def test_every_connection_of_the_gateway_has_little_patience(here: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    here.order()
    found: list[Any] = []
    bare = database.bare

    def seen(path: Path, **how: Any) -> sqlite3.Connection:
        found.append(how["timeout_s"])
        return bare(path, **how)

    monkeypatch.setattr(database, "bare", seen)
    every_request(here)
    assert set(found) == {0.05}
    assert len(found) >= 10


def test_a_store_that_is_being_made_by_somebody_who_hangs_is_not_waited_for_long(here: Doors) -> None:
    store(here).touch(0o600)
    with lock.hold(here.home / "var" / "locks", "store", since=datetime.fromtimestamp(T0, UTC)):
        assert is_later(here.website("POST", "/api/orders", json={"class_id": CLASS, "key": "b"}), "busy")


def test_two_changes_by_hand_at_once_are_both_made(here: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    here.oilmat("PUT", "nord/start_worker")
    answers: list[TestResponse] = []
    ask = threading.Thread(target=lambda: answers.append(here.oilmat("PUT", "nord/stop_worker")))
    monkeypatch.setattr(call, "LOCK_PATIENCE_S", 20.0)
    with lock.hold(here.home / "var" / "locks", "store", since=datetime.fromtimestamp(T0, UTC)):
        ask.start()
        ask.join(0.1)
        assert ask.is_alive()
    ask.join()
    assert (answers[0].status_code, answers[0].json["active"]) == (200, False)


def test_while_many_ask_maconomy_the_rest_of_the_gateway_goes_on(here: Doors) -> None:
    here.publish()
    order = here.order()
    desks = here.app.extensions["desks"]
    with ExitStack() as asking:
        for _ in range(desk.ASK_AT_ONCE):
            asking.enter_context(desks.open()).maconomy()
        assert is_later(here.website("POST", "/api/orders", json={"class_id": CLASS, "key": "b"}), "unavailable")
        assert here.portal("reserve", **BJORN).status_code == 503
        assert here.website("GET", f"/api/orders/{order}").status_code == 200
        assert here.website("POST", f"/api/orders/{order}/cancel").status_code == 200
    assert here.order(key="b") == order + 1


def test_a_request_that_asks_twice_takes_one_turn_and_gives_it_back(here: Doors) -> None:
    desks = here.app.extensions["desks"]
    for _ in range(desk.ASK_AT_ONCE * 2):
        with desks.open() as found:
            for _ in range(desk.ASK_AT_ONCE + 1):
                found.maconomy()


def test_a_write_that_began_before_a_restore_comes_again(here: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    order = here.order()
    with here.world.store() as db:
        made = backup.make(db, here.home / "var" / "backups")
    from integrator.jobs import booking

    cancel = booking.cancel

    def overtaken(*what: Any) -> Any:
        backup.restore(made, store(here), at=here.now)
        return cancel(*what)

    monkeypatch.setattr(booking, "cancel", overtaken)
    assert is_later(here.website("POST", f"/api/orders/{order}/cancel"), "busy")
    monkeypatch.undo()
    assert here.website("POST", f"/api/orders/{order}/cancel").json["state"] == "cancelled"


# what Trainingportal is told ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["", ".json", ".xml"])
@pytest.mark.parametrize("trouble", ["locked", "full"])
def test_trainingportal_is_answered_in_its_own_shape_whatever_is_wrong_with_the_store(
    here: Doors, monkeypatch: pytest.MonkeyPatch, ending: str, trouble: str
) -> None:
    here.publish()
    with ExitStack() as wrong:
        if trouble == "locked":
            wrong.enter_context(written_by_another(here))
        else:
            monkeypatch.setattr(desk, "make_var", full)
        seat = here.portal(f"reserve{ending}", **BJORN | {"studentFirstName": "Åse"})
        gone = here.portal(f"cancel{ending}", bookingReference="TP-X")
    for answer in (seat, gone):
        assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
        assert answer.headers["Content-Type"].startswith("application/xml" if ending == ".xml" else "application/json")
        assert NOT_NOW in answer.text
    if ending != ".xml":
        assert seat.json == {"successful": "false", "bookingReference": "", "errorMessage": NOT_NOW}
        assert gone.json == {"cancelled": "false", "errorMessage": NOT_NOW}


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_mistake_of_our_own_in_sql_is_a_bug_with_its_place(here: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("no such column: seets")

    monkeypatch.setattr("integrator.jobs.reseller_desk.cancel", broken)
    here.order()
    assert here.portal("cancel", bookingReference="TP-X").status_code == 500
    assert "portal.py" in here.log()


@pytest.mark.parametrize("status", [401, 503])
def test_trainingportal_is_always_told_when_to_come_again(here: Doors, status: int) -> None:
    here.publish()
    here.world.servers[0].faults.add({"fault": {"kind": "status", "status": status}})
    answer = here.portal("reserve", **BJORN)
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)


# a body that was cut ------------------------------------------------------------------------------------------------


def test_a_body_that_was_cut_is_refused_although_what_came_is_an_order(here: Doors) -> None:
    """As gunicorn passes it on: the other orders of the body would be lost without a word."""
    first = json.dumps(LINE).encode() + b"\n"
    answer = here.oilmat(
        "POST",
        "nord/create",
        headers=JSON,
        input_stream=io.BytesIO(first),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": str(2 * len(first))},
    )
    assert (answer.status_code, answer.json["code"]) == (400, "cut")
    assert not store(here).exists()
