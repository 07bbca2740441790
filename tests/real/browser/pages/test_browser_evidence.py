"""What is kept after a failure: every frame, the windows, the steps; and no secret in any spelling."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from browser_pages import Pages, Room, locators_of

from integrator.systems.browser.evidence import Masker, capture
from integrator.systems.browser.session import BrowserOptions, start
from integrator.systems.browser.tab import Tab
from integrator.systems.browser.trouble import Trouble

SECRET = "h&m<m\"lig'hed æ+1"
PNG = b"\x89PNG\r\n"


def about(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "about.json").read_text("utf-8")))


def kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.suffix != ".png")


def test_every_frame_the_windows_and_the_steps_are_kept(room: Room, tmp_path: Path) -> None:
    room.pages.pages |= {
        "/menu": "<title>menu</title><p>Sager</p>",
        "/inner": "<iframe src=/innermost></iframe><p>indhold</p>",
        "/innermost": "<p>inderst</p>",
        "/other": "<title>det andet</title>",
    }
    tab = room.tab("<title>Sag 560</title><iframe src=/menu></iframe><iframe id=i src=/inner></iframe>", a__i="css=#i")
    tab.driver.execute_script("open('/other')")
    tab.wait("the other window", lambda: len(tab.driver.window_handles) == 2, timeout_s=30)
    folder = tmp_path / "evidence" / "1"
    with tab.in_frame("a.i"):
        with pytest.raises(Trouble), tab.step("find the case"):
            raise Trouble("slow", "late")
        assert capture(tab, folder, secrets=[], error="slow: late") == folder
    found = about(folder)
    assert found["error"] == "slow: late"
    assert datetime.fromisoformat(found["at"]).tzinfo == UTC
    assert (found["title"], found["url"]) == ("Sag 560", f"{room.pages.url}/")
    assert [(step["name"], step["outcome"]) for step in found["steps"]] == [("find the case", "slow")]
    assert sorted((window["title"], window["current"]) for window in found["windows"]) == [
        ("Sag 560", True),
        ("det andet", False),
    ]
    sources = {frame["file"]: (folder / frame["file"]).read_text("utf-8") for frame in found["frames"]}
    assert list(sources) == ["frame-0.html", "frame-0-0.html", "frame-0-1.html", "frame-0-1-0.html"]
    assert "Sager" in sources["frame-0-0.html"]
    assert "inderst" in sources["frame-0-1-0.html"]
    assert (folder / "screenshot.png").read_bytes().startswith(PNG)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert tab.driver.title == "Sag 560"


def test_a_secret_is_masked_in_every_text_and_spelling(room: Room, tmp_path: Path) -> None:
    tab = room.tab("<div id=a></div>")
    put = """
    a.textContent = arguments[0]; a.hidden = true;
    a.setAttribute('data-x', arguments[0]);
    document.title = arguments[0];
    history.replaceState(null, '', '/?p=' + encodeURIComponent(arguments[0]));
    const s = document.createElement('script'); s.type = 'application/json';
    s.textContent = JSON.stringify({p: arguments[0]}); document.body.append(s);
    """
    tab.driver.execute_script(put, SECRET)
    with tab.step(f"log in with {SECRET}"):
        pass
    folder = capture(tab, tmp_path / "e", secrets=["", SECRET, "h&m"], error=f"refused {SECRET}")
    assert folder is not None
    told = kept(folder)
    for piece in (b"lig'hed", b"lig&#x27;hed", b"lig%27hed", b"hed%20", b"h&amp;m"):
        assert piece not in told
    found = about(folder)
    assert (found["error"], found["alert"], found["title"]) == ("refused ***", None, "***")
    assert found["url"].endswith("/?p=***")
    assert found["screenshot"] == "screenshot.png"  # nothing of it was to be seen


@pytest.mark.parametrize(
    ("html", "is_pictured"),
    [
        ("<input type=password value=hemmeligt-80>", True),
        ("<input type=text name=x value=hemmeligt-80>", False),
        ("<input type=text name=password value=andet>", False),
        ("<label for=p>Adgangskode</label><input id=p value=andet>", False),
        ("<input type=text name=password>", True),
        ("<p>Din kode er hemmeligt-80</p>", False),
        ("<p hidden>hemmeligt-80</p>", True),
        ("<iframe srcdoc='<input value=hemmeligt-80>'></iframe>", False),
    ],
)
def test_there_is_no_picture_while_a_secret_can_be_read(
    room: Room, tmp_path: Path, html: str, is_pictured: bool
) -> None:
    tab = room.tab(html)
    folder = capture(tab, tmp_path / "e", secrets=["hemmeligt-80"], error="x")
    assert folder is not None
    assert (folder / "screenshot.png").exists() is is_pictured
    assert b"hemmeligt" not in kept(folder)


def test_a_typed_password_is_in_no_evidence(room: Room, tmp_path: Path) -> None:
    tab = room.tab("<input type=password id=a>", a__a="css=#a")
    tab.fill("a.a", "hemmeligt-81", secret=True)
    tab.driver.execute_script("document.getElementById('a').type = 'text'")  # "show password"
    folder = capture(tab, tmp_path / "e", secrets=["hemmeligt-81"], error="x")
    assert folder is not None
    assert not (folder / "screenshot.png").exists()
    assert b"hemmeligt" not in kept(folder)


def test_an_open_dialog_is_answered_no_and_kept(room: Room, tmp_path: Path) -> None:
    tab = room.tab(
        "<button onclick=\"this.textContent = confirm('Slet sagen?') ? 'ja' : 'nej'\">Slet</button>", a__b="css=button"
    )
    tab.press("a.b")
    folder = capture(tab, tmp_path / "e", secrets=[], error="x")
    assert folder is not None
    assert about(folder)["alert"] == "Slet sagen?"
    assert (folder / "screenshot.png").exists()
    assert tab.text(tab.need("a.b")) == "nej"


def test_of_a_browser_that_is_gone_the_steps_are_kept(options: BrowserOptions, pages: Pages, tmp_path: Path) -> None:
    with start(options) as browser:
        tab = Tab(browser.driver, locators_of(), timeout_s=1)
        with tab.step("log in"):
            tab.open(pages.url)
        browser._process.end()  # type: ignore[union-attr]  # as if somebody had killed it
        assert capture(tab, tmp_path / "e", secrets=["log"], error="browser: gone") is None
    found = about(tmp_path / "e")
    assert [step["name"] for step in found["steps"]] == ["*** in"]
    assert "does not answer" in found["incomplete"]


def test_a_folder_that_cannot_be_written_is_no_further_trouble(room: Room, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert capture(room.tab("<p>x</p>"), tmp_path / "file" / "e", secrets=[], error="x") is None


def test_the_longer_of_two_secrets_is_masked_first() -> None:
    assert Masker(["olie", "olie-kande"])("olie-kande og OLIE") == "*** og ***"
    assert Masker([])("olie") == "olie"
    assert Masker(["æ b"]).inside({"a": ["%C3%A6%20b", "%c3%a6+b", 1, None]}) == {"a": ["***", "***", 1, None]}
