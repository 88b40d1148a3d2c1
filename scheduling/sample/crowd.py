"""
Invented people by number, with their history and future; the same seed and week give the same rows.

Nurses of the crowd are booked up in the days of the test conversations, so that the free times of section 12 stay
the only ones; after that they have gaps, and before that a history.
"""

import math
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count

from scheduling.models import (
    Appointment,
    Availability,
    CareAssignment,
    MedicalCondition,
    Nurse,
    Patient,
    Source,
    Specialization,
    VisitType,
)
from scheduling.sample.bulk import insert
from scheduling.sample.clinic import FIRST_FILLED, LAST_DAY, NAMESPACE, STEP, shift_for

REFERENCE = "S"  # what begins the reference and license numbers of the crowd
VISITS_PER_NURSE = 1500
FUTURE_WEEKS = 4
FUTURE_SHARE = 0.5
BATCH = 2000
OPENS, CLOSES = time(8), time(16)
STARTS_A_DAY = 16

FIRST_NAMES = [
    "Alice",
    "Amir",
    "Beatriz",
    "Benjamin",
    "Chloe",
    "Daniel",
    "Elena",
    "Emeka",
    "Fatima",
    "Felix",
    "Grace",
    "Hassan",
    "Hannah",
    "Ines",
    "Ivan",
    "Jasmine",
    "Jonas",
    "Karim",
    "Keiko",
    "Laura",
    "Leon",
    "Mateo",
    "Mei",
    "Nadia",
    "Noah",
    "Olga",
    "Omar",
    "Paula",
    "Peter",
    "Quinn",
    "Rosa",
    "Samir",
    "Sofia",
    "Tara",
    "Tomas",
    "Uma",
    "Victor",
    "Wendy",
    "Xavier",
    "Yara",
    "Zoe",
]
LAST_NAMES = [
    "Abbott",
    "Adeyemi",
    "Alvarez",
    "Baker",
    "Banerjee",
    "Becker",
    "Campos",
    "Carter",
    "Dubois",
    "Ellis",
    "Fischer",
    "Fontaine",
    "Garcia",
    "Green",
    "Hughes",
    "Ibrahim",
    "Ivanova",
    "Jensen",
    "Johnson",
    "Kaplan",
    "Kim",
    "Klein",
    "Kowalski",
    "Larsen",
    "Martin",
    "Mendoza",
    "Moreau",
    "Murphy",
    "Nakamura",
    "Nguyen",
    "Novak",
    "Oliveira",
    "Park",
    "Patel",
    "Perez",
    "Quigley",
    "Rossi",
    "Sato",
    "Silva",
    "Singh",
    "Taylor",
    "Tran",
    "Underwood",
    "Vargas",
    "Weber",
    "Yilmaz",
    "Young",
]
CONDITIONS = (
    ("Type 2 diabetes", "E11.9"),
    ("Hypertension", "I10"),
    ("Asthma", "J45.909"),
    ("Pressure ulcer", "L89.90"),
    ("Heart failure", "I50.9"),
)
OUTCOMES = ("fulfilled", "cancelled", "noshow")
OUTCOME_WEIGHTS = (86, 8, 6)
TYPES = ("routine", "follow_up", "consultation")
TYPE_WEIGHTS = (60, 28, 12)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days that matter, already moved to the clock's week."""

    zone: ZoneInfo
    now: datetime
    first: date
    last: date
    filled_from: datetime  # local, naive

    def instant(self, local: datetime) -> datetime:
        """Return the UTC instant of a local start; starts lie far from the hours that clocks skip."""
        return local.replace(tzinfo=self.zone).astimezone(UTC)


def load(
    *,
    now: datetime,
    zone: ZoneInfo,
    patients: int,
    nurses: int,
    appointments: int,
    seed: int,
) -> int:
    """Add people and visits until there are as many of the crowd as asked; return how many visits were added."""
    shift = shift_for(now=now, zone=zone)
    calendar = Calendar(
        zone=zone,
        now=now,
        first=FIRST_FILLED.date() + shift,
        last=LAST_DAY + shift,
        filled_from=FIRST_FILLED + shift,
    )
    if appointments:
        nurses = max(nurses, math.ceil(appointments / VISITS_PER_NURSE) if not nurses else 1)
        patients = max(patients, nurses, min(appointments, 20))
    _load_nurses(nurses, seed, calendar)
    _load_patients(patients, seed)
    return _load_visits(appointments, seed, calendar) if appointments else 0


