"""Documents of bookings in a recording: numbers. A replay makes one up for each, and its hash is that one's.

Neither a document nor its hash or name leaves a home; what is the same document there is the same one in a replay.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_HEADER, _TRAILER, _TAIL = b"%PDF-", b"%%EOF", 1024
_TOO_LARGE = 100_000_001  # bytes: more than any setting allows
_FORMS = ("pdf", "cut", "other", "large")
Rows = list[dict[str, Any]]


class Numbers:
    """The documents met so far, by the hash of what they hold."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, sha256: str) -> int:
        return self._known.setdefault(sha256, len(self._known) + 1)


def content(number: int, form: str = "pdf") -> bytes:
    """A document that is made up: a whole PDF, one that is cut off, or no PDF at all."""
    begun = _HEADER + b"1.4\n" if form != "other" else b""
    ended = _TRAILER + b"\n" if form == "pdf" else b""
    return begun + f"% document {number} of a recording\n".encode() + ended


def sha256_of(number: int) -> str:
    return hashlib.sha256(content(number)).hexdigest()


# out of a home ----------------------------------------------------------------------------------


def lying(folder: Path, bookings: Mapping[str, Sequence[Mapping[str, Any]]], numbers: Numbers, *, limit: int) -> Rows:
    """What an operator has put there for these bookings, but for what was uploaded and not touched since.

    bookings  their rows of booking_documents by reference; limit: the largest that may be uploaded, in bytes
    """
    found = []
    for path, reference in _files(folder, bookings):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and not _is_known(status, bookings[reference]):
            number, form = _read(path, status.st_size, numbers, limit)
            found.append({"reference": reference, "inside": path.parent != folder, "document": number, "form": form})
    return found


def _files(folder: Path, bookings: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for path in _listed(folder):
        if path.is_dir() and not path.is_symlink() and path.name in bookings:
            yield from ((inner, path.name) for inner in _listed(path) if inner.suffix.lower() == ".pdf")
        elif path.suffix.lower() == ".pdf" and path.stem in bookings:
            yield path, path.stem


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []


def _is_known(status: os.stat_result, rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        row["uploaded_at"] is not None and row["size"] == status.st_size and status.st_ctime < row["queued_at"]
        for row in rows
    )


def _read(path: Path, size: int, numbers: Numbers, limit: int) -> tuple[int, str]:
    if size > limit:
        return numbers.of(f"large {path}"), "large"
    try:
        held = path.read_bytes()
    except OSError:
        return numbers.of(f"unreadable {path}"), "other"
    form = "other" if not held.startswith(_HEADER) else "pdf" if _TRAILER in held[-_TAIL:] else "cut"
    return numbers.of(hashlib.sha256(held).hexdigest()), form


def is_kept(folder: Path, reference: str, sha256: str) -> bool:
    """Whether what waits to be uploaded is there, and what was asked for."""
    try:
        held = (folder / reference / f"{sha256}.pdf").read_bytes()
    except OSError:
        return False
    return hashlib.sha256(held).hexdigest() == sha256


# into the home of a replay ----------------------------------------------------------------------


def lay(folder: Path, row: Mapping[str, Any]) -> None:
    """Put a made-up document where the real one lay. Errors  ValueError, KeyError, OSError: no row of ours"""
    number, form, reference = int(row["document"]), row["form"], _segment(row["reference"])
    if form not in _FORMS:
        raise ValueError("a form that is not carried")
    place = folder / reference / f"document-{number}.pdf" if row["inside"] else folder / f"{reference}.pdf"
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.write_bytes(content(number, form))
    if form == "large":
        os.truncate(place, _TOO_LARGE)  # a hole: it takes no space


def keep(folder: Path, reference: str, number: int) -> None:
    """Let a made-up document wait to be uploaded. Errors  as lay"""
    place = folder / _segment(reference) / f"{sha256_of(number)}.pdf"
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.write_bytes(content(number))


def _segment(reference: Any) -> str:
    """A reference as the name of a file: a recording comes from somebody else."""
    if not (isinstance(reference, str) and reference.replace("-", "").isalnum()):
        raise ValueError("no reference")
    return reference
