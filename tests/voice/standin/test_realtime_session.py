"""The session's configuration, input and items (openai-realtime, section 12)."""

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
    encoded,
    named,
    types,
)
from voice.standin.answers import Speak
from voice.standin.faults import Behaviour


class TestOpening:
    def test_sends_session_created_at_once_with_pcm_and_the_live_defaults(self) -> None:
        talk = Talk(opened_at=1_000)

        session = talk.events[0]["session"]
        assert types(talk.events) == ["session.created"]
        assert session["expires_at"] == 4_600
        assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}
        assert session["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
        assert session["audio"]["output"]["voice"] == "alloy"
        assert session["audio"]["input"]["transcription"] is None
        detection = session["audio"]["input"]["turn_detection"]
        assert detection["type"] == "server_vad"
        assert (detection["threshold"], detection["prefix_padding_ms"]) == (0.5, 300)
        assert detection["silence_duration_ms"] == 200

    def test_makes_the_same_ids_for_the_same_seed_in_the_vendors_style(self) -> None:
        first, second, other = Talk(seed="a"), Talk(seed="a"), Talk(seed="b")

        assert first.events == second.events
        assert first.events != other.events
        assert len(first.events[0]["session"]["id"]) == len("sess_") + 21
        assert len(first.events[0]["event_id"]) == len("event_") + 21

    def test_closes_with_1001_after_sixty_minutes(self) -> None:
        talk = Talk()

        talk.wait(3_600_000)

        assert repr(talk.outputs[-1]) == (
            "CloseSocket(code=1001, reason='Your session hit the maximum duration of 60 minutes.')"
        )
        assert talk.session.deadline_ms is None


class TestSessionUpdate:
    """Item 1."""

    def test_answers_with_the_whole_effective_session(self) -> None:
        talk = Talk()

        (updated,) = talk.configure(instructions="Speak briefly.")

        session = updated["session"]
        assert updated["type"] == "session.updated"
        assert session["audio"]["input"]["format"] == {"type": "audio/pcmu"}
        assert session["audio"]["output"] == {
            "format": {"type": "audio/pcmu"}, "voice": "marin", "speed": 1.0,
        }  # fmt: skip
        assert session["audio"]["input"]["turn_detection"]["create_response"] is True
        assert session["instructions"] == "Speak briefly."
        assert session["id"] == talk.events[0]["session"]["id"]

    def test_keeps_what_an_update_does_not_mention(self) -> None:
        talk = Talk()
        talk.configure(instructions="Speak briefly.")

        (updated,) = talk.send("session.update", session={"type": "realtime", "tools": []})

        assert updated["session"]["instructions"] == "Speak briefly."
        assert updated["session"]["audio"]["input"]["format"] == {"type": "audio/pcmu"}

    @pytest.mark.parametrize(
        ("session", "code", "param"),
        [
            ({"type": "realtime", "foo": 1}, "unknown_parameter", "session.foo"),
            ({"instructions": "x"}, "missing_required_parameter", "session.type"),
            ({"type": "realtime", "temperature": 0.8}, "unknown_parameter", "session.temperature"),
            (
                {"type": "realtime", "modalities": ["text"]},
                "unknown_parameter",
                "session.modalities",
            ),
            (
                {"type": "realtime", "input_audio_format": "g711_ulaw"},
                "unknown_parameter",
                "session.input_audio_format",
            ),
            (
                {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm"}}}},
                "missing_required_parameter",
                "session.audio.input.format.rate",
            ),
            (
                {"type": "realtime", "audio": {"output": {"format": {"type": "g711_ulaw"}}}},
                "invalid_value",
                "session.audio.output.format.type",
            ),
            (
                {"type": "realtime", "audio": {"output": {"voice": "onyx"}}},
                "invalid_value",
                "session.audio.output.voice",
            ),
            (
                {"type": "realtime", "audio": {"output": {"speed": 2}}},
                "invalid_value",
                "session.audio.output.speed",
            ),
            (
                {"type": "realtime", "max_output_tokens": 0},
                "invalid_value",
                "session.max_output_tokens",
            ),
            (
                {"type": "realtime", "output_modalities": ["text", "audio"]},
                "invalid_value",
                "session.output_modalities",
            ),
            (
                {"type": "realtime", "tools": [{"type": "function", "function": {"name": "x"}}]},
                "unknown_parameter",
                "session.tools[0].function",
            ),
            (
                {
                    "type": "realtime",
                    "audio": {
                        "input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 100}}
                    },
                },
                "invalid_value",
                "session.audio.input.turn_detection.idle_timeout_ms",
            ),
            (
                {
                    "type": "realtime",
                    "audio": {
                        "input": {"transcription": {"model": "whisper-1", "keywords": ["x"]}}
                    },
                },
                "invalid_value",
                "session.audio.input.transcription.keywords",
            ),
            ({"type": "realtime", "instructions": 5}, "invalid_type", "session.instructions"),
            ({"type": "realtime", "model": "gpt-realtime"}, "invalid_value", "session.model"),
        ],
    )
    def test_refuses_a_wrong_field_and_changes_nothing(
        self, session: dict[str, object], code: str, param: str
    ) -> None:
        talk = Talk()

        error = talk.error(
            talk.send(
                "session.update",
                event_id="cfg_1",
                session={**session, "tool_choice": "required"},
            )
        )

        assert (error["code"], error["param"], error["event_id"]) == (code, param, "cfg_1")
        (updated,) = talk.send("session.update", session={"type": "realtime"})
        assert updated["session"] == talk.events[0]["session"]

    def test_words_its_refusals_as_the_vendor_does(self) -> None:
        talk = Talk()

        unknown = talk.error(talk.send("session.update", session={"type": "realtime", "foo": 1}))
        missing = talk.error(talk.send("session.update", session={}))

        assert unknown["message"] == "Unknown parameter: 'session.foo'."
        assert missing["message"] == "Missing required parameter: 'session.type'."

    def test_refuses_another_voice_once_the_assistant_has_spoken(self) -> None:
        talk = Talk()
        talk.configure()
        talk.send("response.create")
        talk.wait(5_000)

        same = talk.configure()
        error = talk.error(talk.configure({"output": {"voice": "cedar"}}))

        assert types(same) == ["session.updated"]
        assert error["code"] == "cannot_update_voice"
        assert error["message"] == (
            "Cannot update a conversation's voice if assistant audio is present."
        )

    def test_accepts_reasoning_for_reasoning_models_only(self) -> None:
        change = {"type": "realtime", "reasoning": {"effort": "low"}}

        accepted = Talk().send("session.update", session=change)
        refused = Talk(model="gpt-realtime-1.5").send("session.update", session=change)

        assert types(accepted) == ["session.updated"]
        assert types(refused) == ["error"]

    def test_does_not_lose_a_running_turn(self) -> None:
        talk = Talk()
        talk.configure()
        started = named(talk.hear(LOUD_FRAME * 10), "input_audio_buffer.speech_started")

        talk.send("session.update", session={"type": "realtime", "instructions": "New task."})
        stopped = named(talk.hear(QUIET_FRAME * 25), "input_audio_buffer.speech_stopped")

        assert [event["item_id"] for event in stopped] == [started[0]["item_id"]]

    def test_may_answer_late(self) -> None:
        """Fault switch of item 13."""
        talk = Talk(behaviour=PLAIN.with_faults("late_configuration"))

        assert talk.configure() == []
        assert types(talk.wait(5_000)) == ["session.updated"]
        assert types(talk.configure()) == ["session.updated"]


class TestAppend:
    """Items 2 and 3."""

    def test_has_no_reply(self) -> None:
        talk = Talk()
        talk.configure()

        assert talk.hear(QUIET_FRAME * 100) == []

    def test_counts_eight_bytes_a_millisecond_only_for_mulaw(self) -> None:
        """A client that forgot to configure the format is caught by its times and by its deaf detector."""
        configured, forgetful = Talk(), Talk()
        configured.configure()

        right = named(configured.speak(), "input_audio_buffer.speech_stopped")
        wrong = named(forgetful.speak(), "input_audio_buffer.speech_stopped")

        assert [event["audio_end_ms"] for event in right] == [900]
        assert wrong == []

    def test_starts_a_turn_after_sixty_loud_milliseconds_and_pads_its_start(self) -> None:
        talk = Talk()
        talk.configure()
        talk.hear(QUIET_FRAME * 50)

        assert talk.hear(LOUD_FRAME * 2) == []
        (started,) = talk.hear(LOUD_FRAME)

        assert started["type"] == "input_audio_buffer.speech_started"
        assert started["audio_start_ms"] == 700

    def test_does_not_start_a_turn_for_a_click(self) -> None:
        talk = Talk()
        talk.configure()

        assert talk.hear((LOUD_FRAME * 2 + QUIET_FRAME) * 20) == []

    def test_makes_no_progress_without_audio(self) -> None:
        talk = Talk()
        talk.configure()
        talk.hear(LOUD_FRAME * 10 + QUIET_FRAME * 24)

        assert talk.wait(10_000) == []
        assert "input_audio_buffer.speech_stopped" in types(talk.hear(QUIET_FRAME))

    def test_ends_a_turn_in_the_vendors_order(self) -> None:
        talk = Talk()
        talk.configure()
        talk.type("hello")

        events = talk.speak()

        assert types(events)[:6] == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
        ]
        item_ids = {event["item_id"] for event in events[:3]} | {events[3]["item"]["id"]}
        assert len(item_ids) == 1
        assert events[2]["previous_item_id"] == talk.events[2]["item"]["id"]
        assert events[3]["item"]["content"] == [{"type": "input_audio", "transcript": None}]

    def test_gives_the_brain_the_turn_with_what_was_before_it(self) -> None:
        talk = Talk()
        talk.configure()
        spoken = LOUD_FRAME * 20

        talk.hear(QUIET_FRAME * 100 + spoken + QUIET_FRAME * 25)

        assert spoken in talk.brain.heard[0]
        assert talk.brain.heard[0].endswith(QUIET_FRAME * 25)

    def test_creates_no_response_when_told_not_to(self) -> None:
        talk = Talk()
        detection = {"type": "server_vad", "create_response": False}
        talk.configure({**PHONE, "input": {**PHONE["input"], "turn_detection": detection}})

        events = talk.speak()

        assert types(events)[-1] == "conversation.item.done"

    def test_notices_nothing_when_turn_detection_is_off(self) -> None:
        talk = Talk()
        talk.configure({**PHONE, "input": {**PHONE["input"], "turn_detection": None}})

        assert talk.speak() == []

    def test_refuses_what_is_not_base64(self) -> None:
        talk = Talk()

        assert talk.error(talk.send("input_audio_buffer.append", audio="***"))["param"] == "audio"

    def test_triggers_the_idle_timeout_after_the_answers_audio(self) -> None:
        talk = Talk()
        detection = {"type": "server_vad", "idle_timeout_ms": 5000}
        talk.configure({**PHONE, "input": {**PHONE["input"], "turn_detection": detection}})
        talk.send("response.create")
        talk.wait(2_000)  # 1.6 s of audio is generated by then

        events = talk.wait(6_000)

        assert types(events)[:4] == [
            "input_audio_buffer.timeout_triggered",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
        ]
        assert "response.created" in types(events)


class TestTranscripts:
    """Item 3, second half."""

    def test_come_late_after_the_response_was_created(self) -> None:
        talk = Talk()
        talk.configure()
        talk.speak()

        events = talk.wait(3_000)

        completed = named(events, "conversation.item.input_audio_transcription.completed")
        assert [event["transcript"] for event in completed] == ["book a visit"]
        assert completed[0]["usage"] == {"type": "duration", "seconds": 0.9}
        assert "response.done" in types(talk.events)[: talk.events.index(completed[0])]

    def test_follow_response_created_even_without_delay(self) -> None:
        talk = Talk(behaviour=Behaviour(oddity=0, transcript_delay_ms=0))
        talk.configure()

        events = types(talk.speak())

        completed = "conversation.item.input_audio_transcription.completed"
        assert events.index("response.created") < events.index(completed)

    def test_may_fail(self) -> None:
        talk = Talk(behaviour=Behaviour(oddity=0, transcripts="failed"))
        talk.configure()
        talk.speak()

        failed = named(talk.wait(3_000), "conversation.item.input_audio_transcription.failed")

        assert failed[0]["error"]["code"] == "audio_unintelligible"

    def test_may_never_come_and_do_not_come_unless_asked_for(self) -> None:
        never = Talk(behaviour=Behaviour(oddity=0, transcripts="never"))
        never.configure()
        unasked = Talk()
        unasked.configure({**PHONE, "input": {**PHONE["input"], "transcription": None}})

        for talk in (never, unasked):
            events = talk.speak() + talk.wait(20_000)
            assert not [name for name in types(events) if "transcription" in name]


class TestItems:
    """Item 7."""

    def test_are_added_and_done_after_the_last_one(self) -> None:
        talk = Talk()

        first = talk.type("one")
        second = talk.type("two", role="system")

        assert types(first) == ["conversation.item.added", "conversation.item.done"]
        assert [event["previous_item_id"] for event in first] == [None, None]
        assert second[0]["previous_item_id"] == first[0]["item"]["id"]

    def test_are_placed_where_the_client_wants_them(self) -> None:
        talk = Talk()
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
        talk.send("conversation.item.create", item={**item, "id": "b"})

        root = talk.send(
            "conversation.item.create", item={**item, "id": "a"}, previous_item_id="root"
        )
        after = talk.send(
            "conversation.item.create", item={**item, "id": "ab"}, previous_item_id="a"
        )

        assert root[0]["previous_item_id"] is None
        assert after[0]["previous_item_id"] == "a"
        assert talk.type("end")[0]["previous_item_id"] == "b"

    @pytest.mark.parametrize(
        ("item", "param"),
        [
            (
                {"type": "message", "role": "assistant", "content": [{"type": "output_audio"}]},
                "item.content[0].text",
            ),
            (
                {"type": "message", "role": "user", "content": [{"type": "output_text", "text": "x"}]},
                "item.content[0].type",
            ),
            (
                {"type": "message", "role": "system", "content": [{"type": "input_audio", "audio": ""}]},
                "item.content[0].type",
            ),
            (
                {"type": "message", "role": "assistant", "content": [{"type": "input_text", "text": "x"}]},
                "item.content[0].type",
            ),
            ({"type": "function_call_output", "call_id": "call_none", "output": ""}, "item.call_id"),
            ({"type": "function_call_output", "call_id": "no spaces", "output": ""}, "item.call_id"),
            (
                {"type": "function_call", "call_id": "c" * 33, "name": "x", "arguments": ""},
                "item.call_id",
            ),
            (
                {"type": "message", "id": "i" * 33, "role": "system", "content": []},
                "item.id",
            ),
            ({"type": "message", "id": "taken", "role": "system", "content": []}, "item.id"),
            ({"type": "note"}, "item.type"),
        ],
    )  # fmt: skip
    def test_are_refused_when_something_is_wrong(self, item: dict[str, object], param: str) -> None:
        talk = Talk()
        taken = {"type": "message", "id": "taken", "role": "system", "content": []}
        talk.send("conversation.item.create", item=taken)

        error = talk.error(talk.send("conversation.item.create", event_id="i_1", item=item))

        assert (error["param"], error["event_id"]) == (param, "i_1")

    def test_names_the_missing_text_of_assistant_audio(self) -> None:
        talk = Talk()
        content = [{"type": "output_audio", "transcript": "Hello"}]
        item = {"type": "message", "role": "assistant", "content": content}

        error = talk.error(talk.send("conversation.item.create", item=item))

        assert error["code"] == "missing_required_parameter"

    def test_refuse_an_unknown_predecessor(self) -> None:
        talk = Talk()
        item = {"type": "message", "role": "system", "content": []}

        error = talk.error(
            talk.send("conversation.item.create", item=item, previous_item_id="item_gone")
        )

        assert error["param"] == "previous_item_id"

    def test_may_be_created_while_a_response_is_active(self) -> None:
        talk = Talk()
        talk.send("response.create")

        assert types(talk.type("[keypad] 1")) == [
            "conversation.item.added",
            "conversation.item.done",
        ]

    def test_can_be_replayed_as_text_after_a_drop(self) -> None:
        talk = Talk()
        call = {"type": "function_call", "call_id": "call_1", "name": "x", "arguments": "{}"}
        said = {
            "type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": "I have 9:30"}],
        }  # fmt: skip
        answer = {"type": "function_call_output", "call_id": "call_1", "output": "{}"}

        events = [talk.send("conversation.item.create", item=item) for item in (said, call, answer)]

        assert {types(pair)[1] for pair in events} == {"conversation.item.done"}


