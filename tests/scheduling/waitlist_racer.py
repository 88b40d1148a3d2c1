"""
Workers, staff and patients who meet at the waitlist, each in a process of its own.

    python -m tests.scheduling.waitlist_racer ACT…

An act is `sweep/NOW`, `cancel/NOW/VISIT`, `accept/NOW/OFFER` or `decline/NOW/OFFER`. Every process opens its
connection, waits until all have, then acts once. Outcomes are printed, one a line.
"""

import multiprocessing
import sys
from datetime import datetime
from typing import Any
from uuid import UUID

import django

WAIT_SECONDS = 60.0


def act(barrier: Any, outcomes: Any, name: str, moment: str, *ids: str) -> None:
    """Act once the others are ready, and put in one word how that ended."""
    from django.db import connection

    from scheduling.exceptions import SchedulingError

    try:
        connection.ensure_connection()
        barrier.wait(WAIT_SECONDS)
        outcomes.put(f"{name} {carry_out(name, datetime.fromisoformat(moment), *ids)}")
    except SchedulingError as error:
        outcomes.put(f"{name} {error.code}")
    except Exception as error:  # noqa: BLE001 - the race must hear of any other end
        outcomes.put(repr(error))
    finally:
        connection.close()


def carry_out(name: str, now: datetime, *ids: str) -> str:
    """Do one thing and return a word for what came of it."""
    from scheduling import services

    if name == "sweep":
        return str(services.offer_freed_times(now=now))
    one = UUID(ids[0])
    if name == "cancel":
        by_staff = {"source": "dashboard", "actor": "user:1"}
        return services.cancel_appointment(appointment_id=one, now=now, **by_staff).status
    if name == "accept":
        return services.accept_offer(offer_id=one, source="sms", actor="text", now=now).status
    return services.decline_offer(offer_id=one, now=now).status


def main(*acts: str) -> list[str]:
    """Run the race and return the outcomes."""
    django.setup()
    from scheduling import services  # noqa: F401 - loaded once, before the processes part

    forking = multiprocessing.get_context("fork")
    barrier, outcomes = forking.Barrier(len(acts)), forking.Queue()
    racers = [
        forking.Process(target=act, args=(barrier, outcomes, *one.split("/"))) for one in acts
    ]
    for racer in racers:
        racer.start()
    ends = [outcomes.get(timeout=WAIT_SECONDS) for _ in racers]
    for racer in racers:
        racer.join()
    return ends


if __name__ == "__main__":
    print("\n".join(main(*sys.argv[1:])))  # noqa: T201 - what the test reads
