"""Maconomy: a private, custom endpoint in front of the ERP; its words stop at the mapping in config/.

Everything but the five paths is assumed; a real deployment edits config/maconomy.toml, not this package.
"""

from collections.abc import Callable
from pathlib import Path

from integrator.domain.courses import Course
from integrator.effects import Message
from integrator.errors import ConfigError, Problem
from integrator.systems.http import Http
from integrator.systems.maconomy.catalogue import (
    LISTS,
    MAX_BAD_PERCENT,
    Catalogue,
    Surveyed,
    course_from,
    main_course_from,
)
from integrator.systems.maconomy.people import OneClass, Participants, people_problems
from integrator.systems.maconomy.registrations import Registrations, finds_by_reference
from integrator.systems.mapping import Mapping

__all__ = [
    "LISTS",
    "MAX_BAD_PERCENT",
    "Maconomy",
    "Participants",
    "Registrations",
    "Surveyed",
    "course_from",
    "main_course_from",
]


class Maconomy(Catalogue):
    """The endpoint: its two lists (Catalogue), one class at a time, and the only call that writes."""

    def __init__(
        self,
        http: Http,
        mapping: Mapping,
        *,
        spool: Path,
        list_timeout_s: float,
        max_list_bytes: int,
        timeout_s: float = 5.0,
        settle_s: float = 60.0,
    ) -> None:
        """timeout_s: for both tries of a question about one class; settle_s: how long a lost POST may be on its way."""
        super().__init__(http, mapping, spool=spool, list_timeout_s=list_timeout_s, max_list_bytes=max_list_bytes)
        self._one_class = OneClass(http, mapping, timeout_s=timeout_s)
        self._settle_s = settle_s

    def course(self, class_id: str) -> Course:
        """A class with its free seats as Maconomy has them now.

        Errors  NotFound: there is none of that number; Unavailable: cannot be told now, so it cannot be booked;
                BadAnswer: unreadable, or about another class; Refused; ConfigError
        Source  GET /api/course/25172-04
        """
        return self._one_class.course(class_id)

    def participants(self, class_id: str) -> Participants:
        """Who is on a class, withdrawn ones too; [] when nobody is. Never kept on disk.

        unreadable of the answer counts the records that are left out because they cannot be read
        Errors  as course; BadAnswer also when no record can be read, or none has a name or an address any more
        Source  GET /api/participant/25172-04
        """
        return self._one_class.participants(class_id)

    def registrations(self, known: Callable[[Message], int]) -> Registrations:
        """The sender of participants; see Registrations. Errors  ConfigError: the mapping does not describe the call"""
        if problems := self.registration_problems():
            raise ConfigError(problems)
        return Registrations(self._http, self._one_class, known=known, settle_s=self._settle_s)

    def registration_problems(self) -> list[Problem]:
        """What keeps this mapping from registering anybody: looked at without a request."""
        problems = people_problems(self._mapping)
        if "webparticipant" not in self._mapping.endpoints:
            missing = "[endpoint.webparticipant] is missing: how a participant is registered"
            return [*problems, Problem(self._mapping.shown, missing)]
        sent = {spec.value for spec in self._mapping.endpoints["webparticipant"].send}
        needed = [path for path in ("course.id", "participant.last_name", "participant.email") if path not in sent]
        if needed:
            what = f"[endpoint.webparticipant.send] has no name for {', '.join(needed)}"
            problems.append(Problem(self._mapping.shown, what))
        return problems

    def registering(self) -> tuple[str, int, bool]:
        """(method and path, how many names are sent, whether our reference is found again), for `check`."""
        sending, listing = self._one_class.endpoint("webparticipant"), self._one_class.endpoint("participant")
        return f"{sending.method} {sending.path}", len(sending.send), finds_by_reference(sending, listing)
