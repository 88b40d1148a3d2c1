"""What other systems are told: every event of the list, in ids, and nothing of a person (S53, S67)."""

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest

from scheduling import services
from scheduling.clock import real_now
from scheduling.models import AppointmentChange, Patient, WebhookDelivery
from scheduling.services import webhooks
from scheduling.webhooks.events import EVENT_TYPES
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_consent,
    make_nurse,
    make_patient,
    make_visit_type,
)
from tests.scheduling.waiting import make_entry, offer_of

pytestmark = pytest.mark.django_db
BY: dict[str, Any] = {"source": "voice", "actor": "call:1"}
BY_STAFF: dict[str, Any] = {"source": "dashboard", "actor": "user:1"}
HALF_HOUR = timedelta(minutes=30)
CANARIES = {
    "first_name": "Zephyrine",
    "last_name": "Quackenbush",
    "email": "zephyrine.quack@canary.example",
    "phone": "+12025550177",
    "reference_number": "QREF7731",
    "date_of_birth": date(1931, 7, 23),
}
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def make_canary() -> Patient:
    """Store a patient whose every value occurs nowhere else."""
    patient = make_patient(**CANARIES)
    make_consent(patient=patient)
    return patient


@pytest.fixture(autouse=True)
def endpoint() -> None:
    webhooks.create_endpoint(url="https://other.example/hook", events=[], now=real_now())


def bodies() -> list[dict[str, Any]]:
    rows = WebhookDelivery.objects.order_by("sequence").values_list("body", flat=True)
    return [json.loads(body) for body in rows]


def live_through_everything() -> None:
    """Let a patient do and be done to all that other systems are told of."""
    patient, nurse = make_canary(), make_nurse(first_name="Wolfgangina")
    make_visit_type()
    visit = services.book_appointment(
        patient_id=patient.pk, nurse_id=nurse.pk, start=TOMORROW_NINE, visit_type="routine", now=NOW, **BY
    )  # fmt: skip
    later = TOMORROW_NINE + 2 * HALF_HOUR
    services.reschedule_appointment(
        appointment_id=visit.pk, nurse_id=nurse.pk, start=later, now=NOW, **BY
    )
    services.confirm_attendance(appointment_id=visit.pk, now=NOW, **BY)
    services.arrive(appointment_id=visit.pk, now=later, **BY_STAFF)
    services.fulfil(appointment_id=visit.pk, now=later + HALF_HOUR, **BY_STAFF)
    missed = make_appointment(nurse=nurse, patient=patient, start=later + HALF_HOUR)
    services.record_no_show(appointment_id=missed.pk, now=missed.end, **BY_STAFF)
    entry = make_entry(patient=patient)
    freed = make_appointment(nurse=nurse, start=later + 4 * HALF_HOUR)
    services.cancel_appointment(
        appointment_id=freed.pk, now=NOW, reason_text="canarywords", **BY_STAFF
    )
    services.offer_freed_times(now=NOW)
    services.accept_offer(offer_id=offer_of(entry).pk, now=NOW, source="sms", actor="text")


class TestTheEvents:
    def test_of_visits_and_waitlist_are_all_written(self) -> None:
        live_through_everything()

        expected = {name for name in EVENT_TYPES if not name.startswith("call.")}
        assert {body["type"] for body in bodies()} == expected

    def test_know_every_change_of_a_visit_but_a_mistake(self) -> None:
        kinds = {f"appointment.{kind}" for kind in AppointmentChange.Kind.values}

        assert kinds - set(EVENT_TYPES) == {"appointment.entered-in-error"}


class TestABody:
    def test_s53_holds_ids_and_nothing_of_a_person(self) -> None:
        live_through_everything()

        for body in bodies():
            assert body.keys() == {"type", "timestamp", "data"}
            assert isinstance(body["data"].pop("sequence"), int)
            assert all(re.fullmatch(UUID, value) for value in body["data"].values()), body
        text = "\n".join(WebhookDelivery.objects.values_list("body", flat=True)).lower()
        words = [*map(str, CANARIES.values()), "wolfgangina", "canarywords", "2025550177", "quack"]
        assert [word for word in words if word.lower() in text] == []

    def test_begins_with_type_and_time_of_the_event(self) -> None:
        make_visit_type()
        services.book_appointment(
            patient_id=make_canary().pk, nurse_id=make_nurse().pk, start=TOMORROW_NINE,
            visit_type="routine", now=NOW, **BY,
        )  # fmt: skip

        text = WebhookDelivery.objects.get().body

        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
        form = rf'\{{"type":"appointment\.booked","timestamp":"{stamp}","data":\{{"id":"{UUID}","sequence":\d+,'
        assert re.match(form, text)
