"""Mails through the outbox: one at a time, never twice by themselves, found in the events after a lost answer."""

import json
from collections import Counter
from contextlib import nullcontext

import pytest

from integrator.database import Database
from integrator.domain.mails import Address, Attachment, Mail
from integrator.effects import Done, Message
from integrator.errors import (
    BadAnswer,
    BadRecord,
    ConfigError,
    Conflict,
    Problem,
    Refused,
    Unavailable,
)
from integrator.runtime.delivery import Delivery, Patience
from integrator.runtime.outbox import Outbox
from integrator.standins.base import serve
from integrator.standins.mailgun import DOMAIN, KEY
from integrator.standins.mailgun import Mailgun as StandIn
from integrator.store import open_store
from integrator.systems.http import Http
from integrator.systems.mailgun import Mailgun, verdict
from rawserver import RawServer, answer

EFFECT = "mailgun.confirmation"
NAME = "order-confirmation:10001:customer"
SETTLE_S = 1800.0


class Clock:
    def __init__(self, at):
        self.now = at

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Office:
    """A stand-in that is served, an adapter that talks to it, and an outbox to send from."""

    def __init__(self, tmp_path):
        self.standin = StandIn()
        self.server = serve(self.standin)
        self.clock = Clock(self.standin.office.now().timestamp())
        self.db: Database = open_store(tmp_path / "integrator.db", backups=tmp_path / "backups").db
        self.outbox = Outbox(self.db, clock=self.clock, run_id=1)
        self.clients: list[Mailgun] = []
        self.mailgun = self.client()

    def client(self, key=KEY, **more):
        def http(key):
            return Http(system="mailgun", base_url=self.server.url, auth=("api", key), user_agent="t", timeout_s=5.0)

        reader = http(more.pop("reader")) if "reader" in more else None
        made = Mailgun(http(key), domain=DOMAIN, from_=f"Kurser <kurser@{DOMAIN}>", reader=reader, **more)
        self.clients.append(made)
        return made

    def queue(self, *keys):
        with self.db.tx():
            for key in keys:
                self.outbox.once(EFFECT, key, {"to": {"name": "Åse Lund", "email": "aase@example.org"}, "n": key})

    def deliver(self, *, resends=False, compose=None, mailgun=None):
        sender = (mailgun or self.mailgun).mails(compose or mail_of, resends=resends, settle_s=SETTLE_S)
        delivery = Delivery(
            self.outbox, EFFECT, sender, Patience(attempts=4), nullcontext, self.clock.sleep, waits=False
        )
        return delivery.run()

    def faulty(self, **fault):
        self.server.faults.add([{"match": {"method": "POST"}, "times": 1, "fault": fault}])

    def rows(self):
        return {
            row["key"]: (row["state"], row["remote_id"], row["reason"])
            for row in self.db.all("SELECT key, state, remote_id, reason FROM outbox ORDER BY id")
        }

    def sent(self):
        return Counter(effect["key"] for effect in self.standin.effects())

    def close(self):
        for client in self.clients:
            client.close()
        self.server.stop()
        self.db.close()


@pytest.fixture
def office(tmp_path):
    made = Office(tmp_path)
    yield made
    made.close()


def mail_of(message):
    to = message.body["to"]
    return Mail(Address(to["email"], to["name"]), f"Tilmelding {message.key}", "Hej", "<p>Hej</p>", tags=("order",))


def message(key=NAME, *, sent_at=1803790000, body=None, number=1):
    body = {"to": {"name": "Åse Lund", "email": "aase@example.org"}} if body is None else body
    return Message(number, EFFECT, key, body, b"", 1, sent_at, None)


def event(key, message_id, *, kind="accepted"):
    return {
        "event": kind,
        "id": f"{kind}-{message_id}",
        "timestamp": 1803790001.5,
        "user-variables": {"ili-key": key} if key else {},
        "message": {"headers": {"message-id": message_id}},
    }


