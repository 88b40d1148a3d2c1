"""Wishes on the waitlist, and a nurse's day that is full of visits."""

from datetime import date, datetime, timedelta
from typing import Any

from scheduling import services
from scheduling.models import Appointment, Nurse, Patient, WaitlistEntry, WaitlistOffer
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_consent,
    make_patient,
    make_visit_type,
)

HALF_HOUR = timedelta(minutes=30)
ANSWER_BY = NOW + HALF_HOUR
BY_TEXT: dict[str, Any] = {"source": "sms", "actor": "text"}
TODAY = date(2026, 3, 5)
TOMORROW = date(2026, 3, 6)


def make_reachable(**fields: Any) -> Patient:
    """Store a patient who has agreed to texts."""
    patient = make_patient(**fields)
    make_consent(patient=patient)
    return patient


def make_entry(*, patient: Patient | None = None, **fields: Any) -> WaitlistEntry:
    """Store a wish for a routine visit today or tomorrow."""
    given: dict[str, Any] = {
        "visit_type": fields.pop("visit_type", None) or make_visit_type(),
        "earliest": TODAY,
        "latest": TOMORROW,
        "source": "voice",
        "actor": "call:1",
        "waiting_since": NOW - timedelta(days=1),
    }
    return WaitlistEntry.objects.create(patient=patient or make_reachable(), **given | fields)


def full_day(nurse: Nurse) -> list[Appointment]:
    """Fill the nurse's tomorrow from nine to five with half-hour visits."""
    starts = (TOMORROW_NINE + number * HALF_HOUR for number in range(16))
    return [make_appointment(nurse=nurse, start=start) for start in starts]


def cancel(visit: Appointment, *, now: datetime = NOW) -> None:
    """Cancel a visit as staff do."""
    services.cancel_appointment(
        appointment_id=visit.pk, source="dashboard", actor="user:1", now=now
    )


def offer_of(entry: WaitlistEntry) -> WaitlistOffer:
    """Return the one offer that an entry has had."""
    return WaitlistOffer.objects.get(entry=entry)
