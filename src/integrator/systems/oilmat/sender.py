"""The outbox's sender of statuses: one at a time, and again after any doubt, since repeating one does no harm."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from integrator.effects import Done, Message, Preview
from integrator.errors import BadAnswer, InDoubt, IntegratorError, ItemError, Refused, Rejected, Unavailable
from integrator.systems.http import Http, Reply, quoted, status_error
from integrator.systems.http.request import Sealed

DISPENSES = "/api/v1/dispenses"
_DOING = "tell a status"
_UNKNOWN = "UNKNOWN_DISPENSE"
_CODE = re.compile(r"[A-Z][A-Z_]{2,40}")


class Bearer:
    """The value of an Authorization header, as closed as the token in it."""

    def __init__(self, token: Sealed) -> None:
        self._token = token

    def reveal(self) -> str:
        return f"Bearer {self._token.reveal()}"

    def __repr__(self) -> str:
        return "***"


class Statuses:
    """Tells what became of an order. A message's body has workshop, unique_id, status, reason and updated_at.

    updated_at  ISO 8601 with its zone, "2027-03-01T08:00:00.120+00:00": by it they know the newer of two
    """

    settle_s = 0.0  # one that arrives late is older than what is there, and changes nothing
    resends = True

    def __init__(self, http: Http, headers: Mapping[str, Bearer], *, at_most_s: float | None = None) -> None:
        """at_most_s: for one status; None: as long as for every other request."""
        self._http = http
        self._headers = headers
        self._at_most_s = at_most_s

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        """Each alone."""
        yield from ([message] for message in messages)

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """Post one status; 204 and nothing else is yes.

        An outcome that nobody knows comes back as "not yet": it is sent again after the usual wait, without a look.
        Errors  Unavailable: no connection, 429; Refused: 401, 403, an address that is not OilMat's
        Source  assumed
        """
        [message] = group
        try:
            reply = self._post(message.body)
        except InDoubt as doubt:
            return [_again(doubt)]
        except ItemError as error:
            return [error]
        return [_judged(reply, message.body["unique_id"])]

    def look_up(self, message: Message) -> Done | None:
        """Nobody can be asked what they were told: taken as not there, so that it is told again."""
        return None

    def repeatable(self, message: Message) -> bool:
        """A set: the same status twice is one status, and an older one is not taken."""
        return True

    def preview(self, message: Message) -> Preview:
        """What would be told."""
        fields = [(name, None, message.body[name]) for name in ("status", "reason")]
        return Preview("send", message.key, "", None, fields)

    def _post(self, body: Mapping[str, Any]) -> Reply:
        """Errors  ItemError: an id that no address can carry ("..")"""
        told = {name: body[name] for name in ("workshop", "status", "reason", "updated_at")}
        path = f"{DISPENSES}/{quoted(body['unique_id'], field='unique_id')}/status"
        return self._http.send("POST", path, doing=_DOING, json=told, headers=self._headers, timeout_s=self._at_most_s)


def _judged(reply: Reply, unique_id: str) -> Done | IntegratorError:
    """Errors  Unavailable, Refused: they concern every status"""
    if reply.status == 204:
        return Done(unique_id, "told")
    error = status_error(reply, "oilmat", _DOING)
    if isinstance(error, InDoubt):
        return _again(error)
    if not isinstance(error, Rejected):
        raise error
    code = _code_in(reply)
    if reply.status == 404 and code != _UNKNOWN:  # a web server's, and so the address is wrong for every status
        raise Refused(error.message, hint="integrator check oilmat  (is [oilmat] base_url right?)")
    if code == _UNKNOWN:  # it came by another way than OilMat's list: there is nobody to tell
        return Done(None, "unknown_there")
    return Rejected(f"{error.message}: {code}" if code else error.message, code=code)


def _code_in(reply: Reply) -> str | None:
    """The word in {"error": "UNKNOWN_DISPENSE"}."""
    try:
        said = reply.json()
    except BadAnswer:
        return None
    found = said.get("error") if isinstance(said, dict) else None
    return found if isinstance(found, str) and _CODE.fullmatch(found) else None


def _again(doubt: InDoubt) -> Unavailable:
    return Unavailable(f"{doubt.message}; it is sent again", retry_after_s=doubt.retry_after_s)