def crowd_patients() -> int:
    """Return how many patients of the crowd there are."""
    return Patient.objects.filter(sample=True, reference_number__startswith=REFERENCE).count()


def _id(seed: int, kind: str, number: int) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, f"{seed}:{kind}:{number}")


def _dice(seed: int, kind: str, number: int) -> random.Random:
    return random.Random(f"{seed}:{kind}:{number}")


def _crowd_nurses() -> list[Nurse]:
    rows = Nurse.objects.filter(sample=True, license_number__startswith=REFERENCE)
    return list(rows.order_by("license_number"))


def _load_nurses(wanted: int, seed: int, calendar: Calendar) -> None:
    present = len(_crowd_nurses())
    skills = list(Specialization.objects.order_by("code"))
    made: list[Nurse] = []
    trained = []
    hours = []
    for number in range(present, wanted):
        dice = _dice(seed, "nurse", number)
        nurse = Nurse(
            id=_id(seed, "nurse", number),
            first_name=dice.choice(FIRST_NAMES),
            last_name=dice.choice(LAST_NAMES),
            license_number=f"{REFERENCE}{number:06d}",
            license_state=dice.choice(("DC", "MD", "VA")),
            license_expires_on=calendar.last + timedelta(days=dice.randint(400, 900)),
            languages=dice.choice((["en"], ["en"], ["en", "es"])),
            time_zone=calendar.zone.key,
            sample=True,
        )
        made.append(nurse)
        for skill in dice.sample(skills, min(2, len(skills))):
            trained.append(
                Nurse.specializations.through(nurse_id=nurse.pk, specialization_id=skill.pk)
            )
        hours.extend(
            Availability(nurse=nurse, weekday=weekday, start=OPENS, end=CLOSES)
            for weekday in range(5)
        )
    Nurse.objects.bulk_create(made, batch_size=BATCH)
    Nurse.specializations.through.objects.bulk_create(trained, batch_size=BATCH)
    Availability.objects.bulk_create(hours, batch_size=BATCH)


def _load_patients(wanted: int, seed: int) -> None:
    nurses = _crowd_nurses()
    for begin in range(crowd_patients(), wanted, BATCH):
        people, cared, suffered = [], [], []
        for number in range(begin, min(begin + BATCH, wanted)):
            dice = _dice(seed, "patient", number)
            patient = Patient(
                id=_id(seed, "patient", number),
                first_name=dice.choice(FIRST_NAMES),
                last_name=dice.choice(LAST_NAMES),
                date_of_birth=date(1930, 1, 1) + timedelta(days=dice.randrange(32_000)),
                phone=f"+1202555{dice.randrange(200, 10_000):04d}",
                postal_code=f"2{dice.randrange(10_000):04d}",
                state="DC",
                reference_number=f"{REFERENCE}{number:07d}",
                preferred_language=dice.choices(("en", "es"), (85, 15))[0],
                sample=True,
            )
            people.append(patient)
            if nurses:
                cared.append(
                    CareAssignment(
                        patient=patient, nurse=nurses[number % len(nurses)], primary=True
                    )
                )
            if dice.random() < 0.3:
                name, code = dice.choice(CONDITIONS)
                suffered.append(MedicalCondition(patient=patient, name=name, code=code))
        Patient.objects.bulk_create(people)
        CareAssignment.objects.bulk_create(cared)
        MedicalCondition.objects.bulk_create(suffered)


