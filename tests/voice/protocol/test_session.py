"""How a call begins: the session, the greeting, and the audio that waits for both."""

from typing import Any

import pytest

from tests.voice.protocol.calls import (
    SESSION,
    STREAM,
    PhoneCall,
    audio,
    closes,
    of_type,
    rows,
    to_openai,
    to_twilio,
)
from voice.protocol import twilio
from voice.protocol.commands import Close, RecordLatency

GREETING = "Riverside Clinic, how can I help?"


class TestSession:
    def test_is_configured_only_after_it_was_created(self) -> None:
        call = PhoneCall(ready=False)

        assert to_openai(call.bridge.openai_opened(call.now)) == []
        update = of_type(call.hear("session.created", session={}), "session.update")
        assert update[0]["session"] == SESSION

    def test_is_configured_once(self) -> None:
        call = PhoneCall(ready=False)
        call.hear("session.created")

        assert to_openai(call.hear("session.created")) == []

    @pytest.mark.parametrize(
        ("input_format", "output_format"),
        [
            ({"type": "audio/pcm", "rate": 24000}, {"type": "audio/pcmu"}),
            ({"type": "audio/pcmu"}, {"type": "audio/pcm", "rate": 24000}),
            (None, None),
        ],
    )
    def test_is_refused_unless_both_formats_are_confirmed(
        self, input_format: Any, output_format: Any
    ) -> None:
        call = PhoneCall(ready=False)
        call.hear("session.created")

        commands = call.confirm(input_format, output_format)

        assert closes(commands) == [Close(1011, "session_rejected")]

    def test_is_refused_when_the_server_refuses_our_update(self) -> None:
        call = PhoneCall(ready=False)
        update = of_type(call.hear("session.created"), "session.update")[0]

        commands = call.hear(
            "error", error={"code": "unknown_parameter", "event_id": update["event_id"]}
        )

        assert closes(commands) == [Close(1011, "session_rejected")]

    def test_that_cannot_be_had_lets_the_greeting_be_heard_to_its_end(self) -> None:
        call = PhoneCall(ready=False, greeting_text=GREETING, greeting_audio=bytes(12_000 * 8))

        early = [*call.bridge.openai_lost(1006, call.now), *call.wait(11_000)]
        late = call.wait(4_000)

        assert closes(early) == []
        assert [(close.reason, close.intent) for close in closes(late)] == [
            ("model_unavailable", "")
        ]

    def test_that_is_not_ready_in_time_lets_the_greeting_be_heard_to_its_end(self) -> None:
        call = PhoneCall(ready=False, greeting_text=GREETING, greeting_audio=bytes(12_000 * 8))

        early = call.wait(11_000)
        late = call.wait(4_000)

        assert closes(early) == []
        assert [close.reason for close in closes(late)] == ["model_unavailable"]

    def test_counts_as_unavailable_when_it_is_not_ready_in_time(self) -> None:
        call = PhoneCall(ready=False)

        assert closes(call.wait(8_001)) == [Close(1011, "model_unavailable")]

    def test_is_ended_when_a_later_update_changes_the_format(self) -> None:
        call = PhoneCall()

        commands = call.confirm({"type": "audio/pcm", "rate": 24000})

        assert closes(commands) == [Close(1011, "session_rejected")]

    @pytest.mark.parametrize("code", ["invalid_api_key", "insufficient_quota", "model_not_found"])
    def test_counts_as_unavailable_on_a_fatal_error(self, code: str) -> None:
        call = PhoneCall()

        commands = call.hear("error", error={"code": code, "message": "no"})

        assert closes(commands) == [Close(1011, "model_unavailable")]

    def test_survives_every_other_error(self) -> None:
        call = PhoneCall()

        commands = call.hear("error", error={"code": "invalid_value", "message": "no"})

        assert closes(commands) == []


