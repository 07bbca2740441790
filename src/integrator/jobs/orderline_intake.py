"""Orders of OilMat come in: by command, as files in the spool folder, and fetched; each is kept once.

What is refused is kept too where its id can be read, so that asking for its status answers. Logins that travel in an
order are thrown away here: neither the store nor the files that stay behind have ever held them.
"""

import os
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from integrator.database import Database
from integrator.domain.orderlines.order import EFFECT, key_of, scope_of
from integrator.errors import Conflict
from integrator.runtime import files
from integrator.runtime.outbox import Outbox
from integrator.store.orderlines import Orderlines, shown
from integrator.store.workshops import Workshops

if TYPE_CHECKING:
    from collections.abc import Mapping

    from integrator.domain.orderlines.payload import Accepted, BadRequest
    from integrator.settings import Workshop
    from integrator.systems.oilmat import OilMat

EMPTY = "the body is empty"
REUSED = "unique_id reused with other content"
FORGOTTEN_S = 2 * 86_400
NOWHERE = "-"  # stands for the workshop of what names none of ours, in the counts
MOST_FILES = 1_000  # of one workshop in one run
TAKING = "taking"  # where a file lies while its orders are read
_NAME_BYTES = 200  # of a file's name; ours gets a moment in front of it and an ending, and 255 is the most there is


@dataclass(frozen=True)
class Taken:
    """What became of one order at the door. status is OilMat's word for how it stands now.

    result   "new", "same" (nothing changed), "replaced" (a bad request before), "bad request", "reused" or "rejected"
             (its id could not be read)
    ignored  names of fields that nobody knows
    """

    result: str
    workshop: str | None
    unique_id: str | None
    status: str
    reason: str
    credentials_in_payload: bool
    ignored: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return self.result in ("new", "same", "replaced")

    def as_json(self) -> dict[str, Any]:
        """For whoever sent it. Of a login in it only that there was one."""
        told: dict[str, Any] = {"unique_id": self.unique_id, "status": self.status, "reason": self.reason}
        return told | ({"credentials_in_payload": True} if self.credentials_in_payload else {})


class Known:
    """The workshops of a home, as payload.read asks for them. missed: what it was asked for last is none."""

    def __init__(self, workshops: "Mapping[str, Workshop]") -> None:
        self.missed = False
        self._ids = {_plain(name): found.id for found in workshops.values() for name in (found.id, found.name)}
        self._workshops = workshops

    def find(self, name: str) -> str | None:
        found = self._ids.get(_plain(name))
        self.missed = found is None
        return found

    def has_credentials(self, workshop: str) -> bool:
        return self._workshops[workshop].has_credentials


def _plain(name: str) -> str:
    """What all ways of writing a name share. Folders made on a Mac have å as a letter and a ring."""
    if not name.isascii():
        import unicodedata  # most starts need none of it

        name = unicodedata.normalize("NFC", name)
    return name.casefold()


def listed(workshops: "Mapping[str, Workshop]") -> str:
    """The workshops there are, for who named none of them."""
    known = ", ".join(f"{one.id} ({one.name})" for one in workshops.values())
    return f"there are: {known}" if known else "there are none: fill in config/workshops.toml"


