"""update-booking-status: what became of students travels store → Trainingportal, then their documents.

Reads   maconomy   GET /api/participant/ID, for classes that have begun and that a reseller sold seats of
        documents/ in the home: REFERENCE.pdf, or REFERENCE/*.pdf
Keeps   store      booking_statuses, booking_documents; var/documents: the bytes until they are uploaded
Writes  trainingportal  E8 for every status (outbox, latest), E9 for every document (outbox, once)
Guard   the newest status wins, an older one never overtakes, nor does one of a restored store; of a cancelled booking
        none is told; a document leaves once for its booking and content, only after the booking's COMPLETED is known
        there; one in doubt waits for a person
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, overload

from integrator.domain import completion
from integrator.domain.portal import DOCUMENT, STATUS, STATUSES, PortalBooking
from integrator.effects import Done, Message, Preview, Sender
from integrator.errors import (
    BadAnswer,
    ConfigError,
    IntegratorError,
    ItemError,
    Postponed,
    Refused,
    Rejected,
    Unavailable,
)
from integrator.jobs.booking_papers import Papers
from integrator.store.booking_documents import ENDED, BookingDocuments
from integrator.store.booking_statuses import BookingStatuses

if TYPE_CHECKING:
    from integrator.certificates import Certificates
    from integrator.jobs.booking_outcomes import Participants
    from integrator.runtime.run import Run


_MOST_TOLD = 100


class Portal(Protocol):
    """The part of Trainingportal this job needs."""

    def booking(self, reference: str) -> PortalBooking | None: ...

    def status_sender(self) -> Sender: ...

    def document_sender(self, read: Callable[[Message], bytes]) -> Sender: ...


def update_booking_status(
    run: "Run",
    portal: Callable[[], Portal] | None,
    *,
    documents: Path,
    var: Path,
    certificates: "Certificates | None" = None,
    maconomy: "Callable[[], Participants] | None" = None,
    max_bytes: int,
) -> None:
    """Bring the statuses of all bookings level with Trainingportal, then give it their documents.

    portal, maconomy   made when they are first needed; None: switched off
    documents, var     the home's folders: what operators put there, and what waits (in var/documents)
    certificates       None: what has no file in documents gets none
    max_bytes          the largest document that Trainingportal takes

    Errors  Refused, Unavailable: Trainingportal; at the end, when all else is done: Refused, ConfigError of Maconomy
            or of a broken certificate; Stopped
    """
    try:
        troubles = _level(run, portal, documents, var, certificates, maconomy, max_bytes)
    except IntegratorError:
        _say_new(run)
        raise
    _say_new(run)
    if troubles:
        _raise_first(run, troubles)


def _level(
    run: "Run",
    portal: Callable[[], Portal] | None,
    documents: Path,
    var: Path,
    certificates: "Certificates | None",
    maconomy: "Callable[[], Participants] | None",
    max_bytes: int,
) -> list[IntegratorError]:
    """The steps of a run; gives back what is to be told at its end."""
    troubles: list[IntegratorError] = []
    # fetch, decide and keep: statuses
    if maconomy is not None:
        troubles += _from_maconomy(run, maconomy)
    _give_up_cancelled(run)
    # deliver
    if portal is None:
        _say_off(run)
    else:
        _deliver(run, STATUS, lambda: _newest(run, portal()), _told(run))
    # the same for documents: which leave, follows from what was told
    papers = Papers(run, documents, var / "documents", max_bytes=max_bytes)
    papers.sweep()
    troubles += papers.queue(certificates)
    if portal is not None:
        _deliver(run, DOCUMENT, lambda: Ready(run, portal().document_sender(papers.read)), _uploaded(run))
        papers.sweep()
    return troubles


def _say_new(run: "Run") -> None:
    """What needs a person since this run, or since somebody set a status: told once. status says it until it is mended.

    The bookings themselves that wait are told by confirm-bookings.
    """
    with run.db.tx():
        found = BookingStatuses(run.db).say_new(run.id)
    for kind, key, reason in found[:_MOST_TOLD]:
        run.set_aside(f"{kind} {key}", reason)
    if len(found) > _MOST_TOLD:
        run.remark(f"{len(found) - _MOST_TOLD} more need a person: integrator booking-status list --waiting")


def _raise_first(run: "Run", troubles: Sequence[IntegratorError]) -> NoReturn:
    """A run ends with one error; the others are told beside it."""
    for other in troubles[1:]:
        run.remark(other.message)
    raise troubles[0]


def _give_up_cancelled(run: "Run") -> None:
    with run.db.tx():
        number = BookingStatuses(run.db).give_up_cancelled(at=run.at)
    run.count(statuses__given_up=number)
    if number:
        run.remark(f"{number} status(es) were not told: their bookings were cancelled meanwhile")


def _from_maconomy(run: "Run", maconomy: "Callable[[], Participants]") -> list[Refused | ConfigError]:
    """What of Maconomy's trouble must be told; it holds nothing else back."""
    from integrator.jobs.booking_outcomes import take_outcomes

    try:
        take_outcomes(run, maconomy)
    except (Refused, ConfigError) as error:
        return [error]
    return []


def _deliver(run: "Run", effect: str, make: Callable[[], Sender], keep: Callable[[Message, Done], None]) -> None:
    """No client is made for nothing: most starts find nothing to do."""
    if run.outbox.pending(effect):
        run.deliver(effect, make(), keep=keep)


def _say_off(run: "Run") -> None:
    if waiting := run.outbox.pending(STATUS) + run.outbox.pending(DOCUMENT):
        run.remark(f"[trainingportal] is switched off: {waiting} message(s) on bookings stay in the outbox")


