"""
Recurring visits: previewed, booked and cancelled together (scheduling reference, section 10).

The members of a series are ordinary visits. Whatever is done to several of them is one transaction under one set of
locks, and each is held to the rules by itself. `series_moves` moves them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from scheduling import slots
from scheduling.exceptions import (
    InvalidTime,
    LimitReached,
    NotAvailable,
    NurseUnknown,
    SchedulingError,
)
from scheduling.models import (
    Appointment,
    AppointmentChange,
    AppointmentSeries,
    Nurse,
    Patient,
    VisitType,
)
from scheduling.models.appointments import MOST_MEMBERS
from scheduling.selectors.appointments import change_rule, count_upcoming
from scheduling.selectors.nurse_calendars import minute_of_day
from scheduling.selectors.series import Member, Wanted, judged_members
from scheduling.services.outbox import announce
from scheduling.services.rules import PATIENT_SOURCES, span_of, visit_type_with_code
from scheduling.services.series_members import (
    OnConflict,
    Scope,
    SeriesResult,
    expire_holds_of,
    first_of_each_nurse,
    locked_members,
    refuse_conflicts,
    refuse_late_changes,
    wanted_at,
)
from scheduling.services.transactions import lock_nurses, lock_patient, run_atomically
from scheduling.services.transitions import advance, record

Kind = AppointmentChange.Kind
FARTHEST_FIRST = timedelta(days=731)  # beyond every clinic's horizon


@dataclass(frozen=True, slots=True)
class Pattern:
    """
    When a series takes place: local date and time in the nurse's zone, `count` times or until a date (inclusive).
    """

    first_date: date
    start_time: time
    every_weeks: int = 1
    count: int | None = None
    until: date | None = None


def preview_series(
    *, patient_id: UUID, nurse_id: UUID, visit_type: str, pattern: Pattern, now: datetime
) -> tuple[Member, ...]:
    """
    Return each visit of a series with what stands against it and the nearest alternative; nothing is stored.

    Raises:
        SchedulingError: the pattern is none.
        InvalidTime: it begins in the past, or far too late.
        NurseUnknown, NotAvailable: there is no such nurse or kind of visit.
    """
    nurse = Nurse.objects.filter(pk=nurse_id).first()
    if nurse is None:
        raise NurseUnknown("There is no such nurse.")
    return judged_members(
        wanted=_wanted(pattern, nurse, now),
        nurse_id=nurse_id,
        patient_id=patient_id,
        visit_type=visit_type,
        now=now,
    )


def book_series(
    *,
    patient_id: UUID,
    nurse_id: UUID,
    visit_type: str,
    pattern: Pattern,
    source: str,
    actor: str,
    now: datetime,
    reason: str = "",
    on_conflict: OnConflict = "fail",
) -> SeriesResult:
    """
    Book all visits of a series, or with `on_conflict="skip"` those that are possible.

    The patient gets one confirmation, which says how many visits there are, and reminders of each.

    Raises:
        SeriesConflict: a visit is not possible, or none is; `members` says which and what is near.
        SchedulingError, InvalidTime: as in `preview_series`.
        NotAvailable, LimitReached: the patient cannot book these alone, or is not cared for any more.
        NurseUnknown, NotFound: there is no such nurse or patient.
        Busy: the database was too busy.
    """

    def work() -> SeriesResult:
        kind = visit_type_with_code(visit_type)
        nurse = lock_nurses([nurse_id])[nurse_id]
        patient = lock_patient(patient_id)
        if not patient.active or patient.deceased:
            raise NotAvailable("Visits cannot be booked for this patient.")
        wanted = _wanted(pattern, nurse, now)
        expire_holds_of(nurse, now)
        members = judged_members(
            wanted=wanted, nurse_id=nurse_id, patient_id=patient_id, visit_type=visit_type, now=now
        )
        possible = [member for member in members if not member.conflict]
        refuse_conflicts(members, possible, on_conflict)
        if source in PATIENT_SOURCES:
            _refuse_what_patients_may_not(kind, patient, len(possible), now)
        series = AppointmentSeries.objects.create(
            patient=patient,
            nurse=nurse,
            visit_type=kind,
            first_date=pattern.first_date,
            start_time=pattern.start_time,
            time_zone=nurse.time_zone,
            every_weeks=pattern.every_weeks,
            count=pattern.count,
            until=pattern.until,
            source=source,
            actor=actor,
        )
        visits = [
            _insert(series, member, nurse, reason=reason, source=source, actor=actor, now=now)
            for member in possible
        ]
        for number, visit in enumerate(visits):
            announce(
                appointment=visit,
                kind=Kind.BOOKED,
                now=now,
                tells_of=0 if number else len(visits),
                tells_nurses=not number,
            )
        skipped = tuple(member for member in members if member.conflict)
        return SeriesResult(series, tuple(visits), skipped)

    return run_atomically(work)


def cancel_series(
    *,
    appointment_id: UUID,
    scope: Scope,
    source: str,
    actor: str,
    now: datetime,
    reason: str = Appointment.CancellationReason.PATIENT,
    reason_text: str = "",
) -> SeriesResult:
    """
    Cancel visits of a series that are still ahead: `appointment_id`, those from it on, or all, also those moved alone.

    The patient is told once, how many they are and when the first would have been; each nurse is told of
    her first one.

    Raises:
        NotFound: there is no such visit of a series.
        TooLate: for a patient, if the first of them begins too soon.
        SchedulingError: `reason` is none of the five codes.
        Busy: the database was too busy.
    """
    if reason not in Appointment.CancellationReason.values:
        raise SchedulingError("Choose one of the reasons.")

    def work() -> SeriesResult:
        series, visits = locked_members(appointment_id, scope, now)
        refuse_late_changes(visits, source, now)
        tells_nurses = first_of_each_nurse(visits)
        cancelled = tuple(
            advance(
                appointment=visit,
                kind=Kind.CANCELLED,
                source=source,
                actor=actor,
                now=now,
                reason=reason_text or reason,
                changes={
                    "cancelled_at": now,
                    "cancelled_by": actor,
                    "cancellation_reason": reason,
                    "cancellation_note": reason_text,
                    "late": visit.late or change_rule(start=visit.start, now=now) != "free",
                },
                tells_of=0 if number else len(visits),
                tells_nurses=visit.pk in tells_nurses,
            )
            for number, visit in enumerate(visits)
        )
        return SeriesResult(series, cancelled)

    return run_atomically(work)


def _wanted(pattern: Pattern, nurse: Nurse, now: datetime) -> tuple[Wanted, ...]:
    """Return the visits that a pattern asks for, each with its instant in the nurse's zone."""
    _refuse_odd_patterns(pattern, now)
    zone = ZoneInfo(nurse.time_zone)
    minute = minute_of_day(pattern.start_time)
    found = slots.occurrences(
        zone=zone,
        first=pattern.first_date,
        minute_of_day=minute,
        every_weeks=pattern.every_weeks,
        most=pattern.count or MOST_MEMBERS + 1,
        until=pattern.until,
    )
    if len(found) > MOST_MEMBERS:
        raise SchedulingError(f"A series has at most {MOST_MEMBERS} visits.")
    return tuple(wanted_at(zone, one.index, one.day, minute) for one in found)


