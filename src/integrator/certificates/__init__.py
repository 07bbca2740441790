"""Certificates: the facts of a completed course go in, a PDF comes out. The same facts make the same bytes.

config/templates/certificate.typ, a home's own or the shipped one ──> folder ──> a process of its own ──> PDF
"""

from pathlib import Path
from typing import Any, Literal

from integrator.certificates.facts import LANGUAGES, Certificate, sample, unwritable, values
from integrator.certificates.folder import Folder, Unusable
from integrator.errors import BadRecord, ConfigError, Problem

__all__ = ["TEMPLATE", "Certificate", "Certificates"]

TEMPLATE = "certificate.typ"
_HINT = "mend it, or delete the file to use the shipped one; then: integrator check"


class Certificates:
    """Makes certificates from a template: own is a home's config/templates, shipped the one that came along."""

    def __init__(self, own: Path, shipped: Path, *, timeout_s: float = 30.0) -> None:
        self._own = own
        self._shipped = shipped
        self._timeout_s = timeout_s

    def pdf(self, facts: Certificate) -> bytes:
        """One certificate.

        Errors  ConfigError: the template is broken (file and line, no value of the facts), or typst is not installed;
                BadRecord: a name in letters that no font here has
        """
        return self._made(facts, "pdf")

    def picture(self, facts: Certificate) -> bytes:
        """The first page as PNG, to look at. Errors  as pdf"""
        return self._made(facts, "png")

    def problems(self) -> list[Problem]:
        """What is wrong with the template: it is filled in with invented facts, full ones and bare ones."""
        for language in LANGUAGES:
            for bare in (False, True):
                try:
                    self._typeset(sample(language, bare=bare), "pdf")
                except Unusable as error:
                    return [error.problem]
        return []

    def _made(self, facts: Certificate, form: Literal["pdf", "png"]) -> bytes:
        folder = self._folder()
        try:
            if unwritable(facts) and not folder.has_fonts():
                what = f"booking {facts.reference}: its certificate needs letters that the built-in fonts lack"
                raise BadRecord(what, code="no_font", hint="put a font (.ttf, .otf) beside the template")
            return self._typeset(facts, form)
        except Unusable as error:
            raise ConfigError(self._quotable(error.problem), hint=_HINT) from None

    def _quotable(self, problem: Problem) -> list[Problem]:
        """What invented facts say of the same template; else where it broke, since the words may hold a name."""
        return self.problems() or [Problem(problem.where, "cannot be filled in for one of the students")]

    def _typeset(self, facts: Certificate, form: Literal["pdf", "png"]) -> bytes:
        """Errors  Unusable"""
        from integrator.certificates.typesetting import typeset

        data: dict[str, Any] = values(facts)
        return typeset(self._folder(), TEMPLATE, data, day=facts.completed_on, form=form, timeout_s=self._timeout_s)

    def _folder(self) -> Folder:
        """The home's when it has a template of its own: its pictures and fonts lie beside it."""
        own = Folder(self._own, "config/templates")
        return own if own.has(TEMPLATE) else Folder(self._shipped, str(self._shipped))
