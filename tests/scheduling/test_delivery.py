"""Sending the outbox: R10, S55, S59, F14, against Twilio's REST API as its specification describes it."""

import smtplib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail
from pytest_django.fixtures import Settings

from scheduling.messages import transports
from scheduling.models import Appointment, Consent, Message, StaffTask
from scheduling.selectors import may_text
from scheduling.services import delivery
from scheduling.services.people import record_consent
from tests.factories import NOW, make_appointment, make_consent, make_nurse, make_patient
from tests.services import free_port
from tests.twilio_rest import TwilioRest

Status = Message.Status
HOUR = timedelta(hours=1)
NUMBER = "+12025550123"


@pytest.fixture
def twilio(settings: Settings) -> Iterator[TwilioRest]:
    with TwilioRest() as rest:
        settings.TWILIO_API_BASE_URL = rest.url
        yield rest
        assert rest.violations == []


def make_message(**fields: Any) -> Message:
    """Store a text that is due, to a patient who agreed to texts."""
    patient = fields.pop("patient", None)
    if patient is None:
        patient = make_patient(phone=fields.get("to", NUMBER))
        make_consent(patient=patient)
    defaults: dict[str, Any] = {
        "channel": Message.Channel.SMS,
        "kind": Message.Kind.CONFIRMATION,
        "patient": patient,
        "to": patient.phone,
        "body": "Clinic: your appointment is on Fri Mar 6. Reply STOP to opt out.",
        "due_at": NOW,
    }
    return Message.objects.create(**defaults | fields)


def make_reply(**fields: Any) -> Message:
    """Store an answer to a number that nobody here has."""
    return Message.objects.create(
        channel=Message.Channel.SMS,
        kind=Message.Kind.REPLY,
        body="Clinic: thank you.",
        **{"to": NUMBER, "due_at": NOW} | fields,
    )


def deliver(message: Message, *, now: Any = NOW, channel: str = "sms") -> Message:
    """Deliver what is due at `now` and return the message as it is then."""
    delivery.deliver_next(channel=channel, now=now, clinic_now=now)
    message.refresh_from_db()
    return message


def report(message: Message, status: str, code: str = "", **more: Any) -> Message:
    """Let Twilio report on a message and return it as it is then."""
    fields = {"provider_id": message.provider_id, "status": status, "error_code": code}
    delivery.record_delivery_status(**fields | more, now=NOW)
    message.refresh_from_db()
    return message


@pytest.mark.django_db
class TestDeliverNext:
    def test_sends_a_due_text_and_keeps_the_carriers_id(self, twilio: TwilioRest) -> None:
        message = deliver(make_message())

        assert twilio.recipients() == {NUMBER: 1}
        assert message.status == Status.SENT
        assert message.provider_id.startswith("SM")
        assert (message.provider_status, message.sent_at, message.attempts) == ("queued", NOW, 1)

    def test_asks_for_reports_by_a_signed_door_of_ours(self, twilio: TwilioRest) -> None:
        message = deliver(make_message())

        expected = f"https://clinic.example/twilio/sms/status?message={message.pk}"
        assert twilio.accepted[0]["StatusCallback"] == expected

    def test_sends_from_the_number_where_no_service_is_set(self, twilio: TwilioRest) -> None:
        deliver(make_message())

        assert twilio.accepted[0]["From"] == "+12025550199"
        assert "MessagingServiceSid" not in twilio.accepted[0]

    def test_prefers_the_messaging_service(self, twilio: TwilioRest, settings: Settings) -> None:
        settings.TWILIO_MESSAGING_SERVICE_SID = "MG" + "0" * 32

        deliver(make_message())

        assert twilio.accepted[0]["MessagingServiceSid"] == "MG" + "0" * 32
        assert "From" not in twilio.accepted[0]

    def test_limits_how_long_a_text_is_worth_delivering(self, twilio: TwilioRest) -> None:
        deliver(make_message(expires_at=NOW + HOUR))

        assert twilio.accepted[0]["ValidityPeriod"] == "3600"

    def test_leaves_alone_what_is_not_due(self, twilio: TwilioRest) -> None:
        message = deliver(make_message(due_at=NOW + HOUR))

        assert (message.status, twilio.requests) == (Status.PENDING, 0)

    def test_sends_in_the_order_in_which_messages_are_due(self, twilio: TwilioRest) -> None:
        later = make_reply(to="+12025550102", due_at=NOW - HOUR)
        earlier = make_reply(to="+12025550101", due_at=NOW - 2 * HOUR)

        deliver(earlier)
        deliver(later)

        assert [sent["To"] for sent in twilio.accepted] == ["+12025550101", "+12025550102"]

    def test_commits_before_the_request_goes_out(self, twilio: TwilioRest) -> None:
        seen: list[str] = []
        message = make_message()

        def look(outgoing: Any) -> Any:
            seen.append(Message.objects.get(pk=message.pk).status)
            raise transports.Uncertain("lost")

        with patch.dict(delivery.TRANSPORTS, {"sms": look}):
            deliver(message)

        assert seen == [Status.SENDING]


