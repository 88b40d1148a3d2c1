"""
Rows for tests: plain functions that store one valid thing each, and take whatever matters to the test.

Nobody made here has the name of another, and nothing is in the way of a visit unless a test puts it there.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import User
from scheduling.models import (
    Appointment,
    Availability,
    AvailabilityOverride,
    CareAssignment,
    Consent,
    Nurse,
    Patient,
    PatientRelation,
    SlotHold,
    Source,
    Specialization,
    VisitType,
)

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(
    2026, 3, 5, 15, tzinfo=UTC
)  # Thursday 10:00 in New York, as in the test conversations
TOMORROW_NINE = datetime(2026, 3, 6, 14, tzinfo=UTC)  # Friday 09:00 in New York
WEEKDAYS = range(5)
NINE, FIVE = time(9), time(17)

_numbers = count(1)


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return an instant that is written in New York's time."""
    return datetime(year, month, day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


def make_user(*, role: str = User.Role.SCHEDULER, **fields: Any) -> User:
    """Store somebody who can log in with the password `correct horse battery`."""
    username = fields.pop("username", f"user{next(_numbers)}")
    password = fields.pop("password", "correct horse battery")
    return User.objects.create_user(username=username, password=password, role=role, **fields)


def make_specialization(*, code: str = "", **fields: Any) -> Specialization:
    """Store a specialization."""
    number = next(_numbers)
    code = code or f"specialization-{number}"
    return Specialization.objects.create(
        code=code, name=fields.pop("name", f"Specialization {number}"), **fields
    )


def make_visit_type(*, code: str = "routine", length_minutes: int = 30, **fields: Any) -> VisitType:
    """Return the kind of visit of that code, stored if it is not there yet."""
    defaults = {"name": code.replace("_", " ").title(), "length_minutes": length_minutes, **fields}
    return VisitType.objects.get_or_create(code=code, defaults=defaults)[0]


def make_patient(**fields: Any) -> Patient:
    """Store a patient who can be called and texted, but has not consented to texts."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "first_name": "Pat",
        "last_name": f"Number{number}",
        "date_of_birth": date(1970, 1, 1) + timedelta(days=number),
        "phone": f"+1303555{number % 10_000:04d}",
    }
    return Patient.objects.create(**defaults | fields)


def make_nurse(*, works: bool = True, **fields: Any) -> Nurse:
    """Store a licensed nurse in New York; with `works` on Monday to Friday, 9 to 17."""
    number = next(_numbers)
    specializations = fields.pop("specializations", ())
    defaults: dict[str, Any] = {
        "first_name": "Nancy",
        "last_name": f"Number{number}",
        "license_number": f"RN{number:06d}",
        "license_state": "NY",
        "license_expires_on": date(2030, 12, 31),
        "time_zone": NEW_YORK.key,
    }
    nurse = Nurse.objects.create(**defaults | fields)
    nurse.specializations.set(specializations)
    if works:
        make_availability(nurse=nurse)
    return nurse


def make_availability(
    *,
    nurse: Nurse,
    weekdays: Iterable[int] = WEEKDAYS,
    start: time = NINE,
    end: time = FIVE,
    **fields: Any,
) -> list[Availability]:
    """Store one weekly window for each of the weekdays."""
    return [
        Availability.objects.create(nurse=nurse, weekday=weekday, start=start, end=end, **fields)
        for weekday in weekdays
    ]


def make_override(*, nurse: Nurse, **fields: Any) -> AvailabilityOverride:
    """Store a change of a nurse's hours; without times the whole of `date` is removed."""
    return AvailabilityOverride.objects.create(nurse=nurse, **fields)


def make_assignment(
    *, patient: Patient, nurse: Nurse, primary: bool = True, **fields: Any
) -> CareAssignment:
    """Assign a nurse to a patient."""
    return CareAssignment.objects.create(patient=patient, nurse=nurse, primary=primary, **fields)


def make_relation(*, patient: Patient, **fields: Any) -> PatientRelation:
    """Store somebody who may speak for a patient; a representative unless the test says otherwise."""
    defaults: dict[str, Any] = {
        "kind": PatientRelation.Kind.REPRESENTATIVE,
        "name": f"Relative {next(_numbers)}",
    }
    return PatientRelation.objects.create(patient=patient, **defaults | fields)


def make_consent(*, patient: Patient, granted: bool = True, **fields: Any) -> Consent:
    """Store a patient's answer about texts on visits."""
    defaults: dict[str, Any] = {
        "channel": Consent.Channel.SMS,
        "purpose": Consent.Purpose.APPOINTMENTS,
        "wording": "May we text you?",
        "source": Source.VOICE,
        "recorded_at": NOW - timedelta(days=1),
    }
    return Consent.objects.create(patient=patient, granted=granted, **defaults | fields)


def make_appointment(
    *,
    start: datetime = TOMORROW_NINE,
    minutes: int = 30,
    nurse: Nurse | None = None,
    patient: Patient | None = None,
    visit_type: VisitType | None = None,
    **fields: Any,
) -> Appointment:
    """Store a visit as it is, without asking the rules; only the database's own constraints apply."""
    nurse = nurse or make_nurse()
    start = start.astimezone(UTC)
    end = start + timedelta(minutes=minutes)
    defaults: dict[str, Any] = {
        "blocked_from": start - timedelta(minutes=nurse.buffer_before_minutes),
        "blocked_until": end + timedelta(minutes=nurse.buffer_after_minutes),
        "source": Source.DASHBOARD,
    }
    if fields.get("status") == Appointment.Status.CANCELLED:
        defaults |= {"cancelled_at": NOW, "cancellation_reason": "patient"}
    return Appointment.objects.create(
        nurse=nurse,
        patient=patient or make_patient(),
        visit_type=visit_type or make_visit_type(),
        start=start,
        end=end,
        **defaults | fields,
    )


def make_hold(
    *,
    nurse: Nurse,
    owner: str = "call:somebody",
    start: datetime = TOMORROW_NINE,
    minutes: int = 30,
    expires_at: datetime = NOW + timedelta(minutes=2),
    patient_id: UUID | None = None,
    **fields: Any,
) -> SlotHold:
    """Store a live hold as it is."""
    start = start.astimezone(UTC)
    end = start + timedelta(minutes=minutes)
    defaults: dict[str, Any] = {
        "visit_type": fields.pop("visit_type", None) or make_visit_type(),
        "blocked_from": start,
        "blocked_until": end,
    }
    return SlotHold.objects.create(
        owner=owner,
        nurse=nurse,
        patient_id=patient_id,
        start=start,
        end=end,
        expires_at=expires_at,
        **defaults | fields,
    )
