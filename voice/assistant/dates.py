"""
The day that a caller means, worked out from the parts they said (voice-conversation, section 10, "Day rules").

Pure: `now` is local and aware, the clinic's calendar is passed in. Nothing here asks the model to compute a date.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
IN_DAYS_MOST = 60

Part = Literal["morning", "afternoon", "evening"]


@dataclass(frozen=True, slots=True)
class Wish:
    """The parts as the caller said them; None is "not said"."""

    weekday: str | None = None
    week: str | None = None
    month_day: str | None = None
    in_days: int | None = None
    part_of_day: Part | None = None
    after: str | None = None
    before: str | None = None

    @property
    def is_open(self) -> bool:
        """Say whether no day was named, so that the soonest is meant."""
        return (self.weekday, self.week, self.month_day, self.in_days) == (None, None, None, None)


@dataclass(frozen=True, slots=True)
class Days:
    """Clinic dates, both inclusive; `other` is the date that "next" or the plain weekday would have meant instead."""

    first: date
    last: date
    part_of_day: Part | None = None
    after: time | None = None
    before: time | None = None
    other: date | None = None

    @property
    def single(self) -> bool:
        return self.first == self.last


@dataclass(frozen=True, slots=True)
class DateConflict:
    """What was said names two days; `first` is the earlier one."""

    first: date
    second: date


@dataclass(frozen=True, slots=True)
class InvalidTime:
    """The day or time does not exist, is past, or lies beyond the horizon."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The clinic is closed on `day`; `days` is the same wish on the next open day."""

    day: date
    days: Days


Resolution = Days | DateConflict | InvalidTime | Closed


def resolve(
    wish: Wish, *, now: datetime, horizon_days: int, is_open_day: Callable[[date], bool]
) -> Resolution:
    """
    Return the days that `wish` means at `now`, which is aware and in the clinic's zone.

    - A plain weekday is the first one after today; "this" is in the current Monday–Sunday week, "next" in the
      following one, "later" after that.
    - Where plain and "next" differ, `Days.other` holds the second date so that the answer can name both.
    - Weekday and date that disagree are a conflict of two days, never a choice made for the caller.
    - A closed single day gives the next open day.
    """
    today = now.date()
    last_day = today + DAY * horizon_days
    after, before = clock_time(wish.after), clock_time(wish.before)
    if (wish.after and after is None) or (wish.before and before is None):
        return InvalidTime()
    if after and before and before < after:
        return InvalidTime()
    found = _range(wish, today=today, last_day=last_day)
    if not isinstance(found, Days):
        return found
    if found.first < today or found.last < found.first or found.first > last_day:
        return InvalidTime()
    days = Days(
        found.first, min(found.last, last_day), wish.part_of_day, after, before, found.other
    )
    if days.single:
        zone = now.tzinfo
        if any(moment and not exists(days.first, moment, zone) for moment in (after, before)):
            return InvalidTime()
        if not is_open_day(days.first):
            return _closed(days, last_day=last_day, is_open_day=is_open_day)
    return days


def clock_time(text: str | None) -> time | None:
    """Return a time of day written "HH:MM" or "H:MM", or None."""
    match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text or "")
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    return time(int(match[1]), int(match[2]))


def exists(day: date, moment: time, zone: object) -> bool:
    """Say whether that wall clock time happens on `day`; the hour that the clocks skip does not."""
    if not isinstance(zone, ZoneInfo):
        return True
    local = datetime.combine(day, moment, tzinfo=zone)
    return local.astimezone(UTC).astimezone(zone).time() == moment


def looks_like_a_time(text: str) -> bool:
    """Say whether `text` is a date or a time rather than a handle (case A17)."""
    return bool(re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9a-f-])|[0-9]{1,2}:[0-9]{2}", text))


def _range(wish: Wish, *, today: date, last_day: date) -> Days | DateConflict | InvalidTime:
    if wish.is_open:
        return Days(today, last_day)
    fixed: list[date] = []
    if wish.month_day is not None:
        named = _month_day(wish.month_day, today=today)
        if named is None or named > last_day:
            return InvalidTime()
        fixed.append(named)
    if wish.in_days is not None:
        if not 0 <= wish.in_days <= IN_DAYS_MOST:
            return InvalidTime()
        fixed.append(today + DAY * wish.in_days)
    if fixed:
        return _fixed_day(wish, fixed, today=today)
    if wish.weekday is not None:
        return _weekday(wish, WEEKDAYS.index(wish.weekday), today=today)
    return _week(wish.week, today=today, last_day=last_day)


def _fixed_day(wish: Wish, fixed: list[date], *, today: date) -> Days | DateConflict:
    """A date was said; whatever else was said must agree with it."""
    day = fixed[0]
    if len(fixed) == 2 and fixed[1] != day:
        return _conflict(day, fixed[1])
    if wish.weekday is not None and WEEKDAYS[day.weekday()] != wish.weekday:
        return _conflict(day, _nearest(day, WEEKDAYS.index(wish.weekday), today=today))
    if wish.week in ("this", "next"):
        monday = _monday(today) + (WEEK if wish.week == "next" else 0 * DAY)
        if _monday(day) != monday:
            other = monday + DAY * day.weekday()
            return _conflict(day, other if other >= today else other + WEEK)
    return Days(day, day)


def _conflict(one: date, other: date) -> Days | DateConflict:
    if one == other:
        return Days(one, one)
    return DateConflict(min(one, other), max(one, other))


def _nearest(day: date, weekday: int, *, today: date) -> date:
    """Return the date with that weekday which is nearest to `day` and not past."""
    ahead = (weekday - day.weekday()) % 7
    nearest = day + DAY * (ahead if ahead <= 3 else ahead - 7)
    return nearest if nearest >= today else nearest + WEEK


def _weekday(wish: Wish, weekday: int, *, today: date) -> Days:
    plain = today + DAY * ((weekday - today.weekday() - 1) % 7 + 1)
    following = _monday(today) + WEEK + DAY * weekday
    match wish.week:
        case "this":
            day = _monday(today) + DAY * weekday
            return Days(day, day)
        case "next":
            return Days(following, following, other=plain if plain != following else None)
        case "later":
            return Days(following + WEEK, following + WEEK)
        case _:
            return Days(plain, plain, other=following if plain != following else None)


def _week(week: str | None, *, today: date, last_day: date) -> Days:
    monday = _monday(today)
    match week:
        case "this":
            return Days(today, monday + DAY * 6)
        case "next":
            return Days(monday + WEEK, monday + WEEK + DAY * 6)
        case _:
            return Days(monday + 2 * WEEK, last_day)


def _month_day(text: str, *, today: date) -> date | None:
    """Return the next date with that month and day, today included; None if there is none within two years."""
    match = re.fullmatch(r"([0-9]{1,2})-([0-9]{1,2})", text)
    if match is None:
        return None
    for year in (today.year, today.year + 1):
        try:
            day = date(year, int(match[1]), int(match[2]))
        except ValueError:
            continue
        if day >= today:
            return day
    return None


def _monday(day: date) -> date:
    return day - DAY * day.weekday()


def _closed(
    days: Days, *, last_day: date, is_open_day: Callable[[date], bool]
) -> Closed | InvalidTime:
    day = days.first + DAY
    while day <= last_day and not is_open_day(day):
        day += DAY
    if day > last_day:
        return InvalidTime()
    return Closed(days.first, Days(day, day, days.part_of_day, days.after, days.before))
