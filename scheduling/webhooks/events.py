"""Which events other systems can be told of (scheduling reference, section 15), and what is said of them."""

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

EVENT_TYPES = (
    "appointment.booked",
    "appointment.rescheduled",
    "appointment.cancelled",
    "appointment.arrived",
    "appointment.fulfilled",
    "appointment.noshow",
    "appointment.attendance_confirmed",
    "waitlist.offered",
    "waitlist.accepted",
    "call.started",
    "call.completed",
    "call.busy",
    "call.failed",
    "call.no_answer",
    "call.canceled",
    "call.overflow",
)
GROUPS = ("*", "appointment.*", "waitlist.*", "call.*")
"""What an endpoint may ask for in place of single types."""
SELECTABLE = frozenset({*EVENT_TYPES, *GROUPS})
TEST_EVENT = "webhook.test"
"""What an endpoint is sent when somebody tries it out; it is sent whatever types the endpoint asked for."""


def wants(chosen: Collection[str], event_type: str) -> bool:
    """Tell whether who chose these types and groups is told of an event; nothing chosen means everything."""
    group = event_type.partition(".")[0] + ".*"
    return not chosen or not {event_type, group, "*"}.isdisjoint(chosen)


def event_body(*, event_type: str, at: datetime, sequence: int, data: Mapping[str, Any]) -> str:
    """
    Return the body of an event, the very text that is signed and sent.

    `at` is when it happened, aware; `sequence` rises with each event; `data` holds the id of what it is about as `id`,
    and other ids, and nothing that tells of a person.
    """
    content = {
        "type": event_type,
        "timestamp": at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "data": {"id": data["id"], "sequence": sequence, **data},
    }
    return json.dumps(content, separators=(",", ":"))
