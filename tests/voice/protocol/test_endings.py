"""Keys, silence, the length of a call, and how it ends."""

from typing import Any

import pytest

from tests.voice.protocol.calls import (
    STREAM,
    PhoneCall,
    audio,
    closes,
    function_call,
    logged,
    of_type,
    rows,
    to_openai,
)
from voice.protocol import twilio
from voice.protocol.commands import Close


def spoken(commands: list[Any]) -> list[str]:
    """Return the lines that the bridge has the model say."""
    return [
        event["item"]["content"][0]["text"]
        for event in of_type(commands, "conversation.item.create")
        if event["item"].get("role") == "system"
    ]


def respond_to_request(call: PhoneCall, ms: int = 400) -> None:
    """Have the model carry out the last request, and Twilio play it."""
    rid = of_type(call.all, "response.create")[-1]["event_id"]
    response_id = f"resp_{rid}"
    call.respond(response_id, rid)
    call.say(f"item_{rid}", ms, response_id)
    call.done(response_id, metadata={"rid": rid})
    call.play_out()


class TestKeys:
    def test_are_passed_on_after_the_hash(self) -> None:
        call = PhoneCall()

        events = to_openai(call.press("12#"))

        assert [event["type"] for event in events] == [
            "conversation.item.create",
            "response.create",
        ]
        assert events[0]["item"]["role"] == "user"
        assert events[0]["item"]["content"][0]["text"] == "[keypad] 1 2"

    def test_are_passed_on_after_two_seconds(self) -> None:
        call = PhoneCall()
        call.press("1")

        assert to_openai(call.wait(1_900)) == []
        assert len(of_type(call.wait(200), "response.create")) == 1

    def test_count_at_most_thirty_two(self) -> None:
        call = PhoneCall()

        events = to_openai(call.press("7" * 40 + "#"))

        assert events[0]["item"]["content"][0]["text"].count("7") == 32

    def test_stand_in_the_transcript(self) -> None:
        row = rows(PhoneCall().press("5#"))["keys_2"]

        assert (row.speaker, row.text) == ("caller", "[keypad] 5")

    def test_wait_for_the_session(self) -> None:
        call = PhoneCall(ready=False)
        assert to_openai(call.press("5#")) == []
        call.hear("session.created")

        assert len(of_type(call.confirm(), "response.create")) == 1


