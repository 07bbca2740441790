"""Who is let in, from where, how often; and that a flood is cheap and told nobody's address."""

import os
import sqlite3
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from doors import CLASS, OILMAT_KEY, TOKEN, WEBSITE_KEY, Doors

from integrator.errors import ConfigError
from integrator.gateway import limiter, scratch
from integrator.gateway.callers import address_of, house_of, networks
from integrator.gateway.limiter import MOST_ROWS, Limiter
from integrator.gateway.scratch import Scratch

ORDER = {"class_id": CLASS, "key": "k"}
PORTAL = f"/trainingportal/{TOKEN}/reserve"


def test_missing_wrong_and_somebody_elses_key_are_answered_alike(here: Doors) -> None:
    here.configure(gateway="rate_per_minute = 100_000")
    order = here.order()
    keys: list[dict[str, str]] = [
        {},
        {"X-Api-Key": ""},
        {"X-Api-Key": WEBSITE_KEY[:-1]},
        {"X-Api-Key": WEBSITE_KEY + " x"},
        {"X-Api-Key": OILMAT_KEY},
        {"X-Api-Key": "\xe6\xf8\xe5"},
        {"Authorization": f"Bearer {WEBSITE_KEY}"},
    ]
    paths = [("GET", f"/api/orders/{order}"), ("GET", "/api/orders/10999"), ("POST", f"/api/orders/{order}/cancel")]
    answers = [here.ask(method, path, headers=key) for key in keys for method, path in paths]
    answers += [here.ask("GET", f"/api/orders/{order}?key={WEBSITE_KEY}")]
    answers += [here.oilmat("GET", f"{shop}/queue?type=task", key=WEBSITE_KEY) for shop in ("nord", "nobody")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'ApiKey realm="integrator"'}
    assert here.website("GET", f"/api/orders/{order}").json["state"] == "reserved"


def test_a_caller_without_a_secret_is_off(here: Doors) -> None:
    here.configure(keys="")
    for key in ("", "None", "***", WEBSITE_KEY):
        assert here.website("POST", "/api/orders", key=key, json=ORDER).status_code == 401
        assert here.oilmat("PUT", "nord/kill", key=key).status_code == 401
    assert here.ask("GET", PORTAL).status_code == 401
    assert here.ask("GET", "/trainingportal/None/reserve").status_code == 401
    assert here.ask("GET", "/trainingportal/reserve?timestamp=1&signature=x").status_code == 401
    assert not (here.home / "var" / "integrator.db").exists()


