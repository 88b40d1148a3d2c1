"""Every kind of message to every kind of watcher, of own and of foreign patients (security reference, S28, S29)."""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client

from dashboard.live_messages import TYPES
from scheduling.models import Patient, StaffTask
from tests.dashboard.rows import make_call
from tests.dashboard.watchers import ASKED, beside, heard, new_key, opened, socket_of
from tests.factories import NOW, make_assignment, make_nurse, make_patient, make_user
from voice.live_feed import publish_events
from voice.models import CallLog, LiveEvent, ToolCall, TranscriptEntry

pytestmark = pytest.mark.django_db(transaction=True)

CALLS = {"call.started", "call.updated", "call.ended"}
HEARD = {"line", "tool_call"}
TASKS = {"task.created", "task.changed", "alarm"}
OWN, FOREIGN, NOBODYS = "own", "foreign", "nobody's"
WHOSE = (OWN, FOREIGN, NOBODYS)

MAY: dict[str, set[tuple[str, str]]] = {
    "admin": {(kind, whose) for kind in CALLS | HEARD | TASKS for whose in WHOSE},
    "scheduler": {(kind, whose) for kind in CALLS | HEARD | TASKS for whose in WHOSE},
    "nurse": {(kind, OWN) for kind in CALLS | HEARD},
    "key calls:read": {(kind, whose) for kind in CALLS for whose in WHOSE},
    "key calls:read transcripts:read": {(kind, whose) for kind in CALLS | HEARD for whose in WHOSE},
}
"""What docs/live-feed.md promises; written apart from the policy, so that neither can drift alone."""


@dataclass(frozen=True, slots=True)
class Watching:
    """Somebody with an open socket and the means to ask by HTTP as well."""

    socket: WebsocketCommunicator
    client: Client
    headers: dict[str, str]


async def watching(who: str, nurse_of: Patient) -> Watching:
    """Open a socket of a role, or of a key with scopes."""
    if who.startswith("key "):
        _, text = await new_key(*who.split()[1:])
        headers = {"Authorization": f"Bearer {text}"}
        return Watching(socket_of(key=text, origin=""), Client(), headers)
    client = Client()
    user = await beside(make_user)(role=who)
    await beside(client.force_login)(user)
    if who == "nurse":
        nurse = await beside(make_nurse)(user=user)
        await beside(make_assignment)(patient=nurse_of, nurse=nurse)
    return Watching(socket_of(client), client, {})


def everything_happens(patients: dict[str, Patient | None]) -> dict[str, str]:
    """Let everything happen that the feed tells of, to each patient; return whose each id is."""
    owners: dict[str, str] = {}
    events: list[LiveEvent] = []
    for whose, patient in patients.items():
        call = make_call(patient)
        CallLog.objects.filter(pk=call.pk).update(status="in_progress", ended_at=None)
        line = TranscriptEntry.objects.create(
            call=call, item_id=f"item {whose}", position=1, speaker="caller", text="Hello.",
            started_ms=0, ended_ms=9,
        )  # fmt: skip
        tool = ToolCall.objects.create(
            call=call, function_call_id=uuid.uuid4().hex, name="take_message", code="ok",
            arguments={}, arguments_digest="d",
        )  # fmt: skip
        new, urgent = (
            StaffTask.objects.create(
                kind=kind,
                text="A secret.",
                patient=patient,
                due_at=NOW,
                source="voice",
                actor="call",
            )
            for kind in ("message", "alarm")
        )
        references = {
            "line": [line.item_id],
            "tool_call": [str(tool.pk)],
            "task.created": [str(new.pk), str(urgent.pk)],
            "task.changed": [str(new.pk)],
        }
        for kind, told_as in TYPES.items():
            for reference in references.get(told_as, [""]):
                about = None if told_as in TASKS else call.pk
                events.append(LiveEvent(kind=kind, call_id=about, reference=reference))
        owners |= {str(row.pk): whose for row in (call, line, tool, new, urgent)}
    assert publish_events(events)
    return owners


def told_of(messages: list[dict[str, Any]], owners: dict[str, str]) -> set[tuple[str, str]]:
    """Return what messages were of, and whose."""
    rows = ("call", "line", "tool_call", "task")
    return {
        (one["type"], owners[next(one[row]["id"] for row in rows if row in one)])
        for one in messages
    }


@pytest.mark.parametrize("who", MAY)
class TestAWatcher:
    async def test_is_told_of_exactly_what_it_may_see_s29(self, who: str) -> None:
        patients = {OWN: await beside(make_patient)(), FOREIGN: await beside(make_patient)()}
        watcher = await watching(who, patients[OWN])
        await opened(watcher.socket)

        owners = await beside(everything_happens)({**patients, NOBODYS: None})
        told = [await heard(watcher.socket) for _ in MAY[who]]
        nothing_more = await watcher.socket.receive_nothing(timeout=1.2)
        await watcher.socket.disconnect()
        answer = await beside(watcher.client.get)(ASKED, {"after": 0}, headers=watcher.headers)

        assert told_of(told, owners) == MAY[who]
        assert nothing_more
        assert told_of(answer.json()["results"], owners) == MAY[who]
        assert "A secret." not in str(told) + str(answer.json())

    async def test_finds_in_the_snapshot_exactly_what_it_may_see_s29(self, who: str) -> None:
        patients = {OWN: await beside(make_patient)(), FOREIGN: await beside(make_patient)()}
        owners = await beside(everything_happens)({**patients, NOBODYS: None})
        watcher = await watching(who, patients[OWN])

        snapshot = await opened(watcher.socket)
        await watcher.socket.disconnect()

        kinds = {"calls": CALLS, "lines": {"line"}, "tool_calls": {"tool_call"}, "tasks": TASKS}
        for part, told_as in kinds.items():
            may = {whose for kind, whose in MAY[who] if kind in told_as}
            assert {owners[row["id"]] for row in snapshot[part]} == may, part


def test_the_table_names_every_kind_that_is_told() -> None:
    assert {kind for kind, _ in MAY["admin"]} == {*TYPES.values(), "alarm"}
