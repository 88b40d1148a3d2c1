"""Callers hold, book and release at two nurses in crossed order, and never wait for each other in a ring."""

from collections import Counter
from pathlib import Path

import pytest

from tests.factories import NOW, TOMORROW_NINE
from tests.scheduling.holds_racer import ROUNDS
from tests.scheduling.racing import DATABASES, POSTGRESQL, database, deadlocks, migrated, run

CALLERS = 8
STEPS = 8
ANSWERS = {"done", "slot_taken", "slot_expired"}
CLINIC = f"""
import django; django.setup()
from tests.factories import make_nurse, make_patient, make_visit_type
make_visit_type()
print(make_nurse().pk, make_nurse().pk, *(make_patient().pk for _ in range({CALLERS})))
"""
LEFT = """
import django; django.setup()
from scheduling.models import Appointment, SlotHold
print(SlotHold.objects.filter(state="live").count(), Appointment.objects.filter(status="booked").count())
"""


def race(address: str) -> tuple[Counter[str], str]:
    """Let the callers go at once; return the outcomes of their steps, and what is held and booked in the end."""
    ids = run(migrated(address), "-c", CLINIC).split()
    moments = TOMORROW_NINE.isoformat(), NOW.isoformat()
    printed = run(address, "-m", "tests.scheduling.holds_racer", *moments, *ids)
    return Counter(printed.splitlines()), run(address, "-c", LEFT)


@pytest.mark.parametrize("kind", DATABASES)
class TestCallersAtTwoNursesInCrossedOrder:
    """Every row of a hold changes under its nurse's lock, and locks are taken in one order."""

    def test_end_without_an_error_or_a_deadlock(self, kind: str, tmp_path: Path) -> None:
        with database(kind, "holds_race", tmp_path) as address:
            outcomes, left = race(address)
            broken = deadlocks(address) if kind == POSTGRESQL else 0

        assert broken == 0
        assert outcomes.total() == CALLERS * ROUNDS * STEPS
        assert outcomes.keys() <= ANSWERS
        assert left == "0 0"
