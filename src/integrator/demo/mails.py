"""A mail as Mailgun's stand-in holds it: what a claim about it is checked with."""

import base64
import io
import zipfile
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mail:
    """One mail that was taken. facts has the shape of the stand-in's state."""

    facts: dict[str, Any]

    @property
    def key(self) -> str:
        """Which of our mails it is, in our own words."""
        return str(self.facts["variables"].get("ili-key", ""))

    @property
    def readers(self) -> list[str]:
        """Everybody who gets it."""
        return [address for field in ("to", "cc", "bcc") for address in self.facts[field]]

    @property
    def text(self) -> str:
        return self.facts["text"] or ""

    @property
    def html(self) -> str:
        return self.facts["html"] or ""

    @property
    def calendar(self) -> str:
        """The calendar file that came with it; empty without one."""
        return self._file(".ics").decode("utf-8", "replace")

    @property
    def sheet(self) -> str:
        """All texts of the spreadsheet that came with it, as they stand in its XML; empty without one."""
        packed = self._file(".xlsx")
        if not packed:
            return ""
        with zipfile.ZipFile(io.BytesIO(packed)) as opened:
            return opened.read("xl/sharedStrings.xml").decode()

    def _file(self, ending: str) -> bytes:
        found = (file for file in self.facts["attachments"] if file["filename"].endswith(ending))
        return next((base64.b64decode(file["content"]) for file in found), b"")
