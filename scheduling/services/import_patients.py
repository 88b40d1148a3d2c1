"""Patients from a file: known by their reference number, or by the id of a record that has none."""

from collections.abc import Iterable, Mapping
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from scheduling.exchange.csv_columns import Row
from scheduling.models import Patient
from scheduling.names import name_key
from scheduling.services.import_plans import (
    Occasion,
    Plan,
    Repeated,
    batches,
    check_fields,
    filled,
)
from scheduling.services.reminders import replan_reminders_of
from scheduling.services.transactions import lock_patients

BATCH = 500
LONGEST_NUMBER = 24
TOLD_BY = {
    "phone", "email", "message_channel", "preferred_language", "time_zone", "remind_48h",
    "remind_2h", "active", "deceased",
}  # fmt: skip
NOBODY_WITH_ID = "There is no record with this id. A new patient needs a reference number."


def record_id(reference: str) -> UUID | None:
    """Return the id that stands in the place of a reference number, if it is one."""
    try:
        return UUID(reference) if len(reference) > LONGEST_NUMBER else None
    except ValueError:
        return None


def stored_patients(references: Iterable[str], *, lock: bool = False) -> dict[str, Patient]:
    """Return the patients by what names them in files; with `lock` they are locked, in the order of their ids."""
    numbers, ids = [], []
    for reference in references:
        found = record_id(reference)
        if found:
            ids.append(found)
        else:
            numbers.append(reference)
    wanted = Patient.objects.filter(reference_number__in=numbers) | Patient.objects.filter(
        pk__in=ids
    )
    people: Iterable[Patient] = wanted.order_by("id")
    if lock:
        people = lock_patients(list(wanted.order_by().values_list("pk", flat=True))).values()
    patients: dict[str, Patient] = {}
    for patient in people:
        patients[str(patient.pk)] = patient
        if patient.reference_number:
            patients[patient.reference_number] = patient
    return patients


def patient_named(reference: str, stored: Mapping[str, Patient]) -> Patient | None:
    """Return the patient whom a file calls so, if that is one of the stored."""
    asked = record_id(reference)
    return stored.get(str(asked) if asked else reference)


def plan_patients(rows: Iterable[Row], references: Iterable[str], occasion: Occasion) -> Plan:
    """Judge the rows of a file of patients."""
    stored = stored_patients(references, lock=occasion.for_good)
    latest_birth = occasion.now.astimezone(UTC).date() + timedelta(days=1)
    plan, repeated = Plan(), Repeated()
    new: list[Patient] = []
    changed: list[tuple[Patient, set[str]]] = []
    for row in rows:
        values = dict(row.values)
        patient = _patient(str(values.pop("reference_number")), stored, row, plan)
        if patient is None:
            continue
        earlier = repeated.before(patient.reference_number or patient.pk, row.number)
        if earlier:
            detail = f"Row {earlier} is about the same patient."
            plan.refuse(row.number, "reference_number", "repeated", detail)
            continue
        names = filled(patient, values)
        check_fields(patient, row, plan, names=names)
        if "date_of_birth" in names and patient.date_of_birth > latest_birth:
            plan.refuse(row.number, "date_of_birth", "bad_value", "The date is in the future.")
        if patient._state.adding:
            new.append(patient)
        elif names:
            changed.append((patient, set(names)))
        else:
            plan.unchanged += 1
    plan.new, plan.changed = len(new), len(changed)
    plan.patient_ids = {patient.pk for patient in new} | {patient.pk for patient, _ in changed}
    plan.write = lambda: _write(new, changed, occasion)
    return plan


def _patient(reference: str, stored: Mapping[str, Patient], row: Row, plan: Plan) -> Patient | None:
    patient = patient_named(reference, stored)
    if patient is not None:
        return patient
    if record_id(reference):
        plan.refuse(row.number, "reference_number", "not_found", NOBODY_WITH_ID)
        return None
    if len(reference) > LONGEST_NUMBER:
        detail = f"A reference number has at most {LONGEST_NUMBER} characters."
        plan.refuse(row.number, "reference_number", "bad_value", detail)
        return None
    return Patient(reference_number=reference)


def _write(new: list[Patient], changed: list[tuple[Patient, set[str]]], occasion: Occasion) -> None:
    for batch in batches(new, BATCH):
        Patient.objects.bulk_create(batch)
    stamp = timezone.now()  # noqa: TID251 - a stamp of the row, not a rule
    for patient, _ in changed:
        patient.name_key = name_key(patient.name)
        patient.updated_at = stamp
    fields: Any = {"name_key", "updated_at"}.union(*(names for _, names in changed))
    if changed:
        Patient.objects.bulk_update(
            [patient for patient, _ in changed], sorted(fields), batch_size=BATCH
        )
    replan_reminders_of(
        [patient for patient, names in changed if names & TOLD_BY], now=occasion.now
    )
