"""One browser for one run: started with an explicit driver, closed to all hosts but the named ones, gone at the end.

Selenium Manager is never run: the driver is started by us and spoken to as a remote one, so that a local browser, a
bare chromedriver elsewhere and a Selenium Grid differ in one address only.
"""

import logging
import os
import re
import shutil
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from integrator.errors import ConfigError, Problem
from integrator.systems.browser.connections import FLAG, use_each_once
from integrator.systems.browser.guarding import guarded
from integrator.systems.browser.process import DriverProcess, Isolation, Scratch, isolation, start_driver, sweep
from integrator.systems.browser.trouble import Trouble

if TYPE_CHECKING:
    from selenium.webdriver import ChromeOptions
    from selenium.webdriver.remote.remote_connection import RemoteConnection
    from selenium.webdriver.remote.webdriver import WebDriver

INSTALL = "apt-get install chromium chromium-driver, or name them in [browser] binary and driver"
_BINARIES = ("/usr/lib/chromium/chromium", "chromium", "chromium-browser", "google-chrome")
_DRIVERS = ("chromedriver",)
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\])(?::\d+)?")
_QUIT_S = 5.0
_FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
    "--accept-lang=da-DK,da,en",
    FLAG,
    "--no-proxy-server",  # a proxy would look names up itself, past the list of allowed hosts
)


@dataclass(frozen=True)
class BrowserOptions:
    """What a browser needs to know.

    binary, driver      None: what Debian installs
    remote_url          a Selenium Grid or a bare chromedriver elsewhere; nothing is started here then
    allow_hosts         the only hosts the browser may look up and talk to; a port behind one says nothing
    timeout_s           of page loads and scripts
    command_timeout_s   of one command to the driver; a GET is not repeated, nor is a POST
    scratch             the folder (0700) under which each browser makes its own
    """

    binary: str | None
    driver: str | None
    remote_url: str | None
    allow_hosts: tuple[str, ...]
    scratch: Path
    timeout_s: float = 20.0
    command_timeout_s: float = 30.0


class Browser:
    """A running browser. pid is that of its driver's wrapper, None for one elsewhere."""

    def __init__(self, driver: "WebDriver", process: DriverProcess | None, scratch: Scratch | None) -> None:
        self.driver = driver
        self.isolation = process.isolation.name if process else "remote"
        self.pid = process.pid if process else None
        self._process, self._scratch = process, scratch
        self._closed = False

    def close(self) -> None:
        """End it, whatever state it is in, and delete its folder; never raises."""
        if self._closed:
            return
        self._closed = True
        if self._process is None:
            _quit(self.driver)
        _disconnect(_executor_of(self.driver))
        _end(self._process, self._scratch)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def start(options: BrowserOptions, *, isolated: Isolation | None = None) -> Browser:
    """Start a browser, after clearing away what a killed run left.

    Only from the main thread: the kernel ends the browser together with the thread that started it.

    Errors  Trouble("browser"): it cannot be started, with what to install; ConfigError: a host that is none
    """
    rules = _resolver_rules(options.allow_hosts)
    _quiet()
    if options.remote_url is not None:
        return Browser(_connected(options.remote_url, _remote_options(options.remote_url, rules), options), None, None)
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a browser is started from the main thread: the kernel ends it with the thread it came from")
    binary, driver = find_programs(options.binary, options.driver)
    try:
        return _started(options, binary, driver, rules, isolated or isolation())
    except OSError as error:
        raise Trouble("browser", f"the browser cannot be started: {error.strerror}: {error.filename}") from error


def _started(options: BrowserOptions, binary: str, driver: str, rules: str, isolated: Isolation) -> Browser:
    sweep(options.scratch)
    scratch = Scratch(options.scratch)
    process = None
    try:
        process = start_driver(driver, scratch, isolated)
        wanted = _chrome_options(rules, sandbox=os.geteuid() != 0)
        wanted.binary_location = binary
        wanted.add_argument(f"--user-data-dir={scratch.profile}")
        return Browser(_connected(f"http://127.0.0.1:{process.port}", wanted, options), process, scratch)
    except BaseException:
        _end(process, scratch)
        raise


def _end(process: DriverProcess | None, scratch: Scratch | None) -> None:
    if process is not None:
        process.end()
    if scratch is not None:
        scratch.remove()


