"""
Free starts for visits, by whatever the asker cares about; one engine for every door.

Five queries whatever the numbers: the kind of visit with the clinic's rules, the nurses, their windows, the changes
of their hours with the holidays, and what is taken. Times come out of the database as whole minutes: making twelve
thousand rows into date-times costs more than the whole search (scheduling reference, section 4).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    CharField,
    Exists,
    Func,
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

from scheduling import slots
from scheduling.clock import clinic_zone
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
    SlotHold,
    VisitType,
)
from scheduling.models.appointments import ACTIVE_STATUSES
from scheduling.selectors.calendar import ClinicProfile
from scheduling.slots.ranking import rotation

PartOfDay = Literal["morning", "afternoon", "evening"]
PARTS: dict[str, tuple[int, int]] = {
    "morning": (360, 720),
    "afternoon": (720, 1020),
    "evening": (1020, 1320),
}
WHOLE_DAY = (0, 1440)
AROUND = timedelta(days=2)  # whole local days and night shifts on both sides of a range
SEEN_WITHIN = timedelta(days=365)
LOAD_STEP = 5
SPOKEN_POOL = 60
DEFAULTS = ClinicProfile()
NOBODY = UUID(int=0)  # no row has this id
RANK = {"no_hours": 0, "notice": 1, "license": 2, "cap": 3, "fully_booked": 4, "gap_too_short": 5}


@dataclass(frozen=True, slots=True)
class Opening:
    """A free time with a nurse; `start` and `end` are UTC, `visit_type` is a code."""

    nurse_id: UUID
    nurse_name: str
    visit_type: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Openings:
    """What was found; without slots `reason` says which step left nothing."""

    slots: tuple[Opening, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of visit with the rules of the clinic that bear on it."""

    code: str
    length: int
    specialization_id: UUID | None
    in_patient_state: bool
    patience: int
    notice: int
    horizon: int
    step: int


def find_openings(
    *,
    now: datetime,
    since: datetime,
    until: datetime,
    visit_type: str = "routine",
    patient_id: UUID | None = None,
    nurse_ids: Collection[UUID] | None = None,
    specialization_id: UUID | None = None,
    language: str | None = None,
    part_of_day: PartOfDay | None = None,
    earliest: time | None = None,
    latest: time | None = None,
    zone: ZoneInfo | None = None,
    limit: int = 20,
    order: Literal["start", "care"] = "start",
    spread: bool = False,
    ignore_appointment_id: UUID | None = None,
    hold_owner: str = "",
    exclude: Collection[tuple[UUID, datetime]] = (),
) -> Openings:
    """
    Return free starts in [since, until), at most `limit`.

    `part_of_day`, `earliest` (inclusive) and `latest` (exclusive) are read in `zone`, the patient's; without one in
    the clinic's. `order="start"` uses continuity of care for ties only, `"care"` puts the patient's own nurses
    first; `spread` chooses spoken offers, which are not all next to each other. Holds of `hold_owner` and the visit
    `ignore_appointment_id` do not count as taken.

    Raises:
        NotAvailable: there is no such kind of visit.
    """
    kind = _kind(visit_type)
    nurses = _nurses(
        kind,
        patient_id=patient_id,
        nurse_ids=nurse_ids,
        specialization_id=specialization_id,
        language=language,
        now=now,
    )
    calendars, patient_visits, holidays = _calendars(
        kind,
        nurses,
        since=since - AROUND,
        until=until + AROUND,
        now=now,
        patient_id=patient_id,
        ignore_appointment_id=ignore_appointment_id,
        hold_owner=hold_owner,
    )
    request = _request(kind, since, until, now, patient_visits, holidays)
    asked = replace(request, zone=zone or clinic_zone(), part=_part(part_of_day, earliest, latest))
    candidates = {
        row["id"]: _candidate(row, calendars[row["id"]], asked, patient_id) for row in nurses
    }
    streams = [
        (candidates[nurse_id], slots.starts(calendar, asked))
        for nurse_id, calendar in calendars.items()
    ]
    merged = (
        slots.by_care(streams, patience=kind.patience)
        if order == "care"
        else slots.by_start(streams)
    )
    excluded = {(str(nurse_id), slots.to_minute(start)) for nurse_id, start in exclude}
    found: list[tuple[int, slots.Candidate]] = []
    for start, candidate in merged:
        if (candidate.key, start) in excluded:
            continue
        found.append((start, candidate))
        if len(found) == (max(limit, SPOKEN_POOL) if spread else limit):
            break
    if spread:
        found = slots.spread_out(found, limit)
    if not found:
        return Openings((), "fully_booked" if excluded else _reason(calendars.values(), asked))
    names = {str(row["id"]): f"{row['first_name']} {row['last_name']}" for row in nurses}
    length = timedelta(minutes=kind.length)
    return Openings(
        tuple(
            Opening(
                nurse_id=UUID(candidate.key),
                nurse_name=names[candidate.key],
                visit_type=kind.code,
                start=slots.to_instant(start),
                end=slots.to_instant(start) + length,
            )
            for start, candidate in found
        )
    )


