"""What came back from reading a source, sorted into what can be used and what cannot."""

from collections.abc import Iterable
from dataclasses import dataclass, field

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Note:
    """One remark about a record: a stable code, our field name, words without personal data.

    Shape   code "unknown_status", field "status", detail "Under opbygning"
    """

    code: str
    field: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Bad:
    """Why a record cannot be read: a stable code, our field name, words. Never a value of the record, nor an exception.

    Shape   code "bad_int", field "seats_free", message "seats_free is not a whole number"
    """

    code: str
    field: str | None = None
    message: str = ""

    @property
    def reason(self) -> str:
        """The sentence an operator reads."""
        where = f"{self.field}: " if self.field and not self.message.startswith(f"{self.field} ") else ""
        return f"{where}{self.message} ({self.code})"


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


@dataclass
class Fetched:
    """One complete answer of a source.

    unchanged   keys whose bytes are as we have them; they were not looked into
    records     the new and the differing ones by key: the record, packed, and the fingerprint of its bytes
    bad         what cannot be read, by key; the site keeps what it has of them
    nameless    how many of bad have no readable id: any record of ours may be among them
    stopped     more was bad than is allowed: the rest was not looked at, and nothing of the answer may be kept
    """

    total: int = 0
    digest: bytes = b""
    mapping: bytes = b""
    unchanged: set[str] = field(default_factory=set)
    records: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    bad: dict[str, Bad] = field(default_factory=dict)
    nameless: int = 0
    stopped: bool = False
    missing_fields: list[str] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)

    def holds(self, key: str) -> bool:
        """Whether the source still has it, readable or not."""
        return key in self.unchanged or key in self.records or key in self.bad
