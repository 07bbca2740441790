"""Who gets the list of a class: its trainers with an address, and what is said of a class that has none."""

from collections.abc import Mapping, Sequence

from integrator.domain import lists as rules
from integrator.domain.courses import Course, Trainer
from integrator.errors import IntegratorError, Refused, Unavailable
from integrator.runtime.run import Run
from integrator.store.courses import SetAside
from integrator.store.lists import Lists
from integrator.systems.wordpress import WordPress

ASIDE = "trainer"  # the kind of set_aside row that `status` shows until somebody has entered an address
Named = Mapping[str, Sequence[Trainer]]


def recipients(
    run: Run, classes: Sequence[Course], wordpress: WordPress | None, *, missing_limit: int
) -> dict[str, list[Trainer]]:
    """Class → the trainers to write to. Of the sources in the policy's order the first with an address counts.

    A source that does not answer is passed over; where no other has an address, the class is not decided about.
    """
    found: dict[str, list[Trainer]] = {}
    named: dict[str, Named] = {}
    silent: IntegratorError | None = None
    for source in run.policy["trainers"]:
        left = [course for course in classes if course.id not in found]
        try:
            named[source] = _named_by(source, run, left, wordpress)
        except (Unavailable, Refused) as error:
            silent = error
            run.remark(f"{error.message}: its trainers were not considered")
            continue
        found |= {class_id: usable for class_id, said in named[source].items() if (usable := rules.reachable(said))}
    without = [course.id for course in classes if course.id not in found]
    if silent is not None:
        _not_decided(run, without, silent)
        without = []
    judged = [*found, *without]
    reasons = {
        class_id: rules.unreachable({source: said.get(class_id, ()) for source, said in named.items()})
        for class_id in without
    }
    for class_id, reason in reasons.items():
        run.set_aside(f"class {class_id}", reason)
    _remember(run, reasons, judged, missing_limit=missing_limit)
    return found


def _named_by(source: str, run: Run, left: Sequence[Course], wordpress: WordPress | None) -> Named:
    """The trainers a source names, by class. Errors  Unavailable, Refused"""
    if source == "maconomy":
        return {course.id: course.trainers for course in left}
    if wordpress is None or not left:
        return {}
    return wordpress.trainers(Lists(run.db).posts_of(course.id for course in left))


def _not_decided(run: Run, class_ids: Sequence[str], error: IntegratorError) -> None:
    """Later when the source may answer then; a person's task when it answers wrongly."""
    for class_id in class_ids:
        if isinstance(error, Unavailable):
            run.report.waiting[f"class {class_id}"] = error.message
        else:
            run.set_aside(f"class {class_id}", f"{error.message}; its participant list was not sent")


def _remember(run: Run, reasons: Mapping[str, str], judged: Sequence[str], *, missing_limit: int) -> None:
    """The classes that need an address: those of now, and earlier ones that are still to come and were not judged."""
    aside = SetAside(run.db)
    with run.db.tx():
        before = {key: (row["code"], row["reason"]) for key, row in aside.of(ASIDE).items() if key not in judged}
        today = rules.business_date(run.now).isoformat()
        ahead = Lists(run.db).to_come(before, today, missing_limit=missing_limit)
        now = {class_id: ("no_trainer_address", reason) for class_id, reason in reasons.items()}
        aside.replace(ASIDE, {key: before[key] for key in ahead} | now, at=run.at, run_id=run.id)