@pytest.fixture
def look_up():
    """Look for a mail in these events; gives back what was found or the error, and the request."""

    def ask(*items, status=200, body=None, of=None):
        with RawServer() as server:
            at = f"{server.url}/v3/mg.example.org/events/x"
            pages = [{"items": items, "paging": {"next": at}}, {"items": [], "paging": {"next": at}}]
            server._scripts = [[answer(body or json.dumps(page).encode(), status=status)] for page in pages]
            http = Http(system="mailgun", base_url=server.url, user_agent="t", timeout_s=5.0)
            mailgun = Mailgun(http, domain="mg.example.org", from_="x@mg.example.org")
            try:
                found = mailgun.mails(mail_of, resends=False).look_up(of or message())
            except Exception as error:
                found = error
            mailgun.close()
            return found, server.requests

    return ask


# looking ------------------------------------------------------------------------------------------


def test_a_mail_with_our_key_is_found_whatever_became_of_it(look_up):
    for kind in ("accepted", "delivered", "failed", "rejected"):
        found, [request, *_] = look_up(event(NAME, "a@mg.example.org", kind=kind))
        assert found == Done("a@mg.example.org", "found")
    assert request.target.startswith("/v3/mg.example.org/events?")
    assert "recipient=aase%40example.org" in request.target
    assert "event=accepted+OR+delivered+OR+failed+OR+rejected&" in request.target
    assert "begin=1803530800&" in request.target


def test_several_events_of_one_mail_are_one_mail(look_up):
    found, _ = look_up(event(NAME, "a@mg.example.org"), event(NAME, "a@mg.example.org", kind="delivered"))
    assert found == Done("a@mg.example.org", "found")


def test_other_mails_to_the_same_person_are_not_ours(look_up):
    others = [event("order-confirmation:10002:customer", "b@mg.example.org"), event(None, "c@mg.example.org")]
    assert look_up(*others)[0] is None
    assert look_up()[0] is None


def test_two_mails_with_our_key_are_a_conflict(look_up):
    error, _ = look_up(event(NAME, "a@mg.example.org"), event(NAME, "b@mg.example.org", kind="delivered"))
    assert type(error) is Conflict
    assert NAME in error.message


@pytest.mark.parametrize("status", [429, 500, 503])
def test_events_that_cannot_be_had_say_nothing(look_up, status):
    assert type(look_up(status=status)[0]) is Unavailable


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_events_we_may_not_read_stop_no_other_mail(look_up, status):
    error, _ = look_up(status=status)
    assert (type(error), error.code) == (BadAnswer, "not_readable")
    assert f"answered {status}" in error.message


@pytest.mark.parametrize("body", [b"[]", b"null", b"<html>", b'{"items": [{}]}'])
def test_events_that_cannot_be_read_are_not_none(look_up, body):
    assert type(look_up(body=body)[0]) is BadAnswer


@pytest.mark.parametrize("body", [[], {}, {"to": None}, {"to": {"email": None}}, {"to": {"email": ""}}])
def test_facts_of_another_shape_are_looked_for_among_everybody(look_up, body):
    found, [request, *_] = look_up(event(NAME, "a@mg.example.org"), of=message(body=body))
    assert found == Done("a@mg.example.org", "found")
    assert "recipient" not in request.target


def test_to_an_address_no_mail_can_go_to_none_has_left(look_up):
    found, requests = look_up(of=message(body={"to": {"email": "åse@example.org"}}))
    assert (found, requests) == (None, [])


# sending ------------------------------------------------------------------------------------------


def test_each_mail_goes_alone_and_only_once(office):
    office.queue("a:1", "a:2", "a:3")
    assert office.deliver().counts == {"sent": 3}
    assert office.deliver().counts == {}
    assert office.sent() == {"a:1": 1, "a:2": 1, "a:3": 1}
    for state, remote_id, _ in office.rows().values():
        assert (state, remote_id.count("@"), "<" in remote_id) == ("completed", 1, False)


