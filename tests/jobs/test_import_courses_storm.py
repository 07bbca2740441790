"""Eight copies of import-courses at once, many of them killed in the middle: still one post per record."""

import signal
import threading
from pathlib import Path
from random import Random

from world import World, world

ROUNDS = 20
COPIES = 8
KILLED = 0.3


def storm(here: World, random: Random) -> list[int]:
    """Start all copies, kill some of them at random moments; gives back how they ended."""
    processes = [here.start("import-courses") for _ in range(COPIES)]
    timers = [
        threading.Timer(random.uniform(0.05, 1.5), process.kill) for process in processes if random.random() < KILLED
    ]
    for timer in timers:
        timer.start()
    codes = [here.finish(process).code for process in processes]
    for timer in timers:
        timer.cancel()
        timer.join()
    return codes


def test_eight_copies_under_random_kills_leave_one_post_per_record(tmp_path: Path) -> None:
    random = Random(25172)
    with world(tmp_path / "home") as here:
        here.configure(wordpress_extra="settle_s = 0.5")
        here.maconomy.seed({"main_courses": 20, "courses": 60, "random": 5})
        codes = []
        for number in range(ROUNDS):
            here.maconomy.seed({"change": {"percent": 30, "random": number}})
            codes += storm(here, random)
        assert set(codes) <= {0, 5, 75, -signal.SIGKILL}
        assert -signal.SIGKILL in codes
        assert here.run("import-courses").code == 0
        assert (len(here.posts("course")), len(here.posts())) == (20, 60)
        here.forget_requests()
        assert here.run("import-courses").code == 0
        assert here.writes() == []
        assert here.rows("SELECT DISTINCT state FROM outbox") == [("completed",)]
        assert here.rows("PRAGMA integrity_check") == [("ok",)]
        kept = dict(here.rows("SELECT id, seats_free FROM courses"))
        assert {key: post["meta"].get("mac_seats_free", 0) for key, post in here.posts().items()} == {
            key: free or 0 for key, free in kept.items()
        }
