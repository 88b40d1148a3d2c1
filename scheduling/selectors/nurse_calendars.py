"""
What a search needs to know, read in five queries whatever the numbers.

The kind of visit with the clinic's rules, the nurses, their windows, the changes of their hours with the holidays, and
what is taken. Times come out of the database as whole minutes, and what is taken as one row for each nurse: making
tens of thousands of rows into objects costs more than the whole search (scheduling reference, section 4).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import (
    Case,
    CharField,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TimeField,
    UUIDField,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from scheduling import slots
from scheduling.exceptions import NotAvailable
from scheduling.models import (
    Appointment,
    Availability,
    AvailabilityOverride,
    CareAssignment,
    Clinic,
    Holiday,
    Nurse,
    Patient,
    VisitType,
)
from scheduling.selectors.calendar import ClinicProfile
from scheduling.selectors.packed_minutes import EpochMinute, Spans, numbers_of, one_of
from scheduling.selectors.taken_times import OWN_VISIT, VISIT, id_of, ranges_of, taken_times

AROUND = timedelta(days=2)  # whole local days and night shifts on both sides of a range
WEST, EAST = timedelta(hours=12), timedelta(hours=14)  # how far clocks differ from UTC
SEEN_WITHIN = timedelta(days=365)
DEFAULTS = ClinicProfile()
NOBODY = UUID(int=0)  # no row has this id
NO_DATE = 0  # stands for no date in packed rows


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of visit with the rules of the clinic that bear on it; times in minutes."""

    code: str
    length: int
    specialization_id: UUID | None
    in_patient_state: bool
    patience: int
    notice: int
    horizon: int
    step: int


def kind_of_visit(code: str) -> Kind:
    """
    Return the kind of visit that has a code, with the clinic's rules.

    Raises:
        NotAvailable: there is none in use.
    """
    clinic = Clinic.objects.all()
    row = (
        VisitType.objects.filter(code=code, active=True)
        .annotate(
            notice=Subquery(clinic.values("minimum_notice_minutes")[:1]),
            horizon=Subquery(clinic.values("horizon_days")[:1]),
            step=Subquery(clinic.values("slot_step_minutes")[:1]),
        )
        .values(
            "length_minutes", "specialization_id", "in_patient_state",
            "continuity_patience_days", "notice", "horizon", "step",
        )
        .first()
    )  # fmt: skip
    if row is None:
        raise NotAvailable("There is no such kind of visit.")
    return Kind(
        code=code,
        length=row["length_minutes"],
        specialization_id=row["specialization_id"],
        in_patient_state=row["in_patient_state"],
        patience=row["continuity_patience_days"] * slots.zones.MINUTES_PER_DAY,
        notice=_given(row["notice"], DEFAULTS.minimum_notice_minutes),
        horizon=_given(row["horizon"], DEFAULTS.horizon_days) * slots.zones.MINUTES_PER_DAY,
        step=_given(row["step"], DEFAULTS.slot_step_minutes),
    )


def _given(value: int | None, default: int) -> int:
    return default if value is None else value


def nurses_for(
    kind: Kind,
    *,
    patient_id: UUID | None,
    now: datetime,
    nurse_ids: Collection[UUID] | None = None,
    specialization_id: UUID | None = None,
    language: str | None = None,
    skilled: bool = True,
) -> list[dict[str, Any]]:
    """Return the nurses who may make the visit; `skilled=False` keeps those without the specialization, marked."""
    patient = patient_id or NOBODY
    assigned = CareAssignment.objects.filter(nurse=OuterRef("pk"), patient_id=patient)
    seen = Appointment.objects.filter(
        patient_id=patient, status=Appointment.Status.FULFILLED, start__gt=now - SEEN_WITHIN
    ).order_by("-start")
    skills = Nurse.specializations.through.objects.filter(nurse_id=OuterRef("pk"))
    needed = [wanted for wanted in (kind.specialization_id, specialization_id) if wanted]
    has_all = Q()
    for wanted in needed:
        has_all &= Q(Exists(skills.filter(specialization_id=wanted)))
    nurses = Nurse.objects.filter(active=True)
    if nurse_ids is not None:
        nurses = nurses.filter(pk__in=list(nurse_ids))
    if patient_id is not None:
        nurses = nurses.exclude(Exists(assigned.filter(closed=True)))
    if skilled and needed:
        nurses = nurses.filter(has_all)
    rows = nurses.annotate(
        care_rank=Case(
            When(Exists(assigned.filter(primary=True)), then=0),
            When(Exists(assigned), then=1),
            When(pk=Subquery(seen.values("nurse_id")[:1]), then=2),
            default=3,
            output_field=IntegerField(),
        )
        if patient_id is not None
        else Value(3),
        skilled=Case(When(has_all, then=True), default=False) if needed else Value(True),
        patient_state=Subquery(Patient.objects.filter(pk=patient).values("state")[:1]),
    ).values(
        "id", "first_name", "last_name", "time_zone", "languages", "license_state",
        "license_expires_on", "buffer_before_minutes", "buffer_after_minutes",
        "slot_step_minutes", "slot_offset_minutes", "daily_cap", "care_rank", "skilled",
        "patient_state",
    )  # fmt: skip
    # Languages are a JSON list, which the two databases search in different ways.
    return [
        dict(row) for row in rows.order_by("id") if language is None or language in row["languages"]
    ]


