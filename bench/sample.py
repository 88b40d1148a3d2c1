"""
How long sample data takes to load: 100,000 patients, 500 nurses, a million visits, on PostgreSQL and on SQLite; and how
long the pages of staff and the lists of the API take then.

The contract allows 120 seconds on two cores, and 200 ms for a page (p95). Pages and lists are asked for in process. CPU
seconds tell what is ours and what is the database's when the machine has other work; SQLite works in our own process.
The databases are made beside the one DATABASE_URL names, and in a file that is removed afterwards.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import django

from bench import figures, product

NOW = datetime(2026, 3, 5, 15, tzinfo=UTC)
DATABASES = ("postgresql", "sqlite")
PASSWORD = "one good long pass phrase"
OPENINGS = 40
PAGES = (
    "/dashboard/calls/",
    "/dashboard/calls/?tab=failed",
    "/dashboard/appointments/",
    "/dashboard/appointments/?tab=today",
    "/dashboard/appointments/?tab=past",
    "/dashboard/appointments/?tab=past&page=50",
    "/dashboard/appointments/?tab=cancelled",
    "/dashboard/audit/",
    "/dashboard/users/",
    "/api/v1/messages/",
    "/api/v1/staff-tasks/",
    "/api/v1/audit-events/",
)
LISTS = (
    "/api/v1/patients/",
    "/api/v1/patients/?nurse={nurse}",
    "/api/v1/nurses/",
    "/api/v1/availability/",
    "/api/v1/appointments/?ordering=start",
    "/api/v1/appointments/?ordering=-start&page_size=100",
    "/api/v1/appointments/?patient={patient}",
    "/api/v1/appointments/?nurse={nurse}&status=booked",
    "/api/v1/slots/",
    "/api/v1/slots/?nurse={nurse}",
    "/api/v1/slots/?patient={patient}",
    "/api/v1/calls/",
    "/fhir/R4/Patient?_lastUpdated=ge2026-01-01",
    "/fhir/R4/Appointment?date=ge2026-03-06&_count=50",
    "/fhir/R4/Slot?schedule={nurse}&start=ge2026-03-06&start=lt2026-03-13",
)
"""Asked for with a key; the ids are those of one of the patients and nurses."""
SEARCH = ("/api/v1/patients/search/", {"name": "Okafor"})


def run(address: str, *, patients: int, nurses: int, appointments: int) -> dict[str, Any]:
    """Load into the empty database at `address` and return the figures."""
    variables = product.environment(address, "ws://127.0.0.1:1/unused")
    os.environ.update(variables)
    os.environ["DJANGO_SETTINGS_MODULE"] = "carematix.settings"
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from carematix.server import settle_garbage
    from scheduling import services

    call_command("migrate", verbosity=0)
    connection.ensure_connection()
    ours, theirs = time.process_time(), _database_cpu(connection)
    before = figures.calibration_seconds()
    begin = time.perf_counter()
    loaded = services.load_clinic(
        now=NOW, patients=patients, nurses=nurses, appointments=appointments
    )
    took = time.perf_counter() - begin
    ours, theirs = time.process_time() - ours, _database_cpu(connection) - theirs
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    settle_garbage()  # as the server does once it is loaded
    pages = _pages(connection) + _lists(connection)
    drift = figures.calibration_seconds() / before - 1
    rows = loaded.patients + loaded.nurses + loaded.appointments
    return {
        "database": connection.vendor,
        "patients": loaded.patients,
        "nurses": loaded.nurses,
        "appointments": loaded.appointments,
        "seconds": took,
        "rows_per_second": round(rows / took),
        "our_cpu_s": ours,
        "database_cpu_s": theirs,
        "load": os.getloadavg()[0],
        "drift": drift,
        "void": abs(drift) > figures.VOID_ABOVE,
        "pages": pages,
    }


def _pages(connection: Any) -> list[dict[str, Any]]:
    """Open each page of staff as an administrator who has signed in, in process; return times and statements."""
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from tests.factories import make_user
    from tests.sign_in import enrol, sign_in

    call_command("collectstatic", interactive=False, verbosity=0)
    settings.CAREMATIX_NOW = NOW
    settings.SECURE_SSL_REDIRECT = False
    client = Client(SERVER_NAME="127.0.0.1", headers={"x-forwarded-proto": "https"})
    user = enrol(make_user(username="bench", role="admin", password=PASSWORD))
    sign_in(client, user.username, PASSWORD)
    return [_opened(partial(client.get, page), page, connection) for page in PAGES]


def _lists(connection: Any) -> list[dict[str, Any]]:
    """Ask for each list as a program with a key, in process; return times and statements."""
    from django.conf import settings
    from django.test import Client

    from accounts import issued_keys
    from accounts.permissions import Scope
    from accounts.sign_in import clock
    from scheduling.models import Nurse, Patient

    settings.LIMIT_KEY_READS_PER_MINUTE = settings.LIMIT_KEY_WRITES_PER_MINUTE = int(product.MANY)
    scopes = [scope.value for scope in Scope]
    _, key = issued_keys.create_key(name="bench", scopes=scopes, now=clock.now())
    headers = {"x-forwarded-proto": "https", "authorization": f"Bearer {key}"}
    client = Client(SERVER_NAME="127.0.0.1", headers=headers)
    ids = {
        "patient": Patient.objects.order_by("pk")[500].pk,
        "nurse": Nurse.objects.filter(active=True).order_by("pk")[5].pk,
    }
    searched = partial(client.post, *SEARCH, content_type="application/json")
    rows = [_opened(partial(client.get, path.format(**ids)), path, connection) for path in LISTS]
    return [*rows, _opened(searched, SEARCH[0], connection)]


def _opened(ask: Callable[[], Any], name: str, connection: Any) -> dict[str, Any]:
    """
    Ask for one thing many times; the statements are those of the first time.

    Raises:
        RuntimeError: it does not answer with what was asked for.
    """

    def once() -> float:
        begin = time.perf_counter()
        answer = ask()
        took = time.perf_counter() - begin
        if answer.status_code != 200:
            raise RuntimeError(f"{name} answered {answer.status_code}: {answer.content[:300]!r}")
        return took * 1000

    statements = Counter[str]()
    with connection.execute_wrapper(partial(_counted, statements)):
        once()
    times = [once() for _ in range(OPENINGS)]
    return {
        "page": name,
        "statements": statements.total(),
        "p50_ms": figures.quantile(times, 0.5),
        "p95_ms": figures.quantile(times, 0.95),
    }


def _counted(statements: Counter[str], execute: Any, sql: str, *rest: Any) -> Any:
    statements[sql] += 1
    return execute(sql, *rest)


def _database_cpu(connection: Any) -> float:
    """Return the CPU seconds of the server process behind a connection; SQLite has none."""
    if connection.vendor != "postgresql":
        return 0.0
    return figures.cpu_seconds(connection.connection.info.backend_pid)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.sample", description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--nurses", type=int, default=500)
    parser.add_argument("--appointments", type=int, default=1_000_000)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    numbers = vars(parser.parse_args(arguments))
    found = []
    with tempfile.TemporaryDirectory(prefix="carematix-bench-") as folder:
        for name in numbers.pop("databases"):
            file = f"sqlite:///{Path(folder) / 'sample.sqlite3'}"
            address = file if name == "sqlite" else product.new_database("bench_sample")
            # A process of its own for each, for Django is set up once for one database.
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                found.append(process.submit(run, address, **numbers).result())
    pages = [{"database": run["database"]} | page for run in found for page in run.pop("pages")]
    print(figures.table(found), figures.table(pages), sep="\n\n")
    print(f"written to {figures.write_results('sample', {'runs': found, 'pages': pages})}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
