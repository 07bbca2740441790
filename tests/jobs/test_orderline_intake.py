"""Orders come in: by command, as files, from OilMat. Each is kept once, whatever it looks like, and never a login."""

import errno
import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import unicodedata
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from dying import failing
from integrator.domain.orderlines.payload import MAX_BYTES
from integrator.domain.orderlines.reasons import REASONS
from integrator.effects import Done
from integrator.errors import Unavailable
from integrator.home import Home, init_home
from integrator.jobs import orderline_desk as desk
from integrator.jobs.orderline_intake import NOWHERE, REUSED, Intake, Known, fetch, key_shown
from integrator.jobs.orderline_spool import untaken
from integrator.secret import Secret
from integrator.standins.base import serve
from integrator.standins.oilmat import TOKEN
from integrator.standins.oilmat import OilMat as StandIn
from integrator.store import open_store
from integrator.store.workshops import MOST_REFUSED, Workshops
from integrator.systems.http import Http
from integrator.systems.oilmat import OilMat, Page
from orderline_books import AT, SECRET, SENT, TOML, W, begin, deliver, fail, order, raw, row, rows, workshops

DYING = Path(__file__).parents[1] / "dying.py"
NOTHING_KEPT: list[tuple[str, ...]] = []


@pytest.fixture
def db(tmp_path):
    made = open_store(tmp_path / "integrator.db", backups=tmp_path).db
    yield made
    made.close()


@pytest.fixture
def intake(db):
    return Intake(db, workshops(), lambda: AT)


@pytest.fixture
def spool(tmp_path):
    folder = tmp_path / "spool"
    (folder / W).mkdir(parents=True, mode=0o700)
    return folder


def one(intake, value, only=None):
    [taken] = intake.take(raw(value), source="command", only=only)
    return taken


def counters(db, workshop=W):
    state = Workshops(db).get(workshop)
    return {"rejected": state.rejected, "reused": state.reused}


def kept(db):
    """Every order in the store, and every message for an ERP."""
    found = rows(db, "orderlines", "workshop, unique_id, case_id, product_nr, product_amount")
    assert len(rows(db, "outbox")) == len([line for line in found if line[2] is not None])
    return found


# §5: what the store has × what comes ----------------------------------------------------------------------


def test_a_new_order_is_received(db, intake):
    taken = one(intake, order())
    assert (taken.result, taken.status, taken.reason, taken.is_good) == ("new", "received", "", True)
    assert kept(db) == [(W, "0007", "560", "0005", "5.5")]
    assert rows(db, "outbox", "effect, scope, key, mode, state") == [
        ("workshop.orderline", f"workshop:{W}", f"{W}/0007", "once", "received")
    ]


def test_a_new_order_that_is_no_order_is_a_bad_request_with_a_status(db, intake):
    taken = one(intake, order(case_id=..., product_amount="1.234,5"))
    reason = "case_id: missing; product_amount: is ambiguous: write it without a thousands mark"
    assert (taken.result, taken.status, taken.reason, taken.is_good) == ("bad request", "bad request", reason, False)
    assert desk.status(db, W, "0007") == {"unique_id": "0007", "status": "bad request", "reason": reason}
    assert rows(db, "outbox") == []


@pytest.mark.parametrize("again", [order(), SENT, order(product_amount="5,50"), order(product_amount=5.5)])
def test_the_same_order_again_changes_nothing_and_says_how_it_stands(db, intake, again):
    one(intake, order())
    deliver(db, Unavailable("spinner", code="slow"))
    before = [rows(db, table) for table in ("orderlines", "outbox", "orderline_events", "workshops")]
    taken = one(intake, again)
    assert (taken.result, taken.status, taken.reason) == ("same", "received", "ERP svarer langsomt")
    assert [rows(db, table) for table in ("orderlines", "outbox", "orderline_events", "workshops")] == before


@pytest.mark.parametrize("changed", [{"case_id": "561"}, {"product_nr": "5"}, {"product_amount": "5.51"}])
def test_a_known_id_with_other_content_leaves_the_first_order_untouched(db, intake, changed):
    one(intake, order())
    before = rows(db, "orderlines")
    taken = one(intake, order(**changed))
    assert (taken.result, taken.is_good) == ("reused", False)
    assert (taken.status, taken.reason) == ("bad request", "unique_id reused with other content")
    assert rows(db, "orderlines") == before
    assert counters(db) == {"rejected": 0, "reused": 1}


