"""
A small language for the shape of client events, with the Realtime API's own error codes and wording.

A check takes a value and its dotted path and raises `ClientError`; checks are combined as data in `client_events`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Check = Callable[[Any, str], None]

_TYPE_NAMES: Final[Mapping[type, str]] = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


class ClientError(Exception):
    """What a client event is refused with: an `error` event's `code`, `message` and dotted `param`."""

    def __init__(self, code: str | None, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


def unknown_parameter(path: str) -> ClientError:
    """Return the refusal of a field that does not exist, beta fields included."""
    return ClientError("unknown_parameter", f"Unknown parameter: '{path}'.", path)


def missing_parameter(path: str) -> ClientError:
    """Return the refusal of an object without a required field."""
    return ClientError("missing_required_parameter", f"Missing required parameter: '{path}'.", path)


def invalid_value(path: str, message: str) -> ClientError:
    """Return the refusal of a value out of its enumeration or range."""
    return ClientError("invalid_value", message, path)


def _expect(kind: type, value: Any, path: str) -> None:
    if type(value) is not kind:
        got = _TYPE_NAMES.get(type(value), type(value).__name__)
        raise ClientError(
            "invalid_type",
            f"Invalid type for '{path}': expected {_TYPE_NAMES[kind]}, but got {got} instead.",
            path,
        )


def text(*, longest: int | None = None, pattern: str = "") -> Check:
    """Accept a string, up to `longest` characters, matching the whole `pattern`."""
    compiled = re.compile(pattern) if pattern else None

    def check(value: Any, path: str) -> None:
        _expect(str, value, path)
        if longest is not None and len(value) > longest:
            raise ClientError(
                "string_above_max_length",
                f"Invalid '{path}': string too long. Expected a string with maximum length {longest}, "
                f"but got a string with length {len(value)} instead.",
                path,
            )
        if compiled is not None and not compiled.fullmatch(value):
            raise invalid_value(
                path,
                f"Invalid '{path}': string does not match pattern. Expected a string that matches "
                f"the pattern '^{pattern}$'.",
            )

    return check


def flag(value: Any, path: str) -> None:
    """Accept a boolean."""
    _expect(bool, value, path)


def anything(value: Any, path: str) -> None:
    """Accept every JSON value."""


def free_object(value: Any, path: str) -> None:
    """Accept an object whose fields are not looked at, such as a JSON schema."""
    _expect(dict, value, path)


def number(lowest: float, highest: float) -> Check:
    """Accept an integer or a decimal in the closed range."""

    def check(value: Any, path: str) -> None:
        if type(value) is not int:
            _expect(float, value, path)
        _in_range(value, lowest, highest, path)

    return check


def integer(lowest: int, highest: int) -> Check:
    """Accept an integer in the closed range."""

    def check(value: Any, path: str) -> None:
        _expect(int, value, path)
        _in_range(value, lowest, highest, path)

    return check


def _in_range(value: float, lowest: float, highest: float, path: str) -> None:
    if not lowest <= value <= highest:
        raise invalid_value(
            path,
            f"Invalid '{path}': expected a value between {lowest} and {highest}, but got {value}.",
        )


def one_of(*values: str) -> Check:
    """Accept exactly these strings."""
    supported = ", ".join(f"'{value}'" for value in values)

    def check(value: Any, path: str) -> None:
        if value not in values:
            raise invalid_value(
                path, f"Invalid value: '{value}'. Supported values are: {supported}."
            )

    return check


def nullable(check: Check) -> Check:
    """Accept null too."""

    def checked(value: Any, path: str) -> None:
        if value is not None:
            check(value, path)

    return checked


def either(first: Check, kind: type, second: Check) -> Check:
    """Check values of a JSON type with `second`, all others with `first`."""

    def check(value: Any, path: str) -> None:
        (second if type(value) is kind else first)(value, path)

    return check


def array(check: Check, *, longest: int | None = None) -> Check:
    """Accept an array, each element by `check`; elements are named `path[0]`, `path[1]`."""

    def checked(value: Any, path: str) -> None:
        _expect(list, value, path)
        if longest is not None and len(value) > longest:
            raise invalid_value(path, f"Invalid '{path}': array too long.")
        for index, element in enumerate(value):
            check(element, f"{path}[{index}]")

    return checked


def mapping(check: Check, *, longest: int, key_longest: int) -> Check:
    """Accept an object with free keys, at most `longest` of them, each value by `check`."""

    def checked(value: Any, path: str) -> None:
        _expect(dict, value, path)
        if len(value) > longest:
            raise invalid_value(path, f"Invalid '{path}': too many properties.")
        for key, element in value.items():
            if len(key) > key_longest:
                raise invalid_value(path, f"Invalid '{path}': key too long.")
            check(element, f"{path}.{key}")

    return checked


def record(fields: Mapping[str, Check], *, required: tuple[str, ...] = ()) -> Check:
    """Accept an object with these fields and no other; an empty path is the event itself."""

    def check(value: Any, path: str) -> None:
        _expect(dict, value, path or "event")
        prefix = f"{path}." if path else ""
        for name in value:
            if name not in fields:
                raise unknown_parameter(f"{prefix}{name}")
        for name in required:
            if name not in value:
                raise missing_parameter(f"{prefix}{name}")
        for name, element in value.items():
            fields[name](element, f"{prefix}{name}")

    return check


def tagged(tag: str, kinds: Mapping[str, Check]) -> Check:
    """Accept an object whose field `tag` chooses the check of the whole."""
    choose = one_of(*kinds)

    def check(value: Any, path: str) -> None:
        _expect(dict, value, path)
        if tag not in value:
            raise missing_parameter(f"{path}.{tag}")
        choose(value[tag], f"{path}.{tag}")
        kinds[value[tag]](value, path)

    return check
