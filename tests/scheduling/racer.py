"""
A race in processes of its own: each is forked from one that has loaded Django and opened no connection yet.

    python -m tests.scheduling.racer NURSE START NOW PATIENT…

Every patient's process opens its connection, waits until all have, then books. Outcomes are printed, one a line.
"""

import multiprocessing
import sys
from datetime import datetime
from typing import Any
from uuid import UUID

import django

WAIT_SECONDS = 45.0


def book(
    barrier: Any, outcomes: Any, nurse_id: UUID, patient_id: UUID, start: datetime, now: datetime
) -> None:
    """Book once the others are ready, and put in one word how that ended."""
    from django.db import connection

    from scheduling import services
    from scheduling.exceptions import SchedulingError

    try:
        connection.ensure_connection()
        barrier.wait(WAIT_SECONDS)
        services.book_appointment(
            patient_id=patient_id,
            nurse_id=nurse_id,
            start=start,
            visit_type="routine",
            source="api",
            actor="test",
            now=now,
        )
        outcomes.put("booked")
    except SchedulingError as error:
        outcomes.put(error.code)
    except Exception as error:  # noqa: BLE001 - the race must hear of any other end
        outcomes.put(repr(error))
    finally:
        connection.close()


def main(nurse: str, start: str, now: str, *patients: str) -> list[str]:
    """Run the race and return the outcomes."""
    django.setup()
    from scheduling import services  # noqa: F401 - loaded once, before the processes part

    forking = multiprocessing.get_context("fork")
    barrier, outcomes = forking.Barrier(len(patients)), forking.Queue()
    moments = datetime.fromisoformat(start), datetime.fromisoformat(now)
    racers = [
        forking.Process(target=book, args=(barrier, outcomes, UUID(nurse), UUID(patient), *moments))
        for patient in patients
    ]
    for racer in racers:
        racer.start()
    ends = [outcomes.get(timeout=WAIT_SECONDS) for _ in racers]
    for racer in racers:
        racer.join()
    return ends


if __name__ == "__main__":
    print("\n".join(main(*sys.argv[1:])))  # noqa: T201 - what the test reads
