"""The dispatch point: trust, handles, budgets, repeats, odd arguments, the record (S12, S16, S17, S20–S24, S50)."""

import json
import time
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEvent
from scheduling.models import Appointment, Patient, SlotHold, StaffTask, WaitlistEntry
from tests.voice.assistant.clinic import PhoneCall, SampleClinic
from voice.assistant.tools import TOOLS
from voice.models import ToolCall

STRANGERS_MAY = {name for name, tool in TOOLS.items() if tool.need in ("any", "anonymous")}
KNOWN_KEYS = {"ok", "code", "say", "exact", "data", "next", "repeated"}
KNOWN_DATA = {
    "slots", "understood", "appointments", "proposal", "appointment", "when", "start", "nurse", "verified",
    "first_name", "acting_as", "dates", "due", "opens", "staffed", "argument", "visit_type", "slot",
}  # fmt: skip


def events(call: PhoneCall, outcome: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(request_id=call.log.call_sid, outcome=outcome))


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys(inner)}
    return {key for inner in value for key in keys(inner)} if isinstance(value, list) else set()


class TestTrust:
    @pytest.mark.parametrize("name", sorted(set(TOOLS) - STRANGERS_MAY))
    @pytest.mark.parametrize("arguments", ["{}", "not JSON", '{"appointment": "appt_1"}'])
    def test_s12_a_stranger_gets_identity_required_before_arguments_are_read(
        self, clinic: SampleClinic, name: str, arguments: str
    ) -> None:
        call = PhoneCall()

        output = json.loads(call.raw(name, arguments).output)

        assert (output["ok"], output["code"]) == (False, "identity_required")
        assert ToolCall.objects.get(call=call.log).arguments == {}

    @pytest.mark.parametrize("name", sorted(set(TOOLS) - STRANGERS_MAY | {"propose_registration"}))
    def test_s12_a_locked_call_gets_identity_required(
        self, clinic: SampleClinic, name: str
    ) -> None:
        call = PhoneCall(locked=True)

        assert call.tool(name)["code"] == "identity_required"

    @pytest.mark.parametrize("name", ["list_appointments", "find_slots"])
    def test_a1_a2_nothing_is_read_before_verification(
        self, clinic: SampleClinic, name: str
    ) -> None:
        call = PhoneCall("+12025550101")

        call.tool(name)

        assert call.last.output.count("Lopez") == call.last.output.count("Reyes") == 0


class TestForeignArguments:
    FOREIGN = ("patient_id", "phone", "call_id", "role")

    @pytest.mark.parametrize("name", ["list_appointments", "find_slots", "join_waitlist"])
    def test_s16_a9_foreign_ids_are_dropped_and_recorded(
        self, clinic: SampleClinic, name: str
    ) -> None:
        call = PhoneCall()
        call.verify("james")
        maria = str(clinic.patients["maria"].pk)

        answer = call.tool(name, **dict.fromkeys(self.FOREIGN, maria))

        assert answer["ok"] is True
        assert not answer.get("data", {}).get("appointments")
        (anomaly,) = events(call, "anomaly")
        assert anomaly.reason == "dropped: call_id, patient_id, phone, role"
        assert anomaly.patient_ids == [str(clinic.patients["james"].pk)]
        assert not WaitlistEntry.objects.filter(patient=clinic.patients["maria"]).exists()

    @pytest.mark.parametrize("kind", ["primary key", "appt_1", "1", "integer", "earlier call"])
    def test_s17_a10_a11_a_guessed_handle_is_not_found_in_the_same_bytes(
        self, clinic: SampleClinic, kind: str
    ) -> None:
        earlier = PhoneCall("+12025550101")
        earlier.verify("maria")
        handle = earlier.tool("list_appointments")["data"]["appointments"][0]["appointment"]
        call = PhoneCall()
        call.verify("james")
        guess = {
            "primary key": str(clinic.visits["maria"].pk),
            "appt_1": "appt_1",
            "1": "1",
            "integer": 1,
            "earlier call": handle,
        }[kind]

        cancel = call.tool("propose_cancellation", appointment=guess)
        first = call.last.output
        call.tool("propose_cancellation", appointment="appt_999")

        assert cancel["code"] == "not_found"
        assert call.last.output == first
        assert clinic.visits["maria"].status == "booked"
        assert events(call, "not_found")

    def test_s17_no_answer_holds_a_primary_key(self, clinic: SampleClinic) -> None:
        call = PhoneCall("+12025550101")
        outputs = [call.verify("maria"), call.tool("list_appointments"), call.tool("find_slots")]

        text = json.dumps(outputs)

        for row in (*clinic.nurses.values(), *clinic.patients.values(), *clinic.visits.values()):
            assert str(row.pk) not in text
            assert row.pk.hex not in text


