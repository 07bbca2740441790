"""The folder documents/: which files in it belong to which booking, and what cannot be placed.

    documents/REFERENCE.pdf, documents/REFERENCE/*.pdf

Names of files can be people's: no message repeats one, but a reference that it begins with, and its ending.
"""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from integrator.domain.portal import reference_from

if TYPE_CHECKING:
    from integrator.runtime.run import Run

UNPLACED = "documents"  # the key of what lies in the folder and belongs to no booking
_REFERENCE = re.compile(r"TP-[A-Z2-7]{26}", re.IGNORECASE)
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}\Z")
_MOST_NAMED = 20
# Why what lies in the folder is left alone: what may be somebody's document.
_LINKS, _UNREADABLE, _NOBODYS = "are links", "cannot be read", "belong to no booking by their name"
_ANOTHERS = "lie in one booking's folder and are named like another"


@dataclass(frozen=True)
class Found:
    """A file that belongs to a booking, by where it lies."""

    reference: str
    path: Path


class Folder:
    """The folder as one run finds it.

    trouble    what needs a person: (code, reason) by booking, or under UNPLACED
    is_blind   it cannot be read: nobody knows which bookings have files
    """

    def __init__(self, run: "Run", documents: Path) -> None:
        self._run = run
        self._documents = documents
        self.trouble: dict[str, tuple[str, str]] = {}
        self.is_blind = False
        self._mistyped: dict[str, list[str]] = {}  # by booking: files of it that are no .pdf

    def find(self, states: Mapping[str, str | None]) -> Iterator[Found]:
        """Files by the bookings they belong to. What belongs to none, or not surely, is remarked.

        states   every booking's state, by reference
        """
        named = {reference_from(reference): reference for reference in states}
        strange, misnamed = Counter[str](), list[str]()
        for entry in self._listed():
            kind = _kind(entry)
            reference = named.get(reference_from(entry.name if kind == "folder" else stem_of(entry.name)))
            if kind == "link":
                strange[_LINKS] += 1
            elif kind == "unreadable":
                strange[_UNREADABLE] += 1
            elif reference is None:
                if not self._is_mistyped(entry.name, kind, states, named):
                    strange[_NOBODYS] += 1
                    misnamed += _begins(entry.name)
            elif states[reference] == "cancelled":
                strange["belong to cancelled bookings"] += 1
            elif kind == "folder":
                yield from self._find_in(reference, Path(entry.path), named, strange)
            else:
                yield Found(reference, Path(entry.path))
        self._tell_strange(strange, misnamed)

    def _is_mistyped(self, name: str, kind: str, states: Mapping[str, str | None], named: Mapping[str, str]) -> bool:
        """A file named as it should be, but for its ending, of a booking that is not cancelled."""
        reference = named.get(reference_from(_ENDING.sub("", name)))
        if kind != "file" or reference is None or states[reference] == "cancelled":
            return False
        self._mistyped.setdefault(reference, []).append(name.strip())  # nothing else is in it
        return True

    def _tell_strange(self, strange: Counter[str], misnamed: Sequence[str]) -> None:
        """What was left alone. What may be somebody's document, and cannot be placed, needs a person."""
        where = f"in {self._documents}"
        for what, number in sorted(strange.items()):
            named = f" ({_bounded(misnamed)})" if what == _NOBODYS and misnamed else ""
            self._run.remark(f"documents: {number} file(s) or folder(s) {where} {what}: they were left alone{named}")
        if number := sum(strange[what] for what in (_LINKS, _UNREADABLE, _NOBODYS, _ANOTHERS)):
            reason = f"{number} file(s) or folder(s) {where} belong to no booking, or not surely: "
            self.trouble[UNPLACED] = ("unplaced", f"{reason}integrator update-booking-status -v says more")

    def _listed(self) -> list["os.DirEntry[str]"]:
        try:
            return entries(self._documents)
        except OSError as error:
            self.is_blind = True
            reason = f"the folder {self._documents} cannot be read ({error.strerror}): nothing of it was uploaded"
            self._run.remark(f"documents: {reason}")
            self.trouble[UNPLACED] = ("unreadable", reason)
            return []

    def _find_in(
        self, reference: str, folder: Path, named: Mapping[str, str], strange: Counter[str]
    ) -> Iterator[Found]:
        """The files of one booking's folder. One that is named like another's never leaves from here."""
        try:
            listed = entries(folder)
        except OSError as error:
            reason = f"documents: its folder cannot be read ({error.strerror}); nothing of it was uploaded"
            self.trouble[reference] = ("unreadable", reason)
            return
        for entry in listed:
            others = {name.upper() for name in _REFERENCE.findall(entry.name)} - {reference.upper()}
            if others or named.get(reference_from(stem_of(entry.name)), reference) != reference:
                strange[_ANOTHERS] += 1
            elif _kind(entry) != "file":
                strange["are links or folders in a booking's folder"] += 1
            elif not stem_of(entry.name):
                strange["lie in a booking's folder and are no .pdf"] += 1
                self._mistyped.setdefault(reference, []).append(f"{reference}/…{_ending(entry.name)}")
            else:
                yield Found(reference, Path(entry.path))

    def tell_mistyped(self, wanting: Collection[str]) -> None:
        """Files that are no PDF by their name: trouble of a booking that has none beside them, and should."""
        for reference, names in self._mistyped.items():
            what = f"{', '.join(names[:3])} is not a PDF by its name"
            if reference in wanting:
                self.trouble[reference] = ("not_pdf", f"documents: {what}; it was not uploaded")
        shown = [name for names in self._mistyped.values() for name in names]
        if shown:
            self._run.remark(f"documents: not a PDF by their name, in {self._documents}: {_bounded(shown)}")


def count_of(reason: str) -> int:
    """How many files and folders the reason under UNPLACED is about; 0 when it is about something else."""
    number = reason.partition(" ")[0]
    return int(number) if number.isdecimal() else 0


def entries(folder: Path, *, hidden: bool = False) -> list["os.DirEntry[str]"]:
    """What lies in a folder, by name; of one that is not there nothing."""
    try:
        with os.scandir(folder) as found:
            return sorted((one for one in found if hidden or not one.name.startswith(".")), key=lambda one: one.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _kind(entry: "os.DirEntry[str]") -> str:
    """link, folder, file (or something else that is no folder), unreadable."""
    try:
        if entry.is_symlink():
            return "link"
        return "folder" if entry.is_dir(follow_symlinks=False) else "file"
    except OSError:
        return "unreadable"


def stem_of(name: str) -> str:
    """A PDF's name without its ending; "" for other files."""
    stem, dot, ending = name.rpartition(".")
    return stem if dot and ending.lower() == "pdf" else ""


def _ending(name: str) -> str:
    found = _ENDING.search(name)
    return found[0] if found else ""


def _begins(name: str) -> list[str]:
    """A file by the reference that its name begins with, and its ending: between them a person may be named."""
    if (found := _REFERENCE.match(name)) is None:
        return []
    ending = _ending(name)
    return [f"{found[0]}{'' if found[0] + ending == name else '…'}{ending}"]


def _bounded(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
