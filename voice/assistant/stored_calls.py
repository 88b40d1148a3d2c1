"""What is stored of a tool call: the answer with the gate's new state and the audit event, and what is read of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from accounts.models import AuditEvent
from accounts.services import record_event
from voice.assistant.answers import Answer, render
from voice.assistant.desk import Desk
from voice.assistant.gate import Gate
from voice.assistant.requests import Request
from voice.assistant.tools import Tool
from voice.live_feed import publish
from voice.models import CallLog, LiveEvent, ToolCall

REPEAT_WITHIN: Final = timedelta(minutes=10)
RECENT_ROWS: Final = 5


@dataclass(slots=True)
class Outcome:
    """What the dispatch point came to: the answer, and what is stored with it."""

    answer: Answer
    values: Mapping[str, Any]
    anomalies: tuple[str, ...] = ()
    repeated: bool = False


def gate_of(call: CallLog) -> Gate:
    """Return the gate as the last tool call of this phone call left it."""
    recent = ToolCall.objects.filter(call=call).order_by("-created_at", "-id")[:RECENT_ROWS]
    states = [row.memory["state"] for row in recent if row.memory]
    # The count rises with each row; the clock that stamps them may step.
    last = max(states, key=lambda state: int(state["tool_calls"]), default=None)
    gate = Gate() if last is None else Gate.restore(last)
    if call.locked:
        gate.lock()
    return gate


def first_result(desk: Desk, tool: Tool, values: Mapping[str, Any]) -> Answer | None:
    """Return what the same wish for the same patient came to in the last ten minutes (contract, section 8)."""
    rows = desk.call.tool_calls.filter(
        name=tool.name, code="ok", repeated=False, created_at__gt=desk.at - REPEAT_WITHIN
    )
    for row in rows:
        memory = row.memory
        same = row.arguments == values and memory["written"]
        if same and memory["state"]["patient_id"] == desk.gate.patient_id:
            return Answer(
                row.result["say"], data=row.result.get("data", {}), exact="exact" in row.result
            )
    return None


def store(request: Request, desk: Desk, outcome: Outcome, *, duration_ms: int) -> None:
    """Store a tool call with the gate's new state, and its audit event."""
    answer, text = outcome.answer, rendered(outcome)
    memory = {
        "output": text,  # byte for byte: PostgreSQL keeps no order of keys
        "effect": answer.effect,
        "written": answer.written,
        "state": desk.gate.snapshot(),
    }
    row = ToolCall.objects.create(
        call=desk.call,
        function_call_id=request.key,
        name=request.shown_name,
        arguments=dict(outcome.values),
        arguments_digest=request.digest,
        code=answer.code or "ok",
        fact=answer.fact,
        result=json.loads(text),
        memory=memory,
        repeated=outcome.repeated,
        started_ms=max(request.started_ms, 0),
        duration_ms=duration_ms,
    )
    publish(LiveEvent.Kind.TOOL_CALL, call_id=row.call_id, references=[str(row.pk)])
    reason = _handles(outcome.values)
    if desk.gate.acting_as not in ("", "self"):
        reason = f"acting as {desk.gate.acting_as} {reason}".strip()
    _audit(request, desk, answer.code or "ok", reason)
    if outcome.anomalies:
        _audit(request, desk, "anomaly", "dropped: " + ", ".join(outcome.anomalies))


def _audit(request: Request, desk: Desk, outcome: str, reason: str) -> None:
    record_event(
        action=request.shown_name,
        outcome=outcome,
        surface="call",
        actor_type=AuditEvent.ActorType.CALL,
        actor_id=desk.call.pk,
        patient_ids=sorted(desk.patients),
        object_type="call",
        object_id=desk.call.pk,
        request_id=desk.call.call_sid,
        reason=reason[:200],
    )


def audit_other_arguments(request: Request, call: CallLog) -> None:
    """Note that a known function-call id came with other arguments (S22)."""
    record_event(
        action=request.shown_name,
        outcome="anomaly",
        surface="call",
        actor_type=AuditEvent.ActorType.CALL,
        actor_id=call.pk,
        object_type="call",
        object_id=call.pk,
        request_id=call.call_sid,
        reason="other arguments under a known function-call id",
    )


def rendered(outcome: Outcome) -> str:
    """Return the text that the model gets."""
    output = outcome.answer.output()
    return render(output | {"repeated": True} if outcome.repeated else output)


def _handles(values: Mapping[str, Any]) -> str:
    """Return the handles that were used, for the audit event; what is none is not copied (S46, S47)."""
    shown = []
    for name in ("slot", "appointment"):
        if name in values:
            value = str(values[name])
            shown.append(value if re.fullmatch(r"(slot|appt)_[0-9]{1,4}", value) else f"odd {name}")
    return " ".join(shown)
