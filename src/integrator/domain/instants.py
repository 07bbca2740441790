"""Instants as they are written for machines."""

from datetime import UTC, datetime


def utc_text(at: float) -> str:
    """Epoch seconds as ISO 8601 in UTC: "2026-11-22T05:30:00Z"."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
