"""
Whether an event that we send is one of the Realtime API's client events, with declared fields only.

The official types let undeclared fields through and are built for answers; here they are held to the letter.
"""

import json
import types
import typing
from typing import Any, Union, get_args, get_origin

from openai.types.realtime import realtime_client_event
from pydantic import BaseModel, TypeAdapter

_CLIENT_EVENT: TypeAdapter[Any] = TypeAdapter(realtime_client_event.RealtimeClientEvent)
_UNIONS = (Union, types.UnionType)
# The WebSocket refuses it: it is for WebRTC and SIP (openai-realtime, section 6).
_REFUSED_TYPES = frozenset({"output_audio_buffer.clear"})


class UndeclaredEvent(AssertionError):
    """The event is not one of the official client events."""


def check_client_event(text: str) -> None:
    """
    Check one event as it goes over the wire.

    Raises:
        UndeclaredEvent: it is not JSON, not a client event, or has a field that its type does not declare.
    """
    try:
        event = json.loads(text)
        parsed = _CLIENT_EVENT.validate_python(event, strict=False)
    except ValueError as error:
        raise UndeclaredEvent(f"{text[:200]}: {error}") from error
    if event["type"] in _REFUSED_TYPES:
        raise UndeclaredEvent(f"a WebSocket refuses {event['type']}")
    # The parsed event is compared as well: a union may have taken a member that fits by chance.
    if parsed.type != event["type"]:
        raise UndeclaredEvent(f"{event['type']} was read as {parsed.type}")
    problems = _undeclared(event, type(parsed), "")
    if problems:
        raise UndeclaredEvent(f"{event['type']} has undeclared fields: {', '.join(problems)}")


def _undeclared(value: Any, declared: Any, path: str) -> list[str]:
    """Return the paths below `value` that `declared` does not know; of a union the best member counts."""
    origin = get_origin(declared)
    if origin is typing.Annotated:
        return _undeclared(value, get_args(declared)[0], path)
    if origin in _UNIONS:
        members = [member for member in get_args(declared) if _fits(value, member)]
        if not members:
            return [f"{path} (fits no member)"]
        return min((_undeclared(value, member, path) for member in members), key=len)
    if isinstance(value, list):
        inner = get_args(declared)
        if not inner:
            return []
        return [
            problem
            for number, item in enumerate(value)
            for problem in _undeclared(item, inner[0], f"{path}[{number}]")
        ]
    if isinstance(value, dict):
        return _undeclared_keys(value, declared, path)
    return []


def _undeclared_keys(value: dict[str, Any], declared: Any, path: str) -> list[str]:
    if not (isinstance(declared, type) and issubclass(declared, BaseModel)):
        return []  # a free object, such as metadata or a JSON schema
    fields = {field.alias or name: field for name, field in declared.model_fields.items()}
    problems = []
    for key, inner in value.items():
        if key not in fields:
            problems.append(f"{path}.{key}")
        else:
            problems += _undeclared(inner, fields[key].annotation, f"{path}.{key}")
    return problems


def _fits(value: Any, declared: Any) -> bool:
    try:
        TypeAdapter(declared).validate_python(value)
    except ValueError:
        return False
    return True
