"""
Races, each with a process of its own for everybody who takes part.

    python -m tests.scheduling.racer

Everybody acts once; who hears `slot_taken` asks for other times next. How each race ended is printed as JSON: what
came of the acts, and what is stored then. The database is DATABASE_URL's, migrated; each race has a nurse of its own.
"""

import json
import multiprocessing
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import django

from tests.scheduling.racing import at_once

MANY, SOME = 200, 20
STARTS = 31  # of visits of half an hour from nine to five, each quarter
CAP = 3
STEP = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants: a start with a nurse, for a new visit or, with `moves`, for one that is booked."""

    patient_id: UUID
    nurse_id: UUID
    minutes_after_nine: int = 0
    moves: UUID | None = None


def one_time() -> list[Wish]:
    """Everybody wants the nurse's first visit of the day."""
    return _of_new_patients(_nurse(), [0] * MANY)


def partly_overlapping_times() -> list[Wish]:
    """Visits last two steps of the grid, and every start of the day is wanted twice."""
    return _of_new_patients(_nurse(), [15 * number for number in range(STARTS)] * 2)


def a_daily_cap() -> list[Wish]:
    """Times all over one day are wanted, on which the nurse makes only a few visits."""
    minutes = [30 * (number % 16) for number in range(SOME)]
    return _of_new_patients(_nurse(daily_cap=CAP), minutes)


def moves_to_one_time() -> list[Wish]:
    """Everybody has a visit on the day after and wants it at the same time tomorrow, with another nurse."""
    from tests.factories import TOMORROW_NINE, make_appointment

    nurse, monday = _nurse(), TOMORROW_NINE + timedelta(days=3)
    booked = [make_appointment(start=monday) for _ in range(SOME)]
    return [Wish(visit.patient_id, nurse, moves=visit.pk) for visit in booked]


RACES = (one_time, partly_overlapping_times, a_daily_cap, moves_to_one_time)


def _nurse(**fields: Any) -> UUID:
    from tests.factories import make_nurse, make_visit_type

    make_visit_type()
    return make_nurse(slot_step_minutes=15, **fields).pk


def _of_new_patients(nurse_id: UUID, minutes: list[int]) -> list[Wish]:
    from tests.factories import make_patient

    return [Wish(make_patient().pk, nurse_id, after) for after in minutes]


def act(wish: Wish) -> Iterator[str]:
    """Put in a few words how it ended."""
    from scheduling.exceptions import SchedulingError, SlotTaken

    try:
        yield _carry_out(wish)
    except SlotTaken as error:
        yield f"{error.code}, {_other_times(wish)}"
    except SchedulingError as error:
        yield error.code


def _carry_out(wish: Wish) -> str:
    from scheduling import services
    from tests.factories import NOW, TOMORROW_NINE

    asked: dict[str, Any] = {
        "nurse_id": wish.nurse_id,
        "start": TOMORROW_NINE + timedelta(minutes=wish.minutes_after_nine),
        "source": "api",
        "actor": "test",
        "now": NOW,
    }
    if wish.moves is not None:
        services.reschedule_appointment(appointment_id=wish.moves, **asked)
        return "moved"
    services.book_appointment(patient_id=wish.patient_id, visit_type="routine", **asked)
    return "booked"


def _other_times(wish: Wish) -> str:
    """Look for others after the failed transaction; say how many there are, or that one is the time just refused."""
    from scheduling import selectors
    from tests.factories import NOW, TOMORROW_NINE

    found = selectors.find_openings(
        now=NOW,
        since=NOW,
        until=TOMORROW_NINE + timedelta(days=4),
        patient_id=wish.patient_id,
        nurse_ids=[wish.nurse_id],
        limit=3,
    )
    refused = TOMORROW_NINE + timedelta(minutes=wish.minutes_after_nine)
    if any(abs(other.start - refused) < STEP for other in found.slots):
        return "and offered again"
    return f"{len(found.slots)} others"


def arrange() -> dict[str, list[Wish]]:
    """Store what the races need; in a process of its own, which takes its connection along."""
    return {race.__name__: race() for race in RACES}


def stored(nurse_id: UUID) -> dict[str, Any]:
    """Return what the database holds for the nurse: minutes after nine of the visits, and lines of history."""
    from scheduling.models import Appointment, AppointmentChange
    from tests.factories import TOMORROW_NINE

    visits = Appointment.objects.filter(nurse_id=nurse_id, status="booked").order_by("start")
    starts = visits.values_list("start", flat=True)
    return {
        "minutes_after_nine": [(start - TOMORROW_NINE).total_seconds() // 60 for start in starts],
        "changes": AppointmentChange.objects.filter(appointment__nurse_id=nurse_id).count(),
    }


def main() -> dict[str, Any]:
    """Run the races, one after the other, and return how they ended."""
    django.setup()
    from scheduling import services  # noqa: F401 - loaded once, before the processes part

    with multiprocessing.get_context("fork").Pool(1) as arranger:
        races = arranger.apply(arrange)
    outcomes = {
        name: Counter(at_once([partial(act, wish) for wish in wishes]))
        for name, wishes in races.items()
    }
    return {
        name: {"outcomes": outcomes[name], "stored": stored(wishes[0].nurse_id)}
        for name, wishes in races.items()
    }


if __name__ == "__main__":
    print(json.dumps(main()))  # noqa: T201 - what the test reads
