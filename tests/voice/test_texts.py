"""The doors for texts: S1, S5, S9, S15, S55, and what each word does, in English and Spanish."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings as django_settings
from django.db import connections
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent
from scheduling.exceptions import LimitReached
from scheduling.models import (
    Appointment,
    Consent,
    Message,
    Patient,
    StaffTask,
    WaitlistEntry,
    WaitlistOffer,
)
from scheduling.selectors import may_text
from scheduling.services import cancel_appointment, offer_freed_times
from scheduling.services import texts as services
from scheduling.services.outbox import still_wanted
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_consent,
    make_patient,
    make_visit_type,
)
from tests.voice.twilio_requests import post, post_signed_as
from voice.models import WebhookReceipt

SMS, STATUS = "/twilio/sms", "/twilio/sms/status"
KNOWN, UNKNOWN = "+12025550123", "+12025550124"
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


_sids = iter(range(1, 10_000))


def text_fields(body: str, **changes: str) -> dict[str, str]:
    """Return the form of an incoming text, blanks included (twilio reference, section 9)."""
    sid = f"SM{next(_sids):032d}"
    fields = {
        "MessageSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": django_settings.TWILIO_ACCOUNT_SID,
        "MessagingServiceSid": "",
        "From": KNOWN,
        "To": django_settings.TWILIO_PHONE_NUMBER,
        "Body": body,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "FromCountry": "US",
        "ApiVersion": "2010-04-01",
    }
    return fields | changes


def text(body: str, **changes: str) -> Any:
    """Send a text and return the answer."""
    return post(SMS, text_fields(body, **changes))


def is_confirmed(visit: Appointment) -> bool:
    visit.refresh_from_db()
    return visit.attendance_confirmed_at is not None


def replies() -> list[str]:
    return list(Message.objects.filter(kind="reply").values_list("body", flat=True))


@pytest.mark.django_db
class TestConfirming:
    @pytest.mark.parametrize(
        "word", ["C", "c", " c. ", "Confirm", "CONFIRMED!", "C please", "Sí, confirmo", "confirmar"]
    )
    def test_confirms_the_senders_next_visit(self, visit: Appointment, word: str) -> None:
        later = make_appointment(patient=visit.patient, start=TOMORROW_NINE + timedelta(days=7))

        text(word)

        assert is_confirmed(visit)
        assert not is_confirmed(later)
        assert not StaffTask.objects.exists()

    def test_is_answered_with_the_time_and_nothing_else(self, visit: Appointment) -> None:
        text("C")

        reply = Message.objects.get(kind="reply")
        assert (reply.to, reply.status) == (KNOWN, Message.Status.PENDING)
        assert "Mar 6" in reply.body
        assert "STOP" in reply.body
        assert visit.patient.first_name not in reply.body
        assert visit.nurse.last_name not in reply.body

    def test_says_in_the_history_that_a_text_did_it(self, visit: Appointment) -> None:
        text("C")

        assert visit.changes.filter(kind="attendance_confirmed", source="sms").exists()

    def test_of_a_number_that_several_patients_have_is_left_to_staff(
        self, visit: Appointment
    ) -> None:
        make_patient(second_phone=KNOWN)

        text("C")

        task = StaffTask.objects.get()
        assert not is_confirmed(visit)
        assert task.patient is None
        assert "Several patients" in task.text

    def test_without_a_visit_is_left_to_staff(self, patient: Patient) -> None:
        text("C")

        assert StaffTask.objects.get().patient == patient


@pytest.mark.django_db
class TestAnOfferFromTheWaitlist:
    @pytest.fixture
    def offer(self, patient: Patient) -> WaitlistOffer:
        """Let a visit be cancelled for which the patient has waited, and offer the time."""
        entry = WaitlistEntry.objects.create(
            patient=patient, visit_type=make_visit_type(), earliest=TOMORROW_NINE.date(),
            latest=TOMORROW_NINE.date(), source="voice", actor="call:1", waiting_since=NOW,
        )  # fmt: skip
        cancelled = make_appointment(start=TOMORROW_NINE)
        cancel_appointment(appointment_id=cancelled.pk, source="dashboard", actor="user:1", now=NOW)
        offer_freed_times(now=NOW)
        return WaitlistOffer.objects.get(entry=entry)

    @pytest.mark.parametrize("word", ["A", "a.", "Accept", "Acepto"])
    def test_is_taken_by_a_text(self, offer: WaitlistOffer, patient: Patient, word: str) -> None:
        text(word)

        visit = Appointment.objects.get(patient=patient)
        offer.refresh_from_db()
        assert (offer.status, offer.appointment) == ("accepted", visit)
        assert (visit.start, visit.source) == (offer.start, "sms")
        assert patient.messages.filter(kind="confirmation").count() == 1
        assert replies() == []

    @pytest.mark.parametrize("word", ["N", "no", "Pass", "Paso"])
    def test_is_passed_by_a_text(self, offer: WaitlistOffer, word: str) -> None:
        text(word)

        offer.refresh_from_db()
        assert offer.status == "declined"
        assert "stay on the list" in replies()[0]

    def test_is_not_taken_from_another_number(self, offer: WaitlistOffer) -> None:
        text("A", From=UNKNOWN)

        offer.refresh_from_db()
        assert offer.status == "open"

    @pytest.mark.parametrize("word", ["A", "N"])
    def test_is_left_to_staff_when_several_patients_share_the_number(
        self, offer: WaitlistOffer, patient: Patient, word: str
    ) -> None:
        make_patient(phone=patient.phone)

        text(word)

        offer.refresh_from_db()
        assert offer.status == "open"
        assert StaffTask.objects.get(kind="message").callback_number == KNOWN

    def test_is_taken_from_the_patients_second_number_and_answered_there(
        self, offer: WaitlistOffer, patient: Patient
    ) -> None:
        Patient.objects.filter(pk=patient.pk).update(second_phone=UNKNOWN)

        text("A", From=UNKNOWN)

        offer.refresh_from_db()
        assert offer.status == "accepted"
        assert Message.objects.get(kind="reply").to == UNKNOWN
        assert patient.messages.filter(kind="confirmation", to=KNOWN).exists()

    def test_is_passed_from_the_patients_second_number(
        self, offer: WaitlistOffer, patient: Patient
    ) -> None:
        Patient.objects.filter(pk=patient.pk).update(second_phone=UNKNOWN)

        text("N", From=UNKNOWN)

        offer.refresh_from_db()
        assert offer.status == "declined"

    def test_is_left_to_staff_when_another_has_the_number_as_the_second(
        self, offer: WaitlistOffer
    ) -> None:
        make_patient(second_phone=KNOWN)

        text("A")

        offer.refresh_from_db()
        assert offer.status == "open"
        assert StaffTask.objects.get(kind="message").callback_number == KNOWN

    def test_is_not_that_of_a_patient_who_has_left_and_had_the_number(
        self, offer: WaitlistOffer, patient: Patient
    ) -> None:
        Patient.objects.filter(pk=patient.pk).update(active=False)
        make_patient(phone=KNOWN)

        text("A")

        offer.refresh_from_db()
        assert offer.status == "open"

    def test_is_told_to_no_number_that_has_none(self, offer: WaitlistOffer) -> None:
        make_patient(second_phone=UNKNOWN)
        text("A", From=UNKNOWN)
        text("A", From="+12025550199")

        first, second = Message.objects.filter(kind="reply").values_list("body", flat=True)
        assert first == second

    def test_is_gone_after_its_time(self, offer: WaitlistOffer, settings: Settings) -> None:
        settings.CAREMATIX_NOW = offer.expires_at

        text("A")

        assert not Appointment.objects.filter(patient=offer.entry.patient).exists()
        assert "no open offer" in replies()[0]

    def test_that_the_rules_no_longer_allow_is_left_to_staff(self, offer: WaitlistOffer) -> None:
        with patch("scheduling.services.texts.accept_offer", side_effect=LimitReached):
            text("A")

        assert StaffTask.objects.get().text == "A"

    def test_that_was_never_made_leaves_a_no_to_people(self, patient: Patient) -> None:
        text("No")

        assert StaffTask.objects.get().text == "No"


@pytest.mark.django_db
class TestOtherWords:
    @pytest.mark.parametrize("word", ["R", "r.", "call me", "Llámame", "I will be late", "¿Dónde?"])
    def test_ask_staff_to_call_back(self, visit: Appointment, word: str) -> None:
        text(word)

        task = StaffTask.objects.get()
        assert (task.kind, task.source) == (StaffTask.Kind.MESSAGE, "sms")
        assert (task.text, task.callback_number, task.patient) == (
            word, KNOWN, visit.patient,
        )  # fmt: skip
        assert not is_confirmed(visit)

    def test_are_cut_and_freed_of_control_characters(self, patient: Patient) -> None:
        text("a\x00b\r\nc\x1b[31m\u202e" + "x" * 5000)

        stored = StaffTask.objects.get().text
        assert stored.startswith("ab c[31mx")
        assert len(stored) == 1600

    @pytest.mark.parametrize("word", ["HELP", "info", "Help."])
    def test_of_the_carrier_are_left_to_it(self, patient: Patient, word: str) -> None:
        text(word)

        assert not StaffTask.objects.exists()
        assert replies() == []

    def test_are_never_logged(self, patient: Patient, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level("DEBUG"):
            text("Wombat at my door")

        written = " ".join(str(vars(record)) for record in caplog.records)
        assert "Wombat" not in written
        assert KNOWN not in written


@pytest.mark.django_db
class TestRefusing:
    @pytest.mark.parametrize(
        "word",
        [
            "STOP", "stop.", "StopAll", "UNSUBSCRIBE", "cancel", "End", "quit", "REVOKE", "optout",
            "ALTO", "cancelar", "baja", "No más",
        ],
    )  # fmt: skip
    def test_by_a_word_ends_texts_without_an_answer(self, patient: Patient, word: str) -> None:
        text(word)

        assert not may_text(patient=patient)
        assert replies() == []
        assert not StaffTask.objects.exists()

    @pytest.mark.parametrize(
        "sentence",
        [
            "Stop texting me", "please stop sending me messages!", "Don't text me again",
            "do not send me any more reminders", "take me off your list", "I want to opt out",
            "Dejen de enviarme mensajes", "no me escriban más", "no quiero recibir textos",
        ],
    )  # fmt: skip
    def test_in_a_sentence_counts_as_much_and_is_read_by_staff(
        self, patient: Patient, sentence: str
    ) -> None:
        text(sentence)

        assert not may_text(patient=patient)
        assert replies() == []
        assert StaffTask.objects.get().text == sentence

    @pytest.mark.parametrize("sentence", ["Stop calling me", "no me llamen más"])
    def test_of_calls_ends_calls_and_texts(self, patient: Patient, sentence: str) -> None:
        text(sentence)

        assert not may_text(patient=patient)
        assert Consent.objects.filter(purpose="calls", granted=False, phone=KNOWN).exists()

    @pytest.mark.parametrize("harmless", ["Can you stop by at 5?", "I did not get your message"])
    def test_is_not_read_into_other_sentences(self, patient: Patient, harmless: str) -> None:
        text(harmless)

        assert may_text(patient=patient)

    @pytest.mark.parametrize("doubtful", ["Don't stop texting me", "no me llamen antes de las 8"])
    def test_that_is_doubtful_is_flagged_for_staff_and_stops_nothing(
        self, patient: Patient, doubtful: str
    ) -> None:
        text(doubtful)

        assert may_text(patient=patient)
        assert StaffTask.objects.get().text == services.MAY_REFUSE + doubtful

    def test_follows_the_carriers_own_words(self, patient: Patient) -> None:
        text("genug", OptOutType="STOP")

        assert not may_text(patient=patient)

    def test_with_a_word_that_may_mean_the_visit_is_read_by_staff(self, visit: Appointment) -> None:
        text("CANCEL")

        assert not may_text(patient=visit.patient)
        assert "Perhaps a visit was meant" in StaffTask.objects.get().text

    @pytest.mark.parametrize("word", ["START", "unstop", "YES", "Reanudar"])
    def test_is_taken_back_by_the_words_for_that(
        self, patient: Patient, settings: Settings, word: str
    ) -> None:
        text("STOP")
        settings.CAREMATIX_NOW = NOW + timedelta(minutes=1)

        text(word)

        assert may_text(patient=patient)
        assert replies() == []

    def test_lets_no_later_text_be_answered(self, patient: Patient, settings: Settings) -> None:
        text("STOP")
        settings.CAREMATIX_NOW = NOW + timedelta(minutes=1)

        text("Where are you?")

        assert StaffTask.objects.get().text == "Where are you?"
        assert replies() == []

    def test_from_the_second_number_ends_texts_to_that_number_alone(self, patient: Patient) -> None:
        Patient.objects.filter(pk=patient.pk).update(second_phone=UNKNOWN)
        text("Call me", From=UNKNOWN)
        waiting = Message.objects.get(to=UNKNOWN)

        text("STOP", From=UNKNOWN)
        text("Call me", From=UNKNOWN)

        assert still_wanted(waiting, NOW) == "refused"
        assert Message.objects.get(to=UNKNOWN) == waiting
        assert may_text(patient=patient)

    def test_from_the_first_number_leaves_the_second_an_answer(self, patient: Patient) -> None:
        Patient.objects.filter(pk=patient.pk).update(second_phone=UNKNOWN)
        text("STOP")

        text("Call me", From=UNKNOWN)

        assert Message.objects.get().to == UNKNOWN
        assert not may_text(patient=patient)

    def test_is_not_taken_back_for_the_first_number_from_the_second(self, patient: Patient) -> None:
        Patient.objects.filter(pk=patient.pk).update(second_phone=UNKNOWN)
        text("STOP")

        text("START", From=UNKNOWN)

        assert not may_text(patient=patient)

    def test_yes_is_just_a_word_from_somebody_who_refused_nothing(self, patient: Patient) -> None:
        text("Yes")

        assert StaffTask.objects.get().text == "Yes"


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
