"""
Scripted calls as data: what the caller says, what the model does, and what must be stored at the end.

A scenario is one TOML file in `scenarios/`. The caller stand-in reads the caller's side of it, the model stand-in the
assistant's side, and `voice.conversations` grades the result against `[expect]`. Neither stand-in understands speech:
the model follows the script whose caller lines it recognises by their recordings.

One turn is a line of the caller and the steps with which the model answers it. Of the steps,
- a `say` directly before a `call` is spoken in the response that carries the call; any other step is its own response;
- `say = "$say"` speaks the `say` of the last tool output word for word;
- when a call's output has `ok: false`, the steps under `on` for its code replace the rest of the turn; without such an
  entry the model speaks the output's `say`, and the turn is over.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args

FOLDER: Final = Path(__file__).parent / "scenarios"
WhenKind = Literal["quiet", "into", "greeting"]
EndingKind = Literal["wait", "hang_up"]
T = TypeVar("T")


class ScenarioError(ValueError):
    """A scenario's file is wrong, or a reference in it leads nowhere; the message names the place."""


@dataclass(frozen=True, slots=True)
class Reference:
    """
    A value taken from an earlier answer of the call.

    `path` leads with dots into the latest output of the tool `tool`. Where that is a list, the first entry is chosen
    that contains each text of `has` under its key; `take` is the key that is read from the chosen entry.
    """

    tool: str
    path: str
    has: tuple[tuple[str, str], ...] = ()
    take: str = ""

    def resolve(self, outputs: Sequence[tuple[str, Mapping[str, Any]]]) -> Any:
        """
        Return the value from `outputs`, the tools' names and outputs in the order of the call.

        Raises:
            ScenarioError: no such output, key or entry.
        """
        latest = next((output for name, output in reversed(outputs) if name == self.tool), None)
        if latest is None:
            raise ScenarioError(f"{self.tool} has not been answered yet")
        value: Any = latest
        for key in self.path.split("."):
            if not isinstance(value, Mapping) or key not in value:
                raise ScenarioError(f"{self.tool}: its output has no {self.path}")
            value = value[key]
        if isinstance(value, list):
            value = self._entry(value)
        if not self.take:
            return value
        if not isinstance(value, Mapping) or self.take not in value:
            raise ScenarioError(f"{self.tool}: the entry of {self.path} has no {self.take}")
        return value[self.take]

    def _entry(self, entries: Sequence[Any]) -> Any:
        for entry in entries:
            if all(text in str(entry.get(key, "")) for key, text in self.has):
                return entry
        raise ScenarioError(f"{self.tool}: no entry of {self.path} has {dict(self.has)}")


@dataclass(frozen=True, slots=True)
class Say:
    """The assistant speaks; `$say` is the `say` of the last tool output."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """The assistant calls a tool; a value of `arguments` is a JSON value or a `Reference`."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    on: Mapping[str, tuple["Step", ...]] = field(default_factory=dict)

    def arguments_now(self, outputs: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
        """
        Return the arguments with every reference replaced by its value.

        Raises:
            ScenarioError: a reference leads nowhere.
        """
        return {
            name: value.resolve(outputs) if isinstance(value, Reference) else value
            for name, value in self.arguments.items()
        }


Step = Say | Call


@dataclass(frozen=True, slots=True)
class When:
    """
    When the caller takes the turn.

    `quiet`: after something was played since the caller's last turn and then nothing for `after_ms`. `into`: as soon
    as `words` were heard; a caller that cannot tell what is said (another process speaks) uses `after_ms` of speech.
    `greeting`: `after_ms` after the first sound.
    """

    kind: WhenKind = "quiet"
    words: str = ""
    after_ms: int = 900


@dataclass(frozen=True, slots=True)
class Rival:
    """A booking that someone else makes just before the caller speaks; `start` is local time of the clinic."""

    nurse: str
    start: str
    visit_type: str = "routine"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the caller (a line, keys, or both: the line first) and the model's answer to it."""

    caller: str | None
    keys: str = ""
    when: When = field(default_factory=When)
    assistant: tuple[Step, ...] = ()
    rival: Rival | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """
    How the caller's side ends.

    `wait`: until the other side ends the call. `hang_up`: `after_ms` after the end of the caller's last line, or,
    with `answered`, after the answer to it was played.
    """

    kind: EndingKind = "wait"
    after_ms: int = 900
    answered: bool = True


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """A tool call that must occur; only listed arguments are compared. `code` is `ok` or the code of a refusal."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    code: str = "ok"


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """
    A row that the call must create, change or delete; `model` is `app.Model`.

    Foreign keys are written as the labels of `voice.conversations`. Of a created row the fields that are not listed
    must hold their defaults; of a changed one they must not differ. `where` finds a row that existed before.
    """

    model: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expect:
    """What must hold at the end of the call (voice-conversation, section 12)."""

    outcome: str
    calls: tuple[ExpectedCall, ...] = ()
    no_calls: tuple[str, ...] = ()
    created: tuple[ExpectedRow, ...] = ()
    changed: tuple[ExpectedRow, ...] = ()
    deleted: tuple[ExpectedRow, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    heard: tuple[str, ...] = ()  # words that the caller must have heard, in this order
    not_heard: tuple[str, ...] = ()  # words that must not have been said at all
    interrupted: bool = False  # at least one assistant line was cut by the caller
    after_stream: str = ""  # verb that Twilio was given after the stream: Hangup, Dial


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scripted call."""

    id: str
    title: str
    caller_number: str
    turns: tuple[Turn, ...]
    expect: Expect
    language: str = "en"
    ending: Ending = field(default_factory=Ending)
    demo: bool = False  # fits any week; not one of the graded conversations

    @property
    def caller_lines(self) -> tuple[str, ...]:
        """The caller's lines, in order."""
        return tuple(turn.caller for turn in self.turns if turn.caller)


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
