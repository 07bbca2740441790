"""The outbox's sender of classes: what is wanted there, and only what differs; after any doubt it looks first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from integrator.domain.portal import CURRENCIES, ClassFacts, PortalClass
from integrator.effects import Done, Message, Preview
from integrator.errors import IntegratorError, ItemError, Rejected
from integrator.systems.trainingportal.calls import Calls
from integrator.systems.trainingportal.formats import amount_out
from integrator.systems.trainingportal.forms import NAMES, concerns_calendar, differences, said
from integrator.systems.trainingportal.judging import SYSTEM
from integrator.systems.trainingportal.sending import alone, looked


class Wish(msgspec.Struct, frozen=True):
    """The body of a message. course_id is theirs; facts are there when it is to be published."""

    class_id: str
    course_id: str
    wanted: str
    facts: ClassFacts | None = None


class Classes:
    """there: classes as they were pulled in this run, by id; ours: what we last knew of them, by id."""

    resends = True

    def __init__(
        self, calls: Calls, there: Mapping[str, PortalClass], ours: Mapping[str, str], *, settle_s: float
    ) -> None:
        self.settle_s = settle_s
        self._calls = calls
        self._there = dict(there)
        self._ours = ours

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        """Each alone."""
        yield from ([message] for message in messages)

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """Bring one class to where it is wanted.

        Shape   [Done(class id, "added" | "updated" | "seats" | "restored" | "cancelled" | "unchanged", facts as they
                are there now, None when it is cancelled)], or [Rejected], also with a code "currency", "duplicate",
                "amount"; [InDoubt]; [Unavailable] with a code, about this one
        Errors  Unavailable, Refused: they concern all of them
        Source  E1 to E3 are documented, E4 and every answer but E3's are assumed
        """
        [message] = group
        return [alone(lambda: self._bring(wish_of(message)))]

    def look_up(self, message: Message) -> Done | None:
        """Is the class there as it is wanted? Errors  Unavailable, BadAnswer: cannot tell"""
        unsure = f"{SYSTEM}: {message.key}: cannot tell whether it is done"
        wish = looked(lambda: wish_of(message), unsure)
        found = looked(lambda: self._look(wish), unsure)
        if wish.facts is None:
            return Done(wish.class_id, "found") if found is None or found.cancelled else None
        if found is None or found.cancelled or differences(wish.facts, found):
            return None
        return _done(wish.facts, found, "found")

    def repeatable(self, message: Message) -> bool:
        """An older state that arrives late must not overtake a newer one."""
        return False

    def preview(self, message: Message) -> Preview:
        """What would be sent, by what was pulled in this run."""
        try:
            wish = wish_of(message)
        except Rejected as error:
            return Preview("reject", message.key, "", None, [], error.message)
        there = self._there.get(wish.class_id)
        if wish.facts is None:
            return Preview("cancel", message.key, wish.class_id, None, [])
        if there is not None and not there.cancelled:
            names, action = differences(wish.facts, there), "update"
        else:
            names, action = list(NAMES), "restore" if self._was_cancelled(wish.class_id) else "add"
        fields = [(name, _plain(there, name), _plain(wish.facts, name)) for name in names]
        return Preview(action if names else "unchanged", message.key, wish.facts.location, None, fields)

    # sending ----------------------------------------------------------------------------------------

    def _bring(self, wish: Wish) -> Done:
        if wish.facts is None:
            return self._cancel(wish)
        self._check_price(wish.facts)
        there = self._there.get(wish.class_id)
        if self._was_cancelled(wish.class_id):
            return self._restore(wish, wish.facts, there)
        return self._add(wish, wish.facts) if there is None else self._update(wish, wish.facts, there)

    def _check_price(self, facts: ClassFacts) -> None:
        """Errors  Rejected: currency, amount"""
        if facts.currency not in CURRENCIES and self._calls.options.currency_policy == "refuse":
            text = (
                f"{SYSTEM}: {facts.class_id}: its price is in {facts.currency}, and they take {', '.join(CURRENCIES)}"
            )
            raise Rejected(f"{text}; nothing was sent", code="currency")
        amount_out(facts.price_minor, self._calls.options)

    def _was_cancelled(self, class_id: str) -> bool:
        there = self._there.get(class_id)
        return there.cancelled if there is not None else self._ours.get(class_id) == "cancelled"

    def _add(self, wish: Wish, facts: ClassFacts, *, last: bool = False) -> Done:
        """Add it; of one that is there already, which no words say for certain, do what is left to do."""
        try:
            return self._keep(facts, self._calls.add(facts), "added")
        except Rejected as no:
            found = None if last else self._look_after(no, wish)
            if found is None:
                raise
            if self._calls.options.on_duplicate == "fail":
                raise Rejected(f"{no.message}; it is there already", code="duplicate") from None
        return self._restore(wish, facts, found, last=True) if found.cancelled else self._update(wish, facts, found)

    def _restore(self, wish: Wish, facts: ClassFacts, there: PortalClass | None, *, last: bool = False) -> Done:
        """Bring it back within its hour, or add it anew."""
        try:
            restored = self._calls.restore(wish.course_id, wish.class_id)
        except Rejected as no:
            if last or no.code != "gone":
                raise
            return self._add(wish, facts, last=True)
        there = self._look(wish) if there is None else msgspec.structs.replace(there, cancelled=False)
        result = "restored" if restored else "updated" if last else None
        return self._update(wish, facts, there or PortalClass(wish.class_id), result)

    def _update(self, wish: Wish, facts: ClassFacts, there: PortalClass, result: str | None = None) -> Done:
        """Send what differs. result: it was restored a moment ago, so that it is not done again."""
        names = differences(facts, there)
        if not names:
            return self._keep(facts, there, result or "unchanged")
        try:
            found = self._calls.update(facts, names, tell=concerns_calendar(names))
        except Rejected as no:
            listed = self._look_after(no, wish)
            if listed is None:
                return self._add(wish, facts, last=True)  # it has gone since the list was read
            if not listed.cancelled:
                raise
            found = listed
        if found.cancelled:  # somebody did it since the list was read
            if result:
                raise Rejected(f"{SYSTEM}: {wish.class_id}: is cancelled there, also after it was restored")
            return self._restore(wish, facts, found, last=True)
        return self._keep(facts, found, result or ("seats" if names == ["seats"] else "updated"))

    def _cancel(self, wish: Wish) -> Done:
        there = self._there.get(wish.class_id)
        if there is not None and there.cancelled:
            return Done(wish.class_id, "unchanged")
        try:
            self._calls.cancel(wish.course_id, wish.class_id)
        except Rejected as no:
            found = self._look_after(no, wish)
            if found is not None and not found.cancelled:
                raise
        self._there.pop(wish.class_id, None)
        return Done(wish.class_id, "cancelled")

    def _keep(self, facts: ClassFacts, found: PortalClass, result: str) -> Done:
        self._there[facts.class_id] = found
        return _done(facts, found, result)

    def _look_after(self, no: Rejected, wish: Wish) -> PortalClass | None:
        """What is there after a no. Errors  the no, when that cannot be seen"""
        try:
            return self._look(wish)
        except ItemError:
            pass
        raise no

    def _look(self, wish: Wish) -> PortalClass | None:
        """The class as it is there at this moment."""
        listed = {one.class_id: one for one in self._calls.classes(wish.course_id)}
        found = listed.get(wish.class_id)
        if found is None:
            self._there.pop(wish.class_id, None)
        else:
            self._there[wish.class_id] = found
        return found


def wish_of(message: Message) -> Wish:
    """Errors  Rejected: no wish of ours"""
    try:
        wish = msgspec.convert(message.body, Wish)
    except msgspec.ValidationError:
        wish = None
    if wish is None or (wish.wanted == "published") == (wish.facts is None):
        raise Rejected(f"{SYSTEM}: {message.key}: the message does not say what is wanted; nothing was sent")
    return wish


def _done(facts: ClassFacts, found: PortalClass, result: str) -> Done:
    """memory is what we sent, and whatever they say otherwise."""
    memory: dict[str, Any] = msgspec.to_builtins(facts)
    return Done(facts.class_id, result, memory | {**said(found), "course_id": facts.course_id})


def _plain(one: ClassFacts | PortalClass | None, name: str) -> Any:
    if one is None:
        return None
    if name == "price":
        return None if one.price_minor is None else f"{one.price_minor / 100:.2f} {one.currency}"
    value = getattr(one, name)
    return ", ".join(part for part in msgspec.structs.astuple(value) if part) if name == "address" and value else value
