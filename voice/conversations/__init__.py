"""
The test conversations, held and graded (voice-conversation, section 12).

Each is a whole call through the public doors: signed webhook, TwiML, signed stream, consumer, Realtime session, tools,
database. With the scripted model everything is in this process, and the caller talks on a virtual clock.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from channels.db import database_sync_to_async
from channels.routing import get_default_application
from django.apps import apps
from django.conf import settings

from scheduling.clock import clinic_zone
from voice import openai_client
from voice.conversations.database_difference import Difference, difference, snapshot
from voice.conversations.grading import Evidence, grade
from voice.models import CallLog, ToolCall, TranscriptEntry
from voice.standin.caller import Account, CallOptions, CallRecord, PhoneCall, known_lines
from voice.standin.scenarios import Rival, Scenario
from voice.standin.timeline import Line
from voice.standin.transports import InProcessTransport, Transport

Runner = Callable[[Coroutine[Any, Any, CallRecord]], CallRecord]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A call that was held; `wrong` says what did not hold."""

    scenario: Scenario
    record: CallRecord
    lines: Sequence[Line]
    call: CallLog | None
    wrong: Sequence[str]
    sent: Sequence[str] = ()


@dataclass(slots=True)
class Rivals:
    """Bookings that other people made during the call; `keys` are their rows."""

    keys: list[str] = field(default_factory=list)

    async def book(self, rival: Rival) -> None:
        """Book, past every hold, as an import from another system would."""
        self.keys.append(await database_sync_to_async(_book_past_holds)(rival))


def account() -> Account:
    """Return whose number is called: this installation's."""
    return Account(
        account_sid=settings.TWILIO_ACCOUNT_SID or "AC" + "0" * 32,
        auth_token=settings.TWILIO_AUTH_TOKEN,
        number=settings.TWILIO_PHONE_NUMBER or "+12025550199",
        base_url=settings.PUBLIC_BASE_URL,
    )


async def hold(
    scenario: Scenario,
    *,
    transport: Transport,
    rivals: Rivals,
    follow: bool,
    options: CallOptions | None = None,
) -> CallRecord:
    """Hold one call; with `follow` the assistant's words are known while they are played."""
    call = PhoneCall(
        scenario=scenario,
        account=account(),
        transport=transport,
        recognition=known_lines(scenario, follow=follow),
        options=options,
        interfere=rivals.book,
    )
    return await call.place()


def converse(
    scenario: Scenario, *, runner: Runner, options: CallOptions | None = None
) -> Conversation:
    """
    Hold a conversation in this process, and grade it.

    `runner` runs a coroutine to its end: `asyncio.run` at the pace of speech, `virtual_clock.run` at once.
    """
    before, secrets = snapshot(), stored_values()
    rivals = Rivals()
    with watched_model() as sent:
        record = runner(
            hold(
                scenario,
                transport=InProcessTransport(get_default_application()),
                rivals=rivals,
                follow=True,
                options=options,
            )
        )
    changes = difference(before, snapshot(), without=rivals.keys)
    return graded(scenario, record, changes=changes, sent=sent, secrets=secrets)


def graded(
    scenario: Scenario,
    record: CallRecord,
    *,
    changes: Mapping[str, Difference] | None = None,
    sent: Sequence[str] = (),
    secrets: Collection[str] = (),
) -> Conversation:
    """Grade a call that was held; without `changes` the database's difference is not known and not graded."""
    call = CallLog.objects.filter(call_sid=record.call_sid).first()
    if call is None:
        return Conversation(scenario, record, (), None, ["no call was stored"])
    transcript = list(TranscriptEntry.objects.filter(call=call))
    spoken = [f"{entry.text} {entry.unheard_text}".strip() for entry in transcript]
    lines = record.lines(known_lines(scenario, spoken, follow=True))
    evidence = Evidence(
        scenario=scenario,
        record=record,
        call=call,
        tool_calls=list(ToolCall.objects.filter(call=call)),
        transcript=transcript,
        lines=lines,
        differences=changes,
        sent=sent,
        secrets=secrets,
    )
    return Conversation(scenario, record, lines, call, grade(evidence), sent)


