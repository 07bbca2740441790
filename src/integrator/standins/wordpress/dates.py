"""The site's own time: what WordPress takes for a date, and its way through summer time."""

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

SITE = ZoneInfo("Europe/Copenhagen")
_FORM = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(Z|([+-])(\d{2})(?::(\d{2}))?)?", re.ASCII
)


def parsed(text: str) -> datetime | None:
    """A REST date-time; naive when it has no offset, None when WordPress calls it invalid."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    # As PHP does: 31 February is taken for 2 or 3 March, month 13 for nothing.
    if not (1 <= month <= 12 and 0 <= day <= 31 and hour <= 24 and minute <= 59 and second <= 59 and year):
        return None
    moment = datetime(year, month, 1) + timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)  # noqa: DTZ001
    if found[7] is None:
        return moment
    offset = timedelta(hours=int(found[9] or 0), minutes=int(found[10] or 0))
    return moment.replace(tzinfo=timezone(-offset if found[8] == "-" else offset))


def to_gmt(local: datetime) -> datetime:
    """Site time to UTC; in the spring gap the clock goes on, in the doubled autumn hour the later one is meant."""
    first = local.replace(tzinfo=SITE, fold=0).astimezone(UTC)
    if first.astimezone(SITE).replace(tzinfo=None) == local:
        first = local.replace(tzinfo=SITE, fold=1).astimezone(UTC)
    return first.replace(tzinfo=None)


def to_local(gmt: datetime) -> datetime:
    return gmt.replace(tzinfo=UTC).astimezone(SITE).replace(tzinfo=None)


def both(moment: datetime, *, gmt: bool = False) -> tuple[datetime, datetime]:
    """(site time, UTC), both naive, of a parsed date; without an offset it is site time, or UTC for `date_gmt`."""
    if moment.tzinfo is not None:
        utc = moment.astimezone(UTC).replace(tzinfo=None)
    else:
        utc = moment if gmt else to_gmt(moment)
    return to_local(utc), utc


def written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
