"""The mails of participant lists: sent while they are of use, and shown in a plan without a name."""

from collections.abc import Callable
from dataclasses import replace

from integrator.domain import lists as rules
from integrator.effects import Done, Message, Preview, Sender
from integrator.runtime.run import Run
from integrator.store.lists import Lists
from integrator.store.mails import Mails


def queued(run: Run) -> Callable[[Message, Done], None]:
    """What is kept with a mail that the provider took: its name there, to hear what becomes of it."""

    def keep(message: Message, done: Done) -> None:
        if done.remote_id is not None:
            Mails(run.db).queued(message.key, done.remote_id, at=int(run.clock()))

    return keep


class InTime:
    """The sender of mails, but that a list in doubt is not sent once more when it is of no use any longer.

    is_of_use   whether a class, by its id, takes place on a day as far as is known now
    """

    def __init__(self, run: Run, sender: Sender, outdated_before: str, is_of_use: Callable[[str, str], bool]) -> None:
        self.settle_s, self.resends = sender.settle_s, sender.resends
        self.groups, self.send, self.repeatable = sender.groups, sender.send, sender.repeatable
        self._sender, self._lists = sender, Lists(run.db)
        self._outdated_before = outdated_before
        self._is_of_use = is_of_use

    def look_up(self, message: Message) -> Done | None:
        """As the sender's; and Done with "outdated" for one that nothing tells of, whose day is over, whose class does
        not take place then, or that a newer list has replaced: whether it arrived or not, it ends there.
        """
        if found := self._sender.look_up(message):
            return found
        class_id, day = message.body["class"]["id"], rules.day_of(message.key)
        outdated = day < self._outdated_before or not self._is_of_use(class_id, day)
        return Done(None, "outdated") if outdated or self._lists.is_replaced(class_id, message.key) else None

    def preview(self, message: Message) -> Preview:
        """What would be sent: to how many, and how many participants are on the list."""
        found = self._sender.preview(message)
        people = ("participants", None, len(message.body["participants"]))
        return replace(found, fields=[people, *found.fields])
