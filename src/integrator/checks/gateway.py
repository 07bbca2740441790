"""The gateway: who may call us, and whether their keys can be used. Nothing is asked of it: a web server hosts it."""

import os
import re
from collections.abc import Iterator

import msgspec

from integrator.checks.finding import Finding, listed
from integrator.errors import ConfigError, Problem
from integrator.home import Home
from integrator.settings import GatewaySettings, Settings, read_gateway
from integrator.tomlfile import TomlFile
from integrator.wiring import Wiring

_WHO = {
    "website_key": "the website",
    "oilmat_key": "OilMat",
    "trainingportal_token": "Trainingportal by its token",
    "trainingportal_signing_key": "Trainingportal by its signature",
}
_ADDRESSES = ("trainingportal_ips", "trusted_proxies")
_KEY = re.compile(r"\[gateway\] ([a-z_]+)")


def check_gateway(finding: Finding, wiring: Wiring, settings: Settings) -> None:
    """Who is let in. Errors  ConfigError: one of the keys or addresses cannot be used"""
    found = settings.gateway
    if problems := list(_weak(found)):
        raise ConfigError(problems)
    callers = [who for key, who in _WHO.items() if getattr(found, key) is not None]
    finding.facts |= {"callers": callers, "docs": found.docs}
    if not callers:
        finding.note("lets nobody in: no caller has a key", "fill one in in [gateway]: docs/gateway.md")
        return
    told = ", /docs for everybody" if found.docs else ""
    finding.ok(f"lets in {listed(callers)}{told}; {found.rate_per_minute:,} calls a minute of each")


def gateway_problems(home: Home) -> list[Problem]:
    """Everything wrong with [gateway], with its line, also while other things are wrong in it and elsewhere."""
    try:
        found, file, problems = read_gateway(home, os.environ)
    except ConfigError:  # the file cannot be read: whoever reads all of it says so
        return []
    return problems if found == GatewaySettings() else [*problems, *(_placed(file, weak) for weak in _weak(found))]


def _weak(found: GatewaySettings) -> Iterator[Problem]:
    """What would keep the gateway from starting: a key that can be guessed, an address that is none."""
    try:
        from integrator.gateway.callers import networks
        from integrator.gateway.guard import Guard
    except ModuleNotFoundError as error:
        missing = f"[gateway] is filled in, and {error.name} is not installed: pip install 'integrator[gateway]'"
        yield Problem("config/integrator.toml", missing)
        return
    for key in _ADDRESSES:
        for text in getattr(found, key):
            try:
                networks((text,), key=key)
            except ConfigError as error:
                yield from error.problems
    try:
        Guard(msgspec.structs.replace(found, **dict.fromkeys(_ADDRESSES, ())))
    except ConfigError as error:
        yield from error.problems


def _placed(file: TomlFile, problem: Problem) -> Problem:
    named = _KEY.match(problem.what)
    return file.problem(("gateway", *named.groups()) if named else ("gateway",), problem.what)
