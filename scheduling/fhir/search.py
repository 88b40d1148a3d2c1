"""
What a search asks for, read from its parameters (FHIR R4, section 3.1.1).

A comma means "or", a repeated parameter "and". What is not understood is passed over and left out of `self`, or
refused if the client wishes so; what is understood but wrong is always refused.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TypeGuard

from scheduling.fhir.instants import Span, span_of
from scheduling.fhir.outcomes import FhirFault
from scheduling.fhir.table import Parameter, ResourceType

PREFIXES = ("eq", "ne", "lt", "le", "gt", "ge", "sa", "eb")
MOST_ON_PAGE, USUAL_ON_PAGE = 100, 20
MOST_PARAMETERS, MOST_VALUES, LONGEST_VALUE = 30, 50, 500
CURSOR = "_cursor"
TOLERATED = frozenset({"_format", "_pretty"})
"""Parameters of the answer's form, which is settled where the answer is written."""
UNESCAPED_COMMA = re.compile(r"(?<!\\),")
ESCAPED = re.compile(r"\\([\\,|$])")
REFERENCE = re.compile(
    r"(?:(?P<base>https?://.+?)/)?(?:(?P<type>[A-Za-z]+)/)?(?P<id>[A-Za-z0-9.-]{1,64})"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A code; `system` is None for any, empty for none, and an empty code stands for any of the system."""

    system: str | None
    code: str


@dataclass(frozen=True, slots=True)
class When:
    """A bound in time."""

    prefix: str
    span: Span


@dataclass(frozen=True, slots=True)
class Target:
    """Where a reference leads; without a type it may be any that the parameter allows."""

    type: str
    id: str


Value = str | Token | When | Target


@dataclass(frozen=True, slots=True)
class Wish:
    """One parameter: a resource fits if one of the values does."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """A whole search: a resource fits if all wishes do. `kept` is what was understood, as it was sent."""

    wishes: tuple[Wish, ...] = ()
    count: int = USUAL_ON_PAGE
    includes: tuple[str, ...] = ()
    cursor: str = ""
    kept: tuple[tuple[str, str], ...] = ()

    def of(self, name: str) -> tuple[Wish, ...]:
        """Return the wishes of one parameter."""
        return tuple(wish for wish in self.wishes if wish.name == name)


@dataclass
class _Reading:
    """What has been understood so far."""

    wishes: list[Wish] = field(default_factory=list)
    count: int = USUAL_ON_PAGE
    includes: list[str] = field(default_factory=list)
    cursor: str = ""
    kept: list[tuple[str, str]] = field(default_factory=list)


def read_search(
    sent: Sequence[tuple[str, str]], kind: ResourceType, *, strict: bool, zone: tzinfo, base: str
) -> Search:
    """
    Return what the parameters ask for; `zone` is the clinic's, `base` the address below which references are ours.

    Raises:
        FhirFault: 400, a value or modifier is wrong, there are too many; if `strict`, a parameter is unknown.
    """
    if len(sent) > MOST_PARAMETERS:
        raise FhirFault(400, "There are too many parameters.", code="too-costly")
    reading = _Reading()
    for name, value in sent:
        if not value or name in TOLERATED:
            continue
        if name == CURSOR:
            reading.cursor = value
            continue
        if len(value) > LONGEST_VALUE or not is_text(value):
            raise _wrong("value", "A value is too long or holds what no text holds.", kind, "")
        if _read(reading, name, value, kind, zone, base):
            reading.kept.append((name, value))
        elif strict:
            raise FhirFault(
                400, "A parameter is not supported here.", code="not-supported",
                expression=f"{kind.name}.where({_plain_name(name)})",
            )  # fmt: skip
    return Search(
        wishes=tuple(reading.wishes),
        count=reading.count,
        includes=tuple(dict.fromkeys(reading.includes)),
        cursor=reading.cursor,
        kept=tuple(reading.kept),
    )


def _read(
    reading: _Reading, name: str, value: str, kind: ResourceType, zone: tzinfo, base: str
) -> bool:
    """Take in one parameter and tell whether it was understood."""
    match name:
        case "_count":
            reading.count = _count(value, kind)
        case "_include":
            if value not in kind.includes:
                return False
            reading.includes.append(value)
        case _:
            plain, _, modifier = name.partition(":")
            parameter = kind.parameter(plain)
            if parameter is None:
                return False
            reading.wishes.append(_wish(parameter, modifier, value, kind, zone, base))
    return True


def _count(value: str, kind: ResourceType) -> int:
    if not value.isdecimal() or not value.isascii():
        raise _wrong("value", "A count is a whole number.", kind, "_count")
    return min(int(value[:9]), MOST_ON_PAGE)


def _wish(
    parameter: Parameter, modifier: str, value: str, kind: ResourceType, zone: tzinfo, base: str
) -> Wish:
    if modifier and modifier not in parameter.targets:
        raise _wrong("not-supported", "That modifier is not supported.", kind, parameter.name)
    parts = UNESCAPED_COMMA.split(value)
    if len(parts) > MOST_VALUES:
        raise _wrong("too-costly", "There are too many values.", kind, parameter.name)
    try:
        values = tuple(_values(parameter, modifier, parts, zone, base))
    except ValueError as error:
        raise _wrong("value", WRONG[parameter.type], kind, parameter.name) from error
    return Wish(parameter.name, values)


WRONG: Mapping[str, str] = {
    "date": "That is no date that can be searched for.",
    "reference": "That is no reference.",
    "token": "That is no code.",
    "string": "That is no text.",
}


def _values(
    parameter: Parameter, modifier: str, parts: Sequence[str], zone: tzinfo, base: str
) -> Iterator[Value]:
    for part in parts:
        if not part:
            continue
        match parameter.type:
            case "date":
                yield _when(part, zone)
            case "token":
                yield _token(part)
            case "reference":
                yield _target(part, modifier, base)
            case _:
                yield _unescaped(part)


def _when(text: str, zone: tzinfo) -> When:
    prefix = text[:2] if text[:2].isalpha() else ""
    if prefix and prefix not in PREFIXES:
        raise ValueError
    # A plus that was not escaped in the address arrives as a blank.
    return When(prefix or "eq", span_of(text[len(prefix) :].replace(" ", "+"), zone=zone))


def _token(text: str) -> Token:
    system, bar, code = text.partition("|")
    if not bar:
        return Token(None, _unescaped(text))
    return Token(_unescaped(system), _unescaped(code))


def _target(text: str, modifier: str, base: str) -> Target:
    found = REFERENCE.fullmatch(text)
    if found is None:
        raise ValueError
    if found["base"] and found["base"] != base:
        return Target("", "")  # somebody else's resource, which nothing of ours refers to
    return Target(modifier or found["type"] or "", found["id"])


def is_text(value: object) -> TypeGuard[str]:
    """Tell whether a value is a text that can be stored: JSON may hold halves of characters, and zeros."""
    if not isinstance(value, str) or "\x00" in value:
        return False
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _unescaped(text: str) -> str:
    return ESCAPED.sub(r"\1", text)


def _plain_name(name: str) -> str:
    """Return a name fit for an answer: a letter or two of what was sent, nothing else."""
    return name if re.fullmatch(r"[A-Za-z_][\w:.-]{0,40}", name) else "?"


def _wrong(code: str, text: str, kind: ResourceType, name: str) -> FhirFault:
    return FhirFault(400, text, code=code, expression=f"{kind.name}.where({name})" if name else "")