class TestSilence:
    def test_is_asked_about_eight_seconds_after_the_last_word_was_played(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.say("item_1", 4_000)
        call.done("resp_1")
        call.play_out()

        assert spoken(call.wait(7_900)) == []
        assert spoken(call.wait(200)) == ['Say exactly: "Are you still there?"']

    def test_ends_the_call_at_the_third_time(self) -> None:
        call = PhoneCall()
        for _ in range(3):
            call.wait(8_100)
            respond_to_request(call)

        assert len(spoken(call.all)) == 3
        assert closes(call.all) == [Close(1000, "silent", "ended")]

    @pytest.mark.parametrize("prompts", [1, 3])
    def test_is_asked_about_as_often_as_the_clinic_wants(self, prompts: int) -> None:
        call = PhoneCall(silence_prompts=prompts)
        for _ in range(prompts + 1):
            assert closes(call.all) == []
            call.wait(8_100)
            respond_to_request(call)

        assert len(spoken(call.all)) == prompts + 1
        assert closes(call.all) == [Close(1000, "silent", "ended")]

    def test_is_asked_about_in_the_language_that_the_call_has_changed_to(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.done("resp_1", function_call("call_1", name="set_language"))
        call.answer("call_1", session={"type": "realtime"}, language="es")
        respond_to_request(call)

        assert spoken(call.wait(8_100)) == ['Say exactly: "¿Sigue ahí?"']

    def test_is_counted_anew_when_the_caller_speaks(self) -> None:
        call = PhoneCall()
        call.wait(8_100)
        respond_to_request(call)
        call.turn()
        call.respond("resp_1")
        call.done("resp_1")

        assert spoken(call.wait(8_100)) == ['Say exactly: "Are you still there?"']

    @pytest.mark.parametrize("event", ["tool", "speech", "keys", "response"])
    def test_is_not_counted_while_something_goes_on(self, event: str) -> None:
        call = PhoneCall(dtmf_pause_ms=60_000)
        match event:
            case "tool":
                call.respond("resp_1")
                call.done("resp_1", function_call())
            case "speech":
                call.hear("input_audio_buffer.speech_started", item_id="user_1")
            case "keys":
                call.press("1")
            case "response":
                call.respond("resp_1")

        assert spoken(call.wait(15_000)) == []

    def test_is_borne_longer_when_the_caller_asked_us_to_wait(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.done("resp_1", function_call())
        call.answer("call_1", effect="wait")

        assert spoken(call.wait(44_000)) == []
        assert spoken(call.wait(2_000)) == ['Say exactly: "No rush, take your time."']


class TestFarewell:
    def test_that_was_spoken_is_played_to_its_end_and_then_the_stream_closes(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.say("item_1", 1_000)
        call.done("resp_1", function_call(), items=["item_1"])

        commands = call.answer("call_1", effect="end")

        assert of_type(commands, "response.create") == []
        assert closes(commands) == []
        assert closes(call.play_out()) == [Close(1000, "ended", "ended")]

    def test_that_is_missing_is_asked_for_without_tools(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.done("resp_1", function_call())

        create = of_type(call.answer("call_1", effect="transfer"), "response.create")[0]
        respond_to_request(call)

        assert create["response"]["tool_choice"] == "none"
        assert create["response"]["metadata"]["purpose"] == "goodbye"
        assert closes(call.all) == [Close(1000, "transfer", "transfer")]

    def test_does_not_wait_for_marks_that_do_not_come(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.say("item_1", 1_000)
        call.done("resp_1", function_call(), items=["item_1"])
        call.answer("call_1", effect="end")

        assert closes(call.wait(2_900)) == []
        assert closes(call.wait(200)) == [Close(1000, "ended", "ended")]

    @pytest.mark.parametrize(("effect", "ends"), [("end", False), ("transfer", True)])
    def test_is_called_off_by_a_caller_who_speaks_but_for_a_transfer(
        self, effect: Any, ends: bool
    ) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.say("item_1", 1_000)
        call.done("resp_1", function_call(), items=["item_1"])
        call.answer("call_1", effect=effect)

        call.hear("input_audio_buffer.speech_started", item_id="user_1")
        call.wait(5_000)

        assert bool(closes(call.all)) is ends

    def test_is_called_off_when_the_caller_spoke_before_the_tool_had_finished(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.say("item_1", 1_000)
        call.done("resp_1", function_call(), items=["item_1"])
        call.turn()
        call.respond("resp_2")

        call.answer("call_1", effect="end")
        call.wait(3_000)

        assert closes(call.all) == []

    def test_goes_on_when_the_model_is_lost_meanwhile(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.say("item_1", 1_000)
        call.done("resp_1", function_call(), items=["item_1"])
        call.answer("call_1", effect="end")

        assert closes(call.bridge.openai_lost(1006, call.now)) == []
        assert closes(call.play_out()) == [Close(1000, "ended", "ended")]


class TestLengthOfTheCall:
    def test_is_warned_of_a_minute_before_and_then_ended(self) -> None:
        call = PhoneCall(call_limit_ms=70_000, silence_ms=600_000)

        assert spoken(call.wait(9_900)) == []
        warned = call.wait(200)
        respond_to_request(call)
        call.wait(60_000)
        respond_to_request(call)

        assert spoken(warned) == ['Say exactly: "We have about one minute left on this call."']
        assert closes(call.all) == [Close(1000, "call_limit", "ended")]

    def test_ends_even_if_the_model_says_nothing(self) -> None:
        call = PhoneCall(call_limit_ms=61_000, silence_ms=600_000)
        call.wait(1_100)
        respond_to_request(call)

        call.wait(80_000)

        assert len(closes(call.all)) == 1


class TestLostModel:
    @pytest.mark.parametrize(
        ("ready", "code", "reason"),
        [
            (True, 1006, "model_lost"),
            (True, 1001, "model_lost"),
            (True, 3000, "model_unavailable"),
            (False, 1006, "model_unavailable"),
        ],
    )
    def test_ends_the_stream_without_an_intent(self, ready: bool, code: int, reason: str) -> None:
        call = PhoneCall(ready=ready)

        commands = call.bridge.openai_lost(code, call.now)

        assert closes(commands) == [Close(1011, reason)]

    def test_is_what_too_much_garbage_amounts_to(self) -> None:
        """F4."""
        call = PhoneCall()

        closed = [closes(call.bridge.openai_garbage(call.now)) for _ in range(21)]

        assert closed == [[]] * 20 + [[Close(1011, "model_lost")]]


class TestMalformedFrames:
    def test_are_counted_and_the_eleventh_ends_the_call(self) -> None:
        """S70."""
        call = PhoneCall()

        closed = [closes(call.bridge.twilio_malformed("not_json", call.now)) for _ in range(11)]

        assert closed == [[]] * 10 + [[Close(1008, "media_malformed")]]

    @pytest.mark.parametrize(
        "message",
        [
            twilio.Media(audio(20), stream_sid="MZ2"),
            twilio.Mark("0|item_1|200", "MZ2"),
            twilio.Dtmf("1", "MZ2"),
            twilio.Stop("MZ2"),
            twilio.Start(STREAM, "CA1", "AC1"),
        ],
    )
    def test_of_another_stream_or_repeated_are_ignored_and_counted(
        self, message: twilio.Message
    ) -> None:
        """S70."""
        call = PhoneCall()

        commands = call.frame(message)

        assert logged(commands) == ["voice.stream.malformed"]
        assert len(commands) == 1
        assert call.bridge.malformed_frames == 1

    def test_are_those_before_the_start(self) -> None:
        """S70."""
        call = PhoneCall(start=False)

        assert logged(call.media()) == ["voice.stream.malformed"]

    def test_end_the_call_at_once_when_they_are_too_large(self) -> None:
        call = PhoneCall()

        commands = call.bridge.twilio_malformed("too_large", call.now)

        assert closes(commands) == [Close(1009, "frame_too_large")]


class TestFrameRate:
    def test_lets_a_burst_of_three_hundred_through_and_drops_what_is_more(self) -> None:
        call = PhoneCall()

        passed = sum(bool(call.media()) for _ in range(400))

        assert passed == 300

    def test_ends_the_call_after_five_seconds_of_flood(self) -> None:
        call = PhoneCall()
        for _ in range(3_000):
            call.now += 2
            call.media()

        assert closes(call.all) == [Close(1008, "flood")]

    def test_bears_what_twilio_sends(self) -> None:
        call = PhoneCall()
        for _ in range(1_000):
            call.now += 20
            assert call.media() != []
