"""How many calls are let in: those held, and those whose stream is to come (security reference, section 9)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from scheduling.models import StaffTask
from tests.voice.twilio_requests import call_fields, post
from voice import services
from voice.models import CallLog
from voice.services import HEARTBEAT_LOST

VOICE, STATUS = "/twilio/voice", "/twilio/voice/status"
CALL_BACK = "/twilio/voice/call-back"


def fields(number: int, **more: str) -> dict[str, str]:
    """Return what Twilio sends of the call of that number."""
    return call_fields(CallSid=f"CA{number:032}", From=f"+120255501{number:02}", **more)


def is_let_in(number: int) -> bool:
    return b"<Stream" in post(VOICE, fields(number)).content


def open_stream(number: int) -> CallLog:
    call = CallLog.objects.get(call_sid=fields(number)["CallSid"])
    incoming = services.receive_call(
        call_sid=call.call_sid,
        account_sid=call.account_sid,
        from_number=call.from_number,
        to_number=call.to_number,
        attestation="",
        has_room=True,
        now=timezone.now(),
    )
    return services.open_stream(
        call_sid=call.call_sid,
        account_sid=call.account_sid,
        stream_sid=f"MZ{number}",
        token=incoming.token,
        now=timezone.now(),
    )


@pytest.fixture
def one_line(settings: Settings) -> None:
    settings.MAX_CONCURRENT_CALLS = 1


@pytest.mark.django_db
@pytest.mark.usefixtures("one_line")
class TestTheLastLine:
    def test_is_taken_by_a_call_whose_stream_is_to_come(self) -> None:
        assert is_let_in(1)
        assert not is_let_in(2)
        assert CallLog.objects.get(call_sid=fields(2)["CallSid"]).status == "overflow"

    def test_is_taken_by_a_call_that_another_process_holds(self) -> None:
        is_let_in(1)
        open_stream(1)

        assert not is_let_in(2)

    def test_stays_with_the_call_whose_webhook_is_repeated(self) -> None:
        assert [is_let_in(1), is_let_in(1)] == [True, True]

    def test_is_free_again_when_the_caller_hung_up_before_the_stream(self) -> None:
        is_let_in(1)
        post(STATUS, fields(1, CallStatus="canceled", SequenceNumber="1"))

        assert is_let_in(2)

    def test_is_free_again_when_the_stream_has_ended(self) -> None:
        is_let_in(1)
        call = open_stream(1)
        services.end_stream(call_id=call.id, reason="caller_left", now=timezone.now())

        assert is_let_in(2)

    def test_is_free_again_when_the_stream_never_came(self) -> None:
        is_let_in(1)
        CallLog.objects.update(stream_token_expires_at=timezone.now() - timedelta(seconds=1))

        assert is_let_in(2)

    def test_is_free_again_when_the_call_gives_no_sign_of_life(self) -> None:
        is_let_in(1)
        open_stream(1)
        CallLog.objects.update(heartbeat_at=timezone.now() - HEARTBEAT_LOST)

        assert is_let_in(2)


@pytest.mark.django_db
@pytest.mark.usefixtures("one_line")
class TestARefusedCaller:
    def test_is_offered_a_call_back(self) -> None:
        is_let_in(1)

        document = ElementTree.fromstring(post(VOICE, fields(2)).content)

        gather = document.find("Gather")
        assert gather is not None
        assert gather.attrib["action"] == "https://clinic.example" + CALL_BACK
        assert [verb.tag for verb in document] == ["Say", "Gather", "Say", "Hangup"]

    @pytest.mark.parametrize("number", ["anonymous", "+442079460000"])
    def test_is_offered_none_at_a_number_that_we_do_not_call(self, number: str) -> None:
        is_let_in(1)

        assert b"Gather" not in post(VOICE, {**fields(2), "From": number}).content

    def test_is_called_back_once_however_often_the_key_is_reported(self) -> None:
        is_let_in(1)
        is_let_in(2)

        answers = {post(CALL_BACK, fields(2, Digits="1")).content for _ in range(3)}

        assert len(answers) == 1
        assert b"will call you back" in answers.pop()
        assert StaffTask.objects.get().callback_number == "+12025550102"

    def test_is_promised_nothing_for_another_key(self) -> None:
        is_let_in(1)
        is_let_in(2)

        answer = post(CALL_BACK, fields(2, Digits="2"))

        assert b"call again" in answer.content
        assert not StaffTask.objects.exists()


@pytest.mark.django_db
class TestOneNumber:
    def test_counts_its_calls_whose_streams_are_to_come(self) -> None:
        answers = [
            b"<Stream" in post(VOICE, {**fields(number), "From": "+12025550150"}).content
            for number in (1, 2, 3)
        ]

        assert answers == [True, True, False]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("one_line")
class TestCallersAtOnce:
    def test_get_the_last_line_exactly_once(self) -> None:
        def call(number: int) -> bool:
            try:
                return is_let_in(number)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(call, range(8)))

        assert sorted(answers) == [False] * 7 + [True]
        assert CallLog.objects.filter(status="overflow").count() == 7
