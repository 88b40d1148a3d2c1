"""
From free time to the starts of visits: the eight rules of the scheduling reference, section 2.

`starts` lists the starts that satisfy all of them, `judge` says which rule a single start breaks. Both ask the same
functions, so what is found can be booked, and what can be booked is found.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from scheduling.slots.hours import (
    Hours,
    Range,
    free_ranges,
    joined,
    merge,
    remaining,
    subtract,
)
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
    in_hours = _ranges_in_hours(calendar, request, since, until)
    free = _open_ranges(calendar, request, in_hours)
    capped: dict[date, bool] = {}
    for start in _on_grid(calendar, free):
        if not _is_licensed(calendar, request, start) or not _in_part(request, start):
            continue
        if calendar.daily_cap is not None:
            day = local_date(calendar.hours.zone, start)
            if day not in capped:
                capped[day] = _is_capped(calendar, start)
            if capped[day]:
                continue
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
    if _is_capped(calendar, start):
        yield "cap"


def reason_for_none(calendar: Calendar, request: Request) -> ReasonForNone:
    """Say which step left nothing, for a nurse without a single start."""
    ranges = _ranges_in_hours(calendar, request, request.since, request.until)
    in_hours = [start for start in _on_grid(calendar, ranges) if _in_part(request, start)]
    if not in_hours:
        return "no_hours"
    in_time = [start for start in in_hours if request.earliest <= start <= request.latest]
    if not in_time:
        return "notice"
    licensed = [start for start in in_time if _is_licensed(calendar, request, start)]
    if not licensed or not calendar.licensed:
        return "license"
    points = [(start, start + 1) for start in licensed]
    if any(True for _ in _open_ranges(calendar, request, points)):
        return "cap"
    wanted = merge((start, start + request.length) for start in licensed)
    taken = merge([*calendar.blocked, *request.patient_visits])
    return "gap_too_short" if subtract(wanted, taken) else "fully_booked"


def load_by_week(calendar: Calendar, holidays: Collection[date]) -> Callable[[int], int]:
    """
    Return what tells how full the nurse's ISO week of a start is, in steps of 5 %; each week is computed once.

    It is right for the weeks of which the calendar holds the whole hours and visits.
    """
    known: dict[date, int] = {}

    def load(start: int) -> int:
        day = local_date(calendar.hours.zone, start)
        monday = day - timedelta(days=day.weekday())
        if monday not in known:
            known[monday] = _load(calendar, holidays, monday)
        return known[monday]

    return load


def _load(calendar: Calendar, holidays: Collection[date], monday: date) -> int:
    zone, sunday = calendar.hours.zone, monday + timedelta(days=6)
    begins = edge_to_minute(zone, monday, 0, is_end=False)
    ends = edge_to_minute(zone, sunday, MINUTES_PER_DAY, is_end=True)
    free = free_ranges(calendar.hours, holidays, monday, sunday)
    worked = sum(max(0, min(end, ends) - max(begin, begins)) for begin, end in free)
    visits = sorted(calendar.visits)
    week = visits[bisect_left(visits, (begins,)) : bisect_left(visits, (ends,))]
    booked = sum([end - begin for begin, end in week])
    return 100 * booked // worked // LOAD_STEP if worked else 100 // LOAD_STEP


def _open_ranges(calendar: Calendar, request: Request, starts: Iterable[Range]) -> Iterator[Range]:
    """
    Yield what visits and holds leave of ranges of starts, with the buffers of both sides (rules 2 and 3).

    A start is ruled out from a visit's length before a taken time until its end; one at a time, for most of a busy
    calendar lies after the few starts that are asked for.
    """
    before, ahead = calendar.buffer_before, request.length + calendar.buffer_after - 1
    past = request.since - before  # what ended by then rules out none of the asked starts
    blocked = [taken for taken in sorted(calendar.blocked) if taken[1] > past]
    own = sorted(request.patient_visits)
    return remaining(
        remaining(starts, joined(blocked, before=ahead, after=before)),
        joined(own, before=request.length - 1),
    )


def _ranges_in_hours(
    calendar: Calendar, request: Request, since: int, until: int
) -> Iterator[Range]:
    """Yield the starts in [since, until) at which a visit fits into the nurse's hours (rule 1), as ranges."""
    zone = calendar.hours.zone
    first, last = local_date(zone, since), local_date(zone, until)
    for begin, end in free_ranges(calendar.hours, request.holidays, first, last + ONE_DAY):
        low, high = max(begin, since), min(end - request.length + 1, until)
        if low < high:
            yield low, high


def _on_grid(calendar: Calendar, ranges: Iterable[Range]) -> Iterator[int]:
    """Yield the grid's points in ranges of starts (rule 4)."""
    zone = calendar.hours.zone
    for low, high in ranges:
        day, last_day = local_date(zone, low), local_date(zone, high - 1)
        while day <= last_day:
            points = grid(zone, day, calendar.step, calendar.offset)
            yield from points[bisect_left(points, low) : bisect_left(points, high)]
            day += ONE_DAY


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


def _is_capped(calendar: Calendar, start: int) -> bool:
    """Tell whether the local date of a start has its number of visits (rule 6)."""
    if calendar.daily_cap is None:
        return False
    zone = calendar.hours.zone
    day = local_date(zone, start)
    near = (begin for begin, _ in calendar.visits if abs(begin - start) < 2 * MINUTES_PER_DAY)
    return sum(local_date(zone, begin) == day for begin in near) >= calendar.daily_cap
