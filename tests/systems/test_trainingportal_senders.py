"""Classes, statuses and documents through the outbox to a stand-in: what is there in the end, whatever is lost."""

from contextlib import nullcontext

import msgspec
import pytest

from integrator.domain.portal import CLASS, DOCUMENT, STATUS, Address, ClassFacts, PortalClass, status_message
from integrator.errors import BadAnswer, Refused, Unavailable
from integrator.runtime.delivery import Delivery, Patience
from integrator.runtime.outbox import Outbox
from integrator.secret import Secret
from integrator.standins.base import serve
from integrator.standins.trainingportal import BASE, PASSWORD, USERNAME
from integrator.standins.trainingportal import Trainingportal as StandIn
from integrator.store import open_store
from integrator.systems.http import Http
from integrator.systems.trainingportal import Trainingportal
from portal_options import assumed
from rawserver import RESET, UNREAD, RawServer, answer

START = 1_803_888_000.0
SETTLE_S = 60.0
COURSE, KEY, REFERENCE = "GSK-4D", "25172-04", "TP-AAAA"
FACTS = ClassFacts(
    course_id=COURSE,
    class_id=KEY,
    location="Bergen, Laksevåg",
    seats=12,
    enrollment_deadline="2027-03-01",
    cancellation_deadline="2027-02-22",
    start_date="2027-03-12",
    start_time="08:00",
    end_date="2027-03-15",
    end_time="15:30",
    address=Address("Øvingsveien 4", "", "Bergen", "5161", "Norway"),
    currency="NOK",
    price_minor=1_490_000,
)
PDF = b"%PDF-1.7\n" + "æøå".encode() * 50


class Side:
    """A stand-in that is served, an adapter that talks to it, and an outbox to send from."""

    def __init__(self, tmp_path):
        self.standin = StandIn()
        self.server = serve(self.standin)
        self.now = START
        self.slept = 0.0
        self.db = open_store(tmp_path / "integrator.db", backups=tmp_path / "backups").db
        self.outbox = Outbox(self.db, clock=lambda: self.now, run_id=1)
        self.made = []
        self.portal = self.client()

    def client(self, url=None, password=PASSWORD, **options):
        http = Http(system="trainingportal", base_url=url or f"{self.server.url}{BASE}", user_agent="t", timeout_s=5.0)
        made = Trainingportal(http, username=USERNAME, password=Secret(password), options=assumed(**options))
        self.made.append(made)
        return made

    def want(self, facts, class_id=KEY, course_id=COURSE):
        told = None if facts is None else msgspec.to_builtins(facts)
        body = {"class_id": class_id, "course_id": course_id, "wanted": "published" if told else "cancelled"}
        with self.db.tx():
            self.outbox.latest(CLASS, class_id, {**body, "facts": told})

    def there(self):
        return {one.class_id: one for one in self.portal.classes(COURSE)}

    def publish(self, facts=None, *, ours=None, portal=None, there=None, **more):
        """Queue, pull and deliver, as a run does."""
        if facts is not None or more:
            self.want(facts, **more)
        pulled = self.there() if there is None else there
        return self.run(CLASS, (portal or self.portal).class_sender(pulled, ours or {}))

    def cancel(self):
        self.want(None)
        return self.run(CLASS, self.portal.class_sender(self.there(), {}))

    def tell(self, status, on=None, *, version=1, portal=None, reference=REFERENCE):
        with self.db.tx():
            self.outbox.latest(STATUS, reference, status_message(reference, status, on, version))
        return self.run(STATUS, (portal or self.portal).status_sender())

    def upload(self, *, reference=REFERENCE, portal=None):
        key = f"{reference}:{'ab' * 8}"
        with self.db.tx():
            self.outbox.once(DOCUMENT, key, {"reference": reference, "name": "a.pdf", "sha256": "ab", "kind": "file"})
        return self.documents(portal=portal)

    def documents(self, portal=None):
        return self.run(DOCUMENT, (portal or self.portal).document_sender(lambda message: PDF))

    def run(self, effect, sender):
        self.kept = []
        delivery = Delivery(
            self.outbox, effect, sender, Patience(attempts=4), nullcontext, self.sleep,
            keep=lambda message, done: self.kept.append(done),
        )  # fmt: skip
        return delivery.run()

    def sleep(self, seconds):
        self.now += seconds
        self.slept += seconds

    def fault(self, path, *, times=1, **fault):
        self.server.faults.add([{"match": {"path": f".*{path}"}, "times": times, "fault": fault}])

    def rows(self):
        return {row["key"]: row["state"] for row in self.db.all("SELECT key, state FROM outbox ORDER BY id")}

    def effects(self):
        return [
            (one["action"], one.get("changed"), one.get("send"))
            for one in self.standin.effects()
            if one["kind"] == "class"
        ]

    def booking(self):
        [found] = self.standin.state()["bookings"]
        return found

    def close(self):
        for portal in self.made:
            portal.close()
        self.server.stop()
        self.db.close()


