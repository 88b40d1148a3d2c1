"""
Workers, staff and patients who meet at the waitlist, each in a process of its own.

    python -m tests.scheduling.waitlist_racer ACT…

An act is `sweep/NOW`, `cancel/NOW/VISIT`, `accept/NOW/OFFER` or `decline/NOW/OFFER`. Outcomes are printed,
one a line.
"""

import sys
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

import django

from tests.scheduling.racing import at_once


def act(name: str, moment: str, *ids: str) -> Iterator[str]:
    """Put in one word how it ended."""
    from scheduling.exceptions import SchedulingError

    try:
        yield f"{name} {carry_out(name, datetime.fromisoformat(moment), *ids)}"
    except SchedulingError as error:
        yield f"{name} {error.code}"


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

    return at_once([partial(act, *one.split("/")) for one in acts])


if __name__ == "__main__":
    print("\n".join(main(*sys.argv[1:])))  # noqa: T201 - what the test reads