LOST = {
    "FIN": {"kind": "close", "when": "after"},
    "RST": {"kind": "reset", "when": "after"},
    "cut": {"kind": "cut", "framing": "length"},
    "cut chunk": {"kind": "cut", "framing": "chunked"},
    "500": {"kind": "status", "status": 500, "when": "after"},
    "502": {"kind": "status", "status": 502, "when": "after"},
    "503": {"kind": "status", "status": 503, "when": "after", "retry_after": 5},
    "504": {"kind": "status", "status": 504, "when": "after"},
    "408": {"kind": "status", "status": 408, "when": "after"},
    "409": {"kind": "status", "status": 409, "when": "after"},
    "302": {"kind": "redirect", "when": "after"},
    "login page": {"kind": "body", "what": "login", "when": "after"},
    "empty": {"kind": "body", "what": "empty", "when": "after"},
    "null": {"kind": "body", "what": "null", "when": "after"},
    "list": {"kind": "body", "what": "list", "when": "after"},
    "bad UTF-8": {"kind": "body", "what": "bad-utf8", "when": "after"},
    "NaN": {"kind": "body", "what": "nan", "when": "after"},
    "DOCTYPE": {"kind": "body", "what": "doctype", "when": "after"},
}


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_is_found_in_the_events_and_not_sent_again(office, fault):
    office.queue(NAME)
    office.faulty(**LOST[fault])
    office.deliver()
    assert office.rows()[NAME][0] == "processing"
    office.clock.now += 60
    assert office.deliver().counts == {"found": 1}
    assert office.sent() == {NAME: 1}
    [(state, remote_id, _)] = office.rows().values()
    assert (state, remote_id) == ("completed", office.standin.effects()[0]["id"])


@pytest.mark.parametrize("resends", [True, False])
def test_events_that_come_late_are_waited_for(office, resends):
    office.standin.seed({"events_after": 2})
    office.queue(NAME)
    office.faulty(kind="reset", when="after")
    office.deliver(resends=resends)
    for _ in range(2):
        office.clock.now += 60
        office.deliver(resends=resends)
        assert office.rows()[NAME][0] == "processing"
    office.clock.now += 60
    assert office.deliver(resends=resends).counts == {"found": 1}
    assert office.sent() == {NAME: 1}


def test_a_mail_that_never_arrived_is_sent_again_after_the_wait_where_twice_does_less_harm(office):
    office.queue(NAME)
    office.faulty(kind="reset", when="before")
    office.deliver(resends=True)
    office.clock.now += SETTLE_S - 60
    assert office.deliver(resends=True).counts == {}
    office.clock.now += 61
    assert office.deliver(resends=True).counts == {"sent": 1}
    assert office.sent() == {NAME: 1}


def test_a_mail_that_never_arrived_waits_for_a_person_where_twice_does_more_harm(office):
    office.queue(NAME)
    office.faulty(kind="reset", when="before")
    office.deliver()
    office.clock.now += SETTLE_S + 1
    office.deliver()
    state, _, reason = office.rows()[NAME]
    assert (state, reason.startswith("held")) == ("failed", True)
    assert office.sent() == {}


def test_a_request_that_the_network_delivered_twice_is_reported(office):
    office.queue(NAME)
    office.faulty(kind="twice")
    office.deliver()
    assert office.sent() == {NAME: 2}
    with pytest.raises(Conflict, match=NAME):
        office.mailgun.mails(mail_of, resends=False).look_up(message(sent_at=int(office.clock.now)))


def test_a_second_mail_that_arrives_after_all_is_reported(office):
    office.queue(NAME)
    office.faulty(kind="reset", when="before")
    office.deliver(resends=True)
    office.clock.now += SETTLE_S + 1
    office.faulty(kind="reset", when="after")
    office.deliver(resends=True)
    office.mailgun.send(mail_of(message()), key=NAME)  # the first request, which the network had kept
    office.clock.now += 60
    tally = office.deliver(resends=True)
    assert office.sent() == {NAME: 2}
    assert list(tally.failed) == [NAME]
    assert office.rows()[NAME][2].startswith("duplicate")


def test_a_refused_mail_fails_alone(office):
    def compose(message):
        mail = mail_of(message)
        return Mail(Address("åse@example.org"), "x", "x", "x") if message.key == "a:1" else mail

    office.queue("a:1", "a:2")
    tally = office.deliver(compose=compose)
    assert (tally.counts, list(tally.failed)) == ({"sent": 1}, ["a:1"])
    assert office.sent() == {"a:2": 1}


def test_facts_no_mail_can_be_made_of_fail_alone(office):
    def compose(message):
        if message.key == "a:1":
            raise BadRecord("a:1: has no title", code="no_title")
        return mail_of(message)

    office.queue("a:1", "a:2")
    assert list(office.deliver(compose=compose).failed) == ["a:1"]
    assert office.sent() == {"a:2": 1}