@pytest.mark.django_db
class TestWhatIsNoLongerWanted:
    def test_is_dropped_after_its_time(self, twilio: TwilioRest) -> None:
        message = deliver(make_message(expires_at=NOW))

        assert (message.status, twilio.requests) == (Status.DROPPED, 0)

    def test_is_dropped_when_the_visit_was_cancelled(self, twilio: TwilioRest) -> None:
        visit = make_appointment(status=Appointment.Status.CANCELLED)
        make_consent(patient=visit.patient)
        message = make_message(
            patient=visit.patient, appointment=visit, appointment_sequence=visit.sequence
        )

        assert deliver(message).status == Status.DROPPED
        assert twilio.requests == 0

    def test_is_dropped_when_the_number_opted_out_meanwhile(self, twilio: TwilioRest) -> None:
        message = make_message()
        record_consent(
            channel="sms",
            purpose="appointments",
            granted=False,
            wording="STOP",
            source="sms",
            phone=NUMBER,
            now=NOW,
        )

        assert deliver(message).status == Status.DROPPED
        assert twilio.requests == 0


@pytest.mark.django_db
class TestWhatTwilioRefuses:
    def test_is_not_tried_again_and_shown_to_staff(self, twilio: TwilioRest) -> None:
        twilio.answer = lambda number: "400 21614"

        message = deliver(make_message())
        deliver(message, now=NOW + HOUR)

        task = StaffTask.objects.get()
        assert (message.status, message.error_code) == (Status.FAILED, "21614")
        assert (task.kind, task.patient, task.callback_number) == (
            StaffTask.Kind.UNDELIVERED, message.patient, NUMBER,
        )  # fmt: skip
        assert "not a mobile phone" in task.text
        assert twilio.requests == 1

    def test_withdraws_the_consent_of_a_number_that_opted_out_there(
        self, twilio: TwilioRest
    ) -> None:
        twilio.answer = lambda number: "400 21610"

        message = deliver(make_message())

        assert (message.status, message.error_code) == (Status.FAILED, "21610")
        assert message.patient is not None
        assert not may_text(patient=message.patient)
        assert not StaffTask.objects.exists()

    @pytest.mark.parametrize("answer", [429, "429 20429", 503, "401 20003"])
    def test_for_now_is_tried_again_later(self, twilio: TwilioRest, answer: int | str) -> None:
        twilio.answer = lambda number: answer
        message = deliver(make_message())
        assert message.status == Status.PENDING
        assert message.next_attempt_at is not None
        assert deliver(message).attempts == 1

        twilio.answer = lambda number: None
        message = deliver(message, now=message.next_attempt_at)

        assert (message.status, message.attempts) == (Status.SENT, 2)
        assert twilio.recipients() == {NUMBER: 1}

    def test_by_a_server_error_is_never_sent_again(self, twilio: TwilioRest) -> None:
        twilio.answer = lambda number: 500

        message = deliver(make_message())
        deliver(message, now=NOW + HOUR)

        assert (message.status, message.error_code) == (Status.UNRESOLVED, "http_500")
        assert StaffTask.objects.get().kind == StaffTask.Kind.UNDELIVERED
        assert twilio.requests == 1