class TestTruncate:
    """Item 8."""

    def answered(self) -> tuple[Talk, str]:
        talk = Talk(FixedBrain([Speak("Sure, which day?")]))
        talk.configure()
        talk.send("response.create")
        events = talk.wait(5_000)
        item_id: str = named(events, "response.output_item.done")[0]["item"]["id"]
        return talk, item_id

    def cut(self, talk: Talk, item_id: str, audio_end_ms: int) -> list[dict[str, object]]:
        return talk.send(
            "conversation.item.truncate",
            item_id=item_id,
            content_index=0,
            audio_end_ms=audio_end_ms,
        )

    def test_cuts_the_audio_and_drops_the_transcript(self) -> None:
        talk, item_id = self.answered()

        (truncated,) = self.cut(talk, item_id, 700)

        assert truncated["type"] == "conversation.item.truncated"
        assert truncated["audio_end_ms"] == 700
        (retrieved,) = talk.send("conversation.item.retrieve", item_id=item_id)
        (part,) = retrieved["item"]["content"]
        assert part["transcript"] is None
        assert part["audio"] == encoded(LOUD_FRAME * 35)

    def test_refuses_more_than_was_streamed_and_names_both_lengths(self) -> None:
        talk, item_id = self.answered()

        error = talk.error(self.cut(talk, item_id, 1601))

        assert error["message"] == "Audio content of 1600ms is already shorter than 1601ms"

    def test_refuses_what_is_not_spoken_by_the_model(self) -> None:
        talk, _ = self.answered()
        typed = talk.type("hello")[0]["item"]["id"]

        error = talk.error(self.cut(talk, typed, 0))
        unknown = talk.error(self.cut(talk, "item_gone", 0))

        assert error["message"] == "Only model output audio messages can be truncated"
        assert unknown["code"] == "item_truncate_invalid_item_id"

    def test_refuses_an_item_without_audio_yet(self) -> None:
        """Only the first delta makes an item something that can be cut."""
        talk = Talk()
        talk.configure({**PHONE, "output": {"format": {"type": "audio/pcmu"}}})
        talk.configure(output_modalities=["text"])
        talk.send("response.create")
        events = talk.wait(5_000)
        item_id = named(events, "response.output_item.done")[0]["item"]["id"]

        assert "Only model output" in talk.error(self.cut(talk, item_id, 0))["message"]

    def test_is_never_done_by_the_server_itself(self) -> None:
        """That would hide the worst bug a bridge can have."""
        talk, item_id = self.answered()

        events = talk.speak() + talk.wait(5_000)

        assert "conversation.item.truncated" not in types(events)
        (retrieved,) = talk.send("conversation.item.retrieve", item_id=item_id)
        assert retrieved["item"]["content"][0]["transcript"] == "Sure, which day?"


