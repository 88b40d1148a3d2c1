"""
From free time to the starts of visits: the eight rules of the scheduling reference, section 2.

`starts` lists the starts that satisfy all of them, `judge` says which rule a single start breaks. Both ask the same
functions, so what is found can be booked, and what can be booked is found.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from scheduling.slots.hours import Hours, Range, free_ranges, merge, subtract
from scheduling.slots.zones import (
    MINUTES_PER_DAY,
    edge_to_minute,
    grid,
    local_date,
    local_minute,
)

ONE_DAY = timedelta(days=1)
LOAD_STEP = 5  # percent
Verdict = Literal[
    "", "license", "notice", "horizon", "no_hours", "grid", "patient_busy", "taken", "buffer", "cap"
]
OVERRIDABLE: frozenset[Verdict] = frozenset({"notice", "horizon", "no_hours", "grid", "cap"})
ReasonForNone = Literal["no_hours", "notice", "license", "cap", "fully_booked", "gap_too_short"]


@dataclass(frozen=True, slots=True)
class Calendar:
    """
    What is known of one nurse; ranges and starts are UTC minutes.

    `visits` are the bare times of active visits, `blocked` the same with the buffers they were booked with, and live
    holds of other owners. `licensed_until` is the last licensed date, `licensed` tells whether the license is of the
    state that the visit needs.
    """

    hours: Hours
    step: int
    offset: int = 0
    buffer_before: int = 0
    buffer_after: int = 0
    daily_cap: int | None = None
    licensed: bool = True
    licensed_until: date | None = None
    visits: tuple[Range, ...] = ()
    blocked: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """
    What is asked: visits of `length` minutes that start in [since, until).

    `earliest` and `latest` are now plus notice and now plus horizon. `part` is a half-open range of minutes of the
    day in `zone`, the patient's; `patient_visits` are the patient's own active visits.
    """

    length: int
    since: int
    until: int
    earliest: int
    latest: int
    zone: ZoneInfo
    part: tuple[int, int] | None = None
    holidays: Collection[date] = field(default_factory=frozenset)
    patient_visits: tuple[Range, ...] = ()


def starts(calendar: Calendar, request: Request) -> Iterator[int]:
    """Yield every start that satisfies all rules, in order; nothing beyond what is taken is computed."""
    since = max(request.since, request.earliest)
    until = min(request.until, request.latest + 1)
    if since >= until or not calendar.licensed:
        return
    forbidden = _forbidden(calendar, request)
    capped = _capped_dates(calendar)
    for start in _on_grid_in_hours(calendar, request, since, until):
        if (
            not _inside(forbidden, start)
            and _is_licensed(calendar, request, start)
            and _in_part(request, start)
            and not (capped and local_date(calendar.hours.zone, start) in capped)
        ):
            yield start


def judge(
    calendar: Calendar,
    request: Request,
    start: int,
    *,
    skip: Collection[Verdict] = frozenset(),
) -> Verdict:
    """
    Return the first rule that a start breaks, or nothing; the part of day is no rule of booking.

    Rules in `skip` are left out; staff may skip those of `OVERRIDABLE` (section 8).
    """
    return next((rule for rule in _broken(calendar, request, start) if rule not in skip), "")


def _broken(calendar: Calendar, request: Request, start: int) -> Iterator[Verdict]:
    """Yield the rules that a start breaks, in the order in which they are told."""
    zone = calendar.hours.zone
    if not _is_licensed(calendar, request, start) or not calendar.licensed:
        yield "license"
    if start < request.earliest:
        yield "notice"
    if start > request.latest:
        yield "horizon"
    day = local_date(zone, start)
    free = free_ranges(calendar.hours, request.holidays, day, day + ONE_DAY)
    if not any(begin <= start and start + request.length <= end for begin, end in free):
        yield "no_hours"
    if start not in grid(zone, day, calendar.step, calendar.offset):
        yield "grid"
    visit = (start, start + request.length)
    if _overlaps(request.patient_visits, visit):
        yield "patient_busy"
    around = (start - calendar.buffer_before, start + request.length + calendar.buffer_after)
    if _overlaps(calendar.visits, visit):
        yield "taken"
    elif _overlaps(calendar.blocked, around):
        yield "taken" if _overlaps(calendar.blocked, visit) else "buffer"
    if day in _capped_dates(calendar):
        yield "cap"


def reason_for_none(calendar: Calendar, request: Request) -> ReasonForNone:
    """Say which step left nothing, for a nurse without a single start."""
    in_hours = list(_on_grid_in_hours(calendar, request, request.since, request.until))
    in_hours = [start for start in in_hours if _in_part(request, start)]
    if not in_hours:
        return "no_hours"
    in_time = [start for start in in_hours if request.earliest <= start <= request.latest]
    if not in_time:
        return "notice"
    licensed = [start for start in in_time if _is_licensed(calendar, request, start)]
    if not licensed or not calendar.licensed:
        return "license"
    forbidden = _forbidden(calendar, request)
    open_starts = [start for start in licensed if not _inside(forbidden, start)]
    if open_starts:
        return "cap"
    taken = merge([*calendar.blocked, *request.patient_visits])
    some_minutes = any(subtract([(start, start + request.length)], taken) for start in licensed)
    return "gap_too_short" if some_minutes else "fully_booked"


def load_in_week(calendar: Calendar, holidays: Collection[date], start: int) -> int:
    """Return how full the nurse's ISO week of a start is, in steps of 5 %, as far as its visits are known."""
    day = local_date(calendar.hours.zone, start)
    monday = day - timedelta(days=day.weekday())
    sunday = monday + timedelta(days=6)
    free = free_ranges(calendar.hours, holidays, monday, sunday)
    begins = edge_to_minute(calendar.hours.zone, monday, 0, is_end=False)
    ends = edge_to_minute(calendar.hours.zone, sunday, MINUTES_PER_DAY, is_end=True)
    worked = sum(max(0, min(end, ends) - max(begin, begins)) for begin, end in free)
    booked = sum(end - begin for begin, end in calendar.visits if begins <= begin < ends)
    return 100 * booked // worked // LOAD_STEP if worked else 100 // LOAD_STEP


