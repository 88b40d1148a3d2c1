"""The session: opened, configured, and what it refuses (openai-realtime, sections 2 and 12)."""

import pytest

from tests.voice.standin.talk import (
    LOUD_FRAME,
    PLAIN,
    QUIET_FRAME,
    Talk,
    assert_official,
    named,
    types,
)
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
