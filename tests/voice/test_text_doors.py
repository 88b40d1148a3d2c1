"""The doors for texts: who may knock, repeats, and that the answer tells nothing (S1, S5, S9, S15)."""

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent
from scheduling.models import Appointment, Message, Patient, StaffTask
from scheduling.selectors import may_text
from scheduling.services import texts as services
from tests.factories import NOW, TOMORROW_NINE, make_appointment, make_consent, make_patient
from tests.voice.text_messages import KNOWN, SMS, UNKNOWN, replies, text, text_fields
from tests.voice.twilio_requests import post, post_signed_as
from voice.models import WebhookReceipt

STATUS = "/twilio/sms/status"
EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><Response />'


@pytest.fixture(autouse=True)
def clinic_clock(settings: Settings) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def patient() -> Patient:
    patient = make_patient(phone=KNOWN)
    make_consent(patient=patient)
    return patient


@pytest.fixture
def visit(patient: Patient) -> Appointment:
    return make_appointment(patient=patient, start=TOMORROW_NINE)


@pytest.mark.django_db
class TestNoOracleS15:
    @pytest.mark.parametrize("body", ["C", "R", "A", "N", "hello", "cita mañana"])
    def test_an_unknown_number_is_told_what_a_known_one_without_a_visit_is(
        self, patient: Patient, body: str
    ) -> None:
        known, unknown = text(body), text(body, From=UNKNOWN)

        assert known.content == unknown.content == EMPTY
        first, second = Message.objects.filter(kind="reply").values_list("body", "language")
        assert first == second

    def test_every_answer_of_the_door_is_the_same(self, visit: Appointment) -> None:
        answers = {text(body).content for body in ("C", "STOP", "START", "hello", "", "HELP")}

        assert answers == {EMPTY}

    @pytest.mark.parametrize("sender", ["72975", "anonymous", "+442071838750", "", "+1900555"])
    def test_short_codes_and_foreign_numbers_are_read_and_never_answered(self, sender: str) -> None:
        text("hello", From=sender)

        assert StaffTask.objects.count() == 1
        assert replies() == []

    def test_two_machines_do_not_answer_each_other_for_ever(self, patient: Patient) -> None:
        for _ in range(8):
            text("I am out of office")

        assert len(replies()) == services.ANSWERS_PER_DAY


@pytest.mark.django_db
class TestRepeats:
    def test_of_a_text_have_no_effect(self, patient: Patient) -> None:
        fields = text_fields("call me")

        first, second = post(SMS, fields), post(SMS, fields)

        assert first.content == second.content == EMPTY
        assert StaffTask.objects.count() == 1
        assert len(replies()) == 1

    @pytest.mark.django_db(transaction=True)
    def test_of_a_text_at_the_same_moment_have_no_effect(self) -> None:
        fields = text_fields("call me")

        def send(_: int) -> bytes:
            try:
                content: bytes = post(SMS, fields).content
                return content
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as pool:
            answers = set(pool.map(send, range(6)))

        assert answers == {EMPTY}
        assert StaffTask.objects.count() == 1

    def test_of_a_text_whose_work_failed_start_over(self, patient: Patient) -> None:
        fields = text_fields("call me")
        with (
            patch("voice.texts.receive_text", side_effect=RuntimeError),
            pytest.raises(RuntimeError),
        ):
            post(SMS, fields)

        post(SMS, fields)

        assert StaffTask.objects.count() == 1

    def test_of_a_report_have_no_effect(self, patient: Patient) -> None:
        message = Message.objects.create(
            channel="sms", kind="reply", to=KNOWN, body="x", due_at=NOW, status="sent",
            provider_id="SM9", patient=patient,
        )  # fmt: skip
        fields = {"MessageSid": "SM9", "MessageStatus": "undelivered", "ErrorCode": "30005"}

        answers = [post(STATUS, fields).status_code for _ in range(3)]

        message.refresh_from_db()
        assert answers == [204] * 3
        assert (message.status, message.error_code) == ("failed", "30005")
        assert StaffTask.objects.count() == 1


@pytest.mark.django_db
class TestTheDoors:
    @pytest.mark.parametrize("door", [SMS, STATUS])
    def test_s1_open_to_nobody_without_a_signature(self, patient: Patient, door: str) -> None:
        answer = post_signed_as(door, text_fields("STOP"), "wrong")

        assert (answer.status_code, answer.content) == (403, b"")
        assert may_text(patient=patient)
        assert not WebhookReceipt.objects.exists()

    def test_s9_serve_our_number_only(self, patient: Patient) -> None:
        answer = text("call me", To="+12025550111")

        assert answer.content == EMPTY
        assert not StaffTask.objects.exists()

    def test_serve_every_number_of_our_messaging_service(
        self, patient: Patient, settings: Settings
    ) -> None:
        settings.TWILIO_MESSAGING_SERVICE_SID = "MG" + "0" * 32

        text("call me", To="+12025550111", MessagingServiceSid="MG" + "0" * 32)

        assert StaffTask.objects.count() == 1

    def test_take_reports_on_texts_of_nobody(self) -> None:
        fields = {"MessageSid": "SM-unknown", "MessageStatus": "delivered"}

        assert post(STATUS, fields).status_code == 204

    def test_resolve_a_text_by_the_id_in_the_address(self, patient: Patient) -> None:
        message = Message.objects.create(
            channel="sms", kind="reply", to=KNOWN, body="x", due_at=NOW, status="unresolved"
        )
        fields = {"MessageSid": "SM5", "MessageStatus": "sent"}

        post(f"{STATUS}?message={message.pk}", fields)

        message.refresh_from_db()
        assert (message.status, message.provider_id) == ("sent", "SM5")

    def test_leave_a_trace_in_the_audit_record_without_the_text(self, patient: Patient) -> None:
        text("STOP")

        event = AuditEvent.objects.get(action="text.received")
        assert (event.outcome, event.surface) == ("refused", "sms")
        assert event.patient_ids == [str(patient.pk)]
