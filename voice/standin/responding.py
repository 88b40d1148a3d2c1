"""
The responses of a session: one at a time in the conversation, any number beside it, each with its faults.

See openai-realtime, section 12, items 4 to 6, 12 and 13.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from voice.standin.answers import Brain, BrainError, Happening, ResponseRequest
from voice.standin.client_events import Event
from voice.standin.faults import Behaviour, Fault, garbage
from voice.standin.ids import Ids
from voice.standin.items import Conversation
from voice.standin.outputs import CloseSocket, DropSocket, StallSocket
from voice.standin.response import Response, ResponseSettings, Voice
from voice.standin.schema import ClientError
from voice.standin.usage import UsageMeter
from voice.standin.wire import Wire

_FAILURES: Final[Mapping[str, str]] = {
    "insufficient_quota": "You exceeded your current quota, please check your plan and billing details.",
    "rate_limit_exceeded": "Rate limit reached for requests. Please try again in 1s.",
    "model_not_found": "The model does not exist or you do not have access to it.",
}


class Responder:
    """
    Creates, drives and cancels responses.

    `config` is asked for the session's configuration at each use; `on_done` is told each finished response of the
    conversation.
    """

    def __init__(
        self,
        *,
        brain: Brain,
        voice: Voice,
        behaviour: Behaviour,
        ids: Ids,
        wire: Wire,
        conversation: Conversation,
        config: Callable[[], Mapping[str, Any]],
        on_done: Callable[[Response, float], None],
    ) -> None:
        self._brain = brain
        self._voice = voice
        self._behaviour = behaviour
        self._ids = ids
        self._wire = wire
        self._conversation = conversation
        self._config = config
        self._on_done = on_done
        self._meter = UsageMeter()
        self._asides: dict[str, Response] = {}
        self._spent: set[Fault] = set()
        self._count = 0
        self.active: Response | None = None
        self.audio_produced = False

    def create(self, asked: Mapping[str, Any], now_ms: float) -> None:
        """
        Begin the response of a checked `response.create`.

        Raises:
            ClientError: another response of the conversation is active, or an unknown item is referred to.
        """
        settings = self._settings(asked)
        if not settings.aside and self.active is not None:
            raise ClientError(
                "conversation_already_has_active_response",
                f"Conversation already has an active response in progress: {self.active.id}. "
                "Wait until the response is finished before creating a new one.",
            )
        for part in asked.get("input", ()):
            if part["type"] == "item_reference":
                self._conversation.retrieve(part["id"])
        config = self._config()
        request = ResponseRequest(
            purpose=(asked.get("metadata") or {}).get("purpose", ""),
            tools_allowed=asked.get("tool_choice", config["tool_choice"]) != "none",
            aside=settings.aside,
            instructions=asked.get("instructions", config["instructions"]),
            input=asked.get("input"),
        )
        self._begin(request, settings, now_ms)

    def answer_turn(self, now_ms: float) -> None:
        """Begin the response that the end of a turn calls for; while another one is active there is none."""
        if self.active is None:
            config = self._config()
            request = ResponseRequest(
                tools_allowed=config["tool_choice"] != "none", instructions=config["instructions"]
            )
            self._begin(request, self._settings({}), now_ms)

    def cancel(self, response_id: str | None, now_ms: float) -> None:
        """
        Cancel the active response, or the one with this id.

        Raises:
            ClientError: there is none.
        """
        response = self._asides.get(response_id or "", self.active)
        if response is None or (response_id is not None and response.id != response_id):
            raise ClientError(
                "response_cancel_not_active", "Cancellation failed: no active response found"
            )
        self._cut(response, "client_cancelled", now_ms)

    def interrupt(self, now_ms: float) -> None:
        """Cancel the active response because the caller speaks; some deltas are on their way already."""
        response = self.active
        if response is None:
            return
        queued = self._behaviour.queued_deltas
        while queued and response.remaining_deltas and not self._wire.closed:
            step = next(response.ladder)
            if isinstance(step, dict):
                queued -= step["type"] == "response.output_audio.delta"
                self._send(response, step, now_ms)
        self._cut(response, "turn_detected", now_ms)

    def _settings(self, asked: Mapping[str, Any]) -> ResponseSettings:
        config = self._config()
        session_output = config["audio"]["output"]
        output = {**session_output, **asked.get("audio", {}).get("output", {})}
        if self.audio_produced and output["voice"] != session_output["voice"]:
            raise ClientError(
                "cannot_update_voice",
                "Cannot update a conversation's voice if assistant audio is present.",
                "response.audio.output.voice",
            )
        tokens = asked.get("max_output_tokens", config["max_output_tokens"])
        return ResponseSettings(
            output_modalities=asked.get("output_modalities", config["output_modalities"]),
            audio_format=output["format"],
            voice=output["voice"],
            max_output_tokens=tokens if isinstance(tokens, int) else None,
            metadata=asked.get("metadata"),
            aside=asked.get("conversation") == "none",
        )

    def _begin(self, request: ResponseRequest, settings: ResponseSettings, now_ms: float) -> None:
        number = 0
        if not settings.aside:
            self._count += 1
            number = self._count
        failure = self._failure(number)
        answers = []
        if failure is None:
            try:
                answers = list(self._brain.respond(request))
            except BrainError as error:
                failure = ("server_error", str(error))
        response = Response(
            settings=settings,
            answers=answers,
            conversation=self._conversation,
            ids=self._ids,
            voice=self._voice,
            behaviour=self._behaviour,
            usage=self._usage,
            number=number,
            failure=failure,
        )
        for call_id in response.call_ids:
            self._brain.notice(Happening("called", call_id=call_id))
        if settings.aside:
            self._asides[response.id] = response
        else:
            self.active = response
        self._advance(response, now_ms)

    def _advance(self, response: Response, due_ms: float) -> None:
        """Send what the ladder yields up to its next wait, and come back then."""
        while not (response.ended or self._wire.closed):
            step = next(response.ladder)
            if not isinstance(step, dict):
                self._wire.at(due_ms + step, partial(self._advance, response))
                return
            self._send(response, step, due_ms)

    def _cut(self, response: Response, reason: str, now_ms: float) -> None:
        for event in response.cut("cancelled", reason):
            self._send(response, event, now_ms)

    def _send(self, response: Response, event: Event, now_ms: float) -> None:
        if event["type"] != "response.done":
            self._wire.send(event)
            self._strike(response, last=False)
            self.audio_produced |= event["type"] == "response.output_audio.delta"
            return
        self._strike(response, last=True)
        response.ended = True
        self._wire.send(event)
        for call_id in response.cut_call_ids:
            self._brain.notice(Happening("cut", call_id=call_id))
        self._wire.at(now_ms + self._behaviour.rate_limits_delay_ms, self._send_rate_limits)
        if response.settings.aside:
            self._asides.pop(response.id)
        else:
            self.active = None
            self._on_done(response, now_ms)

    def _send_rate_limits(self, due_ms: float) -> None:
        limit = {"name": "tokens", "limit": 15_000_000, "remaining": 14_999_716}
        self._wire.send(
            {"type": "rate_limits.updated", "rate_limits": [{**limit, "reset_seconds": 0.001}]}
        )

    def _strike(self, response: Response, *, last: bool) -> None:
        """Let a fault of this response happen: after its number of audio deltas, at the latest before the end."""
        for fault in self._behaviour.faults:
            due = last or response.audio_deltas >= fault.deltas
            if response.number and fault.response == response.number and due:
                self.strike(fault)

    def strike(self, fault: Fault) -> None:
        """Let a fault of the connection happen, once; other kinds are none of this method's business."""
        if fault in self._spent:
            return
        self._spent.add(fault)
        match fault.kind:
            case "close":
                if fault.announced:
                    self._wire.refuse(ClientError("session_expired", fault.reason))
                self._wire.act(CloseSocket(fault.code, fault.reason))
            case "drop":
                self._wire.act(DropSocket())
            case "stall":
                self._wire.act(StallSocket())
            case "garbage":
                for frame in garbage(self.active.id if self.active else "resp_none"):
                    self._wire.send_raw(frame)
            case _:
                pass

    def _failure(self, number: int) -> tuple[str, str] | None:
        fault = self._behaviour.fault("fail_response", response=number)
        if fault is None:
            return None
        return fault.error_code, _FAILURES.get(fault.error_code, "The server had an error.")

    def _usage(self, output_text_tokens: int, output_audio_tokens: int) -> Event | None:
        if self._behaviour.fault("no_usage") is not None:
            return None
        return self._meter.usage(
            config=self._config(),
            items=self._conversation,
            output_text_tokens=output_text_tokens,
            output_audio_tokens=output_audio_tokens,
        )
