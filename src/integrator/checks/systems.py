"""Checks of the outside systems, each on its own: one that is down does not hide the others."""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from integrator.checks.browser import check_browser
from integrator.checks.configuration import Configuration
from integrator.checks.finding import Finding
from integrator.checks.gateway import check_gateway
from integrator.checks.maconomy import bare, check_maconomy
from integrator.checks.mailgun import check_mailgun
from integrator.checks.oilmat import check_oilmat
from integrator.checks.trainingportal import check_trainingportal
from integrator.checks.wordpress import check_wordpress
from integrator.checks.workshops import check_workshops
from integrator.errors import ConfigError, IntegratorError, Refused, Stopped, Unavailable
from integrator.runtime.stopping import Stopper
from integrator.settings import GatewaySettings, Settings
from integrator.wiring import Wiring

CHECKS: dict[str, Callable[[Finding, Wiring, Settings], None]] = {
    "maconomy": check_maconomy,
    "wordpress": check_wordpress,
    "mailgun": check_mailgun,
    "trainingportal": check_trainingportal,
    "oilmat": check_oilmat,
    "gateway": check_gateway,
    "workshops": check_workshops,
    "browser": check_browser,
}
_LOGIN = {
    "maconomy": "auth_header and auth_value",
    "wordpress": "username and password",
    "trainingportal": "username and password",
    "oilmat": "token",
    "mailgun": "api_key (if it may only send: events_key) or the region in base_url",
}
_LOGIN_STATUS = (401, 403)
_CONSEQUENCE = {
    "maconomy": "import-courses changes nothing until then",
    "wordpress": "courses wait in the store and are sent later",
    "trainingportal": "no class changes there, new bookings are not confirmed, and statuses wait in the outbox",
    "oilmat": "orders are not fetched, and what became of them waits in the outbox",
    "gateway": "nobody is let in",
    "mailgun": "mails wait in the outbox, and what became of earlier ones is not heard",
    "workshops": "push-orderline leaves every order where it is",
    "browser": "push-orderline leaves every order where it is",
}


def is_on(name: str, settings: Settings) -> bool:
    """Whether there is anything to check. A browser is there for the workshops."""
    if name == "gateway":
        return settings.gateway != GatewaySettings()
    return bool(settings.workshops if name in ("workshops", "browser") else getattr(settings, name))


def check_system(name: str, configuration: Configuration) -> Finding:
    """Try one system, with everything that can go wrong turned into lines."""
    finding = Finding(name)
    try:
        settings = configuration.of(name)
        if (url := getattr(getattr(settings, name), "base_url", None)) is not None:
            finding.facts["base_url"] = url
        _try(name, finding, settings)
    except ConfigError:
        finding.problem("not tried: its configuration is wrong, see above", exit_code=ConfigError.exit_code)
    except Stopped:
        raise
    except IntegratorError as error:
        then = _next_step(name, error, finding.facts.get("base_url", ""))
        refused = ": our login is not accepted, or may not do this" if _status(error) in _LOGIN_STATUS else ""
        finding.problem(f"{bare(error.message)}{refused}; {_CONSEQUENCE[name]}", then, exit_code=error.exit_code)
    return finding


def _try(name: str, finding: Finding, settings: Settings) -> None:
    stopper = Stopper()
    with (
        tempfile.TemporaryDirectory(prefix="integrator-check-") as folder,
        stopper.installed(),
        stopper.interruptible(),
    ):
        wiring = Wiring(settings, stopper, spool=Path(folder))
        try:
            CHECKS[name](finding, wiring, settings)
        finally:
            wiring.close()


def _next_step(name: str, error: IntegratorError, base_url: str) -> str:
    if isinstance(error, Unavailable):
        return f"is it up, and is [{name}] base_url right? {base_url}"
    if _status(error) in _LOGIN_STATUS:
        return f"mend [{name}] {_LOGIN[name]} in config/integrator.toml, or the secret in .env"
    if error.hint and not error.hint.startswith("integrator check"):
        return error.hint
    if isinstance(error, Refused):
        return f"is [{name}] base_url right? {base_url}"
    return "integrator check"


def _status(error: IntegratorError) -> int | None:
    """What the system answered, when that alone was the error."""
    found = re.search(r"answered (\d{3})$", error.message)
    return int(found[1]) if found else None
