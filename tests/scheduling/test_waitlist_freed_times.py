"""What a change of a visit gives back to the waitlist (scheduling reference, section 12)."""

from datetime import timedelta
from typing import Any

import pytest

from scheduling import services
from scheduling.exceptions import SlotTaken
from scheduling.models import Appointment, FreedTime
from scheduling.services.freed_times import MOST_MOVES, record_freed_time
from tests.factories import NOW, TOMORROW_NINE, make_appointment, make_nurse

pytestmark = pytest.mark.django_db

HALF_HOUR = timedelta(minutes=30)
BY_STAFF: dict[str, Any] = {"source": "dashboard", "actor": "user:1"}


def cancel(visit: Appointment) -> Appointment:
    """Cancel a visit as staff do."""
    return services.cancel_appointment(appointment_id=visit.pk, now=NOW, **BY_STAFF)


class TestFreedTime:
    def test_is_noted_with_the_buffers_when_a_visit_is_cancelled(self) -> None:
        nurse = make_nurse(buffer_before_minutes=5, buffer_after_minutes=10)
        visit = make_appointment(nurse=nurse)

        cancel(visit)

        freed = FreedTime.objects.get()
        assert (freed.nurse, freed.start, freed.end) == (
            nurse,
            TOMORROW_NINE - timedelta(minutes=5),
            TOMORROW_NINE + timedelta(minutes=40),
        )
        assert (freed.depth, freed.due_at, freed.done_at) == (0, NOW, None)

    def test_is_noted_once_however_often_a_visit_is_cancelled(self) -> None:
        visit = make_appointment()

        cancel(visit)
        cancel(visit)

        assert FreedTime.objects.count() == 1

    def test_is_the_old_time_of_a_visit_that_is_moved(self) -> None:
        visit = make_appointment()

        services.reschedule_appointment(
            appointment_id=visit.pk,
            nurse_id=visit.nurse_id,
            start=TOMORROW_NINE + HALF_HOUR,
            now=NOW,
            **BY_STAFF,
        )

        assert FreedTime.objects.get().start == TOMORROW_NINE

    def test_is_none_when_only_the_attendance_is_confirmed(self) -> None:
        services.confirm_attendance(appointment_id=make_appointment().pk, now=NOW, **BY_STAFF)

        assert not FreedTime.objects.exists()

    def test_is_none_of_a_visit_that_has_begun(self) -> None:
        begun = make_appointment(start=NOW - timedelta(minutes=20))

        services.record_no_show(appointment_id=begun.pk, now=NOW, **BY_STAFF)

        assert not FreedTime.objects.exists()

    def test_is_taken_back_with_the_change_that_fails(self) -> None:
        visit = make_appointment()
        other = make_appointment(nurse=visit.nurse, start=TOMORROW_NINE + HALF_HOUR)

        with pytest.raises(SlotTaken):
            services.reschedule_appointment(
                appointment_id=visit.pk,
                nurse_id=visit.nurse_id,
                start=other.start,
                now=NOW,
                **BY_STAFF,
            )

        assert not FreedTime.objects.exists()

    def test_ends_a_chain_of_offered_moves(self) -> None:
        nurse = make_nurse()
        given: dict[str, Any] = {
            "nurse_id": nurse.pk,
            "start": TOMORROW_NINE,
            "end": TOMORROW_NINE + HALF_HOUR,
            "now": NOW,
        }

        last = record_freed_time(**given, depth=MOST_MOVES)
        beyond = record_freed_time(**given, depth=MOST_MOVES + 1)

        assert last is not None
        assert beyond is None
