"""Nothing of a browser survives: not its processes, not its files, however its run ended."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from browser_pages import Pages

from browser_processes import Watched
from integrator.errors import ConfigError
from integrator.systems.browser import process
from integrator.systems.browser.process import Isolation, isolation, sweep
from integrator.systems.browser.session import Browser, BrowserOptions, start
from integrator.systems.browser.trouble import Trouble

HERE = Path(__file__).parent


def worker(scratch: Path, name: str, address: str) -> subprocess.Popen[str]:
    """A process of ours with a browser, as soon as that shows a page."""
    command = [sys.executable, str(HERE / "browser_worker.py"), str(scratch), name, address]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline().startswith("sweep" if name == "sweep" else isolation().name)
    return started


def killed(started: subprocess.Popen[str]) -> None:
    started.kill()
    started.wait()
    for pipe in (started.stdin, started.stdout):
        assert pipe is not None
        pipe.close()


def left_in(scratch: Path) -> list[Path]:
    return list(scratch.iterdir())


def short_tmp(scratch: Path) -> Path:
    [folder] = scratch.iterdir()
    return process._tmp_of(folder)


def test_a_namespace_can_be_had_here() -> None:
    """Where neither can, the kill test below proves the fall-back twice and the namespace not at all."""
    assert isolation().name in ("pid-namespace", "user-namespace")


def test_after_a_kill_the_kernel_ends_everything_at_once(tmp_path: Path, pages: Pages) -> None:
    scratch = tmp_path / "scratch"
    started = worker(scratch, "best", pages.url)
    tmp = short_tmp(scratch)
    with Watched(scratch, started.pid) as watched:
        assert {"chromedriver", "chromium", "unshare"} <= set(watched.names())
        killed(started)
        assert watched.alive(5) == []
    assert tmp.exists()
    assert sweep(scratch) == 1
    assert left_in(scratch) == []
    assert not tmp.exists()


def test_where_the_kernel_does_not_the_next_start_does(tmp_path: Path, pages: Pages) -> None:
    scratch = tmp_path / "scratch"
    started = worker(scratch, "sweep", pages.url)
    tmp = short_tmp(scratch)
    with Watched(scratch, started.pid) as watched:
        killed(started)
        assert len(watched.alive()) > 5  # else the fall-back has nothing to prove
        options = BrowserOptions(None, None, None, ("127.0.0.1",), scratch)
        with start(options, isolated=Isolation("sweep")) as browser, Watched(scratch, browser.pid) as ours:
            assert watched.alive(5) == []
            assert not tmp.exists()
            assert browser.isolation == "sweep"
            assert sweep(scratch) == 0  # a live run's folder is not swept
            browser.driver.get(pages.url)
            browser.close()
            assert ours.alive(5) == []
    assert left_in(scratch) == []


def test_a_driver_that_never_had_a_browser_is_found_too(tmp_path: Path) -> None:
    """Killed between the driver and its first session: no command line names the folder."""
    scratch = process.Scratch(tmp_path)
    stuck = subprocess.Popen(["sleep", "60"], env={**os.environ, "TMPDIR": str(scratch.tmp)})
    recorded = subprocess.Popen(["sleep", "60"])
    used_again = subprocess.Popen(["sleep", "60"])
    try:
        scratch.remember(recorded.pid)
        assert sorted(process._processes_of(scratch.path)) == sorted([stuck.pid, recorded.pid])
        (scratch.path / "driver").write_text(f"{used_again.pid} 1")
        os.close(scratch._descriptor)  # as the kernel does when a run ends
        assert sweep(tmp_path) == 1
        assert stuck.wait(60) == -signal.SIGKILL
        assert used_again.poll() is None
    finally:
        for one in (stuck, recorded, used_again):
            one.kill()
            one.wait()


def test_a_browser_that_was_killed_is_a_trouble_and_closes(options: BrowserOptions, pages: Pages) -> None:
    with start(options) as browser, Watched(options.scratch, browser.pid) as watched:
        for pid, name in watched._open.values():
            if name.endswith("chromium"):
                process._kill(pid)
        with pytest.raises(Trouble) as caught:
            _open(browser, pages.url)
        assert caught.value.code == "browser"
        browser.close()
        browser.close()  # again is nothing
        assert watched.alive(5) == []
    assert left_in(options.scratch) == []


def _open(browser: Browser, url: str) -> None:
    from integrator.systems.browser.guarding import guarded

    with guarded():
        browser.driver.get(url)


def test_a_driver_that_is_frozen_is_a_trouble_and_closes(tmp_path: Path) -> None:
    options = BrowserOptions(None, None, None, (), tmp_path / "scratch")
    with start(options) as browser, Watched(options.scratch, browser.pid) as watched:
        browser.driver.command_executor.client_config.timeout = 0.2  # type: ignore[union-attr]
        for pid, name in watched._open.values():
            if name.endswith("chromedriver"):
                os.kill(pid, signal.SIGSTOP)
        with pytest.raises(Trouble) as caught:
            _open(browser, "about:blank")
        assert caught.value.code == "browser"
        browser.close()
        assert watched.alive(5) == []


def test_no_secret_reaches_a_command_line_a_file_or_the_browsers_environment(
    monkeypatch: pytest.MonkeyPatch, options: BrowserOptions, pages: Pages
) -> None:
    secret = "hemmeligt-ord-78"
    pages.pages["/"] = "<input type=password id=a>"
    monkeypatch.setenv("ERP_PASSWORD", secret)
    with start(options) as browser, Watched(options.scratch, browser.pid) as watched:
        browser.driver.get(pages.url)
        browser.driver.find_element("id", "a").send_keys(secret)
        [folder] = options.scratch.iterdir()
        assert {path.stat().st_mode & 0o777 for path in (options.scratch, folder, folder / "profile")} == {0o700}
        assert [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []
        for pid, _ in watched._open.values():
            with suppress(OSError):  # one that ended meanwhile
                assert secret.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
                told = Path(f"/proc/{pid}/environ").read_bytes()
                assert secret.encode() not in told
                assert b"PROXY" not in told.upper()


def test_the_better_isolations_are_tried_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = isolation.__wrapped__()
    assert (found.name, found.wrapper) == ("sweep", ())
    assert found.refused[0] == "pid-namespace: setpriv is not installed"
    (tmp_path / "setpriv").write_text("#!/bin/sh\necho 'unshare: not permitted' >&2; exit 1\n")
    (tmp_path / "setpriv").chmod(0o700)
    assert isolation.__wrapped__().refused[1] == "user-namespace: unshare: not permitted"


def test_a_browser_is_started_from_the_main_thread_only(options: BrowserOptions) -> None:
    caught: list[BaseException] = []

    def body() -> None:
        try:
            start(options)
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


def test_a_browser_may_take_longer_to_start_than_a_page_to_come(tmp_path: Path) -> None:
    with start(BrowserOptions(None, None, None, (), tmp_path / "scratch", timeout_s=0.001)) as browser:
        assert browser.driver.timeouts.page_load == 0.001


def unlucky_driver(folder: Path, times: int) -> str:
    """A chromedriver whose port is taken so many times, and then the real one."""
    left, program = folder / "times", folder / "driver"
    left.write_text("x" * times)
    taken = f"truncate -s -1 {left}; echo 'IPv4 port not available. Exiting...'; exit 1"
    program.write_text(f'#!/bin/sh\nif [ -s {left} ]; then {taken}; fi\nexec chromedriver "$@"\n')
    program.chmod(0o700)
    return str(program)


def test_a_driver_whose_port_was_taken_after_all_is_started_again(tmp_path: Path, pages: Pages) -> None:
    pages.pages["/"] = "<title>hej</title>"
    options = BrowserOptions(
        None, unlucky_driver(tmp_path, 2), None, ("127.0.0.1",), tmp_path / "scratch", timeout_s=30
    )
    with start(options) as browser:
        browser.driver.get(pages.url)
        assert browser.driver.title == "hej"
    unlucky_driver(tmp_path, 3)
    with pytest.raises(Trouble, match="found its port taken, 3 times in a row"):
        start(options)
    assert left_in(options.scratch) == []


def test_what_cannot_be_started_says_what_to_do_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    with pytest.raises(Trouble, match="the browser's driver is not there: /nowhere") as caught:
        start(BrowserOptions(None, "/nowhere", None, (), scratch))
    assert caught.value.code == "browser"
    with pytest.raises(Trouble, match="the driver ended at once"):
        start(BrowserOptions(None, "/bin/true", None, (), scratch))
    with pytest.raises(Trouble):
        start(BrowserOptions("/bin/true", None, None, (), scratch))
    assert left_in(scratch) == []
    with pytest.raises(ConfigError, match="is not a host name"):
        start(BrowserOptions(None, None, None, ("a , EXCLUDE *",), scratch))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Trouble, match="apt-get install chromium chromium-driver"):
        start(BrowserOptions(None, None, None, (), scratch))


@pytest.fixture
def bare_driver() -> "Iterator[subprocess.Popen[bytes]]":
    """A chromedriver that is not ours to start or to end; its browser's socket needs a folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="w", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": folder}
        )


