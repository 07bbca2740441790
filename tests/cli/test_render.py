"""What a run prints when it ends: what waits, and when it is looked at again."""

from collections.abc import Callable

import pytest

from integrator.cli.render import print_report
from integrator.runtime.report import Report


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock("2026-08-03 05:48")


def said(report: Report, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], list[str]]:
    print_report(report, as_json=False, verbose=True)
    out, err = capsys.readouterr()
    return out.splitlines()[1:], err.splitlines()


def test_a_run_that_found_nothing_to_do_says_so(now: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(Report("confirm-bookings"), capsys) == (["nothing to do: all is as it should be"], [])


def test_a_run_that_is_to_look_later_says_when_and_not_that_all_is_done(
    now: int, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report("confirm-bookings", later={"bookings": (3, now + 40), "other_things": (1, now + 86_400)})
    assert report.exit_code == 0
    assert said(report, capsys) == (
        [
            "nothing to do yet: bookings: 3 wait; the next look is at 07:48:40",
            "nothing to do yet: other things: 1 wait; the next look is at 2026-08-04 07:48:00",
        ],
        [],
    )


def test_what_was_done_stands_before_what_is_looked_at_later(now: int, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(Report("confirm-bookings", counts={"bookings.confirmed": 2}, later={"bookings": (1, now)}), capsys)
    assert out[-1] == "bookings: 1 wait; the next look is at 07:48:00"
    assert any("2 confirmed" in line for line in out)


def test_messages_that_wait_for_their_next_try_say_when_that_is(now: int, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(
        "sync-orders",
        waiting={"maconomy.registration": "2 message(s) wait for their next try", "other": "not its turn"},
        later={"maconomy.registration": (2, now + 300)},
    )
    report.end(None)
    assert report.exit_code == 75
    out, err = said(report, capsys)
    assert out == []
    assert err == [
        "integrator: sync-orders: waits: maconomy.registration: 2 message(s) wait for their next try;"
        " the next is at 07:53:00",
        "integrator: sync-orders: waits: other: not its turn",
    ]


def test_machines_are_told_in_utc_and_only_when_something_waits(now: int) -> None:
    report = Report("confirm-bookings", later={"bookings": (3, now + 40)})
    assert report.as_json()["later"] == [{"item": "bookings", "count": 3, "next_at": "2026-08-03T05:48:40Z"}]
    assert "later" not in Report("confirm-bookings").as_json()
