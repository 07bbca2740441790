"""--record: the job runs for real, and what it heard and said is kept with made-up people and without secrets."""

import os
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from json import dumps
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from integrator import __version__
from integrator.errors import IntegratorError
from integrator.home import find_home
from integrator.recording import (
    belongings,
    bookings,
    cassette,
    classes,
    hashes,
    memory,
    network,
    orderlines,
    published,
    waiting,
)
from integrator.recording.freetext import survivors
from integrator.recording.madeup import MadeUp
from integrator.recording.scrub import Exchange, Scrubber, System, system_of
from integrator.runner import Options, Story, load_everything, run_job
from integrator.runtime.report import Report
from integrator.settings import Settings
from integrator.systems.recordable import May

_BESIDE = {
    "waiting": waiting.SHAPE,
    "classes": classes.SHAPE,
    "orderlines": orderlines.SHAPE,
    "published": published.SHAPE,
    "bookings": bookings.SHAPE,
}
_SHORT = 6  # a secret of fewer letters is only found as a word of its own


class NotWritten(IntegratorError):
    """What would have been written holds a secret or a person: better no recording than that one."""

    exit_code = 70


class _FirstLook:
    """A clock that remembers the moment the run took for its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.at: float | None = None

    def __call__(self) -> float:
        now = self._clock()
        self.at = now if self.at is None else self.at
        return now

    def moment(self) -> float:
        return self() if self.at is None else self.at

    def iso(self) -> str:
        return datetime.fromtimestamp(self.moment(), UTC).isoformat(timespec="seconds")


def record(job: str, story: Story, file: Path, needs: Sequence[str], options: Options) -> Report:
    """Run and record. Errors  UsageError, ConfigError: nothing was started; NotWritten: the run is done all the same"""
    cassette.need_vcr()
    cassette.check_target(file)
    settings = load_everything(find_home(os.environ), needs)
    systems = belongings.systems_of(settings, needs)
    tape, clock = network.Tape(), _FirstLook(options.clock)
    before = memory.remembered(settings.store.path)
    waited = waiting.found(settings.store.path) if "mailgun" in needs else {}
    lists = classes.sent(settings.store.path) if job in classes.JOBS else []
    lines = orderlines.found(settings.store.path) if job in orderlines.JOBS else []
    sold, booked = _sold(job, settings), _booked(job, settings)
    report: Report | None = None
    try:
        with network.recording(tape, ours=_is_ours(settings, systems)):
            report = run_job(job, story, needs=needs, options=replace(options, clock=clock, in_order=True))
    finally:
        # Also after a bug of ours: that is when somebody wants to see what was said.
        facts = {
            "job": job,
            "integrator": __version__,
            "recorded_at": clock.iso(),
            "exit_code": report.exit_code if report else 70,
            "dry_run": options.dry_run,
            "counts": report.counts if report else {},
            "remembered": before,
            "waiting": waited,
            "classes": _classes(settings, lists, waited, clock, tape.exchanges, report) if job in classes.JOBS else {},
        }
        if job in orderlines.JOBS:
            facts["orderlines"] = {"orderlines": orderlines.of_these(lines, tape.exchanges, settings.workshops)}
        if sold:
            names = settings.trainingportal.courses if settings.trainingportal else {}
            facts["published"] = published.of_these(sold, tape.exchanges, names, at=clock.moment())
        if booked:
            facts["bookings"] = bookings.of_these(booked, tape.exchanges)
        remark = _keep(file, settings, systems, needs, tape.exchanges, facts)
    report.remarks += [remark, *([orderlines.REMARK] if job in orderlines.JOBS else [])]
    return report


def _sold(job: str, settings: Settings) -> published.Rows:
    """What publish-classes goes by, before it does."""
    if job not in published.JOBS:
        return {}
    return published.found(settings.store.path, missing_limit=_missing_limit(settings))


def _booked(job: str, settings: Settings) -> bookings.Rows:
    """What the jobs around bookings go by, before they do."""
    if job not in bookings.JOBS:
        return {}
    upload_bytes = (settings.trainingportal.upload.max_mb if settings.trainingportal else 10) * 1_000_000
    certificates = settings.jobs[bookings.UPDATE].policy["certificates"]
    return bookings.found(job, settings.store.path, settings.home, upload_bytes=upload_bytes, certificates=certificates)


def _missing_limit(settings: Settings) -> int:
    return int(settings.jobs["import-courses"].policy["missing_runs"])


def _classes(
    settings: Settings,
    lists: classes.Rows,
    waited: waiting.Waiting,
    clock: _FirstLook,
    exchanges: list[Exchange],
    report: Report | None,
) -> dict[str, classes.Rows]:
    asked = classes.named_in(exchanges, report)
    courses = classes.found(settings.store.path, at=clock.moment(), asked=asked, missing_limit=_missing_limit(settings))
    return {"courses": courses, "lists": classes.of_these(lists, courses, waited)}


def _is_ours(settings: Settings, systems: list[System]) -> Callable[[str], bool]:
    """Whose traffic is recorded: the systems'. The heartbeat is none of the job's, also when it has their address."""
    ping_url = settings.monitor.ping_url
    beat = ping_url.reveal().partition("{")[0] if ping_url is not None else None

    def is_ours(url: str) -> bool:
        return system_of(url, systems) is not None and not (beat and url.startswith(beat))

    return is_ours


def _keep(
    file: Path,
    settings: Settings,
    systems: list[System],
    needs: Sequence[str],
    exchanges: list[Exchange],
    facts: dict[str, Any],
) -> str:
    """Replace, look once more, write; gives back what to say about it."""
    made_up = MadeUp()
    for real, made in belongings.replaced(settings, needs):
        made_up.name_text(real, made)
    scrubber = Scrubber(systems, made_up)
    shapes = {name: shape for name, shape in _BESIDE.items() if name in facts}
    for name, shape in shapes.items():
        scrubber.learn(shape, facts[name])
    kept = scrubber.scrubbed(exchanges)
    beside = {name: scrubber.replaced(shape, facts[name]) for name, shape in shapes.items()}
    again = _hashes(settings, systems, made_up, zip(exchanges, kept, strict=True))
    if lists := beside["classes"].get("lists"):
        beside["classes"]["lists"] = again.in_rows(lists)
    described = belongings.described(settings, needs, str(facts["job"]), scrubber.text)
    if "workshops" in needs:
        named = partial(scrubber.replaced, May.CODE)  # as in the orders that name them
        workshops = orderlines.workshops(settings.workshops, named, belongings.SECRET_NAME)
        described["mappings"][orderlines.FILE] = belongings.text_of(workshops).rstrip("\n") + "\n"
    metadata = {**facts, **beside, **described}
    metadata["replaced"] = made_up.counts()
    text = again.in_text(cassette.text_of(cassette.Cassette(metadata, kept)))
    _refuse_secrets(file, text, [*belongings.secrets_of(settings), *_logins(settings)])
    if left := survivors(text, made_up):
        raise NotWritten(f"--record {file}: not written: {left} name(s) or address(es) would still be in it")
    cassette.save(file, text)
    replaced = ", ".join(f"{number} {kind}" for kind, number in made_up.counts().items())
    return f"recorded {len(kept)} requests in {file}; replaced {replaced or 'nothing'}"


def _hashes(
    settings: Settings, systems: list[System], made_up: MadeUp, pairs: Iterable[tuple[Exchange, Exchange]]
) -> hashes.Hashes:
    """What the hashes of this home become; pairs are the exchanges as they were, and as they are kept."""
    key = hashes.key_of(settings.home)
    codes = hashes.codes(key, made_up.addresses())
    prints = hashes.fingerprints(key, settings.maconomy.mapping, systems, pairs) if settings.maconomy else {}
    return hashes.Hashes(codes, prints)


def _logins(settings: Settings) -> Iterable[str]:
    """What HTTP makes of a user and his password."""
    for table in (settings.wordpress, settings.trainingportal):
        if table is not None:
            try:
                yield b64encode(f"{table.username}:{table.password.reveal()}".encode()).decode()
            except RuntimeError:  # not read for this run
                continue
    if settings.mailgun is not None:
        for key in belongings.revealed(settings.mailgun):
            yield b64encode(f"api:{key}".encode()).decode()


def _refuse_secrets(file: Path, text: str, secrets: Iterable[str]) -> None:
    for secret in secrets:
        for form in _forms(secret):
            found = form in text if len(form) >= _SHORT else re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text)
            if found:
                raise NotWritten(
                    f"--record {file}: not written: a secret of this home would be in it",
                    hint="the other side sent it back to us; tell who looks after the interface, and record again",
                )


def _forms(secret: str) -> set[str]:
    """A secret as it may stand in a text: escaped, quoted, encoded, without blanks, without "Bearer" before it."""
    bare = secret.split(" ", 1)[-1] if re.match(r"(Bearer|Basic|Token|ApiKey) ", secret, re.IGNORECASE) else secret
    forms = {
        secret,
        bare,
        bare.replace(" ", ""),
        quote(bare, safe=""),
        quote(bare),
        quote_plus(bare),
        b64encode(bare.encode()).decode(),
    }
    forms |= {dumps(form)[1:-1] for form in (secret, bare)}
    return {form for form in forms if form.strip()}
