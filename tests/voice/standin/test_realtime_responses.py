"""Responses, interruptions and faults of the stand-in (openai-realtime, section 12)."""

import base64
import json

import pytest

from tests.voice.standin.talk import (
    LOUD_FRAME,
    PHONE,
    PLAIN,
    QUIET_FRAME,
    FixedBrain,
    Talk,
    assert_official,
    is_in_order,
    named,
    types,
    voice,
)
from voice.standin.answers import BrainError, CallTool, Happening, Speak
from voice.standin.faults import EXPIRY_REASON, FAULTS, Behaviour, Fault
from voice.standin.outputs import CloseSocket, DropSocket, SendText, StallSocket

LONG = Speak("A long answer that goes on for five whole seconds.")  # 50 characters, 5 s
CALL = CallTool("find_slots", '{"weekday":"tue"}')


def answering(*answers: object, behaviour: Behaviour = PLAIN) -> Talk:
    talk = Talk(FixedBrain(list(answers)), behaviour)  # type: ignore[arg-type]  # terse on purpose
    talk.configure()
    return talk


class TestLadder:
    """Item 4."""

    def test_has_the_vendors_order(self) -> None:
        talk = answering(Speak("Sure, which day?"))

        events = talk.send("response.create") + talk.wait(5_000)

        assert is_in_order(
            [
                "response.created",
                "response.output_item.added",
                "conversation.item.added",
                "response.content_part.added",
                "response.output_audio_transcript.delta",
                "response.output_audio.delta",
                "response.output_audio.done",
                "response.output_audio_transcript.done",
                "response.content_part.done",
                "conversation.item.done",
                "response.output_item.done",
                "response.done",
                "rate_limits.updated",
            ],
            events,
        )

    def test_streams_five_seconds_in_half_a_second_so_that_playback_outlasts_it(self) -> None:
        talk = answering(LONG)
        talk.send("response.create")
        talk.wait(5_000)

        first = types(talk.events).index("response.output_audio.delta")
        done = types(talk.events).index("response.done")

        assert 400 <= talk.stamps[done] - talk.stamps[first] <= 550

    def test_sends_the_whole_voice_and_every_word_interleaved(self) -> None:
        talk = answering(LONG)
        talk.send("response.create")
        events = talk.wait(5_000)

        audio = named(events, "response.output_audio.delta")
        words = named(events, "response.output_audio_transcript.delta")
        assert b"".join(base64.b64decode(event["delta"]) for event in audio) == voice(LONG.text)
        assert "".join(event["delta"] for event in words) == LONG.text
        assert len(words) == len(LONG.text.split())
        last_word = events.index(words[-1])
        assert events.index(audio[0]) < last_word
        assert events.index(words[0]) < events.index(audio[0])

    def test_speaks_in_the_configured_output_format(self) -> None:
        unconfigured = Talk(FixedBrain([Speak("Hello")]))
        unconfigured.send("response.create")

        deltas = named(unconfigured.wait(5_000), "response.output_audio.delta")

        size = sum(len(base64.b64decode(event["delta"])) for event in deltas)
        assert size == 48 * 500  # 24 kHz, 16 bits, half a second

    def test_refuses_a_second_response_and_does_nothing_else(self) -> None:
        talk = answering(LONG)
        (created,) = talk.send("response.create")

        error = talk.error(talk.send("response.create", event_id="rc_7"))

        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "rc_7"
        assert created["response"]["id"] in error["message"]
        talk.wait(5_000)
        assert types(talk.events).count("response.done") == 1

    def test_accepts_the_next_response_as_soon_as_one_is_done(self) -> None:
        talk = answering(Speak("Hello"))
        talk.send("response.create")
        talk.wait(5_000)

        assert types(talk.send("response.create")) == ["response.created"]

    def test_echoes_metadata(self) -> None:
        talk = answering(Speak("Hello"))
        (created,) = talk.send("response.create", response={"metadata": {"rid": "rc_7"}})

        (done,) = named(talk.wait(5_000), "response.done")

        assert created["response"]["metadata"] == {"rid": "rc_7"}
        assert done["response"]["metadata"] == {"rid": "rc_7"}

    def test_can_hold_two_audio_items(self) -> None:
        talk = answering(Speak("One moment."), Speak("I have ten."))
        talk.send("response.create")

        (done,) = named(talk.wait(5_000), "response.done")

        assert [item["type"] for item in done["response"]["output"]] == ["message", "message"]

    def test_can_hold_a_preamble_and_a_function_call(self) -> None:
        talk = answering(Speak("One moment."), CALL)
        talk.send("response.create")

        events = talk.wait(5_000)

        _, call = named(events, "response.done")[0]["response"]["output"]
        assert (call["name"], call["arguments"]) == ("find_slots", '{"weekday":"tue"}')
        assert call["status"] == "completed"
        assert len(call["call_id"]) == len("call_") + 16
        deltas = named(events, "response.function_call_arguments.delta")
        assert "".join(event["delta"] for event in deltas) == call["arguments"]
        (arguments,) = named(events, "response.function_call_arguments.done")
        assert (arguments["name"], arguments["call_id"]) == ("find_slots", call["call_id"])
        assert Happening("called", call_id=call["call_id"]) in talk.brain.happenings

    def test_can_hold_two_function_calls(self) -> None:
        talk = answering(CALL, CallTool("clinic_info", "{}"))
        talk.send("response.create")

        (done,) = named(talk.wait(5_000), "response.done")

        names = [item["name"] for item in done["response"]["output"]]
        assert names == ["find_slots", "clinic_info"]

    def test_takes_an_output_to_its_call_only(self) -> None:
        talk = answering(CALL)
        talk.send("response.create")
        (done,) = named(talk.wait(5_000), "response.done")
        call_id = done["response"]["output"][0]["call_id"]

        item = {"type": "function_call_output", "call_id": call_id, "output": '{"ok":true}'}
        events = talk.send("conversation.item.create", item=item)

        assert types(events) == ["conversation.item.added", "conversation.item.done"]
        assert talk.brain.happenings[-1] == Happening("output", '{"ok":true}', call_id)

    def test_answers_in_text_when_asked_for_text(self) -> None:
        talk = answering(Speak("Hello there"))
        talk.send("response.create", response={"output_modalities": ["text"]})

        events = talk.wait(5_000)

        assert named(events, "response.output_text.done")[0]["text"] == "Hello there"
        assert not named(events, "response.output_audio.delta")
        (done,) = named(events, "response.done")
        assert done["response"]["output"][0]["content"] == [
            {"type": "output_text", "text": "Hello there"}
        ]

    def test_ends_incomplete_at_the_token_limit(self) -> None:
        talk = answering(LONG)
        talk.send("response.create", response={"max_output_tokens": 20})

        (done,) = named(talk.wait(5_000), "response.done")

        assert done["response"]["status"] == "incomplete"
        assert done["response"]["status_details"]["reason"] == "max_output_tokens"
        assert done["response"]["usage"]["output_token_details"]["audio_tokens"] == 20

    def test_adds_up_its_usage(self) -> None:
        talk = answering(LONG)
        for _ in range(2):
            talk.send("response.create")
            talk.wait(5_000)

        usages = [event["response"]["usage"] for event in named(talk.events, "response.done")]

        for usage in usages:
            details, spoken = usage["input_token_details"], usage["output_token_details"]
            assert usage["input_tokens"] == details["text_tokens"] + details["audio_tokens"]
            assert usage["output_tokens"] == spoken["text_tokens"] + spoken["audio_tokens"]
            assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usages[0]["output_token_details"]["audio_tokens"] == 100
        assert usages[0]["input_token_details"]["cached_tokens"] == 0
        assert usages[1]["input_token_details"]["cached_tokens"] > 0

    def test_reports_rate_limits_forty_milliseconds_later(self) -> None:
        """Item 12."""
        talk = answering(Speak("Hello"))
        talk.send("response.create")
        talk.wait(5_000)

        done = types(talk.events).index("response.done")
        limits = types(talk.events).index("rate_limits.updated")

        assert talk.stamps[limits] - talk.stamps[done] == pytest.approx(40)

    def test_fails_visibly_when_the_script_does_not_fit(self) -> None:
        talk = Talk(FixedBrain(BrainError("no such slot")))
        talk.send("response.create")

        (done,) = named(talk.wait(5_000), "response.done")

        assert done["response"]["status"] == "failed"
        assert done["response"]["status_details"]["error"]["message"] == "no such slot"


