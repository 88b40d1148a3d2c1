"""What concerns the call itself: facts, messages, staff, emergencies, language, the goodbye; the event loop."""

import asyncio
import json
import threading
from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from scheduling.models import Appointment, Clinic, Consent, SlotHold, StaffTask
from tests.voice.assistant.clinic import NEW_YORK, WHO, PhoneCall, SampleClinic
from voice.models import CallLog
from voice.protocol.commands import CallerTurn, Evidence, Spoken, ToolAnswer


class TestClinicInfo:
    @pytest.mark.parametrize(
        ("topic", "say"),
        [
            ("hours", "Our staff are here today until five in the afternoon."),
            ("next_open_day", "The next day we're open is Friday, March sixth."),
            ("phone", "Our number is 2 0 2, 5 5 5, 0 1 9 9."),
            ("address", "We're at 1 Main Street."),
            ("bring", "Bring your card."),
            ("services", "Visits at home."),
        ],
    )
    def test_answers_anybody_from_the_settings(
        self, clinic: SampleClinic, topic: str, say: str
    ) -> None:
        Clinic.objects.create(
            address="1 Main Street", bring_en="Bring your card.", services_en="Visits at home."
        )
        call = PhoneCall("anonymous")

        assert call.tool("clinic_info", topic=topic)["say"] == say
        assert call.log.tool_calls.get().fact == "info_given"