class TestDeleteAndRetrieve:
    """Item 9."""

    def test_skip_a_deleted_item_in_later_predecessors(self) -> None:
        talk = Talk()
        first = talk.type("one")[0]["item"]["id"]
        second = talk.type("two")[0]["item"]["id"]

        (deleted,) = talk.send("conversation.item.delete", item_id=second)

        assert (deleted["type"], deleted["item_id"]) == ("conversation.item.deleted", second)
        assert talk.type("three")[0]["previous_item_id"] == first

    def test_refuse_what_is_not_there(self) -> None:
        talk = Talk()

        for action in ("delete", "retrieve"):
            error = talk.error(talk.send(f"conversation.item.{action}", item_id="item_gone"))
            assert error["code"] == f"item_{action}_invalid_item_id"

    def test_retrieve_more_than_a_mebibyte_of_audio(self) -> None:
        """The default message limit of a client is too small for it."""
        talk = Talk(FixedBrain([Speak("A sentence of nearly two hundred characters. " * 4)]))
        talk.send("response.create")
        events = talk.wait(20_000)
        item_id = named(events, "response.output_item.done")[0]["item"]["id"]

        (retrieved,) = talk.send("conversation.item.retrieve", item_id=item_id)

        assert len(json.dumps(retrieved)) > 2**20


