"""Everything `integrator check` looks at: this installation, this machine, and each system it talks to.

Nothing is written: no store, no lock, no log; answers are spooled into a temporary folder that is removed.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from integrator.checks.configuration import check_configuration
from integrator.checks.finding import Finding, Line, exit_code
from integrator.checks.local import check_clock, check_disk, check_jobs, check_store
from integrator.checks.systems import CHECKS, check_system, is_on
from integrator.errors import UsageError
from integrator.home import Home

__all__ = ["SYSTEMS", "Finding", "Line", "exit_code", "run_checks"]

SYSTEMS = tuple(CHECKS)


def _unseen(subject: str) -> AbstractContextManager[object]:
    return nullcontext()


def _off(system: str) -> tuple[str, str]:
    if system in ("workshops", "browser"):
        return "switched off: config/workshops.toml has no workshop", "fill one in there"
    return f"switched off: config/integrator.toml has no [{system}]", f"fill in [{system}] there"


def run_checks(
    home: Home,
    *,
    now: datetime,
    system: str | None = None,
    waiting: Callable[[str], AbstractContextManager[object]] = _unseen,
) -> Iterator[Finding]:
    """Check one subject after the other, and give back each finding as it is there.

    Shape   system: that one and its configuration only; waiting is entered while a system is asked
    Errors  UsageError: no such system; Stopped
    """
    if system is not None and system not in SYSTEMS:
        raise UsageError(f"check: there is no check of {system!r}; expected {' or '.join(SYSTEMS)}")
    finding, configuration = check_configuration(home, (system,) if system else SYSTEMS)
    yield finding
    settings = configuration.settings
    if settings is None:
        return
    if system is None:
        yield check_store(settings)
        yield check_disk(settings)
        yield check_clock(now)
        yield check_jobs(settings, now)
    for name in (system,) if system else SYSTEMS:
        if is_on(name, settings):
            with waiting(name):
                finding = check_system(name, configuration)
            yield finding
        elif system:
            finding = Finding(system)
            finding.problem(*_off(system), exit_code=78)
            yield finding