class TestMessages:
    def test_are_stored_with_the_promised_time(self, clinic: SampleClinic) -> None:
        call = PhoneCall()

        answer = call.tool(
            "leave_message", topic="clinical", text="About my pills", urgency="today"
        )

        task = StaffTask.objects.get()
        assert (task.kind, task.topic, task.callback_number) == (
            "message",
            "clinical",
            "+12025550102",
        )
        assert datetime.fromisoformat(answer["data"]["due"]) == task.due_at
        assert call.log.tool_calls.get().fact == "message_taken"

    @pytest.mark.parametrize(
        "callback", ["1-900-555-0177", "+44 20 7946 0000", "+1 876 555 0177", "on_file", "x"]
    )
    def test_a24_are_called_back_only_where_we_call(
        self, clinic: SampleClinic, callback: str
    ) -> None:
        answer = PhoneCall().tool("leave_message", topic="other", text="x", callback=callback)

        assert answer["code"] == "bad_arguments"
        assert not StaffTask.objects.exists()

    def test_a24_a_caller_abroad_must_give_a_number_here(self, clinic: SampleClinic) -> None:
        call = PhoneCall("+442079460000")

        assert call.tool("leave_message", topic="other", text="x")["code"] == "bad_arguments"
        assert (
            call.tool("leave_message", topic="other", text="x", callback="202 555 0177")["ok"]
            is True
        )

    def test_on_file_names_the_patient_and_copies_no_number(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.verify("james")

        call.tool("leave_message", topic="other", text="x", callback="on_file")

        task = StaffTask.objects.get()
        assert (task.patient, task.callback_number) == (clinic.patients["james"], "")


class TestTransfer:
    def test_sf6_connects_in_staffed_hours(self, clinic: SampleClinic) -> None:
        call = PhoneCall()

        answer = call.raw("transfer_to_staff", '{"reason": "request"}')

        assert answer.effect == "transfer"
        assert call.log.tool_calls.get().fact == "transferred"

    def test_sf7_says_when_staff_are_back(self, clinic: SampleClinic, settings: Settings) -> None:
        settings.CAREMATIX_NOW = datetime(2026, 3, 5, 21, tzinfo=NEW_YORK)
        call = PhoneCall()

        answer = call.tool("transfer_to_staff", reason="request")

        assert (answer["code"], answer["next"], call.last.effect) == ("closed", "leave_message", "")
        assert "tomorrow, Friday, March sixth, at eight in the morning" in answer["say"]

    def test_is_honest_when_there_is_no_number(
        self, clinic: SampleClinic, settings: Settings
    ) -> None:
        settings.STAFF_TRANSFER_NUMBER = ""
        call = PhoneCall()

        assert call.tool("transfer_to_staff", reason="request")["code"] == "temporarily_unavailable"
        assert call.last.effect == ""


class TestEmergency:
    @pytest.mark.parametrize(
        ("kind", "words", "fact"),
        [
            ("medical", "dial 9 1 1", "emergency"),
            ("self_harm", "9 8 8", "crisis"),
            ("danger", "9 1 1", "emergency"),
        ],
    )
    def test_a28_the_fixed_line_and_an_alarm(
        self, clinic: SampleClinic, kind: str, words: str, fact: str
    ) -> None:
        call = PhoneCall()

        answer = call.tool(
            "report_emergency", kind=kind, happening_now="yes", words="my chest hurts"
        )

        assert answer["exact"] is True
        assert words in answer["say"]
        task = StaffTask.objects.get()
        assert (task.kind, task.topic, task.text, task.urgency) == (
            "alarm",
            kind,
            "my chest hurts",
            "now",
        )
        assert task.callback_number == ("" if kind == "danger" else "+12025550102")
        assert call.log.tool_calls.get().fact == fact

    def test_sf2_drops_the_open_proposal_and_its_hold(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.verify("james")
        proposal = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="routine")

        call.tool("report_emergency", kind="medical", happening_now="yes")

        assert call.confirm(proposal)["code"] == "confirm_required"
        assert not Appointment.objects.filter(source="voice").exists()
        assert not SlotHold.objects.filter(state="live").exists()

    def test_odd_details_never_stop_the_alarm(self, clinic: SampleClinic) -> None:
        answer = PhoneCall().tool(
            "report_emergency", kind="medical", happening_now="perhaps", words="x" * 900
        )

        assert answer["ok"] is True
        assert StaffTask.objects.filter(kind="alarm").exists()


class TestLanguage:
    def test_ln3_changes_speech_and_listening(self, clinic: SampleClinic) -> None:
        call = PhoneCall()

        answer = call.raw("set_language", '{"language": "es"}')

        assert answer.session is not None
        assert "Speak Spanish" in answer.session["instructions"]
        assert (
            json.loads(answer.output)["say"]
            == "Claro, seguimos en español. ¿En qué puedo ayudarle?"
        )
        assert call.stored().language == "es"


class TestChoices:
    def test_sf11_no_recording(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.tool("record_choice", choice="no_recording")

        assert call.stored().recording == CallLog.Recording.REFUSED

    def test_ob4_no_more_calls(self, clinic: SampleClinic) -> None:
        call = PhoneCall("+12025550199", direction="outbound", to_number="+12025550101")

        answer = call.tool("record_choice", choice="stop_calling")

        assert answer["ok"] is True
        assert Consent.objects.filter(phone="+12025550101", purpose="calls", granted=False).exists()
        assert call.log.tool_calls.get().fact == "do_not_call"


class TestEnding:
    def test_ends_after_the_goodbye(self, clinic: SampleClinic) -> None:
        assert PhoneCall().raw("end_call", '{"reason": "done"}').effect == "end"

    def test_sf9_a_wrong_number_hears_no_word_of_patients(self, clinic: SampleClinic) -> None:
        call = PhoneCall()

        answer = call.tool("end_call", reason="wrong_number")

        assert answer["say"] == "You've reached the Carematix nursing line. No problem, goodbye."
        assert call.log.tool_calls.get().fact == "wrong_number"

    def test_is_refused_while_a_proposal_waits_for_an_answer(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.verify("james")
        proposal = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="routine")

        refused = call.tool("end_call", reason="done")
        effect = call.last.effect
        call.hear(Spoken(proposal["say"], whole=True), CallerTurn())

        assert (refused["code"], effect) == ("confirm_required", "")
        assert call.tool("end_call", reason="done")["ok"] is True

    def test_ln2_waiting_says_nothing(self, clinic: SampleClinic) -> None:
        assert PhoneCall().raw("wait_for_caller", "{}").effect == "wait"


async def run(call: PhoneCall, name: str, **arguments: Any) -> ToolAnswer:
    return await call.helper.run(
        call_id=f"call_{name}_{len(arguments)}",
        name=name,
        arguments=json.dumps(arguments),
        evidence=Evidence(),
        started_ms=1_000,
    )


@pytest.mark.django_db(transaction=True)
class TestEventLoop:
    def run_async(self, work: Any) -> Any:
        return asyncio.run(work)

    def test_s15_every_check_of_identity_ends_at_the_same_moment(
        self, clinic: SampleClinic
    ) -> None:
        slept: list[float] = []
        real_sleep = asyncio.sleep

        async def sleep(seconds: float) -> None:
            slept.append(asyncio.get_running_loop().time() + seconds)
            await real_sleep(0)

        async def ends() -> list[float]:
            found = []
            for who in ("james", "maria", "robert"):
                call = await asyncio.to_thread(PhoneCall)
                begun = asyncio.get_running_loop().time()
                slept.clear()
                with patch("voice.database_helper.asyncio.sleep", sleep):
                    await run(call, "verify_identity", calling_for="self", **WHO[who])
                found.append(slept[-1] - begun)
            return found

        for end in self.run_async(ends()):
            assert end == pytest.approx(0.4, abs=0.01)

    def test_a21_odd_arguments_do_not_wait(self, clinic: SampleClinic) -> None:
        async def answer() -> ToolAnswer:
            call = await asyncio.to_thread(PhoneCall)
            with patch("voice.database_helper.asyncio.sleep", side_effect=AssertionError("slept")):
                return await call.helper.run(
                    call_id="c",
                    name="verify_identity",
                    arguments="{",
                    evidence=Evidence(),
                    started_ms=0,
                )

        assert json.loads(self.run_async(answer()).output)["code"] == "bad_arguments"

    def test_a_slow_tool_is_answered_for_and_goes_on(
        self, clinic: SampleClinic, settings: Settings
    ) -> None:
        settings.LIMIT_TOOL_SECONDS = 0.2
        go_on = threading.Event()
        call = PhoneCall()
        answered = call.helper.answer

        def slow(request: Any) -> ToolAnswer:
            go_on.wait(5)
            return answered(request)

        async def both() -> tuple[ToolAnswer, ToolAnswer]:
            with patch.object(call.helper, "answer", slow):
                first = await run(call, "leave_message", topic="other", text="Call me")
            go_on.set()
            settings.LIMIT_TOOL_SECONDS = 6
            return first, await run(call, "leave_message", topic="other", text="Call me")

        first, second = self.run_async(both())

        assert json.loads(first.output)["code"] == "temporarily_unavailable"
        assert json.loads(second.output)["ok"] is True
        assert StaffTask.objects.count() == 1

    def test_r2_a_cancelled_task_does_not_cut_a_write_off(self, clinic: SampleClinic) -> None:
        call = PhoneCall()

        async def cancelled() -> None:
            task = asyncio.create_task(run(call, "leave_message", topic="other", text="Call me"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await call.helper.hang_up()

        self.run_async(cancelled())

        assert StaffTask.objects.count() == 1

    def test_hanging_up_gives_the_held_times_back(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.verify("james")
        call.find()

        self.run_async(call.helper.hang_up())

        assert not SlotHold.objects.filter(state="live").exists()
        assert call.tool("find_slots")["code"] == "identity_required"

    def test_a_database_that_is_gone_does_not_disturb_the_hang_up(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall()

        with patch("scheduling.services.release_holds", side_effect=OperationalError("gone")):
            self.run_async(call.helper.hang_up())

        assert call.tool("find_slots")["code"] == "identity_required"

    def test_s20_a_thread_that_can_not_start_is_answered_for(self, clinic: SampleClinic) -> None:
        call = PhoneCall()

        with patch("voice.database_helper.in_thread", side_effect=RuntimeError("shutdown")):
            answer = self.run_async(run(call, "clinic_info", topic="hours"))

        assert json.loads(answer.output)["code"] == "temporarily_unavailable"

    def test_ln10_a_confirmation_under_way_finishes_before_the_hang_up(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall()
        call.verify("james")
        proposal = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="routine")
        call.says_yes_to(proposal)

        async def both() -> ToolAnswer:
            confirming = asyncio.create_task(
                call.helper.run(
                    call_id="c",
                    name="confirm_proposal",
                    arguments=json.dumps({"proposal": proposal["data"]["proposal"]}),
                    evidence=Evidence({key: tuple(entries) for key, entries in call.after.items()}),
                    started_ms=call.ms,
                )
            )
            await call.helper.hang_up()
            return await confirming

        assert json.loads(self.run_async(both()).output)["ok"] is True
        assert Appointment.objects.filter(source="voice").count() == 1
