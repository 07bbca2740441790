"""Registering participants: one POST each, judged by its answer, looked up after any doubt."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from integrator.domain.participants import IMPERSONAL_PATHS, Participant, same_name, same_text
from integrator.effects import Done, Message, Preview
from integrator.errors import (
    BadAnswer,
    BadRecord,
    Conflict,
    InDoubt,
    IntegratorError,
    NotFound,
    Refused,
    Rejected,
    Unavailable,
)
from integrator.systems.http import Http, Reply, quoted, retry_after_s, status_error
from integrator.systems.maconomy.catalogue import SYSTEM
from integrator.systems.maconomy.people import OneClass, Participants
from integrator.systems.mapping import Endpoint, written
from integrator.systems.mapping.outgoing import sent_value

_DONE = (200, 201)
_UNSURE = "nobody knows whether it was done"


class Registrations:
    """The outbox's sender for participants; a message's body is domain/ordered.py's registration.

    known   how many participants of a message's name and address we know to be registered in its class already
    """

    resends = True

    def __init__(self, http: Http, classes: OneClass, *, known: Callable[[Message], int], settle_s: float) -> None:
        self.settle_s = settle_s
        self._http = http
        self._classes = classes
        self._known = known
        self._endpoint = classes.endpoint("webparticipant")
        self._by_reference = finds_by_reference(self._endpoint, classes.endpoint("participant"))
        self._answers = self._endpoint.compile()
        self._id_names = frozenset(
            name for field in self._endpoint.answer if field.type == "id" and field.required for name in field.sources
        )

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        """One at a time: of an order with three participants two may be in and one not."""
        for message in messages:
            yield [message]

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """Register one participant.

        Shape   [Done(participant's id, "registered")], or [Rejected] with a code "full", "cancelled" or "refused",
                which also begins its message; [Unavailable] when their record is locked, [InDoubt]
        Errors  Unavailable (no connection, 429), Refused (401, 403, 404 that is not about the class): all wait
        Source  POST /api/webparticipant; assumed, as everything about its answers
        """
        return [self._send(message) for message in group]

    def look_up(self, message: Message) -> Done | None:
        """Is the participant there? By our reference where the mapping reads it, else by how many of that name.

        Errors  Conflict: several, or somebody else's; Unavailable, BadAnswer: cannot tell
        """
        class_id = message.body["course"]["id"]
        try:
            people = self._classes.participants(class_id)
        except NotFound:
            text = f"{self._about(message)}: cannot tell whether it is there: no such class"
            raise BadAnswer(text, code="no_class") from None
        except BadAnswer:
            raise
        except Refused as error:  # about this class perhaps: the other registrations go on, and say so if it is not
            text = f"{self._about(message)}: cannot tell whether it is there: {error.message}"
            raise BadAnswer(text, code="refused", hint=error.hint) from None
        if people.unreadable:
            raise BadAnswer(
                f"{self._about(message)}: cannot tell whether it is there:"
                f" {people.unreadable} of the class's participants cannot be read",
                code="unreadable",
                hint="integrator check maconomy",
            )
        return self._find_reference(message, people) if self._by_reference else self._count(message, people)

    def repeatable(self, message: Message) -> bool:
        """Nothing says that a second equal POST is harmless."""
        return False

    def preview(self, message: Message) -> Preview:
        """What would be sent, without what is about a person."""
        fields = [
            (spec.name, None, sent_value(spec, message.body, self._endpoint.defaults))
            for spec in self._endpoint.send
            if spec.value in IMPERSONAL_PATHS
        ]
        return Preview("register", message.key, message.body["course"]["id"], None, fields)

    # sending ------------------------------------------------------------------------------------

    def _send(self, message: Message) -> Done | IntegratorError:
        try:
            path = self._endpoint.path.replace("{course_id}", quoted(message.body["course"]["id"], field="course.id"))
            body = written(self._endpoint, message.body)
            reply = self._http.send(self._endpoint.method, path, doing=f"register {message.key}", json=body)
        except (BadRecord, InDoubt) as error:  # nothing was sent for this one; or it was, and what then?
            return error
        result = self._judged(message, reply)
        if isinstance(result, Refused) or (isinstance(result, Unavailable) and reply.status == 429):
            raise result  # about all of them
        return result

    def _judged(self, message: Message, reply: Reply) -> Done | IntegratorError:
        said = _object_in(reply)
        meaning, code = self._meaning(reply.status, said)
        about = self._about(message)
        if meaning == "retry":
            return Unavailable(
                f"{about}: not now ({code}); nothing was done", retry_after_s=retry_after_s(reply.headers)
            )
        if meaning:
            return _rejected(meaning, message, f"{code}{self._concerning(said)}")
        if reply.status in _DONE:
            return self._receipt(message, reply)
        if reply.status in (400, 422):
            return _rejected("final", message, f"answered {reply.status}{self._concerning(said)}")
        if reply.status == 404:
            hint = "is path in [endpoint.webparticipant] right?  integrator check maconomy"
            return Refused(f"{about}: answered 404, and does not say that it is about the class", hint=hint)
        return status_error(reply, SYSTEM, f"register {message.key}")

    def _meaning(self, status: int, said: dict[str, Any]) -> tuple[str | None, str]:
        """(what the mapping says it means, their word for it); (None, "") for what is not documented."""
        if status in _DONE and self._id_names & said.keys():
            return None, ""  # a receipt, whatever else it says
        for word in (said.get("error"), str(status)):
            if isinstance(word, str) and (meaning := self._endpoint.errors.get(word)):
                return meaning, word
        return None, ""

    def _receipt(self, message: Message, reply: Reply) -> Done | IntegratorError:
        """A good status is believed only with an id, and when what it repeats is ours."""
        about = self._about(message)
        try:
            mapped = self._answers.read(self._answers.one(reply.utf8()))
        except (BadAnswer, BadRecord) as error:
            return InDoubt(f"{about}: answered {reply.status} without a receipt ({error.code}); {_UNSURE}")
        ours = {
            "external_reference": message.body["participant"]["reference"],
            "course_id": message.body["course"]["id"],
        }
        for name, value in ours.items():
            echoed = mapped.record.get(name)
            if echoed is not None and same_text(str(echoed)) != same_text(str(value)):
                return InDoubt(f"{about}: the receipt is for another {name}; {_UNSURE}")
        return Done(mapped.key, "registered")

    def _concerning(self, said: dict[str, Any]) -> str:
        """The field an error is about, when it is one of those we send: their text may quote a person."""
        field = said.get("field")
        return f" about {field}" if field in {spec.name for spec in self._endpoint.send} else ""

    def _about(self, message: Message) -> str:
        return f"{SYSTEM}: register {message.key}"

    # after a doubt ------------------------------------------------------------------------------

    def _find_reference(self, message: Message, people: Participants) -> Done | None:
        if "external_reference" in people.missing:
            raise BadAnswer(
                f"{self._about(message)}: cannot tell whether it is there: no participant has a reference any more",
                code="changed",
                hint="integrator check maconomy",
            )
        ours = message.body["participant"]
        found = [one for one in people if same_text(one.external_reference) == same_text(ours["reference"])]
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise Conflict(f"{self._about(message)}: participants {ids} have this reference")
        if found and not _is(found[0], ours):
            raise Conflict(f"{self._about(message)}: the reference belongs to somebody else there ({found[0].id})")
        return Done(found[0].id, "found") if found else None

    def _count(self, message: Message, people: Participants) -> Done | None:
        """Without a reference: more of this name and address than we know of, so ours is among them."""
        ours = message.body["participant"]
        wanted = _identity(ours["first_name"], ours["last_name"], ours["email"])
        found = [one for one in people if _identity(one.first_name, one.last_name, one.email) == wanted]
        here = [one for one in found if one.status != "withdrawn"]
        known = self._known(message)
        if len(here) > known:
            return Done(here[0].id if len(here) == 1 else None, "found")
        if len(found) > known:  # ours may be the withdrawn one, or somebody withdrew an earlier one
            raise Conflict(f"{self._about(message)}: somebody of that name has withdrawn; look there yourself")
        return None


def finds_by_reference(sending: Endpoint, listing: Endpoint) -> bool:
    """Whether our reference travels out and comes back, so that one participant can be told from all others."""
    return any(spec.value == "participant.reference" for spec in sending.send) and any(
        field.name == "external_reference" for field in listing.fields
    )


def _object_in(reply: Reply) -> dict[str, Any]:
    try:
        said = reply.json()
    except BadAnswer:
        return {}
    return said if isinstance(said, dict) else {}


def _rejected(meaning: str, message: Message, code: str) -> Rejected:
    class_id = message.body["course"]["id"]
    if meaning == "final_full":
        return Rejected(f"full: {SYSTEM} has no seat left in {class_id} ({code})", code="full")
    if meaning == "final_cancelled":
        return Rejected(f"cancelled: {SYSTEM} says that {class_id} is cancelled ({code})", code="cancelled")
    return Rejected(f"refused: {SYSTEM} does not take {message.key} ({code})", code="refused")


def _is(one: Participant, ours: dict[str, Any]) -> bool:
    """Whether a participant is whom we sent: by the address, since names are corrected by hand; else by the name."""
    if one.email and ours["email"]:
        return same_text(one.email) == same_text(ours["email"])
    theirs = same_name(one.first_name, one.last_name)
    return not theirs or theirs == same_name(ours["first_name"], ours["last_name"])


def _identity(first: str | None, last: str | None, email: str | None) -> tuple[str, str]:
    return same_name(first, last), same_text(email)