def test_a_known_id_with_content_that_cannot_be_read_leaves_the_first_order_untouched(db, intake):
    one(intake, order())
    before = rows(db, "orderlines")
    assert one(intake, order(case_id="5 6 0")).result == "reused"
    assert rows(db, "orderlines") == before
    assert counters(db)["reused"] == 1


def test_a_bad_request_is_replaced_by_the_valid_order(db, intake):
    one(intake, order(case_id=...))
    taken = one(intake, order())
    assert (taken.result, taken.status, taken.reason, taken.is_good) == ("replaced", "received", "", True)
    assert kept(db) == [(W, "0007", "560", "0005", "5.5")]


@pytest.mark.parametrize(
    ("answer", "status", "reason"), [(None, "failed", "sag lukket"), (Done("line-1"), "completed", "")]
)
def test_what_has_ended_is_not_begun_again_by_sending_it_again(db, intake, answer, status, reason):
    one(intake, order())
    deliver(db, answer) if answer else fail(db)
    taken = one(intake, order())
    assert (taken.result, taken.status, taken.reason, taken.is_good) == ("same", status, reason, True)
    assert rows(db, "outbox", "state") == [(status,)]


def test_an_order_whose_row_is_gone_but_whose_message_is_known_is_not_sent_again(db, intake):
    one(intake, order())
    deliver(db, Done("line-1"))
    db.write("DELETE FROM orderlines")
    [other, first] = intake.take(raw([order(case_id="561"), order()]), source="command")
    assert (other.result, other.reason) == ("reused", "unique_id reused with other content")
    assert (first.is_good, first.status) == (True, "completed")
    assert rows(db, "outbox", "state") == [("completed",)]


def test_a_blocked_workshop_takes_orders_in_and_says_why_they_wait(db, intake):
    with db.tx():
        Workshops(db).block([W], "login-refused", at=AT)
    assert (one(intake, order()).status, one(intake, order()).reason) == ("received", "login afvist")


# §4: the quirks -------------------------------------------------------------------------------------------


def test_quirk_1_a_body_encoded_twice_is_the_same_single_row_and_three_times_is_refused(db, intake):
    for body in (SENT, json.dumps(SENT), order()):
        assert one(intake, body).is_good
    assert kept(db) == [(W, "0007", "560", "0005", "5.5")]
    deeper = one(intake, json.dumps(json.dumps(order("8"))))
    assert (deeper.result, deeper.status) == ("rejected", "bad request")


def test_quirk_2_a_comma_after_the_last_member_is_refused_by_line_and_column(db, intake):
    body = json.dumps(SENT, indent=2).replace('"0007"\n', '"0007",\n')
    taken = one(intake, body.encode())
    assert taken.result == "rejected"
    assert re.search(r"is not JSON: line [89], column \d+", taken.reason)
    assert counters(db, "-")["rejected"] == 1
    assert kept(db) == NOTHING_KEPT


@pytest.mark.parametrize(
    ("sent", "stored"), [("5.5", "5.5"), ("5,5", "5.5"), (5, "5"), ("5.50", "5.5"), (0.125, "0.125"), ("9999", "9999")]
)
def test_quirk_3_an_amount_is_a_decimal(db, intake, sent, stored):
    assert one(intake, order(product_amount=sent)).is_good
    assert row(db)["product_amount"] == stored


@pytest.mark.parametrize("amount", ["1.234,5", "1,234.5", "0", "-1", "10000", "5.1234", "5e2", "", None, True, []])
def test_quirk_3_an_amount_that_may_mean_two_things_or_none_is_refused(db, intake, amount):
    taken = one(intake, order() | {"product_amount": amount})
    assert taken.result == "bad request"
    assert taken.reason.startswith("product_amount: ")
    assert row(db)["product_amount"] is None


def test_quirk_4_a_login_in_the_body_is_thrown_away_and_only_that_it_was_there_is_known(db, intake):
    taken = one(intake, SENT | {"farve": SECRET})
    assert taken.is_good
    assert taken.as_json() == {
        "unique_id": "0007",
        "status": "received",
        "reason": "",
        "credentials_in_payload": True,
    }
    assert taken.ignored == ("farve",)
    assert "credentials_in_payload" not in one(intake, order()).as_json()
    assert row(db)["credentials"] == 1
    assert SECRET.encode() not in db.path.read_bytes()
    assert b"benny@" not in db.path.read_bytes()


