"""
What the background worker does of calls: it closes records whose end nobody reported (R6), and purges at night (S62).

A step is given the real time: calls and heartbeats know no other.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit.by_itself import Deed, record_deeds
from scheduling.services.sweeps import Step
from voice.call_events import write_call_event
from voice.carrier import call_state
from voice.models import CallLog, LiveEvent
from voice.privacy import purge_nightly
from voice.services import HEARTBEAT_LOST, RANK, TERMINAL, end_stream

Status = CallLog.Status
NEVER_OPENED = timedelta(minutes=15)
LONGEST_CALL = timedelta(hours=4, minutes=15)
"""Twilio ends a call after four hours; a transfer to staff may last that long after our stream."""
BATCH = 20
LIVE_EVENTS_KEPT = timedelta(days=1)


def close_lost_calls(*, now: datetime) -> int:
    """
    Close calls whose process died, whose stream never opened, or whose last status report got lost.

    The carrier is asked first. The first terminal state wins (R5): a later report only fills in the duration.
    """
    orphaned = _running().filter(ended_at=None, heartbeat_at__lt=now - HEARTBEAT_LOST)
    unopened = _running().filter(
        direction=CallLog.Direction.INBOUND,
        ended_at=None,
        heartbeat_at=None,
        created_at__lt=now - NEVER_OPENED,
    )
    unreported = _running().filter(ended_at__lt=now - LONGEST_CALL)
    return (
        _close(orphaned, unknown=Status.FAILED, reason="orphaned", now=now)
        + _close(unopened, unknown=Status.FAILED, reason="never_opened", now=now)
        + _close(unreported, unknown=Status.COMPLETED, reason="unreported", now=now)
    )


def _running() -> QuerySet[CallLog]:
    return CallLog.objects.exclude(status__in=TERMINAL)


def _close(calls: QuerySet[CallLog], *, unknown: str, reason: str, now: datetime) -> int:
    """Close some calls; one of which the carrier knows nothing gets the state `unknown`."""
    lost = calls.order_by("created_at", "id").values_list("id", "call_sid")[:BATCH]
    closed = 0
    for call_id, call_sid in list(lost):
        state = call_state(call_sid=call_sid)  # before the transaction: it may take seconds
        status = state if state in RANK else unknown
        closed += _close_one(calls, call_id, status, reason, now)
    return closed


def _close_one(
    calls: QuerySet[CallLog], call_id: UUID, status: str, reason: str, now: datetime
) -> int:
    """
    Close one call, unless it came back to life or another worker was faster.

    A call that the carrier still holds, with staff perhaps, keeps its state; only what we had to do with it is over.
    """
    with transaction.atomic():
        call = calls.select_for_update(no_key=True).filter(pk=call_id).first()
        still_held = status not in TERMINAL
        if call is None or (still_held and call.ended_at is not None):
            return 0
        if not still_held:
            CallLog.objects.filter(pk=call_id).update(status=status)
            write_call_event(call, became=status)
        end_stream(call_id=call_id, reason=reason, now=now)
        record_deeds([Deed("call.closed", call_id, call.patient_id, status, reason)])
    return 1


def forget_live_events(*, now: datetime) -> int:
    """Drop what watchers were told more than a day ago; nobody asks for it any more."""
    return LiveEvent.objects.filter(occurred_at__lt=now - LIVE_EVENTS_KEPT).delete()[0]


STEPS: tuple[Step, ...] = (
    Step("lost_calls", close_lost_calls, period_s=30),
    Step("purge", purge_nightly, period_s=300),
    Step("live_events", forget_live_events, period_s=3600),
)
