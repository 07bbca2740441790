"""Documents of bookings: found in the home's folder, or made, kept until they are uploaded, and taken away then.

    documents/REFERENCE.pdf, documents/REFERENCE/*.pdf     an operator's; they stay
    var/documents/REFERENCE/SHA256.pdf                     what waits to be uploaded, 0600

Names of files can be people's: no message repeats one.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from integrator.domain.courses import Course, starts_at
from integrator.domain.ordered import scope_of
from integrator.domain.portal import DOCUMENT
from integrator.errors import BadRecord, ConfigError, Rejected, Unavailable
from integrator.jobs.booking_folder import UNPLACED, Folder, Found, count_of, entries, stem_of
from integrator.store.booking_documents import BookingDocuments, Kind, key_of
from integrator.store.courses import PAPER, Catalogue, SetAside

if TYPE_CHECKING:
    from integrator.certificates import Certificates
    from integrator.effects import Message
    from integrator.runtime.run import Run

_HEADER, _TRAILER, _TAIL = b"%PDF-", b"%%EOF", 1024
_LONGEST_NAME = 100
_TOO_SLOW = 3  # certificates in a row that took too long: the machine is busy, the rest waits for the next run


class Unfit(Exception):
    """A file that is not taken; carries a stable code and the reason, without its name."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Papers:
    """The documents of one run. max_bytes: the largest that may be uploaded."""

    def __init__(self, run: "Run", documents: Path, kept: Path, *, max_bytes: int) -> None:
        self._run = run
        self._kept = kept
        self._max_bytes = max_bytes
        self._rows = BookingDocuments(run.db)
        self._folder = Folder(run, documents)
        self._trouble = self._folder.trouble  # by booking: (code, reason)
        self._unseen = set[str]()  # bookings whose certificate was not tried to the end

    # deciding -----------------------------------------------------------------------------------

    def queue(self, certificates: "Certificates | None") -> list[ConfigError]:
        """Ask for the upload of everything new. One document that is not fit holds no other.

        Gives back what is to be told at the end: a template that is broken concerns all certificates
        """
        completed = self._rows.completed()
        with_files, early = set[str](), 0
        for found in self._folder.find(self._rows.states()):
            with_files.add(found.reference)
            if found.reference in completed:
                self._queue_file(found, completed[found.reference])
            else:
                early += 1
        self._folder.tell_mistyped(completed.keys() - with_files)
        if early:
            self._run.remark(f"documents: {early} file(s) wait until Trainingportal has their booking's COMPLETED")
        broken = []
        if certificates is not None and not self._folder.is_blind:
            with_files |= self._trouble.keys()
            without = [row for key, row in completed.items() if row["has_student"] and key not in with_files]
            broken = self._queue_certificates(certificates, without)
        if number := len(self._trouble.keys() - {UNPLACED}):
            self._run.remark(f"documents: {number} booking(s) have one that cannot be uploaded: integrator status")
        with self._run.db.tx():
            aside = SetAside(self._run.db)
            self._forget_fewer(aside)
            kept = {
                key: why for key, why in aside.reasons(PAPER).items() if self._folder.is_blind or key in self._unseen
            }
            # What lies there and does not fit stays until a person settles it.
            found_now = kept | self._trouble | self._rows.outdated()
            aside.replace(PAPER, found_now, at=self._run.at, run_id=self._run.id)
        return broken

    def _forget_fewer(self, aside: SetAside) -> None:
        """More that cannot be placed than was told: as if nothing had been told yet."""
        (_, before), (_, now) = (rows.get(UNPLACED, ("", "0")) for rows in (aside.reasons(PAPER), self._trouble))
        if count_of(now) > count_of(before) > 0:
            aside.drop(PAPER, UNPLACED)

    def _queue_file(self, found: Found, booking: Mapping[str, Any]) -> None:
        try:
            content = self._content(found)
        except Unfit as error:
            self._trouble[found.reference] = (error.code, f"documents: a file of it {error}; it was not uploaded")
            return
        if content is not None:
            self._queue(booking, content, found.path.name, "file")

    def _queue_certificates(
        self, certificates: "Certificates", bookings: Sequence[Mapping[str, Any]]
    ) -> list[ConfigError]:
        """One for each booking that never had a document: a changed template makes none anew."""
        without, slow = [booking for booking in bookings if not booking["has_documents"]], 0
        for number, booking in enumerate(without):
            reference = booking["reference"]
            if slow >= _TOO_SLOW:
                self._wait(reference, "its certificate was not tried: the others took too long")
                continue
            try:
                content = self._certificate(certificates, reference)
            except ConfigError as error:
                self._unseen |= {one["reference"] for one in without[number:]}
                return [error]
            except Unavailable as error:
                slow += 1
                self._wait(reference, error.message)
                continue
            except BadRecord as error:
                self._trouble[reference] = (error.code, error.message)
                content = None
            slow = 0
            if content is not None:
                self._queue(booking, content, f"certificate-{reference}.pdf", "certificate")
        return []

    def _wait(self, reference: str, reason: str) -> None:
        """The next run tries again."""
        self._unseen.add(reference)
        self._run.report.waiting[f"certificate {reference}"] = reason

    def _certificate(self, certificates: "Certificates", reference: str) -> bytes | None:
        from integrator.certificates.facts import certificate_of

        student = self._rows.student(reference)
        if student is None:  # its status was changed a moment ago
            return None
        content = certificates.pdf(certificate_of(student, self._class_facts(student)))
        if len(content) > self._max_bytes:
            raise BadRecord(f"its certificate is larger than {_mb(self._max_bytes)}", code="too_large")
        return content

    def _class_facts(self, student: Mapping[str, Any]) -> dict[str, Any]:
        """As the class is now, else as it was booked."""
        import msgspec

        known = Catalogue(self._run.db, "course").get(student["class_id"])
        facts: dict[str, Any] = msgspec.to_builtins(known) if isinstance(known, Course) else student["class"]
        return facts

    def _queue(self, booking: Mapping[str, Any], content: bytes, name: str, kind: Kind) -> None:
        """The bytes first, then the row with its message: what is asked for is there."""
        import hashlib

        reference, sha256 = booking["reference"], hashlib.sha256(content).hexdigest()
        known = {row["sha256"]: row for row in self._rows.of(reference)}.get(sha256)
        if known is None or not _is_over(known):  # also when somebody has deleted what still waits
            self._keep(reference, sha256, content)
        if known is not None:
            return
        body = {"reference": reference, "name": _plain(name), "sha256": sha256, "kind": kind}
        # Before the store was restored it may have been uploaded, and we forgot.
        caused_at = starts_at(booking["completed_on"]).timestamp()
        run, at = self._run, int(self._run.clock())
        with run.db.tx():
            if not self._rows.is_complete(reference):  # somebody has changed its status while we looked at files
                return
            if self._rows.add(reference, sha256, body["name"], kind, len(content), at=at):
                key = key_of(reference, sha256)
                run.outbox.once(DOCUMENT, key, body, scope=scope_of(booking["order_id"]), caused_at=caused_at)
                run.count(**{f"documents.{kind}s": 1})

    # reading ------------------------------------------------------------------------------------

    def _content(self, found: Found) -> bytes | None:
        """A file's bytes; None: it was looked at before, and has not been touched since. Errors  Unfit"""
        try:
            descriptor = os.open(found.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise Unfit("unreadable", f"cannot be read ({error.strerror})") from None
        with os.fdopen(descriptor, "rb") as file:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise Unfit("not_plain", "is not a plain file")
            if before.st_size > self._max_bytes:
                raise Unfit("too_large", f"is larger than {_mb(self._max_bytes)}")
            if self._is_known(found, before):
                return None
            try:
                content = file.read(self._max_bytes + 1)
            except OSError as error:
                raise Unfit("unreadable", f"cannot be read ({error.strerror})") from None
            after = os.fstat(descriptor)
        if len(content) != before.st_size or (after.st_size, after.st_mtime_ns) != (len(content), before.st_mtime_ns):
            raise Unfit("changing", "is being written at this moment")
        if not content.startswith(_HEADER):
            raise Unfit("not_pdf", "is not a PDF")
        if _TRAILER not in content[-_TAIL:]:
            raise Unfit("cut", "is a PDF without its end: still being copied, or cut off")
        return content

    def _is_known(self, found: Found, status: os.stat_result) -> bool:
        """Done with under this name and of this size, and nobody has changed or replaced the file since."""
        name = _plain(found.path.name)
        return any(
            (row["name"], row["size"]) == (name, status.st_size)
            and status.st_ctime < row["queued_at"]
            and _is_over(row)
            for row in self._rows.of(found.reference)
        )

    # keeping -----------------------------------------------------------------------------------

    def read(self, message: "Message") -> bytes:
        """The bytes of a message. Errors  Rejected: they are gone, or are not what was asked for"""
        import hashlib

        body = message.body
        try:
            content = self._place(body["reference"], body["sha256"]).read_bytes()
        except OSError:
            what = f"document {message.key}: is not in var/documents any more; nothing was sent"
            raise Rejected(what, hint="put it into documents/ again, then: integrator outbox retry") from None
        if hashlib.sha256(content).hexdigest() != body["sha256"]:
            raise Rejected(f"document {message.key}: was changed in var/documents; nothing was sent")
        return content

    def sweep(self) -> None:
        """Delete what is uploaded, given up, or was never asked for because a run ended in the middle."""
        if self._run.dry:
            return
        needed = self._rows.waiting()
        for folder in entries(self._kept):
            if folder.is_dir(follow_symlinks=False):
                for file in entries(Path(folder.path), hidden=True):
                    if (folder.name, file.name.removesuffix(".pdf")) not in needed:
                        os.unlink(file.path)
                with suppress(OSError):  # something of it is still needed
                    os.rmdir(folder.path)

    def _keep(self, reference: str, sha256: str, content: bytes) -> None:
        """Whole or not at all, and on the disk before anything says that it is there."""
        if self._run.dry:
            return
        place = self._place(reference, sha256)
        with suppress(OSError):
            if place.read_bytes() == content:
                return
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = place.with_name(f".{sha256}.new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(place)
        for folder in (place.parent, place.parent.parent):
            _sync(folder)

    def _place(self, reference: str, sha256: str) -> Path:
        return self._kept / reference / f"{sha256}.pdf"


def _is_over(row: Mapping[str, Any]) -> bool:
    """Nobody needs its bytes any more."""
    return row["uploaded_at"] is not None or row["message"] in ("completed", "dropped")  # a person's word on it


def _plain(name: str) -> str:
    """A name as it may stand in a form: printable, not too long, still a .pdf."""
    text = "".join(one if one.isprintable() and one not in '"\\/' else "_" for one in stem_of(name))
    return f"{text.encode('utf-8', 'replace').decode()[:_LONGEST_NAME]}.pdf"


def _mb(size: int) -> str:
    return f"{size / 1_000_000:g} MB"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
