"""Files in the spool of orderlines that no run will ever take: where they lie, or what they are called, is wrong."""

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from integrator.jobs.orderline_intake import TAKING, Known, named_folders

if TYPE_CHECKING:
    from integrator.settings import Settings, Workshop

MOST = 1_000  # that are counted
NAMED = 3
_OURS = frozenset({TAKING, "done", "rejected"})  # folders that runs make


def spool_of(settings: "Settings") -> Path:
    """Where orders come in as files."""
    return settings.oilmat.spool if settings.oilmat else settings.home.spool / "orderlines"


def untaken(spool: Path, workshops: "Mapping[str, Workshop]") -> list[str]:
    """Their names from the spool on, at most MOST, in order. A dot in front says that a file is still being written.

    Shape   ["Benny/d.json", "bennys-auto/c.txt", "h.json"]
    """
    return sorted(islice(_untaken(spool, workshops), MOST))


def told(settings: "Settings") -> tuple[str, str] | None:
    """What lies there, and what to do about it; None: nothing does."""
    spool, workshops = spool_of(settings), settings.workshops
    try:
        names = untaken(spool, workshops)
    except OSError as error:
        return f"{spool}: {error.strerror}: no order that lies there is taken", "mend who may read it"
    if not names:
        return None
    number = f"{MOST} or more" if len(names) == MOST else len(names)
    more = " …" if len(names) > NAMED else ""
    home = settings.home.root
    place = spool.relative_to(home) if spool.is_relative_to(home) else spool
    ids = ", ".join(workshops) or "there is none yet in config/workshops.toml"
    return (
        f"{number} file(s) lie where no workshop takes them: {', '.join(names[:NAMED])}{more}",
        f"move each to {place}/ID/NAME.json (ID: {ids}), or delete it",
    )


def _untaken(spool: Path, workshops: "Mapping[str, Workshop]") -> Iterator[str]:
    known = Known(workshops)
    for entry in _entries(spool):
        if not entry.is_dir(follow_symlinks=False):
            yield _shown(entry.name)
            continue
        workshop = known.find(entry.name)
        folder = Path(entry.path)
        taken = workshop == entry.name or (workshop and folder in named_folders(spool, workshops, workshop))
        try:
            yield from (f"{_shown(entry.name)}/{name}" for name in _stay(folder, taken=bool(taken)))
            if workshop != entry.name:  # begun by a run that was killed, when a workshop was still called so
                lying = _stay(folder / TAKING, taken=False)
                yield from (f"{_shown(entry.name)}/{TAKING}/{name}" for name in lying)
        except OSError:
            yield f"{_shown(entry.name)}/"


def _stay(folder: Path, *, taken: bool) -> Iterator[str]:
    """What stays in a folder, though runs take what they know from it, or (taken=False) nothing."""
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in _OURS:
                yield f"{_shown(entry.name)}/"
        elif not (taken and entry.name.endswith(".json") and entry.is_file(follow_symlinks=False)):
            yield _shown(entry.name)


def _entries(folder: Path) -> "Iterator[os.DirEntry[str]]":
    if folder.exists():
        with os.scandir(folder) as found:
            yield from (entry for entry in found if entry.name[0] != ".")


def _shown(name: str) -> str:
    return os.fsencode(name).decode(errors="replace")
