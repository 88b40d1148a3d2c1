"""The instructions: their size, their order, and that they hold nothing that could leak (A8)."""

import inspect
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from openai.types.realtime import RealtimeSessionCreateRequest, SessionUpdateEvent
from pydantic import BaseModel

from voice.assistant import prompt
from voice.assistant.session import language_update, session_config
from voice.assistant.tools import TOOLS, declarations

NOW = datetime(2026, 3, 5, 10, tzinfo=ZoneInfo("America/New_York"))
SECTIONS = [
    "Role",
    "Voice",
    "Language",
    "Facts",
    "Tools",
    "Flow",
    "Capture",
    "Unclear",
    "Safety",
    "People",
    "Never",
    "Samples",
]


def filled(language: str = "en") -> str:
    return prompt.instructions(clinic="Carematix", now=NOW, staffed=True, language=language)


def tokens(text: str) -> int:
    """Count words and marks; the models' own count of English text is within a few per cent of it."""
    return len(re.findall(r"[A-Za-z]+|[0-9]|[^\sA-Za-z0-9]", text))


class TestInstructions:
    def test_are_1200_to_1500_tokens_long(self) -> None:
        assert 1_200 <= tokens(filled()) <= 1_500

    def test_have_the_sections_in_order(self) -> None:
        assert re.findall(r"(?m)^# (\w+)$", filled()) == SECTIONS

    def test_say_the_day_and_the_language(self) -> None:
        assert "Thursday, March 5, 2026, 10:00 (EST)" in filled()
        assert "Speak Spanish" in filled("es")
        assert "{" not in filled()

    def test_a8_take_nothing_of_a_patient(self) -> None:
        assert set(inspect.signature(prompt.instructions).parameters) == {
            "clinic",
            "now",
            "staffed",
            "language",
            "outbound",
        }

    def test_a8_hold_no_secret(self, settings: object) -> None:
        for name in ("SECRET_KEY", "TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID", "OPENAI_API_KEY"):
            value = getattr(settings, name)
            assert not value or value not in filled()

    def test_name_only_tools_that_exist(self) -> None:
        named = set(re.findall(r"\b[a-z]+_[a-z_]+\b", filled()))
        codes = {"slot_taken", "late_change", "limit_reached"}
        arguments = {name for tool in TOOLS.values() for name in tool.arguments}

        assert named <= set(TOOLS) | codes | arguments

    def test_of_another_text_have_another_digest(self) -> None:
        assert prompt.digest("a", declarations()) != prompt.digest("b", declarations())
        assert prompt.digest("a", declarations()) == prompt.digest("a", declarations())


class TestSession:
    @pytest.mark.parametrize("model", ["gpt-transcribe", "gpt-4o-transcribe"])
    def test_is_one_that_the_official_schema_knows_in_every_field(self, model: str) -> None:
        config = session_config(
            voice="marin",
            transcription_model=model,
            language="es",
            instructions=filled("es"),
            tools=declarations(),
            keywords=("Reyes",),
        )

        parsed = RealtimeSessionCreateRequest.model_validate(config)

        assert undeclared(parsed) == []

    def test_update_of_the_language_changes_speech_and_listening(self) -> None:
        update = language_update("es", filled("es"), transcription_model="gpt-transcribe")

        parsed = SessionUpdateEvent.model_validate({"type": "session.update", "session": update})

        assert undeclared(parsed) == []
        assert update["audio"]["input"]["transcription"]["languages"] == ["es"]
        assert "tools" not in update

    def test_is_mu_law_both_ways(self) -> None:
        config = session_config(
            voice="marin",
            transcription_model="gpt-transcribe",
            language="en",
            instructions="",
            tools=[],
        )

        assert config["audio"]["input"]["format"] == {"type": "audio/pcmu"}
        assert config["audio"]["output"]["format"] == {"type": "audio/pcmu"}


def undeclared(value: object) -> list[str]:
    """Return the fields, at any depth, that the official models do not declare."""
    if isinstance(value, list):
        return [name for item in value for name in undeclared(item)]
    if not isinstance(value, BaseModel):
        return []
    found = list(value.model_extra or {})
    for name in type(value).model_fields:
        found += undeclared(getattr(value, name))
    return found
