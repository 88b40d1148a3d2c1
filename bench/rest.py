"""
How many requests a second the REST API answers on two cores: free times, a list, bookings; and a bare view.

The bare view (`bench.bare_view`) does nothing with the same framework on the same server, so the ratio tells what a
key, its limit, the policy, the audit record and the work itself cost. The product runs as in production, two processes
with PostgreSQL; each kind of request is sent in turn for some seconds over connections that stay open, several rounds
long. Clients, database and servers share the two cores. Every booking takes a free time of its own; an answer that is
no success ends the bench. What a list costs over a million visits tells `bench.sample`.
"""

import argparse
import asyncio
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from multiprocessing import get_context
from typing import Any

import aiohttp
import django

from bench import figures, product
from tests.services import free_port

WORKERS = 2
WARM_UP_SECONDS = 2.0
WEEKS = timedelta(days=14)
Request = tuple[str, str, Mapping[str, Any] | None]
"""Method, path and body."""


@dataclass
class Clinic:
    """What requests are made of: ids, and free times that no two bookings share."""

    key: str
    nurses: list[str]
    patients: list[str]
    free: list[tuple[str, str]]
    """Nurses and starts."""


@dataclass
class Measured:
    """Answers of one kind of request; times are seconds."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)


def prepare(variables: dict[str, str], *, nurses: int, patients: int, visits: int) -> Clinic:
    """Fill the database of this process, make a key, and return what requests need."""
    os.environ.update(variables)
    os.environ["DJANGO_SETTINGS_MODULE"] = "carematix.settings"
    django.setup()
    from django.db import connection
    from django.utils import timezone

    from accounts import issued_keys
    from scheduling import services
    from scheduling.models import Nurse, Patient
    from scheduling.selectors import find_openings

    now = timezone.now()
    services.load_clinic(now=now, patients=patients, nurses=nurses, appointments=visits)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    _, key = issued_keys.create_key(
        name="bench", scopes=("schedule:read", "appointments:read", "appointments:write"), now=now
    )
    found = find_openings(now=now, since=now, until=now + WEEKS, limit=1_000_000)
    return Clinic(
        key=key,
        nurses=[str(pk) for pk in Nurse.objects.filter(active=True).values_list("pk", flat=True)],
        patients=[str(pk) for pk in Patient.objects.order_by("pk").values_list("pk", flat=True)],
        free=[(str(one.nurse_id), one.start.isoformat()) for one in found.slots],
    )


def requests_of(clinic: Clinic) -> dict[str, Callable[[int], Request]]:
    """Return what the number-th request of each kind is."""

    def booking(number: int) -> Request:
        nurse, start = clinic.free[number]
        patient = clinic.patients[number % len(clinic.patients)]
        return "POST", "/api/v1/appointments/", {"patient": patient, "nurse": nurse, "start": start}

    def slots(number: int) -> Request:
        return "GET", f"/api/v1/slots/?nurse={clinic.nurses[number % len(clinic.nurses)]}", None

    return {
        "slots of one nurse": slots,
        "slots of any nurse": lambda _: ("GET", "/api/v1/slots/?limit=20", None),
        "list of visits": lambda _: ("GET", "/api/v1/appointments/?ordering=start", None),
        "booking": booking,
    }


@contextmanager
def bare_view() -> Iterator[int]:
    """Run the bare view in as many processes as the product; yield its port once it answers."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.bare_view:application", "--port", str(port)]
    command += ["--workers", str(WORKERS), "--loop", "uvloop", "--http", "httptools"]
    command += [
        "--lifespan",
        "off",
        "--log-level",
        "warning",
        "--no-access-log",
        "--no-proxy-headers",
        "--no-server-header",
    ]
    with product.running(command, dict(os.environ), port):
        yield port


