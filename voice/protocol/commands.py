"""
What the bridge asks its shell to do, and what crosses between the bridge and the tools; plain values only.

Times are milliseconds since the start of the call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class SendToTwilio:
    """Write one text frame to the media stream."""

    text: str


@dataclass(frozen=True, slots=True)
class SendToOpenAI:
    """Write one event to the Realtime socket; audio may be dropped when the socket is stalled, others never."""

    text: str
    audio: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """An assistant's line after some point of the conversation; `whole` means that it was played to its end."""

    text: str
    whole: bool


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """The caller spoke or pressed a key."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    What the caller heard and did after each answered tool call, in order.

    `after` maps OpenAI's function-call id to the lines and caller turns that followed its output. The gate reads
    from it whether a read-back was heard and answered (voice-conversation, section 10; S19).
    """

    after: Mapping[str, tuple[Spoken | CallerTurn, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunTool:
    """Answer a function call of a completed response, in a task of its own."""

    call_id: str
    name: str
    arguments: str
    started_ms: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """
    What a tool answered.

    `output` is the JSON for `function_call_output`. `effect` changes the call: `end` and `transfer` close the stream
    after the farewell was played, `wait` lets no speech follow. `session` is sent in a `session.update` before the
    output (for instance the other language).
    """

    output: str
    effect: Literal["", "end", "transfer", "wait"] = ""
    session: Mapping[str, Any] | None = None
    language: str = ""  # in which the bridge's own lines are said from here on, if it changed


@dataclass(frozen=True, slots=True)
class RecordTurn:
    """Store a turn, or store it again with more known: rows are replaced by `item_id`."""

    item_id: str
    previous_item_id: str
    position: float
    speaker: Literal["caller", "assistant"]
    text: str
    started_ms: int
    ended_ms: int | None = None
    unheard_text: str = ""
    sent_ms: int = 0
    heard_ms: int = 0
    interrupted: bool = False
    transcribed: bool = True


@dataclass(frozen=True, slots=True)
class RecordUsage:
    """Add up what a response or a transcription cost; `usage` is the server's object, or nothing when it sent none."""

    kind: Literal["response", "transcription"]
    usage: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class RecordLatency:
    """Keep a figure: `greeting` from start to first audio sent, `answer` from end of speech to first audio sent."""

    kind: Literal["greeting", "answer"]
    ms: int


@dataclass(frozen=True, slots=True)
class Log:
    """Write a log line: a constant event and listed fields, never text that was said."""

    event: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Close:
    """Store the intent, then close Twilio's socket with this code."""

    code: int
    reason: str
    intent: Literal["", "ended", "transfer"] = ""


Record = RecordTurn | RecordUsage | RecordLatency
Command = SendToTwilio | SendToOpenAI | RunTool | Record | Log | Close
