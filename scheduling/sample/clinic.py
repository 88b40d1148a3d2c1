"""
The clinic of voice-conversation, section 12: three nurses, six patients, three visits, seven free times.

Its dates are those of the week of Thursday, March 5, 2026, moved by whole weeks so that this Thursday is the
clock's. Everything has a fixed id, so a second run finds what the first one made.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduling.models import (
    Appointment,
    AppointmentChange,
    Availability,
    AvailabilityOverride,
    CareAssignment,
    Clinic,
    Consent,
    Nurse,
    OpeningHours,
    Patient,
    PatientRelation,
    Source,
    Specialization,
    VisitType,
)


def _local(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a time of the clinic's wall clock in March 2026; `_visit` gives it the zone."""
    return datetime.combine(date(2026, 3, day), time(hour, minute))


THURSDAY = date(2026, 3, 5)
FIRST_FILLED = _local(5, 10)  # what is free of that Thursday stays in the past
LAST_DAY = date(2026, 3, 13)
STEP = timedelta(minutes=30)
ACTOR = "system:sample"
NAMESPACE = uuid.UUID("5d0c3d1e-6b0f-4f8e-9b57-6f1f0b1f8f5a")
FILLERS = 40
CONSENT = "May we send you text messages about your visits?"

REYES, BLAKE, SHAH = "Ana Reyes", "Tom Blake", "Priya Shah"
WORK: dict[str, dict[int, tuple[tuple[time, time], ...]]] = {
    REYES: {day: ((time(9), time(12)), (time(13), time(17))) for day in range(5)},
    BLAKE: {day: ((time(8), time(16)),) for day in (1, 3, 4)},
    SHAH: {day: ((time(9), time(17)),) for day in range(5)},
}
AWAY = {SHAH: [date(2026, 3, day) for day in range(9, 14)]}
SPECIALTIES = {
    REYES: ("wound-care", "general-nursing"),
    BLAKE: ("pediatrics", "general-nursing"),
    SHAH: ("diabetes-care", "general-nursing"),
}
SPECIALIZATION_NAMES = {
    "general-nursing": "General nursing",
    "wound-care": "Wound care",
    "pediatrics": "Pediatrics",
    "diabetes-care": "Diabetes care",
}
VISIT_TYPES = (
    ("routine", "Routine visit", "Visita de rutina", True),
    ("follow_up", "Follow-up visit", "Visita de seguimiento", True),
    ("consultation", "Consultation", "Consulta", True),
    ("emergency", "Emergency", "Emergencia", False),
)
FREE = {
    (REYES, _local(6, 15)),
    (REYES, _local(9, 9)),
    (BLAKE, _local(10, 8)),
    (REYES, _local(10, 10, 30)),
    (REYES, _local(10, 11)),
    (REYES, _local(11, 13, 30)),
    (BLAKE, _local(12, 11)),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One of the six patients."""

    key: str
    first_name: str
    last_name: str
    born: date
    phone: str
    language: str = "en"
    postal_code: str = ""
    nurse: str = ""


PATIENTS = (
    Person("P1", "Maria", "Lopez", date(1958, 4, 12), "+12025550101", nurse=REYES),
    Person(
        "P2",
        "James",
        "Okafor",
        date(1984, 11, 3),
        "+12025550102",
        postal_code="20001",
        nurse=BLAKE,
    ),
    Person("P3", "Lily", "Okafor", date(2017, 6, 21), "+12025550102"),
    Person("P4", "Carmen", "Diaz", date(1990, 1, 30), "+12025550104", language="es"),
    Person("P5", "Robert", "Chen", date(1942, 9, 17), "+12025550105"),
    Person("P6", "Maria", "Lopez", date(1971, 8, 2), "+12025550106"),
)
VISITS = (
    ("A1", "P1", REYES, _local(10, 9, 30), "follow_up"),
    ("A2", "P4", BLAKE, _local(6, 8, 30), "routine"),
    ("A3", "P5", REYES, _local(11, 14), "routine"),
)


def sample_id(key: str) -> uuid.UUID:
    """Return the fixed id of a sample row."""
    return uuid.uuid5(NAMESPACE, key)


def shift_for(*, now: datetime, zone: ZoneInfo) -> timedelta:
    """Return by how many whole weeks the dates move so that section 12's Thursday is in the week of `now`."""
    today = now.astimezone(zone).date()
    return today - timedelta(days=today.weekday()) - (THURSDAY - timedelta(days=3))


def load(*, now: datetime, zone: ZoneInfo) -> int:
    """Make what is missing of the clinic; return how many visits that were."""
    shift = shift_for(now=now, zone=zone)
    _load_rules()
    nurses = {name: _load_nurse(name, shift, zone) for name in WORK}
    patients = {person.key: _load_patient(person, now) for person in PATIENTS}
    _load_relations(patients)
    for person in PATIENTS:
        if person.nurse:
            CareAssignment.objects.get_or_create(
                patient=patients[person.key], nurse=nurses[person.nurse], defaults={"primary": True}
            )
    return _load_visits(nurses, patients, shift, zone, now)


def reset() -> None:
    """Remove the visits of the clinic's nurses and of its six patients, so that `load` makes them anew."""
    nurses = [sample_id(f"nurse:{name}") for name in WORK]
    patients = [sample_id(f"patient:{person.key}") for person in PATIENTS]
    for visits in (
        Appointment.objects.filter(nurse__in=nurses),
        Appointment.objects.filter(patient__in=patients),
    ):
        visits.delete()
    AvailabilityOverride.objects.filter(nurse__in=nurses).delete()


def _load_rules() -> None:
    for code, name in SPECIALIZATION_NAMES.items():
        Specialization.objects.get_or_create(code=code, defaults={"name": name})
    for code, name, name_es, bookable in VISIT_TYPES:
        VisitType.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "name_es": name_es,
                "length_minutes": 30,
                "bookable_by_phone": bookable,
                "continuity_patience_days": 7 if bookable else 0,
            },
        )
    for weekday in range(5):
        OpeningHours.objects.get_or_create(
            weekday=weekday, opens=time(8), defaults={"closes": time(17)}
        )
    Clinic.objects.get_or_create(
        only=True,
        defaults={
            "address": "100 Example Street, Washington, DC 20001",
            "bring_en": "Please have your insurance card and a list of your medicines at hand.",
            "bring_es": "Tenga a mano su tarjeta de seguro y una lista de sus medicamentos.",
            "services_en": "Nurse visits: routine visits, follow-up visits and consultations.",
            "services_es": "Visitas de enfermería: de rutina, de seguimiento y consultas.",
        },
    )


