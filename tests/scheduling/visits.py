"""Visits as the services book and move them."""

from datetime import datetime, timedelta
from typing import Any

from scheduling import services
from scheduling.models import Appointment, Nurse, Patient, Source
from tests.factories import NOW, TOMORROW_NINE, make_nurse, make_patient, make_visit_type

HALF_HOUR = timedelta(minutes=30)
OWNER = "call:me"


def book(
    *,
    patient: Patient | None = None,
    nurse: Nurse | None = None,
    start: datetime = TOMORROW_NINE,
    source: str = Source.VOICE,
    **more: Any,
) -> Appointment:
    """Book a routine visit through the service."""
    make_visit_type()
    return services.book_appointment(
        patient_id=(patient or make_patient()).pk,
        nurse_id=(nurse or make_nurse()).pk,
        start=start,
        **{"visit_type": "routine", "source": source, "actor": OWNER, "now": NOW, **more},
    )


def move(appointment: Appointment, start: datetime, **more: Any) -> Appointment:
    """Move a visit through the service, to the same nurse unless `nurse_id` says otherwise."""
    given: dict[str, Any] = {
        "nurse_id": appointment.nurse_id,
        "source": Source.VOICE,
        "actor": OWNER,
        "now": NOW,
    }
    return services.reschedule_appointment(
        appointment_id=appointment.pk, start=start, **given | more
    )
