"""The state of one call and the acts that either peer, or the clock, may cause."""

from typing import Any, Literal

from voice.protocol import realtime, twilio
from voice.protocol.commands import (
    Close,
    Command,
    Log,
    RecordLatency,
    SendToOpenAI,
)
from voice.protocol.config import LINES, BridgeConfig
from voice.protocol.conversation import GREETING, Conversation
from voice.protocol.endings import AWAIT_FAREWELL_MS, Ending, Intent, Silence
from voice.protocol.events import mapping
from voice.protocol.keypad import Keypad
from voice.protocol.limits import HeldAudio
from voice.protocol.responses import Request, ResponseGate
from voice.protocol.speech import Speech
from voice.protocol.toolcalls import Batch, ToolCalls

FAILURE = 1011  # the WebSocket code of an ending that is our side's or the model's fault

_CALLER_HOLDS_MS = 15_000  # while the caller talks, our requests wait, but not for ever


class Call:
    """One phone call. Commands gather in `out` until `finish` hands them over."""

    def __init__(self, config: BridgeConfig) -> None:
        """Begin before either peer has said anything."""
        self.config = config
        self.lines = config.lines.get(config.language) or LINES["en"]
        self.out: list[Command] = []
        self.closed = False
        self.caller_left = False  # the stream ended without our doing
        self.started_at: float | None = None
        self.stream_sid = ""
        self.session: Literal["connecting", "configuring", "ready"] = "connecting"
        self.session_deadline: float | None = None
        self.model_heard_at = 0.0
        self.malformed = 0
        self.garbage = 0

        self.speech = Speech()
        self.conversation = Conversation(self.speech)
        self.gate = ResponseGate()
        self.tools = ToolCalls()
        self.keypad = Keypad(most=config.dtmf_digits, pause_ms=config.dtmf_pause_ms)
        self.held = HeldAudio(most_bytes=int(config.held_audio_ms * twilio.BYTES_PER_MS))
        self.silence = Silence(
            silence_ms=config.silence_ms,
            wait_ms=config.wait_ms,
            prompts=config.silence_prompts,
        )
        self.ending: Ending | None = None
        self.limit_warned = False

        detection = mapping(mapping(mapping(config.session, "audio"), "input"), "turn_detection")
        self.server_interrupts = detection.get("interrupt_response") is not False
        self.server_responds = detection.get("create_response") is not False
        self.speaking_since: float | None = None
        self.caller_acts = 0
        self.own_response_until = 0.0
        self.answer_due = False  # the server has yet to begin its response to the caller's words
        self.answer_from: float | None = None
        self.greeted = False
        self.muted: set[str] = set()  # responses of which no more audio is played
        self.truncates: dict[str, tuple[str, int]] = {}  # by event id, to try once more
        self.outputs: dict[str, str] = {}  # ids of the items that hold answers, by function call
        self._events = 0

    def at(self, now_ms: float) -> int:
        """Return the time since the start of the call."""
        return 0 if self.started_at is None else max(0, int(now_ms - self.started_at))

    def event_id(self, kind: str) -> str:
        """Name an event of ours."""
        self._events += 1
        return f"{kind}_{self._events}"

    def send(self, event: str) -> None:
        """Send an event to the model."""
        self.out.append(SendToOpenAI(event))

    def log(self, event: str, *, warning: bool = False, **fields: Any) -> None:
        """Write a log line."""
        self.out.append(Log(event, fields, warning))

    def close(self, code: int, reason: str, intent: Intent = "") -> None:
        """End the stream, once."""
        if not self.closed:
            self.closed = True
            self.out.append(Close(code, reason, intent))

    def take(self) -> list[Command]:
        """Hand over the commands."""
        out, self.out = self.out, []
        return out

    def finish(self, now_ms: float) -> list[Command]:
        """Do what has become possible, and hand over the commands."""
        if not self.closed and self.session == "ready":
            due = self.keypad.due_ms
            if due is not None and now_ms >= due:
                self.pass_on_keys(now_ms)
            self._ask_next(now_ms)
        ending = self.ending
        if (
            not self.closed
            and ending is not None
            and not ending.awaited
            and not self.speech.pending
        ):
            self.close(1000, ending.reason, ending.intent)
        return self.take()

    def _ask_next(self, now_ms: float) -> None:
        """Request the next response, if the way is free."""
        if self.may_ask and now_ms >= self.held_until():
            request = self.gate.next(now_ms)
            if request is not None:
                self._request(request)

    @property
    def may_ask(self) -> bool:
        """Tell whether we still want responses: not while the last words are on their way."""
        return self.ending is None or self.ending.awaited

    def held_until(self) -> float:
        """Return until when requests wait, for the caller is talking or the server is about to answer."""
        until = max(self.gate.not_before_ms, self.own_response_until)
        if self.speaking_since is not None:
            until = max(until, self.speaking_since + _CALLER_HOLDS_MS)
        return until

    # The session.

    def begin(self, now_ms: float) -> None:
        """Greet, as soon as the stream has started and the session is confirmed."""
        if self.started_at is None or self.session != "ready":
            return
        self.session_deadline = None
        self.silence.since_ms = max(self.silence.since_ms, now_ms)
        if self.config.greeting_audio is not None:
            if self.config.greeting_text:
                # The model did not say it, so it must be told that it was said.
                self.send(
                    realtime.message_create(
                        self.event_id("greet"), "assistant", self.config.greeting_text, GREETING
                    )
                )
        elif self.config.greeting_text:
            self.say("greeting", self.config.greeting_text)
            self._ask_next(now_ms)
        for payload in self.held.take():
            self.out.append(SendToOpenAI(realtime.append(payload), audio=True))

    # Speaking.

    def say(self, purpose: str, words: str) -> None:
        """Have the model say these words."""
        quoted = words.replace('"', "'")
        prelude = realtime.message_create(
            self.event_id("say"), "system", f'Say exactly: "{quoted}"'
        )
        self.gate.ask(Request(purpose=purpose, prelude=prelude, tool_choice="none"))

    def _request(self, request: Request) -> None:
        if request.prelude:
            self.send(request.prelude)
        metadata = {"rid": request.rid}
        if request.purpose:
            metadata["purpose"] = request.purpose
        self.send(
            realtime.response_create(
                request.rid, metadata=metadata, tool_choice=request.tool_choice
            )
        )

    def first_audio(self, item_id: str, now_ms: float) -> None:
        """Note that the assistant begins to speak an item."""
        playing_at = self.at(now_ms + self.speech.pending_ms(now_ms))
        turn = self.conversation.turn(item_id, "assistant", playing_at)
        if turn is not None:
            turn.started_ms = playing_at
        if self.answer_from is not None:
            self.out.append(RecordLatency("answer", max(0, int(now_ms - self.answer_from))))
            self.answer_from = None
        if not self.greeted:
            self.greeted = True
            self.out.append(RecordLatency("greeting", self.at(now_ms)))

    def settle(self, now_ms: float) -> None:
        """Count the silence from here, and go on with what was heard."""
        self.silence.since_ms = max(self.silence.since_ms, now_ms)
        self.go_on(now_ms)

    def go_on(self, now_ms: float) -> None:
        """Store what has been heard to its end, and send what Twilio has room for."""
        for item_id in self.speech.settle(now_ms):
            self._close_turn(item_id, now_ms)
        self.out += self.speech.release(now_ms)

    def _close_turn(self, item_id: str, now_ms: float) -> None:
        turn = self.conversation.turns.get(item_id)
        if turn is not None:
            turn.closed = True
            turn.ended_ms = max(self.at(now_ms), turn.started_ms)
            self.out += self.conversation.rows(turn)

    def barge_in(self, now_ms: float, *, by_key: bool) -> None:
        """Fall silent for the caller, and tell the model what was heard."""
        self.caller_acts += 1
        self.silence.broken(now_ms)
        self.gate.drop_purposes("silence")
        if self.ending is not None and self.ending.cancelable:
            self.ending = None
            self.gate.drop_purposes("goodbye")
        commands, cuts = self.speech.interrupt(now_ms, by_key=by_key)
        self.out += commands
        if self.gate.active:
            if self.gate.active_id:
                self.muted.add(self.gate.active_id)
            if by_key or not self.server_interrupts:
                self.send(realtime.response_cancel(self.event_id("cancel"), self.gate.active_id))
        for cut in cuts:
            if cut.truncate:
                self.truncate(cut.item_id, cut.content_index, cut.heard_ms)
            self._close_turn(cut.item_id, now_ms)

    def truncate(self, item_id: str, content_index: int, heard_ms: int) -> str:
        """Tell the model how much of an item was heard; return the id of the event."""
        event_id = self.event_id("tr")
        self.truncates[event_id] = (item_id, content_index)
        self.send(realtime.item_truncate(event_id, item_id, heard_ms, content_index))
        return event_id

    # Keys.

    def press_key(self, key: str, now_ms: float) -> None:
        """Take a key of the caller, which interrupts as speech does."""
        self.barge_in(now_ms, by_key=True)
        self.keypad.press(key, now_ms)

    def pass_on_keys(self, now_ms: float) -> None:
        """Give the model what was typed, as something that the caller said."""
        words = self.keypad.take()
        item_id = self.event_id("keys")
        turn = self.conversation.turn(item_id, "caller", self.at(now_ms))
        if turn is not None:
            turn.ended_ms = turn.started_ms
            self.conversation.transcribe(turn, words)
            turn.committed = True
            self.out += self.conversation.rows(turn)
        self.send(realtime.message_create(self.event_id("item"), "user", words, item_id))
        self.gate.sent(item_id)
        self.gate.ask(Request(answers={item_id}))
        self.silence.broken(now_ms)

    # Tools.

    def answer(self, call_id: str, output: str) -> str:
        """Send the answer to a function call; return the id of its item."""
        item_id = self.event_id("out")
        self.outputs[call_id] = item_id
        self.send(realtime.function_output_create(self.event_id("item"), call_id, output, item_id))
        self.gate.sent(item_id)
        self.conversation.answered(call_id)
        return item_id

    def follow(self, batch: Batch, now_ms: float) -> None:
        """Go on after all calls of a response were answered."""
        if self.ending is not None:
            return
        if "transfer" in batch.effects:
            self.end("transfer", "transfer", now_ms, spoken=batch.spoke, cancelable=False)
        elif "end" in batch.effects and batch.caller_acts == self.caller_acts:
            self.end("ended", "ended", now_ms, spoken=batch.spoke, cancelable=True)
        elif batch.effects == {"wait"}:
            self.silence.patient = True
            self.silence.since_ms = now_ms
        else:
            self.gate.ask(Request(answers=batch.outputs))

    # Endings.

    def end(
        self, reason: str, intent: Intent, now_ms: float, *, spoken: bool, cancelable: bool
    ) -> None:
        """Close after the farewell was heard; the model is asked for one unless it has `spoken` already."""
        self.gate.drop_purposes("", "silence", "warning", "greeting")
        awaited = not (spoken or self.speech.pending)
        if awaited:
            self.gate.ask(Request(purpose="goodbye", tool_choice="none"))
        self._begin_ending(reason, intent, now_ms, awaited=awaited, cancelable=cancelable)

    def end_with(self, words: str, reason: str, now_ms: float, *, cancelable: bool) -> None:
        """Say these words and close."""
        self.gate.drop_purposes("", "silence", "warning", "greeting")
        self.say("goodbye", words)
        self._begin_ending(reason, "ended", now_ms, awaited=True, cancelable=cancelable)

    def _begin_ending(
        self, reason: str, intent: Intent, now_ms: float, *, awaited: bool, cancelable: bool
    ) -> None:
        wait = AWAIT_FAREWELL_MS if awaited else self.config.farewell_timeout_ms
        deadline = now_ms + self.speech.pending_ms(now_ms) + wait
        self.ending = Ending(reason, intent, deadline, awaited, cancelable)

    def give_up(self, reason: str, now_ms: float) -> None:
        """
        Close because the call cannot be held, after the greeting that is being played: it tells of emergencies.

        Nothing is stored as our intent, so that Twilio's next step is the apology (R7).
        """
        self.session_deadline = None
        if self.speech.pending:
            self._begin_ending(reason, "", now_ms, awaited=False, cancelable=False)
        else:
            self.close(FAILURE, reason)

    def farewell_made(self, now_ms: float) -> None:
        """Note that no more comes of the farewell than what is on its way."""
        if self.ending is not None and self.ending.awaited:
            self.ending.awaited = False
            self.ending.deadline_ms = (
                now_ms + self.speech.pending_ms(now_ms) + self.config.farewell_timeout_ms
            )

    # Silence and length.

    def silence_due(self) -> float | None:
        """Return when the caller has been silent for too long; nothing while anything else goes on."""
        if (
            self.session != "ready"
            or self.started_at is None
            or self.ending is not None
            or self.speaking_since is not None
            or self.tools.running
            or self.keypad.typing
            or not self.gate.idle
            or self.speech.waiting
        ):
            return None
        return self.silence.due_ms(self.speech.playback.dry_at_ms)

    def prompt(self, now_ms: float) -> None:
        """Ask a silent caller whether they are there, and at last say goodbye."""
        step = self.silence.next(now_ms)
        if step == "wait":
            self.say("silence", self.lines.wait)
        elif step == "goodbye":
            self.end_with(self.lines.silence_goodbye, "silent", now_ms, cancelable=True)
        else:
            lines = self.lines.silence
            self.say("silence", lines[min(step, len(lines) - 1)])

    def limit_due(self) -> float | None:
        """Return when the call's length next matters."""
        if self.started_at is None or (self.ending is not None and not self.ending.cancelable):
            return None
        limit = self.started_at + self.config.call_limit_ms
        return limit if self.limit_warned else limit - self.config.call_limit_warning_ms

    def check_limit(self, now_ms: float) -> None:
        """Warn the caller a minute before the call becomes too long, and end it then."""
        due = self.limit_due()
        if due is None or now_ms < due:
            return
        if not self.limit_warned:
            self.limit_warned = True
            if self.ending is None:
                self.say("warning", self.lines.limit_warning)
            due = self.limit_due()
        if due is not None and now_ms >= due:
            self.end_with(self.lines.limit_goodbye, "call_limit", now_ms, cancelable=False)