def _refuse_odd_patterns(pattern: Pattern, now: datetime) -> None:
    today = now.astimezone(UTC).date()
    if not today - timedelta(days=1) <= pattern.first_date <= today + FARTHEST_FIRST:
        raise InvalidTime("A series begins between today and two years from now.")
    if pattern.start_time.second or pattern.start_time.microsecond:
        raise InvalidTime("A visit begins at a whole minute.", reason="grid")
    if not 1 <= pattern.every_weeks <= MOST_MEMBERS:
        raise SchedulingError(f"A series repeats every 1 to {MOST_MEMBERS} weeks.")
    if (pattern.count is None) == (pattern.until is None):
        raise SchedulingError("Give the number of visits, or the last day.")
    if pattern.count is not None and not 1 <= pattern.count <= MOST_MEMBERS:
        raise SchedulingError(f"A series has 1 to {MOST_MEMBERS} visits.")
    if pattern.until is not None and pattern.until < pattern.first_date:
        raise SchedulingError("The last day is before the first.")


def _refuse_what_patients_may_not(
    kind: VisitType, patient: Patient, number: int, now: datetime
) -> None:
    if not kind.bookable_by_phone:
        raise NotAvailable("That kind of visit is arranged by a person.")
    if count_upcoming(patient_id=patient.pk, now=now) + number > settings.LIMIT_FUTURE_BOOKINGS:
        raise LimitReached("There would be more visits ahead than one can book alone.")


def _insert(
    series: AppointmentSeries,
    member: Member,
    nurse: Nurse,
    *,
    reason: str,
    source: str,
    actor: str,
    now: datetime,
) -> Appointment:
    if member.start is None:
        raise SchedulingError("A visit needs a time.")
    span = span_of(start=member.start, visit_type=series.visit_type, nurse=nurse)
    visit = Appointment.objects.create(
        patient=series.patient,
        nurse=nurse,
        visit_type=series.visit_type,
        start=span.start,
        end=span.end,
        blocked_from=span.blocked_from,
        blocked_until=span.blocked_until,
        source=source,
        reason=reason,
        series=series,
        series_index=member.index,
    )
    record(visit, kind=Kind.BOOKED, old={}, source=source, actor=actor, now=now)
    return visit
