"""Who is calling: proofs, limits, uniform answers, switching (S13–S15, S18; A3–A7, A12, A25, A29)."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent
from scheduling.models import Patient, StaffTask
from tests.voice.assistant.clinic import WHO, PhoneCall, SampleClinic
from voice.assistant import claims
from voice.assistant.identity import name_digest
from voice.assistant.tools import TOOLS
from voice.models import IdentityAttempt

STRANGER = "+12025550188"
WRONG = {**WHO["maria"], "date_of_birth": "1958-04-13"}


def wrong(call: PhoneCall, **more: str) -> str:
    call.tool("verify_identity", calling_for="self", **{**WRONG, **more})
    return call.last.output


def statement(sql: str) -> str:
    """Return what a statement does, and to which tables."""
    verb = sql.split(maxsplit=1)[0]
    return " ".join([verb, *re.findall(r'(?:FROM|INTO|UPDATE) "(\w+)"', sql)])


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the PINs that are hashed from now on."""
    pins: list[str] = []

    def counted(pin: str, stored: str) -> bool:
        pins.append(pin)
        return check_password(pin, stored)

    monkeypatch.setattr(claims, "check_password", counted)
    return pins


class TestProofs:
    def test_s13_name_birth_date_and_the_vouched_number_on_file_suffice(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall()

        answer = call.verify("james")

        assert answer == {
            "ok": True,
            "say": "Thank you, James.",
            "data": {"verified": True, "first_name": "James", "acting_as": "self"},
        }
        assert call.stored().patient_id == clinic.patients["james"].pk

    def test_s13_a_number_that_nobody_vouches_for_proves_nothing(
        self, clinic: SampleClinic
    ) -> None:
        assert PhoneCall(attested=False).verify("james")["code"] == "not_verified"

    @pytest.mark.parametrize("proof", ["20001", "two oh oh oh one", "cmx james", "20001-4455"])
    def test_s13_another_proof_takes_its_place(self, clinic: SampleClinic, proof: str) -> None:
        assert PhoneCall(STRANGER).verify("james", second_factor=proof)["ok"] is True

    def test_s13_a_pin_does_too(self, clinic: SampleClinic) -> None:
        Patient.objects.filter(pk=clinic.patients["james"].pk).update(
            pin_hash=make_password("4711")
        )

        assert PhoneCall(STRANGER).verify("james", second_factor="4712")["ok"] is False
        assert PhoneCall("+12025550187").verify("james", second_factor="4711")["ok"] is True

    def test_a_pin_is_hashed_before_the_transaction_in_which_others_wait(
        self, clinic: SampleClinic, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Patient.objects.filter(pk=clinic.patients["james"].pk).update(
            pin_hash=make_password("4711")
        )
        outside = list(connection.savepoint_ids)
        during: list[list[str]] = []

        def hashed(pin: str, stored: str) -> bool:
            during.append(list(connection.savepoint_ids))
            return True

        monkeypatch.setattr(claims, "check_password", hashed)

        assert PhoneCall(STRANGER).verify("james", second_factor="4711")["ok"] is True
        assert during == [outside]

    def test_a_pin_is_hashed_no_oftener_than_a_call_may_try(
        self, clinic: SampleClinic, hashes: list[str]
    ) -> None:
        call = PhoneCall(STRANGER)

        for _ in range(6):
            call.verify("james", second_factor="4711")

        assert len(hashes) == 3

    def test_s13_spelling_does_not_matter(self, clinic: SampleClinic) -> None:
        answer = PhoneCall("+12025550101").tool(
            "verify_identity",
            full_name="lópez, MARÍA",
            date_of_birth="1958-04-12",
            calling_for="self",
        )

        assert answer["ok"] is True

    def test_id1_a_second_try_with_the_zip_code_verifies(self, clinic: SampleClinic) -> None:
        call = PhoneCall(STRANGER)

        assert call.verify("james")["code"] == "not_verified"
        assert call.verify("james", second_factor="20001")["ok"] is True

    def test_id3_a_namesake_sees_her_own_visits_only(self, clinic: SampleClinic) -> None:
        call = PhoneCall("+12025550106")
        call.verify("maria2")

        assert call.tool("list_appointments")["data"]["appointments"] == []
        assert "Tuesday" not in call.last.output

    @pytest.mark.parametrize(
        "arguments", [{"full_name": "James"}, {"full_name": "James", "date_of_birth": "1984-11-03"}]
    )
    def test_a7_a_first_name_and_the_right_number_are_not_enough(
        self, clinic: SampleClinic, arguments: dict[str, str]
    ) -> None:
        answer = PhoneCall().tool("verify_identity", **arguments)

        assert answer["code"] == "not_verified"
        assert "James" not in answer["say"]

    def test_a_provisional_namesake_does_not_keep_the_patient_out(
        self, clinic: SampleClinic
    ) -> None:
        Patient.objects.create(
            first_name="Maria",
            last_name="Lopez",
            date_of_birth="1958-04-12",
            phone=STRANGER,
            provisional=True,
        )
        call = PhoneCall("+12025550101")

        assert call.verify("maria")["ok"] is True
        assert call.stored().patient_id == clinic.patients["maria"].pk

    def test_s13_s24_nothing_stored_is_sent_before_verification(self, clinic: SampleClinic) -> None:
        call = PhoneCall("+12025550101")
        sent = ""
        for name, tool in TOOLS.items():
            given = {key: a.options[0] if a.options else "x" for key, a in tool.arguments.items()}
            output = call.raw(name, json.dumps(given))
            sent += output.output + json.dumps(output.session, default=str)

        for value in (
            "Maria",
            "Lopez",
            "1958",
            "0101",
            "20002",
            "CMX",
            "Reyes",
            "Blake",
            "March tenth",
        ):
            assert value not in sent


class TestActingForOthers:
    def test_id7_a_guardian_acts_for_the_child(self, clinic: SampleClinic) -> None:
        call = PhoneCall()

        answer = call.verify("lily", calling_for="other", caller_name="James Okafor")

        assert answer["data"] == {"verified": True, "first_name": "Lily", "acting_as": "guardian"}
        assert call.stored().patient_id == clinic.patients["lily"].pk
        assert "acting as guardian" in AuditEvent.objects.get(request_id=call.log.call_sid).reason

    def test_id8_a_representative_acts_for_an_adult(self, clinic: SampleClinic) -> None:
        call = PhoneCall("+12025550105")

        answer = call.verify("robert", calling_for="other", caller_name="Susan Chen")

        assert answer["data"]["acting_as"] == "representative"

    def test_s13_the_guardians_own_number_counts(self, clinic: SampleClinic) -> None:
        Patient.objects.filter(pk=clinic.patients["lily"].pk).update(phone="")

        assert (
            PhoneCall().verify("lily", calling_for="other", caller_name="James Okafor")["ok"]
            is True
        )

    @pytest.mark.parametrize("caller_name", ["Amy Chen", "", "Robert Chen"])
    def test_id9_s18_whoever_is_not_on_file_is_not_verified(
        self, clinic: SampleClinic, caller_name: str
    ) -> None:
        call = PhoneCall("+12025550105")

        answer = call.verify(
            "robert", calling_for="other", caller_name=caller_name, second_factor="20005"
        )

        assert answer["code"] == "not_verified"


class TestUniformAnswers:
    def cases(self, clinic: SampleClinic) -> dict[str, dict[str, str]]:
        Patient.objects.filter(pk=clinic.patients["carmen"].pk).update(active=False)
        Patient.objects.filter(pk=clinic.patients["robert"].pk).update(deceased=True)
        Patient.objects.create(first_name="James", last_name="Okafor", date_of_birth="1984-11-03")
        for number in range(10):
            log = PhoneCall(f"+1202555{number:04}").log
            IdentityAttempt.objects.create(call=log, name_digest=name_digest("Lopez, María"))
        return {
            "unknown": {"full_name": "Nobody Here", "date_of_birth": "1958-04-12"},
            "wrong birth date": WRONG,
            "right but unproved": {**WHO["maria"], "second_factor": "99999"},
            "two matches": {**WHO["james"], "second_factor": "20001"},
            "inactive": {**WHO["carmen"], "second_factor": "20004"},
            "deceased": {**WHO["robert"], "second_factor": "20005"},
            "locked": {**WHO["maria2"], "second_factor": "20006"},
            "name only": {"full_name": "Maria Lopez"},
            "no birth date at all": {"full_name": "Maria Lopez", "date_of_birth": "in spring"},
            "calling for a stranger": {**WHO["lily"], "calling_for": "other", "caller_name": "Eve"},
        }

    def test_s15_a6_every_failure_has_the_same_bytes(self, clinic: SampleClinic) -> None:
        outputs: dict[str, list[str]] = {}
        for number, (case, arguments) in enumerate(self.cases(clinic).items()):
            call = PhoneCall(f"+1202555{5_000 + number}")
            outputs[case] = []
            for _ in range(4):
                call.tool("verify_identity", **arguments)
                outputs[case].append(call.last.output)

        assert len({tuple(answers) for answers in outputs.values()}) == 1, outputs
        first, second, third, fourth = outputs["unknown"]
        assert first == second != third == fourth
        assert [json.loads(text)["code"] for text in (first, third)] == ["not_verified", "locked"]

    @pytest.mark.parametrize(
        "also",
        [
            {"calling_for": "self"},
            {"calling_for": "self", "second_factor": "4712"},
            {"calling_for": "other", "caller_name": "Eve", "second_factor": "4712"},
        ],
    )
    def test_s15_every_case_runs_the_same_statements_and_hashes(
        self, clinic: SampleClinic, hashes: list[str], also: dict[str, str]
    ) -> None:
        cases = self.cases(clinic) | {
            "wrong birth date of a free name": {**WHO["lily"], "date_of_birth": "1958-04-12"},
            "wrong PIN": WHO["lily"],
        }
        Patient.objects.filter(pk=clinic.patients["lily"].pk).update(pin_hash=make_password("4711"))
        work: dict[str, tuple[int, list[str]]] = {}
        for number, (case, arguments) in enumerate(cases.items()):
            call = PhoneCall(f"+1202555{5_000 + number}")
            said = {**arguments, "second_factor": "", **also}
            hashes.clear()
            with CaptureQueriesContext(connection) as queries:
                call.tool("verify_identity", **said)
            work[case] = (len(hashes), [statement(query["sql"]) for query in queries])

        assert work["unknown"][0] == int("second_factor" in also)
        assert "INSERT voice_identityattempt" in work["unknown"][1]
        for case, done in work.items():
            assert done == work["unknown"], case

    def test_s15_every_case_writes_the_same_rows(self, clinic: SampleClinic) -> None:
        for number, arguments in enumerate(self.cases(clinic).values()):
            call = PhoneCall(f"+1202555{5_000 + number}")
            call.tool("verify_identity", **arguments)

            assert call.log.identity_attempts.filter(succeeded=False).count() == 1
            assert call.log.tool_calls.get().code == "not_verified"


class TestLimits:
    def test_a3_s14_the_fourth_try_with_right_data_fails_in_the_same_bytes(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall("+12025550101")
        failures = [wrong(call) for _ in range(3)]

        call.verify("maria")

        assert call.last.output == failures[2]
        assert json.loads(call.last.output)["code"] == "locked"
        assert call.stored().locked is True
        assert AuditEvent.objects.filter(request_id=call.log.call_sid, outcome="locked").exists()

    def test_id2_a_locked_caller_may_leave_a_message(self, clinic: SampleClinic) -> None:
        call = PhoneCall(STRANGER)
        for _ in range(3):
            wrong(call)

        assert call.tool("leave_message", topic="scheduling", text="Please call me")["ok"] is True
        assert StaffTask.objects.get(kind="message").patient is None

    def test_a29_s14_a_resumed_call_goes_on_counting(self, clinic: SampleClinic) -> None:
        call = PhoneCall("+12025550101")
        failures = []
        for _ in range(3):
            failures.append(wrong(call))
            call.resume()

        call.verify("maria")

        assert call.last.output == failures[2]
        assert call.tool("list_appointments")["code"] == "identity_required"

    def test_a29_a_verified_call_stays_verified_when_it_is_resumed(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall("+12025550101")
        call.verify("maria")
        listed = call.tool("list_appointments")
        call.resume()

        assert call.tool("list_appointments") == listed

    def test_a4_s14_a_number_is_locked_after_five_failures(self, clinic: SampleClinic) -> None:
        for _ in range(5):
            wrong(PhoneCall("+12025550101"))

        call = PhoneCall("+12025550101")
        answer = call.verify("maria")

        assert answer["code"] == "not_verified"  # the first try of this call, whatever is locked
        assert call.stored().locked is True
        assert call.tool("list_appointments")["code"] == "identity_required"
        assert AuditEvent.objects.filter(request_id=call.log.call_sid, outcome="locked").exists()

    def test_a4_a_later_call_of_that_number_is_locked_from_its_start(
        self, clinic: SampleClinic
    ) -> None:
        for _ in range(5):
            wrong(PhoneCall("+12025550101"))
        call = PhoneCall("+12025550101")

        call.tool("clinic_info", topic="hours")

        assert call.stored().locked is True

    def test_s14_the_limit_is_of_a_day(self, clinic: SampleClinic) -> None:
        for _ in range(5):
            wrong(PhoneCall("+12025550101"))
        IdentityAttempt.objects.update(created_at=timezone.now() - timedelta(hours=25))

        assert PhoneCall("+12025550101").verify("maria")["ok"] is True

    def test_s14_successes_do_not_use_it_up(self, clinic: SampleClinic) -> None:
        answers = [PhoneCall().verify("james")["ok"] for _ in range(7)]

        assert all(answers)

    @pytest.mark.parametrize("withheld", ["anonymous", "+266696687", ""])
    def test_s14_withheld_numbers_share_thirty(self, clinic: SampleClinic, withheld: str) -> None:
        log = PhoneCall("anonymous").log
        for _ in range(29):
            IdentityAttempt.objects.create(call=log, caller_number="")

        assert PhoneCall(withheld).verify("james", second_factor="20001")["ok"] is True
        wrong(PhoneCall(withheld))
        assert PhoneCall(withheld).verify("james", second_factor="20001")["ok"] is False

    def test_a5_s14_a_patient_is_locked_after_ten_failures_from_anywhere(
        self, clinic: SampleClinic
    ) -> None:
        for number in range(11):
            PhoneCall(f"+1202555{number:04}").verify("maria", second_factor="99999")

        assert PhoneCall("+12025550101").verify("maria")["ok"] is False
        assert StaffTask.objects.filter(kind="alarm", patient=clinic.patients["maria"]).count() == 1

    def test_a5_walking_through_birth_dates_from_many_numbers_locks_the_patient(
        self, clinic: SampleClinic
    ) -> None:
        for number in range(10):
            call = PhoneCall(f"+1202555{number:04}")
            call.tool(
                "verify_identity",
                full_name="LOPEZ, maría",
                date_of_birth=f"19{60 + number}-01-01",
                calling_for="self",
            )

        assert PhoneCall("+12025550101").verify("maria")["ok"] is False
        assert StaffTask.objects.filter(kind="alarm", patient=clinic.patients["maria"]).count() == 1

    def test_a5_right_data_is_refused_until_a_person_has_looked(self, clinic: SampleClinic) -> None:
        for number in range(10):
            PhoneCall(f"+1202555{number:04}").verify("maria", second_factor="99999")
        IdentityAttempt.objects.update(created_at=timezone.now() - timedelta(hours=25))

        assert PhoneCall("+12025550101").verify("maria")["ok"] is False
        StaffTask.objects.filter(kind="alarm").update(status="done", done_at=timezone.now())
        assert PhoneCall("+12025550101").verify("maria")["ok"] is True

    def test_s14_a_hundred_failures_an_hour_alarm_and_lock(self, clinic: SampleClinic) -> None:
        log = PhoneCall("+12025559999").log
        for number in range(99):
            IdentityAttempt.objects.create(call=log, caller_number=f"+1202556{number:04}")
        wrong(PhoneCall(STRANGER))

        assert StaffTask.objects.filter(kind="alarm").count() == 1
        assert PhoneCall().verify("james")["ok"] is False

    def test_s14_two_calls_at_once_share_the_counters(self, clinic: SampleClinic) -> None:
        one, two = PhoneCall("+12025550101"), PhoneCall("+12025550101")
        for call in (one, two, one, two, two):
            wrong(call)

        assert one.verify("maria")["ok"] is False


class TestAnotherPerson:
    def test_a12_s18_id6_old_handles_are_dead_for_the_next_person(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall()
        call.verify("james")
        old = call.find()[0]["slot"]

        call.verify("lily", calling_for="other", caller_name="James Okafor")

        assert call.tool("propose_booking", slot=old, visit_type="routine")["code"] == "not_found"
        assert call.find()[0]["slot"] != old

    def test_s18_a_failed_switch_leaves_nobody_verified(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.verify("james")
        slot = call.find()[0]["slot"]
        proposal = call.tool("propose_booking", slot=slot, visit_type="routine")

        wrong(call)
        call.says_yes_to(proposal)

        assert (
            call.tool("confirm_proposal", proposal=proposal["data"]["proposal"])["code"]
            == "identity_required"
        )
        assert clinic.patients["james"].appointments.count() == 0

    def test_s18_each_person_counts_as_a_try(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        for who in ("james", "james", "james"):
            call.verify(who)

        assert call.verify("james")["code"] == "locked"


class TestOutbound:
    def test_a25_before_verification_a_call_of_ours_tells_nothing(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall("+12025550199", direction="outbound", to_number="+12025550101")

        outputs = [call.tool(name) for name in ("list_appointments", "find_slots")]
        outputs += [call.tool("leave_message", topic="other", text="He is not here")]

        text = json.dumps(outputs)
        for word in ("Reyes", "Maria", "Tuesday, March tenth", "follow-up"):
            assert word not in text
