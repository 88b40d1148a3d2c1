"""What a tool answers (voice-conversation, section 10): one shape for all tools, small, and safe to speak."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from voice.protocol.commands import ToolAnswer

MOST_BYTES: Final = 1200

# What the model does next, by code; the table of section 10.
NEXT: Final[Mapping[str, str]] = {
    "identity_required": "verify_identity",
    "not_verified": "verify_identity",
    "locked": "offer_message_or_person",
    "not_found": "list_again",
    "slot_taken": "offer_alternatives",
    "slot_expired": "offer_alternatives",
    "no_slots": "offer_alternatives",
    "date_conflict": "ask_which_date",
    "invalid_time": "offer_alternatives",
    "closed": "offer_alternatives",
    "nurse_unknown": "offer_alternatives",
    "nurse_away": "offer_alternatives",
    "late_change": "ask_again_then_propose_again",
    "too_late": "offer_message_or_person",
    "duplicate_visit": "offer_to_move",
    "confirm_required": "read_back_and_wait",
    "readback_not_heard": "read_back_and_wait",
    "limit_reached": "offer_person",
    "bad_arguments": "ask_once",
    "unknown_tool": "ask_once",
    "temporarily_unavailable": "retry_once",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """
    An answer before it is written down: `ok` without a code, or the stable code of a refusal.

    `exact` means that `say` is spoken word for word. `effect` and `session` change the call (see `ToolAnswer`).
    `fact` is what this made true, as a word of `CallLog.Outcome`; `written` says that something was stored by it.
    """

    say: str
    code: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    exact: bool = False
    next: str = ""
    effect: Literal["", "end", "transfer", "wait"] = ""
    session: Mapping[str, Any] | None = None
    fact: str = ""
    written: bool = False

    @property
    def ok(self) -> bool:
        return not self.code

    def output(self) -> dict[str, Any]:
        """Return the object for `function_call_output`."""
        output: dict[str, Any] = {"ok": self.ok}
        if self.code:
            output["code"] = self.code
        output["say"] = self.say
        if self.exact:
            output["exact"] = True
        if self.data:
            output["data"] = dict(self.data)
        if follow := self.next or NEXT.get(self.code, ""):
            output["next"] = follow
        return output


def to_tool_answer(
    output: Mapping[str, Any],
    *,
    effect: Literal["", "end", "transfer", "wait"] = "",
    session: Mapping[str, Any] | None = None,
) -> ToolAnswer:
    """Return what crosses to the bridge, within the limit of bytes."""
    return ToolAnswer(output=render(output), effect=effect, session=session)


def render(output: Mapping[str, Any]) -> str:
    """
    Return `output` as JSON of at most 1,200 bytes.

    Only stored text can make an answer long. The sentence is cut at a word then, and what `data` holds is kept, since
    the handles in it are needed.
    """
    text = _json(output)
    say = str(output.get("say", ""))
    while len(text.encode()) > MOST_BYTES and " " in say:
        say = say[: max(len(say) - 40, 0)].rsplit(" ", 1)[0]
        text = _json({**output, "say": say + "…"})
    return text


def _json(output: Mapping[str, Any]) -> str:
    return json.dumps(output, ensure_ascii=False, separators=(",", ":"))
