"""The check of our own events must itself be able to fail."""

import json
from typing import Any

import pytest

from tests.voice.protocol.calls import SESSION
from tests.voice.protocol.schema import UndeclaredEvent, check_client_event


class TestCheckClientEvent:
    def test_accepts_a_complete_session(self) -> None:
        check_client_event(json.dumps({"type": "session.update", "session": SESSION}))

    @pytest.mark.parametrize(
        "event",
        [
            {"type": "response.create", "respons": {}},
            {"type": "response.create", "response": {"modalities": ["audio"]}},
            {"type": "session.update", "session": {**SESSION, "temperature": 0.8}},
            {
                "type": "session.update",
                "session": {
                    **SESSION,
                    "audio": {"input": {"format": {"type": "audio/pcmu", "rate": 8000}}},
                },
            },
            {"type": "session.update", "session": {"instructions": "no type"}},
            {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0},
            {
                "type": "conversation.item.create",
                "item": {"type": "message", "role": "user", "content": [{"type": "text"}]},
            },
            {"type": "output_audio_buffer.clear"},
            {"type": "response.audio"},
        ],
        ids=lambda event: json.dumps(event)[:60],
    )
    def test_refuses_what_is_not_declared(self, event: dict[str, Any]) -> None:
        with pytest.raises(UndeclaredEvent):
            check_client_event(json.dumps(event))

    def test_refuses_what_is_not_json(self) -> None:
        with pytest.raises(UndeclaredEvent):
            check_client_event("{")
