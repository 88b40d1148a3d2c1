"""Retention, export, erasure and relinking where calls are concerned (security reference, S62 to S64)."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from accounts import legal_holds
from accounts.exceptions import HoldNeedsReason, IdempotencyKeyReused
from accounts.models import AuditEvent, User
from accounts.origin import Origin
from accounts.repeats import answer_once
from accounts.services import record_event
from scheduling.exceptions import NotFound, StillActive, UnderHold
from scheduling.models import (
    Appointment,
    DataImport,
    MedicalCondition,
    Message,
    Patient,
    PurgeRun,
)
from scheduling.services import imports
from tests.factories import (
    NOW,
    make_appointment,
    make_assignment,
    make_consent,
    make_nurse,
    make_patient,
    make_relation,
    make_user,
)
from voice.exceptions import NotAdministrator
from voice.models import CallLog, IdentityAttempt, ToolCall, TranscriptEntry
from voice.privacy import erase_patient, patient_export, purge_all, purge_nightly, relink_call
from voice.sweeps import STEPS

ROOT = Path(__file__).resolve().parents[2]
DAY = timedelta(days=1)
REASON = "The patient asked for it in writing"


def origin(role: str = User.Role.ADMIN) -> Origin:
    """Return somebody at the dashboard."""
    return Origin(user_id=make_user(role=role).pk, surface="dashboard")


def make_call(**fields: Any) -> CallLog:
    """Store a call that is over."""
    defaults: dict[str, Any] = {
        "call_sid": f"CA{uuid.uuid4().hex}",
        "account_sid": "AC0",
        "status": CallLog.Status.COMPLETED,
        "created_at": NOW,
    }
    return CallLog.objects.create(**defaults | fields)


def make_turn(call: CallLog, text: str = "Hello") -> TranscriptEntry:
    """Store something that was said."""
    return TranscriptEntry.objects.create(
        call=call, item_id=uuid.uuid4().hex, position=1, speaker="caller", text=text, started_ms=0
    )


def make_tool_call(call: CallLog, **fields: Any) -> ToolCall:
    """Store something that the assistant did."""
    defaults: dict[str, Any] = {
        "function_call_id": uuid.uuid4().hex,
        "name": "take_message",
        "arguments": {"text": "Please call"},
        "arguments_digest": "d",
        "code": "ok",
    }
    return ToolCall.objects.create(call=call, **defaults | fields)


def hold_call(call: CallLog) -> None:
    """Place a hold on a call."""
    legal_holds.place_hold(
        kind="call",
        record_id=call.pk,
        patient_ids=[],
        reason="A court asked for it",
        origin=origin(),
        now=NOW,
    )


@pytest.mark.django_db
class TestPurge:
    def test_s62_deletes_transcripts_after_two_years_and_takes_the_words_out_of_tool_calls(
        self,
    ) -> None:
        old, young = make_call(created_at=NOW - 731 * DAY), make_call(created_at=NOW - 729 * DAY)
        for call in (old, young):
            make_turn(call)
            make_tool_call(call)

        purge_all(now=NOW)

        assert [entry.call for entry in TranscriptEntry.objects.all()] == [young]
        assert old.tool_calls.get().arguments == {}
        assert young.tool_calls.get().arguments
        assert CallLog.objects.count() == 2

    def test_s62_deletes_the_records_of_calls_after_six_years(self) -> None:
        old = make_call(created_at=NOW - 2193 * DAY)
        IdentityAttempt.objects.create(call=old, caller_number="+12025550101")
        make_call(created_at=NOW - 2191 * DAY)

        purge_all(now=NOW)

        assert CallLog.objects.count() == 1
        assert not IdentityAttempt.objects.exists()

    def test_s62_forgets_after_a_day_which_name_was_given(self) -> None:
        call = make_call()
        for age in (timedelta(hours=25), timedelta(hours=23)):
            row = IdentityAttempt.objects.create(call=call, name_digest="5a", caller_number="+1")
            IdentityAttempt.objects.filter(pk=row.pk).update(created_at=NOW - age)

        purge_all(now=NOW)

        kept = IdentityAttempt.objects.order_by("created_at").values_list(
            "name_digest", "caller_number"
        )
        assert list(kept) == [("", "+1"), ("5a", "+1")]

    @pytest.mark.parametrize("held", ["call", "patient"])
    def test_s62_keeps_calls_under_a_hold_of_their_own_or_of_their_patient(self, held: str) -> None:
        patient = make_patient()
        call = make_call(created_at=NOW - 3000 * DAY, patient=patient)
        make_turn(call)
        if held == "call":
            hold_call(call)
        else:
            legal_holds.place_hold(
                kind="patient",
                record_id=patient.pk,
                patient_ids=[patient.pk],
                reason="A court asked for it",
                origin=origin(),
                now=NOW,
            )

        assert purge_all(now=NOW) == "nothing"

        assert call.transcript.count() == 1

    def test_s62_is_a_step_of_the_worker_and_rests_until_the_next_night(self) -> None:
        make_turn(make_call(created_at=NOW - 731 * DAY))

        did = [purge_nightly(now=NOW) for _ in range(4)]

        assert did == [1, 0, 0, 0]
        assert PurgeRun.objects.get().counts == {"transcripts": 1}
        assert "purge" in [step.name for step in STEPS]

    def test_s62_reports_on_the_command_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        make_turn(make_call(created_at=NOW - 1500 * DAY))

        call_command("purge")

        assert capsys.readouterr().out == "Deleted: transcripts: 1.\n"


def everything(name: str) -> dict[str, Any]:
    """Store a patient of whom each kind of record repeats the word `name`, and return what was stored."""
    patient = make_patient(
        first_name=name,
        last_name=name,
        email=f"{name}@example.org",
        postal_code=name[:12],
        reference_number=name,
        registration_reason=name,
        phone="+13035550177",
        second_phone="+13035550188",
        date_of_birth=date(1971, 2, 3),
    )
    MedicalCondition.objects.create(patient=patient, name=name, code="E11", notes=name)
    make_relation(patient=patient, name=name)
    make_relation(patient=make_patient(), name=name, related_patient=patient)
    make_assignment(patient=patient, nurse=make_nurse())
    make_consent(patient=patient, wording=name)
    visit = make_appointment(
        patient=patient,
        start=NOW - DAY,
        status="cancelled",
        reason=name,
        cancellation_note=name,
    )
    visit.changes.create(
        version=1, kind="booked", at=NOW, source="voice", actor="call", reason=name
    )
    Message.objects.create(
        channel="sms", kind="reply", patient=patient, to="+13035550177", body=name, due_at=NOW
    )
    call = make_call(patient=patient, from_number="+13035550177")
    call.appointments.add(visit)
    make_turn(call, name)
    make_tool_call(call, arguments={"full_name": name}, result={"n": name}, memory={"n": name})
    unknown = make_call(from_number="+13035550188")
    make_turn(unknown, name)
    patient.tasks.create(
        kind="message", text=name, callback_number="+13035550177", due_at=NOW, source="voice",
        actor="call",
    )  # fmt: skip
    DataImport.objects.create(kind="patients", content=name.encode(), digest="", status="checked")
    answer_once(
        scope="user:1 POST /api/v1/patients/",
        key="again",
        body={},
        now=NOW,
        work=lambda: {"body": {"id": str(patient.pk), "first_name": name}},
    )
    record_event(
        action="patient.read", outcome="ok", surface="dashboard", patient_ids=[patient.pk, "other"]
    )
    return {"patient": patient, "call": call, "visit": visit}


def tables_with(*words: str) -> set[str]:
    """Return the tables of the whole database in which one of the words stands, in any column."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            text = repr(cursor.fetchall()).lower()
            if any(word.lower() in text for word in words):
                found.add(table)
    return found


