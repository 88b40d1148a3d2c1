"""Invented calls of the past, for the pages of a fresh clinic; the same seed gives the same calls."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle, islice

from django.db import transaction

from scheduling.clock import clinic_zone
from scheduling.selectors import SampleVisit, sample_visits_by_phone
from voice.models import CallLog, ToolCall, TranscriptEntry

SID = "CAsample"
BATCH = 1000
SPAN = timedelta(days=28)
OPENING_HOUR, HOURS_OPEN = 8, 9
MS_PER_CHARACTER = 62
PAUSE_MS = 900

Line = tuple[str, str]  # speaker, text
Tool = tuple[int, str, str]  # index of the line that it follows, name, fact

ASK_IDENTITY = ("assistant", "Could you give me your full name and date of birth?")
GOODBYE = ("assistant", "Thanks for calling, goodbye.")


@dataclass(frozen=True, slots=True)
class Story:
    """How a sample call goes; `{nurse}`, `{when}`, `{caller}` and `{birth}` are filled in."""

    outcome: str
    weight: int
    lines: tuple[Line, ...]
    tools: tuple[Tool, ...] = ()
    names_visit: bool = False
    intent: str = "ended"


STORIES = (
    Story(
        "booked",
        48,
        (
            ("caller", "I'd like to see a nurse, please."),
            ASK_IDENTITY,
            ("caller", "{caller}, {birth}."),
            ("assistant", "With {nurse} I have {when}. Does that suit you?"),
            ("caller", "Yes, that's fine."),
            ("assistant", "To confirm: a visit with {nurse} on {when}. Shall I book it?"),
            ("caller", "Yes, please."),
            ("assistant", "You're booked for {when} with {nurse}. Anything else?"),
            ("caller", "No, that's all."),
            GOODBYE,
        ),
        (
            (2, "verify_identity", ""),
            (2, "find_slots", "info_given"),
            (4, "propose_booking", ""),
            (6, "confirm_proposal", "booked"),
            (8, "end_call", ""),
        ),
        names_visit=True,
    ),
    Story(
        "info_given",
        18,
        (
            ("caller", "Are you open on Saturday?"),
            ("assistant", "We are open Monday to Friday from eight to five. Can I do anything else?"),
            ("caller", "No, thank you."),
            GOODBYE,
        ),
        ((0, "clinic_info", "info_given"), (2, "end_call", "")),
    ),
    Story(
        "message_taken",
        14,
        (
            ("caller", "I have a question about my tablets."),
            ("assistant", "I can't give medical advice, but a nurse can. Shall I ask one to call you back?"),
            ("caller", "Yes, please."),
            ("assistant", "I've passed that on. Someone will call you back."),
            GOODBYE,
        ),
        ((2, "leave_message", "message_taken"), (3, "end_call", "")),
    ),
    Story(
        "transferred",
        9,
        (
            ("caller", "Can I talk to a person?"),
            ("assistant", "Of course. One moment, I am connecting you."),
        ),
        ((0, "transfer_to_staff", "transferred"),),
        intent="transfer",
    ),
    Story(
        "not_verified",
        6,
        (
            ("caller", "When is my next visit?"),
            ASK_IDENTITY,
            ("caller", "Can't you see my number?"),
            ("assistant", "I understand; I still need it to protect your information."),
            ("caller", "Never mind, then."),
            GOODBYE,
        ),
        ((4, "end_call", ""),),
    ),
    Story("caller_left", 5, (("caller", "Oh, sorry."),), intent=""),
)  # fmt: skip
GREETING: Line = (
    "assistant",
    "Carematix nursing line. I'm an automated assistant. How can I help?",
)


@transaction.atomic
def load_calls(*, wanted: int, seed: int, now: datetime) -> int:
    """Add sample calls up to `wanted` and return how many were added; they touch nobody but the invented crowd."""
    stored = CallLog.objects.filter(call_sid__startswith=SID).count()
    missing = range(stored, wanted)
    if not missing:
        return 0
    visits = sample_visits_by_phone(limit=len(missing))
    turns = cycle(visits) if visits else cycle([None])
    for first in range(missing.start, missing.stop, BATCH):
        numbers = range(first, min(first + BATCH, missing.stop))
        _store(list(_calls(numbers, seed, now, turns)))
    return len(missing)


@dataclass(slots=True)
class _Held:
    call: CallLog
    visit: SampleVisit | None
    lines: list[TranscriptEntry]
    tools: list[ToolCall]


def _store(held: list[_Held]) -> None:
    CallLog.objects.bulk_create([one.call for one in held])
    TranscriptEntry.objects.bulk_create([line for one in held for line in one.lines], BATCH)
    ToolCall.objects.bulk_create([tool for one in held for tool in one.tools], BATCH)
    through = CallLog.appointments.through
    through.objects.bulk_create(
        [
            through(calllog_id=one.call.pk, appointment_id=one.visit.appointment_id)
            for one in held
            if one.visit is not None
        ]
    )


def _calls(
    numbers: range, seed: int, now: datetime, visits: Iterator[SampleVisit | None]
) -> Iterator[_Held]:
    for number in numbers:
        dice = random.Random(f"{seed}|call|{number}")
        story = dice.choices(STORIES, [one.weight for one in STORIES])[0]
        visit = next(islice(visits, 1)) if story.names_visit else None
        if story.names_visit and visit is None:
            story = STORIES[1]
        yield _call(number, dice, story, visit, now)


def _call(
    number: int, dice: random.Random, story: Story, visit: SampleVisit | None, now: datetime
) -> _Held:
    day = (now - dice.random() * SPAN).astimezone(clinic_zone())
    opened = day.replace(hour=OPENING_HOUR, minute=0, second=0, microsecond=0)
    started = min(opened + dice.random() * timedelta(hours=HOURS_OPEN), now - timedelta(hours=1))
    call = CallLog(
        id=uuid.UUID(int=dice.getrandbits(128), version=4),
        call_sid=f"{SID}{number:026d}",
        from_number=visit.patient_phone if visit else f"+1202555{100 + dice.randrange(100):04d}",
        caller_attested=True,
        status=CallLog.Status.COMPLETED,
        sequence_number=3,
        outcome=story.outcome,
        ended_reason=_reason(story),
        intent=story.intent,
        recording=CallLog.Recording.IMPLIED,
        patient_id=visit.patient_id if visit else None,
        model="sample",
        created_at=started,
        started_at=started,
        greeting_ms=dice.randrange(120, 400),
        answer_p50_ms=dice.randrange(600, 1100),
        answer_p95_ms=dice.randrange(1100, 2200),
    )
    lines, length_ms = _lines(call, story, visit)
    call.duration_s = length_ms // 1000 + 1
    call.ended_at = started + timedelta(seconds=call.duration_s)
    return _Held(call, visit, lines, _tools(call, story, lines, dice))


def _reason(story: Story) -> str:
    return {"transfer": "transfer", "ended": "ended"}.get(story.intent, "caller_left")


def _lines(
    call: CallLog, story: Story, visit: SampleVisit | None
) -> tuple[list[TranscriptEntry], int]:
    words = {"nurse": "", "when": "", "caller": "", "birth": ""}
    if visit is not None:
        start = visit.start.astimezone(clinic_zone())
        words = {
            "nurse": visit.nurse_name,
            "when": f"{start:%A}, {start:%B} {start.day}, at {start:%-I:%M %p}",
            "caller": visit.patient_name,
            "birth": f"{visit.date_of_birth:%B %-d, %Y}",
        }
    at, entries = 0, []
    for position, (speaker, template) in enumerate((GREETING, *story.lines)):
        text = template.format(**words)
        length = len(text) * MS_PER_CHARACTER
        entries.append(
            TranscriptEntry(
                call=call,
                item_id=f"item_{position}",
                previous_item_id=f"item_{position - 1}" if position else "",
                position=position,
                speaker=speaker,
                text=text,
                started_ms=at,
                ended_ms=at + length,
                sent_ms=length if speaker == "assistant" else 0,
                heard_ms=length if speaker == "assistant" else 0,
            )
        )
        at += length + PAUSE_MS
    return entries, at


def _tools(
    call: CallLog, story: Story, lines: list[TranscriptEntry], dice: random.Random
) -> list[ToolCall]:
    rows = []
    for order, (after, name, fact) in enumerate(story.tools):
        line = lines[after + 1]
        rows.append(
            ToolCall(
                call=call,
                function_call_id=f"sample_{order}",
                name=name,
                arguments_digest="",
                code="ok",
                fact=fact,
                result={"ok": True},
                created_at=call.created_at + timedelta(milliseconds=(line.ended_ms or 0) + order),
                started_ms=(line.ended_ms or 0) + order,
                duration_ms=dice.randrange(8, 60),
            )
        )
    return rows
