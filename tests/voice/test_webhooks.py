"""Twilio's HTTP doors: S1, S2, S3, S5, S6, S8, S9, and how a call's state moves (R5, F11, F12)."""

import itertools
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.db import OperationalError, connections
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent
from carematix.logs import call_sid as logged_call_sid
from tests.voice.twilio_requests import CALL_SID, call_fields, post, post_signed_as, signature
from voice import services
from voice.exceptions import StreamRefused
from voice.models import CallLog, WebhookReceipt
from voice.urls import urlpatterns

VOICE, STATUS, AFTER = "/twilio/voice", "/twilio/voice/status", "/twilio/voice/after-stream"
ROUTES = [f"/twilio/{pattern.pattern}" for pattern in urlpatterns[:-1]] + ["/twilio/not/there"]


def stored_rows() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (CallLog, WebhookReceipt, AuditEvent))


def token_in(response: HttpResponse) -> str:
    parameter = ElementTree.fromstring(response.content).find("Connect/Stream/Parameter")
    assert parameter is not None
    return parameter.attrib["value"]


def verbs(response: HttpResponse) -> list[str]:
    return [element.tag for element in ElementTree.fromstring(response.content)]


@pytest.mark.django_db
class TestSignatureS1:
    @pytest.mark.parametrize("route", ROUTES)
    @pytest.mark.parametrize("signed", [None, "", "wrong", "other"])
    def test_refuses_every_route_without_a_right_signature(
        self, route: str, signed: str | None
    ) -> None:
        fields = call_fields()
        if signed == "other":
            signed = signature(route, fields, token="f" * 32)

        response = post_signed_as(route, fields, signed)

        assert (response.status_code, response.content) == (403, b"")
        assert stored_rows() == (0, 0, 0)

    @pytest.mark.parametrize("route", ROUTES[:-1])
    def test_serves_every_route_with_a_right_signature(self, route: str) -> None:
        assert post(route, call_fields()).status_code in {200, 204}

    def test_answers_404_to_a_signed_request_for_an_address_that_does_not_exist(self) -> None:
        assert post("/twilio/not/there", call_fields()).status_code == 404

    def test_refuses_everything_while_no_token_is_configured(self, settings: Settings) -> None:
        signed = signature(VOICE, call_fields())
        settings.TWILIO_AUTH_TOKEN = ""

        assert post_signed_as(VOICE, call_fields(), signed).status_code == 403


@pytest.mark.django_db
class TestSignedAddressS2:
    def test_is_not_taken_from_headers_of_the_sender(self) -> None:
        fields = call_fields()
        forged = signature(VOICE, fields, base="https://attacker.example")
        lies = dict.fromkeys(("Host", "X-Forwarded-Host", "X-Original-Host"), "attacker.example")

        response = post_signed_as(VOICE, fields, forged, **lies)

        assert response.status_code in {400, 403}
        assert stored_rows() == (0, 0, 0)

    def test_holds_behind_a_proxy_that_speaks_another_host_and_scheme(self) -> None:
        response = post(VOICE, call_fields(), **{"Host": "localhost", "X-Forwarded-Proto": "http"})

        assert response.status_code == 200

    def test_includes_the_query_as_it_was_sent(self) -> None:
        assert post(VOICE + "?a=b%20c&d=%27e%27", call_fields()).status_code == 200

    def test_covers_unknown_repeated_unicode_and_padded_fields(self) -> None:
        fields = QueryDict(mutable=True)
        fields.update(call_fields(FromCity="  Coamo ", NewField="São Tomé ☎"))
        fields.setlist("Twice", ["b", "a", "a"])
        body = fields.urlencode()
        headers = {"X-Twilio-Signature": signature(VOICE, fields)}

        response = Client().post(
            VOICE, body, content_type="application/x-www-form-urlencoded", headers=headers
        )

        assert response.status_code == 200

    def test_refuses_a_signed_get(self) -> None:
        signed = signature(VOICE, {})

        response = Client().get(VOICE, headers={"X-Twilio-Signature": signed})

        assert response.status_code == 405


@pytest.mark.django_db
class TestTokenRotationS3:
    def test_accepts_the_present_and_the_next_token(self, settings: Settings) -> None:
        settings.TWILIO_AUTH_TOKEN_NEXT = "n" * 32

        for token in (settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_NEXT):
            signed = signature(VOICE, call_fields(), token=token)
            assert post_signed_as(VOICE, call_fields(), signed).status_code == 200

    def test_refuses_a_token_that_was_removed(self, settings: Settings) -> None:
        removed = settings.TWILIO_AUTH_TOKEN
        settings.TWILIO_AUTH_TOKEN = "n" * 32

        signed = signature(VOICE, call_fields(), token=removed)

        assert post_signed_as(VOICE, call_fields(), signed).status_code == 403


