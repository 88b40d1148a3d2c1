"""Callers who have proved who they are, and rivals for their times."""

from datetime import datetime

from scheduling.models import Appointment, SlotHold
from scheduling.services import book_appointment
from tests.voice.assistant.clinic import NOW, PhoneCall, SampleClinic


def james() -> PhoneCall:
    call = PhoneCall()
    call.verify("james")
    return call


def maria() -> PhoneCall:
    call = PhoneCall("+12025550101")
    call.verify("maria")
    return call


def take(clinic: SampleClinic, nurse: str, start: datetime, patient: str = "maria2") -> Appointment:
    """Let somebody else have a time, held or not: as the database would show it after a race."""
    SlotHold.objects.filter(start=start).update(state="released")
    return book_appointment(
        patient_id=clinic.patients[patient].pk,
        nurse_id=clinic.nurses[nurse].pk,
        start=start,
        visit_type="routine",
        source="dashboard",
        actor="user:test",
        now=NOW,
    )
