"""Reads of people: who somebody is, who speaks for whom, who cares for whom."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from scheduling.clock import clinic_zone
from scheduling.exceptions import NurseUnknown
from scheduling.models import (
    CareAssignment,
    Consent,
    Nurse,
    Patient,
    PatientRelation,
    StaffTask,
)
from scheduling.names import name_key
from scheduling.selectors.openings import find_openings

TITLES = {"nurse", "ms", "mrs", "mr", "miss", "dr", "enfermera", "enfermero", "senora", "senor"}


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """What proves who a patient is; only for the comparison, never for an answer."""

    patient_id: UUID
    first_name: str
    full_name: str
    phone_numbers: tuple[str, ...]
    postal_code: str
    reference_number: str
    pin_hash: str
    preferred_language: str
    active: bool
    deceased: bool
    provisional: bool


@dataclass(frozen=True, slots=True)
class NurseName:
    """A nurse as people call her or him."""

    nurse_id: UUID
    name: str


def patients_matching(*, full_name: str, date_of_birth: date) -> tuple[PatientIdentity, ...]:
    """Return the patients of that name and birth date, oldest record first."""
    rows = Patient.objects.filter(name_key=name_key(full_name), date_of_birth=date_of_birth)
    return tuple(
        PatientIdentity(
            patient_id=row.pk,
            first_name=row.first_name,
            full_name=row.name,
            phone_numbers=tuple(number for number in (row.phone, row.second_phone) if number),
            postal_code=row.postal_code,
            reference_number=row.reference_number,
            pin_hash=row.pin_hash,
            preferred_language=row.preferred_language,
            active=row.active,
            deceased=row.deceased,
            provisional=row.provisional,
        )
        for row in rows.order_by("created_at", "id")
    )


def patients_named(*, full_name: str) -> tuple[UUID, ...]:
    """Return the patients of that name, whatever their birth dates."""
    rows = Patient.objects.filter(name_key=name_key(full_name)).exclude(name_key="")
    return tuple(rows.order_by("created_at", "id").values_list("id", flat=True))


def has_open_alarm(*, patient_id: UUID, topic: str) -> bool:
    """Tell whether an alarm of that kind about a patient still waits for a person."""
    tasks = StaffTask.objects.filter(kind=StaffTask.Kind.ALARM, topic=topic, patient_id=patient_id)
    return tasks.filter(status=StaffTask.Status.OPEN).exists()


def acting_for(*, patient_id: UUID, caller_name: str) -> Literal["guardian", "representative", ""]:
    """Return as what a person of that name may arrange the patient's visits; empty if not at all."""
    kinds = {relation.kind for relation in _relations(patient_id, caller_name)}
    if PatientRelation.Kind.GUARDIAN in kinds:
        return "guardian"
    return "representative" if kinds else ""


def relation_phone_numbers(*, patient_id: UUID, caller_name: str) -> tuple[str, ...]:
    """Return the numbers on file of the guardian or representative of that name."""
    numbers = [
        number
        for relation in _relations(patient_id, caller_name)
        for number in (
            relation.phone,
            relation.related_patient.phone if relation.related_patient else "",
        )
        if number
    ]
    return tuple(dict.fromkeys(numbers))


def nurse_named(*, name: str) -> NurseName:
    """
    Return the one active nurse who is called so, by first name, last name or both.

    Raises:
        NurseUnknown: none is, or several are.
    """
    asked = set(name_key(name).split()) - TITLES
    nurses = Nurse.objects.filter(active=True).order_by("last_name", "first_name", "id")
    found = [nurse for nurse in nurses if asked and asked <= set(nurse.name_key.split())]
    exact = [nurse for nurse in found if asked == set(nurse.name_key.split())]
    chosen = exact or found
    if len(chosen) != 1:
        raise NurseUnknown
    return NurseName(chosen[0].pk, chosen[0].name)


