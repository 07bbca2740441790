"""What `check` finds out about the browser: one that starts, two that do not fit, one elsewhere."""

import os
from pathlib import Path

import pytest

from integrator.checks import browser as checked
from integrator.checks.browser import check_browser
from integrator.checks.finding import Finding, exit_code
from integrator.home import Home
from integrator.runtime.stopping import Stopper
from integrator.settings import BrowserSettings, Settings
from integrator.settings.model import Workshop
from integrator.systems.browser.process import Isolation
from integrator.wiring import Wiring
from rawserver import RawServer, answer


def found(home: Path, browser: BrowserSettings | None = None, **shops: str | None) -> Finding:
    """What is said. shops: the remote_url of each workshop."""
    workshops = {
        name: Workshop(name=name, type="au2office", base_url="https://erp.example.org", remote_url=url)
        for name, url in shops.items()
    }
    settings = Settings(home=Home(home), browser=browser, workshops=workshops)
    finding = Finding("browser")
    wiring = Wiring(settings, Stopper(), spool=home)
    try:
        check_browser(finding, wiring, settings)
    finally:
        wiring.close()
    return finding


def told(finding: Finding, state: str) -> list[str]:
    return [line.what for line in finding.lines if line.state == state]


def program(path: Path, says: str) -> str:
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o700)
    return str(path)


def test_a_browser_that_starts_is_told_with_what_ends_it(tmp_path: Path) -> None:
    finding = found(tmp_path)
    [line] = told(finding, "ok")
    assert line.startswith(f"browser {finding.facts['versions']['browser']} starts and ends; a kill leaves nothing (")
    assert finding.facts["isolation"] in line
    assert exit_code([finding]) == 0
    assert bool(told(finding, "note")) is (os.geteuid() == 0)


def test_a_missing_browser_says_what_to_install(tmp_path: Path) -> None:
    finding = found(tmp_path, BrowserSettings(driver="/nowhere/chromedriver"))
    [line] = finding.lines
    assert line.what.startswith("the browser's driver is not there: /nowhere/chromedriver; push-orderline leaves")
    assert line.then == "mend [browser] binary and driver in config/integrator.toml"
    assert exit_code([finding]) == 78


def test_a_driver_of_another_version_is_told_before_anything_starts(tmp_path: Path) -> None:
    driver = program(tmp_path / "driver", "ChromeDriver 99.0.1")
    finding = found(tmp_path, BrowserSettings(binary=program(tmp_path / "b", "Chromium 156.0.2"), driver=driver))
    assert told(finding, "problem") == [
        "the browser 156.0.2 and the driver 99.0.1 do not go together; push-orderline leaves every order where it is"
    ]
    mute = BrowserSettings(binary=program(tmp_path / "b", "x"), driver=program(tmp_path / "driver", "x"))
    assert "the browser says no version" in told(found(tmp_path, mute), "problem")[0]


def test_a_browser_that_does_not_start_is_a_problem(tmp_path: Path) -> None:
    programs = [program(tmp_path / name, "It is 156.0.1") for name in ("browser", "driver")]
    finding = found(tmp_path, BrowserSettings(binary=programs[0], driver=programs[1]))
    assert "the driver ended at once" in told(finding, "problem")[0]
    assert exit_code([finding]) == 78


def test_a_machine_without_namespaces_is_told_what_would_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ("pid-namespace: not permitted", "user-namespace: not permitted")
    monkeypatch.setattr(checked, "isolation", lambda: Isolation("sweep", (), refused))
    monkeypatch.setattr(checked, "_check_start", lambda finding, ours: None)
    finding = found(tmp_path)
    [line, *_] = finding.lines
    assert "(pid-namespace: not permitted, user-namespace: not permitted)" in line.what
    assert line.then is not None
    assert "user.max_user_namespaces" in line.then


def test_browsers_elsewhere_are_asked_and_none_is_needed_here(tmp_path: Path) -> None:
    ready, busy, odd = (answer(body) for body in (b'{"value":{"ready":true}}', b'{"value":{"ready":false}}', b"[]"))
    with RawServer([ready]) as grid, RawServer([busy]) as taken, RawServer([odd]) as page:
        ours = BrowserSettings(driver="/nowhere", remote_url=grid.url)
        finding = found(tmp_path, ours, a=None, b=taken.url, c=page.url)
        assert [request.target for request in grid.requests] == ["/status"]
    assert told(finding, "ok")[0].startswith(f"{grid.url} is ready; ")
    assert told(finding, "note") == [f"{taken.url} answers that it is not ready: no node, or all are taken"]
    assert told(finding, "problem") == [f"{page.url} is no WebDriver: its /status does not say whether it is ready"]


def test_one_that_does_not_answer_hides_no_other(tmp_path: Path) -> None:
    with RawServer([answer()]) as gone:
        pass
    with RawServer([answer(b'{"value":{"ready":true}}')]) as grid:
        finding = found(tmp_path, BrowserSettings(remote_url=gone.url), a=grid.url)
    assert told(finding, "ok")[0].startswith(grid.url)
    assert told(finding, "problem")[0].endswith("; workshops with it wait")
    assert exit_code([finding]) == 75
