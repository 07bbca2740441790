"""What Mailgun's answers mean: queued, a no to this mail, a no to all of them, later, or nobody knows."""

import re
from typing import Any

from integrator.domain.mails import Mail
from integrator.errors import BadAnswer, InDoubt, IntegratorError, Refused, Rejected, Unavailable
from integrator.systems.http import Reply, retry_after_s
from integrator.systems.http.retry_after import LONGEST_S

_MESSAGE_ID = re.compile(r"<([^\s<>@]+@[^\s<>@]+)>")
_WAIT = re.compile(r"\b(?:after|in) (\d{1,9}) seconds?\b", re.IGNORECASE)
_HARMLESS = re.compile(r"""[A-Za-z0-9 .,:;()/+_'"-]{1,160}""")
_WORD = re.compile(r"[^\W_]{2,}")
_UNSURE = "nobody knows whether it was queued"
_NO_TO_ONE = (400, 413, 422)
_NO_TO_ALL = (401, 402, 403, 404)

_ABOUT_KEY = (
    "is [mailgun] api_key right, and base_url of the domain's region? api.eu.mailgun.net is not api.mailgun.net"
)
_HINTS = {
    401: _ABOUT_KEY,
    402: "look into Mailgun's control panel: is the account paid and active?",
    403: f"look into Mailgun's control panel: is the domain active, and may this key do it? Else: {_ABOUT_KEY}",
    404: "is [mailgun] domain right, and base_url of its region? api.eu.mailgun.net is not api.mailgun.net",
}


def message_id_in(reply: Reply, mail: Mail) -> str:
    """The id of a queued mail, without its angle brackets; 200 and an id is the only yes there is.

    Errors  Rejected (this mail), Refused (all), Unavailable (later; nothing was queued), InDoubt
    """
    if reply.status == 200:
        return _queued(reply)
    raise _error(reply, mail)


def refusal(status: int, doing: str) -> Refused:
    """A no that concerns everything; a wrong region answers like a wrong key or a missing domain."""
    return Refused(f"mailgun: {doing}: answered {status}", hint=_HINTS.get(status))


def said(text: str, *, of: str = "") -> str:
    """A reason of theirs if it can be shown: plain words that hold no address, and nothing of what they are about."""
    words = " ".join(text.split())
    own = {word.casefold() for word in _WORD.findall(of)}
    if not _HARMLESS.fullmatch(words) or own & {word.casefold() for word in _WORD.findall(words)}:
        return ""
    return words


def _queued(reply: Reply) -> str:
    try:
        answer = reply.json()
    except BadAnswer as error:
        raise InDoubt(f"{error.message}; {_UNSURE}") from None
    found = answer.get("id") if isinstance(answer, dict) else None
    fitting = _MESSAGE_ID.fullmatch(found) if isinstance(found, str) and len(found) < 1000 else None
    if not fitting:
        raise InDoubt(f"{reply.about}: answered 200 without the id of a message; {_UNSURE}")
    return fitting[1]


def _error(reply: Reply, mail: Mail) -> IntegratorError:
    text = f"{reply.about}: answered {reply.status}"
    if reply.status in _NO_TO_ONE:
        # Their text may quote the recipient.
        reason = said(_text_of(reply), of=f"{mail.to.name} {mail.to.email}")
        return Rejected(f"{text}: {reason}" if reason else text)
    if reply.status in _NO_TO_ALL:
        return refusal(reply.status, "send a mail")
    if reply.status == 429:
        return Unavailable(text, retry_after_s=_asked_s(reply))
    return InDoubt(f"{text}; {_UNSURE}", retry_after_s=retry_after_s(reply.headers))


def _asked_s(reply: Reply) -> float | None:
    """How long to stay away: the header if there is one, else the seconds that stand in the text."""
    asked = retry_after_s(reply.headers)
    found = _WAIT.search(_text_of(reply))
    return asked if asked is not None or found is None else min(float(found[1]), LONGEST_S)


def _text_of(reply: Reply) -> str:
    """What an error says in words; "" when it says nothing readable."""
    try:
        answer: Any = reply.json()
    except BadAnswer:
        return ""
    text = answer.get("message") if isinstance(answer, dict) else answer
    return text if isinstance(text, str) else ""
