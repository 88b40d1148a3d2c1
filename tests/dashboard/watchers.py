"""Watchers of the live feed, and what they are told of."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from accounts import issued_keys
from accounts.models import ApiKey, User
from accounts.sign_in import clock
from carematix.asgi import application
from scheduling.models import Patient
from tests.dashboard.rows import make_call
from tests.factories import make_user
from voice.live_feed import publish
from voice.models import CallLog, LiveEvent, TranscriptEntry

P = ParamSpec("P")
T = TypeVar("T")
OURS = "https://testserver"
ASKED = "/api/v1/live-events/"


def beside(function: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Let a function that reads or writes the database run beside the loop."""
    beside_the_loop: Callable[P, Awaitable[T]] = database_sync_to_async(function)
    return beside_the_loop


@beside
def signed_in(role: str, **fields: Any) -> tuple[Client, User]:
    """Return somebody signed in, with both factors."""
    client, user = Client(), make_user(role=role, **fields)
    client.force_login(user)
    return client, user


@beside
def running_call(patient: Patient | None = None) -> CallLog:
    """Store a call that goes on."""
    call = make_call(patient) if patient else make_call()
    CallLog.objects.filter(pk=call.pk).update(status="in_progress", outcome="", ended_at=None)
    call.refresh_from_db()
    return call


@beside
def say(call: CallLog, text: str, item_id: str = "item_1") -> None:
    """Store a line and tell watchers."""
    TranscriptEntry.objects.create(
        call=call,
        item_id=item_id,
        position=1,
        speaker="caller",
        text=text,
        started_ms=0,
        ended_ms=9,
    )
    publish(LiveEvent.Kind.LINE, call_id=call.pk, references=[item_id])


@beside
def new_key(*scopes: str) -> tuple[ApiKey, str]:
    return issued_keys.create_key(name="Board", scopes=scopes, now=clock.now())


def socket_of(
    client: Client | None = None, *, origin: str = OURS, key: str = "", path: str = "/ws/live"
) -> WebsocketCommunicator:
    headers = [(b"host", b"testserver")]
    if client is not None:
        headers.append((b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode()))
    if origin:
        headers.append((b"origin", origin.encode()))
    if key:
        headers.append((b"authorization", f"Bearer {key}".encode()))
    return WebsocketCommunicator(application, path, headers=headers)


async def opened(socket: WebsocketCommunicator) -> dict[str, Any]:
    """Open a socket and return its snapshot."""
    accepted, _ = await socket.connect(timeout=5)
    assert accepted
    return await heard(socket)


async def heard(socket: WebsocketCommunicator) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await socket.receive_from(timeout=7))
    return found


async def close_code(socket: WebsocketCommunicator) -> int:
    while True:
        message = await socket.receive_output(timeout=7)
        if message["type"] == "websocket.close":
            return int(message["code"])
