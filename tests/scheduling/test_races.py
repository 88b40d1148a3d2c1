"""Fifty processes want one time: exactly one gets it, on each database (scheduling reference, case 20)."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from tests.factories import NOW, TOMORROW_NINE

RACERS = 50
ROOT = Path(__file__).resolve().parents[2]
CLINIC = """
import django; django.setup()
from tests.factories import make_nurse, make_patient, make_visit_type
make_visit_type()
print(make_nurse().pk, *(make_patient().pk for _ in range({racers})))
"""
COUNT = """
import django; django.setup()
from scheduling.models import Appointment, AppointmentChange
print(Appointment.objects.count(), AppointmentChange.objects.count())
"""


@pytest.fixture
def sqlite_address(tmp_path: Path) -> str:
    """Name a database file of this test alone."""
    return f"sqlite:///{tmp_path / 'race.sqlite3'}"


@pytest.fixture
def postgresql_address() -> Iterator[str]:
    """Make a database of this test alone beside the configured one."""
    given = os.environ.get("DATABASE_URL", "")
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS race WITH (FORCE)")
        connection.execute("CREATE DATABASE race")
        yield given.rpartition("/")[0] + "/race"
        connection.execute("DROP DATABASE IF EXISTS race WITH (FORCE)")


def run(variables: dict[str, str], *arguments: str) -> str:
    """Run Python with arguments to its end and return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def race(address: str) -> tuple[Counter[str], str]:
    """Let everybody book the same time at once; return the outcomes and what is stored then."""
    variables = dict(os.environ) | {
        "DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_POOL_MIN": "1",
        "DATABASE_POOL_MAX": "1",
    }
    run(variables, "manage.py", "migrate", "-v0")
    nurse, *patients = run(variables, "-c", CLINIC.format(racers=RACERS)).split()
    start, now = TOMORROW_NINE.isoformat(), NOW.isoformat()
    printed = run(variables, "-m", "tests.scheduling.racer", nurse, start, now, *patients)
    outcomes = Counter(printed.splitlines())
    return outcomes, run(variables, "-c", COUNT).strip()


class TestFiftyProcessesRacingForOneTime:
    """The constraint decides, and the losers hear one answer."""

    def test_leave_one_winner_on_sqlite(self, sqlite_address: str) -> None:
        outcomes, stored = race(sqlite_address)

        assert outcomes == {"booked": 1, "slot_taken": RACERS - 1}
        assert stored == "1 1"

    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":

        def test_leave_one_winner_on_postgresql(self, postgresql_address: str) -> None:
            outcomes, stored = race(postgresql_address)

            assert outcomes == {"booked": 1, "slot_taken": RACERS - 1}
            assert stored == "1 1"