@dataclass
class Intake:
    """Keeps what comes, in the store of one home."""

    db: Database
    workshops: "Mapping[str, Workshop]"
    clock: Callable[[], float]
    run_id: int | None = None

    @property
    def at(self) -> int:
        return int(self.clock())

    def take(self, raw: bytes, *, source: str, only: str | None = None) -> list[Taken]:
        """Keep all orders of a body, each on its own, in one transaction.

        only   the workshop that they are for
        """
        items = list(self._read(raw, only, tells=source == "command"))
        if not raw.removeprefix(BOM_UTF8).strip():  # no order at all: nothing to remember
            return [self._bad("rejected", only, None, EMPTY, credentials=False)] if items else []
        with self.db.tx():
            return list(self._take(items, source, only))

    def take_page(self, items: tuple[bytes, ...], workshop: str, cursor: str) -> list[Taken]:
        """Keep what was fetched, and where to go on, in one transaction."""
        found = [one for raw in items for one in self._read(raw, workshop)]
        with self.db.tx():
            taken = list(self._take(found, "pull", workshop))
            Workshops(self.db).read_up_to(workshop, cursor, at=self.at)
            return taken

    def _read(self, raw: bytes, only: str | None, *, tells: bool = False) -> "Iterator[Accepted | BadRequest]":
        """tells: who sends may hear which workshops there are. What was said is never told: it may be a login."""
        from integrator.domain.orderlines.payload import Accepted, read  # most starts have nothing to read

        known = Known(self.workshops)
        for item in read(raw, workshops=known, only=only):
            missed, known.missed = known.missed, False
            if tells and missed and not isinstance(item, Accepted) and item.workshop is None:
                item = replace(item, reason=f"{item.reason} ({listed(self.workshops)})")
            yield item

    def _take(self, items: "Iterable[Accepted | BadRequest]", source: str, only: str | None) -> Iterator[Taken]:
        from integrator.domain.orderlines.payload import Accepted

        for item in items:
            if isinstance(item, Accepted):
                yield self._accept(item, source)
            else:
                yield self._refuse(item, source, only)

    def _accept(self, item: "Accepted", source: str) -> Taken:
        order, lines = item.order, Orderlines(self.db, run_id=self.run_id)
        result = lines.compare(order)
        if result in ("new", "replaced") and not self._queued(item):
            result = "reused"
        if result == "reused":
            Workshops(self.db).refused(order.workshop, "reused", order.unique_id, REUSED, at=self.at)
            return self._bad(result, order.workshop, order.unique_id, REUSED, item.credentials, item.ignored)
        if result != "same":
            lines.take(order, source=source, credentials=item.credentials, at=self.at)
        blocked = Workshops(self.db).get(order.workshop).blocked_code
        status, reason = shown(lines.get(order.workshop, order.unique_id), blocked=blocked)
        return Taken(result, order.workshop, order.unique_id, status, reason, item.credentials, item.ignored)

    def _queued(self, item: "Accepted") -> bool:
        """False: the outbox remembers this id with other content, though its orderline is no longer kept."""
        outbox, order = Outbox(self.db, clock=self.clock, run_id=self.run_id), item.order
        try:
            # Nobody says when it was pumped. Soon after a restore it may be one that the store has forgotten.
            caused_at = self.clock() - FORGOTTEN_S
            outbox.once(EFFECT, order.key, order.body, scope=scope_of(order.workshop), caused_at=caused_at)
        except Conflict:
            return False
        return True

    def _refuse(self, item: "BadRequest", source: str, only: str | None) -> Taken:
        workshops = Workshops(self.db)
        # What was asked for by its workshop is offered once: who offers it hears only of what has a row.
        if source == "pull" and item.workshop is None:
            item = replace(item, workshop=only)
        if item.workshop is None or item.unique_id is None:
            where = item.workshop or only or NOWHERE
            workshops.refused(where, "rejected", item.unique_id, item.reason, at=self.at)
            return self._bad("rejected", item.workshop or only, item.unique_id, item.reason, item.credentials)
        kept = Orderlines(self.db, run_id=self.run_id).refuse(
            item.workshop,
            item.unique_id,
            item.reason,
            source=source,
            credentials=item.credentials,
            at=self.at,
            content=item.content,
        )
        if not kept:
            workshops.refused(item.workshop, "reused", item.unique_id, item.reason, at=self.at)
        result = "bad request" if kept else "reused"
        return self._bad(result, item.workshop, item.unique_id, item.reason, item.credentials)

    def _bad(
        self,
        result: str,
        workshop: str | None,
        unique_id: str | None,
        reason: str,
        credentials: bool,
        ignored: tuple[str, ...] = (),
    ) -> Taken:
        return Taken(result, workshop, unique_id, "bad request", reason, credentials, ignored)

    # files --------------------------------------------------------------------------------------

    def take_files(self, folder: Path, workshop: str, *, moves: bool = True) -> list[Taken]:
        """Keep what lies in a workshop's spool folders; a file leaves them only when its orders are in the store.

        A file that is still being written has a dot in front of its name, and is left alone.
        moves  False: every file stays where it is, because the store is only a copy (a dry run)
        """
        own = folder / workshop
        stuck: list[str] = []
        try:
            ready = self._claimed(own, stuck) if moves else [*_waiting(own / TAKING), *self._lying(own)]
        except OSError as error:
            return [self._bad("rejected", workshop, None, f"{own}: {error.strerror}", credentials=False)]
        said = [self._bad("rejected", workshop, None, reason, credentials=False) for reason in stuck]
        return said + [one for path in ready[:MOST_FILES] for one in self._take_or_say(path, workshop, moves=moves)]

    def _lying(self, own: Path) -> list[Path]:
        """What waits in its folder, and in those that are called by its name: no path is made of a name."""
        named = named_folders(own.parent, self.workshops, own.name)
        return [path for each in (own, *named) for path in _waiting(each)]

    def _claimed(self, own: Path, stuck: list[str]) -> list[Path]:
        """What waits, under names that nobody else writes to, behind what a run that was killed left there.

        Whoever writes orders.json again and again may do so while the one before is read: that is another file.

        stuck   gets why a file cannot be moved: it stays, and the others are taken
        """
        taking = own / TAKING
        for folder in (own, taking):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        moment = datetime.fromtimestamp(self.at, UTC).strftime("%Y%m%dT%H%M%SZ")
        before = f"{moment}-{os.urandom(3).hex()}"
        for number, path in enumerate(self._lying(own)[:MOST_FILES]):
            try:
                path.rename(taking / f"{before}-{number:03}-{_shortened(path.name)}")
            except FileNotFoundError:  # another run beside us has it
                continue
            except OSError as error:  # its folder is another file system, or not ours to change
                stuck.append(f"{_shown(path)}: {error.strerror}")
        return _waiting(taking)

    def _take_or_say(self, path: Path, workshop: str, *, moves: bool) -> list[Taken]:
        """A file that cannot be read, or not be moved, is said and stays: the others are taken."""
        try:
            return self._take_file(path, workshop, moves=moves)
        except FileNotFoundError:  # another run beside us was faster
            return []
        except OSError as error:
            reason = f"{_shown(path)}: {error.strerror}"
            return [self._bad("rejected", workshop, None, reason, credentials=False)]

    def _take_file(self, path: Path, workshop: str, *, moves: bool) -> list[Taken]:
        from integrator.domain.orderlines.payload import MAX_BYTES, masked

        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
        taken = self.take(raw, source="spool", only=workshop)
        bad = [f"{number}. {one.reason}" for number, one in enumerate(taken, 1) if not one.is_good]
        taken = [
            replace(one, reason=f"{path.name}: {one.reason}") if one.result == "rejected" else one for one in taken
        ]
        if moves:
            self._put_aside(path, "rejected" if bad else "done", masked(raw), bad)
        return taken

    def _put_aside(self, path: Path, where: str, content: bytes, reasons: list[str]) -> None:
        folder = path.parent.with_name(where)
        folder.mkdir(mode=0o700, exist_ok=True)
        if reasons:
            files.replace(folder / f"{path.name}.reasons.txt", "\n".join([*reasons, ""]).encode())
        files.replace(folder / path.name, content)  # on the disk before what it is a copy of is deleted
        path.unlink(missing_ok=True)