@pytest.mark.django_db
class TestALostConnection:
    def test_after_the_request_leaves_the_text_unresolved(self, twilio: TwilioRest) -> None:
        twilio.answer = lambda number: "lost"

        message = deliver(make_message())
        deliver(message, now=NOW + HOUR)

        assert (message.status, message.error_code) == (Status.UNRESOLVED, "connection_lost")
        assert StaffTask.objects.get().kind == StaffTask.Kind.UNDELIVERED
        assert twilio.recipients() == {NUMBER: 1}

    def test_before_the_request_is_tried_again_ever_later_and_then_given_up(
        self, settings: Settings
    ) -> None:
        settings.TWILIO_API_BASE_URL = f"http://127.0.0.1:{free_port()}"
        message = make_message()
        now, waits = NOW, []

        for _ in range(delivery.MOST_ATTEMPTS):
            message = deliver(message, now=now)
            if message.status == Status.PENDING and message.next_attempt_at is not None:
                waits.append(message.next_attempt_at - now)
                now = message.next_attempt_at

        assert (message.status, message.error_code) == (Status.FAILED, "no_connection")
        assert StaffTask.objects.get().kind == StaffTask.Kind.UNDELIVERED
        assert waits[0] <= timedelta(seconds=5)
        assert timedelta(minutes=15) <= waits[-1] <= timedelta(minutes=30)

    def test_to_a_name_that_does_not_exist_is_tried_again(self, settings: Settings) -> None:
        settings.TWILIO_API_BASE_URL = "http://twilio.invalid"

        assert deliver(make_message()).status == Status.PENDING


@pytest.mark.django_db
class TestADeadWorker:
    def test_leaves_a_text_that_staff_see_and_nobody_sends_again(self, twilio: TwilioRest) -> None:
        message = make_message(status=Status.SENDING, lease_until=NOW, attempts=1)

        found = delivery.resolve_lost(now=NOW + HOUR, clinic_now=NOW)
        again = delivery.resolve_lost(now=NOW + HOUR, clinic_now=NOW)

        message = deliver(message, now=NOW + HOUR)
        assert (found, again) == (1, 0)
        assert message.status == Status.UNRESOLVED
        assert StaffTask.objects.get().kind == StaffTask.Kind.UNDELIVERED
        assert twilio.requests == 0

    def test_is_not_presumed_while_the_lease_holds(self) -> None:
        message = make_message(status=Status.SENDING, lease_until=NOW + HOUR)

        delivery.resolve_lost(now=NOW, clinic_now=NOW)

        message.refresh_from_db()
        assert message.status == Status.SENDING