class TestCallersAudio:
    def test_is_held_until_the_session_is_confirmed(self) -> None:
        call = PhoneCall(ready=False)
        call.hear("session.created")

        assert call.media() == []
        assert len(of_type(call.confirm(), "input_audio_buffer.append")) == 1

    def test_is_held_for_two_seconds_at_most_and_the_newest_stays(self) -> None:
        """S71."""
        call = PhoneCall(ready=False)
        call.hear("session.created")
        first = audio(20)
        for _ in range(100):
            call.media()
        call.frame(twilio.Media(audio(40), stream_sid=STREAM))

        held = [event["audio"] for event in of_type(call.confirm(), "input_audio_buffer.append")]

        assert held == [first] * 98 + [audio(40)]

    def test_is_passed_on_unchanged(self) -> None:
        call = PhoneCall()

        assert to_openai(call.media()) == [
            {"type": "input_audio_buffer.append", "audio": audio(20)}
        ]


class TestRecordedGreeting:
    def test_is_sent_at_once_in_pieces_with_marks(self) -> None:
        call = PhoneCall(
            ready=False, start=False, greeting_text=GREETING, greeting_audio=b"\x7f" * 4_000
        )

        commands = call.bridge.start(twilio.Start(STREAM, "CA1", "AC1"), call.now)

        messages = to_twilio(commands)
        assert [m["event"] for m in messages] == ["media", "mark"] * 3
        assert [m["mark"]["name"] for m in messages if m["event"] == "mark"] == [
            "0|greeting|199",
            "0|greeting|399",
            "0|greeting|500",
        ]
        assert RecordLatency("greeting", 0) in commands

    def test_is_told_to_the_model_before_the_caller_is_heard(self) -> None:
        call = PhoneCall(ready=False, greeting_text=GREETING, greeting_audio=b"\x7f" * 4_000)
        call.media()
        call.hear("session.created")

        events = to_openai(call.confirm())

        assert events[0]["item"]["role"] == "assistant"
        assert events[0]["item"]["content"] == [{"type": "output_text", "text": GREETING}]
        assert events[1]["type"] == "input_audio_buffer.append"
        assert not [event for event in events if event["type"] == "response.create"]

    def test_is_not_interrupted_by_speech(self) -> None:
        call = PhoneCall(greeting_text=GREETING, greeting_audio=b"\x7f" * 4_000)

        commands = call.hear("input_audio_buffer.speech_started", item_id="user_1")

        assert to_twilio(commands) == []
        assert of_type(commands, "conversation.item.truncate") == []

    def test_ends_when_a_key_is_pressed(self) -> None:
        call = PhoneCall(greeting_text=GREETING, greeting_audio=b"\x7f" * 4_000)
        call.now += 100

        commands = call.press("2")

        assert [m["event"] for m in to_twilio(commands)] == ["clear"]
        assert of_type(commands, "conversation.item.truncate") == []
        assert rows(commands)["greeting"].heard_ms == 100

    def test_is_not_overtaken_by_an_answer(self) -> None:
        call = PhoneCall(greeting_text=GREETING, greeting_audio=b"\x7f" * 4_000)
        call.respond("resp_1")

        assert to_twilio(call.say("item_1", 200)) == []
        assert [m["event"] for m in to_twilio(call.play_out())] == ["media", "mark"]

    def test_is_stored_when_it_was_heard(self) -> None:
        call = PhoneCall(greeting_text=GREETING, greeting_audio=b"\x7f" * 4_000)

        row = rows(call.play_out())["greeting"]

        assert (row.text, row.unheard_text, row.interrupted) == (GREETING, "", False)
        assert (row.sent_ms, row.heard_ms) == (500, 500)


class TestSpokenGreeting:
    def test_is_asked_for_before_anything_else(self) -> None:
        call = PhoneCall(ready=False, greeting_text=GREETING)
        call.media()
        call.hear("session.created")

        events = to_openai(call.confirm())

        assert [event["type"] for event in events] == [
            "conversation.item.create",
            "response.create",
            "input_audio_buffer.append",
        ]
        assert events[0]["item"]["content"][0]["text"] == f'Say exactly: "{GREETING}"'
        assert events[1]["response"]["metadata"]["purpose"] == "greeting"

    def test_waits_for_the_stream(self) -> None:
        call = PhoneCall(start=False, greeting_text=GREETING)

        assert of_type(call.all, "response.create") == []
        commands = call.bridge.start(twilio.Start(STREAM, "CA1", "AC1"), call.now)
        assert len(of_type(commands, "response.create")) == 1
