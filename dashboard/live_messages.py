"""
What the live feed says: a snapshot of what is going on, then what happened since, as far as the viewer may see it.

The stored events say where to look; every look reads the rows themselves through the policy, so what a viewer may not
see is never on the way to them. It reads the database: call it beside the event loop.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.access import Viewer
from accounts.origin import KeyOrigin, Origin
from accounts.permissions import Resource, Verb
from dashboard.selectors import GOING_ON
from scheduling.models import StaffTask
from scheduling.selectors.sight import seen
from voice.models import CallLog, LiveEvent, ToolCall, TranscriptEntry

Message = dict[str, Any]
Kind = LiveEvent.Kind
MOST_EVENTS = 200
MOST_LINES = 2_000
MOST_TASKS = 100
OF_CALLS = (Kind.CALL_STARTED, Kind.CALL_UPDATED, Kind.CALL_ENDED)
OF_TASKS = (Kind.TASK_CREATED, Kind.TASK_CHANGED)
TYPES: Mapping[str, str] = {
    Kind.CALL_STARTED: "call.started",
    Kind.CALL_UPDATED: "call.updated",
    Kind.CALL_ENDED: "call.ended",
    Kind.LINE: "line",
    Kind.TOOL_CALL: "tool_call",
    Kind.TASK_CREATED: "task.created",
    Kind.TASK_CHANGED: "task.changed",
}


@dataclass(slots=True)
class Shown:
    """Which calls and tasks were shown to one watcher, each with its patient: the first time is recorded (S46)."""

    pairs: set[tuple[str, UUID, UUID | None]] = field(default_factory=set)

    def record(
        self, rows: Iterable[CallLog | StaffTask], origin: Origin | KeyOrigin, *, action: str
    ) -> None:
        """Write one event with everything that is shown for the first time."""
        new = {(row._meta.model_name or "", row.pk, row.patient_id) for row in rows} - self.pairs
        if new:
            patients = sorted({str(patient) for _, _, patient in new if patient})
            one = next(iter(new)) if len(new) == 1 else ("live_feed", "", None)
            origin.record(action=action, patient_ids=patients, object_type=one[0], object_id=one[1])
        self.pairs |= new


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the events came to; `cursor` is the number up to which all was looked at."""

    messages: list[Message]
    cursor: int
    more: bool = False


def newest_seq() -> int:
    """Return the number of the latest event; 0 without any."""
    return LiveEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


@transaction.atomic
def snapshot(*, viewer: Viewer, origin: Origin | KeyOrigin, shown: Shown) -> Look:
    """
    Return what goes on now. The number is read first, so that what happens meanwhile is told again, never missed.

    Raises:
        NotRecorded: it cannot be recorded who sees it, so nobody does.
    """
    cursor = newest_seq()
    going_on = CallLog.objects.filter(status__in=GOING_ON, ended_at=None).order_by(
        "created_at", "id"
    )
    told = list(seen(going_on, viewer=viewer, verb=Verb.READ, resource=Resource.LIVE_CALLS))
    heard = seen(going_on, viewer=viewer, verb=Verb.READ, resource=Resource.LIVE_TRANSCRIPT)
    hearing = list(heard)
    lines = TranscriptEntry.objects.filter(call__in=hearing).order_by("call", "position", "id")
    tools = ToolCall.objects.filter(call__in=hearing).order_by("created_at", "id")
    tasks = list(_tasks(viewer).filter(status=StaffTask.Status.OPEN)[:MOST_TASKS])
    message = {
        "type": "snapshot",
        "seq": cursor,
        "calls": [call_of(call) for call in told],
        "lines": [line_of(line) for line in lines[:MOST_LINES]],
        "tool_calls": [tool_of(tool) for tool in tools[:MOST_LINES]],
        "tasks": [task_of(task) for task in tasks],
    }
    shown.record([*told, *hearing, *tasks], origin, action="live.snapshot")
    return Look([message], cursor)


@transaction.atomic
def news(
    *,
    viewer: Viewer,
    origin: Origin | KeyOrigin,
    shown: Shown,
    after: int,
    last: int,
    most: int = MOST_EVENTS,
) -> Look:
    """
    Return what happened above number `after`; `last` is the number of the message that the viewer got last.

    Each message names the one before it as `after`, so a watcher sees a gap although numbers of what it may not see
    are left out. A row is told as it is now, and once however often it changed.

    Raises:
        NotRecorded: it cannot be recorded who sees it, so nobody does.
    """
    events = list(LiveEvent.objects.filter(seq__gt=after).order_by("seq")[: most + 1])
    more, events = len(events) > most, events[:most]
    if not events:
        return Look([], after)
    rows = _Rows.read(_latest(events), viewer)
    messages, visible = [], []
    for event in _latest(events):
        body = rows.body(event)
        if body is None:
            continue
        messages.append(
            {"type": rows.type_of(event), "seq": event.seq, "after": last}
            | {"at": event.occurred_at.isoformat()}
            | body
        )
        visible.append(rows.shown_of(event))
        last = event.seq
    shown.record(visible, origin, action="live.shown")
    return Look(messages, events[-1].seq, more)


