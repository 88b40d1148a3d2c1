"""
What the model wrote as a function call's arguments, checked strictly (security reference, S16, S20; cases A15, A21).

The model's output is as untrusted as the caller who steers it. Nothing here raises anything but `BadArguments`.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

MAX_BYTES = 16_384
LONGEST_TEXT = 500
MAX_BRACKETS = 64
MAX_NAMED_ANOMALIES = 6
# Only these names are written to the audit record: other keys may hold what a caller said.
SUSPICIOUS_KEYS = frozenset(
    {
        "patient_id",
        "patient",
        "phone",
        "to",
        "call_id",
        "call_sid",
        "role",
        "user",
        "user_id",
        "nurse_id",
        "appointment_id",
        "trust",
        "verified",
        "is_admin",
        "admin",
        "source",
        "now",
    }
)


class BadArguments(Exception):
    """The arguments cannot be used; `field` names the missing or odd one, empty when nothing could be read."""

    def __init__(self, field: str = "", anomalies: Sequence[str] = ()) -> None:
        super().__init__(field)
        self.field = field
        self.anomalies = tuple(anomalies)


@dataclass(frozen=True, slots=True)
class Argument:
    """
    One argument of a tool.

    Kinds: `text` (free text), `choice` (one of `options`), `number` (a whole number), `flag`, and `handle`: a name
    that this call gave out, where any plain value is let through so that a guess is answered `not_found`, as S17
    demands, and not with a lesson about types. The model is asked for `required` and `assumed` arguments; without the
    latter a call is understood nevertheless. A `lenient` one is left out when it is odd instead of refused.
    """

    kind: Literal["text", "choice", "number", "flag", "handle"]
    description: str
    options: tuple[str, ...] = ()
    required: bool = False
    assumed: bool = False
    longest: int = LONGEST_TEXT
    lenient: bool = False

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema that the model is shown."""
        types = {"number": "integer", "flag": "boolean"}
        schema: dict[str, Any] = {
            "type": types.get(self.kind, "string"),
            "description": self.description,
        }
        if self.options:
            schema["enum"] = list(self.options)
        if self.kind == "text":
            schema["maxLength"] = self.longest
        return schema


@dataclass(frozen=True, slots=True)
class Arguments:
    """The checked values, with the names of keys that were dropped (others than the known bad ones as `other`)."""

    values: Mapping[str, Any]
    anomalies: tuple[str, ...] = ()


def parse(
    raw: str, expected: Mapping[str, Argument], *, longest_text: int = LONGEST_TEXT
) -> Arguments:
    """
    Return the declared values of `raw`, a JSON object.

    No text may be longer than `longest_text` characters. Keys that were not declared are dropped and reported, never
    an error. An empty text counts as not given, because models fill in optional arguments that way.

    Raises:
        BadArguments: not a flat JSON object, or a declared value is missing or odd.
    """
    given = _read(raw)
    anomalies = [_anomaly(key) for key in given if key not in expected]
    values: dict[str, Any] = {}
    for name, argument in expected.items():
        value = given.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if argument.required:
                raise BadArguments(name, anomalies)
            continue
        checked = _check(argument, value, longest_text)
        if checked is not None:
            values[name] = checked
        elif not argument.lenient:
            raise BadArguments(name, anomalies)
    return Arguments(values, tuple(sorted(set(anomalies))[:MAX_NAMED_ANOMALIES]))


def clean_text(value: str) -> str | None:
    """Return `value` on one line, or None if it holds control characters or half a surrogate pair."""
    text = " ".join(value.split())
    if any(unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") for character in text):
        return None
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


def _read(raw: str) -> dict[str, Any]:
    # Ours are small and flat; size and depth cost time and stack.
    if len(raw) > MAX_BYTES or raw.count("[") + raw.count("{") > MAX_BRACKETS:
        raise BadArguments
    if not raw.strip():
        return {}
    try:
        given = json.loads(raw, object_pairs_hook=_no_repeats, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadArguments from None
    if not isinstance(given, dict):
        raise BadArguments
    return given


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    given = dict(pairs)
    if len(given) != len(pairs):
        raise ValueError("repeated key")
    return given


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _anomaly(key: str) -> str:
    return key if key in SUSPICIOUS_KEYS else "other"


def _check(argument: Argument, value: Any, longest_text: int) -> Any:
    """Return the value in its declared type, or None when it is odd."""
    match argument.kind:
        case "flag":
            return value if isinstance(value, bool) else None
        case "number":
            whole = isinstance(value, int) and not isinstance(value, bool)
            return value if whole and abs(value) < 10**9 else None
        case "choice":
            return value if isinstance(value, str) and value in argument.options else None
        case "handle":
            if isinstance(value, (str, int, float)) and not isinstance(value, bool):
                return (clean_text(str(value)) or "?")[:64]
            return None
        case "text":
            text = clean_text(value) if isinstance(value, str) else None
            return text if text and len(text) <= min(argument.longest, longest_text) else None
