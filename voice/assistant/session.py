"""The session that the model is held in (openai-realtime, section 2); plain objects, sent by the bridge."""

from collections.abc import Mapping, Sequence
from typing import Any

MAX_OUTPUT_TOKENS = 1200
CONTEXT_TOKENS = 16_000
PCMU: Mapping[str, str] = {"type": "audio/pcmu"}


def session_config(
    *,
    voice: str,
    transcription_model: str,
    language: str,
    instructions: str,
    tools: Sequence[Mapping[str, Any]],
    keywords: Sequence[str] = (),
) -> dict[str, Any]:
    """
    Return the complete session object for the one `session.update` after `session.created`.

    Every field is sent that has a default which is wrong for a phone call; `silence_duration_ms` among them, whose
    live default differs from the documented one.
    """
    return {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": instructions,
        "audio": {
            "input": {
                "format": dict(PCMU),
                "noise_reduction": {"type": "near_field"},
                "transcription": _transcription(transcription_model, language, keywords),
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "create_response": True,
                    "interrupt_response": True,
                    "idle_timeout_ms": None,
                },
            },
            "output": {"format": dict(PCMU), "voice": voice, "speed": 1.0},
        },
        "tools": [dict(tool) for tool in tools],
        "tool_choice": "auto",
        "max_output_tokens": MAX_OUTPUT_TOKENS,
        "truncation": {
            "type": "retention_ratio",
            "retention_ratio": 0.8,
            "token_limits": {"post_instructions": CONTEXT_TOKENS},
        },
        "tracing": None,
    }


def language_update(
    language: str, instructions: str, *, transcription_model: str, keywords: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the part of the session that changes with the language: what to speak, and what to listen for."""
    return {
        "type": "realtime",
        "instructions": instructions,
        "audio": {
            "input": {"transcription": _transcription(transcription_model, language, keywords)}
        },
    }


def _transcription(model: str, language: str, keywords: Sequence[str]) -> dict[str, Any]:
    if (
        model == "gpt-transcribe"
    ):  # the one model that takes several languages, and words to listen for
        chosen: dict[str, Any] = {"model": model, "languages": [language]}
        return chosen | ({"keywords": list(keywords)} if keywords else {})
    return {"model": model, "language": language}
