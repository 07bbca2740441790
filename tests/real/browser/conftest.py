"""A Chromium that was not read from the disk yet takes long to begin with: one is started before anything is timed."""

from pathlib import Path

import pytest

from integrator.systems.browser.session import BrowserOptions, start


@pytest.fixture(scope="session", autouse=True)
def warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    scratch: Path = tmp_path_factory.mktemp("warm")
    with start(BrowserOptions(None, None, None, (), scratch, timeout_s=120, command_timeout_s=240)) as browser:
        browser.driver.get("data:text/html,<title>varm</title><form><input><button>Gem</button></form>")
        browser.driver.get_screenshot_as_png()
