"""Which visits and holds their nurses' hours and licenses cover (scheduling reference, section 11)."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Max, Min, OuterRef, Subquery

from scheduling import slots
from scheduling.models import (
    ACTIVE_STATUSES,
    Appointment,
    AppointmentChange,
    Nurse,
    SlotHold,
    WaitlistEntry,
)
from scheduling.selectors.nurse_calendars import hours_of

AROUND = timedelta(days=2)
ONE_DAY = timedelta(days=1)
PLACED = (AppointmentChange.Kind.BOOKED, AppointmentChange.Kind.RESCHEDULED)
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Outside:
    """
    A visit that lies outside; `reason` is hours, license or inactive.

    The names are for the clinic's people, who decide what becomes of the visit.
    """

    appointment_id: UUID
    nurse_id: UUID
    nurse_name: str
    patient_id: UUID
    patient_name: str
    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand: the visits and holds outside, and in UTC minutes when each nurse can be booked at all."""

    outside: Mapping[UUID, Outside]
    holds_outside: Mapping[UUID, SlotHold]
    bookable: Mapping[UUID, tuple[slots.hours.Range, ...]]


def standing(
    *, nurse_ids: Collection[UUID], since: datetime, until: datetime, now: datetime
) -> Standing:
    """Return what of the nurses' active visits and live holds that start in (since, until) lies outside."""
    rows = Nurse.objects.filter(pk__in=nurse_ids).order_by("id")
    nurses = {
        row["id"]: row
        for row in rows.values("id", "first_name", "last_name", "time_zone", "license_state",
                               "license_expires_on", "active")
    }  # fmt: skip
    zones = {nurse_id: ZoneInfo(row["time_zone"]) for nurse_id, row in nurses.items()}
    hours, holidays = hours_of(zones, since=since - AROUND, until=until + AROUND)
    free = {
        nurse_id: _free(hours[nurse_id], holidays, since, until) for nurse_id, row in nurses.items()
    }
    outside: dict[UUID, Outside] = {}
    for visit in _visits(nurses, since, until):
        nurse = nurses[visit["nurse_id"]]
        reason = _reason(visit, nurse, zones[visit["nurse_id"]], free[visit["nurse_id"]])
        if reason:
            outside[visit["id"]] = _outside(visit, nurse, reason)
    holds = SlotHold.objects.filter(
        nurse_id__in=nurses,
        state=SlotHold.State.LIVE,
        expires_at__gt=now,
        start__gt=since,
        start__lt=until,
    ).order_by("start", "id")
    lost = {
        hold.pk: hold
        for hold in holds
        if not (
            nurses[hold.nurse_id]["active"] and _covers(free[hold.nurse_id], hold.start, hold.end)
        )
    }
    bookable = {key: _bookable(free[key], row, zones[key]) for key, row in nurses.items()}
    return Standing(outside, lost, bookable)


def last_active_start(*, nurse_ids: Collection[UUID], now: datetime) -> datetime:
    """Return the start of the last active visit or live hold ahead of these nurses; `now` if there is none."""
    visits = Appointment.objects.filter(
        nurse_id__in=nurse_ids, status__in=ACTIVE_STATUSES, start__gt=now
    ).order_by("-start")
    holds = SlotHold.objects.filter(
        nurse_id__in=nurse_ids, state=SlotHold.State.LIVE, expires_at__gt=now
    ).order_by("-start")
    found = [rows.values_list("start", flat=True).first() for rows in (visits, holds)]
    return max([now, *filter(None, found)])


def wished_dates() -> dict[UUID | None, tuple[date, date]]:
    """Return the first and the last date for which somebody waits, by nurse; None stands for any nurse."""
    waiting = WaitlistEntry.objects.filter(status=WaitlistEntry.Status.WAITING).order_by()
    found = waiting.values("nurse_id").annotate(first=Min("earliest"), last=Max("latest"))
    return {row["nurse_id"]: (row["first"], row["last"]) for row in found}


