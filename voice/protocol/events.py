"""Reading single values out of an event, whose every field may be missing or of another type."""

from collections.abc import Mapping
from typing import Any

_NOTHING: Mapping[str, Any] = {}


def text(event: Mapping[str, Any], key: str) -> str:
    """Return a text, or the empty one."""
    value = event.get(key)
    return value if isinstance(value, str) else ""


def integer(event: Mapping[str, Any], key: str) -> int:
    """Return a count, or 0."""
    value = event.get(key)
    return value if type(value) is int and 0 <= value < 2**31 else 0


def mapping(event: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object, or an empty one."""
    value = event.get(key)
    return value if isinstance(value, Mapping) else _NOTHING


def mappings(event: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list, or none."""
    value = event.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
