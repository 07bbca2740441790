"""A small web server on loopback whose pages a test writes itself, and what the tests of the browser share."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from integrator.systems.browser.locators import Locators
from integrator.systems.browser.session import Browser
from integrator.systems.browser.tab import Tab


class Pages:
    """Serves what stands in pages, by path; asked keeps every path that was asked for. A path in held waits."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.asked: list[str] = []
        self.held: set[str] = set()
        self.released = threading.Event()
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ours.asked.append(self.path)
                if self.path in ours.held:
                    ours.released.wait()
                body = ours.pages.get(self.path.partition("?")[0])
                data = f"<!DOCTYPE html><meta charset=utf-8>{body or 'nothing here'}".encode()
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> "Pages":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Room:
    """The shared browser with a page of its own for each test."""

    def __init__(self, browser: Browser, pages: Pages) -> None:
        self.browser, self.pages = browser, pages

    def tab(self, html: str, *, timeout_s: float = 0.4, busy: tuple[str, ...] = (), **locators: str | list[str]) -> Tab:
        """A tab at a page. A locator's name is PAGE__ELEMENT, for PAGE.ELEMENT."""
        self.pages.pages["/"] = html
        tab = Tab(self.browser.driver, locators_of(**locators), timeout_s=timeout_s, busy=busy, poll_s=0.02)
        tab.open(self.pages.url + "/")
        return tab


def locators_of(**locators: str | list[str]) -> Locators:
    found = {
        name.replace("__", "."): (value,) if isinstance(value, str) else tuple(value)
        for name, value in locators.items()
    }
    return Locators(found, shown="config/workshops/test.toml")
