"""What Trainingportal's answers mean: done, a no to this item, a no to our login, later, or nobody knows.

Which HTTP status comes with which failure is not documented. So a yes needs both a good status and no flag that says
otherwise, and a no counts with whatever status its words come.
"""

import re
from collections.abc import Collection

from integrator.errors import InDoubt, IntegratorError, Refused, Rejected, Unavailable
from integrator.systems.http import CUT, Reply, status_error
from integrator.systems.trainingportal.options import Options
from integrator.systems.trainingportal.reading import Fields, Said, said_in
from integrator.systems.trainingportal.words import SPOKEN, bare

SYSTEM = "trainingportal"
_UNSURE = "nobody knows whether it was done"
LOGIN_HINT = "integrator check trainingportal  (are username and password in [trainingportal] right?)"
_HARMLESS = re.compile(r"""[^\W_][\w .,:;()/+'"-]{0,159}""")


def is_good(status: int) -> bool:
    return 200 <= status < 300


def yes(reply: Reply, doing: str, options: Options, *, hidden: Collection[str], people: bool) -> Fields:
    """The object of an answer that says yes; a status object without its flag does.

    hidden  what their words must not repeat: our credentials
    people  it is about somebody, so that of their words only those are shown that can be no name
    Errors  Rejected (this item); Refused (all: 401, 403, or words about credentials); Unavailable (429, or with code
            "cut": they never had the whole request); InDoubt (the rest)
    Source  contract, section 5; which statuses: assumed
    """
    said = said_in(reply)
    if (no := refusal(reply.status, said, doing, options, hidden=hidden, people=people)) is not None:
        raise no
    if not is_good(reply.status) or reply.early:
        raise sure(status_error(reply, SYSTEM, doing))
    if said.fields is None:
        raise InDoubt(f"{reply.about}: answered {reply.status}, and not with an object; {_UNSURE}")
    if said.flag is None and (said.has_flag or said.message):
        raise InDoubt(f"{reply.about}: answered {reply.status}, and says neither yes nor no; {_UNSURE}")
    return said.fields


def refusal(
    status: int, said: Said, doing: str, options: Options, *, hidden: Collection[str], people: bool
) -> Refused | Rejected | None:
    """The no in an answer, None when there is none."""
    says_no = said.flag is False or status in (*options.item_statuses, *options.login_statuses)
    text = f"{SYSTEM}: {doing}: " + (f"answered {status}" if not is_good(status) else "the answer is no")
    about_login = says_no and any(word.casefold() in said.message.casefold() for word in options.login_words)
    if status in options.login_statuses or about_login:
        return Refused(text if status in options.login_statuses else f"{text}: it is our login", hint=LOGIN_HINT)
    if not says_no:
        return None
    words = shown(said.message, hidden=hidden, people=people)
    return Rejected(f"{text}: {words}" if words else text)


def sure(error: IntegratorError) -> IntegratorError:
    """What never left whole was not done: that is no doubt."""
    if isinstance(error, InDoubt) and error.code == CUT:
        return Unavailable(error.message, retry_after_s=error.retry_after_s, code=CUT)
    return error


def shown(message: str, *, hidden: Collection[str], people: bool) -> str:
    """Their words, if they can be shown: plain, without our credentials, and with people none that may be a name."""
    words = " ".join(message.split())
    if not _HARMLESS.fullmatch(words) or any(one and one.casefold() in words.casefold() for one in hidden):
        return ""
    if people and not all(bare(word) in SPOKEN for word in re.findall(r"\w+", words)):
        return ""
    return words
