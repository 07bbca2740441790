"""A process that asks about classes again and again: a reader is made once a thread, each answer read on its own."""

import json
import threading

import pytest

from integrator.errors import BadAnswer
from integrator.systems.mapping import Endpoint
from maconomy_calls import NATIVE, SAMPLES, SHIPPED, adapter, outcome, scripted, staged
from rawserver import answer

COURSE = json.loads((SAMPLES / "assumed/course-25172-04.json").read_text(encoding="utf-8"))
PEOPLE = json.loads((SAMPLES / "assumed/participant-25172-04.json").read_text(encoding="utf-8"))


@pytest.fixture
def compiled(monkeypatch):
    """The endpoints that readers were made of, one after the other."""
    names = []
    real = Endpoint.compile

    def counted(self, **how):
        names.append(self.name)
        return real(self, **how)

    monkeypatch.setattr(Endpoint, "compile", counted)
    return names


def answers(*values):
    return [answer(json.dumps(value, ensure_ascii=False).encode()) for value in values]


def test_one_class_after_the_other_is_read_by_one_reader_also_after_a_useless_answer(compiled):
    other = COURSE | {"courseId": "25172-05", "freeSeats": 0, "courseDays": []}
    bad = [COURSE | {"endDate": "31-02-2027"}, COURSE | {"courseDays": {}}, [COURSE, COURSE], "x", {}]
    scripts = [[one] for one in answers(COURSE, *bad, other, COURSE)]
    with scripted(*scripts) as (_, maconomy):
        first = maconomy.course("25172-04")
        assert {type(outcome(maconomy.course, "25172-04")) for _ in bad} == {BadAnswer}
        second = maconomy.course("25172-05")
        assert (second.id, second.seats_free, second.days) == ("25172-05", 0, [])
        assert maconomy.course("25172-04") == first
    assert compiled == ["course"]


def test_each_thread_has_a_reader_of_its_own(compiled):
    found = []
    with staged() as (_, maconomy):
        maconomy.course("25172-04")
        threads = [threading.Thread(target=lambda: found.append(maconomy.course("25172-04"))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [maconomy.course("25172-04")] * 2
    assert compiled == ["course"] * 3


def test_a_name_that_is_gone_from_the_participants_is_missed_although_it_was_in_the_answer_before():
    less = [{name: one[name] for name in one if name != "email"} for one in PEOPLE]
    with scripted(*([one] for one in answers(PEOPLE, less))) as (_, maconomy):
        assert len(maconomy.participants("25172-04")) == 4
        assert outcome(maconomy.participants, "25172-04").code == "changed"


def test_each_mapping_is_read_by_its_own(compiled):
    with staged() as (assumed, first), staged({"dialect": "native-style"}, mapping=NATIVE) as (_, second):
        told = [first.course("25172-04"), second.course("25172-04"), first.course("25172-04")]
        assert told[0] == told[1] == told[2]
        edited = adapter(assumed.url, mapping=SHIPPED)
        assert edited.course("25172-04") == told[0]
        edited.close()
    assert compiled == ["course"] * 3
