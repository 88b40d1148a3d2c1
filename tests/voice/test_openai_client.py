"""The Realtime socket over the network: address, key, refusals, back-pressure."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pytest_django.fixtures import Settings
from websockets.asyncio.server import ServerConnection, serve

from tests.voice.standin.talk import FixedBrain
from voice import openai_client
from voice.exceptions import ModelUnavailable
from voice.openai_client import RealtimeSocket, open_realtime
from voice.standin.answers import Speak
from voice.standin.faults import Behaviour, Fault
from voice.standin.server import StandinServer

CALLER = "+12025550102"


@pytest.fixture(autouse=True)
def _over_the_network(settings: Settings) -> None:
    settings.ASSISTANT = "openai"
    settings.OPENAI_API_KEY = "sk-tests"


@asynccontextmanager
async def standin(settings: Settings, *faults: Fault) -> AsyncIterator[None]:
    """Serve the stand-in on a real socket and point the settings at it."""
    brain = FixedBrain([Speak("Hello")])
    server = StandinServer(
        brain=lambda: brain, behaviour=Behaviour(faults=faults), api_key="sk-tests"
    )
    async with server.listen() as address:
        settings.OPENAI_REALTIME_URL = address
        yield


@asynccontextmanager
async def listener(settings: Settings) -> AsyncIterator[list[ServerConnection]]:
    """Accept any socket, read nothing from it, and tell how it was asked for."""
    asked: list[ServerConnection] = []

    async def keep(connection: ServerConnection) -> None:
        asked.append(connection)
        await connection.wait_closed()

    async with serve(keep, "127.0.0.1", 0, max_queue=1, compression="deflate") as server:
        port = server.sockets[0].getsockname()[1]
        settings.OPENAI_REALTIME_URL = f"http://127.0.0.1:{port}/openai/v1"
        yield asked


class TestOpenRealtime:
    async def test_gets_a_session_with_the_right_key(self, settings: Settings) -> None:
        async with standin(settings):
            connection = await open_realtime(caller=CALLER)

            first = json.loads(await anext(aiter(connection)))

            assert first["type"] == "session.created"
            await connection.close()

    @pytest.mark.parametrize(
        ("style", "header", "value"),
        [
            ("bearer", "Authorization", "Bearer sk-tests"),
            ("api-key", "api-key", "sk-tests"),
            ("none", "Authorization", None),
        ],
    )
    async def test_shows_its_key_in_the_style_that_is_configured(
        self, style: str, header: str, value: str | None, settings: Settings
    ) -> None:
        settings.OPENAI_REALTIME_AUTH = style
        async with listener(settings) as asked:
            connection = await open_realtime(caller=CALLER)
            await connection.close()

        request = asked[0].request
        assert request is not None
        assert request.headers.get(header) == value

    async def test_asks_for_the_model_without_beta_header_compression_or_the_number_s56(
        self, settings: Settings
    ) -> None:
        async with listener(settings) as asked:
            connection = await open_realtime(caller=CALLER)
            await connection.close()

        request = asked[0].request
        assert request is not None
        assert request.path == "/openai/v1/realtime?model=gpt-realtime-2.1"
        assert "OpenAI-Beta" not in request.headers
        assert "Sec-WebSocket-Extensions" not in request.headers
        assert len(request.headers["OpenAI-Safety-Identifier"]) == 64
        assert "2025550102" not in str(request.headers)

    async def test_names_a_caller_by_a_keyed_hash_alone_s56(self, settings: Settings) -> None:
        async with listener(settings) as asked:
            for caller, key in (
                (CALLER, "one"),
                (CALLER, "one"),
                ("+12025550103", "one"),
                (CALLER, "two"),
            ):
                settings.SECRET_KEY = key
                await (await open_realtime(caller=caller)).close()

        requests = [connection.request for connection in asked]
        first, again, other, rekeyed = (
            request.headers["OpenAI-Safety-Identifier"] for request in requests if request
        )
        assert first == again
        assert len({first, other, rekeyed}) == 3

    @pytest.mark.parametrize(
        ("status", "retry"), [(401, False), (404, False), (429, True), (500, True), (503, True)]
    )
    async def test_says_whether_another_try_makes_sense(
        self, status: int, retry: bool, settings: Settings
    ) -> None:
        async with standin(settings, Fault("refuse_upgrade", status=status)):
            with pytest.raises(ModelUnavailable) as refused:
                await open_realtime(caller=CALLER)

        assert refused.value.reason == f"status_{status}"
        assert refused.value.retry is retry

    async def test_fails_when_nobody_listens(self, settings: Settings) -> None:
        settings.OPENAI_REALTIME_URL = "ws://127.0.0.1:9"

        with pytest.raises(ModelUnavailable, match="unreachable"):
            await open_realtime(caller=CALLER)

    async def test_fails_when_the_handshake_is_never_answered(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(openai_client, "OPEN_SECONDS", 0.1)
        silent = await asyncio.start_server(lambda _r, _w: asyncio.sleep(1), "127.0.0.1", 0)
        settings.OPENAI_REALTIME_URL = f"ws://127.0.0.1:{silent.sockets[0].getsockname()[1]}"

        with pytest.raises(ModelUnavailable, match="unreachable"):
            await open_realtime(caller=CALLER)

        silent.close()


class TestRealtimeSocket:
    async def test_ends_its_iteration_when_the_far_end_drops(self, settings: Settings) -> None:
        async with standin(settings, Fault("close", code=1011, delay_ms=10)):
            connection = await open_realtime(caller=CALLER)

            frames = [frame async for frame in connection]

        assert len(frames) == 1
        assert connection.close_code == 1011

    async def test_sends_nothing_after_the_end_and_does_not_fail(self, settings: Settings) -> None:
        async with standin(settings):
            connection = await open_realtime(caller=CALLER)
            await connection.close()

            await connection.send("{}")
            assert await connection.send_audio("{}") is False

    async def test_drops_audio_when_two_seconds_of_it_are_waiting_s71(
        self, settings: Settings
    ) -> None:
        async with listener(settings):
            connection = await open_realtime(caller=CALLER)
            assert isinstance(connection, RealtimeSocket)
            frame = json.dumps({"type": "input_audio_buffer.append", "audio": "A" * 216})

            async with asyncio.timeout(10):
                sent = 0
                while await asyncio.wait_for(connection.send_audio(frame), 5):
                    sent += 1

            assert sent > 100
            connection._socket.transport.abort()
