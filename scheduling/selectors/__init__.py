"""Reads of scheduling: values and rows, never a write."""

from scheduling.names import name_key
from scheduling.selectors.appointments import (
    SampleVisit,
    appointment_with_id,
    change_rule,
    count_upcoming,
    overlapping_appointment,
    sample_visits_by_phone,
    upcoming_appointments,
)
from scheduling.selectors.calendar import (
    ClinicProfile,
    Staffed,
    clinic_profile,
    is_open_day,
    next_open_day,
    next_staffed,
    staffed,
)
from scheduling.selectors.conditions import nurses_for_condition
from scheduling.selectors.openings import Opening, Openings, earliest_openings, find_openings
from scheduling.selectors.people import (
    NurseName,
    PatientIdentity,
    acting_for,
    care_nurse_ids,
    has_open_alarm,
    may_text,
    nurse_is_away,
    nurse_named,
    patients_matching,
    patients_named,
    relation_phone_numbers,
)
from scheduling.selectors.waitlist import open_offer_for_phone

__all__ = [
    "ClinicProfile",
    "NurseName",
    "Opening",
    "Openings",
    "PatientIdentity",
    "SampleVisit",
    "Staffed",
    "acting_for",
    "appointment_with_id",
    "care_nurse_ids",
    "change_rule",
    "clinic_profile",
    "count_upcoming",
    "earliest_openings",
    "find_openings",
    "has_open_alarm",
    "is_open_day",
    "may_text",
    "name_key",
    "next_open_day",
    "next_staffed",
    "nurse_is_away",
    "nurse_named",
    "nurses_for_condition",
    "open_offer_for_phone",
    "overlapping_appointment",
    "patients_matching",
    "patients_named",
    "relation_phone_numbers",
    "sample_visits_by_phone",
    "staffed",
    "upcoming_appointments",
]
