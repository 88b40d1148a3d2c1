"""
Reminders of visits: planned with the booking, planned anew when the patient's choices change (section 13).

A reminder is an ordinary message that is due later. A move makes it obsolete by its `appointment_sequence`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from scheduling.messages.times import LAST_MOMENT, LEADS, reminder_time
from scheduling.models import Appointment, Message, Patient
from scheduling.selectors.messages import OwnWords, own_words
from scheduling.services.drafts import Recipient, draft, patients_as_recipients

Status = Message.Status

OPEN = (Status.PENDING, Status.DROPPED, Status.FAILED)  # nobody has been reminded by these
PLANNED_FIELDS = ("language", "subject", "body", "due_at", "expires_at")
REVIVED_FIELDS = (*PLANNED_FIELDS, "status", "attempts", "next_attempt_at", "error_code")
PATIENTS_AT_ONCE = 500
ROWS_AT_ONCE = 500


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
        _replan(list(patients), now)


def replan_reminders_of(patients: Collection[Patient], *, now: datetime) -> None:
    """Do the same for several patients, whom the caller has locked, with a few queries for hundreds of them."""
    rest = sorted(patients, key=lambda patient: patient.pk)
    for at in range(0, len(rest), PATIENTS_AT_ONCE):
        _replan(rest[at : at + PATIENTS_AT_ONCE], now)


def _replan(patients: Sequence[Patient], now: datetime) -> None:
    by_id = {patient.pk: patient for patient in patients}
    visits = Appointment.objects.filter(
        patient__in=by_id, status=Appointment.Status.BOOKED, start__gt=now
    )
    stored = Message.objects.filter(
        appointment__patient__in=by_id, appointment__start__gt=now, kind__in=LEADS
    )
    stored.filter(status=Status.PENDING).update(status=Status.DROPPED)
    recipients = patients_as_recipients(patients)
    if not recipients:
        return
    # Locked, as staff may have one of them sent again at this moment.
    rows = list(stored.select_for_update(no_key=True, of=("self",)).order_by("id"))
    reminded = {_occasion(row) for row in rows if row.status not in OPEN}
    by_key = {(*_occasion(row), row.channel, row.to): row for row in rows}
    own = own_words(kinds=LEADS)
    written: list[Message] = []
    for visit in visits.order_by("start", "id"):
        visit.patient = by_id[visit.patient_id]
        recipient = recipients.get(visit.patient_id)
        if recipient is None:
            continue
        for planned in planned_reminders(appointment=visit, recipient=recipient, own=own, now=now):
            if _occasion(planned) not in reminded:
                old = by_key.get((*_occasion(planned), planned.channel, planned.to))
                written.append(planned if old is None else _revived(old, planned))
    Message.objects.bulk_create(
        written,
        batch_size=ROWS_AT_ONCE,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=REVIVED_FIELDS,
    )


def _revived(old: Message, planned: Message) -> Message:
    """Return a reminder that was given up, pending again with the words and times of now."""
    for name in PLANNED_FIELDS:
        setattr(old, name, getattr(planned, name))
    old.status, old.attempts = Status.PENDING, 0
    old.next_attempt_at, old.error_code = None, ""
    return old


def _occasion(message: Message) -> tuple[UUID | None, str, int | None]:
    return message.appointment_id, message.kind, message.appointment_sequence
