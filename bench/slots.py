"""
What a search for free times costs: two weeks, 200 nurses, in process, queries included.

The searches are those of the product's doors: the soonest with any nurse, spoken offers for a patient, and the whole
list of one nurse. They are made with a short history of visits and with a long one, to show that it does not matter.
Statements are counted in the same run. The databases are made beside the one DATABASE_URL names.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from multiprocessing import get_context
from typing import Any

import django

from bench import figures, product

NOW = datetime(2026, 3, 5, 15, tzinfo=UTC)  # a Thursday morning in New York
TWO_WEEKS = timedelta(days=14)
WARM_UP = 3


def run(*, nurses: int, appointments: int, patients: int, searches: int) -> dict[str, Any]:
    """Make the data, search, and return a row of figures for each kind of search."""
    variables = product.environment(product.new_database("bench_slots"), "ws://127.0.0.1:1/unused")
    product.prepare(variables)
    os.environ.update(variables)
    os.environ["DJANGO_SETTINGS_MODULE"] = "carematix.settings"
    django.setup()
    loaded = _load(nurses=nurses, appointments=appointments, patients=patients)
    before = figures.calibration_seconds()
    rows = [
        {"appointments": loaded["appointments"]} | _measure(name, search, searches)
        for name, search in _searches(searches).items()
    ]
    drift = figures.calibration_seconds() / before - 1
    void = abs(drift) > figures.VOID_ABOVE
    return loaded | {"searches": searches, "drift": drift, "void": void, "rows": rows}


def _load(*, nurses: int, appointments: int, patients: int) -> dict[str, Any]:
    from django.db import connection

    from scheduling import services
    from scheduling.models import Appointment, Nurse

    begin = time.perf_counter()
    services.load_clinic(now=NOW, patients=patients, nurses=nurses, appointments=appointments)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    soon = Appointment.objects.filter(start__gte=NOW, start__lt=NOW + TWO_WEEKS)
    return {
        "database": connection.vendor,
        "nurses": Nurse.objects.count(),
        "appointments": Appointment.objects.count(),
        "of_these_in_the_two_weeks": soon.count(),
        "load_seconds": time.perf_counter() - begin,
    }


def _searches(number: int) -> dict[str, Callable[[int], int]]:
    """Return the searches by name; each takes its number and returns how many times it found."""
    from scheduling import selectors
    from scheduling.models import Nurse, Patient

    nurses = list(islice(cycle(Nurse.objects.order_by("id").values_list("pk", flat=True)), number))
    ids = Patient.objects.order_by("id").values_list("pk", flat=True)[:number]
    patients = list(islice(cycle(ids), number))

    def found(index: int, **asked: Any) -> int:
        since = NOW + timedelta(hours=index % 24)
        openings = selectors.find_openings(now=NOW, since=since, until=since + TWO_WEEKS, **asked)
        return len(openings.slots)

    return {
        "any nurse, first 20": lambda n: found(n, limit=20),
        "any nurse, patient, first 20": lambda n: found(n, limit=20, patient_id=patients[n]),
        "by care, 3 spread": lambda n: found(
            n, limit=3, patient_id=patients[n], order="care", spread=True
        ),
        "all of one nurse": lambda n: found(n, limit=1000, nurse_ids=[nurses[n]]),
    }


def _measure(name: str, search: Callable[[int], int], number: int) -> dict[str, Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for index in range(WARM_UP):
        search(index)
    with CaptureQueriesContext(connection) as queries:
        search(0)
    took: list[float] = []
    found = 0
    for index in range(number):
        begin = time.perf_counter()
        found += search(index)
        took.append((time.perf_counter() - begin) * 1000)
    return {
        "search": name,
        "queries": len(queries),
        "found": found / number,
        "p50_ms": figures.quantile(took, 0.50),
        "p95_ms": figures.quantile(took, 0.95),
        "max_ms": max(took),
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.slots", description=__doc__)
    parser.add_argument("--nurses", type=int, default=200)
    parser.add_argument("--appointments", type=int, nargs="+", default=[40_000, 1_000_000])
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--searches", type=int, default=100)
    options = parser.parse_args(arguments)
    given = vars(options)
    numbers = given.pop("appointments")
    # Each size has a process of its own, for Django is set up once for one database.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        runs = [processes.submit(run, appointments=number, **given) for number in numbers]
        found = [each.result() for each in runs]
    print(figures.table([row for each in found for row in each["rows"]]))
    for each in found:
        print(
            f"{each['database']}, {each['nurses']} nurses, {each['appointments']} appointments,"
            f" {each['of_these_in_the_two_weeks']} of them in the two weeks,"
            f" loaded in {each['load_seconds']:.0f} s;"
            f" machine's speed changed by {each['drift']:+.0%}" + (": VOID" if each["void"] else "")
        )
    print(f"written to {figures.write_results('slots', {'runs': found})}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