def test_a_browser_elsewhere_is_used_and_given_back(
    bare_driver: "subprocess.Popen[bytes]", pages: Pages, tmp_path: Path
) -> None:
    pages.pages["/"] = "<title>hej</title>"
    assert bare_driver.stdout is not None
    try:
        found = None
        while not (found := process._PORT.search(bare_driver.stdout.readline())):
            pass
        url = f"http://127.0.0.1:{int(found[1])}"
        scratch = tmp_path / "scratch"
        with start(BrowserOptions("/nowhere", "/nowhere", url, ("127.0.0.1",), scratch, timeout_s=30)) as browser:
            assert (browser.isolation, browser.pid) == ("remote", None)
            browser.driver.get(pages.url)
            assert browser.driver.title == "hej"
            with pytest.raises(Trouble, match="not one of the allowed"):
                _open(browser, f"http://erp.example.org:{pages.port}/")
            with Watched(scratch, bare_driver.pid) as watched:
                assert watched.names().count("chromedriver") == 1
                browser.close()
                assert [name for name in watched.alive(5) if "chromedriver" not in name] == []
        assert not scratch.exists()
    finally:
        bare_driver.kill()
        bare_driver.wait()
        bare_driver.stdout.close()
    with pytest.raises(Trouble) as caught:
        start(BrowserOptions(None, None, url, (), scratch))
    assert caught.value.code == "browser"
