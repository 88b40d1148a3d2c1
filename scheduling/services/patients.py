"""Records of patients as staff and other systems write them; by phone they are made in `people.py`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from scheduling.models import MedicalCondition, Patient
from scheduling.services.records import store
from scheduling.services.reminders import replan_reminders
from scheduling.services.transactions import lock_patient, run_atomically


def create_patient(*, values: Mapping[str, Any], now: datetime) -> Patient:
    """
    Store a new patient.

    Raises:
        ValidationError: a value is not right, or another record has it.
        Busy: the database was too busy.
    """
    return run_atomically(lambda: _store(Patient(), values, now))


def change_patient(*, patient_id: UUID, values: Mapping[str, Any], now: datetime) -> Patient:
    """
    Change a patient's record; reminders of visits ahead follow address, language and choices.

    Visits stay as they are, those of a patient who is not active any more too.

    Raises:
        NotFound: there is no such patient.
        ValidationError: a value is not right, or another record has it.
        Busy: the database was too busy.
    """

    def work() -> Patient:
        patient = _store(lock_patient(patient_id), values, now)
        replan_reminders(patient_id=patient_id, now=now)
        return patient

    return run_atomically(work)


def write_condition(
    *, values: Mapping[str, Any], condition_id: UUID | None = None
) -> MedicalCondition:
    """
    Add a condition to a patient's clinical record, or change one; none is deleted, it is resolved.

    Raises:
        DoesNotExist: there is no such condition.
        ValidationError: a value is not right.
    """

    def work() -> MedicalCondition:
        if condition_id is None:
            return store(MedicalCondition(), values)
        stored = MedicalCondition.objects.select_for_update(no_key=True)
        return store(stored.get(pk=condition_id), values)

    return run_atomically(work)


def _store(patient: Patient, values: Mapping[str, Any], now: datetime) -> Patient:
    born, number = values.get("date_of_birth"), values.get("reference_number")
    if born and born > now.astimezone(UTC).date() + timedelta(days=1):  # the latest today on earth
        raise ValidationError({"date_of_birth": "The date is in the future."})
    others = Patient.objects.exclude(pk=patient.pk)
    if number and others.filter(reference_number=number).exists():
        raise ValidationError({"reference_number": "Another record has this number."})
    return store(patient, values)
