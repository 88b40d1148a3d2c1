"""
Local time to whole minutes of UTC, and back (scheduling reference, section 3).

`zoneinfo` never refuses an odd local time, it guesses by `fold`. So a local time is resolved here once, by two rules,
and everything after is arithmetic on integers.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
MINUTES_PER_DAY = 1440
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_minute(moment: datetime) -> int:
    """Return an aware moment as minutes since 1970, rounded down."""
    return (moment - EPOCH) // MINUTE


def to_instant(minute: int) -> datetime:
    """Return minutes since 1970 as a moment in UTC."""
    return EPOCH + minute * MINUTE


@lru_cache(maxsize=16_384)
def edge_to_minute(zone: ZoneInfo, day: date, minute_of_day: int, *, is_end: bool) -> int:
    """
    Return the UTC minute of a window's edge; `minute_of_day` may run into the next day.

    A start is the first instant whose local reading is not before it; an end is one minute after the last instant of
    the minute before it. So a window's start inside the gap of a clock change becomes the jump, and a repeated hour
    belongs whole to a window that covers it.
    """
    naive = datetime.combine(day, time()) + minute_of_day * MINUTE
    probe = naive - MINUTE if is_end else naive
    early = probe.replace(tzinfo=zone, fold=0).astimezone(UTC)
    late = probe.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if early <= late:  # unique, or repeated
        return to_minute(late) + 1 if is_end else to_minute(early)
    low, high = late, early  # in a gap: bisect for the jump
    before = late.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return to_minute(high)


@lru_cache(maxsize=16_384)
def local_date(zone: ZoneInfo, minute: int) -> date:
    """Return the date that a clock in `zone` shows."""
    return to_instant(minute).astimezone(zone).date()


def local_minute(zone: ZoneInfo, minute: int) -> int:
    """Return the minute of the day that a clock in `zone` shows."""
    shown = to_instant(minute).astimezone(zone)
    return shown.hour * 60 + shown.minute


@lru_cache(maxsize=16_384)
def grid(zone: ZoneInfo, day: date, step: int, offset: int) -> tuple[int, ...]:
    """
    Return the instants of a local date whose minute of the day is on the grid, in order.

    A local time that does not exist is left out, a repeated one is there twice.
    """
    midnight = datetime.combine(day, time())
    points: set[int] = set()
    for minute_of_day in range(offset % step, MINUTES_PER_DAY, step):
        naive = midnight + minute_of_day * MINUTE
        for fold in (0, 1):
            moment = naive.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            if moment.astimezone(zone).replace(tzinfo=None) == naive:
                points.add(to_minute(moment))
    return tuple(sorted(points))
