"""Retry-After: how long the other side asks us to stay away."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

LONGEST_S = 3600.0
_SECONDS = re.compile(r"[0-9]+")


def retry_after_s(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds from now, at most an hour; None when it is missing, unreadable or in the past.

    A date is held against the answer's own Date, since their clock need not be ours.
    Shape   "120", or "Fri, 06 Nov 2026 08:49:37 GMT"
    Source  RFC 9110, section 10.2.3
    """
    asked = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(asked):
        return LONGEST_S if len(asked) > 6 else min(float(asked), LONGEST_S)
    until = _http_date(asked)
    if until is None:
        return None
    sent = _http_date(headers.get("date", "")) or now or datetime.now(UTC)
    seconds = (until - sent).total_seconds()
    return min(seconds, LONGEST_S) if seconds >= 0 else None


def _http_date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime

    try:
        found = parsedate_to_datetime(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