def named_folders(folder: Path, workshops: "Mapping[str, Workshop]", workshop: str) -> list[Path]:
    """Spool folders that are called by another name of a workshop than its id, and that can be emptied."""
    known = Known(workshops)
    if not folder.exists():
        return []
    with os.scandir(folder) as found:
        names = [
            entry.name
            for entry in found
            if entry.name != workshop
            and known.find(entry.name) == workshop
            and entry.is_dir(follow_symlinks=False)
            and os.access(entry.path, os.R_OK | os.W_OK | os.X_OK)
        ]
    return [folder / name for name in sorted(names)]


def _waiting(folder: Path) -> list[Path]:
    """Files ready to be taken, in the order of their names; none where there is no such folder."""
    if not folder.exists():
        return []
    with os.scandir(folder) as found:
        names = [
            entry.name
            for entry in found
            if entry.name.endswith(".json") and entry.name[0] != "." and entry.is_file(follow_symlinks=False)
        ]
    return [folder / name for name in sorted(names)]


def _shown(path: Path) -> str:
    return os.fsencode(path.name).decode(errors="replace")


def _shortened(name: str) -> str:
    return os.fsdecode(os.fsencode(name)[-_NAME_BYTES:])


def fetch(intake: Intake, oilmat: "OilMat", workshop: str, *, at_most_s: float | None = None) -> Iterator[list[Taken]]:
    """Take over what OilMat offers for a workshop, a page at a time.

    Page and cursor are kept together: a run that was killed goes on there, and so does one that asked for no more.
    at_most_s   as OilMat.pages
    Errors      Unavailable, Refused
    """
    after = Workshops(intake.db).get(workshop).cursor
    for page in oilmat.pages(workshop, after, at_most_s=at_most_s):
        yield intake.take_page(page.items, workshop, page.next)


def key_shown(taken: Taken) -> str:
    """How a report names it."""
    return key_of(taken.workshop or "no workshop", taken.unique_id or "no id")
