"""A scripted call from audio to audio: the detector, the recordings, the script and the ladder together."""

import base64
import json
from typing import Any

import pytest

from tests.voice.standin.talk import PLAIN, QUIET_FRAME, Talk, named, voice
from voice.standin import clips
from voice.standin.brain import ScriptedBrain
from voice.standin.faults import Behaviour
from voice.standin.scenarios import Call, Expect, Reference, Say, Scenario, Turn

ASK = "A nurse visit next Tuesday morning."
CHOOSE = "Eight o'clock, please."
BOOKING = Scenario(
    id="BK",
    title="A short booking",
    caller_number="+12025550102",
    turns=(
        Turn(ASK, assistant=(Say("One moment."), Call("find_slots"), Say("$say"))),
        Turn(
            CHOOSE,
            assistant=(
                Call("propose_booking", {"slot": Reference("find_slots", "data.slot")}),
                Say("$say"),
            ),
        ),
    ),
    expect=Expect(outcome="booked"),
)
FOUND = {"ok": True, "say": "I have eight.", "data": {"slot": "slot_1"}}


class Caller(Talk):
    """A bridge that answers tool calls."""

    def __init__(self, behaviour: Behaviour = PLAIN) -> None:
        super().__init__(ScriptedBrain([BOOKING]), behaviour)
        self.configure()

    def say(self, line: str) -> list[dict[str, Any]]:
        audio = clips.clip(line, "caller")
        audio += b"\xff" * (-len(audio) % 160)
        return self.hear(QUIET_FRAME * 15 + audio + QUIET_FRAME * 30) + self.wait(2_000)

    def answer(self, done: dict[str, Any], output: dict[str, Any]) -> list[dict[str, Any]]:
        call_id = done["response"]["output"][-1]["call_id"]
        item = {"type": "function_call_output", "call_id": call_id, "output": json.dumps(output)}
        events = self.send("conversation.item.create", item=item)
        return events + self.send("response.create") + self.wait(3_000)


def spoken(events: list[dict[str, Any]]) -> list[str]:
    done = named(events, "response.output_audio_transcript.done")
    return [event["transcript"] for event in done]


class TestScriptedCall:
    def test_goes_from_the_callers_audio_to_the_tools_words(self) -> None:
        call = Caller()

        asked = call.say(ASK)
        assert spoken(asked) == ["One moment."]
        offered = call.answer(named(asked, "response.done")[-1], FOUND)
        assert spoken(offered) == ["I have eight."]
        chosen = call.say(CHOOSE)

        (call_item,) = named(chosen, "response.done")[-1]["response"]["output"]
        assert call_item["name"] == "propose_booking"
        assert json.loads(call_item["arguments"]) == {"slot": "slot_1"}
        transcripts = named(call.events, "conversation.item.input_audio_transcription.completed")
        assert [event["transcript"] for event in transcripts] == [ASK, CHOOSE]

    def test_speaks_the_assistants_voice(self) -> None:
        asked = Caller().say(ASK)

        deltas = named(asked, "response.output_audio.delta")

        audio = b"".join(base64.b64decode(event["delta"]) for event in deltas)
        assert audio == voice("One moment.")

    def test_asks_again_for_what_is_no_known_recording(self) -> None:
        call = Caller()

        assert spoken(call.say("What is the weather?")) == [
            "Sorry, I didn't catch that. Could you say it again?"
        ]

    @pytest.mark.parametrize("offset", [0, 37, 159])
    def test_knows_a_recording_however_it_falls_into_frames(self, offset: int) -> None:
        call = Caller()
        audio = b"\xff" * offset + clips.clip(ASK, "caller") + QUIET_FRAME * 40

        events = call.hear(audio[: len(audio) // 160 * 160]) + call.wait(2_000)

        assert spoken(events) == ["One moment."]

    def test_is_repeated_exactly_by_the_same_seed(self) -> None:
        odd = Behaviour(oddity=0.2)
        first, second = Caller(odd), Caller(odd)

        assert first.say(ASK) == second.say(ASK)
