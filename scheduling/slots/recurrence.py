"""
The dates of a series: the same wall clock every so many weeks (scheduling reference, section 10).

A date is counted locally and resolved to an instant only then, so the hour stays over a change of the clocks. A local
time that the clocks skip is no instant at all and is never shifted; of a repeated one the earlier is meant.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice
from zoneinfo import ZoneInfo

from scheduling.slots.zones import MINUTE, to_minute


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One date of a series, counted from 0; `start` is a UTC minute, None if the clocks skip the time that day."""

    index: int
    day: date
    start: int | None


def occurrences(
    *,
    zone: ZoneInfo,
    first: date,
    minute_of_day: int,
    every_weeks: int,
    most: int,
    until: date | None = None,
) -> list[Occurrence]:
    """Return the dates from `first` on, at most `most` and none after `until`, each with its instant in `zone`."""
    days = _days(first, timedelta(weeks=every_weeks), until)
    return [
        Occurrence(index, day, resolve(zone, day, minute_of_day))
        for index, day in enumerate(islice(days, most))
    ]


def resolve(zone: ZoneInfo, day: date, minute_of_day: int) -> int | None:
    """Return the first UTC minute at which a clock in `zone` shows that time of that date, or None if none does."""
    shown = datetime.combine(day, time()) + minute_of_day * MINUTE
    readings = (shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    real = [
        moment
        for moment in readings
        if moment.astimezone(zone).replace(tzinfo=None, fold=0) == shown
    ]
    return to_minute(min(real)) if real else None


def _days(first: date, step: timedelta, until: date | None) -> Iterator[date]:
    last = date.max if until is None else until
    for number in count():
        if number * step > last - first:
            return
        yield first + number * step