def orphaned_visits(
    *, now: datetime, nurse_ids: Collection[UUID] | None = None
) -> list[Appointment]:
    """Return the visits ahead that somebody has to decide on, of these nurses or of all, earliest first."""
    rows = Appointment.objects.filter(orphaned=True, status__in=ACTIVE_STATUSES, start__gt=now)
    if nurse_ids is not None:
        rows = rows.filter(nurse_id__in=nurse_ids)
    return list(rows.select_related("patient", "nurse", "visit_type").order_by("start", "id"))


def placed_by_decision(*, appointment_ids: Collection[UUID], reason: str) -> set[UUID]:
    """Return which of the visits stand where they do because staff overrode the rules, with that reason."""
    last = AppointmentChange.objects.filter(appointment=OuterRef("pk"), kind__in=PLACED)
    rows = Appointment.objects.filter(pk__in=appointment_ids).annotate(
        why=Subquery(last.order_by("-version").values("reason")[:1])
    )
    return set(rows.filter(why=reason).order_by().values_list("pk", flat=True))


def _visits(
    nurses: Collection[UUID], since: datetime, until: datetime
) -> Iterator[Mapping[str, Any]]:
    rows = Appointment.objects.filter(
        nurse_id__in=nurses, status__in=ACTIVE_STATUSES, start__gt=since, start__lt=until
    )
    yield from rows.order_by("start", "id").values(
        "id", "nurse_id", "patient_id", "start", "end", "patient__first_name",
        "patient__last_name", "patient__state", "visit_type__in_patient_state",
    )  # fmt: skip


def _free(
    hours: slots.Hours, holidays: Collection[date], since: datetime, until: datetime
) -> tuple[slots.hours.Range, ...]:
    first = slots.local_date(hours.zone, slots.to_minute(since))
    last = slots.local_date(hours.zone, slots.to_minute(until))
    return tuple(slots.free_ranges(hours, holidays, first, last + ONE_DAY))


def _bookable(
    free: tuple[slots.hours.Range, ...], nurse: Mapping[str, Any], zone: ZoneInfo
) -> tuple[slots.hours.Range, ...]:
    """Return the free ranges of an active nurse, as far as the license lasts."""
    if not nurse["active"]:
        return ()
    last = nurse["license_expires_on"]
    expires = slots.edge_to_minute(zone, last, slots.zones.MINUTES_PER_DAY, is_end=True)
    return tuple((start, min(end, expires)) for start, end in free if start < expires)


def _covers(free: tuple[slots.hours.Range, ...], start: datetime, end: datetime) -> bool:
    begins, ends = slots.to_minute(start), slots.to_minute(end)
    at = bisect_right(free, (begins, 1 << 62)) - 1
    return at >= 0 and ends <= free[at][1]


def _reason(
    visit: Mapping[str, Any],
    nurse: Mapping[str, Any],
    zone: ZoneInfo,
    free: tuple[slots.hours.Range, ...],
) -> str:
    if not nurse["active"]:
        return "inactive"
    last = slots.local_date(zone, slots.to_minute(visit["end"]) - 1)
    elsewhere = nurse["license_state"] != visit["patient__state"]
    if last > nurse["license_expires_on"] or (visit["visit_type__in_patient_state"] and elsewhere):
        return "license"
    return "" if _covers(free, visit["start"], visit["end"]) else "hours"


def _outside(visit: Mapping[str, Any], nurse: Mapping[str, Any], reason: str) -> Outside:
    return Outside(
        appointment_id=visit["id"],
        nurse_id=nurse["id"],
        nurse_name=f"{nurse['first_name']} {nurse['last_name']}",
        patient_id=visit["patient_id"],
        patient_name=f"{visit['patient__first_name']} {visit['patient__last_name']}".strip(),
        start=visit["start"],
        end=visit["end"],
        reason=reason,
    )
