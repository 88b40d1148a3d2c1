"""
What the audit record costs (N15): one event stored by itself, and a check of a long record.

Events are stored one after another, each in a transaction of its own, as a page does; then a long record is made in
bulk and sealed as the worker seals it, and `verify_audit`'s check reads all of it. The database is made beside the
one DATABASE_URL names.
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import django

from bench import figures, product

MOST_APPEND_MS = 5.0
MOST_CHECK_S = 30.0
WARM_UP = 50
BATCH = 5_000
BEGIN = datetime(2026, 11, 24, 12, tzinfo=UTC)


def run(*, appends: int, rows: int) -> dict[str, Any]:
    """Make the record and return the figures."""
    variables = product.environment(product.new_database("bench_audit"), "ws://127.0.0.1:1/unused")
    product.prepare(variables)
    os.environ.update(variables)
    os.environ["DJANGO_SETTINGS_MODULE"] = "carematix.settings"
    django.setup()
    before = figures.calibration_seconds()
    found = {**_append(appends), **_seal_and_check(rows)}
    drift = figures.calibration_seconds() / before - 1
    return {**found, "drift": drift, "void": abs(drift) > figures.VOID_ABOVE}


def _append(count: int) -> dict[str, Any]:
    from accounts.services import record_event

    taken = []
    for _ in range(count + WARM_UP):
        begin = time.perf_counter()
        record_event(
            action="call.read",
            outcome="ok",
            surface="dashboard",
            actor_type="user",
            actor_id=uuid4(),
            patient_ids=[uuid4()],
            object_type="call",
            object_id=uuid4(),
            address="203.0.113.24",
        )
        taken.append((time.perf_counter() - begin) * 1000)
    taken = taken[WARM_UP:]
    return {
        "appends": count,
        "append_p50_ms": figures.quantile(taken, 0.5),
        "append_p95_ms": figures.quantile(taken, 0.95),
        "append_p99_ms": figures.quantile(taken, 0.99),
    }


def _seal_and_check(rows: int) -> dict[str, Any]:
    from django.db import connection

    from accounts.audit.checking import check_record
    from accounts.audit.sealing import seal_events
    from accounts.models import AuditEvent

    missing = rows - AuditEvent.objects.count()
    for first in range(0, missing, BATCH):
        AuditEvent.objects.bulk_create(
            AuditEvent(
                at=BEGIN + timedelta(seconds=number),
                actor_type="user",
                actor_id=str(uuid4()),
                patient_ids=[str(uuid4())],
                action="call.read",
                object_type="call",
                object_id=str(uuid4()),
                surface="dashboard",
                outcome="ok",
            )
            for number in range(first, min(first + BATCH, missing))
        )
    begin = time.perf_counter()
    while seal_events():
        pass
    sealed_s = time.perf_counter() - begin
    begin = time.perf_counter()
    found = check_record()
    return {
        "database": connection.vendor,
        "rows": found.sealed,
        "whole": found.fault is None and not found.waiting,
        "seal_s": sealed_s,
        "check_s": time.perf_counter() - begin,
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.audit", description=__doc__)
    parser.add_argument("--appends", type=int, default=2_000)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args(arguments)
    found = run(appends=options.appends, rows=options.rows)
    print(figures.table([found]))
    print(f"written to {figures.write_results('audit', found)}")
    held = found["append_p95_ms"] <= MOST_APPEND_MS and found["check_s"] <= MOST_CHECK_S
    return int(not (held and found["whole"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
