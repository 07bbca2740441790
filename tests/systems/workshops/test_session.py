"""The session of a run: what is seen while it logs in is no order's fault, and who was turned away knocks once."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from integrator.domain.orderlines.reasons import REASONS
from integrator.errors import ConfigError, IntegratorError, Problem
from integrator.secret import Secret
from integrator.systems.browser.locators import Locators
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops import session as sessions
from integrator.systems.workshops.session import BrowserSession, Login

PASSWORD = "hemmelig-kode-4711"


class Door:
    """A type of ERP whose login ends as it is told; it is its own page object."""

    BUSY = ()

    def __init__(self, error: IntegratorError | None) -> None:
        self.error = error
        self.knocks = 0

    def __call__(self, tab: Any, base_url: str, *, name_limit: int) -> "Door":
        return self

    def log_in(self, username: str, password: Secret, totp: Secret | None) -> None:
        self.knocks += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def session(tmp_path: Path) -> BrowserSession:
    return BrowserSession(
        kind="door",
        base_url="http://127.0.0.1:9",
        login=lambda: Login("oilmat@example.org", Secret(PASSWORD), None),
        start=cast(Any, lambda: SimpleNamespace(driver=None, close=lambda: None)),
        locators=Locators({}, shown="config/workshops/door.toml"),
        evidence=tmp_path,
        stamp=lambda: "now",
        timeout_s=1,
        name_limit=60,
    )


def told(session: BrowserSession, door: Door, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setattr(sessions, "erp_of", lambda kind: door)
    with pytest.raises(Trouble) as trouble:
        session.erp()
    return trouble.value.code, trouble.value.message


@pytest.mark.parametrize("code", [code for code, reason in REASONS.items() if reason.then == "failed"])
def test_what_would_fail_an_order_is_for_a_person_when_it_is_seen_at_the_login(
    session: BrowserSession, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    door = Door(Trouble(code, "login: the e-mail reads back other than it was typed"))
    said = ("login-attention", f"login: the e-mail reads back other than it was typed ({code})")
    assert [told(session, door, monkeypatch), told(session, door, monkeypatch)] == [said, said]
    assert door.knocks == 1


@pytest.mark.parametrize(
    ("code", "knocks"), [("login-refused", 1), ("login-attention", 1), ("slow", 2), ("layout-changed", 2)]
)
def test_who_is_turned_away_is_not_tried_again_and_who_could_not_knock_is(
    session: BrowserSession, monkeypatch: pytest.MonkeyPatch, code: str, knocks: int
) -> None:
    door = Door(Trouble(code, "as it is"))
    assert [told(session, door, monkeypatch), told(session, door, monkeypatch)] == [(code, "as it is")] * 2
    assert door.knocks == knocks


def test_a_locator_that_the_browser_cannot_read_is_an_element_that_it_does_not_find(
    session: BrowserSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = ConfigError([Problem("config/workshops/door.toml", "login.email: the browser cannot read css=[")])
    said = "config/workshops/door.toml: login.email: the browser cannot read css=["
    assert told(session, Door(broken), monkeypatch) == ("layout-changed", said)


def test_a_page_that_repeats_the_password_is_quoted_without_it(
    session: BrowserSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(session, Door(Trouble("field-mismatch", f"it holds {PASSWORD}")), monkeypatch) == (
        "login-attention",
        "it holds *** (field-mismatch)",
    )