def _load_nurse(name: str, shift: timedelta, zone: ZoneInfo) -> Nurse:
    first_name, last_name = name.split()
    nurse, made = Nurse.objects.get_or_create(
        id=sample_id(f"nurse:{name}"),
        defaults={
            "first_name": first_name,
            "last_name": last_name,
            "license_number": f"RN-{last_name.upper()}",
            "license_state": "DC",
            "license_expires_on": THURSDAY + shift + timedelta(days=730),
            "languages": ["en", "es"] if name == REYES else ["en"],
            "time_zone": zone.key,
            "sample": True,
        },
    )
    if made:
        nurse.specializations.set(Specialization.objects.filter(code__in=SPECIALTIES[name]))
        Availability.objects.bulk_create(
            Availability(nurse=nurse, weekday=weekday, start=start, end=end)
            for weekday, windows in WORK[name].items()
            for start, end in windows
        )
    for day in AWAY.get(name, ()):
        AvailabilityOverride.objects.get_or_create(
            nurse=nurse,
            date=day + shift,
            effect=AvailabilityOverride.Effect.REMOVE,
            start=None,
            end=None,
            defaults={"note": "Away"},
        )
    return nurse


def _load_patient(person: Person, now: datetime) -> Patient:
    patient, made = Patient.objects.get_or_create(
        id=sample_id(f"patient:{person.key}"),
        defaults={
            "first_name": person.first_name,
            "last_name": person.last_name,
            "date_of_birth": person.born,
            "phone": person.phone,
            "preferred_language": person.language,
            "postal_code": person.postal_code,
            "sample": True,
        },
    )
    if made:
        Consent.objects.create(
            patient=patient,
            phone=person.phone,
            channel=Consent.Channel.SMS,
            purpose=Consent.Purpose.APPOINTMENTS,
            granted=True,
            wording=CONSENT,
            source=Source.ADMIN,
            recorded_at=now - timedelta(days=30),
        )
    return patient


def _load_relations(patients: dict[str, Patient]) -> None:
    PatientRelation.objects.get_or_create(
        patient=patients["P3"],
        kind=PatientRelation.Kind.GUARDIAN,
        name="James Okafor",
        defaults={"phone": "+12025550102", "related_patient": patients["P2"]},
    )
    PatientRelation.objects.get_or_create(
        patient=patients["P5"], kind=PatientRelation.Kind.REPRESENTATIVE, name="Susan Chen"
    )


