"""
An independent judge of the slot engine: it looks at every minute, and at raw rows only.

Nothing of `scheduling.slots` is used to decide: a minute's local reading comes from `datetime`, a window's two edges
are found by walking over the minutes, and each rule of the scheduling reference, section 2, is an `any` or `all`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock's reading has no zone
MINUTE = timedelta(minutes=1)
DAY = 1440
PAD_DAYS = 3
GREENWICH = ZoneInfo("UTC")

Span = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """A weekly window; minutes of the day, `end <= start` runs into the next day."""

    weekday: int
    start: int
    end: int
    valid_from: date | None = None
    valid_until: date | None = None
    is_break: bool = False


@dataclass(frozen=True)
class Change:
    """A change of one date; without times the whole date."""

    day: date
    effect: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class Case:
    """One nurse, one patient and one question; instants are minutes since 1970 in UTC."""

    zone: ZoneInfo
    since: int
    until: int
    length: int
    step: int
    offset: int
    windows: tuple[Window, ...]
    changes: tuple[Change, ...] = ()
    holidays: frozenset[date] = frozenset()
    time_off: tuple[Span, ...] = ()
    before: int = 0
    after: int = 0
    cap: int | None = None
    licensed: bool = True
    licensed_until: date | None = None
    visits: tuple[Span, ...] = ()
    blocked: tuple[Span, ...] = ()  # visits with their stored buffers, and holds of others
    patient_visits: tuple[Span, ...] = ()
    earliest: int = 0
    latest: int = 1 << 40
    patient_zone: ZoneInfo = GREENWICH
    part: Span | None = None


def starts(case: Case) -> list[int]:
    """Return every start of [since, until) that all rules allow."""
    return [minute for minute in range(case.since, case.until) if allows(case, minute)]


def allows(case: Case, start: int) -> bool:
    """Tell whether a visit may begin at a minute."""
    reading = read(case.zone, start)
    last = read(case.zone, start + case.length - 1)
    visit = (start, start + case.length)
    around = (start - case.before, start + case.length + case.after)
    on_that_day = sum(
        1 for begin, _ in case.visits if day_of(read(case.zone, begin)) == day_of(reading)
    )
    shown = read(case.patient_zone, start) % DAY
    return (
        case.earliest <= start <= case.latest
        and reading % DAY % case.step == case.offset % case.step
        and (case.part is None or case.part[0] <= shown < case.part[1])
        and case.licensed
        and (case.licensed_until is None or day_of(reading) <= case.licensed_until)
        and (case.licensed_until is None or day_of(last) <= case.licensed_until)
        and (case.cap is None or on_that_day < case.cap)
        and not any(overlap(visit, other) for other in case.patient_visits)
        and not any(overlap(around, other) for other in case.blocked)
        and all(minute in _free(_hours_of(case)) for minute in range(*visit))
    )


def overlap(one: Span, other: Span) -> bool:
    """Tell whether two half-open ranges share a minute."""
    return any(other[0] <= minute < other[1] for minute in (one[0], one[1] - 1)) or any(
        one[0] <= minute < one[1] for minute in (other[0], other[1] - 1)
    )


@lru_cache(maxsize=200_000)
def read(zone: ZoneInfo, minute: int) -> int:
    """Return what a clock in `zone` shows, as minutes since 1970 on that clock."""
    shown = (EPOCH + minute * MINUTE).astimezone(zone).replace(tzinfo=None)
    return (shown - NAIVE_EPOCH) // MINUTE


def day_of(reading: int) -> date:
    """Return the date of a reading."""
    return date(1970, 1, 1) + timedelta(days=reading // DAY)


@lru_cache(maxsize=64)
def _readings(zone: ZoneInfo, first: int, last: int) -> tuple[int, ...]:
    return tuple(read(zone, minute) for minute in range(first, last))


@dataclass(frozen=True)
class _HoursOf:
    zone: ZoneInfo
    first: int
    last: int
    windows: tuple[Window, ...]
    changes: tuple[Change, ...]
    holidays: frozenset[date]
    time_off: tuple[Span, ...]


def _hours_of(case: Case) -> _HoursOf:
    first, last = case.since - PAD_DAYS * DAY, case.until + PAD_DAYS * DAY
    rows = (case.windows, case.changes, case.holidays, case.time_off)
    return _HoursOf(case.zone, first, last, *rows)


@lru_cache(maxsize=16)
def _free(hours: _HoursOf) -> frozenset[int]:
    """Return every minute of the case's surroundings at which the nurse works."""
    readings = _readings(hours.zone, hours.first, hours.last)
    added: list[Span] = []
    removed: list[Span] = list(hours.time_off)
    day = day_of(readings[0]) - timedelta(days=1)
    while day <= day_of(readings[-1]):
        written = [change for change in hours.changes if change.day == day]
        if any(change.effect == "replace" for change in written):
            added += [_span(hours, c.day, c.start, c.end) for c in written if c.effect == "replace"]
        elif day not in hours.holidays:
            valid = [
                window
                for window in hours.windows
                if window.weekday == day.weekday()
                and not (window.valid_from and day < window.valid_from)
                and not (window.valid_until and day > window.valid_until)
            ]
            breaks = [_span(hours, day, w.start, w.end) for w in valid if w.is_break]
            for window in valid:
                if not window.is_break:
                    begin, end = _span(hours, day, window.start, window.end)
                    added += [
                        (minute, minute + 1)
                        for minute in range(begin, end)
                        if not any(low <= minute < high for low, high in breaks)
                    ]
        added += [_span(hours, c.day, c.start, c.end) for c in written if c.effect == "add"]
        removed += [_span(hours, c.day, c.start, c.end) for c in written if c.effect == "remove"]
        day += timedelta(days=1)
    working = {minute for span in added for minute in range(*span)}
    return frozenset(working - {minute for span in removed for minute in range(*span)})


def _span(hours: _HoursOf, day: date, start: int | None, end: int | None) -> Span:
    """
    Return a window of a date as UTC minutes, by walking over them.

    It begins at the first minute whose reading is not before its start, and ends after the last minute whose reading
    is before its end.
    """
    midnight = (datetime.combine(day, time()) - NAIVE_EPOCH) // MINUTE
    opens = midnight + (start or 0)
    closes = midnight + DAY
    if start is not None and end is not None:
        closes = midnight + end + (DAY if end <= start else 0)
    readings: Sequence[int] = _readings(hours.zone, hours.first, hours.last)
    first = next((i for i, reading in enumerate(readings) if reading >= opens), len(readings))
    inside = [i for i, reading in enumerate(readings) if reading < closes]
    last = inside[-1] + 1 if inside else 0
    return hours.first + first, hours.first + max(first, last)
