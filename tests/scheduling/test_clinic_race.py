"""Staff book, move, cancel, change hours and hand over at once: nothing overlaps, and the history is the truth."""

import json
import secrets
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.scheduling.clinic_racer import STAFF, STEPS
from tests.scheduling.racing import DATABASES, POSTGRESQL, database, deadlocks, migrated, run

NURSES, PATIENTS = 3, 4
REFUSALS = {
    "done", "slot_taken", "not_available", "invalid_time", "series_conflict", "not_found",
    "invalid_transition", "stale",
}  # fmt: skip
CLINIC = f"""
import django; django.setup()
from tests.factories import make_nurse, make_patient, make_visit_type
make_visit_type()
print(",".join(str(make_nurse().pk) for _ in range({NURSES})))
print(",".join(str(make_patient().pk) for _ in range({PATIENTS})))
"""
LEFT = """
import django; django.setup()
import json
from django.db import connection
from scheduling.models import Appointment
from scheduling.services.transitions import snapshot

def overlaps(who, begins, ends):
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM scheduling_appointment a JOIN scheduling_appointment b ON a.{who} = b.{who}"
            f" AND a.id < b.id AND a.{begins} < b.{ends} AND b.{begins} < a.{ends}"
            " WHERE a.status IN ('booked', 'arrived') AND b.status IN ('booked', 'arrived')"
        )
        return cursor.fetchone()[0]

differing = 0
for visit in Appointment.objects.prefetch_related("changes"):
    replayed, versions = {}, []
    for change in sorted(visit.changes.all(), key=lambda change: change.version):
        differing += any(replayed.get(name) != value for name, value in change.old.items())
        replayed |= change.new
        versions.append(change.version)
    now = snapshot(visit)
    differing += now != dict.fromkeys(now) | replayed or versions != list(range(1, visit.version + 1))
print(json.dumps({
    "of nurses": overlaps("nurse_id", "blocked_from", "blocked_until"),
    "of patients": overlaps("patient_id", "start", "end"),
    "unlike the history": differing,
    "visits": Appointment.objects.count(),
}))
"""


@pytest.mark.timeout(300)  # some twenty seconds on an idle machine, but it starts many processes
@pytest.mark.parametrize("kind", DATABASES)
class TestStaffAtTheSameNursesAndPatients:
    def test_meet_no_error_and_leave_what_the_history_tells(
        self, kind: str, tmp_path: Path
    ) -> None:
        seed = secrets.randbelow(10_000)
        print(f"seed {seed}")  # noqa: T201 - a failure is repeated with it
        with database(kind, "clinic_race", tmp_path) as address:
            people = run(migrated(address), "-c", CLINIC).split()
            words = run(address, "-m", "tests.scheduling.clinic_racer", str(seed), *people)
            left: dict[str, Any] = json.loads(run(address, "-c", LEFT))
            broken = deadlocks(address) if kind == POSTGRESQL else 0

        ends = Counter(words.splitlines())
        assert {end.partition(" ")[2] for end in ends} <= REFUSALS, ends
        assert ends.total() == STAFF * STEPS
        assert broken == 0
        assert left.pop("visits") > 0
        assert set(left.values()) == {0}, left
