"""A real headless Chromium for the pages of the stand-ins, spoken to over its debugging pipe: no driver needed."""

import base64
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

KEYS = {"Tab": (9, "\t"), "Enter": (13, "\r"), "ArrowDown": (40, "")}
FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--window-size=1200,900", "--remote-debugging-pipe"),
]
LOOPBACK_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"


class Browser:
    """One browser with one tab. What is looked for may take until `seconds` have passed."""

    def __init__(self, home: Path, seconds: float = 15) -> None:
        self.seconds = seconds
        self._number, self._read = 0, b""
        commands, self._out = os.pipe()
        self._in, answers = os.pipe()
        command = ["chromium", *FLAGS, LOOPBACK_ONLY, f"--user-data-dir={home}", "about:blank"]
        # The browser reads commands from its descriptor 3 and answers on 4.
        shell = ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "browser", *command]
        self._process = subprocess.Popen(
            shell,
            pass_fds=(commands, answers),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": str(home)},
        )
        os.close(commands)
        os.close(answers)
        self._session = ""
        targets = self._call("Target.getTargets")["targetInfos"]
        tab = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        self.dialogs: list[str] = []
        self.answer_dialogs = False
        self._call("Page.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    # The pipe: JSON texts with a zero byte behind each

    def _send(self, method: str, **params: Any) -> int:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        return self._number

    def _call(self, method: str, **params: Any) -> Any:
        number = self._send(method, **params)
        while True:
            answer = self._message()
            if answer.get("method") == "Page.javascriptDialogOpening":
                self.dialogs.append(answer["params"]["message"])
                self._send("Page.handleJavaScriptDialog", accept=self.answer_dialogs)
            if answer.get("id") == number:
                # Only a page that went away while it was asked has no result.
                return answer.get("result", {})

    def _message(self) -> Any:
        while b"\0" not in self._read:
            more = os.read(self._in, 65536)
            assert more, "the browser has ended"
            self._read += more
        text, _, self._read = self._read.partition(b"\0")
        return json.loads(text)

    # What a user does and sees

    def open(self, url: str) -> None:
        self._call("Page.navigate", url=url)

    def set_cookie(self, url: str, name: str, value: str) -> None:
        self._call("Network.setCookie", url=url, name=name, value=value, httpOnly=True)

    def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        given = self._evaluated(expression)
        assert "exceptionDetails" not in given, given["exceptionDetails"]
        return given["result"].get("value")

    def _value(self, expression: str) -> Any:
        return self._evaluated(expression).get("result", {}).get("value")

    def _evaluated(self, expression: str) -> Any:
        return self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)

    def wait(self, expression: str) -> Any:
        """The value of an expression as soon as it is true."""
        end = time.monotonic() + self.seconds
        # The page waits, not we: a new page ends that wait early, which is the same as "not yet".
        patient = f"(async () => {{ await new Promise((go) => setTimeout(go, 15)); return {expression}; }})()"
        while not (value := self._value(patient)):
            assert time.monotonic() < end, f"never came true: {expression}\n{self.text()}"
        return value

    def text(self) -> str:
        return str(self.js("document.body.innerText"))

    def wait_text(self, text: str) -> None:
        self.wait(f"document.body.innerText.includes({json.dumps(text)})")

    def click(self, selector: str) -> None:
        """Click with the mouse on the middle of an element: whatever lies over it gets the click."""
        place = self.wait(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); if (!e || e.disabled) return null; "
            "const b = e.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; })()"
        )
        self.click_at(*place)

    def click_at(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, selector: str, text: str) -> None:
        """Focus a field, empty it as a user does, and type."""
        self.wait(f"!!document.querySelector({json.dumps(selector)})")
        self.js(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.focus(); e.select(); }})()")
        self._call("Input.insertText", text=text)

    def key(self, name: str) -> None:
        code, text = KEYS[name]
        facts = {"key": name, "code": name, "windowsVirtualKeyCode": code}
        self._call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **facts)
        self._call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def focus(self, selector: str) -> None:
        self.js(f"document.querySelector({json.dumps(selector)}).focus()")

    def picture(self, path: Path) -> None:
        """What is seen, as a PNG."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))
