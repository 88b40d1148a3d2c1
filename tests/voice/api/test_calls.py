"""`/api/v1/calls/` with transcripts and what the assistant did (contract, section 6; security reference, section 3)."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from scheduling.models import Patient
from tests.factories import NOW, make_appointment, make_assignment, make_nurse, make_patient
from tests.scheduling.api.keys import Program
from tests.scheduling.api.people import Person
from voice.models import CallLog, ToolCall, TranscriptEntry

NOBODY = "00000000-0000-0000-0000-000000000007"
SECRETS = {"stream_nonce", "stream_sid", "account_sid", "usage"}


def make_call(*, patient: Patient | None = None, **fields: Any) -> CallLog:
    given: dict[str, Any] = {
        "call_sid": f"CA{uuid.uuid4().hex}",
        "account_sid": "AC0",
        "status": "completed",
        "created_at": NOW,
        "stream_nonce": "nonce",
    }
    return CallLog.objects.create(patient=patient or make_patient(), **given | fields)


def make_turn(call: CallLog, position: float, text: str) -> TranscriptEntry:
    return TranscriptEntry.objects.create(
        call=call,
        item_id=uuid.uuid4().hex,
        position=position,
        speaker="caller",
        text=text,
        started_ms=int(position * 1000),
    )


def make_tool_call(call: CallLog, name: str = "find_slots") -> ToolCall:
    return ToolCall.objects.create(
        call=call,
        function_call_id=uuid.uuid4().hex,
        name=name,
        arguments={"nurse": "any"},
        arguments_digest="d",
        code="ok",
        memory={"output": "secret"},
    )


class TestCalls:
    def test_are_shown_without_what_was_said_or_is_secret(self, db: None) -> None:
        call = make_call(cost_usd="0.21")
        visit = make_appointment(patient=call.patient)
        call.appointments.add(visit)

        shown = Program("calls:read").get(f"calls/{call.pk}/").json()

        assert (shown["status"], shown["cost_usd"]) == ("completed", "0.210000")
        assert shown["appointments"] == [str(visit.pk)]
        assert not SECRETS & set(shown)
        event = AuditEvent.objects.get(action="call.read")
        assert event.patient_ids == [str(call.patient_id)]

    def test_are_narrowed_by_whom_when_and_outcome(self, db: None) -> None:
        wanted = make_call(outcome="booked")
        make_call(outcome="booked", created_at=NOW.replace(month=2))
        make_call(patient=wanted.patient, outcome="failed")

        path = f"calls/?patient={wanted.patient_id}&outcome=booked,waitlisted&from=2026-03-05"
        listed = Program("calls:read").get(path).json()["results"]

        assert [call["id"] for call in listed] == [str(wanted.pk)]

    def test_are_a_nurses_own_s26(self, db: None) -> None:
        nurse, patient = Person("nurse"), make_patient()
        make_assignment(patient=patient, nurse=make_nurse(user=nurse.user))
        own, foreign = make_call(patient=patient), make_call()
        make_turn(foreign, 1, "Private")

        listed = nurse.get("calls/").json()["results"]
        foreign_ones = [
            nurse.get(f"calls/{pk}/{part}")
            for pk in (foreign.pk, NOBODY)
            for part in ("", "transcript/", "tool-calls/")
        ]

        assert [call["id"] for call in listed] == [str(own.pk)]
        assert nurse.get(f"calls/{own.pk}/transcript/").status_code == 200
        assert {answer.status_code for answer in foreign_ones} == {404}
        assert {answer.json()["code"] for answer in foreign_ones} == {"not_found"}

    def test_are_only_read(self, db: None) -> None:
        path = f"calls/{make_call().pk}/"
        admin = Person("admin")

        assert admin.post("calls/", {}).status_code == 405
        assert admin.patch(path, {"outcome": "booked"}).status_code == 405
        assert admin.delete(path).status_code == 405

    def test_cost_the_same_for_one_and_for_many(self, db: None) -> None:
        for _ in range(10):
            call = make_call()
            call.appointments.add(make_appointment(patient=call.patient))
        program = Program("calls:read")
        program.get("calls/")

        counts = []
        for size in (1, 50):
            with CaptureQueriesContext(connection) as captured:
                program.get(f"calls/?page_size={size}")
            counts.append(len(captured))

        assert counts[0] == counts[1]


class TestATranscript:
    def test_is_in_the_order_of_the_conversation_page_by_page(self, db: None) -> None:
        call = make_call()
        for position, text in [(2, "second"), (1, "first"), (2.5, "third")]:
            make_turn(call, position, text)
        make_turn(make_call(), 1, "elsewhere")
        program = Program("transcripts:read")

        page = program.get(f"calls/{call.pk}/transcript/?page_size=2").json()
        rest = program.get(page["next"].partition("/api/v1/")[2]).json()

        said = [turn["text"] for turn in page["results"] + rest["results"]]
        assert said == ["first", "second", "third"]

    def test_is_on_record_once_however_long_s46(self, db: None) -> None:
        call = make_call()
        make_turn(call, 1, "first")
        make_turn(call, 2, "second")

        Program("transcripts:read").get(f"calls/{call.pk}/transcript/")

        event = AuditEvent.objects.get(action="transcript.read")
        assert (event.object_id, event.patient_ids) == (str(call.pk), [str(call.patient_id)])

    @pytest.mark.parametrize("part", ["transcript/", "tool-calls/"])
    def test_needs_a_scope_of_its_own(self, db: None, part: str) -> None:
        path = f"calls/{make_call().pk}/"

        assert Program("calls:read").get(f"{path}{part}").status_code == 403
        assert Program("transcripts:read").get(f"{path}{part}").status_code == 200
        assert Program("transcripts:read").get(path).status_code == 403

    @pytest.mark.parametrize("part", ["transcript/", "tool-calls/"])
    def test_is_open_to_schedulers(self, db: None, part: str) -> None:
        assert Person("scheduler").get(f"calls/{make_call().pk}/{part}").status_code == 200


class TestToolCalls:
    def test_are_shown_with_their_answers_and_nothing_inner(self, db: None) -> None:
        call = make_call()
        make_tool_call(call)
        make_tool_call(make_call(), "book")

        listed = Program("transcripts:read").get(f"calls/{call.pk}/tool-calls/").json()["results"]

        assert [(one["name"], one["arguments"]) for one in listed] == [
            ("find_slots", {"nurse": "any"})
        ]
        assert "memory" not in listed[0]
