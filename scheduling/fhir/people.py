"""Patients, nurses and what they are trained for, drawn as Patient, Practitioner and PractitionerRole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from typing import Any
from uuid import UUID

from scheduling.fhir.instants import instant
from scheduling.fhir.site import HL7, LANGUAGES, Site, concept, reference, uuid_identifier

TIME_ZONE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/timezone"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE_DAY = (0, 1440)
LAST_SECOND = "23:59:59"
"""How a window that runs to midnight ends: FHIR has no 24:00."""
LANGUAGE_NAMES = {"en": "English", "es": "Spanish"}


@dataclass(frozen=True, slots=True)
class PatientValues:
    """What is shown of a patient."""

    id: UUID
    first_name: str
    last_name: str
    date_of_birth: date
    phones: tuple[str, ...]
    email: str
    reference_number: str
    language: str
    active: bool
    primary_nurse: UUID | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NurseValues:
    """What is shown of a nurse."""

    id: UUID
    first_name: str
    last_name: str
    phone: str
    email: str
    license_number: str
    license_state: str
    license_expires_on: date
    languages: tuple[str, ...]
    time_zone: str
    active: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """
    A weekly window: `weekday` as Python counts, times in minutes of the day.

    An end that is not after the start lies on the next day.
    """

    weekday: int
    start: int
    end: int
    is_break: bool = False


@dataclass(frozen=True, slots=True)
class RoleValues:
    """A nurse in one of her or his specializations, with weekly windows and times off."""

    nurse: NurseValues
    specialization_id: UUID
    specialization_code: str
    specialization_name: str
    windows: tuple[Window, ...]
    times_off: tuple[tuple[datetime, datetime], ...]


def patient(values: PatientValues, site: Site) -> dict[str, Any]:
    """Return a Patient."""
    identifiers = [uuid_identifier(values.id)]
    if values.reference_number:
        identifiers.append({"system": site.patient_references, "value": values.reference_number})
    code = values.language
    language = {
        "coding": [{"system": LANGUAGES, "code": code}],
        "text": LANGUAGE_NAMES.get(code, code),
    }
    drawn: dict[str, Any] = {
        "resourceType": "Patient",
        "id": str(values.id),
        "meta": {"lastUpdated": instant(values.updated_at)},
        "identifier": identifiers,
        "active": values.active,
        "name": [_name(values.first_name, values.last_name)],
        "birthDate": values.date_of_birth.isoformat(),
        "communication": [{"language": language, "preferred": True}],
    }
    if telecom := _telecom(values.phones, values.email):
        drawn["telecom"] = telecom
    if values.primary_nurse is not None:
        drawn["generalPractitioner"] = [reference("Practitioner", values.primary_nurse)]
    return drawn


def practitioner(values: NurseValues, site: Site) -> dict[str, Any]:
    """Return a Practitioner, with the nursing license and the time zone in which she or he works."""
    license_id = {"system": site.licenses(values.license_state), "value": values.license_number}
    drawn: dict[str, Any] = {
        "resourceType": "Practitioner",
        "id": str(values.id),
        "meta": {"lastUpdated": instant(values.updated_at)},
        "extension": [{"url": TIME_ZONE_EXTENSION, "valueCode": values.time_zone}],
        "identifier": [uuid_identifier(values.id), license_id],
        "active": values.active,
        "name": [_name(values.first_name, values.last_name)],
        "qualification": [
            {
                "identifier": [license_id],
                "code": concept(f"{HL7}/v2-0360", "RN", "Registered Nurse"),
                "period": {"end": values.license_expires_on.isoformat()},
                "issuer": {"display": values.license_state},
            }
        ],
    }
    if telecom := _telecom((values.phone,), values.email):
        drawn["telecom"] = telecom
    if values.languages:
        drawn["communication"] = [
            {"coding": [{"system": LANGUAGES, "code": code}]} for code in values.languages
        ]
    return drawn


def role_id(nurse_id: UUID, specialization_id: UUID) -> str:
    """Return the id of a nurse in a specialization: both, in the 64 characters that an id may have."""
    return f"{nurse_id.hex}{specialization_id.hex}"


def read_role_id(text: str) -> tuple[UUID, UUID] | None:
    """Return nurse and specialization of a role's id, or nothing if it is none of ours."""
    if len(text) != 64:
        return None
    try:
        found = UUID(hex=text[:32]), UUID(hex=text[32:])
    except ValueError:
        return None
    return found if role_id(*found) == text else None


