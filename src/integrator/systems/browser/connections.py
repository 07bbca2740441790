"""Every request gets a connection of its own, because a browser repeats one by itself when a used one breaks.

Measured with Chromium 156: a server that takes a POST over a connection used before and closes it without an answer
gets that POST again, up to seven times for one click. On a fresh connection the same is an error, and no repetition.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

FLAG = "--disable-http2"  # its streams share one connection, whatever a header says
_ONCE = {"headers": {"Connection": "close"}}


def use_each_once(driver: "WebDriver") -> None:
    """Ask for it in the window that the driver is in; a new window has to be told anew."""
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", _ONCE)
