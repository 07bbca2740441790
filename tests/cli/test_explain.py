"""`explain`: the way one record took, and why it is or is not on the site."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from operating import Run, add_run, files_of, switch_on

from integrator.database import Database
from integrator.domain.courses import Course, MainCourse
from integrator.domain.fetched import Bad, Fetched
from integrator.runtime.outbox import Outbox
from integrator.store.courses import Catalogue, Kind

HOUR = 3_600
MAIN = MainCourse("25172", "Projektledelse", None, None, "da", 3, 1_499_500, "DKK", None, True, None)
COURSE = Course(
    id="25172-04",
    main_id="25172",
    title="Projektledelse i praksis",
    language="da",
    start="2026-10-01T09:00:00+02:00",
    end="2026-10-03T16:00:00+02:00",
    days=[],
    venue=None,
    price_minor=1_499_500,
    currency="DKK",
    seats_total=12,
    seats_taken=2,
    seats_free=10,
    seats_min=4,
    status="open",
    trainers=[],
    updated_at=None,
)


class Shop:
    """A store that answers of Maconomy arrive in, and a site that messages arrive on."""

    def __init__(self, db: Database, now: int) -> None:
        self.db = db
        self.at = now - 10 * HOUR

    def answer(
        self, kind: Kind, *records: MainCourse | Course, bad: dict[str, Bad] | None = None, gone: Any = ()
    ) -> None:
        """One hourly run that kept an answer."""
        self.at += HOUR
        packed = {
            r.id: (msgspec.msgpack.encode(r), msgspec.json.encode(r)[:60] + str(self.at).encode()) for r in records
        }
        catalogue = Catalogue(self.db, kind)
        run_id = add_run(self.db, "import-courses", self.at)
        with self.db.tx():
            fetched = Fetched(total=len(packed), records=packed, bad=bad or {})
            catalogue.keep(fetched, catalogue.known(), gone, missing_limit=3, at=self.at, run_id=run_id)

    def queue(self, kind: Kind, key: str, title: str = "x") -> Outbox:
        outbox = Outbox(self.db, clock=lambda: float(self.at))
        with self.db.tx():
            outbox.latest(f"wordpress.{kind}", key, {"title": title})
        return outbox

    def send(self, kind: Kind, key: str, post: int = 2955, title: str = "x", *, draft: bool = False) -> None:
        outbox = self.queue(kind, key, title)
        [message] = [found for found in outbox.due(f"wordpress.{kind}") if found.key == key]
        outbox.begin([message])
        outbox.complete(message, str(post))
        self.db.write(
            "INSERT OR REPLACE INTO posts (kind, key, post_id, unpublished_at, changed_at) VALUES (?, ?, ?, ?, ?)",
            (kind, key, post, self.at if draft else None, self.at),
        )


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock("2026-08-03 12:00")


@pytest.fixture
def shop(home: Path, store: Database, now: int) -> Shop:
    """Main course 25172 and course 25172-04 are known; the site has the main course."""
    switch_on(home, "maconomy", "wordpress")
    made = Shop(store, now)
    made.answer("main_course", MAIN)
    made.send("main_course", "25172", 2956)
    made.answer("course", COURSE)
    return made


def _now(run: Run, key: str = "25172-04") -> str:
    """The last line."""
    result = run("explain", key)
    assert (result.code, result.err) == (0, "")
    last: str = result.out.splitlines()[-1]
    return last


def test_the_way_of_a_course_is_told_in_order_with_local_times(run: Run, shop: Shop) -> None:
    shop.send("course", "25172-04")
    dearer = msgspec.structs.replace(COURSE, price_minor=1_599_500, title="Projektledelse på Ærø")
    shop.answer("course", dearer)
    shop.send("course", "25172-04", title="y")
    result = run("explain", "25172-04")

    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "course 25172-04: Projektledelse på Ærø",
        "  2026-08-03 06:00  first seen in Maconomy's list",
        "  2026-08-03 06:00  queued for the first time: wordpress.course, message 2",
        '  2026-08-03 07:00  title: "Projektledelse i praksis" → "Projektledelse på Ærø" (run 3)',
        "  2026-08-03 07:00  price_minor: 1499500 → 1599500 (run 3)",
        "  2026-08-03 07:00  written on the site as post 2955",
        "now: on the site (post 2955)",
    ]


def test_looking_writes_nothing(run: Run, home: Path, shop: Shop) -> None:
    before = files_of(home)
    run("explain", "25172-04")
    run("explain", "9")
    assert files_of(home) == before


def test_trainers_are_never_told(run: Run, shop: Shop) -> None:
    from integrator.domain.courses import Trainer

    shop.answer("course", msgspec.structs.replace(COURSE, trainers=[Trainer("7", "Bo Eg", "bo@example.org")]))
    for words in (("explain", "25172-04"), ("explain", "25172-04", "--json")):
        out = run(*words).out
        assert "trainers" in out
        assert "Bo Eg" not in out
        assert "bo@" not in out


def test_a_message_that_waits_or_failed_is_the_reason(run: Run, shop: Shop) -> None:
    assert _now(run) == "now: on the site: nothing had to be written at the last good run, 06:00"
    outbox = shop.queue("course", "25172-04")
    assert _now(run) == "now: not level with the site (no post of ours): message 2 waits; the next run sends it"
    [message] = outbox.due("wordpress.course")
    outbox.begin([message])
    assert "message 2 is under way or in doubt" in _now(run)
    outbox.put_back(message, "answered 503", attempts=1, next_at=shop.at + 20 * HOUR)
    assert _now(run).endswith("message 2 waits: answered 503; next try after 2026-08-04 02:00")
    shop.db.write("UPDATE outbox SET next_at = 0")
    outbox.begin([message])
    outbox.fail(message, "answered 400: no such venue")
    assert _now(run).endswith("message 2 failed: answered 400: no such venue; integrator outbox retry 2")
    assert "failed after 2 attempt(s): answered 400: no such venue" in run("explain", "25172-04").out
    run("outbox", "drop", message.id)
    assert "dropped by an operator; the next change is sent again" in _now(run)


def test_a_course_without_its_main_course_is_held_back(run: Run, shop: Shop) -> None:
    shop.answer("course", msgspec.structs.replace(COURSE, id="30000-01", main_id="30000"))
    assert _now(run, "30000-01") == "now: held back: its main course 30000 is not in Maconomy's list"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "cancelled"}, "it is cancelled"),
        (
            {"end": "2026-08-01T16:00:00+02:00", "start": None},
            'it is over, and jobs/import-courses.toml says past = "unpublish"',
        ),
    ],
)
def test_a_course_that_must_not_be_shown_says_why(
    changes: dict[str, Any], reason: str, run: Run, home: Path, shop: Shop
) -> None:
    job = home / "jobs" / "import-courses.toml"
    job.write_text(job.read_text().replace('"keep" ', '"unpublish" '))
    shop.answer("course", msgspec.structs.replace(COURSE, **changes))
    shop.send("course", "25172-04", draft=True)
    assert _now(run) == f"now: not on the site (post 2955 is a draft): {reason}"
    assert "07:00  post 2955 unpublished by us" in run("explain", "25172-04").out


def test_a_missing_course_stays_until_it_was_missing_often_enough(run: Run, shop: Shop) -> None:
    shop.send("course", "25172-04")
    shop.answer("course", gone=["25172-04"])
    assert _now(run) == "now: on the site (post 2955); missing in Maconomy's list for 1 answer(s), unpublished after 3"
    shop.answer("course", gone=["25172-04"])
    shop.answer("course", gone=["25172-04"])
    assert "missing in Maconomy's list since 2026-08-03 07:00, in 3 answers" in _now(run)


def test_an_inactive_main_course_says_so(run: Run, shop: Shop) -> None:
    shop.answer("main_course", msgspec.structs.replace(MAIN, active=False))
    shop.send("main_course", "25172", 2956, title="y", draft=True)
    assert _now(run, "25172") == "now: not on the site (post 2956 is a draft): Maconomy says it is not active"


def test_a_record_that_cannot_be_read_is_told_with_its_reason(run: Run, shop: Shop) -> None:
    error = Bad("bad_date", "start", "is no date")
    shop.answer("course", COURSE, bad={"25172-09": error})
    assert _now(run, "25172-09") == "now: not on the site: its record was never readable: start: is no date (bad_date)"
    shop.send("course", "25172-04")
    shop.answer("course", bad={"25172-04": error})
    assert _now(run) == (
        "now: on the site (post 2955); what Maconomy sends now cannot be read: start: is no date (bad_date)"
    )


def test_with_the_site_switched_off_it_is_kept_only(run: Run, home: Path, shop: Shop) -> None:
    switch_on(home, "maconomy")
    assert _now(run) == "now: kept in the store only: [wordpress] is switched off"


def test_an_id_of_both_kinds_is_told_twice(run: Run, shop: Shop) -> None:
    shop.answer("course", msgspec.structs.replace(COURSE, id="25172"))
    out = run("explain", "25172").out
    assert "main course 25172: Projektledelse\n" in out
    assert "\ncourse 25172: Projektledelse i praksis\n" in out


def test_json_has_everything(run: Run, shop: Shop) -> None:
    shop.send("course", "25172-04")
    [story] = run("explain", "25172-04", "--json").json()
    assert story["kind"] == "course"
    assert story["now"] == "on the site (post 2955)"
    assert story["record"]["price_minor"] == 1_499_500
    assert story["first_seen_at"] == "2026-08-03T04:00:00Z"
    assert story["outbox"][0]["state"] == "completed"
    assert story["post"]["post_id"] == 2955


def test_what_nobody_knows_is_not_found_and_says_where_was_looked(run: Run, shop: Shop) -> None:
    result = run("explain", "25172-99")
    assert (result.code, result.out) == (4, "")
    assert "nobody knows 25172-99" in result.err
    assert "main courses, courses, orders, bookings, orderlines, set-aside records, the outbox and posts" in result.err
    assert "similar: 25172, 25172-04" in result.err
    assert "25172 is a main course" in run("explain", "%").err


def test_without_a_store_nobody_knows_anything(run: Run, home: Path) -> None:
    result = run("explain", "25172")
    assert result.code == 4
    assert "there is no store yet" in result.err
    assert not (home / "var" / "integrator.db").exists()