@pytest.mark.django_db
class TestWithoutAnAccount:
    @pytest.fixture(autouse=True)
    def no_account(self, settings: Settings) -> None:
        settings.TWILIO_ACCOUNT_SID = ""

    def test_a_developer_sees_the_text_on_the_console(
        self, settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settings.DEBUG = True

        message = deliver(make_message())

        assert message.status == Status.SENT
        assert message.body in capsys.readouterr().out

    def test_a_text_fails_in_production(
        self, settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settings.DEBUG = False

        message = deliver(make_message())

        assert (message.status, message.error_code) == (Status.FAILED, "not_configured")
        assert message.body not in capsys.readouterr().out


@pytest.mark.django_db
class TestRecordDeliveryStatus:
    def make_sent(self, **fields: Any) -> Message:
        return make_message(
            status=Status.SENT, provider_id="SM" + "1" * 32, provider_status="queued", **fields
        )

    def test_follows_the_text_to_the_phone(self) -> None:
        message = report(self.make_sent(), "sent")
        assert (message.status, message.provider_status) == (Status.SENT, "sent")

        message = report(message, "delivered")
        assert (message.status, message.provider_status) == (Status.DELIVERED, "delivered")

    @pytest.mark.parametrize("late", ["accepted", "queued", "sending", "sent", "undelivered"])
    def test_never_goes_back(self, late: str) -> None:
        message = report(self.make_sent(), "delivered")

        message = report(message, late)

        assert (message.status, message.provider_status) == (Status.DELIVERED, "delivered")
        assert not StaffTask.objects.exists()

    @pytest.mark.parametrize("lost", ["undelivered", "failed"])
    def test_shows_staff_what_did_not_arrive_once(self, lost: str) -> None:
        message = report(self.make_sent(), lost, "30004")
        message = report(message, lost, "30004")

        assert (message.status, message.error_code) == (Status.FAILED, "30004")
        assert "blocks our texts" in StaffTask.objects.get().text

    def test_stores_an_opt_out_that_the_carrier_found_later(self) -> None:
        message = report(self.make_sent(), "failed", "21610")

        assert message.status == Status.FAILED
        assert Consent.objects.filter(phone=NUMBER, granted=False).exists()

    def test_resolves_a_text_whose_acceptance_was_lost(self) -> None:
        message = make_message(status=Status.UNRESOLVED)

        message = report(message, "delivered", provider_id="SM7", message_id=message.pk)

        assert (message.status, message.provider_id) == (Status.DELIVERED, "SM7")

    @pytest.mark.parametrize("status", ["failed", "undelivered"])
    def test_of_a_loss_corrects_the_task_of_an_uncertain_text(self, status: str) -> None:
        message = make_message(status=Status.SENDING, lease_until=NOW - HOUR)
        delivery.resolve_lost(now=NOW, clinic_now=NOW)

        message = report(message, status, provider_id="SM7", message_id=message.pk, code="30005")

        task = StaffTask.objects.get()
        assert (message.status, task.status) == (Status.FAILED, "open")
        assert delivery.CAUSES["30005"] in task.text
        assert delivery.UNCERTAIN not in task.text

    def test_of_a_loss_asks_nobody_again_who_has_dealt_with_the_uncertain_text(self) -> None:
        message = make_message(status=Status.SENDING, lease_until=NOW - HOUR)
        delivery.resolve_lost(now=NOW, clinic_now=NOW)
        StaffTask.objects.update(status=StaffTask.Status.DONE, done_at=NOW)

        report(message, "failed", provider_id="SM7", message_id=message.pk)

        assert StaffTask.objects.get().status == "done"

    def test_of_two_uncertain_texts_corrects_one_task_each(self) -> None:
        texts = [make_message(status=Status.SENDING, lease_until=NOW - HOUR) for _ in range(2)]
        delivery.resolve_lost(now=NOW, clinic_now=NOW)

        for number, message in enumerate(texts):
            report(message, "failed", provider_id=f"SM{number}", message_id=message.pk)

        assert StaffTask.objects.count() == 2
        assert not StaffTask.objects.filter(text__contains=delivery.UNCERTAIN).exists()

    def test_ignores_texts_of_others_and_words_nobody_knows(self) -> None:
        message = self.make_sent()

        assert report(message, "delivered", provider_id="SM-other").status == Status.SENT
        assert report(message, "exploded").status == Status.SENT

    def test_that_came_before_the_answer_is_kept(self) -> None:
        message = make_message()

        def transport(outgoing: Any) -> Any:
            report(message, "delivered", provider_id="SM1", message_id=outgoing.message_id)
            return transports.Accepted("SM1", "queued")

        with patch.dict(delivery.TRANSPORTS, {"sms": transport}):
            message = deliver(message)

        assert (message.status, message.provider_id) == (Status.DELIVERED, "SM1")
        assert message.provider_status == "delivered"


@pytest.mark.django_db
class TestMail:
    def make_mail(self) -> Message:
        nurse = make_nurse(email="nurse@clinic.example")
        return Message.objects.create(
            channel=Message.Channel.EMAIL,
            kind=Message.Kind.NURSE_BOOKED,
            nurse=nurse,
            to=nurse.email,
            subject="New visit",
            body="Open the dashboard.",
            due_at=NOW,
        )

    def test_goes_out_by_the_configured_server(self) -> None:
        message = deliver(self.make_mail(), channel="email")

        assert message.status == Status.SENT
        assert [(sent.to, sent.subject) for sent in mail.outbox] == [
            (["nurse@clinic.example"], "New visit")
        ]

    @pytest.mark.parametrize(
        ("failure", "status"),
        [
            (smtplib.SMTPDataError(451, b"later"), Status.PENDING),
            (smtplib.SMTPDataError(554, b"no"), Status.FAILED),
            (smtplib.SMTPRecipientsRefused({"x": (550, b"unknown")}), Status.FAILED),
            (smtplib.SMTPServerDisconnected("gone"), Status.UNRESOLVED),
            (TimeoutError(), Status.UNRESOLVED),
        ],
    )
    def test_ends_as_the_server_says(self, failure: Exception, status: str) -> None:
        sending = "django.core.mail.backends.locmem.EmailBackend.send_messages"
        with patch(sending, side_effect=failure):
            message = deliver(self.make_mail(), channel="email")

        assert message.status == status

    def test_is_tried_again_when_no_server_answers(self, settings: Settings) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

        message = deliver(self.make_mail(), channel="email")

        assert (message.status, message.error_code) == (Status.PENDING, "no_connection")
