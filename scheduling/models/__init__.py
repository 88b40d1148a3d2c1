"""Everything the clinic keeps, by what it is about."""

from scheduling.models.appointments import (
    ACTIVE_STATUSES,
    Appointment,
    AppointmentChange,
    AppointmentSeries,
    SlotHold,
    Source,
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
from scheduling.models.exchange import CalendarFeed, DataImport
from scheduling.models.outbox import (
    EventNumber,
    Message,
    MessageTemplate,
    WebhookDelivery,
    WebhookEndpoint,
)
from scheduling.models.people import (
    CareAssignment,
    Consent,
    MedicalCondition,
    Nurse,
    Patient,
    PatientRelation,
)
from scheduling.models.privacy import PurgeRun
from scheduling.models.tasks import StaffTask
from scheduling.models.waitlist import FreedTime, WaitlistEntry, WaitlistOffer

__all__ = [
    "ACTIVE_STATUSES",
    "Appointment",
    "AppointmentChange",
    "AppointmentSeries",
    "Availability",
    "AvailabilityOverride",
    "CalendarFeed",
    "CareAssignment",
    "Clinic",
    "Consent",
    "DataImport",
    "EventNumber",
    "FreedTime",
    "Holiday",
    "MedicalCondition",
    "Message",
    "MessageTemplate",
    "Nurse",
    "OpeningHours",
    "Patient",
    "PatientRelation",
    "PurgeRun",
    "SlotHold",
    "Source",
    "Specialization",
    "StaffTask",
    "VisitType",
    "WaitlistEntry",
    "WaitlistOffer",
    "WebhookDelivery",
    "WebhookEndpoint",
    "Weekday",
]
