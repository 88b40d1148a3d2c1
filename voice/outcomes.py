"""
What a call led to, computed from what was stored, never from what was said (voice-conversation, section 1).

No Django here: the rules are a list and one function.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

PRECEDENCE = (
    "emergency", "crisis",  # these always win
    "booked", "rescheduled", "cancelled", "attendance_confirmed", "waitlisted", "registered", "message_taken",
    "transferred", "info_given", "wrong_number", "do_not_call", "not_verified", "abusive", "silent", "spam",
    "voicemail_left", "caller_left", "failed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the database knows of a call that is over."""

    facts: Collection[str] = field(default_factory=frozenset)  # what its tools stored or answered
    ended_reason: str = ""
    failed_identity: bool = False
    caller_spoke: bool = False


def outcome(call: CallFacts) -> str:
    """Return exactly one outcome."""
    true = set(call.facts)
    if call.failed_identity:
        true.add("not_verified")
    if call.ended_reason == "silent":
        true.add("silent")
    if call.ended_reason in {"model_lost", "model_unavailable", "session_rejected", "crashed"}:
        true.add("failed")
    for word in PRECEDENCE:
        if word in true:
            return word
    return "caller_left" if call.ended_reason in {"", "caller_left", "ended"} else "failed"
