"""Moving, cancelling and confirming a visit, and what became of it (scheduling reference, sections 7 and 8)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from scheduling import services
from scheduling.exceptions import (
    InvalidTransition,
    NotFound,
    SchedulingError,
    SlotTaken,
    TooEarly,
    TooLate,
)
from scheduling.models import Appointment, AppointmentChange, Source
from tests.factories import NOW, TOMORROW_NINE, make_appointment, make_hold, make_nurse
from tests.scheduling.visits import HALF_HOUR, OWNER, book, move

pytestmark = pytest.mark.django_db


def cancel(appointment: Appointment, **more: Any) -> Appointment:
    """Cancel a visit through the service."""
    given: dict[str, Any] = {"source": Source.VOICE, "actor": OWNER, "now": NOW}
    return services.cancel_appointment(appointment_id=appointment.pk, **given | more)


class TestRescheduleAppointment:
    def test_moves_the_same_row_and_frees_the_old_time(self) -> None:
        visit = book()

        moved = move(visit, visit.start + 2 * HALF_HOUR)

        assert moved.pk == visit.pk
        assert moved.start == visit.start + 2 * HALF_HOUR
        assert moved.sequence == visit.sequence + 1
        assert book(nurse=visit.nurse, start=visit.start).status == "booked"

    def test_works_over_the_visits_own_time(self) -> None:
        """Tricky case 25."""
        nurse = make_nurse(slot_step_minutes=15)
        visit = book(nurse=nurse)

        moved = move(visit, visit.start + timedelta(minutes=15))

        assert moved.start == visit.start + timedelta(minutes=15)

    def test_to_a_taken_time_keeps_the_old_one(self) -> None:
        """Tricky case 25."""
        visit = book()
        make_appointment(nurse=visit.nurse, start=visit.end)

        with pytest.raises(SlotTaken):
            move(visit, visit.end)

        visit.refresh_from_db()
        assert (visit.start, visit.sequence) == (TOMORROW_NINE, 0)

    def test_forgets_that_the_patient_had_confirmed(self) -> None:
        visit = make_appointment(attendance_confirmed_at=NOW)

        assert move(visit, visit.end).attendance_confirmed_at is None

    def test_to_another_nurse_takes_that_nurses_buffers(self) -> None:
        visit = book()
        nurse = make_nurse(buffer_after_minutes=20)

        moved = move(visit, visit.start, nurse_id=nurse.pk)

        assert moved.nurse_id == nurse.pk
        assert moved.blocked_until - moved.end == timedelta(minutes=20)

    def test_to_the_same_time_changes_nothing(self) -> None:
        visit = book()

        assert move(visit, visit.start).version == visit.version

    def test_less_than_two_hours_ahead_is_too_late_for_a_patient(self) -> None:
        visit = make_appointment()
        now = visit.start - timedelta(minutes=119)

        with pytest.raises(TooLate):
            move(visit, visit.start + timedelta(days=3), now=now)

    def test_is_possible_for_staff_until_the_visit_ends(self) -> None:
        visit = make_appointment()
        later = visit.start + timedelta(days=3)

        with pytest.raises(TooLate):
            move(visit, later, now=visit.end, source=Source.DASHBOARD)
        moved = move(visit, later, now=visit.end - timedelta(minutes=1), source=Source.DASHBOARD)

        assert moved.late

    def test_is_refused_once_the_patient_has_arrived(self) -> None:
        visit = make_appointment(status="arrived")

        with pytest.raises(InvalidTransition):
            move(visit, visit.end)

    def test_spends_the_hold_of_the_new_time(self) -> None:
        visit = book()
        hold = make_hold(nurse=visit.nurse, owner=OWNER, start=visit.end)

        move(visit, visit.end, hold_owner=OWNER)

        hold.refresh_from_db()
        assert hold.state == "used"

    def test_writes_old_and_new_into_the_history(self) -> None:
        visit = book()

        move(visit, visit.end)

        change = AppointmentChange.objects.get(kind="rescheduled")
        assert change.old["start"] == visit.start.isoformat()
        assert change.new["start"] == visit.end.isoformat()
        assert "status" not in change.new


class TestCancelAppointment:
    def test_frees_the_time_and_says_who_and_why(self) -> None:
        visit = book()

        cancelled = cancel(visit, reason="nurse", reason_text="ill")

        assert (cancelled.status, cancelled.cancellation_reason) == ("cancelled", "nurse")
        assert (cancelled.cancelled_at, cancelled.cancelled_by) == (NOW, OWNER)
        assert book(nurse=visit.nurse).pk != visit.pk

    def test_repeated_returns_the_first_one_unchanged(self) -> None:
        first = cancel(book())

        again = cancel(first, reason="clinic", now=NOW + HALF_HOUR)

        assert (again.cancelled_at, again.cancellation_reason) == (NOW, "patient")
        assert again.version == first.version

    @pytest.mark.parametrize(("hours", "late"), [(24, False), (23.9, True), (2, True)])
    def test_counts_as_late_within_a_day(self, hours: float, late: bool) -> None:
        visit = make_appointment()

        assert cancel(visit, now=visit.start - timedelta(hours=hours)).late is late

    def test_is_too_late_for_a_patient_two_hours_before(self) -> None:
        visit = make_appointment()

        with pytest.raises(TooLate):
            cancel(visit, now=visit.start - timedelta(minutes=119))

    def test_is_possible_for_staff_after_the_start(self) -> None:
        visit = make_appointment()

        assert cancel(visit, now=visit.end, source=Source.DASHBOARD).late

    def test_of_a_visit_that_took_place_is_refused(self) -> None:
        with pytest.raises(InvalidTransition):
            cancel(make_appointment(status="fulfilled"))

    def test_for_an_unknown_reason_is_refused(self) -> None:
        with pytest.raises(SchedulingError):
            cancel(make_appointment(), reason="weather")

    def test_of_no_visit_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            cancel(Appointment())


class TestConfirmAttendance:
    def confirm(self, visit: Appointment, now: datetime = NOW) -> Appointment:
        return services.confirm_attendance(
            appointment_id=visit.pk, source=Source.VOICE, actor=OWNER, now=now
        )

    def test_is_a_stamp_and_no_status(self) -> None:
        confirmed = self.confirm(make_appointment())

        assert (confirmed.status, confirmed.attendance_confirmed_at) == ("booked", NOW)
        assert (confirmed.sequence, confirmed.version) == (0, 2)

    def test_repeated_changes_nothing(self) -> None:
        confirmed = self.confirm(make_appointment())

        assert self.confirm(confirmed, NOW + HALF_HOUR).attendance_confirmed_at == NOW

    def test_ends_with_the_start(self) -> None:
        visit = make_appointment()

        with pytest.raises(TooLate):
            self.confirm(visit, visit.start)

    def test_of_a_cancelled_visit_is_refused(self) -> None:
        with pytest.raises(InvalidTransition):
            self.confirm(make_appointment(status="cancelled"))


class TestOutcomes:
    def test_a_patient_arrives_from_an_hour_before_on(self) -> None:
        visit = make_appointment()
        act: dict[str, Any] = {"appointment_id": visit.pk, "source": "dashboard", "actor": "user:1"}

        with pytest.raises(TooEarly):
            services.arrive(**act, now=visit.start - timedelta(minutes=61))
        with pytest.raises(TooLate):
            services.arrive(**act, now=visit.end + timedelta(hours=12, minutes=1))

        assert services.arrive(**act, now=visit.start - timedelta(hours=1)).status == "arrived"

    def test_a_visit_is_fulfilled_from_its_start_on(self) -> None:
        visit = make_appointment()
        act: dict[str, Any] = {"appointment_id": visit.pk, "source": "dashboard", "actor": "user:1"}

        with pytest.raises(TooEarly):
            services.fulfil(**act, now=visit.start - timedelta(minutes=1))

        assert services.fulfil(**act, now=visit.start).status == "fulfilled"

    def test_a_no_show_takes_a_quarter_of_an_hour(self) -> None:
        visit = make_appointment()
        act: dict[str, Any] = {"appointment_id": visit.pk, "source": "dashboard", "actor": "user:1"}

        with pytest.raises(TooEarly):
            services.record_no_show(**act, now=visit.start + timedelta(minutes=14))

        late = visit.start + timedelta(minutes=15)
        assert services.record_no_show(**act, now=late).status == "noshow"

    def test_a_no_show_is_corrected_within_a_week(self) -> None:
        visit = make_appointment(status="noshow")
        act: dict[str, Any] = {"appointment_id": visit.pk, "source": "dashboard", "actor": "user:1"}

        with pytest.raises(TooLate):
            services.arrive(**act, now=visit.end + timedelta(days=7, minutes=1))

        assert services.arrive(**act, now=visit.end + timedelta(days=7)).status == "arrived"

    def test_a_correction_does_not_double_book(self) -> None:
        missed = make_appointment(status="noshow")
        make_appointment(nurse=missed.nurse)

        with pytest.raises(SlotTaken):
            services.arrive(
                appointment_id=missed.pk, source="dashboard", actor="user:1", now=missed.end
            )

    @pytest.mark.parametrize("source", ["voice", "keypad", "sms"])
    def test_a_patient_cannot_say_what_became_of_a_visit(self, source: str) -> None:
        visit = make_appointment()

        with pytest.raises(InvalidTransition):
            services.fulfil(appointment_id=visit.pk, source=source, actor=OWNER, now=visit.end)

    def test_an_error_needs_a_reason(self) -> None:
        visit = make_appointment()
        act: dict[str, Any] = {"appointment_id": visit.pk, "source": "admin", "actor": "user:1"}

        with pytest.raises(SchedulingError):
            services.enter_in_error(**act, now=NOW, reason=" ")

        marked = services.enter_in_error(**act, now=NOW, reason="wrong patient")
        assert marked.status == "entered-in-error"
        assert marked.changes.get().reason == "wrong patient"