@pytest.mark.django_db
class TestErasePatient:
    def test_s63_leaves_nothing_of_the_patient_in_the_database(self) -> None:
        stored = everything("Zyxcanary")
        words = ("zyxcanary", "+13035550177", "+13035550188", "1971-02-03", "datetime.date(1971")
        assert "scheduling_patient" in tables_with(*words)

        erase_patient(patient_id=stored["patient"].pk, reason=REASON, origin=origin(), now=NOW)

        assert tables_with(*words, repr(b"Zyxcanary"), b"Zyxcanary".hex()) == set()
        assert Appointment.objects.get().patient.name.startswith("Erased ")

    @pytest.mark.parametrize("status", ["uploaded", "checking", "checked", "accepted", "applying"])
    @pytest.mark.parametrize("kind", ["patients", "appointments"])
    def test_s63_drops_files_that_wait_to_be_imported_and_says_so(
        self, kind: str, status: str
    ) -> None:
        patient = make_patient()
        waiting = DataImport.objects.create(kind=kind, content=b"x", digest="", status=status)
        hours = DataImport.objects.create(
            kind="availability", content=b"x", digest="", status=status
        )

        erase_patient(patient_id=patient.pk, reason=REASON, origin=origin(), now=NOW)

        waiting.refresh_from_db()
        hours.refresh_from_db()
        ended = "failed" if status in {"accepted", "applying"} else "refused"
        assert (waiting.status, bytes(waiting.content)) == (ended, b"")
        assert "erased" in waiting.problems[0]["detail"]
        assert (hours.status, bytes(hours.content)) == (status, b"x")

    def test_s63_takes_the_file_out_of_the_hands_of_a_worker(self) -> None:
        patient = make_patient()
        file = b"reference_number,first_name\n" + b"R-1,Zyx\n"
        record = DataImport.objects.create(
            kind="patients", content=file, digest="", status="checking"
        )
        in_hand = DataImport.objects.get(pk=record.pk)

        erase_patient(patient_id=patient.pk, reason=REASON, origin=origin(), now=NOW)

        with pytest.raises(imports.LeaseLost):
            imports._update(in_hand, rows_done=1)

    def test_s63_a_late_repetition_makes_nobody_anew(self) -> None:
        patient = everything("Zyxcanary")["patient"]

        erase_patient(patient_id=patient.pk, reason=REASON, origin=origin(), now=NOW)

        with pytest.raises(IdempotencyKeyReused):
            answer_once(
                scope="user:1 POST /api/v1/patients/", key="again", body={}, now=NOW, work=dict
            )

    def test_s63_leaves_the_audit_record_alone_and_adds_to_it(self) -> None:
        patient = everything("Zyxcanary")["patient"]
        before = list(AuditEvent.objects.values_list("seq", flat=True))

        erase_patient(patient_id=patient.pk, reason=REASON, origin=origin(), now=NOW)

        assert list(AuditEvent.objects.filter(seq__in=before).values_list("seq", flat=True)) == (
            before
        )
        event = AuditEvent.objects.get(action="patient.erased")
        assert (event.patient_ids, event.reason) == ([str(patient.pk)], REASON)

    def test_s63_is_refused_under_a_hold_on_a_call_and_changes_nothing(self) -> None:
        stored = everything("Zyxcanary")
        hold_call(stored["call"])

        with pytest.raises(UnderHold):
            erase_patient(patient_id=stored["patient"].pk, reason=REASON, origin=origin(), now=NOW)

        assert Patient.objects.get(pk=stored["patient"].pk).first_name == "Zyxcanary"
        assert stored["call"].transcript.exists()

    def test_s63_is_refused_while_the_patient_is_on_the_phone(self) -> None:
        patient = make_patient()
        make_call(patient=patient, status="in_progress")

        with pytest.raises(StillActive):
            erase_patient(patient_id=patient.pk, reason=REASON, origin=origin(), now=NOW)


