"""What came back from reading a source, sorted into what can be used and what cannot."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """One remark about a record: a stable code, our field name, words without personal data.

    Shape   code "unknown_status", field "status", detail "Under opbygning"
    """

    code: str
    field: str | None = None
    detail: str = ""
