"""Both peers may do anything in any order: nothing raises, and what must hold holds after every step."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.voice.protocol.calls import PCMU, SESSION, STREAM, audio
from tests.voice.protocol.schema import check_client_event
from voice.protocol import realtime, twilio
from voice.protocol.bridge import Bridge, BridgeConfig
from voice.protocol.commands import (
    Close,
    Command,
    RecordTurn,
    RunTool,
    SendToOpenAI,
    SendToTwilio,
    ToolAnswer,
)

ITEMS = st.sampled_from(["item_1", "item_2", "item_3", "greeting", "out_9", ""])
ONCE_IN_A_WHILE = st.integers(0, 31).map(lambda number: number == 23)  # 0 would be drawn too often
RESPONSES = st.sampled_from(["resp_1", "resp_2", "resp_3"])
CALLS = st.sampled_from(["call_1", "call_2", "call_3", ""])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        *("session", "item", "item_id", "response", "response_id", "delta", "error", "usage"),
        *("previous_item_id", "transcript", "content_index"),
    ]
)
EVENT_TYPES = st.sampled_from(
    [
        "session.created",
        "session.updated",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.truncated",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.failed",
        "response.created",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
        "response.done",
        "rate_limits.updated",
        "error",
        "something.new",
    ]
)


class AnyOrder(RuleBasedStateMachine):
    """One call between two peers that obey no rules."""

    def __init__(self) -> None:
        super().__init__()
        self.bridge = Bridge(
            BridgeConfig(
                SESSION, "Hello.", b"\x7f" * 4_000, call_limit_ms=120_000, malformed_frames=50
            )
        )
        self.now = 0.0
        self.marks: list[str] = []
        self.requested: list[str] = []
        self.outstanding: set[str] = set()  # requests that the server has neither begun nor refused
        self.active: set[str] = (
            set()
        )  # responses that the bridge was told of and not told the end of
        self.answered: list[str] = []
        self.run: list[str] = []
        self.closed = 0
        self.rows: dict[str, RecordTurn] = {}
        self.asked_at = 0.0
        self.answerable: set[str] = set()

    @initialize(ready=st.sampled_from([True, True, True, False]))
    def the_call_begins(self, ready: bool) -> None:
        """Most runs are about a call that works."""
        if ready:
            self.the_stream_starts()
            self.the_model_answers()
            self.the_session_is_confirmed()

    def take(self, commands: list[Command]) -> None:
        """Hold every command against the rules."""
        for command in commands:
            match command:
                case SendToOpenAI(text=text):
                    check_client_event(text)
                    self.sent(json.loads(text))
                case SendToTwilio(text=text):
                    message = json.loads(text)
                    assert message["event"] in ("media", "mark", "clear")
                    if message["event"] == "mark":
                        self.marks.append(message["mark"]["name"])
                    elif message["event"] == "media":
                        assert len(message["media"]["payload"]) <= 2_136  # 200 ms
                case RunTool(call_id=call_id):
                    assert call_id not in self.run
                    self.run.append(call_id)
                case Close():
                    self.closed += 1
                case RecordTurn():
                    assert 0 <= command.heard_ms <= command.sent_ms or command.speaker == "caller"
                    assert command.ended_ms is None or command.ended_ms >= command.started_ms
                    self.rows[command.item_id] = command

    def sent(self, event: dict[str, Any]) -> None:
        """Follow what the bridge asks of the model."""
        if event["type"] == "response.create":
            assert not self.outstanding
            assert not self.active
            self.outstanding.add(event["event_id"])
            self.asked_at = self.now
            self.requested.append(event["event_id"])
        elif event["type"] == "conversation.item.create":
            if event["item"]["type"] == "function_call_output":
                assert event["item"]["call_id"] not in self.answered
                self.answered.append(event["item"]["call_id"])
        elif event["type"] == "conversation.item.truncate":
            assert event["audio_end_ms"] >= 0

    def hear(self, event: dict[str, Any]) -> None:
        self.take(self.bridge.receive_openai(event, self.now))

    def forget_lost_request(self) -> None:
        """A request that nothing was heard of for ten seconds may be made again."""
        if self.now >= self.asked_at + 10_000:
            self.outstanding.clear()

    @rule(ms=st.sampled_from([1, 20, 199, 700, 3_000, 12_000]))
    def time_passes(self, ms: int) -> None:
        self.now += ms
        due = self.bridge.deadline_ms
        if due is not None and due <= self.now:
            self.forget_lost_request()
            self.take(self.bridge.tick(self.now))

    @rule()
    def the_timer_does_not_spin(self) -> None:
        due = self.bridge.deadline_ms
        if due is None:
            return
        self.now = max(self.now, due)
        for _ in range(4):
            self.forget_lost_request()
            self.take(self.bridge.tick(self.now))
        due = self.bridge.deadline_ms
        assert due is None or due > self.now

    @rule()
    def the_stream_starts(self) -> None:
        self.take(self.bridge.start(twilio.Start(STREAM, "CA1", "AC1"), self.now))

    @rule()
    def the_model_answers(self) -> None:
        self.take(self.bridge.openai_opened(self.now))
        self.hear({"type": "session.created"})

    @rule()
    def the_session_is_confirmed(self) -> None:
        sides = {"input": {"format": PCMU}, "output": {"format": PCMU}}
        self.hear({"type": "session.updated", "session": {"audio": sides}})

    @rule(ms=st.integers(0, 60))
    def the_caller_is_heard(self, ms: int) -> None:
        self.take(self.bridge.receive_twilio(twilio.Media(audio(ms), stream_sid=STREAM), self.now))

    @rule(digit=st.sampled_from("19#*"))
    def a_key_is_pressed(self, digit: str) -> None:
        self.take(self.bridge.receive_twilio(twilio.Dtmf(digit, STREAM), self.now))

    @rule(at=st.integers(0, 5))
    def a_mark_comes_back(self, at: int) -> None:
        name = self.marks.pop(min(at, len(self.marks) - 1)) if self.marks else "0|greeting|5"
        self.take(self.bridge.receive_twilio(twilio.Mark(name, STREAM), self.now))

    @rule(code=st.sampled_from(["not_json", "bad_payload"]))
    def a_frame_is_malformed(self, code: str) -> None:
        self.take(self.bridge.twilio_malformed(code, self.now))

    @rule(item=ITEMS, kind=st.sampled_from(["speech_started", "speech_stopped", "committed"]))
    def the_caller_speaks(self, item: str, kind: str) -> None:
        self.hear({"type": f"input_audio_buffer.{kind}", "item_id": item})

    @rule(item=ITEMS, previous=st.none() | ITEMS)
    def an_item_is_added(self, item: str, previous: str | None) -> None:
        self.hear(
            {
                "type": "conversation.item.added",
                "previous_item_id": previous,
                "item": {"id": item, "type": "message"},
            }
        )

    @rule(response=RESPONSES, ours=st.booleans())
    def a_response_begins(self, response: str, ours: bool) -> None:
        rid = self.requested[-1] if ours and self.requested else None
        self.active = {response}
        if rid is not None:
            self.outstanding.discard(rid)
        commands = self.bridge.receive_openai(
            {
                "type": "response.created",
                "response": {"id": response, "metadata": {"rid": rid} if rid else None},
            },
            self.now,
        )
        if any(isinstance(c, SendToOpenAI) and "response.cancel" in c.text for c in commands):
            self.active.clear()  # nobody waits for it any more
        self.take(commands)

    @rule(response=RESPONSES, item=ITEMS, ms=st.integers(0, 900))
    def the_assistant_speaks(self, response: str, item: str, ms: int) -> None:
        self.hear(
            {
                "type": "response.output_audio.delta",
                "response_id": response,
                "item_id": item,
                "content_index": 0,
                "delta": audio(ms),
            }
        )

    @rule(item=ITEMS, words=st.text(max_size=30))
    def the_assistant_is_written_down(self, item: str, words: str) -> None:
        self.hear(
            {
                "type": "response.output_audio_transcript.done",
                "item_id": item,
                "transcript": words,
            }
        )

    @rule(
        response=RESPONSES,
        status=st.sampled_from(
            ["completed", "completed", "completed", "cancelled", "incomplete", "failed"]
        ),
        calls=st.lists(CALLS, max_size=3),
        call_status=st.sampled_from(["completed", "incomplete"]),
    )
    def a_response_ends(
        self, response: str, status: str, calls: list[str], call_status: str
    ) -> None:
        self.active.discard(response)
        self.hear(
            {
                "type": "response.done",
                "response": {
                    "id": response,
                    "status": status,
                    "output": [
                        {
                            "type": "function_call",
                            "status": call_status,
                            "call_id": call,
                            "name": "find_slots",
                            "arguments": "{}",
                        }
                        for call in calls
                    ],
                },
            }
        )

    @rule(
        call=CALLS,
        at=st.integers(0, 3),
        effect=st.sampled_from(["", "", "", "end", "transfer", "wait"]),
        session=st.none() | st.just({"type": "realtime", "instructions": "Español."}),
    )
    def a_tool_finishes(
        self, call: str, at: int, effect: Any, session: dict[str, Any] | None
    ) -> None:
        if at < len(self.run):
            call = self.run[at]
        answer = ToolAnswer('{"ok":true}', effect, session)
        self.take(self.bridge.tool_finished(call, answer, self.now))

    @rule(collision=st.booleans())
    def a_request_is_refused(self, collision: bool) -> None:
        event_id = self.requested[-1] if self.requested else "rc_0"
        if event_id in self.outstanding:
            self.outstanding.discard(event_id)
        code = realtime.ACTIVE_RESPONSE if collision else "invalid_value"
        self.hear({"type": "error", "error": {"code": code, "event_id": event_id}})

    @rule(event=st.dictionaries(KEYS, JUNK, max_size=4), kind=EVENT_TYPES)
    def the_model_sends_nonsense(self, event: dict[str, Any], kind: str) -> None:
        if kind == "session.updated" and not self.closed:
            return  # any other format ends the call at once: it has its own test
        if kind in ("response.created", "response.done", "error"):
            # Whatever it meant: the machine no longer knows what is active.
            self.outstanding.clear()
            self.active.clear()
        self.hear({**event, "type": kind})

    @rule(chance=ONCE_IN_A_WHILE)
    def a_frame_of_the_model_is_garbage(self, chance: bool) -> None:
        if not chance:
            return
        self.take(self.bridge.openai_garbage(self.now))

    @rule(chance=ONCE_IN_A_WHILE)
    def the_model_is_lost(self, chance: bool) -> None:
        if not chance:
            return
        self.active.clear()
        self.outstanding.clear()
        self.take(self.bridge.openai_lost(1006, self.now))

    @rule(chance=ONCE_IN_A_WHILE)
    def the_stream_stops(self, chance: bool) -> None:
        if not chance:
            return
        self.take(self.bridge.stop(self.now))
        assert self.bridge.deadline_ms is None

    @invariant()
    def it_closes_at_most_once(self) -> None:
        assert self.closed <= 1

    @invariant()
    def evidence_can_always_be_given(self) -> None:
        assert set(self.bridge.evidence().after) == set(self.answered)


AnyOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=80, deadline=None)
TestAnyOrder = AnyOrder.TestCase