def _on_grid_in_hours(
    calendar: Calendar, request: Request, since: int, until: int
) -> Iterator[int]:
    """Yield the grid's points in [since, until) at which a visit fits into the nurse's hours (rules 1 and 4)."""
    zone = calendar.hours.zone
    first, last = local_date(zone, since), local_date(zone, until)
    for begin, end in free_ranges(calendar.hours, request.holidays, first, last + ONE_DAY):
        low, high = max(begin, since), min(end - request.length + 1, until)
        if low >= high:
            continue
        day, last_day = local_date(zone, low), local_date(zone, high)
        while day <= last_day:
            points = grid(zone, day, calendar.step, calendar.offset)
            yield from points[bisect_left(points, low) : bisect_left(points, high)]
            day += ONE_DAY


def _forbidden(calendar: Calendar, request: Request) -> list[Range]:
    """Return the starts that visits and holds rule out, with the buffers of both sides (rules 2 and 3)."""
    ahead = request.length + calendar.buffer_after
    ranges = [(start - ahead + 1, end + calendar.buffer_before) for start, end in calendar.blocked]
    ranges += [(start - request.length + 1, end) for start, end in request.patient_visits]
    return merge(ranges)


def _inside(ranges: list[Range], minute: int) -> bool:
    index = bisect_right(ranges, (minute, 1 << 62)) - 1
    return index >= 0 and minute < ranges[index][1]


def _overlaps(ranges: Collection[Range], asked: Range) -> bool:
    return any(start < asked[1] and end > asked[0] for start, end in ranges)


def _is_licensed(calendar: Calendar, request: Request, start: int) -> bool:
    if calendar.licensed_until is None:
        return True
    last_minute = local_date(calendar.hours.zone, start + request.length - 1)
    return last_minute <= calendar.licensed_until


def _in_part(request: Request, start: int) -> bool:
    if request.part is None:
        return True
    return request.part[0] <= local_minute(request.zone, start) < request.part[1]


def _capped_dates(calendar: Calendar) -> set[date]:
    if calendar.daily_cap is None:
        return set()
    counts: dict[date, int] = {}
    for start, _ in calendar.visits:
        day = local_date(calendar.hours.zone, start)
        counts[day] = counts.get(day, 0) + 1
    return {day for day, count in counts.items() if count >= calendar.daily_cap}
