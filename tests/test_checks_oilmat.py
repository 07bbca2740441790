"""What `check` finds out about OilMat: whether it answers, and takes our token for every workshop."""

from types import SimpleNamespace

import pytest

from integrator.checks.finding import Finding
from integrator.checks.oilmat import check_oilmat
from integrator.errors import BadAnswer, ConfigError, Refused, Unavailable
from integrator.secret import Secret
from integrator.standins.base import serve
from integrator.standins.oilmat import TOKEN
from integrator.standins.oilmat import OilMat as StandIn
from integrator.systems.http import Http
from integrator.systems.oilmat import OilMat


class Here:
    """One stand-in, and what the check gets to see of a home's settings and clients."""

    def __init__(self, server):
        self.server = server
        self.made = []

    def check(self, *, token=TOKEN, workshops=("bennys-auto", "nord"), base_url=None, on=True):
        self.finding = finding = Finding("oilmat")
        secret = None if token is None else Secret(token)
        table = SimpleNamespace(base_url=base_url, token=secret, limit=200, timeout_s=5.0) if on else None
        http = Http(system="oilmat", base_url=self.server.url, user_agent="t", timeout_s=5.0)
        oilmat = OilMat(http, token=secret)
        self.made.append(oilmat)
        wiring = SimpleNamespace(oilmat=lambda: oilmat if base_url else None)
        settings = SimpleNamespace(oilmat=table, workshops=dict.fromkeys(workshops))
        check_oilmat(finding, wiring, settings)
        return finding

    def tried(self, **how):
        return self.check(base_url=self.server.url, **how)

    def asked(self):
        return [row["target"] for row in self.server.standin.entries()]


@pytest.fixture
def here():
    with serve(StandIn()) as server:
        made = Here(server)
        yield made
        for oilmat in made.made:
            oilmat.close()


def lines(finding):
    return [(line.state, line.what) for line in finding.sorted_lines()]


def test_it_asks_for_one_item_of_every_workshop_and_tells_nothing(here):
    finding = here.tried()
    [(state, what)] = lines(finding)
    assert state == "ok"
    assert what.startswith("answers, and takes our token; dispenses of 2 workshops can be asked for; ")
    assert here.asked() == [f"/api/v1/dispenses?workshop={workshop}&limit=1" for workshop in ("bennys-auto", "nord")]
    assert (finding.facts["workshops"], finding.facts["limit"], finding.facts["seconds"] >= 0) == (2, 200, True)


def test_a_wrong_token_is_refused_and_not_shown(here):
    with pytest.raises(Refused, match=r"oilmat: ask for dispenses of bennys-auto: answered 401$") as caught:
        here.tried(token="another-secret")
    assert "another-secret" not in f"{caught.value!r} {caught.value.hint}"


def test_a_workshop_that_the_token_is_not_for_is_named(here):
    here.server.standin.seed({"workshops": ["bennys-auto"]})
    with pytest.raises(Refused, match=r"oilmat: ask for dispenses of nord: answered 403$"):
        here.tried()


def test_a_page_that_is_none_is_a_bad_answer(here):
    here.server.faults.add({"fault": {"kind": "body", "what": "login"}})
    with pytest.raises(BadAnswer, match="expected JSON, got a page, perhaps a login form"):
        here.tried()


def test_one_that_is_down_is_unavailable(here):
    here.server.stop()
    with pytest.raises(Unavailable, match="no connection"):
        here.tried()


def test_without_an_address_nothing_is_asked_and_it_says_how_orders_come(here):
    [(state, what)] = lines(here.check())
    assert state == "note"
    assert "orderline create and the spool folder" in what
    assert here.asked() == []


def test_without_a_workshop_there_is_nothing_to_ask_for(here):
    assert lines(here.tried(workshops=())) == [("note", "not tried: there is no workshop to ask for")]
    assert here.asked() == []


def test_without_a_token_it_is_asked_as_nobody_and_that_is_told(here):
    with pytest.raises(Refused, match="answered 401"):
        here.tried(token=None)
    assert lines(here.finding) == [("note", "no token: OilMat is asked as nobody")]


def test_a_table_that_is_not_there_is_a_wrong_configuration(here):
    with pytest.raises(ConfigError, match=r"\[oilmat\] is missing"):
        here.check(on=False)
