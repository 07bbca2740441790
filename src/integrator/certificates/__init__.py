"""Certificates: the facts of a completed course go in, a PDF comes out. The same facts make the same bytes.

config/templates/certificate.typ, a home's own or the shipped one ──> folder ──> a process of its own ──> PDF
"""

from pathlib import Path
from typing import Any

from integrator.certificates.facts import LANGUAGES, Certificate, sample, unwritable, values
from integrator.certificates.folder import Folder, TooSlow, Unusable
from integrator.errors import BadRecord, ConfigError, IntegratorError, Problem, Unavailable

__all__ = ["TEMPLATE", "Certificate", "Certificates"]

TEMPLATE = "certificate.typ"
_HINT = "mend it, or delete the file to use the shipped one; then: integrator check"


class Certificates:
    """Makes certificates from a template: own is a home's config/templates, shipped the one that came along."""

    def __init__(self, own: Path, shipped: Path, *, timeout_s: float = 30.0) -> None:
        self._own = own
        self._shipped = shipped
        self._timeout_s = timeout_s
        self._is_sound = False  # it was filled in with invented facts, after a student's had failed

    def pdf(self, facts: Certificate) -> bytes:
        """One certificate.

        Errors  ConfigError: the template is broken (file and line, no value of the facts), or typst is not installed;
                BadRecord: a name in letters that no font here has, or facts that this template cannot be filled in
                with; Unavailable: it took too long
        """
        folder = self._folder()
        try:
            if unwritable(facts) and not folder.has_fonts():
                what = f"booking {facts.reference}: its certificate needs letters that the built-in fonts lack"
                raise BadRecord(what, code="no_font", hint="put a font (.ttf, .otf) beside the template")
            return self._typeset(facts)
        except TooSlow as error:
            raised: IntegratorError = _later(facts, error)
        except Unusable as error:
            raised = self._judged(facts, error.problem)
        raise raised

    def problems(self) -> list[Problem]:
        """What is wrong with the template: it is filled in with invented facts, full ones and bare ones."""
        trouble = self._trouble()
        return [trouble.problem] if trouble else []

    def _trouble(self) -> Unusable | None:
        for language in LANGUAGES:
            for bare in (False, True):
                try:
                    self._typeset(sample(language, bare=bare))
                except Unusable as error:
                    return error
        return None

    def _judged(self, facts: Certificate, problem: Problem) -> IntegratorError:
        """Is it the template, which fails for invented facts, too, or this student? Its words may hold their name."""
        if not self._is_sound:
            trouble = self._trouble()
            if isinstance(trouble, TooSlow):
                return _later(facts, trouble)
            if trouble is not None:
                return ConfigError([trouble.problem], hint=_HINT)
            self._is_sound = True
        what = f"booking {facts.reference}: {problem.where} cannot be filled in for it"
        return BadRecord(what, code="template", hint=_HINT)

    def _typeset(self, facts: Certificate) -> bytes:
        """Errors  Unusable"""
        from integrator.certificates.typesetting import typeset

        data: dict[str, Any] = values(facts)
        return typeset(self._folder(), TEMPLATE, data, day=facts.completed_on, timeout_s=self._timeout_s)

    def _folder(self) -> Folder:
        """The home's when it has a template of its own: its pictures and fonts lie beside it."""
        own = Folder(self._own, "config/templates")
        return own if own.has(TEMPLATE) else Folder(self._shipped, str(self._shipped))


def _later(facts: Certificate, error: TooSlow) -> Unavailable:
    return Unavailable(f"booking {facts.reference}: {error.problem}", code="slow", hint="integrator check")
