"""The check of WordPress: who we are there, and whether the site has every type and name that we write."""

import time

from integrator.checks.finding import Finding, listed, seconds_of
from integrator.errors import ConfigError, Problem
from integrator.settings import Settings, WordPressSettings
from integrator.systems.wordpress import Surveyed
from integrator.wiring import Wiring, shown

_FEEDERS = {"course_sync", "administrator"}
SLOWEST_S = 30  # PHP's own limit for one request
_PLUGIN = "install config/wordpress/ili-courses.php there"


def check_wordpress(finding: Finding, wiring: Wiring, settings: Settings) -> None:
    """Log in, and compare the site's description of itself with our mapping.

    Errors  ConfigError; Unavailable; Refused
    """
    wordpress = wiring.wordpress()
    if settings.wordpress is None or wordpress is None:
        raise ConfigError([Problem("config/integrator.toml", "[wordpress] is missing")])
    begun = time.monotonic()
    site = wordpress.survey()
    seconds = time.monotonic() - begun
    mapping = shown(settings.home, settings.wordpress.mapping)
    mend = f"{_PLUGIN}, or edit {mapping}"
    finding.facts |= {
        "login": site.login,
        "roles": site.roles,
        "types": site.types,
        "missing_types": site.missing_types,
        "missing_names": site.missing_names,
        "unwritable_types": site.unwritable_types,
        "unfed_names": site.unfed_names,
        "batch_size": site.batch_size,
        "seconds": round(seconds, 3),
    }
    stops = "import-courses keeps the courses in the store and sends nothing"
    if site.missing_types:
        finding.problem(f"the site has no post type {listed(site.missing_types)}: {stops}", mend)
    if site.missing_names:
        finding.problem(
            f"the site does not have {listed(site.missing_names)}, and would ignore it without a word: {stops}", mend
        )
    _check_rights(finding, site)
    _check_wait(finding, settings.wordpress)
    if site.unfed_names:
        finding.note(f"nobody feeds {listed(site.unfed_names)}", f"wanted? Add it to {mapping}")
    batches = f"batches of {site.batch_size}" if site.batch_size > 1 else "no batches: posts go one by one, slowly"
    role = f" ({', '.join(site.roles)})" if site.roles else ""
    types = ", ".join(name for name in site.types if name not in site.missing_types) or "none of our types"
    finding.ok(f"logged in as {site.login}{role}; {types}; {batches}; {seconds_of(seconds)}")


def _check_rights(finding: Finding, site: Surveyed) -> None:
    if site.unwritable_types:
        finding.problem(
            f"{site.login} may read {listed(site.unwritable_types)} but not write: the site would refuse every post",
            "give that user the role Course sync, which config/wordpress/ili-courses.php makes",
        )
    elif site.roles and not _FEEDERS & set(site.roles):
        finding.note(
            f"{site.login} is {', '.join(site.roles)}: a site with our plugin lets the role course_sync alone"
            " write mac_*",
            "with the plugin: give that user the role Course sync, and no other",
        )


def _check_wait(finding: Finding, settings: WordPressSettings) -> None:
    shortest_s = settings.timeout_s + SLOWEST_S
    if settings.settle_s < shortest_s:
        finding.note(
            f"settle_s = {settings.settle_s:g}: a slow site may still carry out what we take for lost",
            f"[wordpress] settle_s: {shortest_s:g} or more",
        )
