"""Visits, and times held for somebody, drawn as Appointment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from scheduling.fhir import statuses
from scheduling.fhir.calendars import TypeValues, appointment_type, service_type
from scheduling.fhir.instants import instant
from scheduling.fhir.site import HL7, Site, reference, uuid_identifier
from scheduling.fhir.slot_ids import SlotId

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Identifier:
    """Another system's name for a visit; without a system it is the empty one."""

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class VisitValues:
    """What is shown of a visit, or of a held time (`state.status` is `held`; then nobody may be named yet)."""

    id: UUID
    state: statuses.State
    patient_id: UUID | None
    patient_name: str
    nurse_id: UUID
    nurse_name: str
    visit_type: TypeValues
    start: datetime
    end: datetime
    minute: int
    """The start, in minutes since 1970."""
    version: int
    created_at: datetime
    updated_at: datetime
    reason: str = ""
    cancellation_reason: str = ""
    cancellation_note: str = ""
    identifier: Identifier | None = None


def appointment(values: VisitValues, site: Site) -> dict[str, Any]:
    """Return an Appointment."""
    how = statuses.DRAWN[values.state]
    drawn: dict[str, Any] = {
        "resourceType": "Appointment",
        "id": str(values.id),
        "meta": {"versionId": str(values.version), "lastUpdated": instant(values.updated_at)},
        "identifier": _identifiers(values),
        "status": how.status,
        "serviceType": [service_type(values.visit_type, site)],
        "start": instant(values.start),
        "end": instant(values.end),
        "minutesDuration": (values.end - values.start) // MINUTE,
        "slot": [reference("Slot", SlotId(values.nurse_id, values.minute, values.visit_type.id))],
        "created": instant(values.created_at),
        "participant": _participants(values, how),
    }
    if (kind := appointment_type(values.visit_type.code)) is not None:
        drawn["appointmentType"] = kind
    if values.reason:
        drawn["description"] = values.reason
    if values.cancellation_reason and how.status in {"cancelled", "noshow"}:
        drawn["cancelationReason"] = _cancellation(values, site)
    return drawn


def _identifiers(values: VisitValues) -> list[dict[str, Any]]:
    own = uuid_identifier(values.id)
    given = values.identifier
    if given is None or (given.system, given.value) == (own["system"], own["value"]):
        return [own]
    theirs = {"system": given.system} if given.system else {}
    return [own, theirs | {"value": given.value}]


def _participants(values: VisitValues, how: statuses.Drawn) -> list[dict[str, Any]]:
    nurse = {
        "actor": reference("Practitioner", values.nurse_id, values.nurse_name),
        "required": "required",
        "status": "declined" if how.participation == "declined" else "accepted",
    }
    if values.patient_id is None:
        return [nurse]
    return [
        {
            "actor": reference("Patient", values.patient_id, values.patient_name),
            "required": "required",
            "status": how.participation,
        },
        nurse,
    ]


def _cancellation(values: VisitValues, site: Site) -> dict[str, Any]:
    code = statuses.CANCELLATION[values.cancellation_reason]
    return {
        "coding": [
            {"system": f"{HL7}/appointment-cancellation-reason", "code": code},
            {"system": site.cancellation_reasons, "code": values.cancellation_reason},
        ],
        "text": values.cancellation_note or values.cancellation_reason,
    }
