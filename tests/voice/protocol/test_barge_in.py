"""The caller talks over the assistant (openai-realtime, section 6; twilio.md, section 7)."""

import pytest

from tests.voice.protocol.calls import (
    PhoneCall,
    audio,
    closes,
    function_call,
    of_type,
    rows,
    to_openai,
    to_twilio,
)


def talking(ms: int = 1_000) -> PhoneCall:
    """Return a call in which the assistant's answer of that length has just been sent."""
    call = PhoneCall()
    call.respond("resp_1")
    call.say("item_1", ms, words="I have Tuesday the tenth at nine.")
    call.done("resp_1", items=["item_1"])
    return call


def interrupt(call: PhoneCall) -> list[dict[str, object]]:
    return of_type(
        call.hear("input_audio_buffer.speech_started", item_id="user_1"),
        "conversation.item.truncate",
    )


class TestBargeIn:
    def test_clears_first_and_truncates_at_the_heard_millisecond(self) -> None:
        """LN4."""
        call = talking()
        call.now += 166
        call.mark("0|item_1|166")
        call.now += 130

        commands = call.hear("input_audio_buffer.speech_started", item_id="user_1")

        assert to_twilio(commands[:1])[0]["event"] == "clear"
        truncate = of_type(commands, "conversation.item.truncate")[0]
        assert (truncate["item_id"], truncate["content_index"]) == ("item_1", 0)
        assert truncate["audio_end_ms"] == pytest.approx(296, abs=1)

    def test_sends_nothing_when_all_was_heard(self) -> None:
        call = talking()
        call.play_out()

        commands = call.hear("input_audio_buffer.speech_started", item_id="user_1")

        assert to_twilio(commands) == []
        assert to_openai(commands) == []

    def test_truncates_every_item_that_was_not_heard_oldest_first(self) -> None:
        call = talking()
        call.respond("resp_2")
        call.say("item_2", 400, "resp_2")
        call.now += 100

        truncates = interrupt(call)

        assert [(t["item_id"], t["audio_end_ms"]) for t in truncates] == [
            ("item_1", 100),
            ("item_2", 0),
        ]

    def test_truncates_audio_that_still_waits_to_be_sent(self) -> None:
        call = talking(30_000)

        truncates = interrupt(call)

        assert [(t["item_id"], t["audio_end_ms"]) for t in truncates] == [("item_1", 0)]
        assert to_twilio(call.play_out()) == []

    def test_never_truncates_beyond_what_was_received(self) -> None:
        call = talking(100)
        call.now += 5_000

        truncates = interrupt(call)

        assert all(int(str(t["audio_end_ms"])) <= 100 for t in truncates)

    def test_drops_the_late_audio_of_the_interrupted_response(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.speak("item_1", 400)
        call.hear("input_audio_buffer.speech_started", item_id="user_1")

        assert to_twilio(call.speak("item_1", 200)) == []
        assert to_twilio(call.speak("item_2", 200)) == []

    def test_drops_the_late_audio_of_an_item_whose_response_is_not_named(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.speak("item_1", 400)
        call.hear("input_audio_buffer.speech_started", item_id="user_1")

        commands = call.hear(
            "response.output_audio.delta", item_id="item_1", content_index=0, delta=audio(20)
        )

        assert to_twilio(commands) == []

    def test_drops_the_late_audio_of_a_response_that_was_finished_already(self) -> None:
        call = talking()
        call.now += 166
        call.mark("0|item_1|166")
        row = rows(call.hear("input_audio_buffer.speech_started", item_id="user_1"))["item_1"]

        late = call.speak("item_1", 200)

        assert to_twilio(late) == []
        assert rows(call.stop()).get("item_1", row) == row
        assert (row.interrupted, row.heard_ms) == (True, 166)

    def test_plays_the_next_response(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.speak("item_1", 400)
        call.turn()
        call.done("resp_1", status="cancelled")
        call.respond("resp_2")

        assert to_twilio(call.speak("item_2", 200, "resp_2")) != []

    def test_ignores_the_marks_that_the_clear_gives_back(self) -> None:
        call = talking()
        call.now += 50
        interrupt(call)

        call.mark("0|item_1|999")

        assert rows(call.all)["item_1"].heard_ms == 50

    def test_keeps_what_was_heard_apart_from_what_was_not(self) -> None:
        """LN4."""
        call = talking(1_000)
        call.now += 166
        call.mark("0|item_1|166")
        call.now += 166
        call.mark("0|item_1|333")
        call.now += 150

        interrupt(call)

        row = rows(call.all)["item_1"]
        assert (row.text, row.unheard_text) == ("I have Tuesday", "the tenth at nine.")
        assert row.interrupted
        assert row.heard_ms < row.sent_ms

    def test_tries_a_refused_truncate_once_with_the_length_named(self) -> None:
        call = talking()
        call.now += 100
        event = interrupt(call)[0]
        message = "Audio content of 90ms is already shorter than 100ms"

        again = call.hear("error", error={"event_id": event["event_id"], "message": message})
        second = of_type(again, "conversation.item.truncate")[0]
        third = call.hear("error", error={"event_id": second["event_id"], "message": message})

        assert second["audio_end_ms"] == 90
        assert to_openai(third) == []
        assert closes(call.all) == []

    def test_cancels_the_response_itself_when_the_server_does_not(self) -> None:
        session = {"audio": {"input": {"turn_detection": {"interrupt_response": False}}}}
        call = PhoneCall(session={"type": "realtime", **session})
        call.respond("resp_1")
        call.speak("item_1", 400)

        commands = call.hear("input_audio_buffer.speech_started", item_id="user_1")

        assert of_type(commands, "response.cancel")[0]["response_id"] == "resp_1"

    def test_happens_when_a_key_is_pressed(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.speak("item_1", 400)

        commands = call.press("1")

        assert to_twilio(commands)[0]["event"] == "clear"
        assert [e["type"] for e in to_openai(commands)] == [
            "response.cancel",
            "conversation.item.truncate",
        ]

    def test_does_not_stop_a_tool_of_a_completed_response(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.say("item_1", 400)
        call.done("resp_1", function_call())
        interrupt(call)

        outputs = of_type(call.answer("call_1"), "conversation.item.create")

        assert outputs[0]["item"]["call_id"] == "call_1"


class TestAudioToTheCaller:
    def test_goes_out_in_pieces_of_two_hundred_milliseconds_with_a_mark_after_each(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")

        messages = to_twilio(call.speak("item_1", 1_000))

        pieces = [m["media"]["payload"] for m in messages if m["event"] == "media"]
        assert all(len(piece) <= 2_136 for piece in pieces)
        assert [m["event"] for m in messages[:4]] == ["media", "mark", "media", "mark"]

    def test_passes_small_pieces_as_they_are_and_marks_their_end(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")

        small = [m["event"] for _ in range(3) for m in to_twilio(call.speak("item_1", 20))]
        end = to_twilio(call.hear("response.output_audio.done", item_id="item_1"))

        assert small == ["media"] * 3
        assert [m["mark"]["name"] for m in end] == ["0|item_1|60"]

    def test_keeps_at_most_ten_seconds_at_twilio(self) -> None:
        """S71."""
        call = PhoneCall()
        call.respond("resp_1")

        messages = to_twilio(call.say("item_1", 500)) + [
            m for _ in range(20) for m in to_twilio(call.speak("item_2", 1_000))
        ]
        sent = sum(len(m["media"]["payload"]) * 3 / 4 / 8 for m in messages if "media" in m)

        assert 10_000 <= sent <= 11_000

    def test_sends_the_rest_as_marks_come_back(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        for _ in range(20):
            call.speak("item_1", 1_000)
        call.hear("response.output_audio.done", item_id="item_1")
        call.done("resp_1", items=["item_1"])

        call.play_out()

        assert rows(call.all)["item_1"].heard_ms == 20_000
        assert not rows(call.all)["item_1"].interrupted

    def test_goes_on_when_marks_are_lost(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        for _ in range(12):
            call.speak("item_1", 1_000)

        messages = to_twilio(call.wait(13_000))

        assert [m for m in messages if m["event"] == "media"]

    @pytest.mark.parametrize("delta", ["AA*=", "AAA", 7, None, "A" * 1_400_000])
    def test_is_counted_as_garbage_when_it_is_no_audio(self, delta: object) -> None:
        """F4."""
        call = PhoneCall()
        call.respond("resp_1")

        commands = call.hear("response.output_audio.delta", item_id="item_1", delta=delta)

        assert to_twilio(commands) == []
        assert call.bridge.closed is False
