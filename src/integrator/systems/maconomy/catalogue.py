"""The catalogue: both lists, read whole, spooled to disk and sorted into what changed and what cannot be read."""

import contextlib
import mmap
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from integrator.domain.courses import Course, MainCourse, settled
from integrator.domain.fetched import Fetched, Note
from integrator.errors import BadRecord, ConfigError, IntegratorError, Problem, Stopped
from integrator.systems.http import Download, Http
from integrator.systems.mapping import Endpoint, FieldSurvey, Reader
from integrator.systems.mapping import Mapping as FieldMapping
from integrator.systems.reading import Sorter

SYSTEM = "maconomy"
LISTS = ("maincourse", "course")
R = TypeVar("R")
MAX_BAD_PERCENT = 20
_FEW = 50  # so many unreadable ones are always looked at: a short list is told about in full
_ROUND_COUNTS = frozenset({50, 100, 200, 500, 1000})


@dataclass(frozen=True)
class Surveyed:
    """One list as `check` looks at it, beside what a run would make of it (fetched).

    missing, defaulted   our fields whose names no record has → those names; the latter have a default
    unmapped             their names that nobody maps → how many records have them
    """

    endpoint: Endpoint
    fetched: Fetched
    fields: list[FieldSurvey]
    missing: dict[str, list[str]]
    defaulted: dict[str, list[str]]
    unmapped: dict[str, int]
    size: int
    seconds: float


