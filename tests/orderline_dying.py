"""A command whose process is killed around the touches with which a workshop's ERP saves a line.

python tests/orderline_dying.py PLACE MS COMMAND…

    touch-1, touch-2 …   so many ms after the first, second … touch that saves has begun
    saved                when save() has come back
    finishing            before finish() does anything

It is always killed, by SIGKILL: what is done sooner waits for it.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from integrator.systems.browser.tab import Tab
from integrator.systems.workshops import erp_of

KINDS = ("au2office", "admanager")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Touches:
    """Counts the touches from the moment at which a line is saved: a login has some too."""

    def __init__(self, nth: int, ms: int) -> None:
        self.left, self.ms, self.saving = nth, ms, False

    def begin(self, save: Callable[..., Any]) -> Callable[..., Any]:
        def begun(*arguments: Any) -> Any:
            self.saving = True
            return save(*arguments)

        return begun

    def counted(self, touch: Callable[..., Any]) -> Callable[..., Any]:
        def touched(*arguments: Any) -> Any:
            self.left -= self.saving
            if self.saving and self.left == 0:
                threading.Timer(self.ms / 1000, die).start()
            return touch(*arguments)

        return touched


def then_die(act: Callable[..., Any]) -> Callable[..., Any]:
    def acted(*arguments: Any) -> None:
        act(*arguments)
        die()

    return acted


def dying(place: str, ms: int) -> ExitStack:
    """Every ERP dies at that place as long as this is open."""
    stack = ExitStack()
    touches = Touches(int(place.removeprefix("touch-")), ms) if place.startswith("touch-") else None
    for erp in [erp_of(kind) for kind in KINDS]:
        if touches is not None:
            stack.enter_context(patch.object(erp, "save", touches.begin(erp.save)))  # type: ignore[attr-defined]  # it is a class
        elif place == "saved":
            stack.enter_context(patch.object(erp, "save", then_die(erp.save)))  # type: ignore[attr-defined]  # likewise
        elif place == "finishing":
            stack.enter_context(patch.object(erp, "finish", then_die(lambda *_: None)))
        else:
            raise ValueError(place)
    if touches is not None:
        stack.enter_context(patch.object(Tab, "keys", touches.counted(Tab.keys)))
        stack.enter_context(patch.object(Tab, "touch", touches.counted(Tab.touch)))
    return stack


def main() -> None:
    place, ms, *command = sys.argv[1:]
    sys.argv = ["integrator", *command]
    from integrator.cli import main as command_line

    with dying(place, int(ms)):
        try:
            command_line()
        finally:
            for timer in [one for one in threading.enumerate() if isinstance(one, threading.Timer)]:
                timer.join()


if __name__ == "__main__":
    main()