def test_one_who_is_not_let_in_is_not_even_read(here: Doors) -> None:
    answer = here.website("POST", "/api/orders", key="x", data=b"x" * 2_000_000, headers={"Content-Type": "text/x"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('website_key = { command = ["echo", "short"] }', "website_key: can be guessed"),
        ('trainingportal_token = { command = ["echo", "with/a/slash/in/the/middle"] }', "is a part of an address"),
        ('trainingportal_ips = ["999.1.1.1"]', "trainingportal_ips: expected addresses"),
        ('trusted_proxies = ["999.1.1.1"]', "trusted_proxies: expected addresses"),
        ("trusted_proxies = 1", "trusted_proxies"),
        ('website_key = { command = ["echo", "a-slash-nøgle-with-æøå"] }', "website_key: cannot be sent as it is"),
        (
            'website_key = { env = "WEBSITE_KEY" }\noilmat_key = { env = "WEBSITE_KEY" }',
            "oilmat_key: is the same as website_key",
        ),
    ],
)
def test_a_home_whose_doors_do_not_close_is_not_served(here: Doors, lines: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        here.configure(keys=f"{lines}\n")
    assert "short" not in str(caught.value)
    assert "slash" not in str(caught.value)
    assert WEBSITE_KEY not in str(caught.value)


# from where ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "found"),
    [
        ([], "192.0.2.1", None, "192.0.2.1"),
        ([], "127.0.0.1", "203.0.113.9", "127.0.0.1"),  # anybody can write that
        (["127.0.0.1"], "192.0.2.1", "203.0.113.9", "192.0.2.1"),  # and who comes past the proxy did
        (["127.0.0.1"], "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        (["127.0.0.1"], "127.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        (["127.0.0.1", "203.0.113.0/24"], "127.0.0.1", "1.1.1.1, 198.51.100.7, 203.0.113.9", "198.51.100.7"),
        (["127.0.0.1", "203.0.113.0/24"], "127.0.0.1", "198.51.100.7", "198.51.100.7"),  # it came past one of them
        (["127.0.0.1"], "::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        (["::ffff:127.0.0.1"], "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        (["127.0.0.1"], "127.0.0.1", None, "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", ", ,", "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        (["127.0.0.1"], "127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        (["127.0.0.1"], "127.0.0.1", "2001:db8::1", "2001:db8::1"),
        (["127.0.0.1"], "127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        (["127.0.0.1"], "127.0.0.1", "unknown", None),
        (["127.0.0.1"], "127.0.0.1", "203.0.113.9, _hidden", None),
        ([], "", None, None),  # a local socket
    ],
)
def test_an_address_is_believed_from_our_own_proxies_only(
    proxies: list[str], peer: str, forwarded: str | None, found: str | None
) -> None:
    environ = {"REMOTE_ADDR": peer} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
    address = address_of(environ, proxies=networks(proxies, key="trusted_proxies"))
    assert (None if address is None else str(address)) == found


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("203.0.113.9", None, 200),
        ("198.51.100.77", None, 200),
        ("192.0.2.1", None, 401),
        ("192.0.2.1", "203.0.113.9", 401),
        ("", None, 401),
        ("2001:db8::1", None, 401),
        ("192.0.0.7", None, 200),  # of a network that is written as IPv6
    ],
)
def test_the_addresses_of_trainingportal_are_a_second_fence(
    here: Doors, peer: str, forwarded: str | None, status: int
) -> None:
    here.configure(gateway='trainingportal_ips = ["203.0.113.9", "198.51.100.0/24", "::ffff:192.0.0.0/120"]')
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    answer = here.ask(
        "GET", f"{PORTAL}?courseClassExternalId={CLASS}", headers=headers, environ_overrides={"REMOTE_ADDR": peer}
    )
    assert answer.status_code == status
    wrong = here.ask("GET", "/trainingportal/x/reserve", environ_overrides={"REMOTE_ADDR": peer})
    assert wrong.status_code == 401
    assert status == 200 or answer.json == wrong.json
    assert here.website("POST", "/api/orders", json=ORDER, environ_overrides={"REMOTE_ADDR": peer}).status_code == 201


def test_behind_a_proxy_of_ours_the_fence_looks_at_what_it_says(here: Doors) -> None:
    here.configure(gateway='trainingportal_ips = ["203.0.113.9"]\ntrusted_proxies = ["127.0.0.1"]')
    path = f"{PORTAL}?courseClassExternalId={CLASS}"
    assert here.ask("GET", path, headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.9"}).status_code == 200
    assert here.ask("GET", path, headers={"X-Forwarded-For": "203.0.113.9, 1.2.3.4"}).status_code == 401
    assert here.ask("GET", path).status_code == 401


# how often ----------------------------------------------------------------------------------------------------------


def codes(answers: Iterable[Any]) -> dict[int, int]:
    found: dict[int, int] = {}
    for answer in answers:
        found[answer.status_code] = found.get(answer.status_code, 0) + 1
    return found


def test_ten_thousand_requests_from_one_address_are_refused_without_any_work(
    here: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = here.order()
    client, headers = here.app.test_client(), {"X-Api-Key": WEBSITE_KEY}
    here.now += 600
    assert codes(client.get(f"/api/orders/{order}", headers=headers) for _ in range(610)) == {200: 600, 429: 10}
    monkeypatch.setattr("integrator.desk.open_store", lambda *_, **__: pytest.fail("the store was opened"))
    file = here.home / "var" / "gateway.db"
    before = file.stat().st_mtime_ns, file.stat().st_size
    answers = [client.get(f"/api/orders/{order}", headers=headers) for _ in range(10_000)]
    assert codes(answers) == {429: 10_000}
    assert (file.stat().st_mtime_ns, file.stat().st_size) == before
    told = answers[-1]
    assert (told.json["code"], told.headers["Content-Type"]) == ("too_many", "application/problem+json")
    here.now += int(told.headers["Retry-After"])
    monkeypatch.undo()
    assert client.get(f"/api/orders/{order}", headers=headers).status_code == 200


def test_others_are_not_held_up_by_one_who_asks_too_often(here: Doors) -> None:
    flood = [here.ask("GET", "/nowhere", environ_overrides={"REMOTE_ADDR": "203.0.113.9"}) for _ in range(610)]
    assert codes(flood) == {404: 600, 429: 10}
    assert here.ask("GET", "/nowhere", environ_overrides={"REMOTE_ADDR": "203.0.113.10"}).status_code == 404
    for number in range(610):
        house = f"2001:db8:0:1::{number:x}"
        answer = here.ask("GET", "/nowhere", environ_overrides={"REMOTE_ADDR": house})
    assert answer.status_code == 429  # a house of IPv6 is one caller
    assert here.ask("GET", "/nowhere", environ_overrides={"REMOTE_ADDR": "2001:db8:0:2::1"}).status_code == 404


def test_a_wrong_key_counts_as_ten_requests(here: Doors) -> None:
    found = [here.website("GET", "/api/orders/10001", key=f"guess-{number}") for number in range(70)]
    assert codes(found) == {401: 60, 429: 10}
    assert here.website("GET", "/api/orders/10001", key="guess").status_code == 429
    here.now += 130
    assert here.website("GET", "/api/orders/10001", key="guess").status_code == 401


def test_a_flood_of_wrong_keys_does_not_fill_the_log(here: Doors) -> None:
    for number in range(900):
        address = f"203.0.{number // 250}.{number % 250 + 1}"
        assert here.ask("GET", "/api/orders/1", environ_overrides={"REMOTE_ADDR": address}).status_code == 401
    assert here.log().count('"status":401') == 5


def test_no_address_is_in_any_file(here: Doors) -> None:
    for address in ("203.0.113.9", "2001:db8::1"):
        here.ask("GET", "/api/orders/1", environ_overrides={"REMOTE_ADDR": address})
    kept = b"".join(path.read_bytes() for path in (here.home / "var").rglob("*") if path.is_file())
    assert b"203.0.113" not in kept
    assert b"2001:db8" not in kept
    assert stat.S_IMODE((here.home / "var" / "gateway.db").stat().st_mode) == 0o600


class Clock:
    now = 1_795_255_200.0

    def __call__(self) -> float:
        return self.now


def made(tmp_path: Path, clock: Clock, per_minute: int = 60) -> Limiter:
    return Limiter(scratch_of(tmp_path / "gateway.db", []), per_minute=per_minute, clock=clock)


def scratch_of(path: Path, notes: list[str]) -> Scratch:
    return Scratch(path, secret=b"key", note=notes.append)


def count(tmp_path: Path) -> int:
    conn = sqlite3.connect(tmp_path / "gateway.db")
    found = int(conn.execute("SELECT count(*) FROM callers").fetchone()[0])
    conn.close()
    return found


def test_a_minutes_worth_may_come_at_once_and_then_one_every_so_often(tmp_path: Path) -> None:
    clock = Clock()
    door = made(tmp_path, clock)
    assert [door.take("a") for _ in range(62)] == [0] * 60 + [1, 1]
    clock.now += 1
    assert [door.take("a"), door.take("a")] == [0, 1]
    assert made(tmp_path, clock).take("a") == 1  # another process
    clock.now += 3_600
    assert [door.take("a") for _ in range(61)] == [0] * 60 + [1]


def test_once_a_minute_is_once_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    door = made(tmp_path, clock, per_minute=1)
    assert [door.take("a"), door.take("a")] == [0, 60]
    clock.now += 60
    assert door.take("a") == 0


def test_nobody_is_kept_out_longer_than_two_minutes(tmp_path: Path) -> None:
    clock = Clock()
    door = made(tmp_path, clock)
    for _ in range(1_000):
        door.charge("a", 100)
    assert door.take("a") == 61
    clock.now += 61
    assert door.take("a") == 0


def test_a_clock_that_is_put_back_keeps_nobody_out(tmp_path: Path) -> None:
    clock = Clock()
    door = made(tmp_path, clock)
    for _ in range(60):
        door.take("a")
    clock.now -= 3_600
    assert door.take("a") == 0
    assert door.take("a") == 0


def test_the_file_keeps_only_who_called_just_now_and_never_more_than_its_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    door = made(tmp_path, clock)
    for number in range(50):
        door.take(f"caller {number}")
    assert count(tmp_path) == 50
    clock.now += 2
    door.take("somebody new")
    assert count(tmp_path) == 1
    monkeypatch.setattr(limiter, "MOST_ROWS", 20)
    door.charge("the worst", 60)
    for number in range(100):
        door.take(f"caller {number}")
    assert count(tmp_path) == 20
    assert door.take("the worst") > 0  # who owes most is kept
    assert MOST_ROWS == 10_000


def test_without_its_file_everybody_is_let_in(tmp_path: Path) -> None:
    door = made(tmp_path, Clock())
    path = tmp_path / "gateway.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    os.chmod(path, 0o600)
    assert door.take("a") == 0
    assert not path.exists()
    assert door.take("a") == 0
    assert count(tmp_path) == 1
    path.unlink()
    path.mkdir()
    assert [door.take("a") for _ in range(100)] == [0] * 100
    nowhere = Limiter(scratch_of(tmp_path / "none" / "x.db", []), per_minute=1, clock=Clock())
    assert (nowhere.take("a"), nowhere.refused(), nowhere.failed()) == (0, None, 0)


def test_a_file_that_somebody_holds_keeps_nobody_waiting_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "_PATIENCE_S", 0.01)
    door = made(tmp_path, Clock())
    door.take("a")
    holder = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert door.take("b") == 0
    holder.close()


def test_a_house_is_what_counts() -> None:
    assert house_of(None) == "unknown"
    assert house_of(address_of({"REMOTE_ADDR": "2001:db8:1:2:3::4"}, proxies=())) == "2001:db8:1:2::/64"
