"""A client of the sans-IO session, with a clock that stands still until it is moved."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from voice.standin.answers import Answer, BrainError, Happening, ResponseRequest, Speak
from voice.standin.faults import Behaviour
from voice.standin.outputs import Output, SendText
from voice.standin.realtime import RealtimeSession

Event = dict[str, Any]

SCHEMA: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
PLAIN = Behaviour(oddity=0)
QUIET_FRAME = b"\xff" * 160
LOUD_FRAME = bytes((0x10, 0x90)) * 80
PHONE: dict[str, Any] = {
    "input": {
        "format": {"type": "audio/pcmu"},
        "transcription": {"model": "gpt-transcribe"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
    },
    "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"},
}


def encoded(audio: bytes) -> str:
    return base64.b64encode(audio).decode()


class FixedBrain:
    """Answers with what it was given, one entry a response, the last one again and again."""

    def __init__(
        self, *answers: Sequence[Answer] | BrainError, words: str = "book a visit"
    ) -> None:
        self.answers = list(answers) or [[Speak("Sure, which day?")]]
        self.words = words
        self.heard: list[bytes] = []
        self.happenings: list[Happening] = []
        self.requests: list[ResponseRequest] = []

    def recognise(self, audio: bytes) -> str:
        self.heard.append(audio)
        return self.words

    def notice(self, happening: Happening) -> None:
        self.happenings.append(happening)

    def respond(self, request: ResponseRequest) -> Sequence[Answer]:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BrainError):
            raise answer
        return answer


def voice(text: str) -> bytes:
    """Return a loud voice: 100 ms a character."""
    return LOUD_FRAME * (5 * len(text))


class Talk:
    """Sends events, moves time, and keeps what came back; `events` holds everything that is JSON with a type."""

    def __init__(
        self,
        brain: Any = None,
        behaviour: Behaviour = PLAIN,
        *,
        model: str = "gpt-realtime-2.1",
        seed: str = "test",
        opened_at: int = 1_000,
    ) -> None:
        self.brain = brain if brain is not None else FixedBrain()
        self.session = RealtimeSession(
            brain=self.brain,
            voice=voice,
            behaviour=behaviour,
            model=model,
            seed=seed,
            opened_at=opened_at,
        )
        self.now_ms = 50_000.0
        self.outputs: list[Output] = []
        self.events: list[Event] = []
        self.stamps: list[float] = []
        self.keep(self.session.open(self.now_ms))

    def keep(self, outputs: Sequence[Output]) -> list[Event]:
        self.outputs += outputs
        events: list[Event] = []
        for output in outputs:
            if isinstance(output, SendText):
                try:
                    event = json.loads(output.text)
                except ValueError:
                    continue
                if isinstance(event, dict) and isinstance(event.get("type"), str):
                    events.append(event)
        self.events += events
        self.stamps += [self.now_ms] * len(events)
        return events

    def send(self, event_type: str, **fields: Any) -> list[Event]:
        return self.raw(json.dumps({"type": event_type, **fields}))

    def raw(self, frame: str | bytes) -> list[Event]:
        return self.keep(self.session.receive(frame, self.now_ms))

    def wait(self, milliseconds: float) -> list[Event]:
        """Let time pass, with a tick at each deadline."""
        end_ms = self.now_ms + milliseconds
        events: list[Event] = []
        while (due_ms := self.session.deadline_ms) is not None and due_ms <= end_ms:
            self.now_ms = max(self.now_ms, due_ms)
            events += self.keep(self.session.tick(self.now_ms))
        self.now_ms = end_ms
        return events

    def configure(self, audio: Mapping[str, Any] = PHONE, **fields: Any) -> list[Event]:
        return self.send("session.update", session={"type": "realtime", "audio": audio, **fields})

    def hear(self, audio: bytes, *, pace: bool = True) -> list[Event]:
        """Append audio in frames of 20 ms, as a phone call brings it."""
        events: list[Event] = []
        for start in range(0, len(audio), 160):
            events += self.send(
                "input_audio_buffer.append", audio=encoded(audio[start : start + 160])
            )
            if pace:
                events += self.wait(20)
        return events

    def speak(self, loud_ms: int = 400, quiet_ms: int = 500) -> list[Event]:
        """Speak as a caller does: some loud frames, then quiet ones."""
        return self.hear(LOUD_FRAME * (loud_ms // 20) + QUIET_FRAME * (quiet_ms // 20))

    def type(self, text: str, role: str = "user") -> list[Event]:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": role, "content": content}
        return self.send("conversation.item.create", item=item)

    def error(self, events: Sequence[Event]) -> Event:
        """Return the one error among the events; they must hold nothing else."""
        (event,) = events
        assert event["type"] == "error", event
        error: Event = event["error"]
        return error


def types(events: Sequence[Event]) -> list[str]:
    return [event["type"] for event in events]


def named(events: Sequence[Event], event_type: str) -> list[Event]:
    return [event for event in events if event["type"] == event_type]


def is_in_order(wanted: Sequence[str], events: Sequence[Event]) -> bool:
    """Whether the wanted types occur in this order, others between them allowed."""
    remaining = iter(types(events))
    return all(event_type in remaining for event_type in wanted)


def assert_official(events: Sequence[Event]) -> None:
    """Check each event against the official schema; `standin.` events are deliberately none of it."""
    for event in events:
        if not event["type"].startswith("standin."):
            SCHEMA.validate_python(event)
