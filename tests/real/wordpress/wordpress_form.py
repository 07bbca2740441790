"""The edit form of wp-admin, opened and sent as a browser does it: what an editor's Save really posts."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

import httpx
from wordpress_site import RealWordPress


class _Fields(HTMLParser):
    """The values that `form#post` would send, without its buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._inside = False
        self._textarea = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("id") == "post"
        name = given.get("name", "")
        if not self._inside or (not name and tag != "option"):
            return
        if tag == "input" and self._is_sent(given):
            self.values[name] = given.get("value", "")
        elif tag == "textarea":
            self._textarea, self.values[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.values[self._select] = given.get("value", "")

    @staticmethod
    def _is_sent(given: dict[str, str]) -> bool:
        kind = given.get("type", "text")
        return kind not in ("submit", "button") and (kind not in ("checkbox", "radio") or "checked" in given)

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = ""
        elif tag == "select":
            self._select = ""


@dataclass
class EditForm:
    """A form as it was when it was opened; `values` may be changed before `save`."""

    base_url: str
    cookies: httpx.Cookies
    values: dict[str, str]

    def custom_fields(self) -> dict[str, str]:
        """The rows of the "Custom fields" box, by key."""
        rows = {n[5:-6]: key for n, key in self.values.items() if n.startswith("meta[") and n.endswith("][key]")}
        return {key: self.values[f"meta[{row}][value]"] for row, key in rows.items()}

    def save(self) -> None:
        """Press Update: everything in the form goes back, whatever was stored meanwhile."""
        with _browser(self.base_url, self.cookies) as browser:
            answer = browser.post("/wp-admin/post.php", data=self.values | {"save": "Update"})
        if answer.status_code != 302 or "message=" not in answer.headers["Location"]:
            raise RuntimeError(f"the form was not saved: {answer.status_code}")


def _browser(base_url: str, cookies: httpx.Cookies | None = None) -> httpx.Client:
    return httpx.Client(base_url=base_url, cookies=cookies, timeout=60, trust_env=False)


def open_form(site: RealWordPress, post_id: int, who: str = "editor") -> EditForm:
    """Log in as `who` and open the edit form of a post without block editor (a course date)."""
    password = (site.state / "run" / "adminpw").read_text().strip()
    with _browser(site.base_url) as browser:
        browser.get("/wp-login.php").raise_for_status()  # sets the cookie that the log-in wants to see
        entered = browser.post("/wp-login.php", data={"log": who, "pwd": password, "wp-submit": "Log In"})
        if entered.status_code != 302:
            raise RuntimeError(f"{who} could not log in: {entered.status_code}")
        page = browser.get("/wp-admin/post.php", params={"post": post_id, "action": "edit"})
        page.raise_for_status()
        fields = _Fields()
        fields.feed(page.text)
        return EditForm(site.base_url, browser.cookies, fields.values)
