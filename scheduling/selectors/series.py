"""Reads for series: which of the wanted visits are possible, and what is near where one is not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from scheduling import slots
from scheduling.models import Appointment
from scheduling.selectors.nurse_calendars import (
    Calendars,
    calendars_of,
    kind_of_visit,
    nurses_for,
)
from scheduling.selectors.openings import request_of

NEAR_DAYS = 3  # how far from the wanted date an alternative is looked for
ONE_DAY = timedelta(days=1)
NO_SUCH_TIME = "time_does_not_exist"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A visit that is asked for: its number in the series, its local date, its instant if the clocks have it."""

    index: int
    day: date
    start: datetime | None
    around: datetime  # where to look for an alternative
    appointment_id: UUID | None = None  # the visit that moves there; None for a new one


@dataclass(frozen=True, slots=True)
class Member:
    """
    A wanted visit, judged: without `conflict` it is possible.

    `conflict` is a reason of `check_start` or `time_does_not_exist`; `nearest` is the nearest free start (UTC) with the
    same nurse within three days, if there is one.
    """

    index: int
    day: date
    start: datetime | None
    conflict: str = ""
    nearest: datetime | None = None
    appointment_id: UUID | None = None


def judged_members(
    *,
    wanted: Sequence[Wanted],
    nurse_id: UUID,
    patient_id: UUID,
    visit_type: str,
    now: datetime,
    ignore: Collection[UUID] = (),
) -> tuple[Member, ...]:
    """
    Return each wanted visit with what stands against it, in the order given.

    Each is held to the rules by itself, and those before it count as booked. The visits `ignore` are not there, as they
    are about to move. Six queries, however many visits are wanted.

    Raises:
        NotAvailable: there is no such kind of visit.
    """
    kind = kind_of_visit(visit_type)
    nurses = nurses_for(kind, patient_id=patient_id, nurse_ids=[nurse_id], now=now, skilled=False)
    against = "not_available" if not nurses else "" if nurses[0]["skilled"] else "specialization"
    if against or not wanted:
        return tuple(_member(one, against) for one in wanted)
    since = min(one.around for one in wanted) - NEAR_DAYS * ONE_DAY
    until = max(one.around for one in wanted) + (NEAR_DAYS + 1) * ONE_DAY
    known = calendars_of(
        kind,
        nurses,
        since=since,
        until=until,
        now=now,
        patient_id=patient_id,
        ignore_appointment_ids=ignore,
    )
    request = request_of(kind, since, until, now, known)
    calendar = known.by_nurse[nurse_id]
    judged: list[Member] = []
    for one in wanted:
        conflict = NO_SUCH_TIME
        if one.start is not None:
            start = slots.to_minute(one.start)
            conflict = slots.judge(calendar, request, start)
            if not conflict:
                calendar = _with_visit(calendar, start, request.length)
        judged.append(_member(one, conflict))
    request = replace(request, patient_visits=(*known.patient_visits, *_added(calendar, known)))
    return tuple(
        replace(member, nearest=_nearest(calendar, request, one.around))
        if member.conflict
        else member
        for one, member in zip(wanted, judged, strict=True)
    )


def series_members(*, series_id: UUID) -> list[Appointment]:
    """Return the visits of a series with their people, in the order of the series."""
    rows = Appointment.objects.filter(series_id=series_id)
    return list(rows.select_related("patient", "nurse", "visit_type").order_by("series_index"))


def _member(one: Wanted, conflict: str) -> Member:
    return Member(
        index=one.index,
        day=one.day,
        start=one.start,
        conflict=conflict,
        appointment_id=one.appointment_id,
    )


def _with_visit(calendar: slots.Calendar, start: int, length: int) -> slots.Calendar:
    """Return the calendar as it is once a visit is booked in it."""
    end = start + length
    around = (start - calendar.buffer_before, end + calendar.buffer_after)
    return replace(
        calendar,
        visits=(*calendar.visits, (start, end)),
        blocked=(*calendar.blocked, around),
    )


def _added(calendar: slots.Calendar, known: Calendars) -> tuple[tuple[int, int], ...]:
    """Return the visits of the series, which are the patient's as well."""
    before = sum(len(one.visits) for one in known.by_nurse.values())
    return calendar.visits[before:]


def _nearest(calendar: slots.Calendar, request: slots.Request, around: datetime) -> datetime | None:
    middle = slots.to_minute(around)
    reach = NEAR_DAYS * slots.zones.MINUTES_PER_DAY
    near = replace(request, since=middle - reach, until=middle + reach)
    best = min(
        slots.starts(calendar, near), key=lambda start: (abs(start - middle), start), default=None
    )
    return None if best is None else slots.to_instant(best)
