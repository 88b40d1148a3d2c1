"""
Callers in processes of their own, who hold, offer, book, cancel and release at two nurses in crossed order.

    python -m tests.scheduling.holds_racer START NOW NURSE NURSE PATIENT…

Every patient's process does its rounds as a phone call does: what belongs to one step of a call is one transaction. No
step releases and then holds at another nurse, as no tool does. All want the same times and let holds lapse, so that
they change each other's rows. Outcomes are printed, one a line.
"""

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import django

from tests.scheduling.racing import at_once

ROUNDS = 10
TIMES = 14
HALF_HOUR = timedelta(minutes=30)


def call(nurses: list[UUID], patient: UUID, begins: datetime, now: datetime) -> Iterator[str]:
    """Make the rounds of one caller; put a word for each step."""
    for number in range(ROUNDS):
        near, far = nurses[number % 2], nurses[(number + 1) % 2]
        start = begins + number % TIMES * HALF_HOUR
        for step in steps(f"call:{patient}", near, far, patient, start, now):
            yield outcome(step)


def outcome(step: Any) -> str:
    """Take one step in a transaction of its own and return how that ended."""
    from django.db import transaction

    from scheduling.exceptions import SchedulingError

    try:
        with transaction.atomic():
            step()
    except SchedulingError as error:
        return error.code
    return "done"


def steps(
    owner: str, near: UUID, far: UUID, patient: UUID, start: datetime, now: datetime
) -> list[Any]:
    """Return what a caller does: an offer, a proposal that lapses, another, the booking, second thoughts."""
    from scheduling import services

    held: dict[str, Any] = {
        "owner": owner, "visit_type": "routine", "patient_id": patient, "now": now
    }  # fmt: skip
    by_phone: dict[str, Any] = {"source": "api", "actor": owner, "now": now, "hold_owner": owner}
    booked: list[Any] = []

    def book() -> None:
        booked.append(
            services.book_appointment(
                patient_id=patient, nurse_id=near, start=start, visit_type="routine", **by_phone
            )
        )
        services.release_holds(owner=owner, now=now)

    def cancel() -> None:
        for visit in booked:
            services.cancel_appointment(appointment_id=visit.pk, **by_phone)
        services.release_holds(owner=owner, now=now)

    return [
        lambda: services.hold_slot(nurse_id=far, start=start, purpose="offer", seconds=0, **held),
        lambda: services.hold_slot(nurse_id=near, start=start, seconds=0, **held),
        lambda: services.release_holds(owner=owner, now=now),
        lambda: services.hold_slot(nurse_id=near, start=start, **held),
        book,
        lambda: services.expire_holds(now=now),
        lambda: services.hold_slot(nurse_id=far, start=start + HALF_HOUR, **held),
        cancel,
    ]


def main(start: str, now: str, *ids: str) -> list[str]:
    """Run the race and return the outcomes."""
    django.setup()
    from scheduling import services  # noqa: F401 - loaded once, before the processes part

    nurses, patients = [UUID(text) for text in ids[:2]], [UUID(text) for text in ids[2:]]
    moments = datetime.fromisoformat(start), datetime.fromisoformat(now)
    return at_once(
        [
            partial(call, nurses[:: 1 - number % 2 * 2], patient, *moments)
            for number, patient in enumerate(patients)
        ]
    )


if __name__ == "__main__":
    print("\n".join(main(*sys.argv[1:])))  # noqa: T201 - what the test reads
