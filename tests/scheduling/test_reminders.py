"""Reminders: planned with the booking, moved and dropped with the visit, fitted to the patient's choices."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from scheduling import services
from scheduling.models import Message, Patient, Source
from scheduling.services.reminders import replan_reminders
from tests.factories import NOW, local, make_consent, make_patient, make_user
from tests.scheduling.test_outbox import NEXT_WEEK, book, cancel, move, patient_who_agreed

pytestmark = pytest.mark.django_db


def plan(**which: Any) -> dict[str, datetime]:
    """Return when which pending reminder is due."""
    rows = Message.objects.filter(kind__startswith="reminder", status="pending", **which)
    return dict(rows.values_list("kind", "due_at"))


def text_said(patient: Patient, word: str, now: datetime = NOW) -> None:
    services.record_consent(
        channel="sms",
        purpose="appointments",
        granted=word == "START",
        wording=word,
        source=Source.SMS,
        phone=patient.phone,
        now=now,
    )


def change(patient: Patient, **fields: Any) -> None:
    """Change the record as a page does."""
    Patient.objects.filter(pk=patient.pk).update(**fields)
    replan_reminders(patient_id=patient.pk, now=NOW)


class TestPlan:
    def test_has_both_reminders(self) -> None:
        visit = book(patient_who_agreed())

        assert plan() == {
            "reminder_48h": NEXT_WEEK - timedelta(hours=48),
            "reminder_2h": NEXT_WEEK - timedelta(hours=2),
        }
        reminders = Message.objects.filter(kind__startswith="reminder")
        assert {row.expires_at for row in reminders} == {visit.start - timedelta(hours=1)}
        assert {row.appointment_sequence for row in reminders} == {0}

    def test_has_the_chosen_ones_only(self) -> None:
        book(patient_who_agreed(remind_48h=False))

        assert set(plan()) == {"reminder_2h"}

    def test_leaves_out_what_is_past_at_the_booking(self) -> None:
        book(patient_who_agreed(), start=local(2026, 3, 6, 14))

        assert set(plan()) == {"reminder_2h"}

    def test_keeps_the_patients_night(self) -> None:
        """The visit is at 09:00 in New York, 08:00 in Chicago, where the patient lives."""
        book(patient_who_agreed(time_zone="America/Chicago"), start=local(2026, 3, 12, 9))

        assert plan()["reminder_2h"] == local(2026, 3, 11, 21, 30)  # 20:30 in Chicago

    def test_is_empty_without_consent(self) -> None:
        book(make_patient())

        assert plan() == {}

    def test_follows_a_move(self) -> None:
        visit = book(patient_who_agreed())

        move(visit, start=NEXT_WEEK + timedelta(hours=1))

        assert plan() == plan(appointment_sequence=1)
        assert plan()["reminder_48h"] == NEXT_WEEK - timedelta(hours=47)

    def test_ends_with_a_cancellation(self) -> None:
        visit = book(patient_who_agreed())

        cancel(visit)

        assert plan() == {}


class TestReplan:
    def test_drops_all_after_a_stop_and_brings_them_back_after_a_start(self) -> None:
        patient = patient_who_agreed()
        book(patient)
        before = plan()

        text_said(patient, "STOP")
        stopped = plan()
        text_said(patient, "START", NOW + timedelta(minutes=1))

        assert stopped == {}
        assert plan() == before
        assert Message.objects.filter(kind__startswith="reminder").count() == 2

    def test_makes_reminders_for_visits_booked_before_the_consent(self) -> None:
        patient = make_patient()
        book(patient)

        text_said(patient, "START")

        assert set(plan()) == {"reminder_48h", "reminder_2h"}

    def test_turns_to_mail_where_only_that_is_left(self) -> None:
        patient = patient_who_agreed("sms", "email")
        book(patient)

        text_said(patient, "STOP")

        assert set(plan(channel="email")) == {"reminder_48h", "reminder_2h"}
        assert plan(channel="sms") == {}

    def test_follows_a_new_number_and_language(self) -> None:
        patient = patient_who_agreed()
        book(patient)

        change(patient, phone="+12025550177", preferred_language="es")

        assert set(plan(to="+12025550177", language="es")) == {"reminder_48h", "reminder_2h"}
        assert plan() == plan(to="+12025550177")

    def test_rewrites_what_waits_in_place(self) -> None:
        patient = patient_who_agreed()
        book(patient)

        change(patient, time_zone="Europe/Berlin", remind_48h=False)

        assert set(plan()) == {"reminder_2h"}
        assert "7:00 PM CET" in Message.objects.get(kind="reminder_2h").body

    @pytest.mark.parametrize("status", ["sending", "sent", "delivered", "unresolved"])
    def test_reminds_nobody_twice(self, status: str) -> None:
        patient = patient_who_agreed("sms", "email")
        book(patient)
        Message.objects.filter(kind="reminder_48h").update(status=status)

        change(patient, message_channel="email")

        assert set(plan()) == {"reminder_2h"}
        assert Message.objects.get(kind="reminder_48h").status == status

    def test_leaves_other_patients_alone(self) -> None:
        other = patient_who_agreed()
        book(other)
        patient = patient_who_agreed(phone="+12025550177")

        text_said(patient, "STOP")

        assert set(plan(patient=other)) == {"reminder_48h", "reminder_2h"}

    def test_of_a_number_that_two_share_concerns_both(self) -> None:
        mother = patient_who_agreed(phone="+12025550177")
        child = patient_who_agreed(phone="+12025550177")
        make_consent(patient=child)
        book(mother)
        book(child)

        text_said(mother, "STOP")

        assert plan() == {}


class TestAdmin:
    @pytest.fixture
    def staff(self, client: Client, settings: Any) -> Client:
        settings.CAREMATIX_NOW = NOW
        client.force_login(make_user(role="admin", is_staff=True, is_superuser=True))
        return client

    def test_lets_reminders_follow_the_record(self, staff: Client) -> None:
        patient = patient_who_agreed()
        book(patient)
        address = reverse("admin:scheduling_patient_change", args=[patient.pk])
        page = staff.get(address).context
        forms = [
            page["adminform"].form,
            *(one.formset.management_form for one in page["inline_admin_formsets"]),
        ]
        sent = {field.html_name: field.value() for form in forms for field in form}
        filled = {name: value for name, value in sent.items() if value is not None}

        response = staff.post(address, filled | {"phone": "+12025550177"})

        assert response.status_code == 302
        assert set(plan(to="+12025550177")) == {"reminder_48h", "reminder_2h"}
        assert plan(to=patient.phone) == {}

    def test_lets_reminders_follow_an_answer(self, staff: Client) -> None:
        patient = patient_who_agreed()
        book(patient)

        response = staff.post(
            reverse("admin:scheduling_consent_add"),
            {
                "patient": patient.pk,
                "channel": "sms",
                "purpose": "appointments",
                "wording": "No more texts, she said.",
                "source": "dashboard",
                "recorded_at_0": "2026-03-05",
                "recorded_at_1": "10:00",
            },
        )

        assert response.status_code == 302
        assert plan() == {}
