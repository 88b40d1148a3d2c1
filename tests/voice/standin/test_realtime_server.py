"""The stand-in as a server on a real socket, and in process."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from tests.voice.standin.talk import LOUD_FRAME, PHONE, PLAIN, FixedBrain, encoded
from voice.standin.answers import Speak
from voice.standin.faults import Behaviour, Fault
from voice.standin.server import StandinServer, connect_in_process

BEARER = {"Authorization": "Bearer sk-test"}
CONFIGURE = json.dumps({"type": "session.update", "session": {"type": "realtime", "audio": PHONE}})
CREATE = json.dumps({"type": "response.create"})


def server(behaviour: Behaviour = PLAIN, api_key: str = "sk-test") -> StandinServer:
    brain = FixedBrain([Speak("Hello")])
    return StandinServer(brain=lambda: brain, behaviour=behaviour, api_key=api_key)


def connecting(
    url: str, headers: Mapping[str, str] = BEARER, query: str = "?model=gpt-realtime-2.1"
) -> Any:
    return connect(
        f"{url}{query}", additional_headers=headers, compression=None, proxy=None, open_timeout=5
    )


async def next_event(connection: ClientConnection) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(await asyncio.wait_for(connection.recv(), 5))
    return event


async def until(connection: ClientConnection, event_type: str) -> dict[str, Any]:
    while (event := await next_event(connection))["type"] != event_type:
        pass
    return event


class TestConnecting:
    """The checks of openai-realtime, section 12: always upgrade, then refuse."""

    @pytest.mark.parametrize(
        ("headers", "query", "code", "close_code", "reason"),
        [
            (
                {"OpenAI-Beta": "realtime=v1"},
                "",
                "beta_api_shape_disabled",
                4000,
                "invalid_request_error.beta_api_shape_disabled",
            ),
            ({}, "", None, 3000, "invalid_request_error"),
            (
                {"Authorization": "Bearer wrong"},
                "",
                "invalid_api_key",
                3000,
                "invalid_request_error.invalid_api_key",
            ),
            (BEARER, "", "missing_model", 4000, "invalid_request_error.missing_model"),
            (
                BEARER,
                "?model=gpt-live-1",
                "invalid_model",
                4000,
                "invalid_request_error.invalid_model",
            ),
        ],
    )
    async def test_is_refused_with_an_error_and_a_closing_code(
        self,
        headers: dict[str, str],
        query: str,
        code: str | None,
        close_code: int,
        reason: str,
    ) -> None:
        async with server().listen() as url, connecting(url, headers, query) as connection:
            event = await next_event(connection)
            with pytest.raises(ConnectionClosedError):
                await next_event(connection)

            assert (event["type"], event["error"]["code"]) == ("error", code)
            assert (connection.close_code, connection.close_reason) == (close_code, reason)

    async def test_gets_a_session_and_an_answer(self) -> None:
        async with server().listen() as url, connecting(url) as connection:
            assert (await next_event(connection))["type"] == "session.created"
            await connection.send(b"\x00")
            assert (await next_event(connection))["error"]["code"] == "invalid_event"
            await connection.send(CONFIGURE)
            await until(connection, "session.updated")
            await connection.send(CREATE)
            done = await until(connection, "response.done")

        assert done["response"]["status"] == "completed"

    async def test_accepts_azures_header(self) -> None:
        async with server().listen() as url, connecting(url, {"api-key": "sk-test"}) as connection:
            assert (await next_event(connection))["type"] == "session.created"

    async def test_knows_one_path_only(self) -> None:
        async with server().listen() as url:
            with pytest.raises(InvalidStatus) as refused:
                await connecting(url.replace("/v1/realtime", "/v1/live"))

        assert refused.value.response.status_code == 404

    @pytest.mark.parametrize(
        ("fault", "status"), [("unauthorised", 401), ("throttled", 429), ("unavailable", 500)]
    )
    async def test_can_be_refused_at_the_upgrade(self, fault: str, status: int) -> None:
        """F1."""
        async with server(PLAIN.with_faults(fault)).listen() as url:
            with pytest.raises(InvalidStatus) as refused:
                await connecting(url)

        assert refused.value.response.status_code == status

    async def test_gives_each_connection_a_session_of_its_own(self) -> None:
        async with (
            server().listen() as url,
            connecting(url) as first,
            connecting(url) as second,
        ):
            sessions = [(await next_event(each))["session"]["id"] for each in (first, second)]

        assert sessions[0] != sessions[1]


class TestFaultsOnTheSocket:
    async def test_a_drop_has_no_closing_frame(self) -> None:
        """F3."""
        async with (
            server(PLAIN.with_faults("dropped")).listen() as url,
            connecting(url) as connection,
        ):
            await connection.send(CREATE)
            with pytest.raises(ConnectionClosedError) as closed:
                await until(connection, "response.done")

        assert closed.value.rcvd is None

    async def test_an_expiry_looks_like_a_clean_end(self) -> None:
        """F8."""
        async with (
            server(PLAIN.with_faults("expired")).listen() as url,
            connecting(url) as connection,
        ):
            await connection.send(CREATE)
            async for _ in connection:
                pass

            assert connection.close_code == 1001
            assert connection.close_reason.startswith("Your session hit the maximum duration")

    async def test_a_stalled_server_reads_no_more(self) -> None:
        """F3."""
        stalled = Behaviour(oddity=0, faults=(Fault("stall"),))
        async with server(stalled).listen() as url, connecting(url) as connection:
            await next_event(connection)
            await connection.send(CONFIGURE)

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(connection.recv(), 0.1)
            connection.transport.abort()
            with pytest.raises(ConnectionClosed):
                await connection.recv()


class TestInProcess:
    async def test_is_the_same_session_without_a_network(self) -> None:
        connection = await connect_in_process(brain=FixedBrain([Speak("Hi")]), behaviour=PLAIN)
        await connection.send(CONFIGURE)
        await connection.send(CREATE)

        seen = []
        async for frame in connection:
            seen.append(json.loads(frame)["type"])
            if seen[-1] == "response.done":
                await connection.close()

        assert seen[:3] == ["session.created", "session.updated", "response.created"]
        assert connection.close_code == 1000

    async def test_ends_when_the_server_closes_and_takes_nothing_more(self) -> None:
        behaviour = Behaviour(oddity=0, faults=(Fault("close", code=1011, reason="Oops"),))
        connection = await connect_in_process(brain=FixedBrain(), behaviour=behaviour)

        frames = [json.loads(frame)["type"] async for frame in connection]
        await connection.send(CREATE)

        assert frames == ["session.created"]
        assert (connection.close_code, connection.close_reason) == (1011, "Oops")

    async def test_is_cut_without_a_closing_frame(self) -> None:
        behaviour = Behaviour(oddity=0, faults=(Fault("drop"),))
        connection = await connect_in_process(brain=FixedBrain(), behaviour=behaviour)

        assert len([frame async for frame in connection]) == 1
        assert connection.close_code == 1006

    async def test_refuses_audio_once_a_stalled_server_holds_two_seconds_of_it(self) -> None:
        behaviour = Behaviour(oddity=0, faults=(Fault("stall"),))
        connection = await connect_in_process(brain=FixedBrain(), behaviour=behaviour)
        await asyncio.sleep(0.01)
        frame = json.dumps({"type": "input_audio_buffer.append", "audio": encoded(LOUD_FRAME)})

        sent = [await connection.send_audio(frame) for _ in range(200)]
        await connection.close()

        assert sent[:90] == [True] * 90
        assert sent[-1] is False

    async def test_lets_a_waiting_sender_go_when_it_ends(self) -> None:
        behaviour = Behaviour(oddity=0, faults=(Fault("stall"),))
        connection = await connect_in_process(brain=FixedBrain(), behaviour=behaviour)
        await asyncio.sleep(0.01)

        sender = asyncio.create_task(connection.send("x" * 300_000))
        await asyncio.sleep(0.01)
        assert not sender.done()
        await connection.close()

        await asyncio.wait_for(sender, 1)
