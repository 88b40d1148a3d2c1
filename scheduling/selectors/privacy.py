"""Everything that scheduling keeps about one patient, for whoever asks for a copy (security reference, S63)."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from scheduling.models import (
    Appointment,
    AppointmentChange,
    AppointmentSeries,
    CareAssignment,
    Consent,
    MedicalCondition,
    Message,
    Patient,
    PatientRelation,
    StaffTask,
    WaitlistEntry,
)
from scheduling.selectors.calls import answers_of

CHUNK = 500
LEFT_OUT = frozenset({"pin_hash", "name_key", "lease_until", "blocked_from", "blocked_until"})
"""What is not about the patient but for our own use."""

Facts = dict[str, Any]
Section = tuple[str, Iterable[Facts]]


def facts(row: Model, *, left_out: frozenset[str] = LEFT_OUT) -> Facts:
    """Return the columns of a row by name; a reference to another row is its id."""
    return {
        field.name: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.name not in left_out
    }


def patient_facts(*, patient_id: UUID) -> Facts | None:
    """Return what is known of the person; None if there is no such patient."""
    patient = Patient.objects.filter(pk=patient_id).first()
    return facts(patient) if patient else None


def patient_sections(*, patient_id: UUID) -> Iterator[Section]:
    """Yield what is kept about a patient, kind by kind, each in the order in which it came to be."""
    yield "relations", _rows(PatientRelation.objects.filter(patient=patient_id), "created_at")
    yield "conditions", _rows(MedicalCondition.objects.filter(patient=patient_id), "created_at")
    yield "care_assignments", _rows(CareAssignment.objects.filter(patient=patient_id), "created_at")
    yield "appointments", _appointments(patient_id)
    yield "appointment_series", _rows(AppointmentSeries.objects.filter(patient=patient_id), "pk")
    yield "waitlist", _rows(WaitlistEntry.objects.filter(patient=patient_id), "created_at")
    yield "messages", _rows(Message.objects.filter(patient=patient_id, nurse=None), "created_at")
    yield "consents", _rows(_answers(patient_id), "recorded_at")
    yield "staff_tasks", _rows(StaffTask.objects.filter(patient=patient_id), "created_at")


def _answers(patient_id: UUID) -> QuerySet[Consent]:
    patient = Patient.objects.filter(pk=patient_id).first()
    return answers_of(patient) if patient else Consent.objects.none()


def _rows(rows: QuerySet[Any], order: str) -> Iterator[Facts]:
    for row in rows.order_by(order, "pk").iterator(chunk_size=CHUNK):
        yield facts(row)


def _appointments(patient_id: UUID) -> Iterator[Facts]:
    """Yield visits with their history."""
    visits = Appointment.objects.filter(patient=patient_id).order_by("start", "pk")
    changes = AppointmentChange.objects.order_by("version")
    for visit in visits.iterator(chunk_size=CHUNK):
        history = [facts(change) for change in changes.filter(appointment=visit)]
        yield facts(visit) | {"history": history}
