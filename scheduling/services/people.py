"""Writes about people: registration by phone, and what they agree to."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from scheduling.exceptions import NotFound
from scheduling.models import Consent, Nurse, Patient, StaffTask
from scheduling.names import name_key
from scheduling.selectors.calendar import next_staffed
from scheduling.services.reminders import replan_reminders


@dataclass(frozen=True, slots=True)
class Registration:
    """A record just made; `duplicate` is for staff and never told to the caller."""

    patient_id: UUID
    first_name: str
    duplicate: bool


@transaction.atomic
def register_patient(
    *,
    full_name: str,
    date_of_birth: date,
    phone: str,
    language: str,
    reason: str,
    source: str,
    actor: str,
    now: datetime,
) -> Registration:
    """
    Make a provisional record; if name and birth date are known already, a task asks staff to look.

    The new record is made in either case and the answer does not differ, so a caller learns nothing (NP2).
    The first word is taken for the first name, the rest for the last.
    """
    first_name, _, last_name = " ".join(full_name.split()).partition(" ")
    known = Patient.objects.filter(name_key=name_key(full_name), date_of_birth=date_of_birth)
    duplicate = known.exists()
    patient = Patient.objects.create(
        first_name=first_name,
        last_name=last_name,
        date_of_birth=date_of_birth,
        phone=phone,
        preferred_language=language,
        registration_reason=reason,
        provisional=True,
    )
    if duplicate:
        StaffTask.objects.create(
            kind=StaffTask.Kind.DUPLICATE,
            patient=patient,
            text="Another record has the same name and date of birth.",
            due_at=next_staffed(now=now),
            source=source,
            actor=actor,
        )
    return Registration(patient.pk, first_name, duplicate)


@transaction.atomic
def record_consent(
    *,
    channel: str,
    purpose: str,
    granted: bool,
    wording: str,
    source: str,
    now: datetime,
    patient_id: UUID | None = None,
    phone: str = "",
) -> Consent:
    """
    Store an answer; the latest one counts, and reminders of visits ahead follow it.

    "Stop calling" ends texts about visits too. A permission to call is for the number on file now, if none is named: a
    later number has to be agreed to anew (security reference, S59).
    """
    if purpose == Consent.Purpose.CALLS and granted and patient_id and not phone:
        phone = Patient.objects.values_list("phone", flat=True).get(pk=patient_id)
    consent = Consent.objects.create(
        channel=channel,
        purpose=purpose,
        granted=granted,
        wording=wording,
        source=source,
        patient_id=patient_id,
        phone=phone,
        recorded_at=now,
    )
    if purpose == Consent.Purpose.CALLS and not granted:
        Consent.objects.create(
            channel=Consent.Channel.SMS,
            purpose=Consent.Purpose.APPOINTMENTS,
            granted=False,
            wording=wording,
            source=source,
            patient_id=patient_id,
            phone=phone,
            recorded_at=now,
        )
    if purpose in (Consent.Purpose.APPOINTMENTS, Consent.Purpose.CALLS):
        replan_reminders(patient_id=patient_id, phone=phone, now=now)
    return consent


@transaction.atomic
def link_login(*, nurse_id: UUID, user_id: UUID) -> None:
    """
    Say which login is the nurse's; it is nobody else's from then on.

    Raises:
        NotFound: there is no such nurse.
    """
    Nurse.objects.filter(user_id=user_id).exclude(pk=nurse_id).update(user=None)
    if not Nurse.objects.filter(pk=nurse_id).update(user_id=user_id):
        raise NotFound
