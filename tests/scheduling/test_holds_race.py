"""Callers hold, book and release at two nurses in crossed order, and never wait for each other in a ring."""

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
from tests.scheduling.holds_racer import ROUNDS

CALLERS = 8
STEPS = 8
ANSWERS = {"done", "slot_taken", "slot_expired"}
DATABASE = "holds_race"
ROOT = Path(__file__).resolve().parents[2]
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


def run(address: str, *arguments: str) -> str:
    """Run Python on a database, to its end, and return what it printed."""
    variables = dict(os.environ) | {
        "DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_POOL_MIN": "1",
        "DATABASE_POOL_MAX": "1",
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def race(address: str) -> tuple[Counter[str], str]:
    """Let the callers go at once; return the outcomes of their steps, and what is held and booked in the end."""
    run(address, "manage.py", "migrate", "-v0")
    ids = run(address, "-c", CLINIC).split()
    moments = TOMORROW_NINE.isoformat(), NOW.isoformat()
    printed = run(address, "-m", "tests.scheduling.holds_racer", *moments, *ids)
    return Counter(printed.splitlines()), run(address, "-c", LEFT).strip()


@pytest.fixture
def server() -> Iterator[psycopg.Connection]:
    """Make a database of this test alone beside the configured one."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")
        yield connection
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


class TestCallersAtTwoNursesInCrossedOrder:
    """Every row of a hold changes under its nurse's lock, and locks are taken in one order."""

    def test_end_without_an_error_on_sqlite(self, tmp_path: Path) -> None:
        outcomes, left = race(f"sqlite:///{tmp_path / 'race.sqlite3'}")

        assert outcomes.total() == CALLERS * ROUNDS * STEPS
        assert outcomes.keys() <= ANSWERS
        assert left == "0 0"

    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":

        def test_end_without_a_deadlock_on_postgresql(self, server: psycopg.Connection) -> None:
            """A process that ends has handed its statistics over, so the count is complete."""
            address = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{DATABASE}"

            outcomes, left = race(address)

            counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = %s"
            assert server.execute(counted, [DATABASE]).fetchone() == (0,)
            assert outcomes.total() == CALLERS * ROUNDS * STEPS
            assert outcomes.keys() <= ANSWERS
            assert left == "0 0"
