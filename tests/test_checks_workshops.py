"""What `check` finds out about the workshops: whether each login can be had, and each locator file read."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integrator.checks import Finding, run_checks
from integrator.checks import systems as checks_of_systems
from integrator.errors import ConfigError
from integrator.home import Home, init_home
from integrator.settings import load_settings
from integrator.shops import Shops

PASSWORD = "hemmelig-kode-4711"
NOW: Any = None  # the clock is looked at only when everything is checked
TOML = """
[bennys-auto]
name = "Bennys Auto"
type = "au2office"
base_url = "http://127.0.0.1:1"
username = "oilmat@example.org"
password = { env = "BENNYS_PASSWORD" }

[nord]
name = "Nord Biler"
type = "admanager"
base_url = "http://127.0.0.1:2"
username = "oilmat@example.org"
password = { file = "nord.secret" }
totp = { command = ["printf", "JBSWY3DPEHPK3PXP"] }
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    init_home(tmp_path / "home")
    made = Home(tmp_path / "home")
    write(made, "config/workshops.toml", TOML)
    write(made, ".env", f"BENNYS_PASSWORD={PASSWORD}\n")
    write(made, "nord.secret", PASSWORD)
    return made


def write(home: Home, name: str, text: str) -> None:
    path = home.root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.chmod(path, 0o600)


def edit(home: Home, old: str, new: str) -> None:
    assert old in TOML
    write(home, "config/workshops.toml", TOML.replace(old, new))


def check(home: Home, system: str = "workshops") -> Finding:
    [_, finding] = run_checks(home, now=NOW, system=system)
    assert PASSWORD not in str(finding.as_json())
    return finding


def problems(home: Home) -> list[str]:
    lines = [line for line in check(home).lines if line.state == "problem"]
    assert {line.exit_code for line in lines} <= {78}
    return [line.what for line in lines]


def test_logins_that_can_be_had_and_sound_locator_files_are_right(home: Home) -> None:
    finding = check(home)
    assert [(line.state, line.what.partition(";")[0]) for line in finding.lines] == [
        ("ok", "the logins of bennys-auto, nord can be had"),
        ("ok", finding.lines[1].what),
    ]
    assert finding.lines[1].what.startswith("locator files of admanager (")
    assert finding.facts["workshops"]["nord"] == {"type": "admanager", "password": "file nord.secret", "login": True}


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (lambda home: write(home, ".env", ""), "bennys-auto: password: BENNYS_PASSWORD is not set"),
        (lambda home: os.chmod(home.root / "nord.secret", 0o644), "nord: password: file "),
        (lambda home: edit(home, "JBSWY3DPEHPK3PXP", "no-code-secret"), "nord: totp: what it leads to is no secret"),
        (lambda home: edit(home, '"printf", "JBSWY3DPEHPK3PXP"', '"false"'), "nord: totp: command false failed with 1"),
        (
            lambda home: edit(home, 'username = "oilmat@example.org"\npassword = { env = "BENNYS_PASSWORD" }', ""),
            "bennys-auto: no username and password: its orders are bad requests (no credentials configured)",
        ),
    ],
)
def test_a_login_that_cannot_be_had_is_said_and_the_other_one_is_right(
    home: Home, happens: Callable[[Home], object], said: str
) -> None:
    happens(home)
    [what] = problems(home)
    assert what.startswith(said)
    assert len([line for line in check(home).lines if line.state == "ok"]) == 2


@pytest.mark.parametrize("shown", ["JBSW Y3DP EHPK 3PXP", "jbsw y3dp ehpk 3pxp", "JBSWY3DPEHPK3PX="])
def test_a_secret_of_one_time_codes_is_right_as_people_are_shown_it(home: Home, shown: str) -> None:
    edit(home, "JBSWY3DPEHPK3PXP", shown)
    assert problems(home) == []


def test_a_package_that_a_type_needs_and_that_is_missing_is_not_told_as_an_unknown_type(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "integrator.systems.workshops.au2office", raising=False)
    monkeypatch.setitem(sys.modules, "integrator.systems.browser.tab", None)
    with pytest.raises(ModuleNotFoundError, match=r"systems\.browser\.tab"):
        check(home)


def test_a_home_with_a_broken_locator_file_of_its_own_is_told_where(home: Home) -> None:
    write(home, "config/workshops/au2office.toml", '[login]\nemail = ["label=E-mail"]\npassword = ["lable=Kode"]\n')
    [what] = problems(home)
    assert what.startswith("config/workshops/au2office.toml:3: [login] password: ")


def test_an_element_that_a_file_of_the_home_leaves_out_is_the_shipped_one(home: Home) -> None:
    shipped = (home.config / "workshops" / "admanager.toml").read_text(encoding="utf-8")
    kept = [line for line in shipped.splitlines() if not line.startswith("password")]
    write(home, "config/workshops/admanager.toml", "\n".join(kept))
    assert problems(home) == []
    settings = load_settings(home, {}, needs=())
    kind = next(one.id for one in settings.workshops.values() if one.type == "admanager")
    assert Shops(settings, home.spool).session(kind).locators.told("login.password")


def test_files_that_no_workshop_takes_are_said(home: Home) -> None:
    (home.spool / "orderlines").mkdir(parents=True, exist_ok=True)
    (home.spool / "orderlines" / "h.json").touch()
    [line] = [line for line in check(home).lines if line.state == "problem"]
    assert (line.what, line.exit_code) == ("1 file(s) lie where no workshop takes them: h.json", 1)
    assert "(ID: bennys-auto, nord)" in str(line.then)


def test_a_type_of_which_there_are_only_locators_is_said(home: Home) -> None:
    write(home, "config/workshops/third.toml", '[login]\nemail = ["label=E-mail"]\n')
    edit(home, '"au2office"', '"third"')
    assert problems(home) == ["config/workshops/third.toml: there is no such type of ERP in this program"]


def test_workshops_and_their_browser_are_checked_only_where_there_are_any(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setitem(checks_of_systems.CHECKS, "browser", lambda finding, wiring, settings: asked.append(finding))
    check(home, "browser")
    assert len(asked) == 1
    write(home, "config/workshops.toml", "")
    for system in ("workshops", "browser"):
        [line] = check(home, system).lines
        assert (line.what, line.exit_code) == ("switched off: config/workshops.toml has no workshop", 78)
    assert len(asked) == 1


def test_an_element_that_nothing_asks_for_is_said(home: Home) -> None:
    write(home, "config/workshops/admanager.toml", '[login]\npasword = ["label=Kodeord"]\n')
    [said] = problems(home)
    assert said.startswith("config/workshops/admanager.toml: the program asks for no such element: login.pasword")


def test_two_workshops_that_log_in_as_one_user_are_a_wrong_configuration(home: Home) -> None:
    edit(home, "http://127.0.0.1:2", "http://127.0.0.1:1")
    with pytest.raises(ConfigError) as wrong:
        load_settings(home, {}, needs=())
    assert "[bennys-auto] logs in there as the same user" in str(wrong.value)


def test_the_same_address_spelled_otherwise_is_the_same(home: Home) -> None:
    text = TOML.replace("http://127.0.0.1:1", "https://erp.example.org")
    write(home, "config/workshops.toml", text.replace("http://127.0.0.1:2", "https://ERP.example.org:443/"))
    with pytest.raises(ConfigError) as wrong:
        load_settings(home, {}, needs=())
    assert "[bennys-auto] logs in there as the same user" in str(wrong.value)
