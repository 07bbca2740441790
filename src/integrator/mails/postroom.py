"""The postroom: the facts of a mail go in, the whole mail comes out. The same facts make the same mail."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from integrator.domain.mails import Address, Attachment, Mail
from integrator.errors import ConfigError, Problem

if TYPE_CHECKING:
    from integrator.mails.facts import Facts, Language
    from integrator.mails.templates import Templates

NAMES = ("confirmation-customer", "confirmation-participant", "participant-list")
LANGUAGES: tuple["Language", ...] = ("da", "en")
_HINT = "mend it, or delete the file to use the shipped one; then: integrator mail preview TEMPLATE sample"
_SUBJECT = "Subject:"
_LONGEST_SUBJECT = 200
_LONGEST_NAME = 100
_TAGS = {
    "confirmation-customer": ("order-confirmation", "customer"),
    "confirmation-participant": ("order-confirmation", "participant"),
}


class Postroom:
    """Makes mails from templates: own is a home's config/templates, shipped the one that came with the program."""

    def __init__(self, own: Path, shipped: Path) -> None:
        self._own = own
        self._shipped = shipped
        self._templates: dict[Language, Templates] = {}

    def mail(self, facts: Mapping[str, Any]) -> Mail:
        """Make one mail.

        Shape   facts are MAIL: template, language (null: da), to, class, and order, participants or day
        Errors  ConfigError: the template is broken (file and line, no value); BadRecord: the facts are
        """
        from integrator.mails.cleaning import cut
        from integrator.mails.facts import facts_from
        from integrator.mails.templates import Unusable

        found = facts_from(facts)
        try:
            subject, text, html = self._parts(found)
        except Unusable as error:
            raise ConfigError(self._better(found, error.problem), hint=_HINT) from None
        return Mail(
            to=Address(found.to.email, cut(found.to.name or "", _LONGEST_NAME)),
            subject=subject,
            text=text,
            html=html,
            attachments=_attachments(found),
            tags=_tags(found),
            deliver_within="12h" if found.template == "participant-list" else None,
        )

    def problems(self) -> list[Problem]:
        """All that is wrong with the templates: each is filled in with invented facts, full ones and bare ones."""
        found = (
            problem
            for name in NAMES
            for language in LANGUAGES
            for kind in ("txt", "html")
            for problem in self._tried(name, language, kind)
        )
        return list(dict.fromkeys(found))

    def unused(self) -> list[str]:
        """Files in the home's folder that no mail is made of: a misspelt name would silently do nothing."""
        self.problems()
        used = {name for templates in self._templates.values() for name in templates.used}
        return [name for name in self._of("da").folders.own_names() if name not in used]

    def _of(self, language: "Language") -> "Templates":
        from integrator.mails.templates import Folders, Templates

        if language not in self._templates:
            self._templates[language] = Templates(Folders(self._own, self._shipped), language)
        return self._templates[language]

    def _parts(self, facts: "Facts", *, invented: bool = False) -> tuple[str, str, str]:
        """Subject, text part and HTML part. Errors  Unusable"""
        subject, text = self._text(facts, invented=invented)
        return subject, text, self._html(facts, invented=invented)

    def _text(self, facts: "Facts", *, invented: bool) -> tuple[str, str]:
        from integrator.mails.cleaning import clean, cut
        from integrator.mails.templates import Unusable

        name = _file(facts, "txt")
        templates = self._of(facts.language)
        first, _, rest = templates.render(name, _values(facts), quote=invented).partition("\n")
        subject = clean(first.removeprefix(_SUBJECT))
        if not first.startswith(_SUBJECT) or not subject:
            where = f"{templates.shown(name)}:1"
            raise Unusable(Problem(where, "expected the first line to be the subject: Subject: …"))
        return cut(subject, _LONGEST_SUBJECT), rest.strip("\n") + "\n"

    def _html(self, facts: "Facts", *, invented: bool) -> str:
        return self._of(facts.language).render(_file(facts, "html"), _values(facts), quote=invented)

    def _tried(self, name: str, language: "Language", kind: str) -> list[Problem]:
        from integrator.mails.facts import facts_from
        from integrator.mails.samples import sample
        from integrator.mails.templates import Unusable

        for bare in (False, True):
            facts = facts_from(sample(name, language, bare=bare))
            try:
                self._text(facts, invented=True) if kind == "txt" else self._html(facts, invented=True)
            except Unusable as error:
                return [error.problem]
        return []

    def _better(self, facts: "Facts", problem: Problem) -> list[Problem]:
        """What invented facts say of the same template, which may be quoted; else what the real ones said."""
        if facts.template not in NAMES:
            return [problem]
        found = [one for kind in ("txt", "html") for one in self._tried(facts.template, facts.language, kind)]
        return found or [problem]


def _file(facts: "Facts", kind: str) -> str:
    return f"{facts.template}.{facts.language}.{kind}"


def _values(facts: "Facts") -> dict[str, Any]:
    """The names a template sees, documented in config/templates/README.md."""
    values: dict[str, Any] = {
        "language": facts.language,
        "to": facts.to,
        "course": facts.course,
        "participants": facts.participants,
    }
    if facts.template == "participant-list":
        return values | {"day": facts.day, "waiting": facts.waiting}
    values["order"] = facts.order
    if facts.template == "confirmation-participant" and facts.participants:
        values["participant"] = facts.participants[0]
    return values


def _attachments(facts: "Facts") -> tuple[Attachment, ...]:
    if facts.template == "participant-list":
        from integrator.mails.sheets import participant_sheet

        return (participant_sheet(facts),)
    from integrator.mails.calendars import calendar_file

    file = calendar_file(facts)
    return () if file is None else (file,)


def _tags(facts: "Facts") -> tuple[str, ...]:
    return (*_TAGS.get(facts.template, (facts.template,)), f"class-{facts.course.id}")
