"""
What a search for free times costs: two weeks, 200 nurses, in process, queries included.

The searches are those of the product's doors: whole requests of a program, with its key, the record and the answer; the
soonest with any nurse, spoken offers for a patient, and the whole list of one nurse. No two ask for the same hour, kind
of visit and patient. They are made in two databases in turn, a few at a time, so that both meet the same machine: the
same visits ahead, with all of the history and without it. Their ratio tells what history costs. Statements are counted
in the same run. The databases are made beside the one DATABASE_URL names.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from multiprocessing import get_context
from typing import Any

import django

from bench import figures, product

NOW = datetime(2026, 3, 5, 15, tzinfo=UTC)  # a Thursday morning in New York
TWO_WEEKS = timedelta(days=14)
WARM_UP = 5
TURN = 10
"""How many searches are made in one database before it is the other's turn."""
DAYS = 4
STRIDE_HOURS = 7  # has no divisor in common with the hours of `DAYS`

Search = Callable[[int], int]
searches_by_name: dict[str, Search] = {}  # of this process, which has one database


def prepare(
    *, nurses: int, appointments: int, patients: int, searches: int, history: bool
) -> dict[str, Any]:
    """Make the data and the searches of this process, and return what was loaded and the statements of each search."""
    name = "bench_slots_with_history" if history else "bench_slots_without"
    variables = product.environment(product.new_database(name), "ws://127.0.0.1:1/unused")
    product.prepare(variables)
    os.environ.update(variables)
    os.environ["DJANGO_SETTINGS_MODULE"] = "carematix.settings"
    django.setup()
    from carematix.server import settle_garbage

    loaded = _load(nurses=nurses, appointments=appointments, patients=patients, history=history)
    searches_by_name.update(_searches(searches))
    queries = {name: _warm(search) for name, search in searches_by_name.items()}
    settle_garbage()  # as the server does once it is loaded
    return loaded | {"queries": queries}


def turn(name: str, indexes: Sequence[int]) -> list[tuple[float, float, int]]:
    """Make some searches; return of each the wall and CPU milliseconds and how many times it found."""
    search = searches_by_name[name]
    took: list[tuple[float, float, int]] = []
    for index in indexes:
        wall, cpu = time.perf_counter(), time.thread_time()
        found = search(index)
        took.append(((time.perf_counter() - wall) * 1000, (time.thread_time() - cpu) * 1000, found))
    return took


def _load(*, nurses: int, appointments: int, patients: int, history: bool) -> dict[str, Any]:
    from django.db import connection

    from scheduling import services
    from scheduling.models import Appointment, Nurse

    begin = time.perf_counter()
    services.load_clinic(now=NOW, patients=patients, nurses=nurses, appointments=appointments)
    seconds = time.perf_counter() - begin
    with connection.cursor() as cursor:
        if not history:
            _forget_history()
            cursor.execute("VACUUM FULL")
        cursor.execute("VACUUM ANALYZE")  # as autovacuum does in time
    soon = Appointment.objects.filter(start__gte=NOW, start__lt=NOW + TWO_WEEKS)
    return {
        "database": connection.vendor,
        "nurses": Nurse.objects.count(),
        "appointments": Appointment.objects.count(),
        "of_these_in_the_two_weeks": soon.count(),
        "load_seconds": seconds,
    }


def _forget_history() -> None:
    """Take away the visits of the past but for the last days, with what hangs on them."""
    from scheduling.models import Appointment

    past = Appointment.objects.filter(end__lt=NOW - timedelta(days=7)).order_by()
    for relation in Appointment._meta.related_objects:
        if relation.field.remote_field.model is Appointment and not relation.many_to_many:
            rows = relation.related_model._base_manager.filter(
                **{f"{relation.field.name}__in": past}
            )
            rows._raw_delete(rows.db)
    past._raw_delete(past.db)