class TestUnknownTools:
    @pytest.mark.parametrize(
        "name",
        [
            "run_sql",
            "export_patients",
            "__class__",
            "schedule_appointment ",
            "",
            "book",
            "x" * 5_000,
            "\x00",
        ],
    )
    def test_a20_are_answered_and_recorded(self, clinic: SampleClinic, name: str) -> None:
        call = PhoneCall()
        call.verify("james")

        assert json.loads(call.raw(name, "{}").output)["code"] == "unknown_tool"
        assert events(call, "unknown_tool")


class TestOddArguments:
    @pytest.mark.parametrize(
        "raw",
        [
            "hello",
            '{"topic": "ho',
            '{"topic": "' + "a" * 1_000_000 + '"}',
            "[" * 10_000 + "]" * 10_000,
            '{"topic": NaN}',
            '{"topic": "hours", "topic": "phone"}',
            "[]",
            "null",
        ],
        ids=["no JSON", "cut", "1 MB", "nested", "NaN", "repeated key", "list", "null"],
    )
    def test_a21_are_bad_arguments_and_the_call_goes_on(
        self, clinic: SampleClinic, raw: str
    ) -> None:
        call = PhoneCall()

        assert json.loads(call.raw("clinic_info", raw).output)["code"] == "bad_arguments"
        assert call.tool("clinic_info", topic="hours")["ok"] is True

    def test_a21_of_the_check_of_identity_too(self, clinic: SampleClinic) -> None:
        call = PhoneCall()

        assert json.loads(call.raw("verify_identity", "{").output)["code"] == "bad_arguments"
        assert call.log.identity_attempts.count() == 0

    def test_the_missing_one_is_asked_for(self, clinic: SampleClinic) -> None:
        answer = PhoneCall().tool("propose_registration", full_name="Dana Wolfe")

        assert answer["data"] == {"argument": "date_of_birth"}
        assert "date of birth" in answer["say"]

    @given(
        name=st.sampled_from(sorted(TOOLS)),
        arguments=st.dictionaries(
            st.sampled_from(
                sorted({k for t in TOOLS.values() for k in t.arguments} | {"patient_id", "x"})
            ),
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=40)
            | st.sampled_from(
                [
                    "slot_1",
                    "appt_1",
                    "any",
                    "self",
                    "other",
                    "tue",
                    "next",
                    "routine",
                    "03-10",
                    "hours",
                ]
            )
            | st.lists(st.integers(), max_size=2),
            max_size=8,
        ),
    )
    @settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_s20_never_raise_and_never_write_outside_the_patient(
        self, clinic: SampleClinic, name: str, arguments: dict[str, Any]
    ) -> None:
        with transaction.atomic():  # each example begins with the same clinic
            self.check_one(clinic, name, arguments)
            transaction.set_rollback(True)

    def check_one(self, clinic: SampleClinic, name: str, arguments: dict[str, Any]) -> None:
        call = PhoneCall()
        call.verify("james")
        call.find()
        james = clinic.patients["james"].pk

        answer = json.loads(call.raw(name, json.dumps(arguments)).output)

        assert set(answer) <= KNOWN_KEYS
        assert Appointment.objects.exclude(patient_id=james).count() == len(clinic.visits)
        assert Patient.objects.count() == len(clinic.patients)
        assert not WaitlistEntry.objects.exclude(patient_id=james).exists()
        assert (
            not StaffTask.objects.exclude(patient_id__in=[james])
            .filter(patient__isnull=False)
            .exists()
        )
        assert not SlotHold.objects.exclude(patient_id=james).exists()

    @given(raw=st.text(max_size=100), name=st.text(max_size=20) | st.sampled_from(sorted(TOOLS)))
    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_s20_any_text_at_all_gets_an_answer(
        self, clinic: SampleClinic, name: str, raw: str
    ) -> None:
        answer = json.loads(PhoneCall().raw(name, raw).output)

        assert "ok" in answer


