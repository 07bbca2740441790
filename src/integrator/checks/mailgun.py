"""The check of Mailgun: who writes, what the mails say, and whether key, domain and region belong together.

Nothing is sent: one event is read. Whether the key may also send shows with the first mail.
"""

import time
from email.utils import parseaddr
from typing import TYPE_CHECKING

from integrator.checks.finding import Finding, listed, seconds_of
from integrator.errors import ConfigError, Problem, Rejected
from integrator.settings import MailgunSettings, Settings
from integrator.systems.mailgun import SETTLE_S
from integrator.systems.mailgun.form import ascii_address, clean
from integrator.wiring import Wiring

if TYPE_CHECKING:
    from integrator.mails import Postroom

_WHERE = "config/integrator.toml"


def check_mailgun(finding: Finding, wiring: Wiring, settings: Settings) -> None:
    """Look at the settings and at every mail text, then read one event.

    Errors  Unavailable; Refused; BadAnswer
    """
    ours = settings.mailgun
    if ours is None:
        raise ConfigError([Problem(_WHERE, "[mailgun] is missing")])
    finding.facts |= {"domain": ours.domain, "test_mode": ours.test_mode, "settle_s": ours.settle_s}
    _check_addresses(finding, ours)
    _check_manners(finding, ours)
    _check_texts(finding, wiring.postroom())
    try:
        mailgun = wiring.mailgun()
    except ConfigError as error:  # the domain is none
        for problem in error.problems:
            finding.problem(f"{problem}; not tried", exit_code=error.exit_code)
        return
    assert mailgun is not None, "there is a [mailgun]"
    begun = time.monotonic()
    mailgun.check()
    seconds = time.monotonic() - begun
    finding.facts["seconds"] = round(seconds, 3)
    finding.ok(f"answers, and lets our key read the events of {ours.domain}; {seconds_of(seconds)} (nothing was sent)")


def _check_addresses(finding: Finding, ours: MailgunSettings) -> None:
    domain = _domain_of(ours.from_)
    if domain is None:
        finding.problem(
            "no mail can be sent: from has no address that can be read",
            f'write [mailgun] from = "Courses <courses@{ours.domain}>"; a name with a comma needs quotes',
            exit_code=ConfigError.exit_code,
        )
    elif domain != ours.domain.casefold():
        finding.note(
            f"mails are from {domain}, and signed by {ours.domain}: by DMARC they may pass for forged",
            f"an address of {ours.domain} in [mailgun] from, another one in reply_to",
        )
    if ours.reply_to is not None and _domain_of(ours.reply_to) is None:
        finding.problem(
            "answers go nowhere: reply_to has no address that can be read",
            f"write one address into [mailgun] reply_to in {_WHERE}, or take the line away",
            exit_code=ConfigError.exit_code,
        )


def _domain_of(mailbox: str) -> str | None:
    """The domain of "Name <address>", None when nobody could be written to there."""
    try:
        return ascii_address(parseaddr(clean(mailbox))[1]).rpartition("@")[2].casefold()
    except Rejected:
        return None


def _check_manners(finding: Finding, ours: MailgunSettings) -> None:
    if ours.test_mode:
        finding.note(
            "test_mode = true: Mailgun takes and bills every mail, and nobody gets any",
            f"take [mailgun] test_mode out of {_WHERE} when people shall get mail",
        )
    if ours.settle_s < SETTLE_S:
        finding.note(
            f"settle_s = {ours.settle_s:g}: Mailgun tells of a mail up to half an hour late, so that one it took may be"
            " sent again",
            f"[mailgun] settle_s: {SETTLE_S:g} or more",
        )


def _check_texts(finding: Finding, postroom: "Postroom") -> None:
    """Every mail is made once of invented facts."""
    problems = postroom.problems()
    for problem in problems:
        finding.problem(
            f"{problem}: such mails wait",
            "mend it, or delete the file to use the shipped one; then: integrator mail preview TEMPLATE sample",
            exit_code=ConfigError.exit_code,
        )
    unused = postroom.unused()
    finding.facts |= {"broken_templates": len(problems), "unused_templates": unused}
    if unused:
        finding.note(
            f"no mail is made of {listed(f'config/templates/{name}' for name in unused)}",
            "a slip in the name? config/templates/README.md has the names",
        )