def _load_visits(
    nurses: dict[str, Nurse],
    patients: dict[str, Patient],
    shift: timedelta,
    zone: ZoneInfo,
    now: datetime,
) -> int:
    types = {visit_type.code: visit_type for visit_type in VisitType.objects.all()}
    fillers = _load_fillers()
    week = (THURSDAY + shift).isoformat()
    wanted: list[Appointment] = []
    kept: set[tuple[str, datetime]] = set()
    for key, patient, nurse, start, code in VISITS:
        kept.add((nurse, start))
        wanted.append(
            _visit(
                f"{week}:{key}", patients[patient], nurses[nurse], types[code], start + shift, zone
            )
        )
    for number, (nurse, start) in enumerate(_filled()):
        if (nurse, start) not in kept:
            key = f"{week}:{nurse}:{start.isoformat()}"
            patient_row = fillers[number % FILLERS]
            wanted.append(
                _visit(key, patient_row, nurses[nurse], types["routine"], start + shift, zone)
            )
    return _store_missing(wanted, nurses, now)


def _filled() -> Iterator[tuple[str, datetime]]:
    """Yield each start that is not free, in order of time; at most three lie at one time."""
    day = THURSDAY
    while day <= LAST_DAY:
        for hour_half in range(48):
            start = datetime.combine(day, time()) + hour_half * STEP
            for name, weekdays in WORK.items():
                windows = weekdays.get(day.weekday(), ())
                at_work = any(opens <= start.time() < closes for opens, closes in windows)
                if (
                    at_work
                    and start >= FIRST_FILLED
                    and day not in AWAY.get(name, ())
                    and (name, start) not in FREE
                ):
                    yield name, start
        day += timedelta(days=1)


def _load_fillers() -> list[Patient]:
    """Return invented patients whose only purpose is to have visits."""
    Patient.objects.bulk_create(
        (
            Patient(
                id=sample_id(f"filler:{number}"),
                first_name="Visitor",
                last_name=f"Sample {number + 1:02d}",
                date_of_birth=date(1950, 1, 1) + timedelta(days=number * 397),
                sample=True,
            )
            for number in range(FILLERS)
            if not Patient.objects.filter(pk=sample_id(f"filler:{number}")).exists()
        ),
    )
    ids = [sample_id(f"filler:{number}") for number in range(FILLERS)]
    found = Patient.objects.in_bulk(ids)
    return [found[filler_id] for filler_id in ids]


def _visit(
    key: str,
    patient: Patient,
    nurse: Nurse,
    visit_type: VisitType,
    local_start: datetime,
    zone: ZoneInfo,
) -> Appointment:
    start = local_start.replace(tzinfo=zone).astimezone(UTC)
    end = start + timedelta(minutes=visit_type.length_minutes)
    return Appointment(
        id=sample_id(f"visit:{key}"),
        patient=patient,
        nurse=nurse,
        visit_type=visit_type,
        start=start,
        end=end,
        blocked_from=start,
        blocked_until=end,
        source=Source.ADMIN,
    )


def _store_missing(wanted: list[Appointment], nurses: dict[str, Nurse], now: datetime) -> int:
    """Store the visits that are not there, unless another visit has taken their time since."""
    stored = Appointment.objects.in_bulk([visit.pk for visit in wanted])
    since = min(visit.start for visit in wanted)
    active = Appointment.objects.filter(end__gt=since, status__in=("booked", "arrived"))
    busy = [
        {(nurse, start) for nurse, start in active.values_list("nurse_id", "start")},
        {(patient, start) for patient, start in active.values_list("patient_id", "start")},
    ]
    missing = [
        visit
        for visit in wanted
        if visit.pk not in stored
        and (visit.nurse_id, visit.start) not in busy[0]
        and (visit.patient_id, visit.start) not in busy[1]
    ]
    Appointment.objects.bulk_create(missing)
    AppointmentChange.objects.bulk_create(
        AppointmentChange(
            appointment=visit,
            version=visit.version,
            kind=AppointmentChange.Kind.BOOKED,
            at=min(now, visit.start) - timedelta(days=7),
            source=visit.source,
            actor=ACTOR,
            new={"start": visit.start.isoformat(), "status": visit.status},
        )
        for visit in missing
    )
    return len(missing)
