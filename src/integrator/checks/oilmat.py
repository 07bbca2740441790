"""The check of OilMat: whether it answers, and lets our token ask for every workshop of ours. Nothing is taken."""

import time

from integrator.checks.finding import Finding, seconds_of
from integrator.errors import ConfigError, Problem
from integrator.settings import Settings
from integrator.wiring import Wiring

_WHERE = "config/integrator.toml"


def check_oilmat(finding: Finding, wiring: Wiring, settings: Settings) -> None:
    """Ask for one item of every workshop.

    Errors  Unavailable; Refused; BadAnswer
    """
    ours = settings.oilmat
    if ours is None:
        raise ConfigError([Problem(_WHERE, "[oilmat] is missing")])
    finding.facts |= {"limit": ours.limit, "workshops": len(settings.workshops)}
    oilmat = wiring.oilmat()
    if oilmat is None:
        finding.note(
            "no base_url: OilMat is neither asked nor told; orderlines come by orderline create and the spool folder",
            f"is that meant? Otherwise fill in [oilmat] base_url in {_WHERE}",
        )
        return
    if not settings.workshops:
        finding.note("not tried: there is no workshop to ask for", "fill in config/workshops.toml")
        return
    if ours.token is None:
        finding.note("no token: OilMat is asked as nobody", f"does it want one? [oilmat] token in {_WHERE}")
    begun = time.monotonic()
    for workshop in settings.workshops:
        oilmat.check(workshop)
    seconds = time.monotonic() - begun
    finding.facts["seconds"] = round(seconds, 3)
    count = len(settings.workshops)
    whose = "1 workshop" if count == 1 else f"{count} workshops"
    login = "" if ours.token is None else ", and takes our token"
    finding.ok(f"answers{login}; dispenses of {whose} can be asked for; {seconds_of(seconds)} (nothing was taken)")
