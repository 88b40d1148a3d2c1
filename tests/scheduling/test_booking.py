"""Booking: what it checks, stores and refuses (scheduling reference, section 6)."""

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, OperationalError

from scheduling.exceptions import (
    Busy,
    InvalidTime,
    LimitReached,
    NotAvailable,
    NotFound,
    NurseUnknown,
    SlotExpired,
    SlotTaken,
)
from scheduling.models import Appointment, AppointmentChange, Nurse, Patient, Source
from scheduling.services.transactions import run_atomically
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_hold,
    make_nurse,
    make_patient,
    make_visit_type,
)
from tests.scheduling.visits import HALF_HOUR, OWNER, book

pytestmark = pytest.mark.django_db


class TestBookAppointment:
    def test_stores_the_visit_with_the_buffers_around_it(self) -> None:
        nurse = make_nurse(buffer_before_minutes=5, buffer_after_minutes=10)

        visit = book(nurse=nurse)

        assert visit.status == "booked"
        assert visit.end - visit.start == HALF_HOUR
        assert visit.start - visit.blocked_from == timedelta(minutes=5)
        assert visit.blocked_until - visit.end == timedelta(minutes=10)

    def test_accepts_a_slot_that_begins_where_another_ends(self) -> None:
        earlier = make_appointment()

        later = book(nurse=earlier.nurse, start=earlier.end)

        assert later.status == "booked"

    def test_refuses_a_time_at_which_the_nurse_is_with_somebody(self) -> None:
        taken = make_appointment()

        with pytest.raises(SlotTaken) as caught:
            book(nurse=taken.nurse)

        assert (caught.value.code, caught.value.who) == ("slot_taken", "nurse")

    def test_refuses_a_time_at_which_the_patient_is_elsewhere(self) -> None:
        """Tricky case 19."""
        taken = make_appointment()

        with pytest.raises(SlotTaken) as caught:
            book(patient=taken.patient)

        assert caught.value.who == "patient"

    def test_refuses_a_nurse_who_has_left_since_the_search(self) -> None:
        """Tricky case 18."""
        nurse = make_nurse(active=False)

        with pytest.raises(NotAvailable) as caught:
            book(nurse=nurse)

        assert caught.value.code == "not_available"
        assert not Appointment.objects.exists()

    @pytest.mark.parametrize(
        ("start", "reason"),
        [
            (NOW + timedelta(minutes=90), "notice"),
            (NOW - timedelta(days=7), "notice"),
            (TOMORROW_NINE + timedelta(minutes=7), "grid"),
            (local(2027, 3, 5, 10), "horizon"),
        ],
    )
    def test_refuses_a_start_outside_of_the_rules(self, start: datetime, reason: str) -> None:
        with pytest.raises(InvalidTime) as caught:
            book(start=start)

        assert caught.value.reason == reason

    def test_refuses_a_start_at_which_the_nurse_does_not_work(self) -> None:
        with pytest.raises(NotAvailable) as caught:
            book(start=local(2026, 3, 7, 9))

        assert caught.value.reason == "no_hours"

    def test_refuses_a_start_without_an_offset(self) -> None:
        with pytest.raises(InvalidTime):
            book(start=TOMORROW_NINE.replace(tzinfo=None))

    def test_refuses_a_start_with_seconds(self) -> None:
        with pytest.raises(InvalidTime):
            book(start=TOMORROW_NINE + timedelta(seconds=1))

    def test_refuses_people_and_kinds_of_visit_that_do_not_exist(self) -> None:
        nurse, patient = make_nurse(), make_patient()

        with pytest.raises(NurseUnknown):
            book(nurse=Nurse(), patient=patient)
        with pytest.raises(NotFound):
            book(nurse=nurse, patient=Patient())
        with pytest.raises(NotAvailable):
            book(nurse=nurse, patient=patient, visit_type="surgery")

    @pytest.mark.parametrize("state", [{"active": False}, {"deceased": True}])
    def test_refuses_a_patient_who_is_no_longer_cared_for(self, state: dict[str, bool]) -> None:
        with pytest.raises(NotAvailable):
            book(patient=make_patient(**state))

    def test_refuses_an_emergency_by_phone(self) -> None:
        make_visit_type(code="emergency", bookable_by_phone=False)

        with pytest.raises(NotAvailable):
            book(visit_type="emergency")

    def test_books_an_emergency_for_staff(self) -> None:
        make_visit_type(code="emergency", bookable_by_phone=False)

        assert book(visit_type="emergency", source=Source.DASHBOARD).status == "booked"

    def test_refuses_a_fourth_visit_ahead_by_phone_but_not_by_staff(self) -> None:
        """S21: three visits ahead is what a patient can book alone."""
        nurse, patient = make_nurse(), make_patient()
        for number in range(3):
            book(nurse=nurse, patient=patient, start=TOMORROW_NINE + number * HALF_HOUR)
        fourth = TOMORROW_NINE + 3 * HALF_HOUR

        with pytest.raises(LimitReached):
            book(nurse=nurse, patient=patient, start=fourth)
        visit = book(nurse=nurse, patient=patient, start=fourth, source=Source.DASHBOARD)

        assert visit.status == "booked"

    def test_writes_who_booked_it_and_through_which_door(self) -> None:
        visit = book()

        change = AppointmentChange.objects.get()
        assert change.appointment == visit
        assert (change.kind, change.source, change.actor) == ("booked", "voice", OWNER)
        assert change.at == NOW
        assert change.new["status"] == "booked"


