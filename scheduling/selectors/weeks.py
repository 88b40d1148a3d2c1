"""A nurse's week on a page: when she works, what is booked and held, what is still open; days are hers."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling import slots
from scheduling.exceptions import NurseUnknown
from scheduling.models import ACTIVE_STATUSES, Appointment, Nurse, SlotHold
from scheduling.selectors.nurse_calendars import hours_of

DAYS = 7
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a day, UTC; `visit` is set for visits."""

    kind: Literal["open", "visit", "held"]
    start: datetime
    end: datetime
    visit: Appointment | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One local date: its windows and entries, in order; what runs over midnight is cut there, but for visits."""

    day: date
    windows: tuple[tuple[datetime, datetime], ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """Seven local dates of a nurse from a Monday on."""

    nurse: Nurse
    zone: ZoneInfo
    monday: date
    days: tuple[Day, ...]


def week_of(*, nurse_id: UUID, day: date | None, now: datetime) -> Week:
    """
    Return the week of a nurse that contains `day`, or today.

    Raises:
        NurseUnknown: there is no such nurse.
    """
    nurse = Nurse.objects.filter(pk=nurse_id).first()
    if nurse is None:
        raise NurseUnknown("There is no such nurse.")
    zone = ZoneInfo(nurse.time_zone)
    chosen = day or now.astimezone(zone).date()
    monday = chosen - timedelta(days=chosen.weekday())
    since, until = _bounds(zone, monday, DAYS)
    hours, holidays = hours_of({nurse.pk: zone}, since=since - ONE_DAY, until=until + ONE_DAY)
    free = list(slots.free_ranges(hours[nurse.pk], holidays, monday, monday + DAYS * ONE_DAY))
    around = {"nurse": nurse, "blocked_from__lt": until, "blocked_until__gt": since}
    visits = list(
        Appointment.objects.filter(**around, status__in=ACTIVE_STATUSES)
        .select_related("patient", "visit_type")
        .order_by("start", "id")
    )
    holds = SlotHold.objects.filter(**around, state=SlotHold.State.LIVE, expires_at__gt=now)
    kept = list(holds.order_by("start", "id"))
    days = tuple(
        _day(zone, monday + number * ONE_DAY, free, visits, kept) for number in range(DAYS)
    )
    return Week(nurse, zone, monday, days)


def _day(
    zone: ZoneInfo,
    day: date,
    free: list[slots.hours.Range],
    visits: list[Appointment],
    holds: list[SlotHold],
) -> Day:
    since, until = _bounds(zone, day, 1)
    begins, ends = slots.to_minute(since), slots.to_minute(until)
    windows = [
        (max(start, begins), min(end, ends)) for start, end in free if start < ends and end > begins
    ]
    spans = [(visit.blocked_from, visit.blocked_until) for visit in visits]
    spans += [(hold.blocked_from, hold.blocked_until) for hold in holds]
    taken = slots.hours.merge(
        (slots.to_minute(start), slots.to_minute(end)) for start, end in spans
    )
    entries = [
        Entry("open", slots.to_instant(start), slots.to_instant(end))
        for start, end in slots.hours.subtract(windows, taken)
    ]
    entries += [
        Entry("visit", visit.start, visit.end, visit)
        for visit in visits
        if since <= visit.start < until
    ]
    entries += [
        Entry("held", hold.start, hold.end) for hold in holds if since <= hold.start < until
    ]
    return Day(
        day=day,
        windows=tuple((slots.to_instant(start), slots.to_instant(end)) for start, end in windows),
        entries=tuple(sorted(entries, key=lambda entry: (entry.start, entry.kind))),
    )


def _bounds(zone: ZoneInfo, first: date, days: int) -> tuple[datetime, datetime]:
    """Return when a local date begins and another ends, `days` later."""
    last = first + (days - 1) * ONE_DAY
    end = slots.edge_to_minute(zone, last, slots.zones.MINUTES_PER_DAY, is_end=True)
    return (
        slots.to_instant(slots.edge_to_minute(zone, first, 0, is_end=False)),
        slots.to_instant(end),
    )
