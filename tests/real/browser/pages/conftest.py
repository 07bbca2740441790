from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_pages import Pages, Room

from integrator.systems.browser.session import Browser, BrowserOptions, start


@pytest.fixture(scope="package", autouse=True)
def tripwire() -> Iterator[None]:
    """Whatever would ask Selenium Manager for a driver fails at once; a proxy that nobody may ask stands in the way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SE_MANAGER_PATH", "/bin/false")
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            patch.setenv(name, "http://127.0.0.1:9")
        yield


@pytest.fixture(scope="package")
def shared(tripwire: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    scratch = tmp_path_factory.mktemp("scratch")
    with start(BrowserOptions(None, None, None, ("127.0.0.1",), scratch, timeout_s=30)) as browser:
        yield browser
    assert list(scratch.iterdir()) == []


@pytest.fixture
def pages() -> Iterator[Pages]:
    with Pages() as served:
        yield served


@pytest.fixture
def room(shared: Browser, pages: Pages) -> Iterator[Room]:
    yield Room(shared, pages)
    driver = shared.driver
    first, *others = driver.window_handles
    for handle in others:
        driver.switch_to.window(handle)
        driver.close()
    driver.switch_to.window(first)


@pytest.fixture
def options(tmp_path: Path) -> BrowserOptions:
    """For a test that needs a browser of its own."""
    return BrowserOptions(None, None, None, ("127.0.0.1",), tmp_path / "scratch", timeout_s=30)