@pytest.mark.django_db
class TestPatientExport:
    def test_s63_holds_everything_that_is_kept_about_the_patient(self) -> None:
        stored = everything("Zyxcanary")

        pieces = patient_export(patient_id=stored["patient"].pk, origin=origin(), now=NOW)
        found = json.loads("".join(pieces))

        assert found["patient"]["first_name"] == "Zyxcanary"
        assert {name: len(rows) for name, rows in found.items() if isinstance(rows, list)} == {
            "relations": 1, "conditions": 1, "care_assignments": 1, "appointments": 1,
            "appointment_series": 0, "waitlist": 0, "messages": 1, "consents": 1,
            "staff_tasks": 1, "calls": 1, "audit_events": 2,
        }  # fmt: skip
        assert found["appointments"][0]["history"][0]["reason"] == "Zyxcanary"
        call = found["calls"][0]
        assert call["transcript"][0]["text"] == "Zyxcanary"
        assert call["tool_calls"][0]["arguments"] == {"full_name": "Zyxcanary"}
        assert call["appointments"] == [str(stored["visit"].pk)]

    def test_s63_holds_no_secret_and_no_other_patient(self) -> None:
        stored = everything("Zyxcanary")
        other = make_patient(first_name="Somebodyelse")
        make_appointment(patient=other)

        pieces = patient_export(patient_id=stored["patient"].pk, origin=origin(), now=NOW)
        text = "".join(pieces)

        assert "pin_hash" not in text
        assert "stream_nonce" not in text
        assert "memory" not in text
        assert "Somebodyelse" not in text
        assert '"other"' not in text

    def test_s63_is_recorded_before_the_first_piece(self) -> None:
        patient = make_patient()

        patient_export(patient_id=patient.pk, origin=origin(), now=NOW)

        event = AuditEvent.objects.get(action="patient.exported")
        assert event.patient_ids == [str(patient.pk)]

    def test_s63_is_for_patients_that_there_are(self) -> None:
        with pytest.raises(NotFound):
            patient_export(patient_id=uuid.uuid4(), origin=origin(), now=NOW)


