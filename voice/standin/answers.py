"""What passes between a Realtime session and the mind behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Speak:
    """An audio item (a text item, if the response asks for text)."""

    text: str


@dataclass(frozen=True, slots=True)
class CallTool:
    """A function call; `arguments` is a JSON string, which a model may well get wrong."""

    name: str
    arguments: str


Answer = Speak | CallTool


@dataclass(frozen=True, slots=True)
class Happening:
    """
    Something that became part of the conversation, or failed to.

    `heard`: the caller's audio, `text` is what it was recognised as, empty if it was not. `typed`: a user's text item.
    `told`: a system item. `said`: an assistant's line that the client added. `recalled`: a function call that the
    client added, `text` is the tool. `output`: a tool's answer to `call_id`. `called`: the session gave the brain's
    function call its `call_id`. `cut`: that call's item was never completed, nobody will run it.
    """

    kind: Literal["heard", "typed", "told", "said", "recalled", "output", "called", "cut"]
    text: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """What is asked of the brain: `purpose` is `metadata.purpose`, `aside` an out-of-band response."""

    purpose: str = ""
    tools_allowed: bool = True
    aside: bool = False
    instructions: str = ""
    input: Sequence[Mapping[str, Any]] | None = field(default=None)


class BrainError(Exception):
    """The brain cannot answer, for instance because its script does not fit; the response fails with this text."""


class Brain(Protocol):
    """The mind behind a session. It is told what happens and asked for answers; it has no clock."""

    def recognise(self, audio: bytes) -> str:
        """Return the words of a turn (mu-law, 8 kHz), or an empty string."""

    def notice(self, happening: Happening) -> None:
        """Take in what has become part of the conversation."""

    def respond(self, request: ResponseRequest) -> Sequence[Answer]:
        """
        Return the items of one response, in order; none at all is a silent response.

        The session then reports each function call's id, in order, as `called`.

        Raises:
            BrainError: there is no answer.
        """
