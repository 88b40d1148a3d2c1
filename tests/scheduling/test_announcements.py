"""What booking, moving and cancelling tell people and other systems (scheduling reference, section 13)."""

import pytest

from scheduling import services
from scheduling.exceptions import SlotTaken
from scheduling.models import AppointmentChange, Message, Source, WebhookDelivery, WebhookEndpoint
from tests.factories import NOW, make_appointment, make_consent, make_patient
from tests.scheduling.visits import HALF_HOUR, book, move

pytestmark = pytest.mark.django_db


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