def test_quirk_4_a_workshop_without_a_login_of_its_own_takes_no_order(db, intake):
    taken = one(intake, SENT | {"workshop": "Karls Biler"})
    assert (taken.result, taken.reason) == ("bad request", "no credentials configured")
    assert row(db, workshop="karls-biler")["bad_reason"] == "no credentials configured"


def test_quirks_5_and_14_a_queue_is_a_list_of_objects_with_its_length_and_without_any_login(db, intake):
    intake.take(raw([SENT, SENT | {"unique_id": "8", "case_id": None}]), source="command")
    for kind, ids in (("task", ["0007"]), ("error", ["8"])):
        told = desk.queue(db, W, kind)
        assert (told["workshop"], told["type"], told["length"]) == (W, kind, 1)
        assert [found["unique_id"] for found in told["orders"]] == ids
        said = json.dumps(told)
        assert SECRET not in said
        assert "password" not in said
        assert "username" not in said


def test_quirk_6_a_reason_never_repeats_the_body(db, intake):
    one(intake, SENT | {"case_id": f"{SECRET}!", "product_nr": f"\n{SECRET}", "product_amount": SECRET})
    reason = desk.status(db, W, "0007")["reason"]
    assert "case_id: must be" in reason
    assert SECRET not in reason
    assert SECRET.encode() not in db.path.read_bytes()


def test_quirk_7_reading_writes_nothing(db, intake):
    one(intake, order())
    begin(db)
    db.write("PRAGMA query_only = 1")
    for kind in desk.KINDS:
        desk.queue(db, W, kind)
    assert desk.status(db, W, "0007")["status"] == "processing"
    assert desk.detail(db, W, "0007", now=AT)["phase"] == "claimed"


def test_quirk_8_what_is_cleared_is_failed_and_says_so(db, intake):
    intake.take(raw([order("1"), order("2")]), source="command")
    assert desk.clear(db, W, "task", clock=lambda: AT) == ["1", "2"]
    assert desk.status(db, W, "1") == {"unique_id": "1", "status": "failed", "reason": "fjernet fra køen"}


def test_quirk_9_a_known_id_is_not_queued_again(db, intake):
    one(intake, order())
    begin(db)
    assert one(intake, order()).status == "processing"
    assert rows(db, "outbox", "state, attempts") == [("processing", 1)]


def test_quirk_10_what_cannot_be_read_is_visible_by_its_id_or_counted(db, intake):
    assert one(intake, order(case_id=...)).result == "bad request"
    assert desk.status(db, W, "0007")["status"] == "bad request"
    for body in (order(unique_id=...), order("a/b"), b"{", order(workshop="nowhere"), b"[1]", b"", order(workshop=5)):
        assert one(intake, body, only=W).result == "rejected"
    assert counters(db) == {"rejected": 5, "reused": 0}  # an empty body is no order, and the last one has a known id
    assert len(kept(db)) == 1


def test_what_nobody_could_keep_is_named_once_until_somebody_has_seen_to_it(db, intake):
    one(intake, order())
    for body in (order(case_id="561"), order(case_id="562"), order("8", workshop="nowhere"), b"{", b"{", b" \n", b""):
        intake.take(raw(body), source="command")
    books = Workshops(db)
    assert [(one.unique_id, one.reason) for one in books.refusals(W)] == [("0007", REUSED)]
    assert sorted(one.unique_id for one in books.refusals(NOWHERE)) == ["", "8"]
    assert (counters(db), counters(db, NOWHERE)) == ({"rejected": 0, "reused": 1}, {"rejected": 2, "reused": 0})
    with db.tx():
        assert [books.seen(workshop, at=AT) for workshop in (W, NOWHERE)] == [1, 2]
    assert (books.refusals(W), books.refusals(NOWHERE), counters(db, NOWHERE)["rejected"]) == ([], [], 0)


def test_only_the_last_refused_orders_are_named(db, intake):
    for number in range(MOST_REFUSED + 5):
        intake.clock = lambda at=AT + number: at
        one(intake, order(str(number), workshop="nowhere"))
    assert [one.unique_id for one in Workshops(db).refusals(NOWHERE)] == [
        str(number) for number in range(MOST_REFUSED + 4, 4, -1)
    ]
    intake.clock = lambda: AT + 100 * 86_400
    one(intake, order("new", workshop="nowhere"))
    assert [one.unique_id for one in Workshops(db).refusals(NOWHERE)] == ["new"]


