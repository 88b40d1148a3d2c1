"""
Scripted calls as data: what the caller says, what the model does, and what must be stored at the end.

A scenario is one TOML file in `scenarios/`, read by `voice.standin.scenario_files`. The caller stand-in follows the
caller's side of it, the model stand-in the assistant's side, and `voice.conversations` grades the result against
`[expect]`. Neither stand-in understands speech: the model follows the script whose caller lines it recognises by their
recordings.

One turn is a line of the caller and the steps with which the model answers it. Of the steps,
- a `say` directly before a `call` is spoken in the response that carries the call; any other step is its own response;
- `say = "$say"` speaks the `say` of the last tool output word for word;
- when a call's output has `ok: false`, the steps under `on` for its code replace the rest of the turn; without such an
  entry the model speaks the output's `say`, and the turn is over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

WhenKind = Literal["quiet", "into", "greeting"]
EndingKind = Literal["wait", "hang_up"]


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
