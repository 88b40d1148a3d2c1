"""A whole call through the public doors, as somebody sees it who watches (R9)."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client

from carematix.asgi import application
from tests.calls.conftest import clinic  # noqa: F401 - a fixture
from tests.calls.virtual_clock import run
from tests.factories import make_user
from voice import conversations
from voice.standin.caller import CallRecord
from voice.standin.scenario_files import scenarios


class Watching:
    """A scheduler who watches while a call is held."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.client = Client()
        self.client.force_login(make_user(role="scheduler"))

    def run(self, call: Coroutine[Any, Any, CallRecord]) -> CallRecord:
        return run(self.watched(call))

    async def watched(self, call: Coroutine[Any, Any, CallRecord]) -> CallRecord:
        cookie = f"sessionid={self.client.cookies['sessionid'].value}"
        headers = [(b"cookie", cookie.encode()), (b"origin", b"https://testserver")]
        socket = WebsocketCommunicator(application, "/ws/live", headers=headers)
        accepted, _ = await socket.connect(timeout=5)
        assert accepted
        hearing = asyncio.create_task(self.hear(socket))
        record = await call
        async with asyncio.timeout(60):
            await hearing
        await socket.disconnect()
        return record

    async def hear(self, socket: WebsocketCommunicator) -> None:
        """Take what has a number until the call is over."""
        while not self.messages or self.messages[-1]["type"] != "call.ended":
            message = json.loads(await socket.receive_from(timeout=600))
            if (
                "seq" in message
            ):  # on the virtual clock a real Redis seems silent: time leaps ahead of it
                self.messages.append(message)


class TestAWatchedCall:
    @pytest.mark.usefixtures("clinic")
    def test_is_told_from_ring_to_hang_up_r9(self) -> None:
        watching = Watching()

        held = conversations.converse(scenarios()["BK1"], runner=watching.run)

        assert not held.wrong
        snapshot, *told = watching.messages
        types = [one["type"] for one in told]
        assert snapshot["calls"] == []
        assert (types[0], types[-1]) == ("call.started", "call.ended")
        assert {"call.updated", "line", "tool_call"} <= set(types)
        assert told[-1]["call"]["outcome"] == "booked"
        assert [one["after"] for one in told] == [one["seq"] for one in watching.messages[:-1]]
        assert all(one["after"] < one["seq"] for one in told)
