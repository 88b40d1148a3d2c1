"""Texts about what staff did in a patient's quiet hours (scheduling reference, section 13)."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from scheduling import services
from scheduling.models import Appointment, Message, Patient, Source
from scheduling.services import Pattern
from scheduling.services.outbox import still_wanted
from tests.factories import local, make_consent, make_nurse, make_patient, make_visit_type

pytestmark = pytest.mark.django_db

NIGHT = local(2026, 3, 5, 22)
MORNING = local(2026, 3, 6, 8)
EARLY = local(2026, 3, 6, 9)
AFTERNOON = local(2026, 3, 9, 14)
HOUR = timedelta(hours=1)
BY_STAFF: dict[str, Any] = {"source": Source.DASHBOARD, "actor": "user:1"}


@pytest.fixture
def patient() -> Patient:
    """Return a patient who agreed to texts."""
    patient = make_patient(email="pat@example.com")
    make_consent(patient=patient)
    return patient


def book(
    patient: Patient, *, start: datetime = AFTERNOON, source: str = Source.DASHBOARD
) -> Appointment:
    return services.book_appointment(
        patient_id=patient.pk,
        nurse_id=make_nurse().pk,
        start=start,
        visit_type=make_visit_type().code,
        source=source,
        actor="user:1",
        now=NIGHT,
    )


def move(visit: Appointment, start: datetime) -> None:
    services.reschedule_appointment(
        appointment_id=visit.pk, nurse_id=visit.nurse_id, start=start, now=NIGHT, **BY_STAFF
    )


def notices() -> list[tuple[str, str, datetime]]:
    """Return kind, status and time of what was written, but for reminders and to nurses."""
    rows = Message.objects.exclude(kind__startswith="reminder").filter(nurse=None)
    return list(rows.order_by("created_at").values_list("kind", "status", "due_at"))


class TestATextAtNight:
    @pytest.mark.parametrize("source", ["dashboard", "admin", "api", "fhir"])
    def test_about_an_act_of_staff_waits_for_the_morning(
        self, patient: Patient, source: str
    ) -> None:
        book(patient, source=source)

        assert notices() == [("confirmation", "pending", MORNING)]

    @pytest.mark.parametrize("source", ["voice", "keypad", "sms"])
    def test_about_the_patients_own_act_is_due_at_once(self, patient: Patient, source: str) -> None:
        book(patient, source=source)

        assert notices() == [("confirmation", "pending", NIGHT)]

    def test_is_due_at_once_if_the_visit_is_near(self, patient: Patient) -> None:
        book(patient, start=EARLY)

        assert notices() == [("confirmation", "pending", NIGHT)]

    def test_is_due_at_once_if_the_visit_that_is_moved_away_was_near(
        self, patient: Patient
    ) -> None:
        visit = book(patient, start=EARLY, source=Source.VOICE)

        move(visit, AFTERNOON)

        assert notices()[-1] == ("rescheduled", "pending", NIGHT)

    def test_is_judged_by_the_patients_own_clock(self, patient: Patient) -> None:
        Patient.objects.filter(pk=patient.pk).update(time_zone="Pacific/Honolulu")

        book(patient)

        assert notices() == [("confirmation", "pending", NIGHT)]

    def test_is_superseded_by_a_later_one_before_it_goes_out(self, patient: Patient) -> None:
        visit = book(patient)

        move(visit, AFTERNOON + HOUR)
        services.cancel_appointment(appointment_id=visit.pk, now=NIGHT, **BY_STAFF)

        assert notices() == [
            ("confirmation", "dropped", MORNING),
            ("rescheduled", "dropped", MORNING),
            ("cancellation", "pending", MORNING),
        ]

    def test_is_a_mail_that_is_held_by_nothing(self, patient: Patient) -> None:
        Patient.objects.filter(pk=patient.pk).update(message_channel="email")
        make_consent(patient=patient, channel="email")

        book(patient)

        assert notices() == [("confirmation", "pending", NIGHT)]


class TestATextAboutASeriesAtNight:
    def test_stays_when_only_its_first_visit_changes(self, patient: Patient) -> None:
        first = self.book(patient)

        services.cancel_appointment(appointment_id=first.pk, now=NIGHT, **BY_STAFF)

        assert notices() == [
            ("series_booked", "pending", MORNING),
            ("cancellation", "pending", MORNING),
        ]
        told = Message.objects.select_related("appointment", "patient").get(kind="series_booked")
        assert still_wanted(told, MORNING) == ""

    def test_goes_with_the_whole_series(self, patient: Patient) -> None:
        first = self.book(patient)

        services.cancel_series(appointment_id=first.pk, scope="all", now=NIGHT, **BY_STAFF)

        assert notices() == [
            ("series_booked", "dropped", MORNING),
            ("series_cancelled", "pending", MORNING),
        ]

    def book(self, patient: Patient) -> Appointment:
        """Book a visit a week, three of them, and return the first."""
        made = services.book_series(
            patient_id=patient.pk,
            nurse_id=make_nurse().pk,
            visit_type=make_visit_type().code,
            pattern=Pattern(first_date=date(2026, 3, 9), start_time=time(14), count=3),
            now=NIGHT,
            **BY_STAFF,
        )
        return made.appointments[0]