def practitioner_role(values: RoleValues, site: Site) -> dict[str, Any]:
    """Return a PractitionerRole; its times are those of the nurse's wall clock."""
    nurse = values.nurse
    drawn: dict[str, Any] = {
        "resourceType": "PractitionerRole",
        "id": role_id(nurse.id, values.specialization_id),
        "meta": {"lastUpdated": instant(nurse.updated_at)},
        "active": nurse.active,
        "practitioner": reference(
            "Practitioner", nurse.id, f"{nurse.first_name} {nurse.last_name}".strip()
        ),
        "specialty": [
            concept(site.specializations, values.specialization_code, values.specialization_name)
        ],
    }
    if times := list(_available_times(values.windows)):
        drawn["availableTime"] = times
    if values.times_off:
        drawn["notAvailable"] = [
            {
                "description": "Not available",
                "during": {"start": instant(start), "end": instant(end)},
            }
            for start, end in values.times_off
        ]
    return drawn


def _name(first: str, last: str) -> dict[str, Any]:
    name: dict[str, Any] = {"text": f"{first} {last}".strip(), "given": [first]}
    return name | ({"family": last} if last else {})


def _telecom(phones: Sequence[str], email: str) -> list[dict[str, Any]]:
    drawn: list[dict[str, Any]] = [{"system": "phone", "value": phone} for phone in phones if phone]
    return drawn + ([{"system": "email", "value": email}] if email else [])


def _available_times(windows: Sequence[Window]) -> Iterator[dict[str, Any]]:
    """Yield the times of each day, breaks taken out; what runs past midnight becomes two entries."""
    work = _by_day(window for window in windows if not window.is_break)
    breaks = _by_day(window for window in windows if window.is_break)
    days_of: dict[tuple[int, int], list[str]] = {}
    for weekday, day in enumerate(DAYS):
        for span in _without(work[weekday], breaks[weekday]):
            days_of.setdefault(span, []).append(day)
    for (start, end), days in days_of.items():
        if (start, end) == WHOLE_DAY:
            yield {"daysOfWeek": days, "allDay": True}
        else:
            yield {
                "daysOfWeek": days,
                "availableStartTime": _time(start),
                "availableEndTime": _time(end),
            }


def _by_day(windows: Iterator[Window]) -> list[list[tuple[int, int]]]:
    days: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for window in windows:
        if window.start < window.end:
            days[window.weekday].append((window.start, window.end))
            continue
        days[window.weekday].append((window.start, WHOLE_DAY[1]))
        if window.end:
            days[(window.weekday + 1) % len(DAYS)].append((0, window.end))
    return [sorted(day) for day in days]


def _without(
    spans: Sequence[tuple[int, int]], holes: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Yield what is in a span and in no hole, joined where spans touch, in order."""
    edges = sorted({edge for span in (*spans, *holes) for edge in span})
    begin: int | None = None
    for start, end in pairwise([*edges, WHOLE_DAY[1] + 1]):
        open_here = any(low <= start and end <= high for low, high in spans)
        open_here = open_here and not any(low <= start and end <= high for low, high in holes)
        if open_here and begin is None:
            begin = start
        elif not open_here and begin is not None:
            yield begin, start
            begin = None


def _time(minute: int) -> str:
    if minute == WHOLE_DAY[1]:
        return LAST_SECOND
    return time(minute // 60, minute % 60).isoformat("seconds")