@dataclass(frozen=True, slots=True)
class Calendars:
    """The nurses' calendars by id, the patient's own visits in UTC minutes, and the holidays."""

    by_nurse: dict[UUID, slots.Calendar]
    patient_visits: tuple[slots.hours.Range, ...]
    holidays: frozenset[date]


def calendars_of(
    kind: Kind,
    nurses: list[dict[str, Any]],
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    patient_id: UUID | None = None,
    ignore_appointment_id: UUID | None = None,
    ignore_appointment_ids: Collection[UUID] = (),
    hold_owner: str = "",
    whole_weeks: bool = False,
) -> Calendars:
    """Return the calendars of `nurses` for starts in [since, until), or for every ISO week that these touch."""
    since, until = _read_range(since, until, whole_weeks=whole_weeks)
    ids = [row["id"] for row in nurses]
    zones = {row["id"]: ZoneInfo(row["time_zone"]) for row in nurses}
    hours, holidays = hours_of(zones, since=since, until=until)
    visits: dict[UUID, list[slots.hours.Range]] = {}
    blocked: dict[UUID, list[slots.hours.Range]] = {}
    patient_visits: list[slots.hours.Range] = []
    ignored = [*ignore_appointment_ids, *filter(None, [ignore_appointment_id])]
    taken = taken_times(ids, since, until, now, patient_id, ignored, hold_owner)
    for owner_id, bare, buffered, what in taken:
        times = ranges_of(bare)
        if what == OWN_VISIT:
            patient_visits += times
            continue
        blocked.setdefault(id_of(owner_id), []).extend(times + ranges_of(buffered))
        if what == VISIT:
            visits[id_of(owner_id)] = times
    by_nurse = {
        row["id"]: slots.Calendar(
            hours=hours[row["id"]],
            step=row["slot_step_minutes"] or kind.step,
            offset=row["slot_offset_minutes"],
            buffer_before=row["buffer_before_minutes"],
            buffer_after=row["buffer_after_minutes"],
            daily_cap=row["daily_cap"],
            licensed=not kind.in_patient_state or row["license_state"] == row["patient_state"],
            licensed_until=row["license_expires_on"],
            visits=tuple(visits.get(row["id"], ())),
            blocked=tuple(blocked.get(row["id"], ())),
        )
        for row in nurses
    }
    return Calendars(by_nurse, tuple(patient_visits), holidays)


def _read_range(
    since: datetime, until: datetime, *, whole_weeks: bool
) -> tuple[datetime, datetime]:
    """Return the range to read for starts in [since, until): whole local days in every zone, or whole weeks."""
    lowest, highest = since - AROUND, until + AROUND
    if whole_weeks:
        first, last = (since.astimezone(UTC) - WEST).date(), (until.astimezone(UTC) + EAST).date()
        monday = first - timedelta(days=first.weekday())
        next_monday = last + timedelta(days=7 - last.weekday())
        lowest = min(lowest, datetime.combine(monday, time(), UTC) - EAST)
        highest = max(highest, datetime.combine(next_monday, time(), UTC) + WEST)
    return lowest, highest