def stored_values() -> set[str]:
    """Return what is stored about patients and must not reach the model before somebody is verified."""
    values: set[str] = set()
    for patient in apps.get_model("scheduling.Patient")._default_manager.all():
        born = patient.date_of_birth
        values |= {
            f"{patient.first_name} {patient.last_name}",
            patient.last_name,
            born.isoformat(),
            f"{born:%B} {born.day}, {born.year}",
            patient.phone,
            patient.phone.removeprefix("+1"),
            patient.second_phone,
            patient.email,
            patient.postal_code,
            patient.reference_number,
            str(patient.pk),
        }
    return values - {""}


@contextmanager
def watched_model() -> Iterator[list[str]]:
    """Keep every frame that is sent to the stand-in's sessions inside this context."""
    sent: list[str] = []
    connect = getattr(openai_client, "connect_in_process")  # noqa: B009 - not an export, but the one seam

    async def watched(**options: Any) -> _Watched:
        return _Watched(await connect(**options), sent)

    # The client has one seam for the stand-in, and this is the only other user of it.
    setattr(openai_client, "connect_in_process", watched)  # noqa: B010 - mypy sees a function's redefinition otherwise
    try:
        yield sent
    finally:
        setattr(openai_client, "connect_in_process", connect)  # noqa: B010 - see above


class _Watched:
    """A connection whose outgoing frames are kept."""

    def __init__(self, connection: Any, sent: list[str]) -> None:
        self._connection = connection
        self._sent = sent

    @property
    def close_code(self) -> int | None:
        code: int | None = self._connection.close_code
        return code

    async def send(self, text: str) -> None:
        self._sent.append(text)
        await self._connection.send(text)

    async def send_audio(self, text: str) -> bool:
        self._sent.append(text)
        accepted: bool = await self._connection.send_audio(text)
        return accepted

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for frame in self._connection:
            yield frame

    async def close(self) -> None:
        await self._connection.close()


def _book_past_holds(rival: Rival) -> str:
    """Store a visit of somebody who has none then; the database itself still refuses overlaps."""
    appointment = apps.get_model("scheduling.Appointment")._default_manager
    visit_type = apps.get_model("scheduling.VisitType")._default_manager.get(code=rival.visit_type)
    nurses = apps.get_model("scheduling.Nurse")._default_manager.all()
    nurse = next(nurse for nurse in nurses if nurse.name == rival.nurse)
    start = datetime.fromisoformat(rival.start).replace(tzinfo=clinic_zone())
    end = start + timedelta(minutes=visit_type.length_minutes)
    busy = appointment.filter(start__lt=end, end__gt=start).values("patient")
    patient = (
        apps.get_model("scheduling.Patient")
        ._default_manager.exclude(pk__in=busy)
        .exclude(relations__isnull=False)
        .order_by("-created_at", "-pk")[0]
    )
    row = appointment.create(
        patient=patient,
        nurse=nurse,
        visit_type=visit_type,
        start=start,
        end=end,
        blocked_from=start,
        blocked_until=end,
        source="dashboard",
    )
    return str(row.pk)


def stored_visits(call_sid: str) -> list[str]:
    """Return the visits that a call booked or changed, for people, in the clinic's time."""
    visits = (
        apps.get_model("scheduling.Appointment")
        ._default_manager.filter(calls__call_sid=call_sid)
        .select_related("nurse", "patient", "visit_type")
        .order_by("start")
    )
    zone = clinic_zone()
    return [
        f"Stored: {visit.visit_type.name} of {visit.patient.name} with {visit.nurse.name}, "
        f"{visit.start.astimezone(zone):%a %b %d %Y, %H:%M %Z}, {visit.get_status_display().lower()}, "
        f"by {visit.get_source_display().lower()}"
        for visit in visits
    ]


def run_at_pace(coroutine: Coroutine[Any, Any, CallRecord]) -> CallRecord:
    """Hold a call at the pace of speech."""
    return asyncio.run(coroutine)
