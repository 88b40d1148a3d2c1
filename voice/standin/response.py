"""
One response: the ladder of its events (openai-realtime, sections 4 and 5), sent step by step.

`Response.ladder` yields events, without `event_id`, and numbers: milliseconds to wait before the next event. Whoever
drives it may stop at any wait and ask for `cut`, which closes what is open with only what was streamed.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from voice.standin.answers import Answer, CallTool
from voice.standin.audio import BYTES_PER_MS, from_mulaw
from voice.standin.client_events import Event
from voice.standin.faults import Behaviour
from voice.standin.ids import Ids
from voice.standin.items import Conversation, Item

Voice = Callable[[str], bytes]

AUDIO_TOKEN_MS: Final = 50  # an assistant's audio token
_STEP_MS: Final = 20.0
_ARGUMENTS_PIECE: Final = 24


@dataclass(frozen=True, slots=True)
class ResponseSettings:
    """What a response was created with; `max_output_tokens` none means no limit."""

    output_modalities: Sequence[str]
    audio_format: Mapping[str, Any]
    voice: Any
    max_output_tokens: int | None = None
    metadata: Mapping[str, str] | None = None
    aside: bool = False


@dataclass(slots=True)
class _Open:
    """The item that is being streamed; `text` is its transcript, text or arguments so far."""

    item: Item
    output_index: int
    kind: str
    text: str = ""


@dataclass(slots=True)
class Response:
    """The state of one response; `usage` computes the JSON of `usage` from the output's text and audio tokens."""

    settings: ResponseSettings
    answers: Sequence[Answer]
    conversation: Conversation
    ids: Ids
    voice: Voice
    behaviour: Behaviour
    usage: Callable[[int, int], Event | None]
    number: int = 0
    failure: tuple[str, str] | None = None  # error code and message
    id: str = ""
    ended: bool = False
    audio_deltas: int = 0
    audio_ms: float = 0.0
    remaining_deltas: int = 0
    call_ids: tuple[str, ...] = ()
    cut_call_ids: tuple[str, ...] = ()
    ladder: Iterator[Event | float] = field(init=False)
    _open: _Open | None = None
    _output: list[Item] = field(default_factory=list)
    _text_tokens: int = 0
    _cut_short: str = ""

    def __post_init__(self) -> None:
        self.id = self.ids.new("resp")
        calls = sum(isinstance(answer, CallTool) for answer in self.answers)
        self.call_ids = tuple(self.ids.call() for _ in range(calls))
        self.ladder = self._steps()

    def _steps(self) -> Iterator[Event | float]:
        """Yield everything from `response.created` to `response.done`."""
        yield {"type": "response.created", "response": self._wire("in_progress", None)}
        if self.failure is not None:
            code, message = self.failure
            yield _STEP_MS
            error = {"type": "invalid_request_error", "code": code, "message": message}
            yield self._done("failed", {"type": "failed", "error": error})
            return
        yield self.behaviour.first_audio_ms if self.answers else _STEP_MS
        call_ids = iter(self.call_ids)
        for index, answer in enumerate(self.answers):
            if isinstance(answer, CallTool):
                yield from self._call(index, answer, next(call_ids))
            elif "audio" in self.settings.output_modalities:
                yield from self._speak(index, answer.text)
            else:
                yield from self._write(index, answer.text)
            if self._cut_short:
                yield from self.cut("incomplete", self._cut_short)
                return
        yield self._done("completed", None)

    def cut(self, status: str, reason: str) -> list[Event]:
        """Return the events that end the response now: its open item is `incomplete`, the rest never comes."""
        finished = {item.wire.get("call_id") for item in self._output}
        events = self._close("incomplete") if self._open is not None else []
        self.cut_call_ids = tuple(call for call in self.call_ids if call not in finished)
        events.append(self._done(status, {"type": status, "reason": reason}))
        return events

    def _speak(self, index: int, text: str) -> Iterator[Event | float]:
        audio_format = self.settings.audio_format["type"]
        audio = from_mulaw(self.voice(text), audio_format)
        yield from self._begin_message(index, "audio")
        opened = self._open
        assert opened is not None
        opened.item.audio_format = audio_format
        words = text.split(" ")
        size = self.behaviour.delta_audio_ms * BYTES_PER_MS[audio_format]
        pieces = [audio[start : start + size] for start in range(0, len(audio), size)]
        said = 0
        self.remaining_deltas = len(pieces)
        for number, piece in enumerate(pieces):
            while said < len(words) and said * len(pieces) <= number * len(words):
                yield self._text_delta(
                    "response.output_audio_transcript.delta", words[said], first=not said
                )
                said += 1
            if self._limit_reached():
                return
            opened.item.audio += piece
            self.audio_deltas += 1
            self.remaining_deltas -= 1
            self.audio_ms += len(piece) / BYTES_PER_MS[audio_format]
            yield {
                "type": "response.output_audio.delta",
                **self._place(),
                "delta": base64.b64encode(piece).decode(),
            }
            yield self.behaviour.delta_audio_ms / self.behaviour.speed
        for word in words[said:]:
            yield self._text_delta("response.output_audio_transcript.delta", word)
        yield from self._close("completed")

    def _write(self, index: int, text: str) -> Iterator[Event | float]:
        yield from self._begin_message(index, "text")
        for number, word in enumerate(text.split(" ")):
            yield self._text_delta("response.output_text.delta", word, first=not number)
            yield _STEP_MS
        yield from self._close("completed")

    def _call(self, index: int, answer: CallTool, call_id: str) -> Iterator[Event | float]:
        wire = {
            "id": self.ids.new("item"),
            "type": "function_call",
            "status": "in_progress",
            "name": answer.name,
            "call_id": call_id,
            "arguments": "",
        }
        yield from self._begin(index, "call", wire)
        opened = self._open
        assert opened is not None
        for start in range(0, len(answer.arguments), _ARGUMENTS_PIECE):
            piece = answer.arguments[start : start + _ARGUMENTS_PIECE]
            opened.text += piece
            yield {
                "type": "response.function_call_arguments.delta",
                "response_id": self.id,
                "item_id": opened.item.id,
                "output_index": index,
                "call_id": call_id,
                "delta": piece,
            }
            yield _STEP_MS / 4
        yield from self._close("completed")

    def _begin_message(self, index: int, kind: str) -> Iterator[Event]:
        wire = {
            "id": self.ids.new("item"),
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        yield from self._begin(index, kind, wire)
        yield {"type": "response.content_part.added", **self._place(), "part": self._part()}

    def _begin(self, index: int, kind: str, wire: Event) -> Iterator[Event]:
        item = Item(wire)
        self._open = _Open(item, index, kind)
        if not self.settings.aside:
            self.conversation.append(item)
        yield {
            "type": "response.output_item.added",
            "response_id": self.id,
            "output_index": index,
            "item": item.copy(),
        }
        if not self.settings.aside:
            yield {
                "type": "conversation.item.added",
                "previous_item_id": self.conversation.previous_id(item),
                "item": item.copy(),
            }

    def _close(self, status: str) -> list[Event]:
        """Return the `done` events of the open item, with only what was streamed, and close it."""
        opened = self._open
        assert opened is not None
        item, kind = opened.item, opened.kind
        item.wire["status"] = status
        events: list[Event] = []
        if kind == "call":
            item.wire["arguments"] = opened.text
            events.append(
                {
                    "type": "response.function_call_arguments.done",
                    "response_id": self.id,
                    "item_id": item.id,
                    "output_index": opened.output_index,
                    "call_id": item.wire["call_id"],
                    "name": item.wire["name"],
                    "arguments": opened.text,
                }
            )
        elif kind == "audio":
            item.wire["content"] = [{"type": "output_audio", "transcript": opened.text}]
            events += [
                {"type": "response.output_audio.done", **self._place()},
                {
                    "type": "response.output_audio_transcript.done",
                    **self._place(),
                    "transcript": opened.text,
                },
            ]
        else:
            item.wire["content"] = [{"type": "output_text", "text": opened.text}]
            events.append(
                {"type": "response.output_text.done", **self._place(), "text": opened.text}
            )
        if kind != "call":
            events.append(
                {"type": "response.content_part.done", **self._place(), "part": self._part()}
            )
        if not self.settings.aside and item in tuple(self.conversation):
            events.append(
                {
                    "type": "conversation.item.done",
                    "previous_item_id": self.conversation.previous_id(item),
                    "item": item.copy(),
                }
            )
        events.append(
            {
                "type": "response.output_item.done",
                "response_id": self.id,
                "output_index": opened.output_index,
                "item": item.copy(),
            }
        )
        self._text_tokens += len(opened.text) // 4 + 1
        self._output.append(item)
        self._open = None
        self.remaining_deltas = 0
        return events

    def _text_delta(self, event_type: str, word: str, *, first: bool = False) -> Event:
        opened = self._open
        assert opened is not None
        delta = word if first else f" {word}"
        opened.text += delta
        return {"type": event_type, **self._place(), "delta": delta, "obfuscation": "x9"}

    def _place(self) -> Event:
        opened = self._open
        assert opened is not None
        return {
            "response_id": self.id,
            "item_id": opened.item.id,
            "output_index": opened.output_index,
            "content_index": 0,
        }

    def _part(self) -> Event:
        opened = self._open
        assert opened is not None
        name = "transcript" if opened.kind == "audio" else "text"
        return {"type": opened.kind, name: opened.text}

    def _limit_reached(self) -> bool:
        """Whether the answer must end here: the token limit, or a fault that stands for it."""
        limit = self.settings.max_output_tokens
        if limit is not None and self.audio_ms >= limit * AUDIO_TOKEN_MS:
            self._cut_short = "max_output_tokens"
        fault = self.behaviour.fault("incomplete_response", response=self.number)
        if fault is not None and self.number and self.audio_deltas >= fault.deltas:
            self._cut_short = fault.reason
        return bool(self._cut_short)

    def _done(self, status: str, details: Event | None) -> Event:
        return {"type": "response.done", "response": self._wire(status, details)}

    def _wire(self, status: str, details: Event | None) -> Event:
        settings = self.settings
        usage = None
        if status != "in_progress":
            usage = self.usage(self._text_tokens, int(self.audio_ms / AUDIO_TOKEN_MS))
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [item.copy() for item in self._output],
            "conversation_id": None if settings.aside else self.conversation.id,
            "output_modalities": list(settings.output_modalities),
            "max_output_tokens": settings.max_output_tokens or "inf",
            "audio": {"output": {"format": dict(settings.audio_format), "voice": settings.voice}},
            "usage": usage,
            "metadata": dict(settings.metadata) if settings.metadata is not None else None,
        }
