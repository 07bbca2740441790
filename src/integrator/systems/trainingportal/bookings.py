"""The outbox's senders about bookings: statuses, which are set, and documents, which must not arrive twice."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from integrator.domain.portal import STATUSES
from integrator.effects import Done, Message, Preview
from integrator.errors import IntegratorError, Rejected
from integrator.systems.trainingportal.calls import Calls
from integrator.systems.trainingportal.judging import SYSTEM
from integrator.systems.trainingportal.sending import alone, looked

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FILENAME = re.compile(r"[^A-Za-z0-9._ -]+")
_SPELT = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "Æ": "Ae", "Ø": "Oe", "Å": "Aa"})


class Statuses:
    """Tells what became of a booking; a message's body is domain/portal.py's status_message."""

    resends = True

    def __init__(self, calls: Calls, *, settle_s: float) -> None:
        self.settle_s = settle_s
        self._calls = calls

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        """Each alone."""
        yield from ([message] for message in messages)

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """Tell one status.

        Shape   [Done(reference, "told")], [Rejected], [Postponed], [InDoubt], or [Unavailable] with a code
        Errors  Unavailable, Refused: they concern all of them
        Source  E8, documented
        """
        [message] = group
        return [alone(lambda: self._tell(message))]

    def look_up(self, message: Message) -> Done | None:
        """Do they show this status? They do not show its date: one that corrects an earlier date is told again.

        Errors  Unavailable, BadAnswer: cannot tell
        """
        body = message.body
        unsure = f"{SYSTEM}: {message.key}: cannot tell whether the status arrived"
        found = looked(lambda: self._calls.booking(body["reference"]), unsure)
        if found is None or found.status != body["status"]:
            return None
        if body["status"] == "COMPLETED" and body.get("version") != 1:
            return None
        return Done(body["reference"], "found")

    def repeatable(self, message: Message) -> bool:
        """A set, and yet: an older one that arrives late must not overtake."""
        return False

    def preview(self, message: Message) -> Preview:
        """What would be told."""
        fields = [(name, None, message.body.get(name)) for name in ("status", "completed_on")]
        return Preview("send", message.key, "", None, fields)

    def _tell(self, message: Message) -> Done:
        reference, status, on = (message.body.get(name) for name in ("reference", "status", "completed_on"))
        if status not in STATUSES:
            raise Rejected(f"{SYSTEM}: {message.key}: is no status that they know; nothing was sent")
        if status == "COMPLETED" and not (isinstance(on, str) and _DATE.fullmatch(on)):
            raise Rejected(f"{SYSTEM}: {message.key}: COMPLETED needs its date; nothing was sent", code="no_date")
        # This date is documented, and not a matter of [trainingportal] format.date.
        form = {"newStatus": status} | ({"completionDate": on} if status == "COMPLETED" else {})
        self._calls.set_status(reference, form)
        return Done(reference, "told")


class Documents:
    """Uploads a document of a booking. read gives its bytes; a message's body has reference, name, sha256 and kind."""

    resends = False  # nobody can be asked which documents they have: what may have arrived waits for a person

    def __init__(self, calls: Calls, read: Callable[[Message], bytes], *, settle_s: float) -> None:
        self.settle_s = settle_s
        self._calls = calls
        self._read = read

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        """Each alone."""
        yield from ([message] for message in messages)

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """Upload one document. One that was cut on its way is no doubt: they never had the whole of it.

        Shape   [Done(reference, "uploaded")], [Rejected], [Postponed], [InDoubt], or [Unavailable] with a code
        Errors  Unavailable, Refused: they concern all of them
        Source  E9, wholly assumed
        """
        [message] = group
        return [alone(lambda: self._upload(message))]

    def look_up(self, message: Message) -> Done | None:
        """There is no list of documents."""
        return None

    def repeatable(self, message: Message) -> bool:
        """The same file twice may be two documents."""
        return False

    def preview(self, message: Message) -> Preview:
        """What would be uploaded. Its name may be somebody's, and is not shown."""
        return Preview("upload", message.key, "", None, [("kind", None, message.body.get("kind"))])

    def _upload(self, message: Message) -> Done:
        reference, options = message.body["reference"], self._calls.options
        content = self._read(message)
        if len(content) > options.upload_max_bytes:
            limit = f"{options.upload_max_bytes / 1_000_000:g} MB"
            text = f"{SYSTEM}: {message.key}: with {len(content):,} bytes it is over upload.max_mb, {limit}"
            raise Rejected(f"{text}; nothing was sent", code="too_big")
        if options.upload_content_type == "application/pdf" and not content.startswith(b"%PDF-"):
            raise Rejected(f"{SYSTEM}: {message.key}: is no PDF; nothing was sent", code="no_pdf")
        self._calls.upload(reference, filename_of(message.body.get("name")), content)
        return Done(reference, "uploaded")


def filename_of(name: object) -> str:
    """A file name of plain letters: how others are to be written in a form is read in two ways."""
    spelt = unicodedata.normalize("NFC", name if isinstance(name, str) else "").translate(_SPELT)
    plain = unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode("ascii")
    found = _FILENAME.sub("_", plain).strip()[-100:]
    return f"document{found}" if found[:1] in ("", ".") else found
