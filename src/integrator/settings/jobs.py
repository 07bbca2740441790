"""jobs/NAME.toml → JobPolicy, with every problem of it collected."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from integrator.errors import ConfigError, Problem
from integrator.home import Home, shipped
from integrator.schedule import cron_problem
from integrator.settings.model import JobPolicy, Settings
from integrator.settings.values import Wrong, did_you_mean, duration, durations, of_type
from integrator.tomlfile import TomlFile, read_toml

# The policy keys of each job: their type, and the value of a file that does not say. A new job adds its line here.
POLICY_KEYS: dict[str, dict[str, tuple[Any, Any]]] = {
    "import-courses": {
        "missing_runs": (Annotated[int, Meta(ge=1, le=1_000)], 3),
        "past": (Literal["keep", "unpublish"], "keep"),
    },
    "push-orderline": {"look_again": (durations, (2.0, 5.0, 15.0))},
    "confirm-bookings": {},
    "publish-classes": {
        "enrollment_deadline_days": (Annotated[int, Meta(ge=0, le=365)], 1),
        "cancellation_deadline_days": (Annotated[int, Meta(ge=0, le=365)], 14),
        "max_lost_percent": (Annotated[int, Meta(ge=0, le=100)], 50),
    },
    "update-booking-status": {
        "maconomy": (bool, True),
        "maconomy_days": (Annotated[int, Meta(ge=1, le=365)], 30),
        "certificates": (bool, False),
    },
    "store-backup": {},
    "sync-orders": {},
    "clear-reservations": {},
    "gdpr-cleanup": {},
    "send-participants": {
        "days_ahead": (Annotated[int, Meta(ge=0, le=60)], 1),
        "trainers": (
            Annotated[tuple[Literal["maconomy", "wordpress"], ...], Meta(min_length=1, max_length=2)],
            ("maconomy", "wordpress"),
        ),
    },
}
# The tables of config/integrator.toml that a job reads from, "workshops" the file of that name.
_SOURCES = {
    "import-courses": ("maconomy",),
    "sync-orders": ("maconomy",),
    "send-participants": ("maconomy",),
    "publish-classes": ("trainingportal",),
    "confirm-bookings": ("trainingportal",),
    "update-booking-status": ("trainingportal",),
    "push-orderline": ("workshops",),
}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")


def is_off(settings: Settings, job: str) -> bool:
    """Whether none of the systems that a job reads from is switched on: it has nothing to do then, and is not late."""
    sources = _SOURCES.get(job, ())
    return bool(sources) and not any(getattr(settings, table) for table in sources)


def read_jobs(home: Home, problems: list[Problem], *, only: str | None = None) -> dict[str, JobPolicy]:
    """Read every job of a home: its own file, or the shipped one where it has none. Problems go into the list."""
    jobs: dict[str, JobPolicy] = {}
    for name, (path, shown) in sorted(_job_files(home).items()):
        if only is not None and name != only:
            continue
        try:
            file = read_toml(path, shown=shown)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        found = _JobReader(name, file)
        jobs[name] = found.read()
        problems.extend(found.problems)
    return jobs


def _job_files(home: Home) -> dict[str, tuple[Path, str]]:
    own = {path.stem: (path, f"jobs/{path.name}") for path in home.jobs.glob("*.toml")}
    ours = {path.stem: (path, f"shipped jobs/{path.name}") for path in (shipped() / "jobs").glob("*.toml")}
    return ours | own


class _JobReader:
    def __init__(self, name: str, file: TomlFile) -> None:
        self.name = name
        self.file = file
        self.problems: list[Problem] = []

    def read(self) -> JobPolicy:
        """Read the job; after a problem the policy is filled with stand-in values and must not be used."""
        own = POLICY_KEYS.get(self.name, {})
        self._check_name()
        self._check_keys(own)
        return JobPolicy(
            name=self.name,
            command=self._get("command", _command, (self.name,)),
            schedule=self._get("schedule", _schedule),
            timeout_s=self._get("timeout", duration),
            alert_after_s=self._get("alert_after", duration, None),
            attempts=self._get("attempts", _attempts, 8),
            backoff_s=self._get("backoff", durations, (60.0, 300.0, 900.0, 3_600.0)),
            policy={key: self._get(key, _typed(kind), default) for key, (kind, default) in own.items()},
        )

    def _check_name(self) -> None:
        known = POLICY_KEYS.keys() | {path.stem for path in (shipped() / "jobs").glob("*.toml")}
        if not _NAME.fullmatch(self.name):
            self._wrong((), "a job's name has small letters, digits and hyphens")
        elif self.name not in known and "command" not in self.file.data:
            self._wrong(
                (), f'no such job: {did_you_mean(self.name, sorted(known))} (one of your own names its "command")'
            )

    def _check_keys(self, own: dict[str, tuple[Any, Any]]) -> None:
        known = ["schedule", "timeout", "alert_after", "attempts", "backoff", "command", *own]
        for key in self.file.data:
            if key not in known:
                self._wrong((key,), f"unknown key: {did_you_mean(key, known)}")

    def _get(self, key: str, read: Callable[[Any], Any], *default: Any) -> Any:
        if key not in self.file.data and default:
            return default[0]
        if key not in self.file.data:
            self._wrong((key,), "missing")
            return None
        try:
            return read(self.file.data[key])
        except Wrong as error:
            self._wrong((key,), str(error))
            return None

    def _wrong(self, keys: tuple[str, ...], what: str) -> None:
        self.problems.append(self.file.problem(keys, ": ".join([*keys, what])))


def _typed(kind: Any) -> Callable[[Any], Any]:
    return kind if kind is durations else lambda value: of_type(value, kind)


def _attempts(value: Any) -> Any:
    return of_type(value, Annotated[int, Meta(ge=1, le=1_000)])


def _schedule(value: Any) -> str:
    text: str = of_type(value, str)
    if text and (what := cron_problem(text)):
        raise Wrong(what)
    return " ".join(text.split())


def _command(value: Any) -> tuple[str, ...]:
    words: tuple[str, ...] = of_type(value, tuple[str, ...])
    if not words or not _NAME.fullmatch(words[0]) or any(ord(char) < 32 for word in words for char in word):
        raise Wrong('expected the words after "integrator", such as ["store", "backup"]')
    return words