def test_who_hands_an_order_in_by_hand_hears_which_workshops_there_are_and_nobody_else_does(db, intake):
    [by_hand] = intake.take(raw(order(workshop="Benny")), source="command")
    [sent] = intake.take(raw(order(workshop="Benny")), source="http")
    rule = "workshop: must be the id or the name of a configured workshop"
    assert sent.reason == rule
    assert by_hand.reason.startswith(f"{rule} (there are: {W} (Bennys Auto)")
    assert "Benny)" not in by_hand.reason


def test_quirk_11_an_order_that_was_begun_stays_in_the_queue(db, intake):
    one(intake, order())
    begin(db, phase="armed")
    [found] = desk.queue(db, W, "task")["orders"]
    assert (found["unique_id"], found["status"]) == ("0007", "processing")


def test_quirk_12_the_text_about_the_product_is_said_of_the_product_alone():
    assert [code for code, reason in REASONS.items() if reason.text == "handle varenummer"] == ["product-unknown"]


def test_quirk_13_a_workshop_that_is_switched_off_takes_orders_in(db, intake):
    with db.tx():
        Workshops(db).set_active(W, False, at=AT)
    assert one(intake, order()).is_good


def test_quirk_15_no_other_words_are_said(db, intake):
    said = {one(intake, order()).status}
    begin(db)
    said.add(desk.status(db, W, "0007")["status"])
    deliver(db, Done("line-1"))
    said.add(desk.status(db, W, "0007")["status"])
    one(intake, order("8"))
    fail(db)
    said |= {desk.status(db, W, "8")["status"], one(intake, b"{").status}
    assert said == {"received", "processing", "completed", "failed", "bad request"}


@pytest.mark.parametrize("name", ["../x", "..", "/tmp/x", f"{W}/../karls-biler", f"{W}\0", f" {W}", ""])
def test_quirk_16_a_workshop_is_one_of_ours_and_never_a_path(db, intake, tmp_path, name):
    before = sorted(tmp_path.rglob("*"))
    taken = one(intake, order(workshop=name))
    assert (taken.result, taken.workshop) == ("rejected", None)
    assert "must be the id or the name of a configured workshop" in taken.reason
    assert sorted(tmp_path.rglob("*")) == before
    assert kept(db) == NOTHING_KEPT


@pytest.mark.parametrize("name", [W, "Bennys Auto", "BENNYS AUTO", "Bennys-auto"])
def test_a_workshop_goes_by_its_id_and_by_its_name(db, intake, name):
    assert one(intake, order(workshop=name)).workshop == W


def test_a_file_that_cannot_be_moved_is_said_and_the_others_are_taken(db, intake, spool, monkeypatch):
    """A folder of the workshop's name may be another file system."""
    for name, unique_id in ((W, "7"), ("Bennys Auto", "8")):
        (spool / name).mkdir(exist_ok=True)
        (spool / name / "a.json").write_bytes(raw(order(unique_id)))
    rename = Path.rename

    def elsewhere(path, target):
        if path.parent.name == "Bennys Auto":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", elsewhere)
    found = [(taken.unique_id, taken.result, taken.reason) for taken in intake.take_files(spool, W)]
    assert found == [(None, "rejected", "a.json: Invalid cross-device link"), ("7", "new", "")]


def test_a_name_is_the_same_however_its_letters_are_put_together():
    known = Known({"aa": msgspec.structs.replace(workshops()[W], id="aa", name="Blåvand Auto")})
    assert known.find(unicodedata.normalize("NFD", "BLÅVAND Auto")) == "aa"


def test_quirk_17_what_lies_in_the_spool_folder_is_for_us_alone(intake, spool):
    drop(spool, "a.json", order())
    drop(spool, "b.json", b"{")
    intake.take_files(spool, W)
    for path in (spool / W).rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_quirk_18_only_sound_utf_8_is_read(db, intake):
    assert one(intake, b"\xef\xbb\xbf" + raw(order("1"))).is_good
    assert one(intake, json.dumps(order("2"), indent=1).replace("\n", "\r\n").encode()).is_good
    assert one(intake, raw(order("3", product_nr="Ø-5"))).is_good
    broken = one(intake, raw(order("4", product_nr="Ø-5")).decode().encode("latin-1"))
    assert (broken.result, "is not UTF-8: line 1" in broken.reason) == ("rejected", True)
    assert one(intake, raw(order("5")) + b"\0").result == "rejected"
    assert len(kept(db)) == 3


