"""The files of scripted calls: found, read and checked key by key (`voice.standin.scenarios` says what they mean)."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from voice.standin.scenarios import (
    Call,
    Ending,
    EndingKind,
    Expect,
    ExpectedCall,
    ExpectedRow,
    Reference,
    Rival,
    Say,
    Scenario,
    ScenarioError,
    Step,
    Turn,
    When,
    WhenKind,
)

FOLDER: Final = Path(__file__).parent / "scenarios"
T = TypeVar("T")


@cache
def scenarios() -> Mapping[str, Scenario]:
    """
    Return all scenarios by id, in the order of their files' names.

    Raises:
        ScenarioError: a file is wrong.
    """
    return {
        scenario.id: scenario for scenario in (load(path) for path in sorted(FOLDER.glob("*.toml")))
    }


def find(name: str) -> Scenario:
    """
    Return the scenario with this id, whatever the case.

    Raises:
        ScenarioError: there is none; the message lists the known ids.
    """
    for known, scenario in scenarios().items():
        if known.casefold() == name.casefold():
            return scenario
    raise ScenarioError(f"no scenario {name!r}; known are {', '.join(scenarios())}")


def load(path: Path) -> Scenario:
    """
    Return the scenario that a TOML file holds.

    Raises:
        ScenarioError: the file is no TOML, or lacks a key, or has one too many, or a value of the wrong kind.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path.name}: {error}") from error
    try:
        scenario = _scenario(data)
    except ScenarioError as error:
        raise ScenarioError(f"{path.name}: {error}") from error
    if scenario.id.casefold() != path.stem.casefold():
        raise ScenarioError(f"{path.name}: its id is {scenario.id}")
    return scenario


