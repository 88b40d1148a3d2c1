"""
A stand-in for OpenAI's Realtime server, sans-IO: frames and time in, outputs out (openai-realtime, section 12).

It keeps the vendor's manners that products trip over: formats are PCM until configured, an append has no reply, audio
comes much faster than real time, transcripts come late, and it never truncates what was not heard: only the client
knows that. What it says comes from a `Brain`; this module understands nothing.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Literal

from voice.standin import client_events
from voice.standin.answers import Brain, Happening
from voice.standin.client_events import Event
from voice.standin.faults import EXPIRY_REASON, Behaviour, Fault
from voice.standin.ids import Ids
from voice.standin.items import Conversation, Item, decode_audio
from voice.standin.listening import SHORTEST_COMMIT_MS, InputBuffer, SpeechStarted
from voice.standin.outputs import CloseSocket, Output
from voice.standin.responding import Responder
from voice.standin.response import Response, Voice
from voice.standin.schema import ClientError, invalid_value
from voice.standin.session_config import Config, default_config, updated
from voice.standin.transcription import transcription_events
from voice.standin.wire import Wire

LIFETIME_S: Final = 3600


class RealtimeSession:
    """
    One connection's session.

    `opened_at` is the time of day in unix seconds, for `expires_at` only. Equal seeds and equal input give equal
    output. All `now_ms` are of one monotonic clock.
    """

    def __init__(
        self,
        *,
        brain: Brain,
        voice: Voice,
        behaviour: Behaviour | None = None,
        model: str = "gpt-realtime-2.1",
        seed: str = "standin",
        opened_at: int = 0,
    ) -> None:
        self._brain = brain
        self._behaviour = behaviour or Behaviour()
        self._ids = Ids(seed)
        self._wire = Wire(self._ids, self._behaviour)
        self._config: Config = default_config(
            session_id=self._ids.new("sess"), model=model, expires_at=opened_at + LIFETIME_S
        )
        self._conversation = Conversation(self._ids)
        self._buffer = InputBuffer(self._config["audio"]["input"]["format"]["type"])
        self._responder = Responder(
            brain=brain,
            voice=voice,
            behaviour=self._behaviour,
            ids=self._ids,
            wire=self._wire,
            conversation=self._conversation,
            config=lambda: self._config,
            on_done=self._await_idle,
        )
        self._turn_id = ""
        self._activity = (
            0  # counts turns and responses: an idle timer that finds another number is stale
        )
        self._update_was_late = False
        self._mute = self._behaviour.fault("mute") is not None
        self._handlers: Mapping[str, Callable[[Event, float], None]] = {
            "session.update": self._update_session,
            "session.close": lambda event, now_ms: self._wire.act(CloseSocket(1000, "")),
            "input_audio_buffer.append": self._append,
            "session.input_audio_buffer.append": self._refuse_translation,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create_item,
            "conversation.item.truncate": self._truncate_item,
            "conversation.item.delete": self._delete_item,
            "conversation.item.retrieve": self._retrieve_item,
            "response.create": self._create_response,
            "response.cancel": self._cancel_response,
        }

    @property
    def deadline_ms(self) -> float | None:
        """When `tick` is next due, or none."""
        return self._wire.deadline_ms

    @property
    def closed(self) -> bool:
        """Whether a close or a drop was asked for; nothing is sent or taken in any more."""
        return self._wire.closed

    def open(self, now_ms: float) -> list[Output]:
        """Begin: `session.created`, at once."""
        if self._mute:
            return []
        self._wire.send({"type": "session.created", "session": dict(self._config)})
        self._wire.at(now_ms + self._behaviour.lifetime_ms, self._expire)
        for fault in self._behaviour.faults:
            if fault.response == 0 and fault.kind in {"close", "drop", "stall", "garbage"}:
                self._wire.at(now_ms + fault.delay_ms, partial(self._strike, fault))
        return self._wire.take()

    def receive(self, frame: str | bytes, now_ms: float) -> list[Output]:
        """Take one frame of the client in; whatever it holds, the session stays usable."""
        if self._mute or self._wire.closed:
            return []
        self._wire.run_due(now_ms)
        event: Event = {}
        try:
            event = client_events.parse(frame)
            client_events.check(event)
            self._handlers[event["type"]](event, now_ms)
        except ClientError as error:
            self._wire.refuse(error, event.get("event_id"))
        self._wire.run_due(now_ms)
        return self._wire.take()

    def tick(self, now_ms: float) -> list[Output]:
        """Do what is due by now."""
        self._wire.run_due(now_ms)
        return self._wire.take()

    # Session

    def _update_session(self, event: Event, now_ms: float) -> None:
        late = self._behaviour.fault("late_session_updated")
        if late is not None and not self._update_was_late:
            self._update_was_late = True
            self._wire.at(now_ms + late.delay_ms, partial(self._late_update, event))
            return
        self._config = updated(
            self._config,
            event["session"],
            audio_produced=self._responder.audio_produced,
            responding=self._responder.active is not None,
        )
        self._buffer.change_format(self._config["audio"]["input"]["format"]["type"])
        self._wire.send({"type": "session.updated", "session": dict(self._config)})

    def _late_update(self, event: Event, due_ms: float) -> None:
        try:
            self._update_session(event, due_ms)
        except ClientError as error:
            self._wire.refuse(error, event.get("event_id"))

    def _strike(self, fault: Fault, due_ms: float) -> None:
        self._responder.strike(fault)

    def _expire(self, due_ms: float) -> None:
        self._wire.act(CloseSocket(1001, EXPIRY_REASON))

    # The input buffer

    @property
    def _turn_detection(self) -> Mapping[str, Any] | None:
        detection: Mapping[str, Any] | None = self._config["audio"]["input"]["turn_detection"]
        return detection

    def _append(self, event: Event, now_ms: float) -> None:
        audio = decode_audio(event["audio"], "audio")
        for noticed in self._buffer.append(audio, self._turn_detection):
            if isinstance(noticed, SpeechStarted):
                self._start_turn(noticed.audio_start_ms, now_ms)
            else:
                self._wire.send(
                    {
                        "type": "input_audio_buffer.speech_stopped",
                        "audio_end_ms": noticed.audio_end_ms,
                        "item_id": self._turn_id,
                    }
                )
                self._commit_turn(noticed.audio, self._turn_id, now_ms, lead_in=noticed.lead_in)
                if self._wants("create_response"):
                    self._responder.answer_turn(now_ms)

    def _refuse_translation(self, event: Event, now_ms: float) -> None:
        raise invalid_value("type", "This event is only accepted in translation sessions.")

    def _start_turn(self, audio_start_ms: int, now_ms: float) -> None:
        self._activity += 1
        self._turn_id = self._ids.new("item")
        self._wire.send(
            {
                "type": "input_audio_buffer.speech_started",
                "audio_start_ms": audio_start_ms,
                "item_id": self._turn_id,
            }
        )
        if self._wants("interrupt_response"):
            self._responder.interrupt(now_ms)

    def _wants(self, name: str) -> bool:
        detection = self._turn_detection
        return detection is not None and bool(detection[name])

    def _commit(self, event: Event, now_ms: float) -> None:
        length_ms = self._buffer.length_ms
        if length_ms < SHORTEST_COMMIT_MS:
            raise ClientError(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of "
                f"audio, but buffer only has {length_ms:.2f}ms of audio.",
            )
        self._commit_turn(self._buffer.commit(), self._ids.new("item"), now_ms)

    def _clear(self, event: Event, now_ms: float) -> None:
        self._buffer.clear()
        self._wire.send({"type": "input_audio_buffer.cleared"})

    def _commit_turn(
        self, audio: bytes, item_id: str, now_ms: float, *, lead_in: bytes = b""
    ) -> None:
        content = [{"type": "input_audio", "transcript": None}]
        wire = {
            "id": item_id, "type": "message", "status": "completed", "role": "user",
            "content": content,
        }  # fmt: skip
        item = Item(wire, audio=bytearray(audio))
        previous = self._conversation.last_id()
        self._conversation.append(item)
        self._wire.send(
            {
                "type": "input_audio_buffer.committed",
                "previous_item_id": previous,
                "item_id": item_id,
            }
        )
        self._announce(item)
        words = self._brain.recognise(lead_in + audio)
        self._brain.notice(Happening("heard", text=words))
        if self._config["audio"]["input"]["transcription"] is None:
            return
        for event in transcription_events(item, words, self._behaviour):
            due_ms = now_ms + self._behaviour.transcript_delay_ms
            self._wire.at(due_ms, partial(self._send_late, event))

    def _send_late(self, event: Event, due_ms: float) -> None:
        self._wire.send(event)

    # Items

    def _announce(self, item: Item) -> None:
        previous = self._conversation.previous_id(item)
        for name in ("added", "done"):
            self._wire.send(
                {
                    "type": f"conversation.item.{name}",
                    "previous_item_id": previous,
                    "item": item.copy(),
                }
            )

    def _create_item(self, event: Event, now_ms: float) -> None:
        item = self._conversation.create(event["item"], event.get("previous_item_id"))
        self._announce(item)
        self._brain.notice(self._happening(item))

    def _happening(self, item: Item) -> Happening:
        wire = item.wire
        if wire["type"] == "function_call_output":
            return Happening("output", text=wire["output"], call_id=wire["call_id"])
        if wire["type"] == "function_call":
            return Happening("recalled", text=wire["name"], call_id=wire["call_id"])
        if item.audio:
            return Happening("heard", text=self._brain.recognise(bytes(item.audio)))
        kinds: Mapping[str, Literal["typed", "told", "said"]] = {
            "user": "typed",
            "system": "told",
            "assistant": "said",
        }
        words = " ".join(part.get("text", "") for part in wire["content"]).strip()
        return Happening(kinds[wire["role"]], text=words)

    def _truncate_item(self, event: Event, now_ms: float) -> None:
        item = self._conversation.truncate(event["item_id"], event["audio_end_ms"])
        self._wire.send(
            {
                "type": "conversation.item.truncated",
                "item_id": item.id,
                "content_index": 0,
                "audio_end_ms": event["audio_end_ms"],
            }
        )

    def _delete_item(self, event: Event, now_ms: float) -> None:
        item = self._conversation.delete(event["item_id"])
        self._wire.send({"type": "conversation.item.deleted", "item_id": item.id})

    def _retrieve_item(self, event: Event, now_ms: float) -> None:
        wire = self._conversation.retrieve(event["item_id"])
        self._wire.send({"type": "conversation.item.retrieved", "item": wire})

    # Responses

    def _create_response(self, event: Event, now_ms: float) -> None:
        self._responder.create(event.get("response") or {}, now_ms)

    def _cancel_response(self, event: Event, now_ms: float) -> None:
        self._responder.cancel(event.get("response_id"), now_ms)

    def _await_idle(self, response: Response, now_ms: float) -> None:
        """Set the idle timer: from `response.done` plus the audio's length, as the vendor does."""
        self._activity += 1
        idle_ms = (self._turn_detection or {}).get("idle_timeout_ms")
        if idle_ms is not None:
            activity = self._activity
            due_ms = now_ms + response.audio_ms + idle_ms
            self._wire.at(due_ms, partial(self._idle, activity))

    def _idle(self, activity: int, due_ms: float) -> None:
        if activity != self._activity or self._buffer.speaking or self._responder.active:
            return
        item_id = self._ids.new("item")
        end_ms = int(self._buffer.clock_ms)
        self._wire.send(
            {
                "type": "input_audio_buffer.timeout_triggered",
                "audio_start_ms": end_ms - int(self._buffer.length_ms),
                "audio_end_ms": end_ms,
                "item_id": item_id,
            }
        )
        self._commit_turn(self._buffer.commit(), item_id, due_ms)
        self._responder.answer_turn(due_ms)
