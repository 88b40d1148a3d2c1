"""
Staff in processes of their own, who book, move, cancel, change hours and hand over at the same few people.

    python -m tests.scheduling.clinic_racer SEED NURSES PATIENTS

Nurses and patients are lists of ids with commas. What everybody does is drawn from the seed, in an order of people that
is crossed. Each step is a transaction of the service. Outcomes are printed, one a line: the act and how it ended.
"""

import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import django

from tests.scheduling.racing import at_once

STAFF, STEPS = 6, 20
NOW = datetime(2026, 3, 5, 15, tzinfo=UTC)  # Thursday
MONDAY, MONDAY_NINE = date(2026, 3, 9), datetime(2026, 3, 9, 13, tzinfo=UTC)  # in New York
HALF_HOUR = timedelta(minutes=30)


class Clerk:
    """One of the staff, who draws what to do next and at whom."""

    def __init__(self, number: int, seed: int, nurses: list[UUID], patients: list[UUID]) -> None:
        self.chance = random.Random(seed * 100 + number)
        self.nurses, self.patients = nurses, patients
        self.common: dict[str, Any] = {"source": "admin", "actor": f"user:{number}", "now": NOW}

    def __call__(self) -> Iterator[str]:
        """Take all steps; tell of each how it ended."""
        from scheduling.exceptions import SchedulingError

        acts: list[Callable[[], object]] = [
            self.book, self.book_series, self.move, self.move_series, self.cancel,
            self.cancel_series, self.change_hours, self.hand_over,
        ]  # fmt: skip
        for _ in range(STEPS):
            act = self.chance.choice(acts)
            try:
                act()
            except SchedulingError as error:
                yield f"{act.__name__} {error.code}"
            else:
                yield f"{act.__name__} done"

    def book(self) -> None:
        """Book one visit."""
        from scheduling import services

        services.book_appointment(
            patient_id=self.chance.choice(self.patients),
            nurse_id=self.chance.choice(self.nurses),
            start=self._start(),
            visit_type="routine",
            **self.common,
        )

    def book_series(self) -> None:
        """Book three visits, or those of them that are possible."""
        from scheduling import services

        services.book_series(
            patient_id=self.chance.choice(self.patients),
            nurse_id=self.chance.choice(self.nurses),
            visit_type="routine",
            pattern=services.Pattern(
                MONDAY + timedelta(days=self.chance.randrange(3)), self._time(), count=3
            ),
            on_conflict="skip",
            **self.common,
        )

    def move(self) -> None:
        """Move a visit, perhaps to another nurse."""
        from scheduling import services

        services.reschedule_appointment(
            appointment_id=self._visit(),
            nurse_id=self.chance.choice(self.nurses),
            start=self._start(),
            **self.common,
        )

    def move_series(self) -> None:
        """Move what is left of a series."""
        from scheduling import services

        nurse_id = self.chance.choice([None, *self.nurses])
        services.reschedule_series(
            appointment_id=self._visit(series__isnull=False),
            scope=self.chance.choice(("this", "following", "all")),
            shift=services.Shift(self.chance.randrange(3), self._time(), nurse_id),
            on_conflict="skip",
            **self.common,
        )

    def cancel(self) -> None:
        """Cancel a visit."""
        from scheduling import services

        services.cancel_appointment(appointment_id=self._visit(), reason="clinic", **self.common)

    def cancel_series(self) -> None:
        """Cancel a series from one visit on."""
        from scheduling import services

        visit = self._visit(series__isnull=False)
        services.cancel_series(
            appointment_id=visit, scope="following", reason="clinic", **self.common
        )

    def change_hours(self) -> None:
        """Shorten or lengthen one day of the week of all nurses, having seen what that leaves outside."""
        from scheduling import services
        from scheduling.models import Availability

        windows = list(Availability.objects.filter(weekday=self.chance.randrange(3)))
        self.chance.shuffle(windows)
        for window in windows:
            window.end = time(self.chance.choice((15, 17)))
        token = services.preview_hours(rows=windows, now=NOW).token
        services.save_hours(rows=windows, token=token, **self.common)

    def hand_over(self) -> None:
        """Hand a few days of one nurse to her colleagues."""
        from scheduling import services

        since = MONDAY_NINE + timedelta(days=self.chance.randrange(17))
        days: dict[str, Any] = {
            "nurse_id": self.chance.choice(self.nurses),
            "since": since,
            "until": since + timedelta(days=2),
        }
        token = services.preview_handover(**days, now=NOW).token
        services.apply_handover(**days, token=token, **self.common)

    def _visit(self, **where: Any) -> UUID:
        """
        Return a visit ahead.

        Raises:
            NotFound: there is none yet.
        """
        from scheduling.exceptions import NotFound
        from scheduling.models import Appointment

        ahead = Appointment.objects.filter(status="booked", **where).order_by("start", "id")
        ids = list(ahead.values_list("pk", flat=True))
        if not ids:
            raise NotFound
        return self.chance.choice(ids)

    def _start(self) -> datetime:
        days = timedelta(days=7 * self.chance.randrange(3) + self.chance.randrange(3))
        return MONDAY_NINE + days + self.chance.randrange(14) * HALF_HOUR

    def _time(self) -> time:
        return time(9 + self.chance.randrange(7), self.chance.choice((0, 30)))


def main(seed: str, nurses: str, patients: str) -> list[str]:
    """Run the race and return the outcomes."""
    django.setup()
    from scheduling import services  # noqa: F401 - loaded once, before the processes part

    people = [[UUID(one) for one in ids.split(",")] for ids in (nurses, patients)]
    return at_once([Clerk(number, int(seed), *people) for number in range(STAFF)])


if __name__ == "__main__":
    print("\n".join(main(*sys.argv[1:])))  # noqa: T201 - what the test reads
