"""What a call led to (voice-conversation, section 1)."""

import pytest

from voice.models import CallLog
from voice.outcomes import PRECEDENCE, CallFacts, outcome


class TestOutcome:
    def test_knows_the_same_words_as_the_stored_field(self) -> None:
        assert set(PRECEDENCE) == set(CallLog.Outcome.values)

    @pytest.mark.parametrize("word", ["emergency", "crisis"])
    def test_is_the_emergency_whatever_else_happened(self, word: str) -> None:
        assert outcome(CallFacts(facts={"booked", word, "message_taken"})) == word

    def test_is_the_first_in_the_list_that_is_true(self) -> None:
        assert outcome(CallFacts(facts={"info_given", "cancelled", "registered"})) == "cancelled"

    def test_is_not_verified_after_failed_attempts_alone(self) -> None:
        assert outcome(CallFacts(failed_identity=True)) == "not_verified"

    def test_is_the_message_when_one_was_taken_after_failed_attempts(self) -> None:
        assert outcome(CallFacts(facts={"message_taken"}, failed_identity=True)) == "message_taken"

    def test_stays_booked_when_the_caller_hung_up(self) -> None:
        assert outcome(CallFacts(facts={"booked"}, ended_reason="caller_left")) == "booked"

    @pytest.mark.parametrize(
        ("reason", "expected"),
        [
            ("caller_left", "caller_left"),
            ("ended", "caller_left"),
            ("silent", "silent"),
            ("model_lost", "failed"),
            ("media_malformed", "failed"),
        ],
    )
    def test_follows_the_end_when_nothing_was_stored(self, reason: str, expected: str) -> None:
        assert outcome(CallFacts(ended_reason=reason)) == expected
