"""How much of the time that nurses work is booked; hours are the slot engine's, as a search for free times has them."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import TruncDate

from scheduling import slots
from scheduling.models import Appointment, Nurse
from scheduling.selectors.analytics.periods import (
    By,
    Figures,
    Key,
    Period,
    Report,
    monday_of,
    rate,
)
from scheduling.selectors.nurse_calendars import AROUND, hours_of
from scheduling.selectors.packed_minutes import EpochMinute

Status = Appointment.Status
TAKING_TIME = (Status.BOOKED, Status.ARRIVED, Status.FULFILLED, Status.NOSHOW)
Minutes = Mapping[Any, int]
Rows = Sequence[Mapping[str, Any]]


def utilisation(*, nurses: QuerySet[Nurse], period: Period, by: By | None) -> Report:
    """
    Return the minutes that active nurses work in the period and those that are booked, in at most five queries.

    A visit counts, without buffers, on the day on which it starts unless it was cancelled: a missed one took the time
    too. Of hours each minute counts on its own day. A nurse with several specializations or languages counts with
    each of them, and once in the total.
    """
    rows = list(nurses.filter(active=True).order_by("id").values("id", "time_zone", "languages"))
    if by in {By.DAY, By.WEEK}:
        booked, worked = _booked_by_day(rows, period), _worked_by_day(rows, period)
        if by is By.WEEK:
            booked, worked = _by_week(booked), _by_week(worked)
        keys: Iterable[Key] = period.days() if by is By.DAY else period.weeks()
        groups = {key: _figures(booked.get(key, 0), worked.get(key, 0)) for key in keys}
        return Report(_figures(sum(booked.values()), sum(worked.values())), groups)
    booked, worked = _booked_by_nurse(rows, period), _worked_by_nurse(rows, period)
    return Report(
        _figures(sum(booked.values()), sum(worked.values())),
        {
            key: _figures(
                sum(booked.get(one, 0) for one in members), sum(worked[one] for one in members)
            )
            for key, members in _members(rows, by).items()
        },
    )


def _members(rows: Rows, by: By | None) -> dict[Key, list[UUID]]:
    """Return the nurses of each group."""
    found: dict[Key, list[UUID]] = {}
    match by:
        case By.NURSE:
            return {row["id"]: [row["id"]] for row in rows}
        case By.LANGUAGE:
            for row in rows:
                for language in row["languages"]:
                    found.setdefault(language, []).append(row["id"])
        case By.SPECIALIZATION:
            links = Nurse.specializations.through.objects.filter(
                nurse_id__in=[row["id"] for row in rows]
            )
            skills: dict[UUID, list[UUID | None]] = {}
            for nurse_id, skill in links.order_by().values_list("nurse_id", "specialization_id"):
                skills.setdefault(nurse_id, []).append(skill)
            for row in rows:
                for one in skills.get(row["id"], [None]):
                    found.setdefault(one, []).append(row["id"])
    return dict(sorted(found.items(), key=lambda group: (group[0] is None, str(group[0]))))


def _visits(rows: Rows, period: Period) -> QuerySet[Appointment]:
    return Appointment.objects.filter(
        nurse_id__in=[row["id"] for row in rows],
        status__in=TAKING_TIME,
        start__gte=period.since,
        start__lt=period.until,
    ).order_by()


def _booked_by_day(rows: Rows, period: Period) -> Minutes:
    day = TruncDate("start", tzinfo=period.zone)
    return _booked(_visits(rows, period).annotate(group=day))


def _booked_by_nurse(rows: Rows, period: Period) -> Minutes:
    return _booked(_visits(rows, period).annotate(group=F("nurse_id")))


def _booked(visits: QuerySet[Any]) -> Minutes:
    minutes = Sum(EpochMinute("end") - EpochMinute("start"))
    return dict(visits.values("group").annotate(minutes=minutes).values_list("group", "minutes"))


def _worked_by_nurse(rows: Rows, period: Period) -> Minutes:
    return {
        nurse_id: sum(end - start for start, end in ranges)
        for nurse_id, ranges in _ranges(rows, period)
    }


def _worked_by_day(rows: Rows, period: Period) -> Minutes:
    days = [*period.days(), period.end]
    edges = [period.edge(day) for day in days]
    found: Counter[date] = Counter()
    for _, ranges in _ranges(rows, period):
        for start, end in ranges:
            at = bisect_right(edges, start) - 1
            while start < end:
                reached = min(end, edges[at + 1])
                found[days[at]] += reached - start
                start, at = reached, at + 1
    return found


def _ranges(rows: Rows, period: Period) -> Iterable[tuple[UUID, list[slots.hours.Range]]]:
    """Yield the ranges of UTC minutes in which each nurse works, cut at the ends of the period."""
    zones = {row["id"]: ZoneInfo(row["time_zone"]) for row in rows}
    hours, holidays = hours_of(zones, since=period.since - AROUND, until=period.until + AROUND)
    begins, ends = period.edge(period.first), period.edge(period.end)
    for nurse_id, zone in zones.items():
        first, last = slots.local_date(zone, begins), slots.local_date(zone, ends)
        free = slots.free_ranges(hours[nurse_id], holidays, first, last)
        yield (
            nurse_id,
            [
                (max(start, begins), min(end, ends))
                for start, end in free
                if start < ends and end > begins
            ],
        )


def _by_week(minutes: Minutes) -> Minutes:
    found: Counter[date] = Counter()
    for day, number in minutes.items():
        found[monday_of(day)] += number
    return found


def _figures(booked: int, worked: int) -> Figures:
    return {
        "booked_minutes": booked,
        "worked_minutes": worked,
        "utilisation": rate(booked, worked),
    }
