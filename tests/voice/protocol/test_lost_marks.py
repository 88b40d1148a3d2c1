"""Marks that come late or never hold no speech back, and prove nothing (twilio.md, section 7; S19, S71)."""

import pytest

from tests.voice.protocol.calls import (
    PhoneCall,
    function_call,
    of_type,
    rows,
    to_twilio,
)
from voice.protocol.commands import Command, Spoken
from voice.protocol.playback import LOST_MARK_MS
from voice.protocol.speech import AHEAD_MS

WORDS = "That is Tuesday, March tenth, at nine. Shall I book it?"


def sent_ms(commands: list[Command]) -> float:
    """Return how much audio the commands send to Twilio."""
    return sum(
        len(message["media"]["payload"].rstrip("=")) * 3 // 4 / 8
        for message in to_twilio(commands)
        if message["event"] == "media"
    )


def marks(commands: list[Command]) -> list[str]:
    """Return the names of the marks sent."""
    return [m["mark"]["name"] for m in to_twilio(commands) if m["event"] == "mark"]


def speaking(ms: int, call: PhoneCall | None = None) -> PhoneCall:
    """Return a call whose model has made an item of that length at once."""
    call = call or PhoneCall()
    call.respond("resp_1")
    for _ in range(ms // 1_000):
        call.speak("item_1", 1_000)
    call.speak("item_1", ms % 1_000)
    call.hear("response.output_audio_transcript.done", item_id="item_1", transcript=WORDS)
    call.hear("response.output_audio.done", item_id="item_1", response_id="resp_1")
    call.done("resp_1", items=["item_1"])
    return call


def truncated_at(call: PhoneCall) -> list[int]:
    """Have the caller interrupt; return where items were truncated."""
    commands = call.hear("input_audio_buffer.speech_started", item_id="user_1")
    return [event["audio_end_ms"] for event in of_type(commands, "conversation.item.truncate")]


class TestACarrierWithoutMarks:
    def test_has_an_item_truncated_where_the_clock_is_at_13840_ms(self) -> None:
        call = speaking(20_000)
        call.wait(13_840)

        assert truncated_at(call) == [13_840]
        assert rows(call.all)["item_1"].heard_ms == 13_840

    @pytest.mark.parametrize("tick_ms", [20, 1_000])
    def test_is_sent_sixty_seconds_of_speech_as_fast_as_it_plays(self, tick_ms: int) -> None:
        call = speaking(60_000)

        for elapsed in range(tick_ms, 60_001, tick_ms):
            call.wait(tick_ms)
            assert sent_ms(call.all) >= min(60_000, elapsed + AHEAD_MS) - 1
            assert sent_ms(call.all) <= elapsed + AHEAD_MS + 1_000

    def test_has_the_whole_item_recorded_as_heard(self) -> None:
        call = speaking(3_000)

        call.wait(3_000 + LOST_MARK_MS)

        row = rows(call.all)["item_1"]
        assert (row.heard_ms, row.interrupted, row.text) == (3_000, False, WORDS)

    def test_never_proves_a_read_back(self) -> None:
        """S19."""
        call = PhoneCall()
        call.respond("resp_0")
        call.done("resp_0", function_call("call_1"))
        call.answer("call_1")
        speaking(3_000, call)

        call.wait(30_000)

        assert call.bridge.evidence().after["call_1"][0] == Spoken(WORDS, whole=False)

    def test_does_not_leave_later_items_open(self) -> None:
        call = speaking(1_000)
        call.wait(1_500)
        call.respond("resp_2")
        later = call.say("item_2", 400, "resp_2")
        call.done("resp_2", items=["item_2"])

        call.now += 400
        call.mark(marks(later)[-1])

        assert rows(call.all)["item_1"].heard_ms == 1_000
        assert rows(call.all)["item_2"].heard_ms == 400

    def test_lets_the_answer_follow_a_recorded_greeting(self) -> None:
        call = PhoneCall(greeting_text="Hello.", greeting_audio=b"\x7f" * 8_000)
        call.respond("resp_1")
        call.say("item_1", 400)

        assert sent_ms(call.wait(999 + LOST_MARK_MS)) == 0
        assert sent_ms(call.wait(1)) == 400

    def test_has_silence_counted_from_the_last_word_that_played(self) -> None:
        call = speaking(4_000)

        assert of_type(call.wait(4_000 + 7_900), "response.create") == []
        assert len(of_type(call.wait(200), "response.create")) == 1

    def test_has_the_record_cut_where_the_clock_was_when_the_caller_hung_up(self) -> None:
        call = speaking(4_000)
        call.wait(1_000)

        row = rows(call.stop())["item_1"]

        assert (row.heard_ms, row.interrupted) == (1_000, True)


class TestACarrierWithLateMarks:
    def test_has_an_item_truncated_where_the_clock_is(self) -> None:
        call = speaking(20_000)
        names = marks(call.all)

        for name in names[:30]:
            played_ms = int(name.rsplit("|", 1)[1])
            call.wait(max(0, 1_000 + played_ms + 500 - call.now))
            call.mark(name)

        elapsed = int(call.now - 1_000)
        assert elapsed > 5_000
        assert truncated_at(call) == [elapsed]

    def test_proves_a_read_back_when_the_marks_come_after_a_stall(self) -> None:
        """S19."""
        call = PhoneCall()
        call.respond("resp_0")
        call.done("resp_0", function_call("call_1"))
        call.answer("call_1")
        speaking(3_000, call)
        call.wait(9_000)

        call.play_out()

        assert call.bridge.evidence().after["call_1"][0] == Spoken(WORDS, whole=True)

    def test_is_sent_no_more_than_it_can_hold_after_a_stall(self) -> None:
        call = speaking(30_000)
        first = marks(call.all)[0]
        call.wait(5_000)

        call.mark(first)

        assert sent_ms(call.wait(4_000)) == 0

    def test_is_cleared_when_the_caller_speaks_although_the_clock_says_all_was_played(self) -> None:
        call = speaking(1_000)
        call.wait(1_000 + LOST_MARK_MS)

        commands = call.hear("input_audio_buffer.speech_started", item_id="user_1")

        assert [message["event"] for message in to_twilio(commands)] == ["clear"]
        assert of_type(commands, "conversation.item.truncate") == []

    def test_counts_no_mark_that_the_clear_gave_back(self) -> None:
        """S19."""
        call = PhoneCall()
        call.respond("resp_0")
        call.done("resp_0", function_call("call_1"))
        call.answer("call_1")
        speaking(3_000, call)
        call.now += 2_900
        call.hear("input_audio_buffer.speech_started", item_id="user_1")

        call.play_out()

        assert call.bridge.evidence().after["call_1"][0] == Spoken(WORDS, whole=False)