@pytest.fixture
def side(tmp_path):
    made = Side(tmp_path)
    made.standin.seed({"bookings": [{"reference": REFERENCE, "class": KEY}], "asked_by": "both"})
    yield made
    made.close()


def changed(**values):
    return msgspec.structs.replace(FACTS, **values)


# classes --------------------------------------------------------------------------------------------------


def test_a_class_is_added_then_only_changed_then_left_alone(side):
    assert side.publish(FACTS).counts == {"added": 1}
    assert side.publish(changed(seats=11)).counts == {"seats": 1}
    assert side.publish(changed(seats=11, start_time="09:00")).counts == {"updated": 1}
    side.want(changed(seats=11, start_time="09:00"))
    assert side.publish().counts == {"unchanged": 1}
    (added, _, told), *rest = side.effects()
    assert (added, told) == ("add", True)
    assert rest == [("update", {"availableSeats": 11}, False), ("update", {"startTime": "09:00"}, True)]


def test_what_it_keeps_is_remembered_as_it_says_it(side):
    side.publish(FACTS)
    [done] = side.kept
    assert (done.remote_id, done.memory) == (KEY, msgspec.to_builtins(FACTS))
    side.cancel()
    assert side.kept[0].memory is None


def test_a_cancelled_class_without_students_is_gone_and_is_added_again(side):
    side.standin.seed({"bookings": [{"reference": REFERENCE, "class": "another"}]})
    side.publish(FACTS)
    assert side.cancel().counts == {"cancelled": 1}
    assert side.there() == {}
    assert side.publish(FACTS, ours={KEY: "cancelled"}).counts == {"added": 1}
    assert [action for action, *_ in side.effects()] == ["add", "cancel", "add"]


@pytest.mark.parametrize("listed", [True, False])
def test_a_cancelled_class_with_students_is_restored_and_then_brought_up_to_date(side, listed):
    side.standin.seed({"list_cancelled": listed})
    side.publish(FACTS)
    side.cancel()
    assert (KEY in side.there()) is listed
    assert side.publish(changed(seats=4), ours={KEY: "cancelled"}).counts == {"restored": 1}
    assert [action for action, *_ in side.effects()] == ["add", "cancel", "restore", "update"]
    assert side.there()[KEY].seats == 4


def test_a_class_that_is_cancelled_there_already_is_not_cancelled_again(side):
    side.publish(FACTS)
    side.cancel()
    assert side.cancel().counts == {"unchanged": 1}
    side.standin.seed({"forget_classes": [KEY]})
    assert side.cancel().counts == {"cancelled": 1}  # whatever made it go: it is not there
    assert [action for action, *_ in side.effects()] == ["add", "cancel"]


def test_a_class_that_is_published_after_all_is_not_restored_but_changed(side):
    side.publish(FACTS)
    assert side.publish(changed(seats=2), ours={KEY: "cancelled"}, there={}).counts == {"seats": 1}
    assert side.there()[KEY].seats == 2
    assert "restore" not in [action for action, *_ in side.effects()]


def test_a_class_that_is_there_already_is_changed_instead_of_added(side):
    side.publish(FACTS)
    assert side.publish(changed(seats=3), there={}).counts == {"seats": 1}
    assert [action for action, *_ in side.effects()] == ["add", "update"]


