"""Writes that ask the clinic's people to act: call-backs and alarms."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from scheduling.models import StaffTask
from scheduling.selectors.calendar import next_staffed, staffed

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
