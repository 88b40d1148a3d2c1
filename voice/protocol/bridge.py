"""
One call between Twilio's media stream and OpenAI's Realtime API: messages in, commands out.

No socket, no clock, no task: the shell (`voice.call_in_progress`) passes on what arrives, carries out the commands in
their order and calls `tick` when `deadline_ms` has come. `now_ms` is a monotonic time in milliseconds, of the same
clock throughout. Nothing that a peer sends raises an exception.
"""

from collections.abc import Mapping
from typing import Any

from voice.protocol import realtime, twilio
from voice.protocol.call import FAILURE, Call
from voice.protocol.commands import Command, Evidence, RecordLatency, SendToOpenAI, ToolAnswer
from voice.protocol.config import BridgeConfig
from voice.protocol.conversation import GREETING
from voice.protocol.limits import FrameBudget
from voice.protocol.model import ModelEvents
from voice.protocol.responses import STALL_MS

__all__ = ["Bridge", "BridgeConfig"]

_ACCOUNT_CODES = (
    401,
    403,
    3000,
    4000,
)  # of the upgrade or the close: the key or the model is refused


class Bridge:
    """One phone call."""

    def __init__(self, config: BridgeConfig) -> None:
        """Wait for `start` and `openai_opened`, in either order."""
        self._call = Call(config)
        self._model = ModelEvents(self._call)
        self._budget = FrameBudget(per_second=config.frames_per_second, burst=config.frame_burst)
        self._stopped = False

    @property
    def closed(self) -> bool:
        """Tell whether the stream is over, by our `Close` or Twilio's end."""
        return self._call.closed

    @property
    def malformed_frames(self) -> int:
        """Return how many of Twilio's frames were refused."""
        return self._call.malformed

    @property
    def settled(self) -> bool:
        """Tell whether nothing more can come of what the caller said before they left."""
        call = self._call
        expected = call.caller_left and (call.gate.active or call.answer_due or call.tools.running)
        return not expected and call.conversation.deadline_ms is None

    def evidence(self) -> Evidence:
        """Return what the caller heard and did after each answered function call."""
        return self._call.conversation.evidence()

    # Twilio's side.

    def start(self, start: twilio.Start, now_ms: float) -> list[Command]:
        """Begin the call: the token in Twilio's `start` was accepted. A recorded greeting is sent at once."""
        call = self._call
        if call.started_at is not None:
            return self.twilio_malformed("repeated_start", now_ms)
        if call.closed:
            return []
        call.started_at = now_ms
        call.stream_sid = call.speech.stream_sid = start.stream_sid
        call.silence.since_ms = now_ms
        if call.session != "ready":
            call.session_deadline = now_ms + call.config.session_timeout_ms
        audio = call.config.greeting_audio
        if audio is not None:
            turn = call.conversation.turn(GREETING, "assistant", 0)
            if turn is not None:
                turn.text = call.config.greeting_text
            call.out += call.speech.play_fixed(GREETING, audio, now_ms)
            call.greeted = True
            call.out.append(RecordLatency("greeting", 0))
        call.begin(now_ms)
        return call.finish(now_ms)

    def receive_twilio(self, message: twilio.Message, now_ms: float) -> list[Command]:
        """Take one message of the media stream."""
        call = self._call
        if call.closed:
            return []
        in_budget = self._budget.take(now_ms)
        if not in_budget and self._budget.flooded(now_ms):
            call.close(1008, "flood")
            return call.finish(now_ms)
        if type(message) is twilio.Media:
            if message.stream_sid != call.stream_sid:
                return self._stray(now_ms)
            payload = message.payload
            if not payload or not in_budget:
                return []
            if len(payload) > call.config.payload_bytes:
                return self.twilio_malformed("too_large", now_ms)
            if call.session == "ready":
                return [SendToOpenAI(realtime.append(payload), True)]
            call.held.hold(payload, twilio.decoded_length(payload))
            return []
        match message:
            case twilio.Connected():
                return []
            case twilio.Start():
                code = "start_refused" if call.started_at is None else "repeated_start"
                return self.twilio_malformed(code, now_ms)
            case twilio.Mark(name=name, stream_sid=stream_sid):
                if call.started_at is None or stream_sid != call.stream_sid:
                    return self._stray(now_ms)
                if call.speech.marked(name, now_ms):
                    call.settle(now_ms)
            case twilio.Dtmf(digit=digit, stream_sid=stream_sid):
                if call.started_at is None or stream_sid != call.stream_sid:
                    return self._stray(now_ms)
                call.press_key(digit, now_ms)
            case twilio.Stop(stream_sid=stream_sid):
                if call.started_at is None or stream_sid != call.stream_sid:
                    return self._stray(now_ms)
                return self.stop(now_ms)
        return call.finish(now_ms)

    def twilio_malformed(self, code: str, now_ms: float) -> list[Command]:
        """Count a frame that is not one of Twilio's; a few are ignored, one that is too large is not."""
        call = self._call
        if call.closed:
            return []
        call.malformed += 1
        call.log("voice.stream.malformed", warning=True, code=code, count=call.malformed)
        if code == "too_large":
            call.close(1009, "frame_too_large")
        elif call.malformed > call.config.malformed_frames:
            call.close(1008, "media_malformed")
        return call.finish(now_ms)

    def stop(self, now_ms: float) -> list[Command]:
        """
        End the records, once: Twilio's side is gone. To be called at the end of every call, after a `Close` too.

        What the clock had not reached counts as unheard. Transcripts and usage that come later are still recorded, and
        if the caller hung up, the calls of a response to their last words are still run (LN10), until `settled`.
        """
        call = self._call
        if self._stopped:
            return []
        self._stopped = True
        call.caller_left = not call.closed
        call.closed = True
        call.speech.stop(now_ms)
        at_ms = call.at(now_ms)
        for turn in call.conversation.turns.values():
            if turn.ended_ms is None:
                turn.ended_ms = max(at_ms, turn.started_ms)
            turn.closed = True
            if turn.speaker == "caller" and turn.transcribed is None:
                turn.transcribed = False  # as far as we know by now
            call.out += call.conversation.rows(turn)
        return call.take()

    # The model's side.

    def openai_opened(self, now_ms: float) -> list[Command]:
        """Note that the socket is open, which proves nothing: the session begins with `session.created`."""
        call = self._call
        if call.session_deadline is not None:
            call.session_deadline = now_ms + call.config.session_timeout_ms
        return []

    def receive_openai(self, event: Mapping[str, Any], now_ms: float) -> list[Command]:
        """Take one event of the model's server."""
        self._call.model_heard_at = now_ms
        if event.get("type") == "response.output_audio.delta":
            commands = self._model.audio(event, now_ms)
            return self.openai_garbage(now_ms) if commands is None else commands
        return self._call.finish(now_ms) if self._model.receive(event, now_ms) else []

    def openai_garbage(self, now_ms: float) -> list[Command]:
        """Count a frame of the model's server that is no event, or an event without what it must have."""
        call = self._call
        if call.closed:
            return []
        call.garbage += 1
        call.log("voice.model.garbage", warning=True, count=call.garbage)
        if call.garbage > call.config.model_garbage:
            call.close(FAILURE, "model_lost")
        return call.finish(now_ms)

    def openai_lost(self, code: int, now_ms: float) -> list[Command]:
        """Note that the model's socket closed or never opened; `code` is the WebSocket's or the upgrade's status."""
        call = self._call
        if call.closed:
            return []
        call.log("voice.model.lost", warning=True, code=code)
        ending = call.ending
        if ending is not None:
            # No more is said; what is on its way will be heard.
            call.gate.lose()
            call.farewell_made(now_ms)
        elif call.session != "ready":
            call.give_up("model_unavailable", now_ms)
        elif code in _ACCOUNT_CODES:
            call.close(FAILURE, "model_unavailable")
        else:
            call.close(FAILURE, "model_lost")
        return call.finish(now_ms)

    def tool_finished(self, call_id: str, answer: ToolAnswer, now_ms: float) -> list[Command]:
        """Pass a tool's answer to the model, once; a second or unknown one is ignored."""
        call = self._call
        batch = call.tools.finish(call_id, answer)
        if batch is None or call.closed:
            return []
        call.lines = call.config.lines.get(answer.language, call.lines)
        if answer.session is not None:
            call.send(realtime.session_update(call.event_id("cfg"), answer.session))
        batch.outputs.add(call.answer(call_id, answer.output))
        call.silence.since_ms = max(call.silence.since_ms, now_ms)
        if not batch.open:
            call.follow(batch, now_ms)
        return call.finish(now_ms)

    # Time.

    @property
    def deadline_ms(self) -> float | None:
        """Return when `tick` is due next."""
        call, gate = self._call, self._call.gate
        if call.closed:
            return None
        due = [
            call.session_deadline,
            gate.timeout_ms,
            call.model_heard_at + STALL_MS if gate.active else None,
            call.conversation.deadline_ms,
            call.speech.deadline_ms,
            call.silence_due(),
            call.ending.deadline_ms if call.ending else None,
            call.limit_due(),
        ]
        if call.session == "ready":
            due.append(call.keypad.due_ms)
            if call.may_ask and gate.ready:
                due.append(call.held_until())
        return min((time for time in due if time is not None), default=None)

    def tick(self, now_ms: float) -> list[Command]:
        """Do what is due by now."""
        call = self._call
        if call.closed:
            return []
        if call.session_deadline is not None and now_ms >= call.session_deadline:
            call.give_up("model_unavailable", now_ms)
            return call.finish(now_ms)
        late = call.gate.time_out(now_ms)
        stalled = call.gate.active and now_ms >= call.model_heard_at + STALL_MS
        if stalled or (late is not None and late.attempts > 1):
            call.close(FAILURE, "model_lost")
            return call.finish(now_ms)
        for turn in call.conversation.overdue(now_ms):
            call.out += call.conversation.rows(turn)
        due = call.speech.deadline_ms
        if due is not None and now_ms >= due:
            call.go_on(now_ms)
        due = call.silence_due()
        if due is not None and now_ms >= due:
            call.prompt(now_ms)
        call.check_limit(now_ms)
        ending = call.ending
        if ending is not None and now_ms >= ending.deadline_ms:
            call.close(1000, ending.reason, ending.intent)
        return call.finish(now_ms)

    def _stray(self, now_ms: float) -> list[Command]:
        """Count a message of another stream, or one before this one has begun."""
        started = self._call.started_at is not None
        return self.twilio_malformed("wrong_stream" if started else "before_start", now_ms)
