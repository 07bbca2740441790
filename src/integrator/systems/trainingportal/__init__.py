"""Trainingportal, a reseller of courses: classes are published there, bookings read, and what became of them told.

Half of its API is documented, half assumed (contract, section 0); what is assumed is a switch of Options. Courses and
classes go by the ids that it knows them by: a class's is ours, a course's stands in E5.
"""

from collections.abc import Callable, Mapping

from integrator.domain.portal import PortalBooking, PortalClass, PortalCourse
from integrator.effects import Message, Sender
from integrator.systems.http import Http
from integrator.systems.http.request import Sealed
from integrator.systems.trainingportal.bookings import Documents, Statuses
from integrator.systems.trainingportal.calls import Calls
from integrator.systems.trainingportal.classes import Classes
from integrator.systems.trainingportal.options import Options

__all__ = ["Options", "Trainingportal"]


class Trainingportal:
    """One provider's access. Every call is a POST of a form that carries the credentials; none stand in an address.

    settle_s    how long a lost request may still arrive there
    references  their reference of a booking by ours, None while we do not know it; needed for options.reference_source
                "portal"
    """

    def __init__(
        self,
        http: Http,
        *,
        username: str,
        password: Sealed,
        options: Options,
        settle_s: float = 60.0,
        references: Callable[[str], str | None] | None = None,
    ) -> None:
        self._calls = Calls(http, username=username, password=password, options=options, references=references)
        self._settle_s = settle_s

    def courses(self) -> list[PortalCourse]:
        """The courses that we are registered for there.

        Shape   {"courses": [{"externalId": "GSK-4D", "name": "…"}]}, or the list alone
        Errors  Refused (login, address), Unavailable, BadAnswer
        Source  E5, assumed
        """
        return self._calls.courses()

    def classes(self, course_id: str) -> list[PortalClass]:
        """The classes of one course that we made there; a cancelled one may be among them.

        Shape   {"courseClasses": [{"externalId": "NK-2027-0312", "availableSeats": 12, …}]}, or the list alone
        Errors  Rejected (no such course), BadRecord (an id that no address can carry): this course; as courses
        Source  E6, assumed; a class as E1 shows it
        """
        return self._calls.classes(course_id)

    def booking(self, reference: str) -> PortalBooking | None:
        """One booking, None when it is not visible, or not yet.

        Shape   {"bookingReference": "4f0c…", "firstname": "Bjørn", "enroller": {…}, "enrollmentStatus": "NEW", …}
        Errors  Refused, Unavailable, BadAnswer; BadRecord: a reference that no address can carry
        Source  E7, documented; that "no such booking" is a 4xx or a status object with "false" is assumed
        """
        return self._calls.booking(reference)

    def class_sender(self, there: Mapping[str, PortalClass], ours: Mapping[str, str]) -> Sender:
        """The outbox's sender of classes.

        there  what was pulled in this run, by class id; ours: "published" or "cancelled", as we last knew it
        """
        return Classes(self._calls, there, ours, settle_s=self._settle_s)

    def status_sender(self) -> Sender:
        """The outbox's sender of what became of bookings."""
        return Statuses(self._calls, settle_s=self._settle_s)

    def document_sender(self, read: Callable[[Message], bytes]) -> Sender:
        """The outbox's sender of documents.

        read  gives the bytes of a message's document. Errors  Rejected: the file is gone, or another one
        """
        return Documents(self._calls, read, settle_s=self._settle_s)

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()