def _load_visits(wanted: int, seed: int, calendar: Calendar) -> int:
    nurses = _crowd_nurses()
    counts = dict(
        Appointment.objects.filter(nurse__in=[nurse.pk for nurse in nurses])
        .values_list("nurse_id")
        .annotate(Count("id"))
    )
    missing = wanted - sum(counts.values())
    if missing <= 0:
        return 0
    base, more = divmod(missing, len(nurses))
    patients = _crowd_patient_ids()
    types = dict(VisitType.objects.values_list("code", "id"))
    for begin in range(0, len(nurses), 20):  # a few nurses at a time keep memory small
        insert(
            visit
            for index, nurse in enumerate(nurses[begin : begin + 20], begin)
            for visit in _visits_of(
                nurse=nurse,
                index=index,
                number=base + (1 if index < more else 0),
                patients=patients,
                types=types,
                seed=seed,
                calendar=calendar,
                anything_stored=bool(counts),
            )
        )
    return missing


def _crowd_patient_ids() -> list[uuid.UUID]:
    rows = Patient.objects.filter(sample=True, reference_number__startswith=REFERENCE)
    return list(rows.order_by("reference_number").values_list("id", flat=True))


def _visits_of(
    *,
    nurse: Nurse,
    index: int,
    number: int,
    patients: list[uuid.UUID],
    types: dict[str, uuid.UUID],
    seed: int,
    calendar: Calendar,
    anything_stored: bool,
) -> Iterator[Appointment]:
    dice = _dice(seed, f"visits:{calendar.first}", index)
    taken: set[datetime] = set()
    busy: set[tuple[uuid.UUID, datetime]] = set()
    if anything_stored:
        taken = set(Appointment.objects.filter(nurse=nurse).values_list("start", flat=True))
        ahead = Appointment.objects.filter(status__in=("booked", "arrived"), end__gt=calendar.now)
        busy = set(ahead.values_list("patient_id", "start"))
    for local in _starts(dice, calendar):
        if number == 0:
            return
        start = calendar.instant(local)
        # Nurses differ in `index`, so that no patient is with two of them at one time.
        place = (int(start.timestamp()) // 1800 * 7919 + index) % len(patients)
        if start in taken or (patients[place], start) in busy:
            continue
        number -= 1
        status = (
            "booked" if start + STEP > calendar.now else dice.choices(OUTCOMES, OUTCOME_WEIGHTS)[0]
        )
        cancelled = status == "cancelled"
        yield Appointment(
            id=uuid.UUID(int=dice.getrandbits(128), version=4),
            patient_id=patients[place],
            nurse_id=nurse.pk,
            visit_type_id=types[dice.choices(TYPES, TYPE_WEIGHTS)[0]],
            start=start,
            end=start + STEP,
            blocked_from=start,
            blocked_until=start + STEP,
            status=status,
            source=dice.choices((Source.VOICE, Source.DASHBOARD), (70, 30))[0],
            cancelled_at=start - timedelta(hours=dice.randint(3, 90)) if cancelled else None,
            cancelled_by="system:sample" if cancelled else "",
            cancellation_reason="patient" if cancelled else "",
            sequence=0 if status == "booked" else 1,
            version=1 if status == "booked" else 2,
            created_at=start - timedelta(days=dice.randint(1, 40)),
            updated_at=start - timedelta(days=1),
        )


def _starts(dice: random.Random, calendar: Calendar) -> Iterator[datetime]:
    """Yield local starts of one nurse without end: the filled days, four weeks with gaps, then the past."""
    day = calendar.first
    while day <= calendar.last:
        yield from (start for start in _day(day) if start >= calendar.filled_from)
        day += timedelta(days=1)
    for ahead in range(1, FUTURE_WEEKS * 7 + 1):
        day = calendar.last + timedelta(days=ahead)
        yield from (start for start in _day(day) if dice.random() < FUTURE_SHARE)
    yield from (start for start in _day(calendar.first) if start < calendar.filled_from)
    day = calendar.first
    while True:
        day -= timedelta(days=1)
        yield from (start for start in _day(day) if dice.random() < 0.9)


def _day(day: date) -> Iterator[datetime]:
    if day.weekday() < 5:
        opens = datetime.combine(day, OPENS)
        yield from (opens + number * STEP for number in range(STARTS_A_DAY))