class TestBesideTheConversation:
    """Item 5."""

    SUMMARY = {
        "conversation": "none",
        "output_modalities": ["text"],
        "metadata": {"purpose": "summary"},
    }

    def test_runs_parallel_to_an_active_response(self) -> None:
        talk = answering(LONG)
        talk.send("response.create")

        (created,) = talk.send("response.create", response=self.SUMMARY)
        events = talk.wait(5_000)

        assert created["response"]["conversation_id"] is None
        done = named(events, "response.done")
        assert {event["response"]["status"] for event in done} == {"completed"}
        assert len(done) == 2

    def test_leaves_no_trace_in_the_conversation(self) -> None:
        talk = answering(Speak("Nothing to add"))
        talk.send("response.create", response=self.SUMMARY)

        events = talk.wait(5_000)

        assert not [name for name in types(events) if name.startswith("conversation.item")]
        (done,) = named(events, "response.done")
        item_id = done["response"]["output"][0]["id"]
        error = talk.error(talk.send("conversation.item.retrieve", item_id=item_id))
        assert error["code"] == "item_retrieve_invalid_item_id"

    def test_is_not_cancelled_by_the_caller(self) -> None:
        talk = answering(LONG)
        talk.send("response.create", response=self.SUMMARY)

        done = named(talk.hear(LOUD_FRAME * 10) + talk.wait(5_000), "response.done")

        assert [event["response"]["status"] for event in done] == ["completed"]

    def test_refuses_a_reference_to_an_unknown_item(self) -> None:
        talk = answering(LONG)
        asked = {**self.SUMMARY, "input": [{"type": "item_reference", "id": "item_gone"}]}

        assert types(talk.send("response.create", response=asked)) == ["error"]