# more in one body -----------------------------------------------------------------------------------------


def lines_of(*orders):
    return b"".join(raw(found) + b"\r\n" for found in orders)


@pytest.mark.parametrize("body", [raw([order("1"), order("x y"), order("2"), order("1")]), None])
def test_in_a_list_or_in_lines_each_order_is_on_its_own(db, intake, body):
    found = intake.take(body or lines_of(order("1"), order("x y"), order("2"), order("1")), source="command", only=W)
    assert [taken.result for taken in found] == ["new", "rejected", "new", "same"]
    assert [line[1] for line in kept(db)] == ["1", "2"]


def test_a_list_may_be_empty_and_a_body_may_not(db, intake):
    assert intake.take(b"[]", source="command") == []
    assert one(intake, b" \n").result == "rejected"


def test_an_order_for_another_workshop_than_the_one_that_is_named_is_refused(db, intake):
    assert one(intake, order(workshop="karls-biler"), only=W).result == "rejected"
    assert one(intake, order(workshop=...), only=W).workshop == W
    assert one(intake, order("8", workshop=...)).result == "rejected"


def test_a_body_that_is_too_large_is_refused_unread(db, intake):
    taken = one(intake, b'{"pad": "' + b"x" * MAX_BYTES + b'"}')
    assert (taken.result, taken.reason) == ("rejected", "the body is larger than 5 MB")


def test_a_body_is_kept_whole_or_not_at_all(tmp_path):
    with failing("io", ["INSERT INTO outbox", "INSERT INTO outbox"]):
        db = open_store(tmp_path / "x.db", backups=tmp_path).db
        with closing(db), pytest.raises(sqlite3.OperationalError):
            Intake(db, workshops(), lambda: AT).take(raw([order("1"), order("2")]), source="command")
    with closing(open_store(tmp_path / "x.db", backups=tmp_path).db) as db:
        assert kept(db) == NOTHING_KEPT
        assert rows(db, "orderline_events") == []


# files ----------------------------------------------------------------------------------------------------


def drop(spool, name, content, workshop=W):
    path = spool / workshop / name
    path.write_bytes(raw(content))
    return path


def names(folder):
    return sorted(path.name.partition("Z-")[2][11:] or path.name for path in folder.iterdir())


def test_a_file_leaves_the_folder_when_its_orders_are_kept(db, intake, spool):
    drop(spool, "a.json", order())
    [taken] = intake.take_files(spool, W)
    assert (taken.result, row(db)["source"]) == ("new", "spool")
    assert sorted(path.name for path in (spool / W).iterdir()) == ["done", "taking"]
    assert names(spool / W / "taking") == []
    [copy] = (spool / W / "done").iterdir()
    assert copy.name.startswith("20261118T110640Z-")
    assert json.loads(copy.read_bytes()) == order()
    assert intake.take_files(spool, W) == []


def test_a_folder_that_is_not_there_yet_is_made(intake, tmp_path):
    assert intake.take_files(tmp_path / "new" / "spool", W) == []
    assert stat.S_IMODE((tmp_path / "new" / "spool" / W).stat().st_mode) & 0o077 == 0


def test_files_come_in_the_order_of_their_names_and_each_for_its_folders_workshop(db, intake, spool):
    drop(spool, "2.json", order(case_id="2", workshop=...))
    drop(spool, "1.json", order(case_id="1"))
    drop(spool, "3.json", order("8", workshop="karls-biler"))
    assert [taken.result for taken in intake.take_files(spool, W)] == ["new", "reused", "rejected"]
    assert kept(db) == [(W, "0007", "1", "0005", "5.5")]
    assert names(spool / W / "done") == ["1.json"]
    assert names(spool / W / "rejected") == ["2.json", "2.json.reasons.txt", "3.json", "3.json.reasons.txt"]


def test_what_is_no_finished_file_of_orders_is_left_alone(db, intake, spool, tmp_path):
    drop(spool, ".half.json", order("1"))
    drop(spool, "note.txt", order("2"))
    drop(spool, "c.json.tmp", order("3"))
    outside = tmp_path / "outside.json"
    outside.write_bytes(raw(order("4")))
    (spool / W / "link.json").symlink_to(outside)
    (spool / W / "folder.json").mkdir()
    os.mkfifo(spool / W / "pipe.json")
    assert intake.take_files(spool, W) == []
    assert kept(db) == NOTHING_KEPT
    assert outside.read_bytes() == raw(order("4"))
    left = {".half.json", "note.txt", "c.json.tmp", "link.json", "folder.json", "pipe.json", "taking"}
    assert {path.name for path in (spool / W).iterdir()} == left


