"""Everything the clinic keeps, by what it is about."""

from scheduling.models.appointments import (
    ACTIVE_STATUSES,
    Appointment,
    AppointmentChange,
    SlotHold,
    Source,
    WaitlistEntry,
)
from scheduling.models.calendar import (
    Availability,
    AvailabilityOverride,
    Clinic,
    Holiday,
    OpeningHours,
    Specialization,
    VisitType,
    Weekday,
)
from scheduling.models.outbox import Message, WebhookDelivery, WebhookEndpoint
from scheduling.models.people import (
    CareAssignment,
    Consent,
    MedicalCondition,
    Nurse,
    Patient,
    PatientRelation,
)
from scheduling.models.tasks import StaffTask

__all__ = [
    "ACTIVE_STATUSES",
    "Appointment",
    "AppointmentChange",
    "Availability",
    "AvailabilityOverride",
    "CareAssignment",
    "Clinic",
    "Consent",
    "Holiday",
    "MedicalCondition",
    "Message",
    "Nurse",
    "OpeningHours",
    "Patient",
    "PatientRelation",
    "SlotHold",
    "Source",
    "Specialization",
    "StaffTask",
    "VisitType",
    "WaitlistEntry",
    "WebhookDelivery",
    "WebhookEndpoint",
    "Weekday",
]
