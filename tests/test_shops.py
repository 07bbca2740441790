"""Settings → what works for one workshop."""

from pathlib import Path
from typing import Any, cast

import pytest

from integrator.home import Home, init_home
from integrator.settings import load_settings
from integrator.settings.model import Settings
from integrator.shops import Shops
from integrator.systems.browser.session import BrowserOptions

TOML = """
[bennys-auto]
name = "Bennys Auto"
type = "au2office"
base_url = "http://127.0.0.1:9"
doubt_quiet_s = 90
timeout_s = 7
"""
NOBODY = cast(Any, None)


def settings_of(folder: Path, text: str = TOML) -> Settings:
    init_home(folder)
    (folder / "config" / "workshops.toml").write_text(text, encoding="utf-8")
    return load_settings(Home(folder), {}, needs=())


def test_a_sender_waits_as_long_as_the_settings_say_that_a_line_may_still_come(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    sender = Shops(settings, tmp_path).shop("bennys-auto").sender(NOBODY, NOBODY)
    assert (sender.settle_s, settings.workshops["bennys-auto"].settle_s) == (104, 104)


@pytest.mark.parametrize(("page_s", "command_s"), [(7, 30), (20, 30), (45, 55)])
def test_the_driver_has_longer_to_answer_than_a_page_has_to_come(page_s: int, command_s: int, tmp_path: Path) -> None:
    """Else a slow ERP would be taken for a browser that is frozen."""
    asked: list[BrowserOptions] = []

    def start(options: BrowserOptions) -> Any:
        asked.append(options)

    settings = settings_of(tmp_path, TOML.replace("timeout_s = 7", f"timeout_s = {page_s}"))
    Shops(settings, tmp_path, start=start).session("bennys-auto").start()
    assert [(one.timeout_s, one.command_timeout_s) for one in asked] == [(page_s, command_s)]