def test_a_class_that_is_there_already_fails_when_the_settings_say_so(side):
    side.publish(FACTS)
    tally = side.publish(changed(seats=3), there={}, portal=side.client(on_duplicate="fail"))
    assert tally.failed[KEY].endswith("it is there already")
    assert side.there()[KEY].seats == 12


def test_a_class_that_waits_cancelled_is_restored_when_it_is_added(side):
    side.publish(FACTS)
    side.cancel()
    assert side.publish(changed(seats=3), there={}).counts == {"restored": 1}
    assert side.there()[KEY] == PortalClass(
        **{name: getattr(changed(seats=3), name) for name in FACTS.__struct_fields__}
    )


def test_a_class_that_went_since_the_list_was_read_is_added(side):
    side.publish(FACTS)
    there = side.there()
    side.standin.seed({"forget_classes": [KEY]})
    assert side.publish(changed(seats=3), there=there).counts == {"added": 1}


def test_a_class_that_is_not_taken_fails_with_the_reason_and_the_next_one_is_added(side):
    side.want(changed(class_id="25172-05", end_date="2027-03-01"), class_id="25172-05")
    tally = side.publish(FACTS)
    assert tally.counts == {"added": 1}
    assert "25172-05" in tally.failed
    assert side.rows() == {"25172-05": "failed", KEY: "completed"}


LOST = [
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "reset"},
    {"kind": "body", "what": "login", "when": "after"},
    {"kind": "body", "what": "null", "when": "after"},
]


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_a_lost_answer_is_looked_up_and_nothing_is_sent_twice(side, fault):
    side.fault("/add", **fault)
    assert side.publish(FACTS).counts == {}
    assert side.publish(there={}).counts == {"found": 1}
    assert [action for action, *_ in side.effects()] == ["add"]
    assert side.kept[0].memory == msgspec.to_builtins(FACTS)


def test_a_lost_request_is_sent_again_only_after_it_cannot_arrive_any_more(side):
    side.fault("/update", kind="status", status=500, when="before")
    side.publish(FACTS)
    side.publish(changed(seats=3))
    assert side.slept == 0
    assert side.publish().counts == {"seats": 1}
    assert (side.slept, side.there()[KEY].seats) == (SETTLE_S, 3)


def test_a_lost_cancellation_is_looked_up(side):
    side.publish(FACTS)
    side.fault(f"/cancel/{KEY}", kind="reset")
    side.cancel()
    assert side.publish().counts == {"found": 1}
    assert [action for action, *_ in side.effects()] == ["add", "cancel"]


def test_while_the_list_cannot_be_read_nothing_is_sent_again(side):
    side.fault("/add", kind="reset")
    side.publish(FACTS)
    side.fault("/courseClasses/get", kind="status", status=404)
    side.now += 3600
    tally = side.publish(there={})
    assert tally.waiting[KEY] == "outcome unknown, and looking it up failed"
    assert side.publish(there={}).counts == {"found": 1}
    assert [action for action, *_ in side.effects()] == ["add"]


def test_a_wrong_password_stops_the_run_and_uses_up_no_attempt(side):
    side.want(FACTS)
    with pytest.raises(Refused, match="it is our login"):
        side.publish(there={}, portal=side.client(password="other"))
    assert side.rows() == {KEY: "received"}
    assert side.db.value("SELECT attempts FROM outbox") == 0


def test_a_preview_says_what_would_be_sent_and_asks_nobody(side):
    side.want(changed(seats=3))
    [message] = side.outbox.due(CLASS)
    calls = len(side.standin.entries())
    there = {KEY: PortalClass(**{name: getattr(FACTS, name) for name in FACTS.__struct_fields__})}
    preview = side.portal.class_sender(there, {}).preview(message)
    assert (preview.action, preview.fields) == ("update", [("seats", 12, 3)])
    assert side.portal.class_sender({}, {}).preview(message).action == "add"
    assert side.portal.class_sender({}, {KEY: "cancelled"}).preview(message).action == "restore"
    assert len(side.standin.entries()) == calls