def hours_of(
    zones: Mapping[UUID, ZoneInfo], *, since: datetime, until: datetime
) -> tuple[dict[UUID, slots.Hours], frozenset[date]]:
    """Return the hours of the nurses with these ids and zones, and the holidays, in two queries."""
    ids = list(zones)
    weekly = dict(_windows(ids, since, until))
    dates: dict[UUID, list[slots.DateWindow]] = {}
    time_off: dict[UUID, list[slots.hours.Range]] = {}
    holidays: set[date] = set()
    for nurse_id, effect, day, start, end, off_from, off_until in _changes(ids, since, until):
        if effect == "holiday":
            holidays.add(day)
        elif day is None:
            time_off.setdefault(id_of(nurse_id), []).append((off_from, off_until))
        else:
            change = slots.DateWindow(
                day=day,
                effect=effect,
                start=None if start is None else minute_of_day(start),
                end=None if end is None else minute_of_day(end),
            )
            dates.setdefault(id_of(nurse_id), []).append(change)
    hours = {
        nurse_id: slots.Hours(
            zone=zone,
            weekly=weekly.get(nurse_id, ()),
            dates=tuple(dates.get(nurse_id, ())),
            time_off=tuple(time_off.get(nurse_id, ())),
        )
        for nurse_id, zone in zones.items()
    }
    return hours, frozenset(holidays)


def _windows(
    ids: list[UUID], since: datetime, until: datetime
) -> Iterator[tuple[UUID, tuple[slots.WeeklyWindow, ...]]]:
    """Yield the windows of each nurse who has some, in one row for each."""
    rows = Availability.objects.filter(
        Q(valid_from=None) | Q(valid_from__lte=until.date() + timedelta(days=1)),
        Q(valid_until=None) | Q(valid_until__gte=since.date() - timedelta(days=1)),
        one_of("nurse_id", ids, connection.vendor),
    )
    packed = Spans(
        "weekday",
        EpochMinute("start"),
        EpochMinute("end"),
        Coalesce(EpochMinute("valid_from"), NO_DATE),
        Coalesce(EpochMinute("valid_until"), NO_DATE),
        Case(When(kind=Availability.Kind.BREAK, then=1), default=0),
    )
    grouped = rows.order_by().values("nurse_id").annotate(packed=packed)
    weeks: QuerySet[Any, Any] = grouped.values_list("nurse_id", "packed")
    for nurse_id, windows in weeks:
        yield nurse_id, _week(windows)


@lru_cache(maxsize=4_096)
def _week(packed: bytes | str) -> tuple[slots.WeeklyWindow, ...]:
    """Return the windows that a nurse's row holds; many nurses share a pattern, so it is kept."""
    return tuple(
        slots.WeeklyWindow(
            weekday=weekday,
            start=start % slots.zones.MINUTES_PER_DAY,
            end=end % slots.zones.MINUTES_PER_DAY,
            valid_from=_date(first),
            valid_until=_date(last),
            is_break=bool(is_break),
        )
        for weekday, start, end, first, last, is_break in zip(
            *[iter(numbers_of(packed))] * 6, strict=True
        )
    )


def _date(minute: int) -> date | None:
    return None if minute == NO_DATE else slots.to_instant(minute).date()


def _changes(ids: list[UUID], since: datetime, until: datetime) -> QuerySet[Any, Any]:
    """Return changes of hours and, in the same query, the holidays as rows without a nurse."""
    first, last = since.date() - timedelta(days=1), until.date() + timedelta(days=1)
    rows = AvailabilityOverride.objects.filter(
        Q(date__range=(first, last)) | Q(ends_at__gt=since, starts_at__lt=until),
        one_of("nurse_id", ids, connection.vendor),
    )
    changes = rows.order_by().values_list(
        "nurse_id",
        "effect",
        "date",
        "start",
        "end",
        EpochMinute("starts_at"),
        EpochMinute("ends_at"),
    )
    holidays = Holiday.objects.filter(date__range=(first, last)).order_by()
    nothing = [
        Value(None, output_field=field())
        for field in (TimeField, TimeField, IntegerField, IntegerField)
    ]
    nobody = Value(None, output_field=UUIDField())
    what = Value("holiday", output_field=CharField())
    return changes.union(holidays.values_list(nobody, what, "date", *nothing), all=True)


def minute_of_day(moment: time) -> int:
    """Return a time of day as minutes after midnight."""
    return moment.hour * 60 + moment.minute
