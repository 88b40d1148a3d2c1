"""Reading and writing Realtime events."""

import json

import pytest

from tests.voice.protocol.calls import SESSION
from tests.voice.protocol.schema import check_client_event
from voice.protocol import realtime
from voice.protocol.realtime import RealtimeError


class TestRealtimeUrl:
    @pytest.mark.parametrize(
        ("base", "url"),
        [
            ("wss://api.openai.com/v1/realtime", "wss://api.openai.com/v1/realtime?model=m"),
            ("https://api.openai.com/v1", "wss://api.openai.com/v1/realtime?model=m"),
            ("http://127.0.0.1:8080/v1/", "ws://127.0.0.1:8080/v1/realtime?model=m"),
            ("wss://h/openai/v1/realtime?model=own", "wss://h/openai/v1/realtime?model=own"),
            ("wss://h/v1/realtime?a=1", "wss://h/v1/realtime?a=1&model=m"),
        ],
    )
    def test_completes_the_base_address(self, base: str, url: str) -> None:
        assert realtime.realtime_url(base, "m") == url


class TestParse:
    def test_keeps_unknown_types_and_fields(self) -> None:
        assert realtime.parse('{"type":"new.event","field":1}') == {"type": "new.event", "field": 1}

    @pytest.mark.parametrize(
        ("frame", "code"),
        [
            ("{", "not_json"),
            ("[" * 10_000, "not_json"),
            ("[]", "not_an_object"),
            ("{}", "no_type"),
            ('{"type":5}', "no_type"),
        ],
    )
    def test_refuses_what_is_no_event(self, frame: str, code: str) -> None:
        """F4."""
        with pytest.raises(RealtimeError) as error:
            realtime.parse(frame)

        assert error.value.code == code


class TestWriters:
    @pytest.mark.parametrize(
        "event",
        [
            realtime.append("AAAA"),
            realtime.session_update("cfg_1", SESSION),
            realtime.session_update("cfg_2", {"instructions": "Hable español."}),
            realtime.message_create("item_1", "user", "[keypad] 1", "keys_1"),
            realtime.message_create("item_1", "system", 'Say exactly: "Hello"'),
            realtime.message_create("item_1", "assistant", "Hello", "greeting"),
            realtime.function_output_create("item_1", "call_1", '{"ok":true}', "out_1"),
            realtime.response_create("rc_1", metadata={"rid": "rc_1"}),
            realtime.response_create("rc_1", metadata={"rid": "rc_1"}, tool_choice="none"),
            realtime.response_cancel("cancel_1"),
            realtime.response_cancel("cancel_1", "resp_1"),
            realtime.item_truncate("tr_1", "item_1", 0),
        ],
    )
    def test_write_official_events(self, event: str) -> None:
        check_client_event(event)

    def test_put_the_type_into_every_update_of_the_session(self) -> None:
        event = json.loads(realtime.session_update("cfg_1", {"instructions": "x"}))

        assert event["session"]["type"] == "realtime"

    def test_encode_the_answer_of_a_tool_once(self) -> None:
        event = json.loads(realtime.function_output_create("item_1", "call_1", '{"a":"é"}'))

        assert json.loads(event["item"]["output"]) == {"a": "é"}

    def test_survive_text_that_is_no_unicode(self) -> None:
        event = json.loads(realtime.message_create("item_1", "user", "a\ud800b"))

        assert event["item"]["content"][0]["text"] == "a?b"


class TestMessages:
    def test_the_length_of_an_item_is_read_from_the_refusal(self) -> None:
        message = "Audio content of 3700ms is already shorter than 3760ms"

        assert realtime.shorter_audio_ms(message) == 3700

    @pytest.mark.parametrize(
        ("message", "delay"),
        [
            ("Rate limit reached. Please try again in 1.2s.", 1200.0),
            ("Please try again in 350ms.", 350.0),
            ("Please wait.", None),
        ],
    )
    def test_the_delay_of_a_rate_limit_is_read(self, message: str, delay: float | None) -> None:
        assert realtime.retry_delay_ms(message) == delay
