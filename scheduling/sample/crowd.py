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
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count

from scheduling.models import (
    ACTIVE_STATUSES,
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
from scheduling.sample.bulk import VisitRow, insert
from scheduling.sample.clinic import FIRST_FILLED, LAST_DAY, NAMESPACE, STEP, shift_for
from scheduling.sample.names import FIRST_NAMES, LAST_NAMES

REFERENCE = "S"  # what begins the reference and license numbers of the crowd
VISITS_PER_NURSE = 1500
FUTURE_WEEKS = 4
FUTURE_SHARE, PAST_SHARE = 0.5, 0.9
BATCH = 2000
NURSES_AT_ONCE = 20  # keep memory small
OPENS, CLOSES = time(8), time(16)
STARTS_A_DAY = 16  # half hours from opening to closing

CONDITIONS = (
    ("Type 2 diabetes", "E11.9"),
    ("Hypertension", "I10"),
    ("Asthma", "J45.909"),
    ("Pressure ulcer", "L89.90"),
    ("Heart failure", "I50.9"),
)
TYPES = ("routine", "follow_up", "consultation")


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days that matter, already moved to the clock's week."""

    zone: ZoneInfo
    now: datetime
    first: date
    last: date
    filled_from: datetime


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
        filled_from=(FIRST_FILLED + shift).replace(tzinfo=zone).astimezone(UTC),
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
    trained: list[Any] = []
    hours: list[Availability] = []
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
        trained.extend(
            Nurse.specializations.through(nurse_id=nurse.pk, specialization_id=skill.pk)
            for skill in dice.sample(skills, min(2, len(skills)))
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
    busy = _busy_patients(calendar) if counts else set()
    for begin in range(0, len(nurses), NURSES_AT_ONCE):
        some = nurses[begin : begin + NURSES_AT_ONCE]
        taken = _starts_by_nurse(some) if counts else {}
        insert(
            visit
            for index, nurse in enumerate(some, begin)
            for visit in _visits_of(
                nurse=nurse,
                index=index,
                number=base + (1 if index < more else 0),
                patients=patients,
                types=types,
                seed=seed,
                calendar=calendar,
                taken=taken.get(nurse.pk, set()),
                busy=busy,
            )
        )
    return missing


def _busy_patients(calendar: Calendar) -> set[tuple[uuid.UUID, datetime]]:
    """Return which patients have visits ahead that were there before, and when these begin."""
    ahead = Appointment.objects.filter(status__in=ACTIVE_STATUSES, end__gt=calendar.now)
    return set(ahead.values_list("patient_id", "start"))


def _starts_by_nurse(nurses: list[Nurse]) -> dict[uuid.UUID, set[datetime]]:
    """Return when the stored visits of each nurse begin."""
    starts: dict[uuid.UUID, set[datetime]] = {}
    for nurse_id, start in Appointment.objects.filter(nurse__in=nurses).values_list(
        "nurse_id", "start"
    ):
        starts.setdefault(nurse_id, set()).add(start)
    return starts


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
    taken: set[datetime],
    busy: set[tuple[uuid.UUID, datetime]],
) -> Iterator[VisitRow]:
    days = _dice(seed, f"days:{calendar.first}", index)
    dice = _dice(seed, f"visits:{calendar.first}", index)
    type_ids = [types[code] for code in TYPES]
    for start in islice(_starts(days, calendar), number + len(taken) + len(busy)):
        if number == 0:
            return
        minutes = int(start.timestamp()) // 60
        # Nurses differ in `index`, so that no patient is with two of them at one time.
        patient_id = patients[(minutes // 30 * 7919 + index) % len(patients)]
        if start in taken or (patient_id, start) in busy:
            continue
        number -= 1
        ended = start + STEP <= calendar.now
        luck = dice.random()
        status = _outcome(luck) if ended else "booked"
        cancelled = status == "cancelled"
        yield VisitRow(
            id=uuid.uuid5(NAMESPACE, f"{seed}:visit:{index}:{minutes}"),
            patient_id=patient_id,
            nurse_id=nurse.pk,
            visit_type_id=type_ids[min(int(luck * 3), 2) if luck > 0.4 else 0],
            start=start,
            end=start + STEP,
            blocked_from=start,
            blocked_until=start + STEP,
            status=status,
            source=Source.VOICE.value if dice.random() < 0.7 else Source.DASHBOARD.value,
            cancelled_at=start - timedelta(hours=int(luck * 90) + 3) if cancelled else None,
            cancelled_by="system:sample" if cancelled else "",
            cancellation_reason="patient" if cancelled else "",
            sequence=int(ended),
            version=1 + int(ended),
            created_at=start - timedelta(days=int(luck * 40) + 4),
            updated_at=start - timedelta(days=3),
        )


def _outcome(luck: float) -> str:
    """Return what became of a past visit, for a number from 0 up to 1."""
    hundredth = luck * 1000 % 100
    if hundredth < 86:
        return "fulfilled"
    return "cancelled" if hundredth < 94 else "noshow"


def _starts(dice: random.Random, calendar: Calendar) -> Iterator[datetime]:
    """Yield the starts of one nurse without end: the filled days, four weeks with gaps, then the past."""
    day = calendar.first
    while day <= calendar.last:
        yield from (start for start in _day(day, calendar.zone) if start >= calendar.filled_from)
        day += timedelta(days=1)
    for ahead in range(1, FUTURE_WEEKS * 7 + 1):
        day = calendar.last + timedelta(days=ahead)
        starts = _day(day, calendar.zone)
        yield from (start for start in starts if dice.random() < FUTURE_SHARE)
    starts = _day(calendar.first, calendar.zone)
    yield from (start for start in starts if start < calendar.filled_from)
    day = calendar.first
    while True:
        day -= timedelta(days=1)
        yield from (start for start in _day(day, calendar.zone) if dice.random() < PAST_SHARE)


@lru_cache(maxsize=20_000)
def _day(day: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the starts of a day in UTC; all nurses of the crowd share them."""
    if day.weekday() >= 5:
        return ()
    opens = datetime.combine(day, OPENS, zone).astimezone(UTC)
    return tuple(opens + number * STEP for number in range(STARTS_A_DAY))
