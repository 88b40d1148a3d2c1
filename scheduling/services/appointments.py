"""
Visits: booked, moved, confirmed, cancelled, and what became of them (scheduling reference, sections 7 and 8).

`source` is the door (contract, section 4), `actor` who came through it, such as "call:<id>" or "user:<id>".
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from scheduling.exceptions import (
    InvalidTransition,
    LimitReached,
    NotAvailable,
    SchedulingError,
    TooLate,
)
from scheduling.models import ACTIVE_STATUSES, Appointment, AppointmentChange
from scheduling.selectors.appointments import change_rule, count_upcoming
from scheduling.selectors.openings import check_start
from scheduling.services.holds import expire_in_the_way, lock_with_holds, use_hold
from scheduling.services.outbox import announce
from scheduling.services.rules import (
    OVERRIDDEN,
    PATIENT_SOURCES,
    raise_for,
    refuse_override,
    span_of,
    visit_type_with_code,
    whole_minute,
)
from scheduling.services.transactions import lock_nurses, lock_patient, run_atomically
from scheduling.services.transitions import (
    advance,
    locked_appointment,
    record,
    store,
)

Status = Appointment.Status
Kind = AppointmentChange.Kind


def book_appointment(
    *,
    patient_id: UUID,
    nurse_id: UUID,
    start: datetime,
    visit_type: str,
    source: str,
    actor: str,
    now: datetime,
    reason: str = "",
    hold_owner: str = "",
    override_hours: bool = False,
    appointment_id: UUID | None = None,
    identifier: str = "",
) -> Appointment:
    """
    Book a visit of the type with code `visit_type`; with `hold_owner`, from the time held for that owner.

    The nurses of that owner's other holds are locked too, for a caller's transaction that releases them next.

    With `override_hours` the clinic's people skip hours, grid, notice, horizon and cap (section 8). `identifier` is
    another system's name for the visit and stays in its history; `appointment_id` is the id that follows from it.

    Raises:
        SlotTaken: the nurse or the patient is busy then, or somebody else holds the time.
        SlotExpired: the owner holds it no longer.
        InvalidTime, NotAvailable: the rules of section 2 refuse the start.
        NurseUnknown, NotFound: there is no such nurse or patient.
        LimitReached: the patient already has as many visits ahead as one may book alone.
        Busy: the database was too busy.
    """
    begins = whole_minute(start)
    refuse_override(source=source, override_hours=override_hours)

    def work() -> Appointment:
        kind = visit_type_with_code(visit_type)
        nurse = lock_with_holds([nurse_id], owner=hold_owner)[nurse_id]
        patient = lock_patient(patient_id)
        if not patient.active or patient.deceased:
            raise NotAvailable("Visits cannot be booked for this patient.")
        if source in PATIENT_SOURCES:
            if not kind.bookable_by_phone:
                raise NotAvailable("That kind of visit is arranged by a person.")
            if count_upcoming(patient_id=patient_id, now=now) >= settings.LIMIT_FUTURE_BOOKINGS:
                raise LimitReached("There are as many visits ahead as one can book alone.")
        span = span_of(start=begins, visit_type=kind, nurse=nurse)
        expire_in_the_way(nurse=nurse, span=span, now=now)
        raise_for(
            check_start(
                nurse_id=nurse_id,
                patient_id=patient_id,
                start=begins,
                visit_type=visit_type,
                now=now,
                hold_owner=hold_owner,
                override_hours=override_hours,
            )
        )
        if hold_owner:
            use_hold(owner=hold_owner, nurse=nurse, start=begins, visit_type=kind, now=now)
        appointment = Appointment.objects.create(
            patient=patient,
            nurse=nurse,
            visit_type=kind,
            start=span.start,
            end=span.end,
            blocked_from=span.blocked_from,
            blocked_until=span.blocked_until,
            source=source,
            reason=reason,
            **({"id": appointment_id} if appointment_id else {}),
        )
        record(
            appointment,
            kind=Kind.BOOKED,
            old={},
            given={"identifier": identifier} if identifier else {},
            source=source,
            actor=actor,
            now=now,
            reason=OVERRIDDEN if override_hours else "",
        )
        announce(appointment=appointment, kind=Kind.BOOKED, now=now)
        return appointment

    return run_atomically(work)


def reschedule_appointment(
    *,
    appointment_id: UUID,
    nurse_id: UUID,
    start: datetime,
    source: str,
    actor: str,
    now: datetime,
    hold_owner: str = "",
    override_hours: bool = False,
    stays_in_series: bool = False,
    freed_depth: int = 0,
) -> Appointment:
    """
    Move a visit: one update of the same row, so that the old time is freed exactly if the new one is won.

    A member of a series is changed alone by this, and later changes of the whole series leave it as it is, unless
    `stays_in_series`. `override_hours` is that of `book_appointment`; `freed_depth` counts the moves from the waitlist
    that led to this one.

    Raises:
        NotFound, NurseUnknown: there is no such visit or nurse.
        InvalidTransition: the visit is not `booked`.
        TooLate: for a patient by the clinic's rule, for staff after the visit's end.
        SlotTaken, SlotExpired, InvalidTime, NotAvailable, Busy: as in `book_appointment`; the old time is kept.
    """
    begins = whole_minute(start)
    refuse_override(source=source, override_hours=override_hours)

    def work() -> Appointment:
        appointment = locked_appointment(appointment_id, also_nurse=nurse_id, hold_owner=hold_owner)
        if appointment.status != Status.BOOKED:
            raise InvalidTransition
        rule = change_rule(start=appointment.start, now=now)
        if source in PATIENT_SOURCES and rule == "too_late":
            raise TooLate
        if now >= appointment.end:
            raise TooLate("The visit is over.")
        nurse = lock_nurses([nurse_id])[nurse_id]
        if nurse.pk == appointment.nurse_id and begins == appointment.start:
            return appointment
        kind = appointment.visit_type
        span = span_of(start=begins, visit_type=kind, nurse=nurse)
        expire_in_the_way(nurse=nurse, span=span, now=now)
        raise_for(
            check_start(
                nurse_id=nurse_id,
                patient_id=appointment.patient_id,
                start=begins,
                visit_type=kind.code,
                now=now,
                hold_owner=hold_owner,
                ignore_appointment_id=appointment.pk,
                override_hours=override_hours,
            )
        )
        if hold_owner:
            use_hold(owner=hold_owner, nurse=nurse, start=begins, visit_type=kind, now=now)
        changes: dict[str, Any] = {
            "nurse": nurse,
            "start": span.start,
            "end": span.end,
            "blocked_from": span.blocked_from,
            "blocked_until": span.blocked_until,
            "attendance_confirmed_at": None,
            "late": appointment.late or rule != "free",
            "series_exception": appointment.series_exception
            or (appointment.series_id is not None and not stays_in_series),
        }
        return store(
            appointment=appointment,
            kind=Kind.RESCHEDULED,
            changes=changes,
            source=source,
            actor=actor,
            now=now,
            reason=OVERRIDDEN if override_hours else "",
            sequence=True,
            freed_depth=freed_depth,
        )

    return run_atomically(work)


def cancel_appointment(
    *,
    appointment_id: UUID,
    source: str,
    actor: str,
    now: datetime,
    reason: str = Appointment.CancellationReason.PATIENT,
    reason_text: str = "",
    hold_owner: str = "",
) -> Appointment:
    """
    Cancel a visit; a repetition returns the first cancellation unchanged.

    The nurses at whom `hold_owner` holds times are locked too, for a caller's transaction that releases them next.

    Raises:
        NotFound: there is no such visit.
        InvalidTransition: it is over, or was entered in error.
        TooLate: for a patient by the clinic's rule.
        SchedulingError: `reason` is none of the five codes.
    """
    if reason not in Appointment.CancellationReason.values:
        raise SchedulingError("Choose one of the reasons.")

    def work() -> Appointment:
        appointment = locked_appointment(appointment_id, hold_owner=hold_owner)
        if appointment.status == Status.CANCELLED:
            return appointment
        rule = change_rule(start=appointment.start, now=now)
        active = appointment.status in ACTIVE_STATUSES
        if active and source in PATIENT_SOURCES and rule == "too_late":
            raise TooLate
        return advance(
            appointment=appointment,
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
                "late": appointment.late or rule != "free",
            },
        )

    return run_atomically(work)


def confirm_attendance(
    *, appointment_id: UUID, source: str, actor: str, now: datetime
) -> Appointment:
    """
    Stamp that the patient says to be there; a repetition changes nothing.

    Raises:
        NotFound: there is no such visit.
        InvalidTransition: it is not `booked`.
        TooLate: it has begun.
    """

    def work() -> Appointment:
        appointment = locked_appointment(appointment_id)
        if appointment.status != Status.BOOKED:
            raise InvalidTransition
        if now >= appointment.start:
            raise TooLate("The visit has begun.")
        if appointment.attendance_confirmed_at is not None:
            return appointment
        return store(
            appointment=appointment,
            kind=Kind.ATTENDANCE_CONFIRMED,
            changes={"attendance_confirmed_at": now},
            source=source,
            actor=actor,
            now=now,
            sequence=False,
        )

    return run_atomically(work)


def arrive(*, appointment_id: UUID, source: str, actor: str, now: datetime) -> Appointment:
    """
    Record that the visit goes on, from an hour before it to twelve hours after; corrects a no-show for a week.

    Raises:
        NotFound, InvalidTransition, TooEarly, TooLate: see the table in `transitions.py`.
        SlotTaken: a no-show's time has been given away.
    """
    return _advance(appointment_id, Kind.ARRIVED, source, actor, now)


def fulfil(*, appointment_id: UUID, source: str, actor: str, now: datetime) -> Appointment:
    """
    Record that the visit took place; corrects a no-show for a week.

    Raises:
        NotFound, InvalidTransition, TooEarly, TooLate: see the table in `transitions.py`.
    """
    return _advance(appointment_id, Kind.FULFILLED, source, actor, now)


def record_no_show(*, appointment_id: UUID, source: str, actor: str, now: datetime) -> Appointment:
    """
    Record that the patient was not there, from fifteen minutes after the start; people do this, no timer.

    Raises:
        NotFound, InvalidTransition, TooEarly: see the table in `transitions.py`.
    """
    return _advance(appointment_id, Kind.NOSHOW, source, actor, now)


def enter_in_error(
    *, appointment_id: UUID, source: str, actor: str, now: datetime, reason: str
) -> Appointment:
    """
    Mark a visit that should never have been stored; it stays, hidden from patient and feeds.

    Raises:
        NotFound, InvalidTransition: see the table in `transitions.py`.
        SchedulingError: no reason is given.
    """
    if not reason.strip():
        raise SchedulingError("Say why the visit was an error.")
    return _advance(appointment_id, Kind.ENTERED_IN_ERROR, source, actor, now, reason=reason)


def _advance(
    appointment_id: UUID, kind: str, source: str, actor: str, now: datetime, reason: str = ""
) -> Appointment:
    return run_atomically(
        lambda: advance(
            appointment=locked_appointment(appointment_id),
            kind=kind,
            source=source,
            actor=actor,
            now=now,
            reason=reason,
        )
    )
