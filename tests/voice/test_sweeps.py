"""Calls whose end nobody reported are closed (R5, R6)."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent
from tests.services import free_port
from tests.twilio_rest import TwilioRest
from voice.models import CallLog
from voice.services import advance_status
from voice.sweeps import close_lost_calls

NOW = timezone.now()
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def make_call(**fields: Any) -> CallLog:
    """Store a live call whose stream is open."""
    defaults: dict[str, Any] = {
        "call_sid": f"CA{uuid.uuid4().hex}",
        "account_sid": "AC0",
        "status": CallLog.Status.IN_PROGRESS,
        "started_at": NOW - HOUR,
        "heartbeat_at": NOW,
    }
    return CallLog.objects.create(**defaults | fields)


@pytest.fixture(autouse=True)
def carrier(settings: Settings) -> Iterator[TwilioRest]:
    """Stand in for Twilio, which knows of no call unless a test says so."""
    with TwilioRest() as rest:
        settings.TWILIO_API_BASE_URL = rest.url
        yield rest


@pytest.mark.django_db
class TestCloseLostCalls:
    def test_closes_a_call_whose_process_died(self) -> None:
        call = make_call(heartbeat_at=NOW - 46 * SECOND)

        assert [close_lost_calls(now=NOW) for _ in range(2)] == [1, 0]

        call.refresh_from_db()
        assert (call.status, call.ended_reason, call.outcome) == ("failed", "orphaned", "failed")
        assert call.ended_at == NOW
        assert AuditEvent.objects.filter(action="call.ended", reason="orphaned").count() == 1

    def test_leaves_a_living_call_alone(self) -> None:
        make_call(heartbeat_at=NOW - 44 * SECOND)

        assert close_lost_calls(now=NOW) == 0

    def test_leaves_a_call_alone_that_staff_took_over(self) -> None:
        make_call(heartbeat_at=NOW - HOUR, ended_at=NOW - HOUR, ended_reason="transfer")

        assert close_lost_calls(now=NOW) == 0

    def test_closes_a_call_whose_last_report_got_lost(self) -> None:
        call = make_call(ended_at=NOW - 5 * HOUR, ended_reason="ended")

        close_lost_calls(now=NOW)

        call.refresh_from_db()
        assert (call.status, call.ended_reason) == ("completed", "ended")
        assert call.ended_at == NOW - 5 * HOUR

    def test_closes_a_call_whose_stream_never_opened(self) -> None:
        call = make_call(status="ringing", heartbeat_at=None, created_at=NOW - HOUR)

        close_lost_calls(now=NOW)

        call.refresh_from_db()
        assert (call.status, call.ended_reason) == ("failed", "never_opened")

    def test_believes_the_carrier_about_how_a_call_ended(self, carrier: TwilioRest) -> None:
        call = make_call(heartbeat_at=NOW - HOUR)
        carrier.calls[call.call_sid] = "no-answer"

        close_lost_calls(now=NOW)

        call.refresh_from_db()
        assert (call.status, call.ended_reason) == ("no_answer", "orphaned")

    def test_leaves_the_state_to_a_carrier_that_still_holds_the_call(
        self, carrier: TwilioRest
    ) -> None:
        call = make_call(heartbeat_at=NOW - HOUR)
        carrier.calls[call.call_sid] = "in-progress"

        assert [close_lost_calls(now=NOW) for _ in range(2)] == [1, 0]

        call.refresh_from_db()
        assert (call.status, call.ended_reason) == ("in_progress", "orphaned")

    def test_never_ends_a_call_that_the_carrier_holds_for_staff(self, carrier: TwilioRest) -> None:
        call = make_call(ended_at=NOW - 5 * HOUR, ended_reason="transfer")
        carrier.calls[call.call_sid] = "in-progress"

        assert close_lost_calls(now=NOW) == 0

    def test_does_not_wait_for_a_carrier_that_cannot_be_reached(self, settings: Settings) -> None:
        settings.TWILIO_API_BASE_URL = f"http://127.0.0.1:{free_port()}"
        call = make_call(heartbeat_at=NOW - HOUR)

        close_lost_calls(now=NOW)

        call.refresh_from_db()
        assert call.status == "failed"

    def test_takes_a_late_report_only_for_the_duration(self) -> None:
        call = make_call(heartbeat_at=NOW - HOUR)
        close_lost_calls(now=NOW)

        advance_status(
            call_sid=call.call_sid, account_sid="AC0", status="completed", sequence_number=3,
            duration_s=61, now=NOW,
        )  # fmt: skip

        call.refresh_from_db()
        assert (call.status, call.duration_s) == ("failed", 61)
