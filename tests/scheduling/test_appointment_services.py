"""Booking, moving, cancelling and confirming (scheduling reference, sections 6 to 8)."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from scheduling import services
from scheduling.exceptions import (
    Busy,
    InvalidTime,
    InvalidTransition,
    LimitReached,
    NotAvailable,
    NotFound,
    NurseUnknown,
    SchedulingError,
    SlotExpired,
    SlotTaken,
    TooEarly,
    TooLate,
)
from scheduling.models import (
    Appointment,
    AppointmentChange,
    Message,
    Nurse,
    Patient,
    SlotHold,
    Source,
    WebhookDelivery,
    WebhookEndpoint,
)
from scheduling.services.transactions import run_atomically
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_consent,
    make_hold,
    make_nurse,
    make_patient,
    make_visit_type,
)

pytestmark = pytest.mark.django_db

HALF_HOUR = timedelta(minutes=30)
OWNER = "call:me"


def book(
    *,
    patient: Patient | None = None,
    nurse: Nurse | None = None,
    start: datetime = TOMORROW_NINE,
    source: str = Source.VOICE,
    **more: Any,
) -> Appointment:
    """Book a routine visit through the service."""
    make_visit_type()
    return services.book_appointment(
        patient_id=(patient or make_patient()).pk,
        nurse_id=(nurse or make_nurse()).pk,
        start=start,
        **{"visit_type": "routine", "source": source, "actor": OWNER, "now": NOW, **more},
    )


def move(appointment: Appointment, start: datetime, **more: Any) -> Appointment:
    """Move a visit through the service, to the same nurse unless `nurse_id` says otherwise."""
    given: dict[str, Any] = {
        "nurse_id": appointment.nurse_id,
        "source": Source.VOICE,
        "actor": OWNER,
        "now": NOW,
    }
    return services.reschedule_appointment(
        appointment_id=appointment.pk, start=start, **given | more
    )


def cancel(appointment: Appointment, **more: Any) -> Appointment:
    """Cancel a visit through the service."""
    given: dict[str, Any] = {"source": Source.VOICE, "actor": OWNER, "now": NOW}
    return services.cancel_appointment(appointment_id=appointment.pk, **given | more)


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


class TestMessages:
    def test_a_booking_is_confirmed_by_text_if_the_patient_agreed(self) -> None:
        patient = make_patient()
        make_consent(patient=patient)

        visit = book(patient=patient)

        message = Message.objects.get(kind="confirmation")
        assert (message.to, message.kind, message.appointment) == (
            patient.phone,
            "confirmation",
            visit,
        )
        assert "Fri Mar 6, 9:00 AM EST" in message.body

    def test_a_text_is_in_the_patients_language(self) -> None:
        patient = make_patient(preferred_language="es")
        make_consent(patient=patient)

        book(patient=patient)

        assert "su cita es el vie 6 mar, 09:00 EST" in Message.objects.get(kind="confirmation").body

    def test_a_text_says_nothing_about_health_or_people(self) -> None:
        patient = make_patient()
        make_consent(patient=patient)

        visit = book(patient=patient, reason="wound on the left foot")

        body = Message.objects.get(kind="confirmation").body.lower()
        nurse = visit.nurse
        for word in ("wound", "routine", nurse.last_name, patient.last_name, "nurse"):
            assert word.lower() not in body

    def test_no_text_without_consent(self) -> None:
        book()

        assert not Message.objects.exists()

    def test_no_text_after_the_consent_was_taken_back(self) -> None:
        patient = make_patient()
        make_consent(patient=patient)
        make_consent(patient=patient, granted=False, recorded_at=NOW)

        book(patient=patient)

        assert not Message.objects.exists()

    def test_no_text_after_the_number_asked_for_no_more_calls(self) -> None:
        """S59: "stop calling" holds for texts at once."""
        patient = make_patient()
        make_consent(patient=patient)
        services.record_consent(
            channel="voice",
            purpose="calls",
            granted=False,
            wording="stop calling me",
            source=Source.VOICE,
            phone=patient.phone,
            now=NOW,
        )

        book(patient=patient)

        assert not Message.objects.exists()

    def test_a_move_replaces_the_text_that_was_not_sent_yet(self) -> None:
        patient = make_patient()
        make_consent(patient=patient)
        visit = book(patient=patient)

        move(visit, visit.start + HALF_HOUR)

        told = Message.objects.exclude(kind="reminder_2h")
        states = dict(told.values_list("kind", "status"))
        assert states == {"confirmation": "dropped", "rescheduled": "pending"}

    def test_a_refused_booking_leaves_no_text_and_no_history(self) -> None:
        patient = make_patient()
        make_consent(patient=patient)
        taken = make_appointment()

        with pytest.raises(SlotTaken):
            book(patient=patient, nurse=taken.nurse)

        assert not Message.objects.exists()
        assert not AppointmentChange.objects.exists()


class TestWebhooks:
    def test_an_endpoint_gets_the_events_that_it_asked_for(self) -> None:
        WebhookEndpoint.objects.create(
            url="https://a.example", secret="s", events=["appointment.cancelled"]
        )
        everything = WebhookEndpoint.objects.create(url="https://b.example", secret="s")

        visit = book()

        delivery = WebhookDelivery.objects.get()
        assert delivery.endpoint == everything
        assert delivery.event_type == "appointment.booked"
        assert str(visit.pk) in delivery.body
        assert visit.patient.last_name not in delivery.body


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


class TestHoldSlot:
    def hold(self, nurse: Nurse, **more: Any) -> SlotHold:
        make_visit_type()
        given: dict[str, Any] = {
            "owner": OWNER,
            "start": TOMORROW_NINE,
            "visit_type": "routine",
            "patient_id": None,
            "now": NOW,
        }
        return services.hold_slot(nurse_id=nurse.pk, **given | more)

    def test_lasts_two_minutes(self) -> None:
        assert self.hold(make_nurse()).expires_at == NOW + timedelta(seconds=120)

    def test_of_a_second_owner_is_refused(self) -> None:
        nurse = make_nurse()
        self.hold(nurse)

        with pytest.raises(SlotTaken):
            self.hold(nurse, owner="call:another")

    def test_of_a_second_owner_succeeds_after_the_first_expired(self) -> None:
        nurse = make_nurse()
        self.hold(nurse)

        later = self.hold(nurse, owner="call:another", now=NOW + timedelta(seconds=120))

        assert later.owner == "call:another"

    def test_of_a_time_that_is_booked_is_refused(self) -> None:
        taken = make_appointment()

        with pytest.raises(SlotTaken):
            self.hold(taken.nurse)

    def test_replaces_the_owners_earlier_proposal_and_offer(self) -> None:
        nurse = make_nurse()
        offer = self.hold(nurse, purpose="offer")
        first = self.hold(nurse)

        second = self.hold(nurse, start=TOMORROW_NINE + HALF_HOUR)

        live = SlotHold.objects.filter(state="live")
        assert set(live) == {second}
        assert {offer, first} == set(SlotHold.objects.filter(state="released"))

    def test_as_an_offer_leaves_an_open_proposal_alone(self) -> None:
        nurse = make_nurse()
        proposal = self.hold(nurse)

        offer = self.hold(nurse, start=TOMORROW_NINE + HALF_HOUR, purpose="offer")
        same = self.hold(nurse, purpose="offer")

        assert same == proposal
        assert set(SlotHold.objects.filter(state="live")) == {proposal, offer}

    def test_of_a_fourth_time_is_refused(self) -> None:
        nurse = make_nurse()
        for number in range(1, 4):
            make_hold(
                nurse=nurse,
                owner=OWNER,
                purpose="waitlist",
                start=TOMORROW_NINE + number * HALF_HOUR,
            )

        with pytest.raises(LimitReached):
            self.hold(nurse)

    def test_can_lie_over_the_visit_that_is_to_be_moved(self) -> None:
        visit = make_appointment(start=TOMORROW_NINE + timedelta(minutes=15))
        nurse = visit.nurse

        hold = self.hold(nurse, patient_id=visit.patient_id, ignore_appointment_id=visit.pk)

        assert hold.state == "live"

    def test_is_given_up_by_hanging_up(self) -> None:
        """Tricky case 24."""
        nurse = make_nurse()
        self.hold(nurse)

        released = services.release_holds(owner=OWNER, now=NOW)

        assert released == 1
        assert book(nurse=nurse).status == "booked"

    def test_is_tidied_up_when_its_time_is_over(self) -> None:
        self.hold(make_nurse())

        assert services.expire_holds(now=NOW + timedelta(seconds=119)) == 0
        assert services.expire_holds(now=NOW + timedelta(seconds=120)) == 1


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