class TestInterruption:
    """Item 6."""

    def interrupted(self) -> tuple[Talk, list[dict[str, object]]]:
        talk = answering(LONG)
        talk.send("response.create")
        talk.wait(350)
        return talk, talk.hear(LOUD_FRAME * 3, pace=False)

    def test_cancels_with_what_was_streamed(self) -> None:
        talk, events = self.interrupted()

        (done,) = named(events, "response.done")
        response = done["response"]
        assert response["status"] == "cancelled"
        assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert response["usage"] is not None
        (item,) = response["output"]
        assert item["status"] == "incomplete"
        deltas = named(talk.events, "response.output_audio_transcript.delta")
        streamed = "".join(event["delta"] for event in deltas)
        assert item["content"] == [{"type": "output_audio", "transcript": streamed}]
        assert LONG.text.startswith(streamed)
        assert streamed != LONG.text
        assert is_in_order(
            [
                "input_audio_buffer.speech_started",
                "response.output_audio.delta",
                "response.output_audio.done",
                "response.output_audio_transcript.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.done",
            ],
            events,
        )
        assert_official(talk.events)

    def test_still_sends_a_few_queued_deltas(self) -> None:
        """So that a client's muting is tested."""
        _, events = self.interrupted()

        started = types(events).index("input_audio_buffer.speech_started")
        assert types(events)[started:].count("response.output_audio.delta") == 3

    def test_sends_nothing_of_the_response_afterwards(self) -> None:
        talk, _ = self.interrupted()

        later = talk.wait(5_000)

        assert types(later) == ["rate_limits.updated"]

    def test_is_followed_by_the_answer_to_the_new_turn(self) -> None:
        talk, _ = self.interrupted()

        events = talk.hear(LOUD_FRAME * 5 + QUIET_FRAME * 25)

        assert "response.created" in types(events)

    def test_finds_nothing_to_cancel_once_all_was_generated(self) -> None:
        talk = answering(LONG)
        talk.send("response.create")
        talk.wait(1_000)  # 5 s of audio still play at the client

        events = talk.hear(LOUD_FRAME * 3, pace=False)

        assert types(events) == ["input_audio_buffer.speech_started"]

    def test_leaves_the_response_alone_when_told_so_and_gives_the_turn_none(self) -> None:
        slow = Behaviour(oddity=0, speed=1)
        detection = {"type": "server_vad", "silence_duration_ms": 500, "interrupt_response": False}
        talk = Talk(FixedBrain([LONG]), slow)
        talk.configure({**PHONE, "input": {**PHONE["input"], "turn_detection": detection}})
        talk.send("response.create")
        talk.wait(300)

        events = talk.speak()

        assert "input_audio_buffer.committed" in types(events)
        assert "response.created" not in types(events)
        (done,) = named(talk.wait(10_000), "response.done")
        assert done["response"]["status"] == "completed"

    def test_tells_the_brain_of_calls_that_nobody_will_run(self) -> None:
        talk = answering(LONG, CALL)
        talk.send("response.create")
        talk.wait(350)
        talk.hear(LOUD_FRAME * 3)

        kinds = [happening.kind for happening in talk.brain.happenings]

        assert kinds == ["called", "cut"]

    def test_closes_a_half_streamed_call_as_incomplete(self) -> None:
        talk = answering(CallTool("leave_message", json.dumps({"text": "x" * 500})))
        talk.send("response.create")
        talk.wait(290)

        events = talk.send("response.cancel")

        (arguments,) = named(events, "response.function_call_arguments.done")
        (done,) = named(events, "response.done")
        (item,) = done["response"]["output"]
        assert (item["status"], item["arguments"]) == ("incomplete", arguments["arguments"])
        assert len(item["arguments"]) < 500

    def test_can_be_asked_for_by_the_client(self) -> None:
        talk = answering(LONG)
        (created,) = talk.send("response.create")
        talk.wait(350)

        events = talk.send("response.cancel", response_id=created["response"]["id"])

        (done,) = named(events, "response.done")
        assert done["response"]["status_details"]["reason"] == "client_cancelled"

    def test_is_refused_when_nothing_is_active(self) -> None:
        talk = answering(LONG)

        error = talk.error(talk.send("response.cancel", event_id="c_1"))
        talk.send("response.create")
        other = talk.error(talk.send("response.cancel", response_id="resp_other"))

        assert error["code"] == "response_cancel_not_active"
        assert error["message"] == "Cancellation failed: no active response found"
        assert error["event_id"] == "c_1"
        assert other["code"] == "response_cancel_not_active"