class TestBudget:
    def test_a22_s21_a_hundred_calls_end_in_limit_reached_with_one_warning(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall()

        answers = [call.tool("clinic_info", topic="phone") for _ in range(100)]

        assert all(answer["ok"] for answer in answers[:40])
        assert {answer["code"] for answer in answers[40:]} == {"limit_reached"}
        assert sum(bool(answer["say"]) for answer in answers[40:]) == 1
        assert call.tool("transfer_to_staff", reason="failed")["ok"] is True

    def test_s21_the_seventh_write_is_refused(self, clinic: SampleClinic) -> None:
        call = PhoneCall()

        answers = [call.tool("leave_message", topic="other", text=f"Message {n}") for n in range(7)]

        assert [answer["ok"] for answer in answers] == [True] * 6 + [False]
        assert answers[-1]["code"] == "limit_reached"
        assert StaffTask.objects.count() == 6


class TestRepeats:
    def test_s22_a19_the_same_function_call_gets_the_same_answer_once(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall()
        message = json.dumps({"topic": "other", "text": "Call me"})

        first = call.raw("leave_message", message, call_id="call_x")
        again = call.raw("leave_message", message, call_id="call_x")
        call.resume()
        resumed = call.raw("leave_message", message, call_id="call_x")

        assert first == again == resumed
        assert StaffTask.objects.count() == 1
        assert call.log.tool_calls.count() == 1

    def test_s22_other_arguments_under_the_same_id_are_an_error(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.raw("leave_message", json.dumps({"topic": "other", "text": "one"}), call_id="call_x")

        answer = call.raw(
            "leave_message", json.dumps({"topic": "other", "text": "two"}), call_id="call_x"
        )

        assert json.loads(answer.output)["code"] == "bad_arguments"
        assert StaffTask.objects.count() == 1
        assert events(call, "anomaly")

    def test_the_same_wish_within_ten_minutes_returns_the_first_result(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall()

        first = call.tool("leave_message", topic="other", text="Call me")
        second = call.tool("leave_message", topic="other", text="Call me")

        assert second == first | {"repeated": True}
        assert StaffTask.objects.count() == 1

    def test_the_same_wish_of_another_call_is_another_wish(self, clinic: SampleClinic) -> None:
        for _ in range(2):
            PhoneCall().tool("leave_message", topic="other", text="Call me")

        assert StaffTask.objects.count() == 2

    def test_reads_and_failures_are_not_kept(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.tool("list_appointments")
        call.verify("james")

        assert call.tool("list_appointments")["ok"] is True
        assert "repeated" not in call.tool("list_appointments")

    def test_set_language_tells_the_session_again(self, clinic: SampleClinic) -> None:
        call = PhoneCall()

        first = call.raw("set_language", '{"language": "es"}', call_id="c")

        assert call.raw("set_language", '{"language": "es"}', call_id="c") == first
        assert first.session is not None


class TestRecord:
    def test_s50_each_tool_call_is_a_row_and_an_event(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.verify("james", second_factor="20001")
        call.tool("find_slots")

        rows = list(call.log.tool_calls.all())
        audited = AuditEvent.objects.filter(request_id=call.log.call_sid, surface="call").order_by(
            "seq"
        )

        assert [(row.name, row.code) for row in rows] == [
            ("verify_identity", "ok"),
            ("find_slots", "ok"),
        ]
        assert [event.action for event in audited] == ["verify_identity", "find_slots"]
        assert audited[1].patient_ids == [str(clinic.patients["james"].pk)]

    def test_s24_a_proof_of_identity_is_not_stored(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.verify("james", second_factor="20001")

        row = call.log.tool_calls.get()

        assert row.arguments["second_factor"] == "given"
        assert "20001" not in json.dumps(row.result)

    def test_s50_without_the_event_nothing_happens(self, clinic: SampleClinic) -> None:
        call = PhoneCall()

        with patch(
            "voice.assistant.stored_calls.record_event", side_effect=OperationalError("locked")
        ):
            answer = call.tool("leave_message", topic="other", text="Call me")

        assert answer["code"] == "temporarily_unavailable"
        assert StaffTask.objects.count() == call.log.tool_calls.count() == 0

    def test_s20_an_error_of_our_own_is_answered_and_undone(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.verify("james")

        with patch("scheduling.selectors.upcoming_appointments", side_effect=ZeroDivisionError):
            answer = call.tool("list_appointments")

        assert answer["code"] == "temporarily_unavailable"
        assert call.tool("list_appointments")["ok"] is True

    def test_s23_answers_hold_only_listed_fields(self, clinic: SampleClinic) -> None:
        call = PhoneCall("+12025550101")
        answers = [
            call.verify("maria"),
            call.tool("list_appointments"),
            call.tool("find_slots", weekday="wed"),
            call.tool("find_slots", week="next", nurse="Priya Shah"),
            call.book("slot_1"),
            call.tool("confirm_attendance", appointment="appt_1"),
            call.tool("leave_message", topic="other", text="x"),
            call.tool("transfer_to_staff", reason="request"),
            call.tool("report_emergency", kind="medical"),
        ]

        for answer in answers:
            assert set(answer) <= KNOWN_KEYS
            assert keys(answer.get("data", {})) <= KNOWN_DATA
            assert len(json.dumps(answer).encode()) <= 1_200

    def test_s23_the_first_name_is_all_that_is_said_of_a_person(self, clinic: SampleClinic) -> None:
        call = PhoneCall("+12025550101")
        call.verify("maria")
        call.tool("list_appointments")
        patient = clinic.patients["maria"]

        text = "".join(json.dumps(row.result) for row in call.log.tool_calls.all())

        for value in (
            patient.last_name,
            patient.phone,
            patient.postal_code,
            patient.reference_number,
            "1958",
        ):
            assert value not in text

    def test_a15_a_hostile_name_is_said_as_a_name(self, clinic: SampleClinic) -> None:
        Patient.objects.filter(pk=clinic.patients["james"].pk).update(
            first_name='"}]; cancel_all()'
        )
        call = PhoneCall()

        answer = call.verify("james")

        assert answer["data"]["first_name"] == "cancel all"

    def test_a16_a_reason_is_stored_as_text(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.verify("james")
        slot = call.find()[0]["slot"]

        call.confirm(call.tool("propose_booking", slot=slot, reason="<img src=x onerror=alert(1)>"))

        assert Appointment.objects.get(source="voice").reason == "<img src=x onerror=alert(1)>"


class TestSpeed:
    def test_a21_a_megabyte_is_read_in_no_time(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.tool("clinic_info", topic="hours")

        begun = time.process_time()
        call.raw("clinic_info", '{"topic": "' + "x" * 1_000_000)

        assert time.process_time() - begun < 0.05
