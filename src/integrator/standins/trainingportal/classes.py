"""The course classes of the Trainingportal stand-in, and their life: added, changed, cancelled, restored, gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from integrator.standins.trainingportal.parameters import Facts, Refused, check_together


@dataclass
class CourseClass:
    """One dated run of a course. facts are named as E1's parameters, dots included."""

    course_id: str
    class_id: str
    facts: Facts
    cancelled_at: datetime | None = None

    @property
    def cancelled(self) -> bool:
        return self.cancelled_at is not None


class Classes:
    """By course and class id: the same class id may be there in two courses."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], CourseClass] = {}

    def __iter__(self) -> Iterator[CourseClass]:
        return iter(list(self._all.values()))

    def of(self, course_id: str) -> list[CourseClass]:
        return [one for one in self if one.course_id == course_id]

    def find(self, course_id: str, class_id: str) -> CourseClass | None:
        return self._all.get((course_id, class_id))

    def named(self, class_id: str) -> CourseClass | None:
        """The first one of this id in any course: a reservation does not say of which course."""
        return next((one for one in self if one.class_id == class_id), None)

    def add(self, course_id: str, class_id: str, facts: Facts) -> CourseClass:
        """Errors: Refused for an id that is taken, also by a class that is cancelled and not yet gone."""
        if (course_id, class_id) in self._all:
            raise Refused(f"externalId: {class_id} already exists")
        check_together(facts)
        return self.put(CourseClass(course_id, class_id, facts))

    def put(self, one: CourseClass) -> CourseClass:
        self._all[one.course_id, one.class_id] = one
        return one

    def change(self, one: CourseClass, facts: Facts) -> dict[str, Any]:
        """Take over what is given; gives back what is another value now."""
        merged = {**one.facts, **facts}
        check_together(merged)
        changed = {name: value for name, value in facts.items() if one.facts[name] != value}
        one.facts = merged
        return changed

    def remove(self, one: CourseClass) -> None:
        self._all.pop((one.course_id, one.class_id), None)

    def purge(self, now: datetime, restorable_s: float) -> None:
        """Delete what was cancelled so long ago that it cannot be restored."""
        for one in self:
            if one.cancelled_at is not None and now >= one.cancelled_at + timedelta(seconds=restorable_s):
                self.remove(one)
