"""What of Mailgun's traffic may stay in a recording: our own words and theirs; of a mail nothing that anybody reads.

Message ids look like addresses and are replaced like them, so that an answer and its events still belong together.
The pages' own addresses may hold whom we asked for, and are replaced from the page to the request.
"""

import re

from integrator.systems.mailgun.events import ABOUT_ALL, ABOUT_SENDING
from integrator.systems.mailgun.form import KEY
from integrator.systems.recordable import Call, Fields, Items, May, Recordable, Shape, Words

_SENT: dict[str, Shape] = {
    "to": May.EMAIL,
    "o:tag": May.CODE,
    **dict.fromkeys(("o:tracking", "o:tracking-clicks", "o:tracking-opens", "o:require-tls"), May.CODE),
    **dict.fromkeys(("o:deliver-within", "o:testmode"), May.CODE),
    f"v:{KEY}": May.CODE,
}
_HEADERS = Fields({"message-id": May.EMAIL, "to": May.EMAIL})
_FILE = Fields({"content-type": May.CODE, "size": May.NUMBER})
_EVENT: dict[str, Shape] = {
    **dict.fromkeys(("event", "id", "log-level", "severity", "reason", "method"), May.CODE),
    "timestamp": May.NUMBER,
    "recipient": May.EMAIL,
    "tags": May.CODE,
    "user-variables": Fields({KEY: May.CODE}),
    "flags": Fields(rest=May.YESNO),
    "delivery-status": Fields({**dict.fromkeys(("code", "attempt-no", "retry-seconds"), May.NUMBER), "tls": May.YESNO}),
    "message": Fields({"headers": _HEADERS, "size": May.NUMBER, "attachments": Items(_FILE)}),
}
_ERROR: dict[str, Shape] = {"message": May.TEXT}
_QUERY: dict[str, Shape] = {
    # When, and whose: a replay asks at another moment, and for whom its own store knows.
    **dict.fromkeys(("begin", "end", "recipient"), May.ANY),
    "event": Words(frozenset(words.casefold() for words in (ABOUT_ALL, ABOUT_SENDING))),
    "ascending": May.CODE,
    "limit": May.NUMBER,
}


def recordable() -> Recordable:
    """Say what may stay; there is nothing to configure."""
    queued = Fields({"id": May.EMAIL, **_ERROR})
    page = Fields({"items": Items(Fields(_EVENT)), "paging": Fields(rest=May.LINK), **_ERROR})
    return Recordable(
        (
            Call(re.compile(r"/v3/[^/]+/messages"), Fields(_SENT), queued),
            Call(re.compile(r"/v3/[^/]+/events(?:/(?P<hidden>.+))?"), answer=page, query=_QUERY),
        )
    )
