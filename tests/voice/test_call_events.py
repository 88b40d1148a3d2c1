"""What other systems are told of calls (scheduling reference, section 15)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from scheduling.models import WebhookDelivery
from scheduling.services.webhooks import create_endpoint
from tests.factories import make_patient
from tests.voice.test_capacity import fields, is_let_in, open_stream
from tests.voice.twilio_requests import post
from voice.models import CallLog
from voice.sweeps import close_lost_calls

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def endpoint() -> None:
    create_endpoint(url="https://other.example/hook", events=[], now=timezone.now())


def report(number: int, status: str, sequence: int) -> None:
    """Let Twilio report the state of the call of that number."""
    post("/twilio/voice/status", fields(number, CallStatus=status, SequenceNumber=str(sequence)))


def told() -> list[tuple[str, dict[str, Any]]]:
    rows = WebhookDelivery.objects.order_by("sequence").values_list("body", flat=True)
    return [(body["type"], body["data"]) for body in map(json.loads, rows)]


def types() -> list[str]:
    return [event_type for event_type, _ in told()]


class TestACall:
    def test_is_told_of_when_it_starts_and_once_when_it_ends(self) -> None:
        is_let_in(1)
        call = open_stream(1)
        report(1, "completed", 4)
        report(1, "completed", 4)
        report(1, "failed", 5)

        assert types() == ["call.started", "call.completed"]
        assert {data["id"] for _, data in told()} == {str(call.pk)}

    def test_is_told_of_by_ids_alone(self) -> None:
        is_let_in(1)
        call = open_stream(1)
        patient = make_patient()
        CallLog.objects.filter(pk=call.pk).update(patient=patient)
        report(1, "completed", 4)

        _, data = told()[-1]
        assert data.keys() == {"id", "sequence", "patient"}
        assert data["patient"] == str(patient.pk)

    @pytest.mark.parametrize(
        ("status", "event_type"),
        [
            ("busy", "call.busy"),
            ("failed", "call.failed"),
            ("no-answer", "call.no_answer"),
            ("canceled", "call.canceled"),
        ],
    )
    def test_that_came_to_nothing_is_told_of_as_what_it_was(
        self, status: str, event_type: str
    ) -> None:
        is_let_in(1)
        report(1, status, 2)

        assert types() == [event_type]

    def test_that_found_the_lines_full_is_told_of(self, settings: Settings) -> None:
        settings.MAX_CONCURRENT_CALLS = 1
        is_let_in(1)
        is_let_in(2)
        report(2, "completed", 3)

        assert types() == ["call.overflow"]

    def test_whose_process_died_is_told_of_when_it_is_closed(self) -> None:
        is_let_in(1)
        open_stream(1)
        later = timezone.now() + timedelta(hours=1)

        close_lost_calls(now=later)
        report(1, "completed", 4)

        assert types() == ["call.started", "call.failed"]
