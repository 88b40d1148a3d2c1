"""The configuration of a Realtime session: its defaults, and updates that apply as a whole or not at all."""

import copy
from collections.abc import Mapping
from typing import Any, Final

from voice.standin.schema import ClientError, invalid_value

Config = dict[str, Any]

_SERVER_VAD: Final[Mapping[str, Any]] = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,  # measured; the documentation says 500 (openai-realtime, section 2.1)
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
_SEMANTIC_VAD: Final[Mapping[str, Any]] = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
_REASONING_MODELS: Final = "gpt-realtime-2"


def default_config(*, session_id: str, model: str, expires_at: int) -> Config:
    """Return the session as `session.created` shows it: PCM both ways, no transcription, voice alloy."""
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "expires_at": expires_at,
        "output_modalities": ["audio"],
        "instructions": "Your knowledge cutoff is 2023-10. You are a helpful, witty, and friendly AI.",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": dict(_SERVER_VAD),
            },
            "output": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "voice": "alloy",
                "speed": 1.0,
            },
        },
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "truncation": "auto",
        "tracing": None,
        "prompt": None,
        "include": None,
    }


def updated(
    config: Config, change: Mapping[str, Any], *, audio_produced: bool, responding: bool
) -> Config:
    """
    Return the configuration after a checked `session.update`; the given one is left as it is.

    Only present fields change. `format`, `transcription` and `turn_detection` are replaced as whole objects, missing
    turn-detection fields take their defaults. `audio_produced`: the assistant has spoken; `responding`: a response is
    active.

    Raises:
        ClientError: `cannot_update_voice` once audio was produced, `invalid_value` for what cannot change or what
            the model does not have.
    """
    result = copy.deepcopy(config)
    audio = change.get("audio", {})
    output = audio.get("output", {})
    current = result["audio"]["output"]
    if audio_produced and output.get("voice", current["voice"]) != current["voice"]:
        raise ClientError(
            "cannot_update_voice",
            "Cannot update a conversation's voice if assistant audio is present.",
            "session.audio.output.voice",
        )
    if responding and output.get("speed", current["speed"]) != current["speed"]:
        raise invalid_value(
            "session.audio.output.speed", "Cannot update the speed while a response is active."
        )
    if change.get("model", result["model"]) != result["model"]:
        raise invalid_value("session.model", "Cannot update a session's model after it connected.")
    if (
        result["tracing"] is not None
        and change.get("tracing", result["tracing"]) != result["tracing"]
    ):
        raise invalid_value("session.tracing", "Cannot update tracing once it is enabled.")
    for name in ("reasoning", "parallel_tool_calls"):
        if change.get(name) is not None and not result["model"].startswith(_REASONING_MODELS):
            raise invalid_value(
                f"session.{name}", f"'{name}' is not supported by '{result['model']}'."
            )

    result.update({key: value for key, value in change.items() if key != "audio"})
    current.update(output)
    listening = result["audio"]["input"]
    listening.update(audio.get("input", {}))
    if listening["turn_detection"] is not None:
        kind = listening["turn_detection"]["type"]
        defaults = _SERVER_VAD if kind == "server_vad" else _SEMANTIC_VAD
        listening["turn_detection"] = {**defaults, **listening["turn_detection"]}
    if listening["transcription"] is not None:
        listening["transcription"] = {
            "language": None,
            "prompt": None,
            **listening["transcription"],
        }
    return copy.deepcopy(result)
