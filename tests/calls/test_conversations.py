"""
The test conversations of voice-conversation, section 12, as whole calls through the public doors.

BK1, BK2, BK4, BK5, BK7, BK8, BK9, BK11, NP1, ID1, ID2, ID3, ID6, CH1, CH2, CH3, CH5, SF6, SF9, SF10, LN3, LN4, LN10.
"""

import pytest

from tests.calls.virtual_clock import run
from tests.voice.protocol.schema import check_client_event
from voice import conversations
from voice.standin.scenario_files import scenarios
from voice.standin.timeline import transcript

REQUIRED = [
    "BK1",
    "BK2",
    "BK4",
    "BK5",
    "BK7",
    "BK8",
    "BK9",
    "BK11",
    "NP1",
    "ID1",
    "ID2",
    "ID3",
    "ID6",
    "CH1",
    "CH2",
    "CH3",
    "CH5",
    "SF6",
    "SF9",
    "SF10",
    "LN3",
    "LN4",
    "LN10",
]


class TestConversations:
    def test_has_a_script_for_each_one_that_is_required(self) -> None:
        assert {each.id for each in scenarios().values() if not each.demo} == set(REQUIRED)

    @pytest.mark.parametrize("name", REQUIRED)
    @pytest.mark.usefixtures("clinic")
    def test_goes_as_expected_from_ring_to_hang_up(self, name: str) -> None:
        held = conversations.converse(scenarios()[name], runner=run)

        assert not held.wrong, "\n".join([*transcript(held.lines), "", *held.wrong])
        assert held.sent
        for event in held.sent:
            check_client_event(event)

    @pytest.mark.usefixtures("clinic")
    def test_plays_the_demo_in_any_week(self) -> None:
        held = conversations.converse(scenarios()["book_visit"], runner=run)

        assert held.record.ended_by == "application"
        assert held.call is not None
        assert held.call.outcome == "booked"
        assert held.call.appointments.count() == 1