async def send(
    port: int,
    request: Callable[[int], Request],
    numbers: Iterator[int],
    *,
    key: str,
    connections: int,
    seconds: float,
) -> Measured:
    """
    Send requests over some connections for some seconds, each as soon as the one before is answered.

    Raises:
        RuntimeError: an answer was no success.
    """
    measured = Measured()
    ends = time.monotonic() + seconds
    headers = {"Authorization": f"Bearer {key}", "X-Forwarded-Proto": "https"}

    async def one_after_the_other(session: aiohttp.ClientSession) -> None:
        while (begin := time.monotonic()) < ends:
            method, path, body = request(next(numbers))
            once = {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
            async with session.request(method, path, json=body, headers=once) as answer:
                text = await answer.read()
            if not 200 <= answer.status < 300:
                raise RuntimeError(f"{method} {path} answered {answer.status}: {text[:300]!r}")
            measured.times.append(time.monotonic() - begin)

    begin = time.monotonic()
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{port}", headers=headers, connector=aiohttp.TCPConnector(limit=0)
    ) as session:
        await asyncio.gather(*(one_after_the_other(session) for _ in range(connections)))
    measured.seconds = time.monotonic() - begin
    return measured


def run(*, rounds: int, seconds: float, connections: int, **numbers: int) -> dict[str, Any]:
    """Measure every kind of request in turn, over several rounds."""
    address = product.new_database("bench_rest")
    variables = product.environment(address, "ws://127.0.0.1:1/unused") | {
        "WORKERS": str(WORKERS),
        "LIMIT_KEY_READS_PER_MINUTE": product.MANY,
        "LIMIT_KEY_WRITES_PER_MINUTE": product.MANY,
    }
    product.prepare(variables)
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        clinic = process.submit(prepare, variables, **numbers).result()
    kinds = {"bare view": lambda _: ("GET", "/", None)} | requests_of(clinic)
    counters = {name: count() for name in kinds}
    found: dict[str, list[Measured]] = {name: [] for name in kinds}
    before, ours = figures.calibration_seconds(), time.process_time()
    with product.server(variables, pinned=False) as (port, _), bare_view() as bare:
        for number in range(rounds + 1):  # the first one warms up
            for name, request in kinds.items():
                measured = asyncio.run(
                    send(
                        bare if name == "bare view" else port,
                        request,
                        counters[name],
                        key=clinic.key,
                        connections=connections,
                        seconds=seconds if number else WARM_UP_SECONDS,
                    )
                )
                if number:
                    found[name].append(measured)
    drift = figures.calibration_seconds() / before - 1
    rows = [_row(name, several) for name, several in found.items()]
    for row in rows:
        row["of_bare"] = row["requests_per_s"] / rows[0]["requests_per_s"]
    return {
        "rounds": rounds,
        "seconds": seconds,
        "connections": connections,
        "client_cpu_s": time.process_time() - ours,
        "free_times": len(clinic.free),
        "drift": drift,
        "void": abs(drift) > figures.VOID_ABOVE,
        "rows": rows,
    }


def _row(name: str, several: Sequence[Measured]) -> dict[str, Any]:
    times = [one for measured in several for one in measured.times]
    return {
        "request": name,
        "requests": len(times),
        "requests_per_s": len(times) / sum(measured.seconds for measured in several),
        "p50_ms": figures.quantile(times, 0.50) * 1000,
        "p95_ms": figures.quantile(times, 0.95) * 1000,
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.rest", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="measured seconds of each turn")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--nurses", type=int, default=200)
    parser.add_argument("--patients", type=int, default=5_000)
    parser.add_argument("--visits", type=int, default=10_000)
    found = run(**vars(parser.parse_args(arguments)))
    print(figures.table(found["rows"]))
    print(f"machine's speed changed by {found['drift']:+.0%}" + (": VOID" if found["void"] else ""))
    print(f"the client took {found['client_cpu_s']:.1f} s of CPU time")
    print(f"written to {figures.write_results('rest', found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
