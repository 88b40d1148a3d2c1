"""Writes that ask the clinic's people to act: call-backs and alarms."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from scheduling.exceptions import InvalidTransition, NotFound
from scheduling.models import StaffTask
from scheduling.selectors.calendar import next_staffed, staffed

CALL_BACK_TODAY = timedelta(hours=2)
CALL_BACK_ROUTINE = timedelta(hours=4)
CHANGEABLE = frozenset({"topic", "text", "callback_number", "urgency", "due_at"})


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
def change_task(*, task_id: UUID, **fields: Any) -> StaffTask:
    """
    Change some of `topic`, `text`, `callback_number`, `urgency` and `due_at` of a task that is still to do.

    Raises:
        NotFound: there is no such task.
        InvalidTransition: it is done.
    """
    if unknown := fields.keys() - CHANGEABLE:
        raise TypeError(f"A task has no {', '.join(sorted(unknown))} to change.")
    task = _locked_task(task_id)
    if task.status == StaffTask.Status.DONE:
        raise InvalidTransition("The task is done already.")
    for name, value in fields.items():
        setattr(task, name, value)
    task.save(update_fields=list(fields))
    return task


@transaction.atomic
def complete_task(*, task_id: UUID, user_id: UUID, now: datetime) -> StaffTask:
    """
    Note that somebody has done a task; one that is done keeps who did it.

    Raises:
        NotFound: there is no such task.
    """
    task = _locked_task(task_id)
    if task.status == StaffTask.Status.OPEN:
        task.status, task.done_at, task.done_by_id = StaffTask.Status.DONE, now, user_id
        task.save(update_fields=["status", "done_at", "done_by"])
    return task


def _locked_task(task_id: UUID) -> StaffTask:
    task = StaffTask.objects.select_for_update(no_key=True).filter(pk=task_id).first()
    if task is None:
        raise NotFound("There is no such task.")
    return task


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
