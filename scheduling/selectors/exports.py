"""Records as the rows of our CSV files, a batch at a time, in the order of their ids: memory stays bounded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from scheduling.clock import clinic_zone
from scheduling.exchange.csv_columns import COLUMNS, names_of
from scheduling.exchange.csv_values import WEEKDAYS, shown
from scheduling.models import Appointment, Availability, Nurse, Patient


@dataclass(frozen=True, slots=True)
class ExportBatch:
    """Some rows as cells, the patients whom they are about, and the id after which the next batch begins."""

    rows: list[list[str]]
    patient_ids: list[UUID]
    last_id: UUID


@dataclass(frozen=True, slots=True)
class _Kind:
    model: type[Model]
    narrowed: Callable[[QuerySet[Any]], QuerySet[Any]]
    values: Callable[[Any], Mapping[str, Any]]
    patient_id: Callable[[Any], UUID | None]


def all_records(kind: str) -> QuerySet[Any]:
    """Return everything that a kind of file can hold."""
    return _KINDS[kind].model._default_manager.all()


def export_batch(
    *, kind: str, records: QuerySet[Any], after: UUID | None, size: int
) -> ExportBatch | None:
    """Return the rows of at most `size` records with ids above `after`; None if there are no more."""
    of_kind = _KINDS[kind]
    chosen = of_kind.narrowed(records)
    if after is not None:
        chosen = chosen.filter(pk__gt=after)
    batch: list[Model] = list(chosen.order_by("pk")[:size])
    if not batch:
        return None
    names = names_of(kind)
    rows = []
    for record in batch:
        values = of_kind.values(record)
        rows.append([shown(values[name]) for name in names])
    patients = {of_kind.patient_id(record) for record in batch} - {None}
    return ExportBatch(rows, sorted(one for one in patients if one), batch[-1].pk)


def _of_patient(patient: Patient) -> Mapping[str, Any]:
    plain = {one.name: getattr(patient, one.name) for one in COLUMNS["patients"]}
    return plain | {"reference_number": _reference(patient)}


def _of_nurse(nurse: Nurse) -> Mapping[str, Any]:
    names = (one.name for one in COLUMNS["nurses"] if one.name != "specializations")
    plain = {name: getattr(nurse, name) for name in names}
    return plain | {"specializations": sorted(one.code for one in nurse.specializations.all())}


def _of_window(window: Availability) -> Mapping[str, Any]:
    return {
        "license_state": window.nurse.license_state,
        "license_number": window.nurse.license_number,
        "kind": window.kind,
        "weekday": WEEKDAYS[window.weekday],
        "start": window.start,
        "end": window.end,
        "valid_from": window.valid_from,
        "valid_until": window.valid_until,
    }


def _of_visit(visit: Appointment) -> Mapping[str, Any]:
    zone = clinic_zone()
    return {
        "patient_reference_number": _reference(visit.patient),
        "nurse_license_state": visit.nurse.license_state,
        "nurse_license_number": visit.nurse.license_number,
        "visit_type": visit.visit_type.code,
        "start": visit.start.astimezone(zone),
        "end": visit.end.astimezone(zone),
        "status": visit.status,
        "reason": visit.reason,
        "cancelled_at": visit.cancelled_at and visit.cancelled_at.astimezone(zone),
        "cancellation_reason": visit.cancellation_reason,
    }


def _reference(patient: Patient) -> str:
    """Return what names a patient in files: the reference number, or else the record's id."""
    return patient.reference_number or str(patient.pk)


def _visits(records: QuerySet[Any]) -> QuerySet[Any]:
    """Leave out what was entered in error: those visits were never there."""
    visits = records.exclude(status=Appointment.Status.ENTERED_IN_ERROR)
    return visits.select_related("patient", "nurse", "visit_type")


_KINDS: Mapping[str, _Kind] = {
    "patients": _Kind(Patient, lambda records: records, _of_patient, lambda patient: patient.pk),
    "nurses": _Kind(
        Nurse,
        lambda records: records.prefetch_related(None).prefetch_related("specializations"),
        _of_nurse,
        lambda nurse: None,
    ),
    "availability": _Kind(
        Availability,
        lambda records: records.select_related("nurse"),
        _of_window,
        lambda window: None,
    ),
    "appointments": _Kind(Appointment, _visits, _of_visit, lambda visit: visit.patient_id),
}
