"""What keeps an installation from serving, in words for whoever starts it: on stderr, without a traceback."""

from integrator.errors import ConfigError, IntegratorError
from integrator.home import file_error


def words(error: IntegratorError | OSError) -> str:
    """Every problem on a line of its own, then what to type next.

    Shape   "integrator: .env: GATEWAY_WEBSITE_KEY is not set\\n  → integrator check"
    """
    ours = file_error(error) if isinstance(error, OSError) else error
    lines = [str(one) for one in ours.problems] if isinstance(ours, ConfigError) else [ours.message]
    told = [f"integrator: {_plain(line)}" for line in lines]
    return "\n".join([*told, *([f"  → {_plain(ours.hint)}"] if ours.hint else [])])


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "·" for character in text)
