"""
What a client may send, as data, and its reading: from a frame to a checked event or a `ClientError`.

The fields are those of the official schema (openai-realtime, sections 2, 3, 8); MCP tools and transcription sessions
are refused, since a phone call has neither.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from voice.standin.schema import (
    Check,
    ClientError,
    anything,
    array,
    either,
    flag,
    free_object,
    integer,
    invalid_value,
    mapping,
    missing_parameter,
    nullable,
    number,
    one_of,
    record,
    tagged,
    text,
)

Event = dict[str, Any]

VOICES: Final = (
    "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar",
)  # fmt: skip
TRANSCRIPTION_MODELS: Final = (
    "gpt-transcribe",
    "gpt-live-transcribe",
    "gpt-realtime-whisper",
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    "gpt-4o-transcribe-diarize",
)
_LIST_MODELS: Final = ("gpt-transcribe", "gpt-live-transcribe")  # take `languages`, `keywords`
LONGEST_APPEND: Final = 15 * 2**20

_CONST_ITEM = one_of("realtime.item")
_STATUS = one_of("completed", "incomplete", "in_progress")
_CALL_ID = text(longest=32, pattern="[a-zA-Z0-9_-]+")
_TOKENS = either(one_of("inf"), int, integer(1, 4096))
_FORMAT = tagged(
    "type",
    {
        "audio/pcm": record({"type": anything, "rate": integer(24000, 24000)}, required=("rate",)),
        "audio/pcmu": record({"type": anything}),
        "audio/pcma": record({"type": anything}),
    },
)
_VOICE = either(one_of(*VOICES), dict, record({"id": text(longest=64)}, required=("id",)))
_TURN_DETECTION = tagged(
    "type",
    {
        "server_vad": record(
            {
                "type": anything,
                "threshold": number(0, 1),
                "prefix_padding_ms": integer(0, 5000),
                "silence_duration_ms": integer(0, 10000),
                "idle_timeout_ms": nullable(integer(5000, 30000)),
                "create_response": flag,
                "interrupt_response": flag,
            }
        ),
        "semantic_vad": record(
            {
                "type": anything,
                "eagerness": one_of("low", "medium", "high", "auto"),
                "create_response": flag,
                "interrupt_response": flag,
            }
        ),
    },
)
_TRANSCRIPTION_FIELDS = record(
    {
        "model": one_of(*TRANSCRIPTION_MODELS),
        "language": nullable(text(longest=8)),
        "languages": array(text(longest=8)),
        "prompt": nullable(text()),
        "keywords": array(text()),
        "delay": one_of("minimal", "low", "medium", "high", "xhigh"),
    }
)


def _transcription(value: Any, path: str) -> None:
    _TRANSCRIPTION_FIELDS(value, path)
    model = value.get("model", "")
    for name in ("languages", "keywords"):
        if name in value and model not in _LIST_MODELS:
            raise invalid_value(f"{path}.{name}", f"'{name}' is not supported by '{model}'.")
    if value.get("prompt") is not None and model == "gpt-realtime-whisper":
        raise invalid_value(f"{path}.prompt", f"'prompt' is not supported by '{model}'.")
    if "delay" in value and model != "gpt-realtime-whisper":
        raise invalid_value(f"{path}.delay", f"'delay' is not supported by '{model}'.")


def _modalities(value: Any, path: str) -> None:
    array(one_of("text", "audio"))(value, path)
    if value not in (["text"], ["audio"]):
        raise invalid_value(
            path,
            f"Invalid modalities: {value}. Supported combinations are: ['text'] and ['audio'].",
        )


_TOOL = tagged(
    "type",
    {
        "function": record(
            {
                "type": anything,
                "name": text(longest=64, pattern="[a-zA-Z0-9_-]+"),
                "description": text(),
                "parameters": free_object,
            },
            required=("name",),
        )
    },
)
_TOOL_CHOICE = either(
    one_of("auto", "none", "required"),
    dict,
    tagged(
        "type",
        {"function": record({"type": anything, "name": text(longest=64)}, required=("name",))},
    ),
)
_PROMPT = record(
    {"id": text(), "version": nullable(text()), "variables": nullable(free_object)},
    required=("id",),
)
_REASONING = record({"effort": one_of("minimal", "low", "medium", "high", "xhigh")})
_TRACING = either(
    one_of("auto"),
    dict,
    record({"workflow_name": text(), "group_id": text(), "metadata": free_object}),
)
_TRUNCATION = either(
    one_of("auto", "disabled"),
    dict,
    tagged(
        "type",
        {
            "retention_ratio": record(
                {
                    "type": anything,
                    "retention_ratio": number(0, 1),
                    "token_limits": record({"post_instructions": integer(0, 10**6)}),
                },
                required=("retention_ratio",),
            )
        },
    ),
)
_SHARED: Final[Mapping[str, Check]] = {
    "instructions": text(),
    "output_modalities": _modalities,
    "tools": array(_TOOL, longest=128),
    "tool_choice": _TOOL_CHOICE,
    "max_output_tokens": _TOKENS,
    "prompt": nullable(_PROMPT),
    "reasoning": nullable(_REASONING),
    "parallel_tool_calls": flag,
}

SESSION: Final = record(
    {
        **_SHARED,
        "type": one_of("realtime"),
        "model": text(),
        "audio": record(
            {
                "input": record(
                    {
                        "format": _FORMAT,
                        "noise_reduction": nullable(
                            record(
                                {
                                    "type": one_of("near_field", "far_field"),
                                    "strength": number(0, 1),
                                }
                            )
                        ),
                        "transcription": nullable(_transcription),
                        "turn_detection": nullable(_TURN_DETECTION),
                    }
                ),
                "output": record({"format": _FORMAT, "voice": _VOICE, "speed": number(0.25, 1.5)}),
            }
        ),
        "tracing": nullable(_TRACING),
        "truncation": _TRUNCATION,
        "include": nullable(array(one_of("item.input_audio_transcription.logprobs"))),
    },
    required=("type",),
)


def _content(kinds: Mapping[str, tuple[str, ...]]) -> Check:
    """Return the check of message content: per part type its required fields."""
    fields: dict[str, Check] = {
        "type": anything,
        "text": text(),
        "audio": text(),
        "transcript": nullable(text()),
    }
    return array(
        tagged("type", {kind: record(fields, required=names) for kind, names in kinds.items()})
    )


_ITEM_FIELDS: Final[Mapping[str, Check]] = {
    "id": text(longest=32),
    "type": anything,
    "object": _CONST_ITEM,
    "status": _STATUS,
}
_ROLES: Final[Mapping[str, Check]] = {
    role: record({**_ITEM_FIELDS, "role": anything, "content": _content(kinds)}, required=("content",))
    for role, kinds in {
        "user": {"input_text": ("text",), "input_audio": ("audio",)},
        "system": {"input_text": ("text",)},
        # The live server lets `output_audio` through here and then misses its text.
        "assistant": {"output_text": ("text",), "output_audio": ("text",)},
    }.items()
}  # fmt: skip
ITEM: Final = tagged(
    "type",
    {
        "message": tagged("role", _ROLES),
        "function_call": record(
            {**_ITEM_FIELDS, "call_id": _CALL_ID, "name": text(longest=64), "arguments": text()},
            required=("name", "arguments"),
        ),
        "function_call_output": record(
            {**_ITEM_FIELDS, "call_id": _CALL_ID, "output": text()},
            required=("call_id", "output"),
        ),
    },
)
_REFERENCE = record({"type": anything, "id": text(longest=32)}, required=("id",))


def _input_item(value: Any, path: str) -> None:
    referred = isinstance(value, dict) and value.get("type") == "item_reference"
    (_REFERENCE if referred else ITEM)(value, path)


RESPONSE: Final = record(
    {
        **_SHARED,
        "audio": record({"output": record({"format": _FORMAT, "voice": _VOICE})}),
        "conversation": one_of("auto", "none"),
        "input": array(_input_item),
        "metadata": nullable(mapping(text(longest=512), longest=16, key_longest=64)),
    }
)


def _event(fields: Mapping[str, Check] | None = None, *optional: str) -> Check:
    fields = fields or {}
    required = tuple(name for name in fields if name not in optional)
    return record(
        {"type": anything, "event_id": nullable(text(longest=512)), **fields}, required=required
    )


EVENTS: Final[Mapping[str, Check]] = {
    "session.update": _event({"session": SESSION}),
    "session.close": _event(),
    "input_audio_buffer.append": _event({"audio": text(longest=LONGEST_APPEND)}),
    "session.input_audio_buffer.append": _event({"audio": text(longest=LONGEST_APPEND)}),
    "input_audio_buffer.commit": _event(),
    "input_audio_buffer.clear": _event(),
    "conversation.item.create": _event(
        {"item": ITEM, "previous_item_id": nullable(text())}, "previous_item_id"
    ),
    "conversation.item.truncate": _event(
        {
            "item_id": text(),
            "content_index": integer(0, 0),
            "audio_end_ms": integer(0, 10**9),
        }
    ),
    "conversation.item.delete": _event({"item_id": text()}),
    "conversation.item.retrieve": _event({"item_id": text()}),
    "response.create": _event({"response": nullable(RESPONSE)}, "response"),
    "response.cancel": _event({"response_id": nullable(text())}, "response_id"),
}
_TYPE = one_of(*EVENTS)


def parse(frame: str | bytes) -> Event:
    """
    Return a frame's JSON object; its fields are not checked yet.

    Raises:
        ClientError: `invalid_event` for a binary frame, `invalid_json` for text that is no JSON object.
    """
    if not isinstance(frame, str):
        raise ClientError("invalid_event", "Binary frames are not supported; send JSON text.")
    try:
        event = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise ClientError(
            "invalid_json", "The server could not parse the JSON body of your event."
        ) from error
    if not isinstance(event, dict):
        raise ClientError("invalid_json", "The server expected a JSON object.")
    return event


def check(event: Event) -> None:
    """
    Check a client event against the schema of its type.

    Raises:
        ClientError: naming the first field that is unknown, missing or wrong.
    """
    if "type" not in event:
        raise missing_parameter("type")
    _TYPE(event["type"], "type")
    EVENTS[event["type"]](event, "")
