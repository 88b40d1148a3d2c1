"""The stream's door: S4, S5, S6, S7, S8 and S70, through the real ASGI application."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from time import sleep
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import DatabaseError
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent
from carematix.asgi import application
from tests.voice.media_streams import (
    CONNECTED,
    PATH,
    STOP,
    STREAM_SID,
    ModelDouble,
    media_frame,
    start_frame,
    stream,
    upgrade_signature,
)
from tests.voice.test_webhooks import STATUS, VOICE, token_in
from tests.voice.twilio_requests import call_fields, post
from voice import live_calls, services
from voice.call_in_progress import bridge_config
from voice.consumers import MediaStreamConsumer
from voice.exceptions import ModelUnavailable
from voice.models import CallLog
from voice.protocol.commands import Close

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ModelDouble]]:
    """The model connections that were opened, one double for each."""
    opened: list[ModelDouble] = []

    async def open_realtime(*, caller: str) -> ModelDouble:
        opened.append(ModelDouble())
        return opened[-1]

    monkeypatch.setattr("voice.call_in_progress.open_realtime", open_realtime)
    yield opened
    assert live_calls.running() == 0


async def ringing(**changes: str) -> str:
    """Let a call ring and return its token."""
    response = await sync_to_async(post)(VOICE, call_fields(**changes))
    return token_in(response)


async def opened_stream() -> WebsocketCommunicator:
    """Return an accepted socket."""
    socket = stream()
    accepted, _ = await socket.connect()
    assert accepted
    return socket


async def held_call() -> WebsocketCommunicator:
    """Return the stream of a call that is being held."""
    token = await ringing()
    socket = await opened_stream()
    await socket.send_to(text_data=CONNECTED)
    await socket.send_to(text_data=start_frame(token))
    return socket


async def close_code(socket: WebsocketCommunicator) -> int:
    """Return the code with which we close a socket, passing over what we send before."""
    while True:
        message = await socket.receive_output(5)
        if message["type"] == "websocket.close":
            return int(message["code"])


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the condition is the product's, it sets no event
            await asyncio.sleep(0.01)


async def finished(socket: WebsocketCommunicator) -> None:
    """Let the carrier end the stream and the consumer tidy up."""
    await socket.send_to(text_data=STOP)
    await socket.wait(timeout=8)


class TestUpgradeS4:
    @pytest.mark.parametrize("signed", [None, "", "wrong"])
    async def test_is_refused_before_accept_without_a_right_signature(
        self, signed: str | None, models: list[ModelDouble]
    ) -> None:
        accepted, _ = await stream(signed).connect()

        assert not accepted
        assert models == []

    @pytest.mark.parametrize(
        "url",
        [
            "https://clinic.example/ws/media-stream",
            "wss://attacker.example/ws/media-stream",
            "wss://clinic.example/ws/other",
        ],
    )
    async def test_is_refused_when_another_address_was_signed(self, url: str) -> None:
        accepted, _ = await stream(upgrade_signature(url)).connect()

        assert not accepted

    async def test_is_accepted_with_the_trailing_slash_in_the_signed_address(self) -> None:
        signed = upgrade_signature("wss://clinic.example/ws/media-stream/")
        socket = stream(signed)

        accepted, subprotocol = await socket.connect()

        assert accepted
        assert subprotocol is None
        await socket.disconnect()

    async def test_is_accepted_with_the_next_token_s3(self, settings: Settings) -> None:
        settings.TWILIO_AUTH_TOKEN_NEXT = "n" * 32
        socket = stream(upgrade_signature(token="n" * 32))

        accepted, _ = await socket.connect()

        assert accepted
        await socket.disconnect()

    async def test_is_refused_for_a_browser(self) -> None:
        accepted, _ = await stream(origin="https://clinic.example").connect()

        assert not accepted

    async def test_is_counted_before_the_socket_is_accepted(self, settings: Settings) -> None:
        settings.LIMIT_STREAMS_WITHOUT_START = 1
        slow = asyncio.Event()

        async def accepting_slowly(scope: Any, receive: Any, send: Any) -> None:
            async def send_late(message: Any) -> None:
                await slow.wait()
                await send(message)

            await application(scope, receive, send_late)

        headers = [(b"x-twilio-signature", upgrade_signature().encode())]
        first = WebsocketCommunicator(accepting_slowly, PATH, headers=headers)
        await first.send_input({"type": "websocket.connect"})
        await until(lambda: MediaStreamConsumer.waiting_for_start == 1)

        accepted, _ = await stream().connect()

        assert not accepted
        slow.set()
        assert (await first.receive_output(5))["type"] == "websocket.accept"
        await first.disconnect()

    async def test_is_refused_while_too_many_sockets_are_undecided(
        self, settings: Settings
    ) -> None:
        settings.LIMIT_STREAMS_WITHOUT_START = 1
        first = await opened_stream()

        accepted, _ = await stream().connect()

        assert not accepted
        await first.disconnect()


class TestStartS7:
    async def test_must_come_in_time(
        self, models: list[ModelDouble], monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        settings.LIMIT_STREAM_START_SECONDS = 0.05
        socket = await opened_stream()
        await socket.send_to(text_data=CONNECTED)

        assert await close_code(socket) == 1008
        assert models == []

    async def test_must_come_before_audio(self, models: list[ModelDouble]) -> None:
        await ringing()
        socket = await opened_stream()
        await socket.send_to(text_data=media_frame())

        assert await close_code(socket) == 1008
        assert models == []
        assert (await CallLog.objects.aget()).stream_token_used_at is None

    async def test_costs_no_more_than_a_few_malformed_frames(self) -> None:
        socket = await opened_stream()
        for _ in range(11):
            await socket.send_to(text_data="{")

        assert await close_code(socket) == 1008

    async def test_opens_one_model_connection_and_marks_the_call(
        self, models: list[ModelDouble]
    ) -> None:
        socket = await held_call()
        await until(lambda: models)

        call = await CallLog.objects.aget()
        assert call.status == "in_progress"
        assert len(models) == 1
        await finished(socket)


class TestTokenS6:
    async def test_of_another_call_is_refused_and_stays_unused(
        self, models: list[ModelDouble]
    ) -> None:
        token = await ringing()
        await ringing(CallSid="CA" + "7" * 32, From="+12025550103")
        socket = await opened_stream()

        await socket.send_to(text_data=start_frame(token, callSid="CA" + "7" * 32))

        assert await close_code(socket) == 1008
        assert models == []
        assert await CallLog.objects.filter(stream_token_used_at=None).acount() == 2

    async def test_of_another_account_is_refused(self, models: list[ModelDouble]) -> None:
        token = await ringing()
        socket = await opened_stream()

        await socket.send_to(text_data=start_frame(token, accountSid="AC" + "9" * 32))

        assert await close_code(socket) == 1008
        assert models == []

    @pytest.mark.parametrize("token", ["", "0" * 64, "x" * 499])
    async def test_must_be_right(self, token: str, models: list[ModelDouble]) -> None:
        await ringing()
        socket = await opened_stream()

        await socket.send_to(text_data=start_frame(token))

        assert await close_code(socket) == 1008
        assert models == []

    async def test_is_consumed_by_the_first_stream(self, models: list[ModelDouble]) -> None:
        token = await ringing()
        first = await opened_stream()
        await first.send_to(text_data=start_frame(token))
        await until(lambda: models)
        second = await opened_stream()

        await second.send_to(text_data=start_frame(token))

        assert await close_code(second) == 1008
        assert len(models) == 1
        await finished(first)

    async def test_is_won_by_exactly_one_of_twenty_parallel_streams(
        self, models: list[ModelDouble], settings: Settings
    ) -> None:
        settings.LIMIT_STREAMS_WITHOUT_START = 50
        token = await ringing()
        sockets = [await opened_stream() for _ in range(20)]

        await asyncio.gather(*(s.send_to(text_data=start_frame(token)) for s in sockets))
        await until(lambda: live_calls.running() == 1)
        outputs = await asyncio.gather(*(s.receive_output(10) for s in sockets))

        refused = [message for message in outputs if message["type"] == "websocket.close"]
        assert [message["code"] for message in refused] == [1008] * 19
        winner = next(
            socket
            for socket, message in zip(sockets, outputs, strict=True)
            if message["type"] != "websocket.close"
        )
        await finished(winner)
        assert len(models) == 1

    async def test_opens_nothing_after_the_call_is_over_s5(self, models: list[ModelDouble]) -> None:
        token = await ringing()
        ended = call_fields(CallStatus="completed", SequenceNumber="4")
        await sync_to_async(post)(STATUS, ended)
        socket = await opened_stream()

        await socket.send_to(text_data=start_frame(token))

        assert await close_code(socket) == 1008
        assert models == []

    async def test_is_in_no_log_line(
        self, models: list[ModelDouble], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        token = await ringing()
        socket = await opened_stream()
        await socket.send_to(text_data=start_frame(token))
        await until(lambda: models)
        await finished(socket)

        lines = [str(record.__dict__) for record in caplog.records if record.name != "asyncio"]
        assert lines
        assert not [line for line in lines if token in line]


class TestCustomParametersS8:
    async def test_are_not_believed_and_are_audited(self, models: list[ModelDouble]) -> None:
        token = await ringing()
        socket = await opened_stream()
        lies = {"token": token, "patient": "Maria Lopez", "call_id": "1"}
        await socket.send_to(text_data=start_frame(token, customParameters=lies))
        await until(lambda: models)
        await finished(socket)

        assert (await CallLog.objects.aget()).patient_id is None
        assert await AuditEvent.objects.filter(action="call.anomaly").acount() == 1


class TestMalformedFramesS70:
    async def test_do_not_end_a_healthy_call(self, models: list[ModelDouble]) -> None:
        socket = await held_call()
        await until(lambda: models)

        for frame in (" ", "[]", "{", '{"event":"dance"}', '{"event":"media"}', "[" * 9_000):
            await socket.send_to(text_data=frame)
        await socket.send_to(bytes_data=b"\x00\x01")
        await socket.send_to(text_data=media_frame().replace(STREAM_SID, "MZ" + "9" * 32))
        await finished(socket)

        call = await CallLog.objects.aget()
        assert call.malformed_frames == 8
        assert call.ended_reason == "caller_left"

    async def test_end_the_call_with_a_stated_code_when_they_do_not_stop(
        self, models: list[ModelDouble]
    ) -> None:
        socket = await held_call()
        await until(lambda: models)

        for _ in range(11):
            await socket.send_to(text_data='{"event":"dance"}')

        assert await close_code(socket) == 1008
        await socket.wait(timeout=8)
        assert (await CallLog.objects.aget()).ended_reason == "media_malformed"

    async def test_close_the_socket_when_one_is_too_big(self, models: list[ModelDouble]) -> None:
        socket = await held_call()
        await until(lambda: models)

        await socket.send_to(text_data=media_frame("A" * 70_000))

        assert await close_code(socket) == 1009
        await socket.wait(timeout=8)
        assert (await CallLog.objects.aget()).ended_reason == "frame_too_large"

    async def test_from_the_model_are_ignored(
        self, models: list[ModelDouble], caplog: pytest.LogCaptureFixture
    ) -> None:
        socket = await held_call()
        await until(lambda: models)

        for frame in ("", "null", "[1]", b"\xff\xfe", '{"type":5}', "{" * 50):
            models[0].emits_raw(frame)
        models[0].emits({"type": "never.heard.of"}, {"type": "session.created", "session": {}})
        await until(lambda: "session.update" in models[0].types())
        await finished(socket)

        assert (await CallLog.objects.aget()).ended_reason == "caller_left"
        assert not [record for record in caplog.records if record.exc_info]


class TestTheEndOfACall:
    async def test_of_a_lost_model_is_stated_and_leaves_no_intent(
        self, models: list[ModelDouble]
    ) -> None:
        socket = await held_call()
        await until(lambda: models)
        pcmu = {"format": {"type": "audio/pcmu"}}
        models[0].emits(
            {"type": "session.created", "session": {}},
            {"type": "session.updated", "session": {"audio": {"input": pcmu, "output": pcmu}}},
        )

        models[0].drops(1011)

        assert await close_code(socket) == 1011
        await socket.wait(timeout=8)
        call = await CallLog.objects.aget()
        assert (call.ended_reason, call.intent, call.outcome) == ("model_lost", "", "failed")

    async def test_closes_the_model_and_stores_the_outcome(self, models: list[ModelDouble]) -> None:
        socket = await held_call()
        await until(lambda: models)

        await finished(socket)

        call = await CallLog.objects.aget()
        assert models[0].closed
        assert call.outcome == "caller_left"
        assert call.ended_at is not None
        assert await AuditEvent.objects.filter(action="call.ended").acount() == 1

    async def test_by_a_crash_of_a_task_closes_the_line(
        self, models: list[ModelDouble], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        socket = await held_call()
        await until(lambda: models)

        def broken(*_: object) -> None:
            raise KeyError("a bug")

        monkeypatch.setattr("voice.call_in_progress.Bridge.receive_openai", broken)
        models[0].emits({"type": "session.created", "session": {}})

        assert await close_code(socket) == 1011
        await socket.wait(timeout=8)
        assert (await CallLog.objects.aget()).ended_reason == "crashed"

    async def test_has_its_own_reason_when_storing_the_intent_takes_longer_than_a_frame(
        self, models: list[ModelDouble], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, storing = services.store_intent, Event()

        def slow_store(**values: Any) -> None:
            storing.set()
            sleep(0.1)
            store(**values)

        monkeypatch.setattr(services, "store_intent", slow_store)
        monkeypatch.setattr(
            "voice.call_in_progress.Bridge.openai_garbage",
            lambda *_: [Close(1000, "silent", "ended")],
        )
        socket = await held_call()
        await until(lambda: models)

        models[0].emits_raw("garbage")
        await until(storing.is_set)
        await socket.send_to(text_data=media_frame())

        assert await close_code(socket) == 1000
        await socket.wait(timeout=8)
        call = await CallLog.objects.aget()
        assert (call.ended_reason, call.intent, call.outcome) == ("silent", "ended", "silent")

    async def test_comes_when_the_model_accepts_us_and_says_nothing(
        self, models: list[ModelDouble], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("voice.call_setup.recorded_greeting", lambda text: None)
        monkeypatch.setattr(
            "voice.call_in_progress.bridge_config",
            lambda setup: replace(bridge_config(setup), session_timeout_ms=50),
        )
        socket = await held_call()

        assert await close_code(socket) == 1011
        await socket.wait(timeout=8)
        assert (await CallLog.objects.aget()).ended_reason == "model_unavailable"

    async def test_comes_after_the_greeting_when_no_model_can_be_had(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refuse(*, caller: str) -> ModelDouble:
            raise ModelUnavailable("status_401", retry=False)

        monkeypatch.setattr("voice.call_in_progress.open_realtime", refuse)
        monkeypatch.setattr("voice.call_setup.recorded_greeting", lambda text: bytes(8_000))
        socket = await held_call()

        mark: dict[str, Any] = {}
        while mark.get("event") != "mark":
            mark = await socket.receive_json_from(timeout=5)
        await socket.send_json_to(mark)

        assert await close_code(socket) in {1000, 1011}
        await socket.wait(timeout=8)
        call = await CallLog.objects.aget()
        assert (call.ended_reason, call.intent) == ("model_unavailable", "")

    async def test_leaves_no_traceback_when_the_line_is_gone_already(
        self,
        models: list[ModelDouble],
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("voice.call_setup.recorded_greeting", lambda text: None)
        gone = Event()

        async def losing(scope: Any, receive: Any, send: Any) -> None:
            async def send_or_fail(message: Any) -> None:
                if gone.is_set():
                    raise RuntimeError("Unexpected ASGI message, after sending 'websocket.close'.")
                await send(message)

            await application(scope, receive, send_or_fail)

        token = await ringing()
        headers = [(b"x-twilio-signature", upgrade_signature().encode())]
        socket = WebsocketCommunicator(losing, PATH, headers=headers)
        await socket.connect()
        await socket.send_to(text_data=start_frame(token))
        await until(lambda: models)
        gone.set()

        models[0].drops(1011)
        await socket.wait(timeout=8)

        assert (await CallLog.objects.aget()).ended_reason == "model_unavailable"
        assert not [record for record in caplog.records if record.exc_info]

    async def test_says_so_when_the_server_stopped(self, models: list[ModelDouble]) -> None:
        socket = await held_call()
        await until(lambda: models)

        socket.future.cancel()

        await socket.wait(timeout=8)
        call = await CallLog.objects.aget()
        assert (call.ended_reason, call.outcome) == ("server_stopped", "failed")

    async def test_frees_the_line_even_if_it_cannot_be_stored(
        self, models: list[ModelDouble], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(**_: object) -> None:
            raise DatabaseError("down")

        monkeypatch.setattr(services, "end_stream", refuse)
        socket = await held_call()
        await until(lambda: models)

        with pytest.raises(DatabaseError):
            await finished(socket)

        assert live_calls.running() == 0

    async def test_is_stated_when_the_call_cannot_be_looked_up(
        self, models: list[ModelDouble], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(**_: object) -> None:
            raise DatabaseError("down")

        monkeypatch.setattr(services, "open_stream", refuse)
        socket = await held_call()

        assert await close_code(socket) == 1011
        assert models == []
