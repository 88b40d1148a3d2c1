"""Nurses' calendars and the times in them, drawn as Schedule and Slot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from scheduling.fhir.instants import instant
from scheduling.fhir.people import role_id
from scheduling.fhir.site import HL7, Site, concept, reference
from scheduling.fhir.slot_ids import NO_KIND, SlotId

APPOINTMENT_TYPES = {
    "routine": ("ROUTINE", "Routine appointment"),
    "follow_up": ("FOLLOWUP", "A follow up visit from a previous appointment"),
    "consultation": ("CHECKUP", "A routine check-up, such as an annual physical"),
    "emergency": ("EMERGENCY", "Emergency appointment"),
}
"""Our kinds of visit that have a word in v2-0276."""


@dataclass(frozen=True, slots=True)
class TypeValues:
    """A kind of visit."""

    id: UUID
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class ScheduleValues:
    """A nurse's calendar, and how far it can be booked."""

    nurse_id: UUID
    nurse_name: str
    specializations: Sequence[tuple[UUID, str, str]]
    """Id, code and name of each."""
    visit_types: Sequence[TypeValues]
    active: bool
    bookable_from: datetime
    bookable_until: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SlotValues:
    """A time in a nurse's calendar, free or not; time off has no kind of visit."""

    nurse_id: UUID
    start: datetime
    end: datetime
    status: str
    minute: int
    """The start, in minutes since 1970."""
    visit_type: TypeValues | None = None

    @property
    def id(self) -> str:
        kind = self.visit_type.id if self.visit_type else NO_KIND
        return str(SlotId(self.nurse_id, self.minute, kind))


def schedule(values: ScheduleValues, site: Site) -> dict[str, Any]:
    """Return a Schedule."""
    actors = [reference("Practitioner", values.nurse_id, values.nurse_name)]
    roles = [
        reference("PractitionerRole", role_id(values.nurse_id, row_id), name)
        for row_id, _, name in values.specializations
    ]
    drawn: dict[str, Any] = {
        "resourceType": "Schedule",
        "id": str(values.nurse_id),
        "meta": {"lastUpdated": instant(values.updated_at)},
        "active": values.active,
        "actor": actors + roles,
        "planningHorizon": {
            "start": instant(values.bookable_from),
            "end": instant(values.bookable_until),
        },
    }
    if values.visit_types:
        drawn["serviceType"] = [service_type(one, site) for one in values.visit_types]
    if values.specializations:
        drawn["specialty"] = [
            concept(site.specializations, code, name) for _, code, name in values.specializations
        ]
    return drawn


def slot(values: SlotValues, site: Site, *, now: datetime) -> dict[str, Any]:
    """Return a Slot as it is at `now`; it is computed, so it was last updated then."""
    drawn: dict[str, Any] = {
        "resourceType": "Slot",
        "id": values.id,
        "meta": {"lastUpdated": instant(now)},
        "schedule": reference("Schedule", values.nurse_id),
        "status": values.status,
        "start": instant(values.start),
        "end": instant(values.end),
    }
    if values.visit_type is not None:
        drawn["serviceType"] = [service_type(values.visit_type, site)]
        if (kind := appointment_type(values.visit_type.code)) is not None:
            drawn["appointmentType"] = kind
    return drawn


def service_type(kind: TypeValues, site: Site) -> dict[str, Any]:
    """Return a kind of visit as a concept."""
    return concept(site.visit_types, kind.code, kind.name)


def appointment_type(code: str) -> dict[str, Any] | None:
    """Return HL7's word for a kind of visit, or nothing if it has none."""
    word = APPOINTMENT_TYPES.get(code)
    return concept(f"{HL7}/v2-0276", *word) if word else None