class Catalogue:
    """Reads of the catalogue. Answers are spooled to disk and read through a memory map: none is held twice."""

    def __init__(
        self, http: Http, mapping: FieldMapping, *, spool: Path, list_timeout_s: float, max_list_bytes: int
    ) -> None:
        self._http = http
        self._mapping = mapping
        self._spool = spool
        self._list_timeout_s = list_timeout_s
        self._max_list_bytes = max_list_bytes
        self._spooled: list[str] = []

    def main_courses(
        self,
        known: Mapping[bytes, str],
        *,
        allow_bad_records: bool = False,
        advance: Callable[[int], None] = lambda number: None,
    ) -> Fetched:
        """Every main course, as Maconomy has them now.

        known   fingerprints of records that need no reading → their keys
        Errors  Unavailable; Refused; BadAnswer; a record we cannot read comes back in bad, by key. When more than
                MAX_BAD_PERCENT are, reading stops there (stopped), unless allow_bad_records
        Source  GET /api/maincourse; paging is not described
        """
        return self._list("maincourse", main_course_from, known, allow_bad_records, advance)

    def courses(
        self,
        known: Mapping[bytes, str],
        *,
        allow_bad_records: bool = False,
        advance: Callable[[int], None] = lambda number: None,
    ) -> Fetched:
        """Every course with its days, as Maconomy has them now. Errors and source as main_courses, GET /api/course."""
        return self._list("course", course_from, known, allow_bad_records, advance)

    def survey(self, name: str) -> Surveyed:
        """Read one of LISTS field by field, and keep nothing of it. Errors as main_courses."""
        endpoint, build = self._endpoint(name), {"maincourse": main_course_from, "course": course_from}[name]
        begun = time.monotonic()
        try:
            download = self._download(endpoint)
            seconds = time.monotonic() - begun
            # Two readers: sorting reads a record again when its id comes twice, and would count it twice.
            reader, counting = endpoint.compile(), endpoint.compile(survey=True)
            raws = _records(endpoint, reader, download)
            for raw in raws:
                with contextlib.suppress(BadRecord):
                    counting.read(raw)
            fetched = _remarked(Sorter(reader, build, {}).sort(raws), name, download)
        finally:
            self._file(name, "new").unlink(missing_ok=True)
        return Surveyed(
            endpoint=endpoint,
            fetched=fetched,
            fields=counting.survey(),
            missing=counting.missing_everywhere(),
            defaulted=counting.defaulted_everywhere(),
            unmapped=counting.unmapped_names(),
            size=download.size,
            seconds=seconds,
        )

    def mapping_fingerprint(self) -> bytes:
        """Changes when the mapping or its converters do: then every record is read again."""
        return self._mapping.fingerprint

    def limits(self, endpoint: str) -> tuple[int, int]:
        """(the fewest records an answer must hold, the highest share in percent that may vanish at once)."""
        spec = self._endpoint(endpoint)
        return spec.min_items, spec.max_drop_percent

    def keep_answers(self) -> None:
        """The spooled answers were good: keep them as the last good ones."""
        for name in self._spooled:
            self._file(name, "new").replace(self._file(name, "last-good"))
        self._spooled.clear()

    def close(self) -> None:
        """What was spooled and not called good is kept as the last bad answer."""
        for name in self._spooled:
            with contextlib.suppress(FileNotFoundError):
                self._file(name, "new").replace(self._file(name, "last-bad"))
        self._http.close()

    def _list(
        self,
        name: str,
        build: Callable[[dict[str, Any]], tuple[Any, list[Note]]],
        known: Mapping[bytes, str],
        allow_bad_records: bool,
        advance: Callable[[int], None],
    ) -> Fetched:
        endpoint = self._endpoint(name)
        self._spooled.append(name)
        reader = endpoint.compile()
        with _saying_what_follows():
            download = self._download(endpoint)
            raws = _records(endpoint, reader, download)
        max_bad = None if allow_bad_records else max(_FEW, len(raws) * MAX_BAD_PERCENT // 100)
        fetched = Sorter(reader, build, known).sort(raws, max_bad=max_bad, advance=advance)
        fetched.digest, fetched.mapping = download.digest, self._mapping.fingerprint
        return _remarked(fetched, name, download)

    def _download(self, endpoint: Endpoint) -> Download:
        return self._http.download(
            endpoint.path,
            self._file(endpoint.name, "new"),
            doing=f"list {endpoint.name}s",
            timeout_s=self._list_timeout_s,
            max_bytes=self._max_list_bytes,
        )

    def _endpoint(self, name: str) -> Endpoint:
        try:
            return self._mapping.endpoints[name]
        except KeyError:
            raise ConfigError([Problem(self._mapping.shown, f"[endpoint.{name}] is missing")]) from None

    def _file(self, name: str, state: str) -> Path:
        return self._spool / f"{SYSTEM}-{name}.{state}.json"


def _records(endpoint: Endpoint, reader: Reader, download: Download) -> list[msgspec.Raw]:
    try:
        return reader.items(_mapped(download.path))
    except IntegratorError as error:
        error.message = f"{SYSTEM}: list {endpoint.name}s: {error.message}"
        raise


@contextlib.contextmanager
def _saying_what_follows() -> Iterator[None]:
    """A list that cannot be had: its error ends with what that means for the run."""
    try:
        yield
    except Stopped:
        raise
    except IntegratorError as error:
        error.message = f"{error.message.removesuffix('; nothing was sent')}; nothing was changed"
        raise


def _remarked(fetched: Fetched, name: str, download: Download) -> Fetched:
    """The answer with our remarks about it as a whole."""
    if "json" not in download.content_type:
        fetched.notes.add(name, [Note("content_type")])
    if fetched.total in _ROUND_COUNTS:
        fetched.notes.add(name, [Note("round_count", None, f"exactly {fetched.total} records: is the list cut?")])
    return fetched


def main_course_from(record: dict[str, Any]) -> tuple[MainCourse, list[Note]]:
    """A mapped record as a main course. Errors  BadRecord"""
    return _typed(record, MainCourse), []


def course_from(record: dict[str, Any]) -> tuple[Course, list[Note]]:
    """A mapped record as a course, after the rules of the domain. Errors  BadRecord"""
    return settled(_typed(record | {"status": record["status"] or "unknown"}, Course))


def _typed(record: dict[str, Any], kind: type[R]) -> R:
    try:
        return msgspec.convert(record, kind)
    except msgspec.ValidationError:  # its own words may hold the value
        raise BadRecord(f"the record is no {kind.__name__} as we know it", code="bad_shape") from None


def _mapped(path: Path) -> mmap.mmap | bytes:
    if path.stat().st_size == 0:
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