def restoring(*scripts):
    return RawServer(*([answer(text.encode(), status=status)] for status, text in scripts))


def test_a_restored_class_that_stays_cancelled_is_for_a_person(side):
    cancelled = f'{{"externalId": "{KEY}", "cancelled": true}}'
    with restoring((200, '{"sucessful": true}'), (200, cancelled)) as server:
        there = {KEY: PortalClass(KEY, COURSE, cancelled=True)}
        tally = side.publish(FACTS, portal=side.client(server.url), there=there)
        assert tally.failed[KEY].endswith("is cancelled there, also after it was restored")


def test_an_update_that_finds_it_cancelled_restores_it(side):
    cancelled, fine = (f'{{"externalId": "{KEY}", "cancelled": {flag}}}' for flag in ('"true"', '"false"'))
    there = {KEY: PortalClass(KEY, COURSE, seats=9)}
    with restoring((200, cancelled), (200, '{"sucessful": true}'), (200, fine)) as server:
        tally = side.publish(FACTS, portal=side.client(server.url), there=there)
        assert [one.target.rpartition("courseClasses/")[2] for one in server.requests] == [
            "update", f"restore/{KEY}", "update",
        ]  # fmt: skip
    assert tally.counts == {"restored": 1}


def test_a_class_that_is_cancelled_and_published_at_once_there_is_for_a_person(side):
    """Whatever it says in turn, this ends."""
    cancelled, no = f'{{"externalId": "{KEY}", "cancelled": true}}', '{"sucessful": false}'
    there = {KEY: PortalClass(KEY, COURSE, seats=9)}
    with restoring((200, cancelled), (409, no), (200, cancelled)) as server:
        tally = side.publish(FACTS, portal=side.client(server.url), there=there)
        assert len(server.requests) == 3
    assert tally.failed[KEY].endswith("is cancelled there, also after it was restored")


def test_an_update_refused_since_it_was_cancelled_restores_it(side):
    side.publish(FACTS)
    there = side.there()
    side.cancel()
    side.fault("/update", kind="status", status=400)
    assert side.publish(changed(seats=3), there=there).counts == {"restored": 1}
    assert (side.there()[KEY].seats, side.there()[KEY].cancelled) == (3, False)


EXAMPLES = {"class-restore-not-found.assumed": 404, "class-restore-already-published.assumed": 409}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_assumed_bodies_of_a_restoration_that_is_none_do_not_matter(side, name, request):
    body = (request.path.parents[1] / "samples" / "trainingportal" / f"{name}.json").read_text(encoding="utf-8")
    fine, listed = f'{{"externalId": "{KEY}"}}', f'[{{"externalId": "{KEY}", "availableSeats": 1}}]'
    # 404: added anew; 409: looked at, and changed.
    scripts = [(EXAMPLES[name], body)] + ([(200, fine)] if EXAMPLES[name] == 404 else [(200, listed), (200, fine)])
    with restoring(*scripts) as server:
        tally = side.publish(FACTS, portal=side.client(server.url), there={}, ours={KEY: "cancelled"})
        assert tally.counts == {"added" if EXAMPLES[name] == 404 else "updated": 1}
        assert len(server.requests) == len(scripts)


# statuses ---------------------------------------------------------------------------------------------------


def test_a_status_is_told_and_the_newest_stays(side):
    assert side.tell("NO_SHOW").counts == {"told": 1}
    assert side.tell("COMPLETED", "2027-03-15", version=2).counts == {"told": 1}
    assert (side.booking()["status"], side.booking()["completed_on"]) == ("COMPLETED", "2027-03-15")


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_a_status_whose_answer_got_lost_is_looked_up(side, fault):
    side.fault(f"/update/{REFERENCE}", **fault)
    side.tell("NO_SHOW")
    assert side.run(STATUS, side.portal.status_sender()).counts == {"found": 1}
    assert [one["status"] for one in side.booking()["statuses"]] == ["NO_SHOW"]