class TestCommitAndClear:
    """Item 10."""

    def manual(self) -> Talk:
        talk = Talk()
        talk.configure({**PHONE, "input": {**PHONE["input"], "turn_detection": None}})
        return talk

    def test_refuse_less_than_a_hundred_milliseconds(self) -> None:
        talk = self.manual()
        talk.hear(LOUD_FRAME)

        error = talk.error(talk.send("input_audio_buffer.commit"))

        assert error["code"] == "input_audio_buffer_commit_empty"
        assert error["message"] == (
            "Error committing input audio buffer: buffer too small. Expected at least 100ms of "
            "audio, but buffer only has 20.00ms of audio."
        )

    def test_commit_makes_an_item_and_no_response(self) -> None:
        talk = self.manual()
        talk.hear(LOUD_FRAME * 10)

        events = talk.send("input_audio_buffer.commit")

        assert types(events) == [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
        ]
        assert talk.brain.heard == [LOUD_FRAME * 10]

    def test_clear_empties_the_buffer(self) -> None:
        talk = self.manual()
        talk.hear(LOUD_FRAME * 10)

        assert types(talk.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
        assert types(talk.send("input_audio_buffer.commit")) == ["error"]


class TestNonsense:
    """Item 11."""

    @pytest.mark.parametrize(
        ("frame", "code", "param"),
        [
            ("not json", "invalid_json", None),
            ("[1]", "invalid_json", None),
            ("[" * 100_000, "invalid_json", None),
            (b"\x00\x01", "invalid_event", None),
            ('{"type": "output_audio_buffer.clear"}', "invalid_value", "type"),
            ('{"type": "hello"}', "invalid_value", "type"),
            ('{"type": 5}', "invalid_value", "type"),
            ('{"type": ["x"]}', "invalid_value", "type"),
            ("{}", "missing_required_parameter", "type"),
            ('{"type": "response.cancel", "foo": 1}', "unknown_parameter", "foo"),
            ('{"type": "session.update"}', "missing_required_parameter", "session"),
            ('{"type": "response.create", "event_id": 5}', "invalid_type", "event_id"),
        ],
    )
    def test_is_refused_and_the_connection_stays_usable(
        self, frame: str | bytes, code: str, param: str | None
    ) -> None:
        talk = Talk()

        error = talk.error(talk.raw(frame))

        assert (error["code"], error["param"]) == (code, param)
        assert types(talk.configure()) == ["session.updated"]

    def test_lists_the_supported_types(self) -> None:
        error = Talk().raw('{"type": "output_audio_buffer.clear"}')[0]["error"]

        assert error["message"].startswith("Invalid value: 'output_audio_buffer.clear'. Supported")
        assert "'conversation.item.truncate'" in error["message"]


class TestSchema:
    def test_every_event_of_a_busy_call_is_official(self) -> None:
        talk = Talk(behaviour=Behaviour(oddity=0.3))
        talk.configure()
        talk.speak()
        talk.wait(100)
        talk.speak()
        talk.wait(5_000)
        talk.type("[keypad] 1")
        talk.send("response.create", response={"metadata": {"purpose": "silence"}})
        talk.send("response.create")
        talk.send("response.cancel")
        talk.send("response.cancel")
        talk.raw(b"")
        talk.wait(5_000)

        assert len(set(types(talk.events))) > 20
        assert len({event["event_id"] for event in talk.events}) == len(talk.events)
        assert_official(talk.events)

    def test_unknown_events_and_fields_come_along(self) -> None:
        """Item 12."""
        talk = Talk(behaviour=Behaviour(oddity=0.3))
        talk.configure()
        talk.speak()
        talk.wait(5_000)

        assert [event for event in talk.events if event["type"] == "standin.unheard_of"]
        assert [event for event in talk.events if "unheard_of" in event]
