"""The first check: every configuration file of a home is read, and everything wrong in any of them is said."""

import os
from dataclasses import dataclass

from integrator.checks.finding import Finding
from integrator.checks.gateway import gateway_problems
from integrator.errors import ConfigError, Problem
from integrator.home import Home
from integrator.settings import Settings, load_settings
from integrator.wiring import mapping_problems, shown

SUBJECT = "configuration"


@dataclass(frozen=True)
class Configuration:
    """What could be read. settings lack their secrets when complete is False, and are None when nothing is usable."""

    settings: Settings | None
    complete: bool

    def of(self, system: str) -> Settings:
        """Settings with the secrets of one system. Errors  ConfigError"""
        if self.settings is None:
            raise ConfigError([])
        if self.complete:
            return self.settings
        return load_settings(self.settings.home, os.environ, needs=(system,))


def check_configuration(home: Home, systems: tuple[str, ...]) -> tuple[Finding, Configuration]:
    """Read everything, with the secrets of these systems only."""
    finding = Finding(SUBJECT, facts={"home": str(home.root)})
    read = Configuration(None, complete=False)
    problems: list[Problem] = []
    try:
        read = Configuration(load_settings(home, os.environ, needs=systems), complete=True)
    except ConfigError as error:
        problems += error.problems
        read = Configuration(_without_secrets(home), complete=False)
    problems += mapping_problems(home, read.settings)
    if "gateway" in systems:
        problems += gateway_problems(home)
    problems = list(dict.fromkeys(problems))
    for problem in problems:
        finding.problem(str(problem), exit_code=ConfigError.exit_code)
    if problems:
        rest = "nothing else was checked" if read.settings is None else "jobs that use this do not start"
        finding.note(f"{len(problems)} to mend in {home.root}; {rest}", "integrator check   when that is done")
    elif read.settings is not None:
        _describe(finding, read.settings)
    return finding, read


def _without_secrets(home: Home) -> Settings | None:
    """Enough to look at the store and the jobs, when the only trouble is a secret that is not there."""
    try:
        return load_settings(home, os.environ, needs=())
    except ConfigError:
        return None


def _describe(finding: Finding, settings: Settings) -> None:
    home = settings.home
    on = [name for name in ("maconomy", "wordpress", "mailgun", "trainingportal", "oilmat") if getattr(settings, name)]
    finding.facts |= {"systems": on, "workshops": list(settings.workshops), "jobs": len(settings.jobs)}
    mappings = [table.mapping for table in (settings.maconomy, settings.wordpress) if table]
    files = ["config/integrator.toml", *(shown(home, mapping) for mapping in mappings)]
    files += ["config/workshops.toml"] if settings.workshops else []
    if not on and not settings.workshops:
        finding.note(
            f"config/integrator.toml in {home.root} switches no system on: there is nothing to import",
            "fill in [maconomy] and [wordpress] there, their secrets in .env",
        )
        return
    finding.ok(f"{', '.join(files)} and {len(settings.jobs)} jobs of {home.root} are right")