def _searches(number: int) -> dict[str, Search]:
    """Return the searches by name; each takes its number and returns how many times it found."""
    from django.conf import settings
    from django.test import Client

    from accounts import issued_keys
    from accounts.sign_in import clock
    from scheduling import selectors
    from scheduling.models import Nurse, Patient, VisitType

    nurses = list(islice(cycle(Nurse.objects.order_by("id").values_list("pk", flat=True)), number))
    ids = Patient.objects.order_by("id").values_list("pk", flat=True)[:number]
    patients = list(islice(cycle(ids), number))
    kinds = list(
        VisitType.objects.filter(active=True).order_by("code").values_list("code", flat=True)
    )

    settings.CAREMATIX_NOW = NOW
    settings.LIMIT_KEY_READS_PER_MINUTE = int(product.MANY)
    _, key = issued_keys.create_key(name="bench", scopes=["schedule:read"], now=clock.now())
    headers = {"x-forwarded-proto": "https", "authorization": f"Bearer {key}"}
    program = Client(SERVER_NAME="127.0.0.1", headers=headers)

    def found(index: int, **asked: Any) -> int:
        since = NOW + timedelta(hours=index * STRIDE_HOURS % (24 * DAYS))
        openings = selectors.find_openings(
            now=NOW,
            since=since,
            until=since + TWO_WEEKS,
            visit_type=kinds[index % len(kinds)],
            **asked,
        )
        return len(openings.slots)

    def asked(index: int, **query: Any) -> int:
        since = NOW + timedelta(hours=index * STRIDE_HOURS % (24 * DAYS))
        query |= {"from": since.isoformat(), "to": (since + TWO_WEEKS).isoformat()}
        answer = program.get("/api/v1/slots/", query | {"visit_type": kinds[index % len(kinds)]})
        return len(answer.json()["results"])

    return {
        "GET slots, first 20": lambda n: asked(n, limit=20),
        "any nurse, first 20": lambda n: found(n, limit=20),
        "any nurse, patient, first 20": lambda n: found(n, limit=20, patient_id=patients[n]),
        "by care, 3 spread": lambda n: found(
            n, limit=3, patient_id=patients[n], order="care", spread=True
        ),
        "all of one nurse": lambda n: found(n, limit=1000, nurse_ids=[nurses[n]]),
    }


def _warm(search: Search) -> int:
    """Make some searches, and return how many statements one takes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for index in range(WARM_UP):
        search(index)
    with CaptureQueriesContext(connection) as queries:
        search(0)
    return len(queries)


def _row(
    name: str, loaded: dict[str, Any], took: list[tuple[float, float, int]], first: float
) -> dict[str, Any]:
    """Return the figures of a search; `first` is the median CPU time in the first database."""
    walls, cpus = [wall for wall, _, _ in took], [cpu for _, cpu, _ in took]
    return {
        "search": name,
        "appointments": loaded["appointments"],
        "queries": loaded["queries"][name],
        "found": sum(found for _, _, found in took) / len(took),
        "p50_ms": figures.quantile(walls, 0.50),
        "p95_ms": figures.quantile(walls, 0.95),
        "max_ms": max(walls),
        "cpu_p50_ms": figures.quantile(cpus, 0.50),
        "cpu_p95_ms": figures.quantile(cpus, 0.95),
        "cpu_ratio": figures.quantile(cpus, 0.50) / first,
    }


def compare(
    processes: list[ProcessPoolExecutor], runs: list[dict[str, Any]], number: int
) -> list[dict[str, Any]]:
    """Make `number` searches of each kind in each database, in turns, and return a row for each."""
    rows: list[dict[str, Any]] = []
    for name in runs[0]["queries"]:
        took: list[list[tuple[float, float, int]]] = [[] for _ in processes]
        for begin in range(0, number, TURN):
            for process, kept in zip(processes, took, strict=True):
                indexes = range(begin, min(begin + TURN, number))
                kept += process.submit(turn, name, indexes).result()
        first = figures.quantile([cpu for _, cpu, _ in took[0]], 0.50)
        rows += [_row(name, run, kept, first) for run, kept in zip(runs, took, strict=True)]
    return rows


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.slots", description=__doc__)
    parser.add_argument("--nurses", type=int, default=200)
    parser.add_argument("--appointments", type=int, default=1_000_000)
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--searches", type=int, default=100)
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        # Each database has a process of its own, for Django is set up once for one of them.
        processes = [
            stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"))) for _ in "ab"
        ]
        runs = [
            process.submit(prepare, history=history, **vars(options)).result()
            for process, history in zip(processes, (False, True), strict=True)
        ]
        before = figures.calibration_seconds()
        rows = compare(processes, runs, options.searches)
        drift = figures.calibration_seconds() / before - 1
    void = abs(drift) > figures.VOID_ABOVE
    print(figures.table(rows))
    for run in runs:
        print(
            f"{run['database']}, {run['nurses']} nurses, {run['appointments']} appointments,"
            f" {run['of_these_in_the_two_weeks']} of them in the two weeks,"
            f" loaded in {run['load_seconds']:.0f} s"
        )
    print(f"machine's speed changed by {drift:+.0%}" + (": VOID" if void else ""))
    measured = {"runs": runs, "rows": rows, "drift": drift, "void": void}
    print(f"written to {figures.write_results('slots', measured)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
