"""What other systems are told of calls: that one started, and once how it ended."""

from scheduling.services.outbox import write_event
from voice.models import CallLog


def write_call_event(call: CallLog, *, became: str) -> None:
    """Write `call.<became>`, in the transaction of the fact; `became` is started or a state in which a call is over."""
    data = {"id": str(call.pk)}
    if call.patient_id:
        data["patient"] = str(call.patient_id)
    write_event(event_type=f"call.{became}", data=data)