def test_a_lost_correction_of_a_date_is_told_again_since_the_date_cannot_be_seen(side):
    side.tell("COMPLETED", "2027-03-15")
    side.fault(f"/update/{REFERENCE}", kind="status", status=500, when="before")
    side.tell("COMPLETED", "2027-03-16", version=2)
    assert side.run(STATUS, side.portal.status_sender()).counts == {"told": 1}
    assert (side.slept, side.booking()["completed_on"]) == (SETTLE_S, "2027-03-16")


def test_a_status_of_an_unknown_booking_fails_and_holds_up_no_other(side):
    with side.db.tx():
        side.outbox.latest(STATUS, "TP-NONE", status_message("TP-NONE", "FAILED", None, 1))
    tally = side.tell("FAILED")
    assert tally.counts == {"told": 1}
    assert tally.failed["TP-NONE"].endswith("Booking does not exist")


def test_a_status_is_not_taken_for_told_while_that_cannot_be_seen(side):
    side.fault(f"/update/{REFERENCE}", kind="reset")
    side.tell("FAILED")
    [message] = side.outbox.in_doubt(STATUS)
    with pytest.raises(BadAnswer, match="cannot tell whether the status arrived"):
        side.client(password="other").status_sender().look_up(message)
    side.fault(f"/get/{REFERENCE}", kind="status", status=503)
    with pytest.raises(Unavailable):
        side.portal.status_sender().look_up(message)


# documents --------------------------------------------------------------------------------------------------


def test_a_document_is_uploaded_once(side):
    assert side.upload().counts == {"uploaded": 1}
    assert side.upload().counts == {}
    [found] = side.booking()["documents"]
    assert (found["name"], found["size"]) == ("a.pdf", len(PDF))


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_a_document_that_may_have_arrived_waits_for_a_person(side, fault):
    side.fault(f"/uploadDocumentation/{REFERENCE}", **fault)
    side.upload()
    side.now += 3600
    tally = side.documents()
    held = tally.failed[f"{REFERENCE}:{'ab' * 8}"]
    [[number]] = side.db.all("SELECT id FROM outbox WHERE state = 'failed'")
    assert held.startswith("held: it may have arrived")
    assert f"is it in: integrator outbox drop {number};" in held
    assert held.endswith(f"is it not: integrator outbox retry {number} --without-looking")
    assert len(side.booking()["documents"]) == 1


def test_a_document_of_a_run_that_was_killed_is_held_and_brought_back_not_sent_unseen(side):
    side.fault(f"/uploadDocumentation/{REFERENCE}", **LOST[0])
    side.upload()
    side.db.write("UPDATE outbox SET uncertain_since = NULL")  # the run ended before it wrote down its doubt
    side.now += 3600
    side.documents()
    [[number]] = side.db.all("SELECT id FROM outbox WHERE state = 'failed'")
    assert side.outbox.retry(number) == "processing"
    side.now += 3600
    assert list(side.documents().failed) == [f"{REFERENCE}:{'ab' * 8}"]
    assert len(side.booking()["documents"]) == 1


def test_a_document_that_was_cut_on_its_way_is_sent_again_by_itself(side):
    def some(server, sock):
        return bool(sock.recv(100_000))

    with side.db.tx():
        for reference in (REFERENCE, "TP-BBBB"):
            body = {"reference": reference, "name": "a.pdf", "sha256": "ab", "kind": "file"}
            side.outbox.once(DOCUMENT, reference, body)
    large = PDF + b"x" * 20_000_000
    yes = answer(b'{"sucessful": "true"}')
    with RawServer([UNREAD, some, RESET], [yes]) as server:
        portal = side.client(server.url, upload_max_bytes=50_000_000)
        sender = portal.document_sender(lambda message: large if message.key == REFERENCE else PDF)
        tally = side.run(DOCUMENT, sender)
        assert "they never had the whole request" in tally.waiting[REFERENCE]
        assert (tally.counts, side.rows()) == ({"uploaded": 1}, {REFERENCE: "received", "TP-BBBB": "completed"})
    side.now += 60
    assert side.documents().counts == {"uploaded": 1}
    assert side.slept == 0