def _latest(events: Sequence[LiveEvent]) -> list[LiveEvent]:
    """Drop events that a later one about the same thing repeats; they would tell the same row twice."""
    latest = {(event.kind, event.call_id, event.reference): event.seq for event in events}
    return [
        event for event in events if latest[event.kind, event.call_id, event.reference] == event.seq
    ]


@dataclass(frozen=True, slots=True)
class _Rows:
    """What events are about, as far as the viewer may see it."""

    calls: Mapping[UUID, CallLog]
    heard: Mapping[UUID, CallLog]
    lines: Mapping[tuple[UUID, str], TranscriptEntry]
    tools: Mapping[str, ToolCall]
    tasks: Mapping[str, StaffTask]

    @classmethod
    def read(cls, events: Sequence[LiveEvent], viewer: Viewer) -> "_Rows":
        """Read everything at once: at most five queries, however many events there are."""
        called = CallLog.objects.filter(pk__in={event.call_id for event in events if event.call_id})
        calls = seen(called, viewer=viewer, verb=Verb.READ, resource=Resource.LIVE_CALLS)
        heard = seen(called, viewer=viewer, verb=Verb.READ, resource=Resource.LIVE_TRANSCRIPT)
        hearing = {call.pk: call for call in heard}
        named = {kind: {e.reference for e in events if e.kind == kind} for kind in Kind}
        lines = TranscriptEntry.objects.filter(call__in=hearing, item_id__in=named[Kind.LINE])
        tools = ToolCall.objects.filter(call__in=hearing, pk__in=named[Kind.TOOL_CALL])
        wanted = named[Kind.TASK_CREATED] | named[Kind.TASK_CHANGED]
        tasks = _tasks(viewer).filter(pk__in=wanted) if wanted else StaffTask.objects.none()
        return cls(
            calls={call.pk: call for call in calls},
            heard=hearing,
            lines={(line.call_id, line.item_id): line for line in lines},
            tools={str(tool.pk): tool for tool in tools},
            tasks={str(task.pk): task for task in tasks},
        )

    def body(self, event: LiveEvent) -> Message | None:
        """Return what a message holds, or nothing if the viewer may not see it, or it is gone."""
        if event.kind in OF_TASKS:
            task = self.tasks.get(event.reference)
            return {"task": task_of(task)} if task else None
        if event.call_id is None:
            return None
        if event.kind in OF_CALLS:
            call = self.calls.get(event.call_id)
            return {"call": call_of(call)} if call else None
        if event.kind == Kind.LINE:
            line = self.lines.get((event.call_id, event.reference))
            return {"line": line_of(line)} if line else None
        tool = self.tools.get(event.reference)
        return {"tool_call": tool_of(tool)} if tool else None

    def type_of(self, event: LiveEvent) -> str:
        """Return the type of a message; a new task that needs somebody now is an alarm."""
        if event.kind == Kind.TASK_CREATED:
            alarm = self.tasks[event.reference].kind == StaffTask.Kind.ALARM
            return "alarm" if alarm else "task.created"
        return TYPES[event.kind]

    def shown_of(self, event: LiveEvent) -> CallLog | StaffTask:
        """Return the row whose patient a message is about."""
        if event.call_id is None:
            return self.tasks[event.reference]
        return self.calls.get(event.call_id) or self.heard[event.call_id]


def _tasks(viewer: Viewer) -> QuerySet[StaffTask]:
    rows = StaffTask.objects.order_by("due_at", "id")
    return seen(rows, viewer=viewer, verb=Verb.READ)


def call_of(call: CallLog) -> Message:
    """Return a call without numbers or names."""
    return {
        "id": str(call.pk),
        "status": call.status,
        "direction": call.direction,
        "outcome": call.outcome,
        "ended_reason": call.ended_reason,
        "language": call.language,
        "patient": str(call.patient_id) if call.patient_id else None,
        "created_at": call.created_at.isoformat(),
        "started_at": call.started_at.isoformat() if call.started_at else None,
        "ended_at": call.ended_at.isoformat() if call.ended_at else None,
    }


def line_of(line: TranscriptEntry) -> Message:
    """Return a line as heard so far; `complete` once it has an end and its words are known."""
    return {
        "id": str(line.pk),
        "call": str(line.call_id),
        "speaker": line.speaker,
        "text": line.text,
        "language": line.language,
        "position": line.position,
        "started_ms": line.started_ms,
        "ended_ms": line.ended_ms,
        "interrupted": line.interrupted,
        "complete": line.ended_ms is not None and line.transcribed,
    }


def tool_of(tool: ToolCall) -> Message:
    """Return what the assistant did and what came of it, without what it was told."""
    return {
        "id": str(tool.pk),
        "call": str(tool.call_id),
        "name": tool.name,
        "outcome": tool.code,
        "started_ms": tool.started_ms,
        "duration_ms": tool.duration_ms,
    }


def task_of(task: StaffTask) -> Message:
    """Return a task without its words and its number, which stand on its page."""
    return {
        "id": str(task.pk),
        "kind": task.kind,
        "topic": task.topic,
        "urgency": task.urgency,
        "status": task.status,
        "patient": str(task.patient_id) if task.patient_id else None,
        "due_at": task.due_at.isoformat(),
        "created_at": task.created_at.isoformat(),
        "done_at": task.done_at.isoformat() if task.done_at else None,
    }
