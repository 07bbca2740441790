"""The check of the browser: whether one starts here, what ends it with its run, whether those elsewhere answer."""

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from integrator import __version__
from integrator.checks.finding import Finding, listed, seconds_of
from integrator.errors import ConfigError, IntegratorError
from integrator.settings import BrowserSettings, Settings
from integrator.systems.browser.process import Isolation, isolation
from integrator.systems.browser.session import INSTALL, BrowserOptions, find_programs, start
from integrator.systems.browser.trouble import Trouble
from integrator.wiring import Wiring

_WHERE = "config/integrator.toml"
_TIMEOUT_S = 20.0
_STOPS = "push-orderline leaves every order where it is"


def check_browser(finding: Finding, wiring: Wiring, settings: Settings) -> None:
    """Start the browser of this machine once and end it, if a workshop needs it; ask those elsewhere how they are."""
    ours = settings.browser or BrowserSettings()
    here = [shop for shop in settings.workshops.values() if not (shop.remote_url or ours.remote_url)]
    elsewhere = {shop.remote_url for shop in settings.workshops.values()} | {ours.remote_url}
    if here or not ours.remote_url:
        _check_here(finding, ours)
    for url in sorted(url for url in elsewhere if url):
        _check_elsewhere(finding, url)


def _check_here(finding: Finding, ours: BrowserSettings) -> None:
    try:
        programs = find_programs(ours.binary, ours.driver)
    except Trouble as error:
        finding.problem(f"{error.message}; {_STOPS}", _install(error), exit_code=ConfigError.exit_code)
        return
    finding.facts |= dict(zip(("binary", "driver"), programs, strict=True))
    active = isolation()
    finding.facts |= {"isolation": active.name, "isolation_refused": list(active.refused)}
    _check_isolation(finding, active)
    if _versions_agree(finding, *programs):
        _check_start(finding, ours)


def _install(error: Trouble) -> str:
    return INSTALL if INSTALL in error.message else f"mend [browser] binary and driver in {_WHERE}"


def _versions_agree(finding: Finding, binary: str, driver: str) -> bool:
    versions = {"browser": _version(binary), "driver": _version(driver)}
    finding.facts["versions"] = versions
    majors = {(version or "?").partition(".")[0] for version in versions.values()}
    if len(majors) == 1 and None not in versions.values():
        return True
    told = " and ".join(f"the {name} {version or 'says no version'}" for name, version in versions.items())
    finding.problem(
        f"{told} do not go together; {_STOPS}",
        f"install both from one source: {INSTALL}",
        exit_code=ConfigError.exit_code,
    )
    return False


def _version(program: str) -> str | None:
    """Shape  "156.0.8078.79"; None when it does not tell."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\b\d+(?:\.\d+)+", done.stdout)
    return found[0] if found else None


def _check_isolation(finding: Finding, active: Isolation) -> None:
    if active.name == "sweep":
        finding.note(
            "a run that is killed leaves its browser until the next one starts: neither kind of namespace works here"
            f" ({listed(active.refused)})",
            "install util-linux; allow user namespaces: sysctl user.max_user_namespaces,"
            " kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns; in a container see"
            " its seccomp profile",
        )
    if os.geteuid() == 0:
        finding.note("the browser runs as root, without its sandbox", "let cron run the jobs as a user of their own")


def _check_start(finding: Finding, ours: BrowserSettings) -> None:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="integrator-check-") as folder:
        options = BrowserOptions(ours.binary, ours.driver, None, (), Path(folder) / "browser")
        try:
            start(options).close()
        except Trouble as error:
            finding.problem(f"{error.message}; {_STOPS}", INSTALL, exit_code=ConfigError.exit_code)
            return
    seconds = time.monotonic() - begun
    finding.facts["seconds"] = round(seconds, 3)
    versions, kept = finding.facts["versions"], finding.facts["isolation"]
    finding.ok(f"browser {versions['browser']} starts and ends; {_meaning(kept)}; {seconds_of(seconds)}")


def _meaning(kept: str) -> str:
    return "the next start clears away after a kill" if kept == "sweep" else f"a kill leaves nothing ({kept})"


def _check_elsewhere(finding: Finding, url: str) -> None:
    """Errors  none: one that does not answer hides no other"""
    from integrator.systems.http import Http

    begun = time.monotonic()
    try:
        http = Http(system="browser", base_url=url, timeout_s=_TIMEOUT_S, user_agent=f"integrator/{__version__}")
        try:
            status = http.get("/status", doing="ask whether it is ready").json()
        finally:
            http.close()
    except IntegratorError as error:
        finding.problem(
            f"{error.message}; workshops with it wait",
            f"is it up, and is remote_url right? {url}",
            exit_code=error.exit_code,
        )
        return
    value = status.get("value") if isinstance(status, dict) else None
    ready = value.get("ready") if isinstance(value, dict) else None
    finding.facts.setdefault("remote", {})[url] = {"ready": ready}
    if ready is True:
        finding.ok(f"{url} is ready; {seconds_of(time.monotonic() - begun)}")
    elif ready is False:
        finding.note(f"{url} answers that it is not ready: no node, or all are taken", "its own page tells which")
    else:
        finding.problem(f"{url} is no WebDriver: its /status does not say whether it is ready", "mend remote_url")
