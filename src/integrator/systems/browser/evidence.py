"""What a person needs to see after a failure: a picture, every frame's source, the steps. Without a secret in it."""

import json
import os
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from integrator.errors import IntegratorError
from integrator.systems.browser.guarding import Unsettled, guarded
from integrator.systems.browser.scripts import READABLE

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

    from integrator.systems.browser.tab import Tab

MASK = "***"
_DEEPEST, _MOST_FRAMES = 5, 40
_FRAMES = "iframe, frame"


@dataclass
class _Seen:
    """One frame's document. readable: what a picture of it would show, fields included."""

    source: str
    url: str
    title: str
    readable: str
    bare_password: bool


def capture(
    tab: "Tab",
    folder: Path,
    *,
    secrets: Sequence[str],
    error: str,
) -> Path | None:
    """Write screenshot.png, frame-*.html of every frame and about.json into the folder; never raises.

    There is no screenshot while a secret, or a filled password field that hides nothing, can be read on the page.
    At the end the tab is at the page itself, outside of all frames.

    Gives back the folder; None when the browser is gone: about.json is written all the same.
    """
    masked = Masker(secrets)
    about: dict[str, Any] = {"error": error, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    about["steps"] = [asdict(step) for step in tab.steps]
    about["alert"] = None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _look_at(tab, folder, masked, about)
        except (IntegratorError, ValueError, TypeError, KeyError, AttributeError) as problem:
            about["incomplete"] = str(problem)
        _write(folder / "about.json", json.dumps(masked.inside(about), ensure_ascii=False, indent=2))
    except OSError:
        return None
    return folder if "incomplete" not in about or "url" in about else None


def _look_at(tab: "Tab", folder: Path, masked: "Masker", about: dict[str, Any]) -> None:
    """In the order of what is lost first: a dialog stops everything else."""
    if dialog := tab.alert():
        about["alert"] = dialog
    with guarded():
        about["window"] = tab.driver.current_window_handle
        tab.driver.switch_to.default_content()
        about |= {"url": tab.driver.current_url, "title": tab.driver.title}
    about["frames"] = frames = []
    pictured = True
    for number, (name, seen) in enumerate(_documents(tab.driver, "0", 0)):
        if number == _MOST_FRAMES:
            pictured = False
            break
        frames.append({"file": f"frame-{name}.html", "url": seen.url, "title": seen.title})
        _write(folder / f"frame-{name}.html", masked(seen.source))
        pictured = pictured and not seen.bare_password and masked(seen.readable) == seen.readable
    with guarded():
        tab.driver.switch_to.default_content()
        if pictured:
            _write(folder / "screenshot.png", b64decode(tab.driver.get_screenshot_as_base64()))
    about["screenshot"] = "screenshot.png" if pictured else "none: a secret could be read in it"
    about["windows"] = list(_windows(tab.driver, about["window"]))


def _documents(driver: "WebDriver", name: str, depth: int) -> Iterator[tuple[str, _Seen]]:
    """The document we are in and those of its frames, each named by its place: "0", "0-1", "0-1-0"."""
    from selenium.webdriver.common.by import By

    with guarded():
        source = str(driver.page_source)
        url, title, readable, bare = driver.execute_script(READABLE)
    yield name, _Seen(source, str(url), str(title), str(readable), bool(bare))
    if depth == _DEEPEST:
        return
    with guarded():
        frames = driver.find_elements(By.CSS_SELECTOR, _FRAMES)
    for number, frame in enumerate(frames):
        with suppress(Unsettled):  # a frame that has just gone has nothing to show
            with guarded():
                driver.switch_to.frame(frame)
            yield from _documents(driver, f"{name}-{number}", depth + 1)
            with guarded():
                driver.switch_to.parent_frame()


def _windows(driver: "WebDriver", here: str) -> Iterator[dict[str, object]]:
    """Every window's address and title; at the end the one we were in is chosen again."""
    with guarded():
        for handle in driver.window_handles:
            driver.switch_to.window(handle)
            yield {"url": driver.current_url, "title": driver.title, "current": handle == here}
        driver.switch_to.window(here)


class Masker:
    """Puts *** in place of secrets, in every spelling that an address, a page or a JSON text may have for them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
        # The longest first: one secret may be the beginning of another.
        parts = (re.escape(spelling) for spelling in sorted(spellings, key=len, reverse=True))
        self._pattern = re.compile("|".join(parts), re.IGNORECASE) if spellings else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text

    def inside(self, value: Any) -> Any:
        """The same for every text in a JSON value."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.inside(item) for item in value]
        return {key: self.inside(item) for key, item in value.items()} if isinstance(value, dict) else value


def _spellings(secret: str) -> Iterator[str]:
    in_html = escape(secret, quote=False)
    yield from (
        secret,
        in_html,
        in_html.replace('"', "&quot;"),
        escape(secret),
        escape(secret).replace("&#x27;", "&#39;"),
    )
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret), quote(secret, safe="!'()*~"))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])


def _write(path: Path, content: str | bytes) -> None:
    """A file (0600) that is new or was ours."""
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
