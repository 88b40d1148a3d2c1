"""
Erasure of a patient (security reference, S63): the visits stay, under a pseudonym, and nothing says whose they were.

The row of the patient stays too, since visits and the audit record point to it by its id; everything that was about
the person goes, in answers kept for repetitions and in files that wait to be imported too. What others keep is beyond
us: backups, the carrier's logs, systems that were told by webhook.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, Value
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Concat

from accounts.legal_holds import holds_in_force, take_turn
from accounts.models import LegalHold
from accounts.repeats import erase_answers
from scheduling.exceptions import NotFound, StillActive, UnderHold
from scheduling.models import (
    ACTIVE_STATUSES,
    Appointment,
    AppointmentChange,
    CareAssignment,
    Consent,
    MedicalCondition,
    Message,
    Patient,
    PatientRelation,
    SlotHold,
    StaffTask,
    WaitlistEntry,
)
from scheduling.services.imports import drop_waiting_files
from scheduling.services.transactions import lock_patient
from scheduling.services.waitlist import leave_waitlist, lock_wishes

ERASED = "Erased"
NO_BIRTH_DATE = date(1900, 1, 1)  # the column needs one; no living patient has it

BLANK = (
    "phone", "second_phone", "email", "postal_code", "state", "reference_number", "pin_hash",
    "time_zone", "registration_reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ErasedPatient:
    """Who was erased, and the phone numbers that were nobody else's: calls from them are the patient's."""

    patient_id: UUID
    numbers: tuple[str, ...]


@transaction.atomic
def erase_patient_records(*, patient_id: UUID, now: datetime) -> ErasedPatient:
    """
    Erase what scheduling knows of a patient; `voice.privacy.erase_patient` does so for calls, and records it.

    Wishes on the waitlist end first: that locks nurses, and nurses are locked before patients.

    Raises:
        NotFound: there is no such patient.
        UnderHold: a legal hold rests on the patient.
        StillActive: a visit is ahead, or a message is being sent this very moment.
        Busy: the database was too busy.
    """
    take_turn()
    if holds_in_force(kind=LegalHold.Kind.PATIENT, record_ids=[patient_id]).exists():
        raise UnderHold
    _end_wishes(patient_id, now)
    patient = lock_patient(patient_id)
    if patient.erased_at is not None:
        raise NotFound("This patient was erased already.")
    ahead = Appointment.objects.filter(patient=patient, status__in=ACTIVE_STATUSES, end__gt=now)
    if ahead.exists():
        raise StillActive
    numbers = _own_numbers(patient)
    _erase_messages(patient, numbers)
    _erase_visits(patient)
    _erase_answers(patient, numbers)
    _erase_tasks(patient, numbers, now)
    _erase_people(patient)
    _erase_demographics(patient, now)
    drop_waiting_files(now=now)
    erase_answers(about=str(patient_id))
    return ErasedPatient(patient.pk, numbers)


def _end_wishes(patient_id: UUID, now: datetime) -> None:
    waiting = (WaitlistEntry.Status.WAITING, WaitlistEntry.Status.OFFERED)
    wishes = WaitlistEntry.objects.filter(patient_id=patient_id, status__in=waiting)
    ids = list(wishes.order_by("id").values_list("pk", flat=True))
    lock_wishes(ids)
    for entry_id in ids:
        leave_waitlist(entry_id=entry_id, now=now)


def _own_numbers(patient: Patient) -> tuple[str, ...]:
    """Return the patient's numbers that no other patient has."""
    mine = [number for number in (patient.phone, patient.second_phone) if number]
    others = Patient.objects.exclude(pk=patient.pk)
    return tuple(
        number
        for number in mine
        if not others.filter(Q(phone=number) | Q(second_phone=number)).exists()
    )


def _erase_messages(patient: Patient, numbers: tuple[str, ...]) -> None:
    """Blank bodies and addresses; what was not sent is not sent any more. Notices to nurses lose their words."""
    whose = Q(patient=patient) | Q(appointment__patient=patient)
    found = Message.objects.filter(whose | Q(patient=None, to__in=[*numbers, patient.email or "-"]))
    ids = list(found.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    rows = Message.objects.filter(pk__in=ids)
    if rows.filter(status=Message.Status.SENDING).exists():
        raise StillActive("A message to the patient is being sent. Try again in a minute.")
    rows.filter(status=Message.Status.PENDING).update(
        status=Message.Status.DROPPED, next_attempt_at=None
    )
    rows.update(subject="", body="", provider_id="")
    # A visit's messages are unique by address too, so each gets a word of its own instead of none.
    nobody = Concat(Value("erased "), Cast("id", CharField()))
    rows.filter(nurse=None).update(to=nobody)


def _erase_visits(patient: Patient) -> None:
    visits = Appointment.objects.filter(patient=patient)
    AppointmentChange.objects.filter(appointment__in=visits).update(reason="")
    visits.update(reason="", cancellation_note="")
    SlotHold.objects.filter(patient=patient, state=SlotHold.State.LIVE).update(
        state=SlotHold.State.RELEASED
    )


def _erase_answers(patient: Patient, numbers: tuple[str, ...]) -> None:
    """Delete consents and refusals; without a stored consent nobody is called or texted anyway (S59)."""
    whose = Q(patient=patient) | Q(patient=None, phone__in=numbers)
    Consent.objects.filter(whose).delete()


def _erase_tasks(patient: Patient, numbers: tuple[str, ...], now: datetime) -> None:
    whose = Q(patient=patient) | Q(appointment__patient=patient)
    tasks = StaffTask.objects.filter(whose | Q(patient=None, callback_number__in=numbers))
    tasks.filter(status=StaffTask.Status.OPEN).update(status=StaffTask.Status.DONE, done_at=now)
    tasks.update(text="", callback_number="")


def _erase_people(patient: Patient) -> None:
    """Delete conditions, assignments and representatives; where the patient speaks for others the name goes."""
    MedicalCondition.objects.filter(patient=patient).delete()
    CareAssignment.objects.filter(patient=patient).delete()
    PatientRelation.objects.filter(patient=patient).delete()
    PatientRelation.objects.filter(related_patient=patient).update(
        name=ERASED, phone="", may_schedule=False
    )


def _erase_demographics(patient: Patient, now: datetime) -> None:
    for name in BLANK:
        setattr(patient, name, "")
    patient.first_name, patient.last_name = ERASED, str(patient.pk)[:8]
    patient.date_of_birth = NO_BIRTH_DATE
    patient.preferred_language = Patient.Language.ENGLISH
    patient.active = patient.provisional = patient.deceased = False
    patient.erased_at = now
    patient.save()