class _Table:
    """A TOML table that complains with its place, and at the end about keys that nobody asked for."""

    def __init__(self, data: Any, place: str) -> None:
        if not isinstance(data, dict):
            raise ScenarioError(f"{place or 'the file'} must be a table")
        self._data = dict(data)
        self._place = place

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        value = self._data.pop(key, default)
        if value is None:
            raise ScenarioError(f"{self.at(key)} is missing")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ScenarioError(f"{self.at(key)} must be {_KINDS[kind]}")
        return value

    def tables(self, key: str) -> list["_Table"]:
        return [
            _Table(entry, f"{self.at(key)}[{index}]")
            for index, entry in enumerate(self.take(key, list, []))
        ]

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.take(key, list, [])
        if not all(isinstance(value, str) for value in values):
            raise ScenarioError(f"{self.at(key)} must be a list of texts")
        return tuple(values)

    def table(self, key: str) -> "_Table":
        return _Table(self.take(key, dict, {}), self.at(key))

    def has(self, key: str) -> bool:
        return key in self._data

    def rest(self) -> dict[str, Any]:
        rest, self._data = self._data, {}
        return rest

    def at(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key

    def end(self) -> None:
        if self._data:
            raise ScenarioError(f"{self.at(min(self._data))} is not a known key")


_KINDS: Final[Mapping[type, str]] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def _scenario(data: Mapping[str, Any]) -> Scenario:
    table = _Table(data, "")
    turns = table.tables("turns")
    if not turns:
        raise ScenarioError("turns is missing")
    scenario = Scenario(
        id=table.take("id", str),
        title=table.take("title", str),
        caller_number=table.take("caller_number", str),
        language=table.take("language", str, "en"),
        turns=tuple(_turn(turn) for turn in turns),
        ending=_ending(table.table("ending")),
        expect=_expect(table.table("expect")),
        demo=table.take("demo", bool, False),
    )
    table.end()
    return scenario


def _turn(table: _Table) -> Turn:
    caller = table.take("caller", str) if table.has("caller") else None
    keys = table.take("keys", str, "")
    if not caller and not keys:
        raise ScenarioError(f"{table.at('caller')} or keys is missing")
    if set(keys) - set("0123456789*#"):
        raise ScenarioError(f"{table.at('keys')} may hold digits, * and # only")
    turn = Turn(
        caller=caller,
        keys=keys,
        when=_when(table.table("when")),
        assistant=_steps(table.tables("assistant")),
        rival=_rival(table.table("rival")) if table.has("rival") else None,
    )
    table.end()
    return turn


def _when(table: _Table) -> When:
    plain = When()
    kind = _choice(table, "kind", WhenKind, plain.kind)
    when = When(
        kind=kind,
        words=table.take("words", str, ""),
        after_ms=table.take("after_ms", int, plain.after_ms),
    )
    if (when.kind == "into") != bool(when.words):
        raise ScenarioError(f'{table.at("words")} belongs to kind = "into", and only there')
    table.end()
    return when


def _rival(table: _Table) -> Rival:
    rival = Rival(
        nurse=table.take("nurse", str),
        start=table.take("start", str),
        visit_type=table.take("visit_type", str, "routine"),
    )
    table.end()
    return rival


def _ending(table: _Table) -> Ending:
    plain = Ending()
    ending = Ending(
        kind=_choice(table, "kind", EndingKind, plain.kind),
        after_ms=table.take("after_ms", int, plain.after_ms),
        answered=table.take("answered", bool, plain.answered),
    )
    table.end()
    return ending


def _steps(tables: Iterable[_Table]) -> tuple[Step, ...]:
    return tuple(_step(table) for table in tables)


def _step(table: _Table) -> Step:
    if table.has("say"):
        say = Say(table.take("say", str))
        table.end()
        return say
    on = table.table("on")
    branches = {
        code: _steps([_Table(step, f"{on.at(code)}[{index}]") for index, step in enumerate(steps)])
        for code, steps in on.rest().items()
    }
    call = Call(
        name=table.take("call", str),
        arguments=_arguments(table.table("arguments")),
        on=branches,
    )
    table.end()
    return call


def _arguments(table: _Table) -> dict[str, Any]:
    return {
        name: _reference(_Table(value, table.at(name)))
        if isinstance(value, dict) and "from" in value
        else value
        for name, value in table.rest().items()
    }


def _reference(table: _Table) -> Reference:
    has = table.table("has").rest()
    reference = Reference(
        tool=table.take("from", str),
        path=table.take("path", str),
        has=tuple((key, str(text)) for key, text in has.items()),
        take=table.take("take", str, ""),
    )
    table.end()
    return reference


def _expect(table: _Table) -> Expect:
    expect = Expect(
        outcome=table.take("outcome", str),
        calls=tuple(_expected_call(call) for call in table.tables("calls")),
        no_calls=table.texts("no_calls"),
        created=tuple(_expected_row(row) for row in table.tables("created")),
        changed=tuple(_expected_row(row) for row in table.tables("changed")),
        deleted=tuple(_expected_row(row) for row in table.tables("deleted")),
        counts=table.table("counts").rest(),
        heard=table.texts("heard"),
        not_heard=table.texts("not_heard"),
        interrupted=table.take("interrupted", bool, False),
        after_stream=table.take("after_stream", str, ""),
    )
    table.end()
    return expect


def _expected_call(table: _Table) -> ExpectedCall:
    call = ExpectedCall(
        name=table.take("name", str),
        arguments=_arguments(table.table("arguments")),
        code=table.take("code", str, "ok"),
    )
    table.end()
    return call


def _expected_row(table: _Table) -> ExpectedRow:
    row = ExpectedRow(
        model=table.take("model", str),
        fields=table.table("fields").rest(),
        where=table.table("where").rest(),
    )
    table.end()
    return row


def _choice(table: _Table, key: str, kind: Any, default: Any) -> Any:
    """Return one of a Literal's words, or complain with all of them."""
    word = table.take(key, str, default)
    if word not in get_args(kind):
        raise ScenarioError(f"{table.at(key)} must be one of {', '.join(get_args(kind))}")
    return word
