"""The check of Trainingportal: whether it knows us, which of our courses it sells, and whether it answers as assumed.

Nothing is written there.
"""

import sqlite3
import time
from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from integrator.checks.finding import Finding, listed, seconds_of
from integrator.database import Database, bare
from integrator.domain.portal import ClassFacts, PortalClass
from integrator.errors import BadAnswer, ConfigError, IntegratorError, ItemError, Problem, Refused
from integrator.settings import Settings, TrainingportalSettings
from integrator.store.courses import Catalogue
from integrator.systems.trainingportal.judging import LOGIN_HINT
from integrator.wiring import Wiring

if TYPE_CHECKING:
    from integrator.systems.trainingportal import Trainingportal

_WHERE = "config/integrator.toml"
_NOBODY = "integrator-check"  # a reference that no booking has: ours begin otherwise
_BUSY_S = 5
_SAID = tuple(name for name in ClassFacts.__struct_fields__ if name not in ("course_id", "class_id"))
_SELDOM = frozenset({"start_time", "end_time"})  # a class may have none


def check_trainingportal(finding: Finding, wiring: Wiring, settings: Settings) -> None:
    """Ask for the courses that we are registered for, for the classes of those that are ours, and for no booking.

    Errors  Unavailable; Refused; BadAnswer
    """
    ours = settings.trainingportal
    if ours is None:
        raise ConfigError([Problem(_WHERE, "[trainingportal] is missing")])
    portal = wiring.need_portal()
    begun = time.monotonic()
    registered = _registered(portal)
    seconds = time.monotonic() - begun
    finding.facts |= {"seconds": round(seconds, 3), "registered": sorted(registered)}
    sold = _sold(finding, ours, registered, _main_courses(settings))
    count = _check_classes(finding, portal, sold)
    _check_bookings(finding, portal)
    _check_certificates(finding, wiring, settings)
    finding.ok(
        f"answers, and takes our login; it sells {_counted(len(sold), 'course')} of ours with"
        f" {_counted(count, 'class')}; {seconds_of(seconds)} (nothing was written)"
    )


def _registered(portal: "Trainingportal") -> set[str]:
    try:
        return {course.id for course in portal.courses()}
    except Refused as error:
        if error.hint != LOGIN_HINT:
            raise
        text = error.message
    raise Refused(text, hint=f"mend username and password in [trainingportal] of {_WHERE}, or the secret in .env")


def _main_courses(settings: Settings) -> set[str] | None:
    """The main courses in our store; None when it cannot be read, which its own check tells."""
    path = settings.store.path
    if not path.exists():
        return None
    try:
        conn = bare(path, read_only=True, timeout_s=_BUSY_S)
        try:
            return Catalogue(Database(conn, path), "main_course").known().expected
        finally:
            conn.close()
    except sqlite3.Error:
        return None


def _sold(
    finding: Finding, settings: TrainingportalSettings, registered: Collection[str], main_courses: set[str] | None
) -> list[str]:
    """Their ids of the courses that are ours, with a line for whatever does not meet."""
    names = settings.courses
    if unknown := sorted(names.keys() - set(registered)):
        finding.problem(
            f"we are not registered there for {listed(unknown)}, which [trainingportal] courses names",
            "is that its id there? Its ids are in: integrator check trainingportal --json",
            exit_code=ConfigError.exit_code,
        )
    if not registered:
        finding.note(
            "we are registered there for no course: no class is published", "ask Trainingportal to register us"
        )
    if main_courses is None:
        finding.note("which of its courses are ours cannot be told yet", "integrator import-courses")
        return sorted(registered)
    sold = [theirs for theirs in sorted(registered) if names.get(theirs, theirs) in main_courses]
    finding.facts |= {"sold": sold, "not_sold": len(main_courses) - len(sold)}
    if strange := [theirs for theirs in sorted(registered) if theirs not in sold]:
        finding.note(
            f"no main course of ours is meant by {listed(strange)}: no class of it is published",
            f'[trainingportal] courses = {{ "{strange[0]}" = "our number" }} in {_WHERE}',
        )
    return sold


def _check_classes(finding: Finding, portal: "Trainingportal", sold: Collection[str]) -> int:
    """Read the classes of each course; a field that none of them tells is one that cannot be compared."""
    classes: list[PortalClass] = []
    for course_id in sold:
        try:
            classes += portal.classes(course_id)
        except (ItemError, BadAnswer) as error:
            finding.problem(
                f"the classes of {course_id} cannot be read: {_bare(error)}",
                f"is path.get_classes in [trainingportal] of {_WHERE} right?",
            )
    told = {name for one in classes for name in _SAID if getattr(one, name) is not None}
    silent = [name for name in _SAID if classes and name not in told | _SELDOM]
    finding.facts |= {"classes": len(classes), "silent_fields": silent}
    if silent:
        finding.note(
            f"no class there says {listed(silent)}, or says it so that it can be read: what differs is not seen",
            f"are format.date and format.amount in [trainingportal] of {_WHERE} right?",
        )
    return len(classes)


def _check_certificates(finding: Finding, wiring: Wiring, settings: Settings) -> None:
    """The template is filled in with invented people, where certificates are made."""
    if settings.jobs["update-booking-status"].policy["certificates"]:
        for problem in wiring.certificates().problems():
            then = "mend it, or delete the file to use the shipped one"
            finding.problem(f"{problem}; certificates wait", then, exit_code=ConfigError.exit_code)


def _check_bookings(finding: Finding, portal: "Trainingportal") -> None:
    """How it says that there is no such booking: read wrongly, that would cost somebody their seat."""
    try:
        found = portal.booking(_NOBODY)
    except BadAnswer as error:
        finding.problem(f"how it says that there is no such booking is not understood: {_bare(error)}")
        return
    if found is not None:
        said = [name for name, value in msgspec.structs.asdict(found).items() if isinstance(value, str)]
        finding.problem(f"it answers with a booking where there is none (it has {listed(said)})")


def _bare(error: IntegratorError) -> str:
    return error.message.removeprefix("trainingportal: ")


def _counted(count: int, what: str) -> str:
    return f"{count} {what if count == 1 else what + ('es' if what.endswith('s') else 's')}"
