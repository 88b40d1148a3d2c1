"""Every state that can be stored has words and an icon."""

import pytest

from dashboard import labels
from scheduling.models import Appointment, Source
from voice.models import CallLog


class TestLabels:
    def test_cover_every_status_of_a_call(self) -> None:
        assert set(labels.CALL_STATUS) == set(CallLog.Status)

    def test_cover_every_outcome_of_a_call(self) -> None:
        assert set(labels.OUTCOME) == set(CallLog.Outcome)

    def test_cover_every_status_of_a_visit(self) -> None:
        assert set(labels.APPOINTMENT_STATUS) == set(Appointment.Status)

    def test_cover_every_source_of_a_visit(self) -> None:
        assert set(labels.SOURCE) == set(Source)

    @pytest.mark.parametrize("status", ["ringing", "in_progress"])
    def test_a_call_that_goes_on_has_led_to_nothing_yet(self, status: str) -> None:
        assert labels.call_outcome(CallLog(status=status)) is labels.STILL_TALKING

    def test_a_call_that_ended_without_outcome_says_none(self) -> None:
        assert labels.call_outcome(CallLog(status="completed")) is labels.NO_OUTCOME

    def test_an_unknown_tool_keeps_its_name(self) -> None:
        assert labels.tool("make_coffee").words == "Make coffee"

    def test_an_unknown_reason_keeps_its_words(self) -> None:
        assert labels.ended_by("line_cut") == "Line cut"
        assert labels.ended_by("") == "Not recorded"
