"""Reads of visits."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from scheduling.exceptions import NotFound
from scheduling.models import ACTIVE_STATUSES, Appointment
from scheduling.selectors.calendar import clinic_profile

CROWD_REFERENCE = "S"  # what begins the reference numbers of the sample crowd


def appointment_with_id(*, appointment_id: UUID) -> Appointment:
    """
    Return one visit with its people and type.

    Raises:
        NotFound: there is none.
    """
    rows = Appointment.objects.select_related("patient", "nurse", "visit_type")
    appointment = rows.filter(pk=appointment_id).first()
    if appointment is None:
        raise NotFound
    return appointment


def upcoming_appointments(*, patient_id: UUID, now: datetime, limit: int = 3) -> list[Appointment]:
    """Return the patient's active visits that begin after `now`, earliest first."""
    rows = Appointment.objects.filter(
        patient_id=patient_id, status__in=ACTIVE_STATUSES, start__gt=now
    )
    return list(rows.select_related("nurse", "visit_type").order_by("start", "id")[:limit])


def count_upcoming(*, patient_id: UUID, now: datetime) -> int:
    """Return how many active visits of the patient begin after `now`."""
    rows = Appointment.objects.filter(patient_id=patient_id, status__in=ACTIVE_STATUSES)
    return rows.filter(start__gt=now).count()


def overlapping_appointment(
    *, patient_id: UUID, start: datetime, end: datetime
) -> Appointment | None:
    """Return the patient's active visit that touches [start, end), the earliest one, if there is any."""
    rows = Appointment.objects.filter(
        patient_id=patient_id, status__in=ACTIVE_STATUSES, start__lt=end, end__gt=start
    )
    return rows.select_related("nurse", "visit_type").order_by("start", "id").first()


def change_rule(*, start: datetime, now: datetime) -> Literal["free", "late_change", "too_late"]:
    """Return what the clinic's rules say of a change by the patient of a visit that begins at `start`."""
    profile = clinic_profile()
    ahead = start - now
    if ahead < timedelta(hours=profile.too_late_hours) or ahead <= timedelta(0):
        return "too_late"
    if ahead < timedelta(hours=profile.late_change_hours):
        return "late_change"
    return "free"


@dataclass(frozen=True, slots=True)
class SampleVisit:
    """A visit of the invented crowd, for a sample call that booked it."""

    appointment_id: UUID
    patient_id: UUID
    patient_name: str
    patient_phone: str
    date_of_birth: date
    nurse_name: str
    start: datetime


def sample_visits_by_phone(*, limit: int) -> list[SampleVisit]:
    """Return visits of the invented crowd that were booked by phone, in a fixed order."""
    rows = Appointment.objects.filter(source="voice", patient__sample=True)
    crowd = rows.filter(patient__reference_number__startswith=CROWD_REFERENCE)
    return [
        SampleVisit(
            appointment_id=row.pk,
            patient_id=row.patient.pk,
            patient_name=row.patient.name,
            patient_phone=row.patient.phone,
            date_of_birth=row.patient.date_of_birth,
            nurse_name=row.nurse.name,
            start=row.start,
        )
        for row in crowd.select_related("patient", "nurse").order_by("id")[:limit]
    ]