def _program(given: str | None, usual: Iterable[str], what: str) -> str:
    """The path of a program. Errors  Trouble("browser") with what to install"""
    for name in (given,) if given else usual:
        if found := shutil.which(name):
            return found
    raise Trouble("browser", f"{what} is not there: {given}" if given else f"{what} is not installed: {INSTALL}")


def find_programs(binary: str | None, driver: str | None) -> tuple[str, str]:
    """Where browser and driver are. Errors  Trouble("browser") with what to install"""
    return _program(binary, _BINARIES, "the browser"), _program(driver, _DRIVERS, "the browser's driver")


def _resolver_rules(hosts: Iterable[str]) -> str:
    """Every name but these leads nowhere, and so does an address in digits. A port says nothing here."""
    read = {host: _HOST.fullmatch(host) for host in hosts}
    wrong = [host for host, found in read.items() if found is None]
    if wrong:
        raise ConfigError([Problem("allow_hosts", f"{host!r} is not a host name") for host in wrong])
    return " , ".join(["MAP * ~NOTFOUND", *(f"EXCLUDE {found[1]}" for found in read.values() if found)])


def _chrome_options(rules: str, *, sandbox: bool) -> "ChromeOptions":
    from selenium.webdriver import ChromeOptions

    wanted = ChromeOptions()
    for flag in (*_FLAGS, f"--host-resolver-rules={rules}", *(() if sandbox else ("--no-sandbox",))):
        wanted.add_argument(flag)
    # A browser that keeps no password, asks for nothing, saves no file and writes no log of its own.
    wanted.add_experimental_option("excludeSwitches", ["enable-logging"])
    wanted.add_experimental_option(
        "prefs",
        {
            "credentials_enable_service": False,
            "profile.password_manager_enabled": False,
            "autofill.profile_enabled": False,
            "translate.enabled": False,
            "net.network_prediction_options": 2,  # no connection is opened before it is needed: see connections
            "download_restrictions": 3,
        },
    )
    return wanted


def _remote_options(url: str, rules: str) -> "ChromeOptions":
    """Whether it runs as root there is known only of a driver on this machine."""
    here = urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
    return _chrome_options(rules, sandbox=not here or os.geteuid() != 0)


def _connected(url: str, wanted: "ChromeOptions", options: BrowserOptions) -> "WebDriver":
    """A session of the driver at that address; no proxy of the environment is asked."""
    from selenium.webdriver import Remote
    from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
    from selenium.webdriver.remote.client_config import ClientConfig
    from selenium.webdriver.remote.file_detector import UselessFileDetector
    from urllib3 import Retry

    once = {"init_args_for_pool_manager": {"retries": Retry(connect=0, read=0, other=0)}}
    config = ClientConfig(
        remote_server_addr=url,
        timeout=options.command_timeout_s,  # type: ignore[arg-type]  # fractions of a second are urllib3's to use
        init_args_for_pool_manager=once,
    )
    connection = ChromiumRemoteConnection(url, "goog", "chrome", ignore_proxy=True, client_config=config)
    driver = None
    try:
        with guarded():
            # A text that happens to be a file's name is typed, and the file is not sent.
            driver = Remote(connection, options=wanted, file_detector=UselessFileDetector())
            use_each_once(driver)  # a browser that has just started is slower than any page: only then they are limited
            driver.set_page_load_timeout(options.timeout_s)
            driver.set_script_timeout(options.timeout_s)
    except BaseException:
        if driver is not None:
            _quit(driver)
        _disconnect(connection)
        raise
    return driver


def _quit(driver: "WebDriver") -> None:
    """Give a browser elsewhere back; one that does not answer is its node's to end."""
    _executor_of(driver).client_config.timeout = _QUIT_S
    with suppress(Trouble), guarded():
        driver.quit()


def _disconnect(connection: "RemoteConnection") -> None:
    with suppress(OSError):
        connection.close()  # type: ignore[no-untyped-call]  # selenium's own gap


def _executor_of(driver: "WebDriver") -> "RemoteConnection":
    connection = driver.command_executor
    assert not isinstance(connection, str | bytes), "it was given as one"
    return connection


def _quiet() -> None:
    """At DEBUG these loggers tell every typed password, and SE_DEBUG would turn that on."""
    os.environ.pop("SE_DEBUG", None)
    try:
        import selenium.webdriver  # noqa: F401
    except ImportError:
        raise Trouble("browser", "selenium is not installed: pip install 'integrator[browser]'") from None
    for name in ("selenium", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
