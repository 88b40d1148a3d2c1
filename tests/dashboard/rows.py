"""Rows for the tests of pages: made plainly, past the services, so that a page test fails for the page's sake."""

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

from accounts.models import User
from scheduling.models import Appointment, CareAssignment, Nurse, Patient, VisitType
from voice.models import CallLog, PromptVersion, ToolCall, TranscriptEntry

PASSWORD = "seven quiet herons wade"
NOON = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)  # 12:00pm in New York, a Tuesday

_numbers = itertools.count(1)


def make_user(username: str = "robin", role: str = "scheduler", **fields: Any) -> User:
    return User.objects.create_user(username=username, password=PASSWORD, role=role, **fields)


def make_patient(first_name: str = "Ida", last_name: str = "Fernwood", **fields: Any) -> Patient:
    given: dict[str, Any] = {"date_of_birth": date(1958, 3, 14), "phone": "+12025550118"}
    return Patient.objects.create(first_name=first_name, last_name=last_name, **given | fields)


def make_nurse(first_name: str = "Ana", last_name: str = "Reyes", **fields: Any) -> Nurse:
    given: dict[str, Any] = {
        "license_number": f"RN{next(_numbers):06}",
        "license_state": "NY",
        "license_expires_on": date(2030, 1, 1),
    }
    return Nurse.objects.create(first_name=first_name, last_name=last_name, **given | fields)


def assign(nurse: Nurse, patient: Patient) -> CareAssignment:
    return CareAssignment.objects.create(nurse=nurse, patient=patient)


def make_visit(
    patient: Patient, nurse: Nurse, start: datetime = NOON + timedelta(days=1), **fields: Any
) -> Appointment:
    kind, _ = VisitType.objects.get_or_create(
        code="routine", defaults={"name": "Routine visit", "length_minutes": 30}
    )
    end = start + timedelta(minutes=30)
    given: dict[str, Any] = {"source": "voice", "blocked_from": start, "blocked_until": end}
    return Appointment.objects.create(
        patient=patient, nurse=nurse, visit_type=kind, start=start, end=end, **given | fields
    )


def make_call(patient: Patient | None = None, *visits: Appointment, **fields: Any) -> CallLog:
    number = next(_numbers)
    given: dict[str, Any] = {
        "call_sid": f"CA{number:032}",
        "account_sid": "AC" + "0" * 32,
        "from_number": "+12025550118",
        "to_number": "+12025550199",
        "status": "completed",
        "outcome": "booked",
        "duration_s": 88,
    }
    call = CallLog.objects.create(patient=patient, **given | fields)
    call.appointments.set(visits)
    return call


def add_turn(
    call: CallLog, position: int, speaker: str, text: str, **fields: Any
) -> TranscriptEntry:
    given: dict[str, Any] = {"started_ms": position * 5_000, "ended_ms": position * 5_000 + 3_000}
    return TranscriptEntry.objects.create(
        call=call,
        item_id=f"item_{position}",
        position=position,
        speaker=speaker,
        text=text,
        **given | fields,
    )


def add_tool(call: CallLog, name: str, started_ms: int, **fields: Any) -> ToolCall:
    given: dict[str, Any] = {"code": "ok", "result": {"ok": True}, "duration_ms": 143}
    return ToolCall.objects.create(
        call=call,
        function_call_id=f"call_{next(_numbers)}",
        name=name,
        started_ms=started_ms,
        arguments_digest="0" * 64,
        **given | fields,
    )


def make_whole_call(patient: Patient, *visits: Appointment, **fields: Any) -> CallLog:
    """Return a call with turns, an interruption, two things that the assistant did, and all figures."""
    prompt, _ = PromptVersion.objects.get_or_create(
        digest="ab12" * 16, defaults={"instructions": "Be brief."}
    )
    given: dict[str, Any] = {
        "prompt_version": prompt,
        "ended_reason": "ended",
        "cost_usd": "0.214300",
        "greeting_ms": 640,
        "answer_p50_ms": 810,
        "answer_p95_ms": 1_420,
        "model": "gpt-realtime-2.1",
    }
    call = make_call(patient, *visits, **given | fields)
    add_turn(
        call,
        1,
        "assistant",
        "Good morning, this is the clinic’s automated assistant. How can I help?",
    )
    add_turn(call, 2, "caller", "I would like a visit on Thursday, please.")
    add_tool(call, "find_slots", 13_500, arguments={"weekday": "thursday"})
    add_turn(
        call,
        3,
        "assistant",
        "I have Thursday at nine thirty,",
        unheard_text="or Friday at a quarter past two.",
        interrupted=True,
        started_ms=15_000,
        ended_ms=18_200,
    )
    add_turn(call, 4, "caller", "Thursday is good.")
    add_tool(
        call,
        "confirm_proposal",
        24_000,
        code="confirm_required",
        result={"ok": False, "code": "confirm_required"},
        arguments={"proposal": "p_1"},
    )
    add_turn(
        call,
        5,
        "assistant",
        "Thursday at nine thirty with Ana Reyes. Is that right?",
        started_ms=25_000,
    )
    return call
