"""A bridge in the middle of a call, and short ways to say what the peers do."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from tests.voice.protocol.schema import check_client_event
from voice.protocol import twilio
from voice.protocol.bridge import Bridge, BridgeConfig
from voice.protocol.commands import (
    Close,
    Command,
    Log,
    RecordTurn,
    RunTool,
    SendToOpenAI,
    SendToTwilio,
    ToolAnswer,
)

STREAM = "MZ1"
PCMU = {"type": "audio/pcmu"}
SESSION: dict[str, Any] = {
    "type": "realtime",
    "instructions": "You answer the phone.",
    "audio": {
        "input": {
            "format": PCMU,
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 500,
                "create_response": True,
                "interrupt_response": True,
            },
        },
        "output": {"format": PCMU, "voice": "marin"},
    },
    "tools": [],
}


def audio(ms: int) -> str:
    """Return that much mu-law in base64."""
    return b64encode(b"\x7f" * (8 * ms)).decode()


def to_openai(commands: Iterable[Command]) -> list[dict[str, Any]]:
    """Return the events for the model, each held against the official schema."""
    events = []
    for command in commands:
        if isinstance(command, SendToOpenAI):
            check_client_event(command.text)
            events.append(orjson.loads(command.text))
    return events


def to_twilio(commands: Iterable[Command]) -> list[dict[str, Any]]:
    """Return the messages for Twilio."""
    return [orjson.loads(c.text) for c in commands if isinstance(c, SendToTwilio)]


def of_type(commands: Iterable[Command], kind: str) -> list[dict[str, Any]]:
    """Return the events for the model of one type."""
    return [event for event in to_openai(commands) if event["type"] == kind]


def closes(commands: Iterable[Command]) -> list[Close]:
    """Return the orders to close."""
    return [command for command in commands if isinstance(command, Close)]


def rows(commands: Iterable[Command]) -> dict[str, RecordTurn]:
    """Return the stored turns as they stand at last, by item."""
    return {command.item_id: command for command in commands if isinstance(command, RecordTurn)}


def logged(commands: Iterable[Command]) -> list[str]:
    """Return the names of the log lines."""
    return [command.event for command in commands if isinstance(command, Log)]


class PhoneCall:
    """Drives one bridge; `all` gathers its commands, and each step returns its own."""

    def __init__(self, *, ready: bool = True, start: bool = True, **changes: Any) -> None:
        """Begin a call without a greeting, unless `changes` to the configuration say otherwise."""
        values: dict[str, Any] = {"session": SESSION, "greeting_text": "", **changes}
        self.bridge = Bridge(BridgeConfig(**values))
        self.now = 1_000.0
        self.all: list[Command] = []
        self._marks: list[str] = []
        if start:
            self._take(self.bridge.start(twilio.Start(STREAM, "CA1", "AC1"), self.now))
        if ready:
            self._take(self.bridge.openai_opened(self.now))
            self.hear("session.created", session={})
            self.confirm()

    def _take(self, commands: list[Command]) -> list[Command]:
        self.all += commands
        for message in to_twilio(commands):
            if message["event"] == "mark":
                self._marks.append(message["mark"]["name"])
        return commands

    def confirm(self, input_format: Any = PCMU, output_format: Any = PCMU) -> list[Command]:
        """Have the server confirm the session."""
        return self.hear(
            "session.updated",
            session={
                "type": "realtime",
                "audio": {"input": {"format": input_format}, "output": {"format": output_format}},
            },
        )

    def hear(self, kind: str, **fields: Any) -> list[Command]:
        """Have the model's server send an event."""
        return self._take(self.bridge.receive_openai({"type": kind, **fields}, self.now))

    def wait(self, ms: float) -> list[Command]:
        """Let time pass, with a tick whenever one is due."""
        end = self.now + ms
        commands: list[Command] = []
        for _ in range(10_000):
            due = self.bridge.deadline_ms
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            commands += self._take(self.bridge.tick(self.now))
        else:
            raise AssertionError("the deadline does not move")
        self.now = end
        return commands

    # Twilio's side.

    def media(self, ms: int = 20) -> list[Command]:
        """Have the caller's audio arrive."""
        return self.frame(twilio.Media(audio(ms), stream_sid=STREAM))

    def frame(self, message: twilio.Message) -> list[Command]:
        """Have Twilio send a message."""
        return self._take(self.bridge.receive_twilio(message, self.now))

    def press(self, keys: str) -> list[Command]:
        """Have the caller press keys."""
        return [c for key in keys for c in self.frame(twilio.Dtmf(key, STREAM))]

    def mark(self, name: str) -> list[Command]:
        """Have Twilio return a mark."""
        return self.frame(twilio.Mark(name, STREAM))

    def play_out(self) -> list[Command]:
        """Let Twilio play all it has in real time and return the marks."""
        commands: list[Command] = []
        while self._marks:
            name = self._marks.pop(0)
            self.now += 200
            commands += self.mark(name)
        return commands

    def stop(self) -> list[Command]:
        """Have the stream end."""
        return self._take(self.bridge.stop(self.now))

    # The model's side.

    def respond(self, response_id: str, rid: str | None = None) -> list[Command]:
        """Have the server begin a response, ours if `rid` names a request."""
        metadata = None if rid is None else {"rid": rid}
        return self.hear(
            "response.created",
            response={"id": response_id, "status": "in_progress", "metadata": metadata},
        )

    def say(
        self, item_id: str, ms: int, response_id: str = "resp_1", words: str = ""
    ) -> list[Command]:
        """Have the model speak for so long, in one delta, to the end of the item."""
        commands = self.speak(item_id, ms, response_id)
        if words:
            commands += self.hear(
                "response.output_audio_transcript.done", item_id=item_id, transcript=words
            )
        return commands + self.hear(
            "response.output_audio.done", item_id=item_id, response_id=response_id
        )

    def speak(self, item_id: str, ms: int, response_id: str = "resp_1") -> list[Command]:
        """Have the model speak for so long, without an end."""
        return self.hear(
            "response.output_audio.delta",
            item_id=item_id,
            response_id=response_id,
            content_index=0,
            delta=audio(ms),
        )

    def done(
        self,
        response_id: str = "resp_1",
        *calls: Mapping[str, Any],
        status: str = "completed",
        items: Iterable[str] = (),
        **fields: Any,
    ) -> list[Command]:
        """Have the server end a response."""
        output = [{"id": item, "type": "message", "status": status} for item in items]
        return self.hear(
            "response.done",
            response={"id": response_id, "status": status, "output": [*output, *calls], **fields},
        )

    def turn(self, item_id: str = "user_1", previous: str | None = None) -> list[Command]:
        """Have the caller say something, for a second."""
        commands = self.hear("input_audio_buffer.speech_started", item_id=item_id)
        self.now += 1_000
        commands += self.hear("input_audio_buffer.speech_stopped", item_id=item_id)
        return commands + self.hear(
            "input_audio_buffer.committed", item_id=item_id, previous_item_id=previous
        )

    def answer(self, call_id: str, output: str = '{"ok":true}', **fields: Any) -> list[Command]:
        """Have a tool finish."""
        return self._take(
            self.bridge.tool_finished(call_id, ToolAnswer(output, **fields), self.now)
        )

    def acknowledge(self, commands: Iterable[Command]) -> list[Command]:
        """Have the server confirm every item that we sent."""
        answers: list[Command] = []
        for event in of_type(commands, "conversation.item.create"):
            if "id" in event["item"]:
                answers += self.hear(
                    "conversation.item.added",
                    item=event["item"],
                    previous_item_id="before",
                )
        return answers


def function_call(call_id: str = "call_1", **changes: Any) -> dict[str, Any]:
    """Return a function call as `response.done` holds it."""
    return {
        "id": f"item_{call_id}",
        "type": "function_call",
        "status": "completed",
        "name": "find_slots",
        "call_id": call_id,
        "arguments": "{}",
        **changes,
    }


def tools(commands: Iterable[Command]) -> list[str]:
    """Return the function-call ids that are to be run."""
    return [command.call_id for command in commands if isinstance(command, RunTool)]
