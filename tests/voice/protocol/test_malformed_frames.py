"""Frames that are none, from either peer, in every state of a call (S70, F4)."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voice.protocol.calls import STREAM, PhoneCall, audio, function_call, to_openai, to_twilio
from voice.protocol import realtime, twilio
from voice.protocol.commands import Close


def speaking() -> PhoneCall:
    call = PhoneCall()
    call.respond("resp_1")
    call.speak("item_1", 400)
    return call


def tool_running() -> PhoneCall:
    call = PhoneCall()
    call.respond("resp_1")
    call.done("resp_1", function_call("call_1"))
    return call


def ending() -> PhoneCall:
    call = tool_running()
    call.answer("call_1", effect="end")
    return call


def over() -> PhoneCall:
    call = speaking()
    call.stop()
    return call


STATES: dict[str, Callable[[], PhoneCall]] = {
    "before the start": lambda: PhoneCall(ready=False, start=False),
    "before the session": lambda: PhoneCall(ready=False),
    "greeting": lambda: PhoneCall(greeting_text="Hello.", greeting_audio=b"\x7f" * 4_000),
    "idle": PhoneCall,
    "speaking": speaking,
    "tool running": tool_running,
    "ending": ending,
    "over": over,
}
FRAMES = [
    json.dumps(frame)
    for frame in (
        {"event": "media", "streamSid": STREAM, "media": {"payload": audio(20)}},
        {"event": "mark", "streamSid": STREAM, "mark": {"name": "0|item_1|200"}},
        {"event": "dtmf", "streamSid": STREAM, "dtmf": {"digit": "1"}},
        {"event": "start", "streamSid": STREAM, "start": {"callSid": "CA1", "accountSid": "AC1"}},
        {"type": "response.done", "response": {"id": "resp_1", "status": "completed"}},
        {"type": "response.output_audio.delta", "item_id": "item_1", "delta": audio(20)},
        {"type": "conversation.item.added", "item": {"id": "item_1"}, "previous_item_id": None},
        {"type": "error", "error": {"code": "x", "message": "y", "event_id": "rc_1"}},
    )
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Draw a frame with a piece of it replaced."""
    text = draw(st.sampled_from(FRAMES))
    at = draw(st.integers(0, len(text)))
    piece = draw(
        st.sampled_from(["", '"', "{", "]", "null", "9", ":", "\\", "\ud800", "[" * 9_000])
    )
    return text[:at] + piece + text[at + draw(st.integers(0, 12)) :]


@pytest.mark.parametrize("state", STATES)
class TestDamagedFrames:
    @given(frames=st.lists(damaged(), max_size=30))
    def test_leave_the_call_alive_or_end_it_with_a_code(
        self, state: str, frames: list[str]
    ) -> None:
        call = STATES[state]()
        for text in frames:
            call.now += 20
            try:
                commands = call.frame(twilio.parse(text))
            except twilio.MediaStreamError as error:
                commands = call.bridge.twilio_malformed(error.code, call.now)
            try:
                event = realtime.parse(text)
            except realtime.RealtimeError:
                commands += call.bridge.openai_garbage(call.now)
            else:
                commands += call.bridge.receive_openai(event, call.now)

            to_openai(commands)
            to_twilio(commands)
            assert all(c.code and c.reason for c in commands if isinstance(c, Close))
