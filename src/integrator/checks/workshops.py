"""The check of the workshops: logins that can be had, locator files that can be read, orders that can be taken."""

import os
from collections.abc import Iterator
from pathlib import Path

from integrator.checks.finding import Finding, listed
from integrator.errors import ConfigError
from integrator.home import Home
from integrator.secret import Secret, SecretError
from integrator.settings import Settings, Variables, Workshop
from integrator.wiring import Wiring

_FILE = "config/workshops.toml"


def check_workshops(finding: Finding, wiring: Wiring, settings: Settings) -> None:
    """Follow the references of every login, and read the locator file of every type. No secret is shown."""
    from integrator.jobs.orderline_spool import told

    workshops = settings.workshops
    finding.facts["workshops"] = {
        workshop.id: {
            "type": workshop.type,
            "password": str(workshop.password),
            "login": _has_login(finding, workshop, settings.home),
        }
        for workshop in workshops.values()
    }
    types = sorted({workshop.type for workshop in workshops.values()})
    finding.facts["locators"] = {kind: _check_locators(finding, kind, settings.home) for kind in types}
    good = [name for name, facts in finding.facts["workshops"].items() if facts["login"]]
    if good:
        finding.ok(f"the logins of {listed(good)} can be had; whether they are let in: integrator workshop test-login")
    if read := [f"{kind} ({count} elements)" for kind, count in finding.facts["locators"].items() if count]:
        finding.ok(f"locator files of {listed(read)} are sound")
    if (lying := told(settings)) is not None:
        finding.problem(*lying)


def _has_login(finding: Finding, workshop: Workshop, home: Home) -> bool:
    problems = list(_login_problems(workshop, home))
    for what in problems:
        then = f"mend [{workshop.id}] in {_FILE}, or the secret in .env"
        finding.problem(f"{workshop.id}: {what}", then, exit_code=ConfigError.exit_code)
    return not problems


def _login_problems(workshop: Workshop, home: Home) -> Iterator[str]:
    """What is wrong with a login, as far as it can be told without its ERP; never with a value."""
    if not workshop.has_credentials:
        yield "no username and password: its orders are bad requests (no credentials configured)"
        return
    env = Variables(home, os.environ)
    for name, reference in (("password", workshop.password), ("totp", workshop.totp)):
        if reference is None:
            continue
        try:
            secret = reference.resolve(env, home.root)
        except SecretError as error:
            yield f"{name}: {error}"
            continue
        if name == "totp" and not _makes_codes(secret):
            yield "totp: what it leads to is no secret of one-time codes: expected letters A-Z and digits 2-7"


def _makes_codes(secret: Secret) -> bool:
    from integrator.systems.browser.trouble import Trouble
    from integrator.systems.workshops.onetime import key_of

    try:
        key_of(secret)
    except Trouble:
        return False
    return True


def _check_locators(finding: Finding, kind: str, home: Home) -> int | None:
    """How many elements the file of a type finds; None when it is not sound. A home's own lies over the shipped one."""
    from integrator.shops import locators_of
    from integrator.systems.workshops import is_known

    shown = Path("config") / "workshops" / f"{kind}.toml"
    try:
        found = locators_of(home, kind)
    except ConfigError as error:
        for problem in error.problems:
            finding.problem(str(problem), error.hint, exit_code=error.exit_code)
        return None
    if not is_known(kind):
        finding.problem(f"{shown}: there is no such type of ERP in this program", f"type in {_FILE}", exit_code=78)
        return None
    return len(found)
