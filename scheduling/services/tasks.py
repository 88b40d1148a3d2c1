"""Writes that ask the clinic's people to act: call-backs, alarms, wishes for a time."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction

from scheduling.exceptions import NotFound, NurseUnknown, SchedulingError
from scheduling.models import Nurse, Patient, StaffTask, WaitlistEntry
from scheduling.selectors.calendar import next_staffed, staffed
from scheduling.services.rules import visit_type_with_code

PARTS_OF_DAY = ("morning", "afternoon", "evening")
CALL_BACK_TODAY = timedelta(hours=2)
CALL_BACK_ROUTINE = timedelta(hours=4)


@transaction.atomic
def take_message(
    *,
    topic: str,
    text: str,
    callback_number: str,
    urgency: str,
    patient_id: UUID | None,
    source: str,
    actor: str,
    now: datetime,
) -> StaffTask:
    """Store a message for staff; `due_at` is the call-back time that may be promised."""
    return StaffTask.objects.create(
        kind=StaffTask.Kind.MESSAGE,
        topic=topic,
        text=text,
        callback_number=callback_number,
        urgency=urgency,
        patient_id=patient_id,
        due_at=call_back_time(urgency=urgency, now=now),
        source=source,
        actor=actor,
    )


@transaction.atomic
def raise_alarm(
    *,
    kind: str,
    text: str,
    callback_number: str,
    patient_id: UUID | None,
    source: str,
    actor: str,
    now: datetime,
) -> StaffTask:
    """Store an alarm that needs somebody now; `kind` is medical, self_harm, danger, or another short word."""
    return StaffTask.objects.create(
        kind=StaffTask.Kind.ALARM,
        topic=kind,
        text=text,
        callback_number=callback_number,
        urgency=StaffTask.Urgency.NOW,
        patient_id=patient_id,
        due_at=now,
        source=source,
        actor=actor,
    )


@transaction.atomic
def join_waitlist(
    *,
    patient_id: UUID,
    visit_type: str,
    nurse_id: UUID | None,
    earliest: date,
    latest: date,
    parts_of_day: Iterable[str],
    source: str,
    actor: str,
    now: datetime,
) -> WaitlistEntry:
    """
    Store a wish for a time; the same open wish is not stored twice.

    Raises:
        NotFound, NurseUnknown, NotAvailable: there is no such patient, nurse or kind of visit.
        SchedulingError: the dates are out of order, or a part of the day is unknown.
    """
    asked = set(parts_of_day)
    parts = [part for part in PARTS_OF_DAY if part in asked]
    if len(parts) != len(asked):
        raise SchedulingError("A part of the day is morning, afternoon or evening.")
    if latest < earliest:
        raise SchedulingError("The last day is before the first.")
    if not Patient.objects.filter(pk=patient_id, active=True).exists():
        raise NotFound("There is no such patient.")
    nurse = Nurse.objects.filter(pk=nurse_id, active=True).first() if nurse_id else None
    if nurse_id is not None and nurse is None:
        raise NurseUnknown("There is no such nurse.")
    entry, _ = WaitlistEntry.objects.get_or_create(
        patient_id=patient_id,
        visit_type=visit_type_with_code(visit_type),
        nurse=nurse,
        earliest=earliest,
        latest=latest,
        parts_of_day=parts,
        status=WaitlistEntry.Status.WAITING,
        defaults={"source": source, "actor": actor, "waiting_since": now},
    )
    return entry


def call_back_time(*, urgency: str, now: datetime) -> datetime:
    """
    Return by when somebody calls back, always within staffed hours where those are known.

    "Today" is within two hours and before closing, otherwise within four; what would fall after closing is due
    four hours after the next opening.
    """
    wait = CALL_BACK_TODAY if urgency == StaffTask.Urgency.TODAY else CALL_BACK_ROUTINE
    begins = next_staffed(now=now)
    due = begins + wait
    state = staffed(now=begins)
    if state.closes_at is None or due <= state.closes_at:
        return due
    if urgency == StaffTask.Urgency.TODAY:
        return state.closes_at
    return next_staffed(now=state.closes_at) + wait
