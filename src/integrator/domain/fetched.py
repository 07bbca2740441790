"""What came back from reading a source, sorted into what can be used and what cannot."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from integrator.errors import BadRecord

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Note:
    """One remark about a record: a stable code, our field name, words without personal data.

    Shape   code "unknown_status", field "status", detail "Under opbygning"
    """

    code: str
    field: str | None = None
    detail: str = ""


@dataclass
class Notes:
    """Remarks of a whole run: counted by code, with a few examples each."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[tuple[str, Note]]] = field(default_factory=dict)

    def add(self, key: str, notes: Iterable[Note]) -> None:
        for note in notes:
            self.counts[note.code] = self.counts.get(note.code, 0) + 1
            examples = self.examples.setdefault(note.code, [])
            if len(examples) < _EXAMPLES:
                examples.append((key, note))

    def merge(self, other: "Notes") -> None:
        for code, count in other.counts.items():
            self.counts[code] = self.counts.get(code, 0) + count
            examples = self.examples.setdefault(code, [])
            examples.extend(other.examples[code][: _EXAMPLES - len(examples)])


@dataclass
class Fetched:
    """One complete answer of a source.

    unchanged   keys whose bytes are as we have them; they were not looked into
    records     the new and the differing ones by key: the record, packed, and the fingerprint of its bytes
    bad         what cannot be read, by key; the site keeps what it has of them
    """

    total: int = 0
    digest: bytes = b""
    mapping: bytes = b""
    unchanged: set[str] = field(default_factory=set)
    records: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    bad: dict[str, BadRecord] = field(default_factory=dict)
    missing_fields: list[str] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)

    def holds(self, key: str) -> bool:
        """Whether the source still has it, readable or not."""
        return key in self.unchanged or key in self.records or key in self.bad
