"""A nurse's free time: weekly windows, breaks, changes of single dates, holidays and time off."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from scheduling.slots.zones import MINUTES_PER_DAY, edge_to_minute

Range = tuple[int, int]
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WeeklyWindow:
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
        return subtract(list(usual), merge(hours.time_off))
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


def _weekly(zone: ZoneInfo, weekly: tuple[WeeklyWindow, ...], day: date) -> list[Range]:
    work: list[Range] = []
    breaks: list[Range] = []
    for window in weekly:
        if window.holds_on(day):
            (breaks if window.is_break else work).append(
                _range(zone, day, window.start, window.end)
            )
    return subtract(merge(work), merge(breaks)) if breaks else work


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
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def subtract(ranges: list[Range], holes: list[Range]) -> list[Range]:
    """Return `ranges` without `holes`; both are merged and in order."""
    left: list[Range] = []
    index = 0
    for start, end in ranges:
        while index < len(holes) and holes[index][1] <= start:
            index += 1
        at = index
        while at < len(holes) and holes[at][0] < end:
            if holes[at][0] > start:
                left.append((start, holes[at][0]))
            start = max(start, holes[at][1])
            at += 1
        if start < end:
            left.append((start, end))
    return left
