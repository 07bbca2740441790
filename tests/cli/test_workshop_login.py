"""`workshop test-login`: one login in a real Chromium, against the stand-ins of both ERPs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from operating import Run
from workshops import LOCK, NOW, PASSWORD, USERNAME, Floor, configure, holding, secrets

from integrator.database import Database
from integrator.standins.admanager import AdManager
from integrator.standins.au2office import Au2Office
from integrator.standins.workshop.standin import serve

BROWSER = '[browser]\ndriver = "/usr/bin/chromedriver"\n'
RIGHT = "demo-workshop"


@pytest.fixture
def floor(home: Path, store: Database, clock: Callable[[str], int], monkeypatch: pytest.MonkeyPatch) -> Floor:
    """Bennys Auto with one order that waits; nothing may be looked up online."""
    monkeypatch.setenv("SE_MANAGER_PATH", "/bin/false")
    (home / "config" / "integrator.toml").write_text(BROWSER, encoding="utf-8")
    made = Floor(store)
    made.order("0007", clock(NOW))
    return made


def texts_of(home: Path) -> bytes:
    """Everything that lies below var, names and contents."""
    return b"".join(path.name.encode() + path.read_bytes() for path in (home / "var").rglob("*") if path.is_file())


def test_a_wrong_password_is_tried_once_and_blocks_and_the_right_one_frees(run: Run, home: Path, floor: Floor) -> None:
    erp = Au2Office()
    with serve(erp) as served:
        configure(home, bennys=served.url)
        refused = run("workshop", "test-login", "bennys-auto")
        assert (refused.code, refused.out) == (1, ""), refused.err
        assert "login afvist" in refused.err
        assert f"log in at {served.url}" in refused.err
        assert "password from env ERP_PASSWORD), then: integrator workshop test-login bennys-auto" in refused.err
        assert floor.state.blocked_code == "login-refused"
        assert [attempt["ok"] for attempt in erp.state()["logins"]] == [False]
        [pictures] = (home / "var" / "evidence" / "bennys-auto").iterdir()
        assert f"var/evidence/bennys-auto/{pictures.name}" in refused.err
        for secret in (PASSWORD, RIGHT):
            assert secret not in refused.err
            assert secret.encode() not in texts_of(home)

        secrets(home, ERP_PASSWORD=RIGHT)
        let_in = run("workshop", "test-login", "Bennys Auto")
        assert (let_in.code, let_in.err) == (0, "")
        assert "it was blocked (login afvist), and is not any more" in let_in.out
        assert [attempt["ok"] for attempt in erp.state()["logins"]] == [False, True]
        assert not any("/sag/" in entry["target"] and "liste" not in entry["target"] for entry in erp.entries())
    assert floor.state.blocked_code is None
    assert floor.state.login_at is not None
    assert list((home / "var" / "spool").iterdir()) == []
    assert RIGHT.encode() not in texts_of(home)
    assert floor.lines.get("bennys-auto", "0007")["status"] == "received"


def test_a_login_that_is_let_in_leaves_a_switched_off_workshop_off(run: Run, home: Path, floor: Floor) -> None:
    erp = AdManager()
    with serve(erp) as served:
        configure(home, nord=served.url, password=RIGHT)
        run("workshop", "deactivate", "nord")
        result = run("workshop", "test-login", "nord")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        f"nord  logged in at {served.url}; no case was opened",
        "it is switched off: integrator workshop activate nord",
    ]
    nord = Floor(floor.db, "nord").state
    assert (nord.active, nord.login_at is not None) == (False, True)
    assert not any(entry["target"].startswith("/api/worksheets/") for entry in erp.entries())


def test_an_erp_that_is_down_blocks_nobody(run: Run, home: Path, floor: Floor) -> None:
    configure(home)
    result = run("workshop", "test-login", "bennys-auto")
    assert (result.code, result.out) == (75, "")
    assert "ERP utilgængelig" in result.err
    assert "log in at http://127.0.0.1:1: " in result.err
    assert "var/evidence" not in result.err
    assert not (home / "var" / "evidence" / "bennys-auto").exists()
    assert floor.state.blocked_code is None


def test_while_a_run_works_for_it_nothing_is_tried(run: Run, home: Path, floor: Floor) -> None:
    configure(home)
    with holding(home, LOCK) as process:
        result = run("workshop", "test-login", "bennys-auto")
    assert (result.code, result.out) == (5, "")
    assert f"pid {process.pid}" in result.err


def test_a_login_that_cannot_be_had_is_a_wrong_configuration(run: Run, home: Path, floor: Floor) -> None:
    configure(home)
    secrets(home, ANOTHER="x")
    result = run("workshop", "test-login", "bennys-auto")
    assert (result.code, result.out) == (78, "")
    assert "ERP_PASSWORD is not set" in result.err
    assert (floor.state.blocked_code, USERNAME in result.err) == (None, False)


def test_without_a_browser_it_says_what_to_do(run: Run, home: Path, floor: Floor) -> None:
    configure(home)
    (home / "config" / "integrator.toml").write_text('[browser]\ndriver = "/nowhere/chromedriver"\n', encoding="utf-8")
    result = run("workshop", "test-login", "bennys-auto")
    assert (result.code, floor.state.blocked_code) == (75, None)
    assert "/nowhere/chromedriver" in result.err