def test_a_file_that_turns_into_a_link_while_it_is_taken_is_not_followed(db, intake, spool, tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_bytes(raw(order()))
    path = drop(spool, "a.json", order("8"))

    class Swapping(Intake):
        def _claimed(self, own: Path, stuck: list[str]) -> list[Path]:
            [claimed] = super()._claimed(own, stuck)
            claimed.unlink()
            claimed.symlink_to(outside)
            return [claimed]

    [taken] = Swapping(db, workshops(), lambda: AT).take_files(spool, W)
    assert taken.result == "rejected"
    assert path.name in taken.reason
    assert kept(db) == NOTHING_KEPT
    assert outside.exists()


def test_files_in_a_folder_that_is_called_by_its_name_are_taken_and_other_folders_are_left(db, intake, spool):
    for folder in ("Bennys Auto", "mikes", "Karls Biler"):
        (spool / folder).mkdir()
        (spool / folder / "d.json").write_bytes(raw(order(folder.replace(" ", "-"), workshop=...)))
    assert [taken.unique_id for taken in intake.take_files(spool, W, moves=False)] == ["Bennys-Auto"]
    assert [taken.unique_id for taken in intake.take_files(spool, W)] == ["Bennys-Auto"]
    assert [path.parent.name for path in spool.glob("*/d.json")] == sorted(["Karls Biler", "mikes"])
    assert len(list((spool / W / "done").iterdir())) == 1


def test_a_link_to_a_folder_is_not_followed_though_it_is_called_like_a_workshop(db, intake, spool, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "d.json").write_bytes(raw(order()))
    (spool / "Bennys Auto").symlink_to(tmp_path / "outside")
    assert intake.take_files(spool, W) == []
    assert (tmp_path / "outside" / "d.json").exists()


def test_files_that_nobody_takes_are_told_and_those_that_runs_take_or_made_are_not(spool):
    for name in ("h.json", f"{W}/c.txt", f"{W}/sub/x.json", "mikes/e.json", "Bennys Auto/D.JSON"):
        (spool / name).parent.mkdir(exist_ok=True)
        (spool / name).touch()
    for name in (".h.json", f"{W}/a.json", f"{W}/.b.json", f"{W}/done/x.txt", "Bennys Auto/d.json", "mikes/.e.json"):
        (spool / name).parent.mkdir(exist_ok=True)
        (spool / name).touch()
    assert untaken(spool, workshops()) == [
        *("Bennys Auto/D.JSON", f"{W}/c.txt", f"{W}/sub/", "h.json", "mikes/e.json"),
    ]
    assert untaken(spool / "nowhere", workshops()) == []


def test_refused_orders_lie_in_a_file_with_the_reasons_beside_it_and_without_any_login(db, intake, spool):
    drop(spool, "a.json", [SENT, SENT | {"unique_id": "8", "case_id": ""}, SENT | {"unique_id": "9", "workshop": "x"}])
    assert [taken.result for taken in intake.take_files(spool, W)] == ["new", "bad request", "rejected"]
    [content, reasons] = sorted((spool / W / "rejected").iterdir(), key=lambda path: path.suffix)
    assert [found["unique_id"] for found in json.loads(content.read_bytes())] == ["0007", "8", "9"]
    assert reasons.read_text(encoding="utf-8").splitlines() == [
        "2. case_id: must be 1 to 20 letters a-z, digits or hyphens",
        "3. item 3: workshop: must be the id or the name of a configured workshop",
    ]
    for path in (spool / W).rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
    assert counters(db)["rejected"] == 1


@pytest.mark.parametrize("body", [raw(SENT)[:-3], raw(json.dumps(SENT))[:-4], raw(SENT) + b"\0", raw(SENT) * 40_000])
def test_a_file_that_cannot_be_read_is_kept_without_any_login(db, intake, spool, body):
    drop(spool, "a.json", body)
    assert [taken.result for taken in intake.take_files(spool, W)] == ["rejected"]
    assert names(spool / W / "rejected") == ["a.json", "a.json.reasons.txt"]
    for path in (spool / W / "rejected").iterdir():
        assert SECRET.encode() not in path.read_bytes()


def test_a_file_that_cannot_be_opened_is_said_and_holds_up_no_other(db, intake, spool):
    drop(spool, "a.json", order("1"))
    drop(spool, "b.json", order("2"))
    broken = {"a.json"}

    class Unreadable(Intake):
        def _take_file(self, path: Path, workshop: str, *, moves: bool) -> list:
            if path.name.endswith(tuple(broken)):
                raise PermissionError(13, "Permission denied", str(path))
            return super()._take_file(path, workshop, moves=moves)

    unlucky = Unreadable(db, workshops(), lambda: AT)
    bad, good = unlucky.take_files(spool, W)
    assert (bad.result, "a.json: Permission denied" in bad.reason, good.result) == ("rejected", True, "new")
    assert names(spool / W / "taking") == ["a.json"]
    broken.clear()
    assert [taken.result for taken in unlucky.take_files(spool, W)] == ["new"]


def test_a_folder_that_cannot_be_listed_is_said_and_raises_nothing(intake, spool):
    (spool / W / "taking").write_text("in the way")
    [taken] = intake.take_files(spool, W)
    assert (taken.result, taken.workshop) == ("rejected", W)
    assert str(spool / W) in taken.reason
    assert key_shown(taken) == f"{W}/no id"


@pytest.mark.parametrize(
    "name", ["x" * 250 + ".json", "ø" * 125 + ".json", b"\xff\xfe.json".decode(errors="surrogateescape")]
)
def test_a_file_may_have_any_name(db, intake, spool, name):
    drop(spool, name, b"{")
    drop(spool, f"a{name[1:]}", order())
    assert {taken.result for taken in intake.take_files(spool, W)} == {"new", "rejected"}
    assert intake.take_files(spool, W) == []
    assert len(list((spool / W / "done").iterdir())) == 1


def test_a_file_that_is_written_anew_while_it_is_read_is_not_lost(db, intake, spool):
    drop(spool, "orders.json", order("1"))

    class Watched(Intake):
        def take(self, raw, *, source, only=None):
            taken = super().take(raw, source=source, only=only)
            if taken[0].unique_id == "1":
                drop(spool, ".orders.json", order("2")).rename(spool / W / "orders.json")
            return taken

    watched = Watched(db, workshops(), lambda: AT)
    assert [taken.unique_id for taken in watched.take_files(spool, W)] == ["1"]
    assert [taken.unique_id for taken in watched.take_files(spool, W)] == ["2"]
    assert names(spool / W / "done") == ["orders.json", "orders.json"]


def test_two_runs_that_take_the_same_files_keep_each_order_once_and_miss_nothing(db, intake, spool):
    for number in range(5):
        drop(spool, f"{number}.json", order(str(number)))
    beside = []

    class Passing(Intake):
        def take(self, raw, *, source, only=None):
            if not beside:
                beside.extend([True, *intake.take_files(spool, W)])
            return super().take(raw, source=source, only=only)

    taken = Passing(db, workshops(), lambda: AT).take_files(spool, W)
    assert [found.result for found in beside[1:]] == ["new"] * 5
    assert {found.result for found in taken} <= {"same"}
    assert len(kept(db)) == 5
    assert names(spool / W / "taking") == []
    assert names(spool / W / "done") == [f"{number}.json" for number in range(5)]


def test_files_stay_where_they_are_while_the_store_is_only_a_copy(db, intake, spool):
    path = drop(spool, "a.json", SENT)
    assert [taken.result for taken in intake.take_files(spool, W, moves=False)] == ["new"]
    assert path.read_bytes() == raw(SENT)
    assert list((spool / W).iterdir()) == [path]
    assert intake.take_files(spool, "karls-biler", moves=False) == []
    assert not (spool / "karls-biler").exists()


@pytest.fixture
def home(tmp_path):
    init_home(tmp_path / "home")
    made = Home(tmp_path / "home")
    (made.config / "workshops.toml").write_text(TOML, encoding="utf-8")
    (made.config / "integrator.toml").write_text("", encoding="utf-8")
    folder = made.spool / "orderlines" / W
    folder.mkdir(parents=True, mode=0o700)
    drop(folder.parent, "a.json", SENT)
    return made


def dies(home, how, steps, *command):
    environ = {"INTEGRATOR_HOME": str(home.root), "PATH": os.environ["PATH"], "BENNYS_PASSWORD": "x"}
    ended = subprocess.run(
        [sys.executable, str(DYING), how, steps, *command], env=environ, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.parametrize(
    ("how", "steps", "left", "result"),
    [
        ("kill-before", "INSERT INTO orderlines", 0, "new"),
        ("kill-before", "INSERT INTO orderlines|COMMIT", 0, "new"),
        ("kill-after", "INSERT INTO orderlines|COMMIT", 1, "same"),
    ],
)
def test_killed_between_reading_a_file_and_moving_it_there_is_one_row(home, how, steps, left, result):
    dies(home, how, steps, "push-orderline", "--workshop", W)
    with closing(open_store(home.var / "integrator.db", backups=home.backups).db) as db:
        assert len(kept(db)) == left
        found = Intake(db, workshops(), lambda: AT).take_files(home.spool / "orderlines", W)
        assert [taken.result for taken in found] == [result]
        assert kept(db) == [(W, "0007", "560", "0005", "5.5")]
        assert names(home.spool / "orderlines" / W / "done") == ["a.json"]
        assert names(home.spool / "orderlines" / W / "taking") == []


# from OilMat ----------------------------------------------------------------------------------------------


def fetched(intake, oilmat):
    return [one for page in fetch(intake, oilmat, W) for one in page]


@pytest.fixture
def oilmat():
    standin = StandIn()
    with serve(standin, port=0) as running:
        http = Http(system="oilmat", base_url=running.url, user_agent="t", timeout_s=5.0)
        with closing(OilMat(http, token=Secret(TOKEN), limit=4)) as client:
            yield standin, client


def test_what_oilmat_offers_is_kept_once_however_often_and_in_whatever_order_it_comes(db, intake, oilmat):
    standin, client = oilmat
    standin.seed({"dispenses": {W: [order(str(number)) for number in range(10)]}})
    standin.seed({"twice": True, "overlap": 1, "disorder": True})
    first = fetched(intake, client)
    assert len([taken for taken in first if taken.result == "new"]) == 10
    assert {taken.result for taken in first} == {"new", "same"}
    assert {line[1] for line in kept(db)} == {str(number) for number in range(10)}
    assert {source for (source,) in rows(db, "orderlines", "source")} == {"pull"}
    standin.seed({"dispenses": {W: [order("10")]}, "twice": False, "overlap": 0})
    assert [taken.unique_id for taken in fetched(intake, client) if taken.result == "new"] == ["10"]
    assert len(kept(db)) == 11


def test_an_item_that_is_no_order_is_refused_and_the_pull_goes_on(db, intake, oilmat):
    standin, client = oilmat
    standin.seed({"dispenses": {W: [order("1"), 7, order("2", case_id=""), order("3", workshop="karls-biler"), SENT]}})
    found = fetched(intake, client)
    assert [taken.result for taken in found] == ["new", "rejected", "bad request", "bad request", "new"]
    assert counters(db)["rejected"] == 1
    assert SECRET.encode() not in db.path.read_bytes()


def test_orders_and_the_cursor_behind_them_are_kept_together_or_not_at_all(tmp_path):
    path = tmp_path / "x.db"
    page = (raw(order("1")), raw(order("2")))
    fails = (failing("io", ["INSERT INTO workshops"]), pytest.raises(sqlite3.OperationalError))
    with fails[0], closing(open_store(path, backups=tmp_path).db) as db, fails[1]:
        Intake(db, workshops(), lambda: AT).take_page(page, W, "c-2")
    with closing(open_store(path, backups=tmp_path).db) as db:
        assert (kept(db), Workshops(db).get(W).cursor) == (NOTHING_KEPT, None)
        intake = Intake(db, workshops(), lambda: AT)
        assert len(intake.take_page(page, W, "c-2")) == 2
        assert (len(kept(db)), Workshops(db).get(W).cursor) == (2, "c-2")


def test_a_pull_that_breaks_off_goes_on_behind_the_last_page_that_was_kept(db, intake):
    asked = []

    class Breaking:
        def pages(self, workshop, after, *, at_most_s):
            asked.append(after)
            yield Page((raw(order("1")),), "c-1", True)
            raise Unavailable("oilmat: cut short")

    with pytest.raises(Unavailable):
        fetched(intake, Breaking())
    assert [line[1] for line in kept(db)] == ["1"]
    with pytest.raises(Unavailable):
        fetched(intake, Breaking())
    assert asked == [None, "c-1"]
    assert len(kept(db)) == 1
