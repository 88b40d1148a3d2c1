"""
OpenAI's Realtime API over a WebSocket: reading its events and writing ours, with the names of the GA version.

Every event that we write carries an `event_id`, so that an `error` can be matched to its cause; appended audio is the
exception, for it is never answered (openai-realtime, sections 4 and 9).
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

MAX_EVENT_CHARACTERS = 16 * 1024 * 1024

# The account or the set-up is at fault: trying again cannot help (openai-realtime, section 9).
FATAL_CODES = frozenset(
    {
        "invalid_api_key",
        "insufficient_quota",
        "account_deactivated",
        "billing_hard_limit_reached",
        "missing_model",
        "invalid_model",
        "model_not_found",
        "beta_api_shape_disabled",
    }
)
RATE_LIMIT_CODES = frozenset({"rate_limit_exceeded", "inference_rate_limit_exceeded"})
ACTIVE_RESPONSE = "conversation_already_has_active_response"

_SHORTER_AUDIO = re.compile(r"Audio content of (\d{1,9})\s*ms is already shorter than")
_RETRY_DELAY = re.compile(r"in (\d{1,6}(?:\.\d{1,6})?)\s*(ms|milliseconds|s|sec|seconds)\b")


class RealtimeError(ValueError):
    """A frame from the model's server that is not an event; `code` says why."""

    def __init__(self, code: str) -> None:
        """Keep the stable code; the frame itself is not kept, since it may hold what was said."""
        super().__init__(code)
        self.code = code


def realtime_url(base: str, model: str) -> str:
    """
    Return the address of a conversation with `model` at a server whose base address is `base`.

    http becomes ws and https wss; `/realtime` is added unless the path ends in it; parameters that `base` has stay,
    a `model` among them too (Azure names its deployment there).
    """
    parts = urlsplit(base)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = parts.path.rstrip("/")
    if not path.endswith("/realtime"):
        path += "/realtime"
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not any(name == "model" for name, _ in query):
        query.append(("model", model))
    return urlunsplit((scheme, parts.netloc, path, urlencode(query), ""))


def parse(text: str) -> dict[str, Any]:
    """
    Read one event. Unknown types and fields are let through; only `type` must be there.

    Raises:
        RealtimeError: `too_large`, `not_json`, `not_an_object`, `no_type`.
    """
    if len(text) > MAX_EVENT_CHARACTERS:
        raise RealtimeError("too_large")
    try:
        event = orjson.loads(text)
    except ValueError as error:
        raise RealtimeError("not_json") from error
    if type(event) is not dict:
        raise RealtimeError("not_an_object")
    if type(event.get("type")) is not str:
        raise RealtimeError("no_type")
    return event


def append(payload: str) -> str:
    """Write the caller's audio; `payload` is checked base64 of mu-law."""
    return f'{{"type":"input_audio_buffer.append","audio":"{payload}"}}'


def session_update(event_id: str, session: Mapping[str, Any]) -> str:
    """Write a change of the session. `session.type` is required on each of them and set here."""
    return _write(event_id, "session.update", session={**session, "type": "realtime"})


def message_create(event_id: str, role: str, text: str, item_id: str = "") -> str:
    """Write a text item of the user, the system or the assistant; `item_id` has at most 32 characters."""
    content_type = "output_text" if role == "assistant" else "input_text"
    item: dict[str, Any] = {"type": "message", "role": role}
    if item_id:
        item["id"] = item_id
    item["content"] = [{"type": content_type, "text": text}]
    return _write(event_id, "conversation.item.create", item=item)


def function_output_create(event_id: str, call_id: str, output: str, item_id: str = "") -> str:
    """Write the answer to a function call; `output` is JSON text already and goes as a string."""
    item: dict[str, Any] = {"type": "function_call_output"}
    if item_id:
        item["id"] = item_id
    item["call_id"] = call_id
    item["output"] = output
    return _write(event_id, "conversation.item.create", item=item)


def response_create(event_id: str, *, metadata: Mapping[str, str], tool_choice: str = "") -> str:
    """Write the request for a response; `metadata` comes back in `response.created` and `response.done`."""
    response: dict[str, Any] = {"metadata": dict(metadata)}
    if tool_choice:
        response["tool_choice"] = tool_choice
    return _write(event_id, "response.create", response=response)


def response_cancel(event_id: str, response_id: str = "") -> str:
    """Write the order to stop a response; without an id the active one."""
    if response_id:
        return _write(event_id, "response.cancel", response_id=response_id)
    return _write(event_id, "response.cancel")


def item_truncate(event_id: str, item_id: str, audio_end_ms: int, content_index: int = 0) -> str:
    """Write that the caller heard an item up to `audio_end_ms` only."""
    return _write(
        event_id,
        "conversation.item.truncate",
        item_id=item_id,
        content_index=content_index,
        audio_end_ms=audio_end_ms,
    )


def shorter_audio_ms(message: str) -> int | None:
    """Return the length that the server names when it refuses to cut an item beyond its end."""
    found = _SHORTER_AUDIO.search(message)
    return int(found[1]) if found else None


def retry_delay_ms(message: str) -> float | None:
    """Return the delay that a rate limit asks for, as in "Please try again in 1.2s"."""
    found = _RETRY_DELAY.search(message)
    if found is None:
        return None
    return float(found[1]) * (1 if found[2].startswith("m") else 1000)


def _write(event_id: str, event_type: str, **fields: Any) -> str:
    try:
        return orjson.dumps({"event_id": event_id, "type": event_type, **fields}).decode()
    except orjson.JSONEncodeError:
        # A lone surrogate, which JSON from outside may hold, cannot be sent as UTF-8.
        clean = _without_surrogates(fields)
        return orjson.dumps({"event_id": event_id, "type": event_type, **clean}).decode()


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {
            _without_surrogates(str(key)): _without_surrogates(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_surrogates(inner) for inner in value]
    return value