@pytest.mark.django_db
class TestRelinkCall:
    def test_s64_moves_a_call_with_an_event_that_names_both(self) -> None:
        before, after = make_patient(), make_patient()
        call = make_call(patient=before)

        relink_call(call_id=call.pk, patient_id=after.pk, reason=REASON, origin=origin(), now=NOW)

        call.refresh_from_db()
        event = AuditEvent.objects.get(action="call.relinked")
        assert call.patient == after
        assert set(event.patient_ids) == {str(before.pk), str(after.pk)}
        assert event.changes == {"patient": [str(before.pk), str(after.pk)]}

    @pytest.mark.parametrize("role", [User.Role.SCHEDULER, User.Role.NURSE])
    def test_s64_is_for_administrators(self, role: str) -> None:
        call = make_call(patient=make_patient())

        with pytest.raises(NotAdministrator):
            relink_call(
                call_id=call.pk, patient_id=None, reason=REASON, origin=origin(role), now=NOW
            )

    def test_s64_needs_a_reason(self) -> None:
        call = make_call(patient=make_patient())

        with pytest.raises(HoldNeedsReason):
            relink_call(call_id=call.pk, patient_id=None, reason="", origin=origin(), now=NOW)

    def test_s62_takes_no_call_out_of_reach_of_the_hold_on_its_patient(self) -> None:
        patient = make_patient()
        call = make_call(patient=patient)
        legal_holds.place_hold(
            kind="patient",
            record_id=patient.pk,
            patient_ids=[patient.pk],
            reason=REASON,
            origin=origin(),
            now=NOW,
        )

        with pytest.raises(UnderHold):
            relink_call(call_id=call.pk, patient_id=None, reason=REASON, origin=origin(), now=NOW)

        hold_call(call)
        relink_call(call_id=call.pk, patient_id=None, reason=REASON, origin=origin(), now=NOW)
        call.refresh_from_db()
        assert call.patient is None

    def test_s64_waits_for_the_end_of_a_call(self) -> None:
        call = make_call(status="in_progress")

        with pytest.raises(StillActive):
            relink_call(call_id=call.pk, patient_id=None, reason=REASON, origin=origin(), now=NOW)


PREPARE = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from datetime import timedelta
from django.utils import timezone
from voice.models import CallLog, TranscriptEntry
call = CallLog.objects.create(
    call_sid="CA1", account_sid="AC0", status="completed", created_at=timezone.now() - timedelta(days=1000)
)
TranscriptEntry.objects.bulk_create(
    TranscriptEntry(call=call, item_id=str(n), position=n, speaker="caller", text="x", started_ms=0)
    for n in range(50)
)
"""
DIE_IN_THE_FOURTH_BATCH = """
import django; django.setup()
import os, signal
from django.utils import timezone
from scheduling.services.privacy import begin_run, purge_batch, retention
from voice.privacy import CATEGORIES
now = timezone.now()
run = begin_run(now=now)
record, batches = retention.record_event, []
def record_or_die(**event):
    batches.append(event)
    if len(batches) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    record(**event)
retention.record_event = record_or_die
while purge_batch(run_id=run.pk, categories=CATEGORIES, surface="worker", now=now, most=7):
    pass
"""
COUNT = """
import django; django.setup()
from accounts.models import AuditEvent
from scheduling.models import PurgeRun
from voice.models import TranscriptEntry
events = AuditEvent.objects.filter(action="retention.purged").count()
print(TranscriptEntry.objects.count(), events, PurgeRun.objects.count(), PurgeRun.objects.get().counts)
"""


@pytest.fixture
def database_address(tmp_path: Path) -> Iterator[str]:
    """Make a database of this test alone, of the kind that the tests run on."""
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgresql"):
        yield f"sqlite:///{tmp_path / 'purge.sqlite3'}"
        return
    with psycopg.connect(given, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS purge_killed WITH (FORCE)")
        admin.execute("CREATE DATABASE purge_killed")
        yield given.rpartition("/")[0] + "/purge_killed"
        admin.execute("DROP DATABASE IF EXISTS purge_killed WITH (FORCE)")


class TestPurgeThatIsKilled:
    def test_s62_resumes_with_true_numbers_after_a_process_was_killed_in_a_batch(
        self, database_address: str
    ) -> None:
        variables = os.environ | {
            "DATABASE_URL": database_address, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "carematix.settings",
        }  # fmt: skip

        def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                [sys.executable, *arguments],
                cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=90,
            )  # fmt: skip

        assert run("-c", PREPARE).returncode == 0
        killed = run("-c", DIE_IN_THE_FOURTH_BATCH)
        assert killed.returncode == -signal.SIGKILL
        assert run("-c", COUNT).stdout == "29 3 1 {'transcripts': 21}\n"

        resumed = run("manage.py", "purge")

        assert resumed.stdout == "Deleted: transcripts: 50.\n", resumed.stderr
        assert run("-c", COUNT).stdout == "0 4 1 {'transcripts': 50}\n"
