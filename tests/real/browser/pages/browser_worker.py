"""A process that starts a browser, says so, and then only waits: to be killed by a test."""

import sys
from pathlib import Path

from integrator.systems.browser.process import Isolation, isolation
from integrator.systems.browser.session import BrowserOptions, start

scratch, name, address = sys.argv[1:]
isolated = Isolation("sweep") if name == "sweep" else isolation()
browser = start(BrowserOptions(None, None, None, ("127.0.0.1",), Path(scratch)), isolated=isolated)
browser.driver.get(address)
print(browser.isolation, browser.pid, flush=True)
sys.stdin.read()
