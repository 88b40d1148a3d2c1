"""The server's shutdown, over real processes and sockets."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys, uuid
from carematix import server
from voice import live_calls

async def application(scope, receive, send):
    if scope["type"] == "http":
        status = 200 if live_calls.has_room() else 503
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    call_id = uuid.uuid4()
    await receive()
    await send({"type": "websocket.accept"})
    live_calls.begin(call_id)
    try:
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
    finally:
        live_calls.end(call_id)

server.QUIET_SECONDS = 0.3
server.DRAIN_SECONDS = float(sys.argv[2])
server.serve(server.listen("127.0.0.1", int(sys.argv[1])), application)
"""


class Running:
    """A server process with the product's options and an application that counts its sockets as calls."""

    def __init__(self, drain_seconds: float) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.port), str(drain_seconds)],
            cwd=ROOT,
            env=dict(os.environ, DJANGO_SETTINGS_MODULE="carematix.settings"),
        )
        for _ in range(200):
            if self.status():
                return
            time.sleep(0.1)
        raise AssertionError("the server did not start")

    def status(self) -> int:
        """Return the answer's status, or 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def headers(self) -> dict[str, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}


@pytest.fixture
def start() -> Iterator[type[Running]]:
    running: list[Running] = []

    class Started(Running):
        def __init__(self, drain_seconds: float) -> None:
            running.append(self)
            super().__init__(drain_seconds)

    yield Started
    for server in running:
        server.process.kill()
        server.process.wait()


class TestDrain:
    async def test_r13_keeps_a_running_call_and_refuses_new_ones_until_it_is_over(
        self, start: type[Running]
    ) -> None:
        server = await asyncio.to_thread(start, 60)
        async with connect(f"ws://127.0.0.1:{server.port}/", compression=None) as call:
            server.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(1)

            await call.send("still there?")

            assert await asyncio.wait_for(call.recv(), 5) == "still there?"
            assert await asyncio.to_thread(server.status) == 503
            assert server.process.poll() is None
        assert await asyncio.to_thread(server.process.wait, 15) == 0

    async def test_r13_ends_at_the_limit_although_a_call_goes_on(
        self, start: type[Running]
    ) -> None:
        server = await asyncio.to_thread(start, 1)
        async with connect(f"ws://127.0.0.1:{server.port}/", compression=None) as call:
            server.process.send_signal(signal.SIGTERM)

            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(call.recv(), 15)

        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert await asyncio.to_thread(server.process.wait, 15) == 0

    def test_an_idle_server_ends_by_itself(self, start: type[Running]) -> None:
        server = start(60)

        server.process.send_signal(signal.SIGTERM)

        assert server.process.wait(15) == 0

    def test_workers_whose_supervisor_was_killed_end_by_themselves(self) -> None:
        port = free_port()
        address = f"http://127.0.0.1:{port}/health/live"
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "carematix.server"],
            cwd=ROOT,
            env=dict(os.environ, DEBUG="1", WORKERS="2", PORT=str(port)),
            stdout=subprocess.DEVNULL,
        )
        try:
            assert eventually(lambda: answers(address))

            supervisor.kill()
            supervisor.wait()

            assert eventually(lambda: not answers(address))
        finally:
            supervisor.kill()


def answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        return False
    return True


def eventually(holds: Callable[[], bool], seconds: float = 60) -> bool:
    """Ask until it holds; False if it does not in time."""
    give_up = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < give_up:
        time.sleep(0.2)
    return held


class TestOptions:
    def test_no_answer_names_the_server(self, start: type[Running]) -> None:
        assert "server" not in start(60).headers()

    async def test_s72_refuses_a_message_above_64_kib_with_1009(self, start: type[Running]) -> None:
        server = await asyncio.to_thread(start, 60)
        async with connect(f"ws://127.0.0.1:{server.port}/", compression=None) as call:
            await call.send("x" * 65_536)
            assert len(await asyncio.wait_for(call.recv(), 5)) == 65_536

            await call.send("x" * 65_537)

            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(call.recv(), 5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009

    async def test_s72_agrees_to_no_compression_on_media(self, start: type[Running]) -> None:
        server = await asyncio.to_thread(start, 60)
        async with connect(f"ws://127.0.0.1:{server.port}/", compression="deflate") as call:
            assert call.response is not None
            assert "Sec-WebSocket-Extensions" not in call.response.headers
