"""What the senders of one item at a time have in common: which errors are about that item, and which about all."""

from collections.abc import Callable
from typing import TypeVar

from integrator.effects import Done
from integrator.errors import BadAnswer, InDoubt, IntegratorError, ItemError, Refused, Unavailable

T = TypeVar("T")


def alone(send: Callable[[], Done]) -> Done | IntegratorError:
    """Send one item; an error that is about it alone is given back.

    Errors  Unavailable, Refused: they concern every item
    """
    try:
        return send()
    except (ItemError, InDoubt) as error:
        return error
    except BadAnswer as error:  # of a look in between
        return Unavailable(error.message, code=error.code)
    except Unavailable as error:
        if error.code is None:
            raise
        return error


def looked(look: Callable[[], T], unsure: str) -> T:
    """Look for an item. Errors  Unavailable, BadAnswer: cannot tell"""
    try:
        return look()
    except (BadAnswer, Unavailable):
        raise
    except (ItemError, Refused) as error:
        text, hint = f"{unsure}: {error.message}", error.hint
    raise BadAnswer(text, code="not_readable", hint=hint)