def _told(run: "Run") -> Callable[[Message, Done], None]:
    def keep(message: Message, done: Done) -> None:
        BookingStatuses(run.db).told(message.key, message.body["version"], at=int(run.clock()))

    return keep


def _uploaded(run: "Run") -> Callable[[Message, Done], None]:
    def keep(message: Message, done: Done) -> None:
        body = message.body
        BookingDocuments(run.db).uploaded(body["reference"], body["sha256"], at=int(run.clock()))

    return keep


def _newest(run: "Run", portal: Portal) -> "Newest":
    statuses = BookingStatuses(run.db)
    return Newest(portal.status_sender(), {} if run.dry else _look_back(run, portal), told=statuses.last_told)


def _look_back(run: "Run", portal: Portal) -> dict[int, bool]:
    """Statuses of a store that was restored: hold those which something newer may have followed.

    Gives back the others by their messages' ids, with whether it is known what stands there.
    Errors  Refused: Trainingportal rejects us as a whole
    """
    looked: dict[int, bool] = {}
    ids, silent = BookingStatuses(run.db).restored(), False
    for message in run.outbox.in_doubt(STATUS) if ids else ():
        if message.id not in ids:
            continue
        looked[message.id] = False
        if silent:
            continue
        try:
            found = portal.booking(message.body["reference"])
        except (Unavailable, BadAnswer, ItemError) as error:
            silent = isinstance(error, Unavailable) and error.code is None
            continue
        looked[message.id] = True
        if found is not None and not _may_follow(_word(found), message.body):
            _hold(run, message, _word(found))
    return looked


def _word(found: PortalBooking) -> str:
    return found.status or "NEW"


def _may_follow(there: str, body: Mapping[str, Any]) -> bool:
    """Nothing was told of the booking, or this. They do not show COMPLETED's date: it may be one corrected since."""
    return there == "NEW" or (there == body["status"] and (there != "COMPLETED" or body["version"] == 1))


def _hold(run: "Run", message: Message, there: str) -> None:
    ours = completion.shown(message.body["status"], message.body["completed_on"])
    shown = there if there in STATUSES else "a status that we do not know"
    reason = (
        f"restored from a backup: {shown} stands at Trainingportal, ours is {ours}; nothing was sent."
        f" Ours all the same: integrator outbox retry {message.id}"
    )
    with run.db.tx():
        run.outbox.fail(message, reason)
    run.set_aside(f"{STATUS} {message.key}", reason)


class Newest:
    """The sender of statuses, but that an older one still on its way is waited for before a newer one counts as told.

    A message whose body was replaced while it was in doubt has had no attempt of its own: that the booking stands so
    already says nothing, as the older status may arrive after we looked. Once it cannot any more, the newer is sent.

    What was told is written down with the message, in the place of an id, which a status has none of.

    restored   messages that a restore put in doubt, and whether it is known what stands there: else none of them leaves
    told       what Trainingportal took last of a booking, None when that was nothing. Shape  "COMPLETED 2027-03-03"
    """

    def __init__(self, sender: Sender, restored: Mapping[int, bool], *, told: Callable[[str], str | None]) -> None:
        self.settle_s, self.resends = sender.settle_s, sender.resends
        self.groups, self.repeatable = sender.groups, sender.repeatable
        self._sender, self._restored, self._told = sender, restored, told

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        answers = self._sender.send(group)
        return [_noted(one, answer) for one, answer in zip(group, answers, strict=True)]

    def preview(self, message: Message) -> Preview:
        """With what was told last as theirs."""
        preview = self._sender.preview(message)
        status, _, on = (self._told(message.key) or "").partition(" ")
        last = {"status": status or None, "completed_on": on or None}
        fields = [(name, last.get(name), ours) for name, _, ours in preview.fields]
        return replace(preview, fields=[one for one in fields if one[0] == "status" or one[1] != one[2]])

    def look_up(self, message: Message) -> Done | None:
        looked = self._restored.get(message.id)
        if looked is False:
            raise Unavailable(f"{message.key}: what stands at Trainingportal cannot be read", code="restored")
        found = self._sender.look_up(message)
        return _noted(message, found) if found is not None and (message.attempts or looked) else None


@overload
def _noted(message: Message, answer: Done) -> Done: ...
@overload
def _noted(message: Message, answer: Done | IntegratorError) -> Done | IntegratorError: ...
def _noted(message: Message, answer: Done | IntegratorError) -> Done | IntegratorError:
    """With what they have now of the booking."""
    if isinstance(answer, IntegratorError):
        return answer
    word, on = message.body["status"], message.body["completed_on"]
    return replace(answer, remote_id=f"{word} {on}" if on else word)


class Ready:
    """The sender of documents, but that none leaves while its booking's COMPLETED is not what is known there."""

    def __init__(self, run: "Run", sender: Sender) -> None:
        self.settle_s, self.resends = sender.settle_s, sender.resends
        self.groups, self.look_up, self.repeatable = sender.groups, sender.look_up, sender.repeatable
        self._sender, self._documents = sender, BookingDocuments(run.db)

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """Each by itself: one that is not ready holds no other."""
        return list(self._each(group))

    def _each(self, group: Sequence[Message]) -> Iterator[Done | IntegratorError]:
        for message in group:
            reference = message.body["reference"]
            if self._documents.is_complete(reference):
                yield from self._sender.send([message])
            elif self._documents.is_wanted(reference):
                yield Postponed("Trainingportal does not know yet that its booking is COMPLETED")
            else:  # COMPLETED again, it is asked for anew
                yield Rejected(ENDED)

    def preview(self, message: Message) -> Preview:
        return self._sender.preview(message)