@pytest.mark.django_db
class TestAnIncomingCall:
    def test_is_connected_to_our_stream_and_never_runs_off_the_end(self) -> None:
        response = post(VOICE, call_fields())

        document = ElementTree.fromstring(response.content)
        stream = document.find("Connect/Stream")
        assert stream is not None
        assert stream.attrib["url"] == "wss://clinic.example/ws/media-stream"
        assert verbs(response) == ["Connect", "Redirect"]
        assert document.findtext("Redirect") == "https://clinic.example" + AFTER
        assert response.headers["Content-Type"] == "text/xml; charset=utf-8"

    def test_carries_only_a_token_in_its_twiml_s8(self) -> None:
        response = post(VOICE, call_fields())

        parameters = ElementTree.fromstring(response.content).findall("Connect/Stream/Parameter")
        assert [parameter.attrib["name"] for parameter in parameters] == ["token"]
        assert b"2025550102" not in response.content

    def test_is_refused_for_a_number_that_is_not_ours_s9(self) -> None:
        response = post(VOICE, call_fields(To="+12025550155"))

        assert verbs(response) == ["Reject"]
        assert CallLog.objects.count() == 0

    def test_is_refused_for_an_account_that_is_not_ours_s9(self) -> None:
        response = post(VOICE, call_fields(AccountSid="AC" + "9" * 32))

        assert response.status_code == 403
        assert CallLog.objects.count() == 0

    def test_hears_a_polite_answer_when_the_lines_are_full(self, settings: Settings) -> None:
        settings.MAX_CONCURRENT_CALLS = 0

        response = post(VOICE, call_fields())

        assert verbs(response) == ["Say", "Gather", "Say", "Hangup"]
        assert CallLog.objects.get().status == "overflow"

    def test_leaves_no_trace_in_the_log_lines_of_the_next_request(self) -> None:
        post(VOICE, call_fields())

        assert logged_call_sid.get() == ""

    def test_hears_an_apology_and_the_staff_s_phone_when_the_database_is_down_f15(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.STAFF_TRANSFER_NUMBER = "+12025550150"

        def down(**_: object) -> None:
            raise OperationalError("the connection failed")

        monkeypatch.setattr(services, "receive_call", down)

        assert verbs(post(VOICE, call_fields())) == ["Say", "Say", "Dial"]


@pytest.mark.django_db
class TestARepeatedVoiceWebhookS5:
    def test_answers_the_same_twiml_and_stores_nothing_more(self) -> None:
        first = post(VOICE, call_fields())
        rows = stored_rows()

        repeats = [post(VOICE, call_fields()) for _ in range(5)]

        assert {repeat.content for repeat in repeats} == {first.content}
        assert stored_rows() == rows

    def test_mints_no_new_token_after_the_stream_was_opened_or_the_call_ended(self) -> None:
        token = token_in(post(VOICE, call_fields()))
        call = CallLog.objects.get()
        services.open_stream(
            call_sid=CALL_SID,
            account_sid=call.account_sid,
            stream_sid="MZ1",
            token=token,
            now=timezone.now(),
        )
        used_at = CallLog.objects.get().stream_token_used_at
        post(STATUS, call_fields(CallStatus="completed", SequenceNumber="4", CallDuration="9"))

        repeat = post(VOICE, call_fields())

        assert token_in(repeat) == token
        assert CallLog.objects.get().stream_token_used_at == used_at
        assert CallLog.objects.get().status == "completed"


@pytest.mark.django_db(transaction=True)
class TestParallelVoiceWebhooksF11:
    def test_make_one_call_and_one_token(self) -> None:
        def once(_: int) -> bytes:
            try:
                return bytes(post(VOICE, call_fields()).content)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(10) as pool:
            answers = set(pool.map(once, range(10)))

        assert len(answers) == 1
        assert CallLog.objects.count() == 1


@pytest.mark.django_db
class TestTheStreamTokenS6:
    def test_is_bound_to_its_call(self) -> None:
        token = token_in(post(VOICE, call_fields()))
        other = call_fields(CallSid="CA" + "8" * 32, From="+12025550103")
        post(VOICE, other)

        with pytest.raises(StreamRefused, match="wrong_token"):
            services.open_stream(
                call_sid=other["CallSid"],
                account_sid=other["AccountSid"],
                stream_sid="MZ1",
                token=token,
                now=timezone.now(),
            )

    def test_expires(self, settings: Settings) -> None:
        token = token_in(post(VOICE, call_fields()))
        late = timezone.now() + timedelta(seconds=settings.LIMIT_STREAM_TOKEN_SECONDS + 1)

        with pytest.raises(StreamRefused, match="expired"):
            services.open_stream(
                call_sid=CALL_SID,
                account_sid=settings.TWILIO_ACCOUNT_SID,
                stream_sid="MZ1",
                token=token,
                now=late,
            )

    def test_is_not_stored(self) -> None:
        token = token_in(post(VOICE, call_fields()))

        call = CallLog.objects.get()
        assert token not in {str(getattr(call, f.attname)) for f in CallLog._meta.fields}

    def test_survives_a_change_of_the_secret_key(self, settings: Settings) -> None:
        token = token_in(post(VOICE, call_fields()))
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-secret-key-that-is-long-enough-for-every-check"

        call = services.open_stream(
            call_sid=CALL_SID,
            account_sid=settings.TWILIO_ACCOUNT_SID,
            stream_sid="MZ1",
            token=token,
            now=timezone.now(),
        )

        assert call.status == "in_progress"


@pytest.mark.django_db
class TestAfterTheStream:
    @pytest.mark.parametrize(
        ("intent", "expected"),
        [("ended", ["Hangup"]), ("transfer", ["Dial"])],
    )
    def test_does_what_the_call_stored(
        self, intent: str, expected: list[str], settings: Settings
    ) -> None:
        settings.STAFF_TRANSFER_NUMBER = "+12025550150"
        post(VOICE, call_fields())
        services.store_intent(call_id=CallLog.objects.get().id, intent=intent)

        response = post(AFTER, call_fields(CallStatus="in-progress"))

        assert verbs(response) == expected

    def test_dials_staff_cold_and_shows_our_own_number(self, settings: Settings) -> None:
        settings.STAFF_TRANSFER_NUMBER = "+12025550150"
        post(VOICE, call_fields())
        services.store_intent(call_id=CallLog.objects.get().id, intent="transfer")

        dial = ElementTree.fromstring(post(AFTER, call_fields()).content).find("Dial")

        assert dial is not None
        assert dial.attrib["answerOnBridge"] == "true"
        assert dial.attrib["callerId"] == settings.TWILIO_PHONE_NUMBER
        assert dial.findtext("Number") == "+12025550150"
        assert dial.attrib["action"] == "https://clinic.example/twilio/voice/transfer/done"

    @pytest.mark.parametrize(
        ("bridged", "status", "expected"),
        [
            ("true", "completed", ["Hangup"]),
            ("false", "completed", ["Say", "Hangup"]),
            ("false", "no-answer", ["Say", "Hangup"]),
            ("", "completed", ["Hangup"]),
            ("", "busy", ["Say", "Hangup"]),
        ],
    )
    def test_says_after_a_transfer_whether_nobody_could_pick_up(
        self, bridged: str, status: str, expected: list[str]
    ) -> None:
        fields = call_fields(DialBridged=bridged, DialCallStatus=status)

        assert verbs(post("/twilio/voice/transfer/done", fields)) == expected

    def test_apologises_when_the_stream_broke(self) -> None:
        post(VOICE, call_fields())

        assert verbs(post(AFTER, call_fields())) == ["Say", "Gather", "Say", "Hangup"]


@pytest.mark.django_db
class TestStatusR5:
    REPORTS = (
        ("initiated", "0", ""),
        ("ringing", "1", ""),
        ("in-progress", "2", ""),
        ("completed", "3", "42"),
    )

    @pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3])
    def test_ends_the_same_in_any_order(self, order: tuple[int, ...]) -> None:
        post(VOICE, call_fields())

        for index in order:
            status, number, duration = self.REPORTS[index]
            post(
                STATUS, call_fields(CallStatus=status, SequenceNumber=number, CallDuration=duration)
            )

        call = CallLog.objects.get()
        assert (call.status, call.duration_s, call.sequence_number) == ("completed", 42, 3)
        assert call.outcome == "caller_left"

    def test_keeps_the_first_terminal_state_and_ignores_repeats_n11(self) -> None:
        post(VOICE, call_fields())
        reports = [("no-answer", "3")] + [("completed", "4"), ("ringing", "1")] * 30
        tail = reports[1:]
        random.Random(5).shuffle(tail)

        for status, number in [reports[0], *tail]:
            assert (
                post(STATUS, call_fields(CallStatus=status, SequenceNumber=number)).status_code
                == 204
            )

        assert CallLog.objects.get().status == "no_answer"
        assert WebhookReceipt.objects.count() == 3

    def test_stores_a_stub_for_a_call_that_is_not_known_f12(self) -> None:
        post(STATUS, call_fields(CallStatus="completed", SequenceNumber="3"))

        assert CallLog.objects.get().status == "completed"

    def test_lets_the_voice_webhook_complete_a_stub_that_is_not_over(self) -> None:
        post(STATUS, call_fields(CallStatus="ringing", SequenceNumber="1"))

        response = post(VOICE, call_fields())

        assert token_in(response)
        assert CallLog.objects.get().from_number == "+12025550102"

    def test_lets_a_stub_in_only_if_there_is_room(self, settings: Settings) -> None:
        settings.MAX_CONCURRENT_CALLS = 0
        post(STATUS, call_fields(CallStatus="ringing", SequenceNumber="1"))

        response = post(VOICE, call_fields())

        assert verbs(response) == ["Say", "Gather", "Say", "Hangup"]
        assert CallLog.objects.get().status == "overflow"
