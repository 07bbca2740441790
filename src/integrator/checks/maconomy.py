"""The check of Maconomy: both lists are fetched as a run would, and looked at field by field; nothing is kept.

How participants are registered is looked at in the mapping only: a POST would register somebody.
"""

import re
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from integrator.checks.finding import Finding, listed, seconds_of
from integrator.errors import BadAnswer, ConfigError, Problem
from integrator.settings import Settings
from integrator.systems.maconomy import LISTS, MAX_BAD_PERCENT
from integrator.wiring import Wiring, shown

if TYPE_CHECKING:
    from integrator.systems.maconomy import Maconomy, Surveyed
    from integrator.systems.mapping import Endpoint, FieldSpec

NAMES = {"maincourse": "main courses", "course": "courses"}
_FIELDS = "integrator check maconomy --fields"
_INDEX = re.compile(r"\[\d+\]")


def check_maconomy(finding: Finding, wiring: Wiring, settings: Settings) -> None:
    """Fetch and survey both lists.

    Errors  ConfigError; Unavailable; Refused. An answer that cannot be read is a problem of its list only
    """
    if settings.maconomy is None:
        raise ConfigError([Problem("config/integrator.toml", "[maconomy] is missing")])
    maconomy = wiring.maconomy()
    mapping = shown(settings.home, settings.maconomy.mapping)
    lists = finding.facts.setdefault("lists", {})
    read = []
    for name in LISTS:
        try:
            surveyed = maconomy.survey(name)
        except BadAnswer as error:
            finding.problem(
                f"{bare(error.message).rstrip('?')}; import-courses stops and changes nothing",
                f"is it the endpoint? {settings.maconomy.base_url}; where the list is: items in {mapping}",
            )
            continue
        lists[name] = _facts(surveyed)
        _judge(finding, NAMES[name], surveyed, mapping)
        read.append(f"{surveyed.fetched.total:,} {NAMES[name]} in {seconds_of(surveyed.seconds)}")
    if read:
        finding.ok(f"answers, and accepts our key: {', '.join(read)}")
    _judge_registering(finding, maconomy, mapping)


def _judge_registering(finding: Finding, maconomy: "Maconomy", mapping: str) -> None:
    if problems := maconomy.registration_problems():
        finding.note(f"nobody can be registered: {listed(problem.what for problem in problems)}", f"edit {mapping}")
        return
    call, count, by_reference = maconomy.registering()
    finding.facts["registering"] = {"call": call, "names": count, "by_reference": by_reference}
    if by_reference:
        finding.ok(f"participants: {call} with {count} names, found again by our reference (not tried here)")
    else:
        finding.note(
            f"participants: {call} with {count} names, found again by name and address only (not tried here)",
            f"a field that keeps participant.reference, and comes back as external_reference? Map it in {mapping}",
        )


def bare(message: str) -> str:
    """An error's message without what the line says anyway: the system before it, the consequence after it."""
    for suffix in ("; nothing was changed", "; nothing was sent"):
        message = message.removesuffix(suffix)
    return re.sub(r"^(maconomy|wordpress|mailgun|trainingportal|oilmat): ", "", message)


def _judge(finding: Finding, name: str, surveyed: "Surveyed", mapping: str) -> None:
    fetched, endpoint = surveyed.fetched, surveyed.endpoint
    stops = "import-courses stops and changes nothing"
    if fetched.total < endpoint.min_items:
        finding.problem(
            f"{name}: {fetched.total} records, at least {endpoint.min_items} are expected: {stops}",
            "ask Maconomy's people; if it is right: integrator import-courses --allow-removals",
        )
    for ours, theirs in surveyed.missing.items():
        finding.problem(
            f"{name}: no record has {_or(theirs)} (our {ours}) any more, the interface changed: {stops}",
            f"which name has it now? {_FIELDS}; then edit {mapping}",
        )
    for ours, theirs in surveyed.defaulted.items():
        finding.note(f"{name}: no record has {_or(theirs)} (our {ours}); the default of {mapping} is taken")
    _judge_bad(finding, name, surveyed)
    if doubts := _doubts(surveyed):
        said = (f"{count} {code} (such as {fetched.notes.examples[code][0][0]})" for code, count in doubts.items())
        finding.note(f"{name}: read with doubts: {listed(said)}", _FIELDS)
    if surveyed.unmapped:
        finding.note(f"{name}: nobody maps {listed(_frequent(surveyed.unmapped))}", f"wanted? Map it in {mapping}")


def _doubts(surveyed: "Surveyed") -> dict[str, int]:
    """How often each note was made; a field that no record has is told elsewhere, not once for every record."""
    told = bool(surveyed.missing or surveyed.defaulted)
    return {code: count for code, count in surveyed.fetched.notes.counts.items() if code != "missing_field" or not told}


def _judge_bad(finding: Finding, name: str, surveyed: "Surveyed") -> None:
    bad, total = surveyed.fetched.bad, surveyed.fetched.total
    if not bad:
        return
    kinds = Counter(f"{error.code} in {_INDEX.sub('[]', error.field or 'the record')}" for error in bad.values())
    said = listed(f"{count} {kind}" for kind, count in kinds.most_common())
    what = f"{name}: {len(bad)} of {total} cannot be read: {said}; such as {next(iter(bad))}"
    if len(bad) * 100 > total * MAX_BAD_PERCENT:
        finding.problem(f"{what}; that is more than {MAX_BAD_PERCENT} %: import-courses stops", _FIELDS)
    else:
        finding.note(f"{what}; the site keeps what it has of them", _FIELDS)


def _or(names: list[str]) -> str:
    return " or ".join(names)


def _frequent(names: dict[str, int]) -> list[str]:
    return sorted(names, key=lambda name: (-names[name], name))


def _facts(surveyed: "Surveyed") -> dict[str, Any]:
    fetched = surveyed.fetched
    theirs = _their_names(surveyed.endpoint)
    return {
        "path": surveyed.endpoint.path,
        "records": fetched.total,
        "bytes": surveyed.size,
        "seconds": round(surveyed.seconds, 3),
        "unreadable": {key: {"code": error.code, "field": error.field} for key, error in fetched.bad.items()},
        "doubts": dict(fetched.notes.counts),
        "missing": surveyed.missing,
        "defaulted": surveyed.defaulted,
        "unmapped": {name: surveyed.unmapped[name] for name in _frequent(surveyed.unmapped)},
        # An example is "code: value"; a value is never shown here.
        "fields": [
            asdict(row)
            | {
                "theirs": theirs.get(row.name, ""),
                "examples": list(dict.fromkeys(text.partition(":")[0] for text in row.examples)),
            }
            for row in surveyed.fields
        ],
    }


def _their_names(endpoint: "Endpoint") -> dict[str, str]:
    """Our field → what the mapping looks for: "courseDays[].date"."""
    names = {}
    for spec in endpoint.fields:
        names[spec.name] = _sources(spec)
        for entry in spec.item.fields if spec.item else ():
            prefix = spec.numbered or f"{_sources(spec)}[]."
            names[f"{spec.name}[].{entry.name}"] = prefix + _sources(entry)
    return names


def _sources(spec: "FieldSpec") -> str:
    return spec.numbered or (" + " if spec.join is not None else " or ").join(spec.sources)
