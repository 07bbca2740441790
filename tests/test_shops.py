"""Settings → what works for one workshop."""

from pathlib import Path
from typing import Any, cast

from integrator.home import Home, init_home
from integrator.settings import load_settings
from integrator.shops import Shops

TOML = """
[bennys-auto]
name = "Bennys Auto"
type = "au2office"
base_url = "http://127.0.0.1:9"
doubt_quiet_s = 90
timeout_s = 7
"""
NOBODY = cast(Any, None)


def test_a_sender_waits_as_long_as_the_settings_say_that_a_line_may_still_come(tmp_path: Path) -> None:
    init_home(tmp_path)
    (tmp_path / "config" / "workshops.toml").write_text(TOML, encoding="utf-8")
    settings = load_settings(Home(tmp_path), {}, needs=())
    sender = Shops(settings, tmp_path).shop("bennys-auto").sender(NOBODY, NOBODY)
    assert (sender.settle_s, settings.workshops["bennys-auto"].settle_s) == (104, 104)
