"""A nurse's free time: weekly windows, breaks, changes of single dates, holidays and time off."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from scheduling.slots.zones import MINUTES_PER_DAY, edge_to_minute

Range = tuple[int, int]
ONE_DAY = timedelta(days=1)


class WeeklyWindow(NamedTuple):
    """
    A window of each week; `start` and `end` are minutes of the day.

    An end that is not after the start lies on the next day. The validity, both dates inclusive, is of the date on
    which the window opens.
    """

    weekday: int
    start: int
    end: int
    valid_from: date | None = None
    valid_until: date | None = None
    is_break: bool = False

    def holds_on(self, day: date) -> bool:
        """Tell whether the window opens on a date."""
        return (
            self.weekday == day.weekday()
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )


@dataclass(frozen=True, slots=True)
class DateWindow:
    """A change of one local date; without times it is the whole local day."""

    day: date
    effect: Literal["add", "remove", "replace"]
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """What says when a nurse works; times of windows are read in `zone`, `time_off` is in UTC minutes."""

    zone: ZoneInfo
    weekly: tuple[WeeklyWindow, ...] = ()
    dates: tuple[DateWindow, ...] = ()
    time_off: tuple[Range, ...] = ()


def free_ranges(hours: Hours, holidays: Collection[date], first: date, last: date) -> list[Range]:
    """
    Return the free time of the local dates `first` to `last` and one day around them, merged and in order.

    Removal wins over addition. What was written for a date beats a holiday; a `replace` drops the weekday's windows
    and breaks.
    """
    if not hours.dates:
        usual = _usual(hours.zone, hours.weekly, frozenset(holidays), first, last)
        return subtract(usual, merge(hours.time_off))
    added: list[Range] = []
    removed: list[Range] = list(hours.time_off)
    changes: dict[date, list[DateWindow]] = {}
    for change in hours.dates:
        changes.setdefault(change.day, []).append(change)
    day = first - ONE_DAY
    while day <= last + ONE_DAY:
        written = changes.get(day, [])
        replaced = [
            _range(hours.zone, day, c.start, c.end) for c in written if c.effect == "replace"
        ]
        if replaced:
            added += replaced
        elif day not in holidays:
            added += _weekly(hours.zone, hours.weekly, day)
        for change in written:
            window = _range(hours.zone, day, change.start, change.end)
            if change.effect == "add":
                added.append(window)
            elif change.effect == "remove":
                removed.append(window)
        day += ONE_DAY
    return subtract(merge(added), merge(removed))


@lru_cache(maxsize=4_096)
def _usual(
    zone: ZoneInfo,
    weekly: tuple[WeeklyWindow, ...],
    holidays: frozenset[date],
    first: date,
    last: date,
) -> tuple[Range, ...]:
    """Return the free time of weekly windows alone; most nurses share a few patterns, so it is kept."""
    added: list[Range] = []
    day = first - ONE_DAY
    while day <= last + ONE_DAY:
        if day not in holidays:
            added += _weekly(zone, weekly, day)
        day += ONE_DAY
    return tuple(merge(added))


@lru_cache(maxsize=16_384)
def _weekly(zone: ZoneInfo, weekly: tuple[WeeklyWindow, ...], day: date) -> tuple[Range, ...]:
    work: list[Range] = []
    breaks: list[Range] = []
    for window in weekly:
        if window.holds_on(day):
            (breaks if window.is_break else work).append(
                _range(zone, day, window.start, window.end)
            )
    return tuple(subtract(merge(work), merge(breaks)))


def _range(zone: ZoneInfo, day: date, start: int | None, end: int | None) -> Range:
    opens = start or 0
    closes = end or 0
    if start is None or end is None:
        closes = MINUTES_PER_DAY
    elif closes <= opens:
        closes += MINUTES_PER_DAY
    return (
        edge_to_minute(zone, day, opens, is_end=False),
        edge_to_minute(zone, day, closes, is_end=True),
    )


def merge(ranges: Iterable[Range]) -> list[Range]:
    """Return the union of ranges, in order; ranges that touch become one, empty ones vanish."""
    return list(joined(sorted(ranges)))


def subtract(ranges: Iterable[Range], holes: Iterable[Range]) -> list[Range]:
    """Return `ranges` without `holes`; both are merged and in order."""
    return list(remaining(ranges, holes))


def joined(ranges: Iterable[Range], *, before: int = 0, after: int = 0) -> Iterator[Range]:
    """
    Yield the union of ranges that come by their starts, reading no further than is needed.

    Each is made longer by `before` and `after` minutes; adding while joining spares a step for each of thousands.
    """
    begun: int | None = None
    reached = 0
    for bare_start, bare_end in ranges:
        start, end = bare_start - before, bare_end + after
        if end <= start:
            continue
        if begun is None:
            begun, reached = start, end
        elif start > reached:
            yield begun, reached
            begun, reached = start, end
        elif end > reached:
            reached = end
    if begun is not None:
        yield begun, reached


def remaining(ranges: Iterable[Range], holes: Iterable[Range]) -> Iterator[Range]:
    """Yield `ranges` without `holes`, both merged and in order, reading no further than is needed."""
    ahead = iter(holes)
    hole = next(ahead, None)
    for start, end in ranges:
        while hole is not None and hole[1] <= start:
            hole = next(ahead, None)
        while hole is not None and hole[0] < end:
            if hole[0] > start:
                yield start, hole[0]
            start = hole[1]
            if start >= end:
                break  # the hole may reach into the next range
            hole = next(ahead, None)
        if start < end:
            yield start, end
