"""
Reminders of visits: planned with the booking, planned anew when the patient's choices change (section 13).

A reminder is an ordinary message that is due later. A move makes it obsolete by its `appointment_sequence`.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from scheduling.messages.times import LAST_MOMENT, LEADS, reminder_time
from scheduling.models import Appointment, Message, Patient
from scheduling.selectors.messages import OwnWords, own_words
from scheduling.services.drafts import Recipient, draft, patient_as_recipient

Status = Message.Status

OPEN = (Status.PENDING, Status.DROPPED, Status.FAILED)  # nobody has been reminded by these
PLANNED_FIELDS = ("language", "subject", "body", "due_at", "expires_at")


def wants_reminder(patient: Patient, kind: str) -> bool:
    """Tell whether the patient has chosen this kind of reminder."""
    chosen = {
        Message.Kind.REMINDER_48H: patient.remind_48h,
        Message.Kind.REMINDER_2H: patient.remind_2h,
    }
    return chosen[Message.Kind(kind)]


def planned_reminders(
    *, appointment: Appointment, recipient: Recipient, own: OwnWords, now: datetime
) -> list[Message]:
    """Return the reminders of a booked visit that still have a good moment, not stored yet."""
    planned = []
    for kind, lead in LEADS.items():
        due_at = reminder_time(start=appointment.start, lead=lead, zone=recipient.zone, now=now)
        if due_at is not None and wants_reminder(appointment.patient, kind):
            planned.append(
                draft(
                    kind=kind,
                    recipient=recipient,
                    own=own,
                    start=appointment.start,
                    due_at=due_at,
                    expires_at=appointment.start - LAST_MOMENT,
                    appointment=appointment,
                )
            )
    return planned


def replan_reminders(*, now: datetime, patient_id: UUID | None = None, phone: str = "") -> None:
    """
    Fit the reminders of all visits ahead to what a patient, or everybody with a number, has chosen now.

    Address, language, zone and consent are read again. What was sent, or is being sent, stays; nobody is reminded of
    the same twice.
    """
    whose = Q(pk=patient_id) | Q(phone=phone) if phone else Q(pk=patient_id)
    with transaction.atomic():
        patients = Patient.objects.select_for_update(no_key=True).filter(whose).order_by("id")
        own = own_words(kinds=LEADS)
        for patient in patients:
            _replan(patient, own, now)


def _replan(patient: Patient, own: OwnWords, now: datetime) -> None:
    visits = Appointment.objects.filter(
        patient=patient, status=Appointment.Status.BOOKED, start__gt=now
    )
    stored = Message.objects.filter(
        appointment__patient=patient, appointment__start__gt=now, kind__in=LEADS
    )
    stored.filter(status=Status.PENDING).update(status=Status.DROPPED)
    recipient = patient_as_recipient(patient)
    if recipient is None:
        return
    rows = list(stored)
    reminded = {_occasion(row) for row in rows if row.status not in OPEN}
    by_key = {(*_occasion(row), row.channel, row.to): row for row in rows}
    new = []
    for visit in visits.order_by("start", "id"):
        visit.patient = patient
        for planned in planned_reminders(appointment=visit, recipient=recipient, own=own, now=now):
            old = by_key.get((*_occasion(planned), planned.channel, planned.to))
            if _occasion(planned) in reminded:
                continue
            if old is None:
                new.append(planned)
            else:
                _revive(old, planned)
    Message.objects.bulk_create(new)


def _revive(old: Message, planned: Message) -> None:
    fresh = {name: getattr(planned, name) for name in PLANNED_FIELDS}
    Message.objects.filter(pk=old.pk, status__in=OPEN).update(
        **fresh, status=Status.PENDING, attempts=0, next_attempt_at=None, error_code=""
    )


def _occasion(message: Message) -> tuple[UUID | None, str, int | None]:
    return message.appointment_id, message.kind, message.appointment_sequence