def test_a_broken_template_leaves_no_mail_in_doubt(office):
    def compose(message):
        raise ConfigError([Problem("config/templates/order.da.txt", "line 3: unexpected end")])

    office.queue("a:1")
    with pytest.raises(ConfigError):
        office.deliver(compose=compose)
    assert office.rows()["a:1"][0] == "received"
    office.deliver()
    assert office.sent() == {"a:1": 1}


@pytest.mark.parametrize(
    "seed", [{"keys": {"another": "account"}}, {"disabled": True}, {"domain": "other.example.org"}]
)
def test_a_no_to_all_stops_at_the_first_and_uses_up_nothing(office, seed):
    office.standin.seed(seed)
    office.queue("a:1", "a:2")
    with pytest.raises(Refused):
        office.deliver()
    assert {state for state, _, _ in office.rows().values()} == {"received"}
    assert office.db.value("SELECT max(attempts) FROM outbox") == 0
    assert len(office.standin.entries(method="POST")) == 1


def test_too_fast_waits_as_long_as_the_text_says(office):
    office.standin.seed({"throttle": {"times": 1, "seconds": 700}})
    office.queue("a:1")
    with pytest.raises(Unavailable) as caught:
        office.deliver()
    assert caught.value.retry_after_s == 700
    assert office.db.value("SELECT next_at FROM outbox") >= office.clock.now + 699
    office.clock.now += 700
    assert office.deliver().counts == {"sent": 1}


def test_a_key_that_only_sends_sends_and_another_one_looks(office):
    office.standin.seed({"keys": {"sends": "sending", "reads": "account"}})
    two, alone = office.client("sends", reader="reads"), office.client("sends")
    two.check()
    with pytest.raises(Refused):
        alone.check()
    office.queue("a:1")
    office.faulty(kind="reset", when="after")
    office.deliver(mailgun=alone)
    office.queue("a:2")
    office.clock.now += 60
    tally = office.deliver(mailgun=alone)
    assert (tally.counts, list(tally.waiting)) == ({"sent": 1}, ["a:1"])
    office.clock.now += 60
    assert office.deliver(mailgun=two).counts == {"found": 1}
    assert office.sent() == {"a:1": 1, "a:2": 1}


def test_what_became_of_every_mail_is_told_once_and_in_order(office):
    office.standin.seed(
        {"suppressed": {"b@example.org": "bounce"}, "bouncing": ["c@example.org"], "events_twice": True}
    )
    for name in "abc":
        office.mailgun.send(Mail(Address(f"{name}@example.org"), "x", "x", "<p>x</p>"), key=f"k:{name}")
    events = list(office.mailgun.events(office.clock.now - 60, office.clock.now + 3600))
    assert [event.at for event in events] == sorted(event.at for event in events)
    said = {event.key: verdict(event) for event in events if verdict(event)[0]}
    assert said["k:a"][0] == "delivered"
    assert said["k:b"] == ("failed", "suppress-bounce")
    assert (said["k:c"][0], said["k:c"][1].isdigit()) == ("failed", True)
    assert len({event.id for event in events}) == len(events)


# a plan -------------------------------------------------------------------------------------------


def test_a_plan_shows_the_subject_and_nobody(office):
    def compose(message):
        mail = mail_of(message)
        return Mail(mail.to, mail.subject, "hemmeligt", "", (Attachment("liste.xlsx", "x/y", b"hemmeligt"),))

    shown = office.mailgun.mails(compose, resends=False).preview(message())
    assert (shown.action, shown.key, shown.title) == ("send", NAME, f"Tilmelding {NAME}")
    assert shown.fields == [("to", None, "1 recipient"), ("attachments", None, ["liste.xlsx"])]
    assert "aase" not in repr(shown)
    assert "hemmeligt" not in repr(shown)
    assert office.standin.entries() == []


def test_a_plan_says_why_a_mail_cannot_be_made(office):
    def compose(message):
        raise BadRecord("it has no title", code="no_title")

    shown = office.mailgun.mails(compose, resends=False).preview(message())
    assert (shown.action, shown.reason) == ("reject", "it has no title")