def check_start(
    *,
    nurse_id: UUID,
    patient_id: UUID | None,
    start: datetime,
    visit_type: str,
    now: datetime,
    hold_owner: str = "",
    ignore_appointment_id: UUID | None = None,
) -> str:
    """
    Return why a visit cannot begin at `start`, or nothing when it can: the eight rules, asked once more.

    Reasons: `not_available`, `specialization`, `license`, `notice`, `horizon`, `no_hours`, `grid`, `patient_busy`,
    `taken`, `buffer`, `cap`. To be asked under the locks of nurse and patient.
    """
    kind = _kind(visit_type)
    nurses = _nurses(kind, patient_id=patient_id, nurse_ids=[nurse_id], now=now, skilled=False)
    if not nurses:
        return "not_available"
    if not nurses[0]["skilled"]:
        return "specialization"
    calendars, patient_visits, holidays = _calendars(
        kind,
        nurses,
        since=start - AROUND,
        until=start + AROUND,
        now=now,
        patient_id=patient_id,
        ignore_appointment_id=ignore_appointment_id,
        hold_owner=hold_owner,
    )
    request = _request(kind, start, start, now, patient_visits, holidays)
    return slots.judge(calendars[nurse_id], request, slots.to_minute(start))


def _kind(code: str) -> _Kind:
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
    return _Kind(
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


def _nurses(
    kind: _Kind,
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
        nurse=OuterRef("pk"),
        patient_id=patient,
        status=Appointment.Status.FULFILLED,
        start__gt=now - SEEN_WITHIN,
    )
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
            When(Exists(seen), then=2),
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


def _calendars(
    kind: _Kind,
    nurses: list[dict[str, Any]],
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    patient_id: UUID | None,
    ignore_appointment_id: UUID | None,
    hold_owner: str,
) -> tuple[dict[UUID, slots.Calendar], tuple[slots.hours.Range, ...], frozenset[date]]:
    """Return the nurses' calendars, the patient's own visits and the holidays."""
    ids = [row["id"] for row in nurses]
    weekly: dict[UUID, list[slots.WeeklyWindow]] = {}
    for nurse_id, kind_of, weekday, start, end, valid_from, valid_until in _windows(
        ids, since, until
    ):
        window = slots.WeeklyWindow(
            weekday=weekday,
            start=_minute_of_day(start),
            end=_minute_of_day(end),
            valid_from=valid_from,
            valid_until=valid_until,
            is_break=kind_of == Availability.Kind.BREAK,
        )
        weekly.setdefault(nurse_id, []).append(window)
    dates: dict[UUID, list[slots.DateWindow]] = {}
    time_off: dict[UUID, list[tuple[int, int]]] = {}
    holidays: set[date] = set()
    for nurse_id, effect, day, start, end, off_from, off_until in _changes(ids, since, until):
        if effect == "holiday":
            holidays.add(day)
        elif day is None:
            time_off.setdefault(_uuid(nurse_id), []).append((off_from, off_until))
        else:
            change = slots.DateWindow(
                day=day,
                effect=effect,
                start=None if start is None else _minute_of_day(start),
                end=None if end is None else _minute_of_day(end),
            )
            dates.setdefault(_uuid(nurse_id), []).append(change)
    visits: dict[UUID, list[tuple[int, int]]] = {}
    blocked: dict[UUID, list[tuple[int, int]]] = {}
    patient_visits: list[tuple[int, int]] = []
    patient_hex = patient_id.hex if patient_id is not None else ""
    taken = _taken(ids, since, until, now, patient_id, ignore_appointment_id, hold_owner)
    for nurse_id, owner_id, start, end, blocked_from, blocked_until, is_visit in taken:
        blocked.setdefault(_uuid(nurse_id), []).append((blocked_from, blocked_until))
        if is_visit:
            visits.setdefault(_uuid(nurse_id), []).append((start, end))
            if owner_id is not None and str(owner_id).replace("-", "") == patient_hex:
                patient_visits.append((start, end))
    calendars = {
        row["id"]: slots.Calendar(
            hours=slots.Hours(
                zone=ZoneInfo(row["time_zone"]),
                weekly=tuple(weekly.get(row["id"], ())),
                dates=tuple(dates.get(row["id"], ())),
                time_off=tuple(time_off.get(row["id"], ())),
            ),
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
    return calendars, tuple(patient_visits), frozenset(holidays)


def _windows(ids: list[UUID], since: datetime, until: datetime) -> QuerySet[Any, Any]:
    rows = Availability.objects.filter(
        Q(valid_from=None) | Q(valid_from__lte=until.date() + timedelta(days=1)),
        Q(valid_until=None) | Q(valid_until__gte=since.date() - timedelta(days=1)),
        nurse_id__in=ids,
    )
    return rows.order_by().values_list(
        "nurse_id", "kind", "weekday", "start", "end", "valid_from", "valid_until"
    )


def _changes(ids: list[UUID], since: datetime, until: datetime) -> QuerySet[Any, Any]:
    """Return changes of hours and, in the same query, the holidays as rows without a nurse."""
    first, last = since.date() - timedelta(days=1), until.date() + timedelta(days=1)
    rows = AvailabilityOverride.objects.filter(
        Q(date__range=(first, last)) | Q(ends_at__gt=since, starts_at__lt=until), nurse_id__in=ids
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


def _taken(
    ids: list[UUID],
    since: datetime,
    until: datetime,
    now: datetime,
    patient_id: UUID | None,
    ignore_appointment_id: UUID | None,
    hold_owner: str,
) -> QuerySet[Any, Any]:
    """Return active visits of the nurses and of the patient and, in the same query, live holds of others."""
    of_whom = Q(nurse_id__in=ids) | Q(patient_id=patient_id) if patient_id else Q(nurse_id__in=ids)
    visits = Appointment.objects.filter(
        of_whom,
        status__in=ACTIVE_STATUSES,
        blocked_until__gt=since,
        blocked_from__lt=until,
    ).order_by()
    if ignore_appointment_id is not None:
        visits = visits.exclude(pk=ignore_appointment_id)
    holds = SlotHold.objects.filter(
        nurse_id__in=ids,
        state=SlotHold.State.LIVE,
        expires_at__gt=now,
        blocked_until__gt=since,
        blocked_from__lt=until,
    ).order_by()
    if hold_owner:
        holds = holds.exclude(owner=hold_owner)
    spans = [EpochMinute(name) for name in ("start", "end", "blocked_from", "blocked_until")]
    nobody = Value(None, output_field=UUIDField())
    return visits.values_list("nurse_id", "patient_id", *spans, Value(1)).union(
        holds.values_list("nurse_id", nobody, *spans, Value(0)), all=True
    )


class EpochMinute(Func):
    """A moment as whole minutes since 1970, computed by the database."""

    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(EXTRACT(EPOCH FROM %(expressions)s) / 60)::int"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / 60"
        return self.as_sql(compiler, connection, template=template, **context)


def _request(
    kind: _Kind,
    since: datetime,
    until: datetime,
    now: datetime,
    patient_visits: tuple[slots.hours.Range, ...],
    holidays: frozenset[date],
) -> slots.Request:
    earliest = -(-int((now - slots.zones.EPOCH).total_seconds()) // 60) + kind.notice
    return slots.Request(
        length=kind.length,
        since=-(-int((since - slots.zones.EPOCH).total_seconds()) // 60),
        until=-(-int((until - slots.zones.EPOCH).total_seconds()) // 60),
        earliest=earliest,
        latest=slots.to_minute(now) + kind.horizon,
        zone=clinic_zone(),
        holidays=holidays,
        patient_visits=patient_visits,
    )


def _part(
    part_of_day: PartOfDay | None, earliest: time | None, latest: time | None
) -> tuple[int, int] | None:
    if part_of_day is None and earliest is None and latest is None:
        return None
    begin, end = PARTS[part_of_day] if part_of_day else WHOLE_DAY
    return (
        max(begin, _minute_of_day(earliest)) if earliest else begin,
        min(end, _minute_of_day(latest)) if latest else end,
    )


def _candidate(
    row: dict[str, Any], calendar: slots.Calendar, request: slots.Request, patient_id: UUID | None
) -> slots.Candidate:
    key = str(row["id"])
    booked = sum(end - start for start, end in calendar.visits)
    first = slots.local_date(calendar.hours.zone, request.since)
    last = slots.local_date(calendar.hours.zone, request.until)
    free = slots.free_ranges(calendar.hours, request.holidays, first, last)
    worked = sum(end - start for start, end in free)
    share = 100 * booked // worked if worked else 100
    return slots.Candidate(
        key=key,
        care_rank=row["care_rank"],
        load=share // LOAD_STEP,
        rotation=rotation(str(patient_id or ""), key),
    )


def _reason(calendars: Iterable[slots.Calendar], request: slots.Request) -> str:
    """Return the reason of the nurse who came nearest to an opening."""
    reasons = [slots.reason_for_none(calendar, request) for calendar in calendars]
    return max(reasons, key=lambda reason: RANK[reason], default="no_hours")


def _minute_of_day(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _uuid(value: Any) -> UUID:
    """Return a row's id; a union loses the column's type on SQLite."""
    return value if isinstance(value, UUID) else UUID(str(value))