class TestHoldsInBooking:
    def test_a_hold_of_the_owner_is_spent(self) -> None:
        nurse = make_nurse()
        hold = make_hold(nurse=nurse, owner=OWNER)

        visit = book(nurse=nurse, hold_owner=OWNER)

        hold.refresh_from_db()
        assert (visit.start, hold.state) == (hold.start, "used")

    def test_a_hold_of_another_owner_keeps_the_time(self) -> None:
        """Tricky case 24."""
        nurse = make_nurse()
        make_hold(nurse=nurse)

        with pytest.raises(SlotTaken):
            book(nurse=nurse)

    def test_an_expired_hold_of_another_is_in_nobodys_way(self) -> None:
        """Tricky case 23: without any sweep."""
        nurse = make_nurse()
        hold = make_hold(nurse=nurse, expires_at=NOW)

        visit = book(nurse=nurse)

        hold.refresh_from_db()
        assert (visit.status, hold.state) == ("booked", "expired")

    def test_an_expired_hold_of_the_owner_books_nothing(self) -> None:
        nurse = make_nurse()
        make_hold(nurse=nurse, owner=OWNER, expires_at=NOW)

        with pytest.raises(SlotExpired):
            book(nurse=nurse, hold_owner=OWNER)

        assert not Appointment.objects.exists()

    def test_an_expired_hold_says_taken_if_somebody_has_taken_the_time(self) -> None:
        taken = make_appointment()
        make_hold(nurse=taken.nurse, owner=OWNER, expires_at=NOW)

        with pytest.raises(SlotTaken):
            book(nurse=taken.nurse, hold_owner=OWNER)

    def test_a_hold_stays_if_the_booking_fails(self) -> None:
        patient = make_patient(active=False)
        nurse = make_nurse()
        hold = make_hold(nurse=nurse, owner=OWNER)

        with pytest.raises(NotAvailable):
            book(nurse=nurse, patient=patient, hold_owner=OWNER)

        hold.refresh_from_db()
        assert hold.state == "live"


class TestDatabaseErrors:
    def test_a_deadlock_is_tried_again(self) -> None:
        tries: list[int] = []

        def work() -> str:
            tries.append(1)
            if len(tries) < 3:
                raise OperationalError("database is locked")
            return "done"

        assert (run_atomically(work), len(tries)) == ("done", 3)

    def test_a_database_that_stays_locked_is_busy(self) -> None:
        def work() -> None:
            raise OperationalError("database is locked")

        with pytest.raises(Busy):
            run_atomically(work)

    def test_other_errors_of_the_database_are_not_swallowed(self) -> None:
        def broken() -> None:
            raise OperationalError("disk I/O error")

        def unknown() -> None:
            raise IntegrityError("another_constraint")

        with pytest.raises(OperationalError):
            run_atomically(broken)
        with pytest.raises(IntegrityError):
            run_atomically(unknown)

    def test_an_overlap_found_by_the_database_alone_is_a_taken_slot(self) -> None:
        """The check before the insert is a courtesy; this is what happens when it saw nothing."""
        taken = make_appointment()

        with pytest.raises(SlotTaken) as caught:
            run_atomically(lambda: make_appointment(nurse=taken.nurse))

        assert caught.value.who == "nurse"
        assert Appointment.objects.count() == 1  # the transaction around it still works


def test_a_license_must_cover_the_day() -> None:
    """Tricky case 17."""
    nurse = make_nurse(license_expires_on=date(2026, 3, 6))

    assert book(nurse=nurse).status == "booked"
    with pytest.raises(NotAvailable) as caught:
        book(nurse=nurse, start=local(2026, 3, 9, 9))
    assert caught.value.reason == "license"