class TestFaults:
    """Item 13, the causes of F1 to F9."""

    def run(self, *names: str) -> Talk:
        talk = answering(LONG, behaviour=PLAIN.with_faults(*names))
        talk.send("response.create")
        talk.wait(5_000)
        return talk

    def test_every_named_fault_can_be_chosen(self) -> None:
        for name in FAULTS:
            assert PLAIN.with_faults(name).faults == (FAULTS[name],)

    def test_mute_accepts_and_says_nothing(self) -> None:
        """F2."""
        talk = self.run("mute")

        assert talk.outputs == []
        assert talk.session.deadline_ms is None

    def test_dropped_cuts_the_connection_mid_response(self) -> None:
        """F3."""
        talk = self.run("dropped")

        assert talk.outputs[-1] == DropSocket()
        assert types(talk.events).count("response.output_audio.delta") == 2
        assert "response.done" not in types(talk.events)
        assert talk.send("response.create") == []

    def test_server_fault_closes_with_1011(self) -> None:
        """F3."""
        assert self.run("server_fault").outputs[-1] == CloseSocket(1011, "Internal server error")

    def test_stalled_stops_reading(self) -> None:
        """F3, half-open."""
        assert StallSocket() in self.run("stalled").outputs

    def test_garbage_comes_in_the_middle_and_the_response_goes_on(self) -> None:
        """F4."""
        talk = self.run("garbage")

        frames = [output.text for output in talk.outputs if isinstance(output, SendText)]
        assert max(map(len, frames)) > 2**21
        assert any(not frame.startswith("{") for frame in frames)
        (done,) = [event for event in named(talk.events, "response.done") if "response" in event]
        assert done["response"]["status"] == "completed"

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("rate_limited", "rate_limit_exceeded"),
            ("no_quota", "insufficient_quota"),
            ("no_model_access", "model_not_found"),
        ],
    )
    def test_failing_responses_name_their_cause(self, name: str, code: str) -> None:
        """F7."""
        talk = self.run(name)

        (done,) = named(talk.events, "response.done")
        assert done["response"]["status"] == "failed"
        assert done["response"]["status_details"]["error"]["code"] == code
        assert_official(talk.events)

    def test_a_rate_limit_passes_and_an_empty_account_stays_empty(self) -> None:
        """F7."""
        statuses = {}
        for name in ("rate_limited", "no_quota"):
            talk = self.run(name)
            talk.send("response.create")
            talk.wait(5_000)
            done = named(talk.events, "response.done")
            statuses[name] = [event["response"]["status"] for event in done]

        assert statuses["rate_limited"] == ["failed", "completed"]
        assert statuses["no_quota"] == ["failed", "failed"]

    def test_expired_closes_cleanly_with_the_sixty_minute_reason(self) -> None:
        """F8."""
        talk = self.run("expired")

        assert talk.outputs[-1] == CloseSocket(1001, EXPIRY_REASON)
        assert not named(talk.events, "error")

    def test_expired_may_be_announced(self) -> None:
        """F8."""
        talk = self.run("expired_announced")

        assert named(talk.events, "error")[0]["error"]["code"] == "session_expired"
        assert talk.outputs[-1] == CloseSocket(1001, EXPIRY_REASON)

    @pytest.mark.parametrize(
        ("name", "reason"),
        [("content_filter", "content_filter"), ("cut_short", "max_output_tokens")],
    )
    def test_incomplete_responses_name_their_reason(self, name: str, reason: str) -> None:
        """F9."""
        talk = self.run(name)

        (done,) = named(talk.events, "response.done")
        assert done["response"]["status"] == "incomplete"
        assert done["response"]["status_details"] == {"type": "incomplete", "reason": reason}
        assert done["response"]["output"][0]["status"] == "incomplete"

    def test_no_usage_sends_null(self) -> None:
        (done,) = named(self.run("no_usage").events, "response.done")

        assert done["response"]["usage"] is None

    def test_happen_in_the_response_they_name(self) -> None:
        second = Behaviour(oddity=0, faults=(Fault("drop", response=2, deltas=0),))
        talk = answering(CALL, behaviour=second)
        talk.send("response.create")
        talk.wait(5_000)

        talk.send("response.create")

        assert talk.outputs[-1] == DropSocket()
        assert types(talk.events)[-1] == "response.created"

    def test_happen_at_a_time_when_they_name_no_response(self) -> None:
        late = Behaviour(oddity=0, faults=(Fault("close", delay_ms=2_000, code=1012),))
        talk = Talk(behaviour=late)

        talk.wait(1_999)
        assert talk.session.closed is False
        talk.wait(1)

        assert talk.outputs[-1] == CloseSocket(1012, "")
