"""What each word of a text does, in English and Spanish (S15, S55)."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from pytest_django.fixtures import Settings

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
from tests.voice.text_messages import KNOWN, UNKNOWN, replies, text


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


def is_confirmed(visit: Appointment) -> bool:
    visit.refresh_from_db()
    return visit.attendance_confirmed_at is not None


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
