"""FHIR's dates and instants (FHIR R4, section 2.24.0.1): ours are written in UTC, theirs may be of any precision."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

PARTIAL = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(?P<fraction>\.\d{1,9})?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
ONE_DAY = timedelta(days=1)
YEARS = range(1971, 9000)
"""In which times of visits may lie: with room on both sides for what is computed around them."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a date or instant stands for: [start, end) as instants in UTC, [first, after) as dates."""

    start: datetime
    end: datetime
    first: date
    after: date


def instant(moment: datetime) -> str:
    """Return an aware moment as FHIR writes it, with its offset."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def span_of(text: str, *, zone: tzinfo) -> Span:
    """
    Return what a text of any precision stands for; without an offset it is the clinic's wall clock, `zone`.

    Raises:
        ValueError: it is none.
    """
    found = PARTIAL.fullmatch(text)
    if found is None:
        raise ValueError
    parts = found.groupdict()
    try:
        if parts["hour"] is None:
            return _days(parts, zone)
        return _moments(parts, zone)
    except OverflowError as error:
        raise ValueError from error


def _days(parts: dict[str, str | None], zone: tzinfo) -> Span:
    year, month = int(parts["year"] or 0), int(parts["month"] or 1)
    first = date(year, month, int(parts["day"] or 1))
    if parts["month"] is None:
        after = date(year + 1, 1, 1)
    elif parts["day"] is None:
        after = date(year + month // 12, month % 12 + 1, 1)
    else:
        after = first + ONE_DAY
    return Span(_midnight(first, zone), _midnight(after, zone), first, after)


def _moments(parts: dict[str, str | None], zone: tzinfo) -> Span:
    length = timedelta(minutes=1) if parts["second"] is None else timedelta(seconds=1)
    begin = datetime(
        int(parts["year"] or 0),
        int(parts["month"] or 0),
        int(parts["day"] or 0),
        int(parts["hour"] or 0),
        int(parts["minute"] or 0),
        int(parts["second"] or 0),
        tzinfo=_zone(parts["zone"]) or zone,
    )
    if parts["fraction"]:
        begin += timedelta(microseconds=round(float(parts["fraction"]) * 1_000_000))
        length = timedelta(microseconds=1)
    start = begin.astimezone(UTC)
    return Span(start, start + length, begin.date(), begin.date() + ONE_DAY)


def _zone(text: str | None) -> tzinfo | None:
    return datetime.fromisoformat(f"2000-01-01T00:00{text}").tzinfo if text else None


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
