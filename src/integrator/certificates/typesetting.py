"""Setting a template in a process of its own: with a limit on time and memory, a copy of its folder, and no network."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from integrator.certificates.folder import NO_PACKAGES, Folder, TooSlow, Unusable
from integrator.errors import Problem

_PLACE = re.compile(r"┌─ (.+?):(\d+):\d+")
_BAD_TEMPLATE = 3
# typst fetches packages by itself, and has no switch against it: whatever a template makes of the name, it is sent to
# a port of this machine where nobody listens.
_NOWHERE = "http://127.0.0.1:1"
_NO_NETWORK = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), _NOWHERE)


def typeset(folder: Folder, template: str, data: Mapping[str, Any], *, day: str, timeout_s: float) -> bytes:
    """Fill a template in with data, as a PDF; day (ISO) is what it takes for today.

    Errors  Unusable: with file and line; its words may quote a value; TooSlow, also where the machine refuses: a full
            disk for temporary files, no memory for a process
    """
    if find_spec("typst") is None:
        what = "is not installed, and certificates need it: pip install 'integrator[certificates]'"
        raise Unusable(Problem("typst", what))
    today = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    asked = json.dumps({"data": json.dumps(data), "today": today, "template": template})
    try:
        with tempfile.TemporaryDirectory(prefix="integrator-certificate-") as name:
            root = Path(name) / "folder"
            root.mkdir()
            folder.copy_to(root, template)
            return _run(folder, template, asked, root, timeout_s)
    except OSError as error:
        what = f"cannot be made now: {error.filename or 'temporary files'}: {error.strerror}"
        raise TooSlow(Problem(f"{folder.shown}/{template}", what)) from None


def _run(folder: Folder, template: str, asked: str, root: Path, timeout_s: float) -> bytes:
    where = f"{folder.shown}/{template}"
    command = [sys.executable, "-I", "-m", "integrator.certificates.process"]
    try:
        ended = subprocess.run(
            command,
            input=asked.encode(),
            cwd=root,
            env={"HOME": str(root.parent), **_NO_NETWORK},
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TooSlow(Problem(where, f"takes longer than {timeout_s:g} s")) from None
    if ended.returncode == 0 and ended.stdout:
        return ended.stdout
    if ended.returncode == _BAD_TEMPLATE:
        raise Unusable(_problem(json.loads(ended.stderr), folder, template, root))
    raise Unusable(
        Problem(where, f"needs more memory or time than there is, or typst failed (ended with {ended.returncode})")
    )


def _problem(said: Mapping[str, str], folder: Folder, template: str, root: Path) -> Problem:
    """The compiler's words in one line, and the place it points at."""
    found = _PLACE.search(said["diagnostic"])
    where = f"{folder.shown}/{template}"
    if found:
        where = f"{folder.shown}/{found[1]}:{found[2]}"
    what = said["message"].replace(f"{root}/", "").replace(str(root), "")
    if "failed to download package" in what:
        what = NO_PACKAGES
    return Problem(where, " ".join(what.split()))
