"""Appointments as a program sends them."""

from typing import Any

from scheduling.models import Nurse, Patient

OURS = "http://portal.example/bookings"


def wish(patient: Patient | None = None, nurse: Nurse | None = None, **more: Any) -> dict[str, Any]:
    """Return an Appointment to be booked: tomorrow at nine, unless the test says otherwise."""
    people = [("Patient", patient), ("Practitioner", nurse)]
    body: dict[str, Any] = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2026-03-06T14:00:00Z",
        "end": "2026-03-06T14:30:00Z",
        "participant": [
            {"actor": {"reference": f"{kind}/{row.pk}"}, "status": "accepted"}
            for kind, row in people
            if row
        ],
    }
    return {name: value for name, value in (body | more).items() if value is not None}


def named(value: str, system: str = OURS) -> dict[str, Any]:
    return {"identifier": [{"system": system, "value": value}]}


def at(visit: dict[str, Any], start: str, end: str) -> dict[str, Any]:
    """Return what was read with another time."""
    return visit | {"start": start, "end": end}
