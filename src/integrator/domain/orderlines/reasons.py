"""Why an orderline is not, or not yet, on its case: a code, the text that OilMat gets, and what follows."""

from dataclasses import dataclass
from typing import Literal

# failed   given up; a person may repeat it            waits    tried again later, by the job's backoff
# blocked  the workshop stops until a person looked    restart  log in once more and begin anew
# doubt    it may be there: look, never send again     done     it is there; nothing was written
Then = Literal["failed", "waits", "blocked", "restart", "doubt", "done"]


@dataclass(frozen=True, slots=True)
class Reason:
    """text is for OilMat and the workshop, in Danish; looks is how often it must be seen before it is believed."""

    text: str
    then: Then
    looks: int = 1
    again_s: float | None = None  # until the next look; None: as the job's backoff says


REASONS: dict[str, Reason] = {
    "bad-request": Reason("", "failed"),  # its text says what is wrong, field by field
    "login-refused": Reason("login afvist", "blocked"),
    "login-attention": Reason("login kræver handling", "blocked"),
    "case-not-found": Reason("sag ikke fundet", "failed", looks=2, again_s=600),
    "case-ambiguous": Reason("sag ikke entydig", "failed"),
    "case-closed": Reason("sag lukket", "failed"),
    "case-invoiced": Reason("sag faktureret", "failed"),
    "case-locked": Reason("sag låst af anden bruger", "waits"),
    "case-busy": Reason("en anden ordre på sagen afklares", "waits"),
    "product-unknown": Reason("handle varenummer", "failed"),
    "product-blocked": Reason("vare spærret", "failed"),
    "amount-refused": Reason("antal afvist", "failed"),
    "field-mismatch": Reason("felt læst forkert tilbage", "failed", looks=2),
    "marker-too-long": Reason("id for langt til linjetekst", "failed"),
    "session-lost": Reason("", "restart"),
    "doubt": Reason("afklares", "doubt"),
    "already-present": Reason("allerede på sagen", "done"),
    "line-conflict": Reason("linje afviger", "failed"),
    "existing-line": Reason("varen er allerede på sagen", "failed"),
    "slow": Reason("ERP svarer langsomt", "waits"),
    "unexpected-dialog": Reason("uventet dialog", "waits"),
    "duplicate-asked": Reason("varen er allerede på sagen", "waits"),
    "erp-unavailable": Reason("ERP utilgængelig", "waits"),
    "layout-changed": Reason("skærmbillede ændret", "waits"),
    "browser": Reason("browserfejl", "waits"),
    "manual-check": Reason("kræver manuel kontrol", "failed"),
    "cleared": Reason("fjernet fra køen", "failed"),
    "resolved": Reason("afgjort af en person", "failed"),
}


def rest_s(times: int) -> float:
    """Seconds until a line in doubt is looked for again, when it could not be read so often in a row, always alike.

    Three times without a rest, as long as the ERP may only be slow; then 1, 2, 4 … minutes, at most an hour.
    """
    return 0.0 if times <= 3 else float(min(60 * 2 ** min(times - 4, 6), 3_600))


def text_of(code: str | None) -> str:
    """The text for a code; empty for none, and for one that nobody outside needs to hear of."""
    return REASONS[code].text if code in REASONS else ""
