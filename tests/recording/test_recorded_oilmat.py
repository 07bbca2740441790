"""What of OilMat's traffic stays in a recording."""

import json
import re

from integrator.recording.madeup import MadeUp
from integrator.recording.scrub import Exchange, Scrubber, System
from integrator.systems.oilmat import recordable
from oilmat_calls import W


def through(path, value, *, sent=None, status=200):
    exchange = Exchange(
        "GET" if sent is None else "POST",
        f"https://oilmat.firm.example{path}",
        sent=b"" if sent is None else json.dumps(sent).encode(),
        status=status,
        headers={"content-type": ["application/json"]},
        body=b"" if value is None else json.dumps(value).encode(),
    )
    allows = recordable.recordable()
    [kept] = Scrubber([System("oilmat", "https://oilmat.firm.example", allows)], MadeUp()).scrubbed([exchange])
    return kept


def test_an_order_stays_in_a_recording_and_logins_and_unknown_fields_do_not():
    order = {"workshop": W, "case_id": "560", "product_nr": "OL-0530", "product_amount": "5,5", "unique_id": "0007"}
    more = {"username": "benny@firm.example", "password": "hunter2", "mechanic": "Åse Lund"}
    page = {"items": [order | more], "next": "b2", "more": False}
    kept = through(f"/api/v1/dispenses?workshop={W}&after=xyz&limit=200", page)
    [item] = json.loads(kept.body)["items"]
    assert {name: item[name] for name in order} == order
    assert (json.loads(kept.body)["next"], json.loads(kept.body)["more"]) == ("b2", False)
    assert not re.search("benny@|hunter2|Lund|xyz", kept.body.decode() + kept.url)
    assert f"workshop={W}" in kept.url


def test_a_status_stays_in_a_recording():
    sent = {"workshop": W, "status": "bad request", "reason": "sag lukket", "updated_at": "2027-03-01T08:00:00Z"}
    kept = through("/api/v1/dispenses/0007/status", None, sent=sent | {"password": "hunter2"}, status=204)
    found = json.loads(kept.sent)
    assert {name: found[name] for name in sent} == sent
    assert found["password"] != "hunter2"
    assert kept.url.endswith("/api/v1/dispenses/0007/status")