def nurse_is_away(*, nurse_id: UUID, since: datetime, until: datetime) -> bool:
    """Tell whether an active nurse has no working time at all in [since, until)."""
    if not Nurse.objects.filter(pk=nurse_id, active=True).exists():
        return False
    found = find_openings(
        now=since - timedelta(days=1),  # the notice must not hide the first hours of the range
        since=since,
        until=until,
        nurse_ids=[nurse_id],
        limit=1,
    )
    return not found.slots and found.reason == "no_hours"


def care_nurse_ids(*, patient_id: UUID) -> tuple[UUID, ...]:
    """Return the active nurses assigned to a patient, the primary one first."""
    rows = CareAssignment.objects.filter(patient_id=patient_id, closed=False, nurse__active=True)
    return tuple(rows.order_by("-primary", "created_at", "id").values_list("nurse_id", flat=True))


def may_text(*, patient: Patient) -> bool:
    """Tell whether the latest answer of the patient, or of the number, allows texts about visits."""
    return may_message(patient=patient, channel=Consent.Channel.SMS)


def may_message(*, patient: Patient, channel: str) -> bool:
    """Tell whether a patient can be told of visits by `channel`, and the latest answer about it allows that."""
    return channel in allowed_channels(patient=patient)


def allowed_channels(*, patient: Patient) -> tuple[str, ...]:
    """
    Return by which ways a patient may be told of visits, the preferred one first; in one query.

    A way needs an address and a latest answer, of the patient or of the number, that allows it. Texts go to the first
    number only; what is answered from the second counts for that number alone, in `has_refused_texts`.
    """
    return allowed_channels_of([patient])[patient.pk]


def allowed_channels_of(patients: Collection[Patient]) -> dict[UUID, tuple[str, ...]]:
    """Return what `allowed_channels` does for each of several patients, in one query."""
    of_number: dict[str, set[UUID]] = {}
    for patient in patients:
        if patient.phone:
            of_number.setdefault(patient.phone, set()).add(patient.pk)
    answers: dict[UUID, dict[str, bool]] = {patient.pk: {} for patient in patients}
    rows = _answers(Q(patient__in=list(answers)) | Q(phone__in=list(of_number)))
    for channel, granted, patient_id, phone in rows:
        for one in {patient_id, *of_number.get(phone, ())} & answers.keys():
            answers[one].setdefault(channel, granted)
    return {patient.pk: _ways(patient, answers[patient.pk]) for patient in patients}


def _ways(patient: Patient, answers: Mapping[str, bool]) -> tuple[str, ...]:
    addresses = {Consent.Channel.SMS: patient.phone, Consent.Channel.EMAIL: patient.email}
    allowed = [way for way in addresses if addresses[way] and answers.get(way)]
    return tuple(sorted(allowed, key=lambda way: way != patient.message_channel))


def patient_zone(patient: Patient) -> ZoneInfo:
    """Return the zone of a patient's clock: the clinic's, if no other is known."""
    return ZoneInfo(patient.time_zone) if patient.time_zone else clinic_zone()


def has_refused_texts(*, phone: str) -> bool:
    """Tell whether the latest answer from a number, whoever has it, forbids texts; without an answer none does."""
    rows = _answers(Q(phone=phone))
    return next((not granted for way, granted, *_ in rows if way == Consent.Channel.SMS), False)


def _answers(whose: Q) -> QuerySet[Consent, tuple[str, bool, UUID | None, str]]:
    """Return ways, answers, patients and numbers, latest first; of two at one time the refusal counts."""
    rows = Consent.objects.filter(whose, purpose=Consent.Purpose.APPOINTMENTS)
    latest = rows.order_by("-recorded_at", "granted", "id")
    return latest.values_list("channel", "granted", "patient_id", "phone")


def _relations(patient_id: UUID, caller_name: str) -> list[PatientRelation]:
    rows = PatientRelation.objects.filter(patient_id=patient_id, may_schedule=True)
    asked = name_key(caller_name)
    related = rows.select_related("related_patient").order_by("kind", "id")
    return [row for row in related if asked and name_key(row.name) == asked]
