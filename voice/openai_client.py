"""
The OpenAI Realtime socket: open, send, iterate, close; it decides nothing.

With `ASSISTANT=standin` the built-in stand-in takes the place of the socket, in process and without a key. Both
look alike to the consumer (`RealtimeConnection`).
"""

import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from typing import Protocol

from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from voice.exceptions import ModelUnavailable
from voice.protocol.realtime import realtime_url
from voice.standin.server import connect_in_process

logger = logging.getLogger(__name__)
OPEN_SECONDS = 8
CLOSE_SECONDS = 2
PING_SECONDS = 20
MESSAGE_BYTES = 16 * 2**20  # conversation.item.retrieved carries audio
QUEUED_FRAMES = 256  # an answer arrives as a burst of deltas
STALLED_BYTES = (
    2 * 50 * 270
)  # two seconds of caller audio: more means that the far end does not read
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


class RealtimeConnection(Protocol):
    """What the consumer needs of a connection; iteration ends when it is closed, whoever closed it."""

    @property
    def close_code(self) -> int | None: ...

    async def send(self, text: str) -> None: ...

    async def send_audio(self, text: str) -> bool: ...

    def __aiter__(self) -> AsyncIterator[str | bytes]: ...

    async def close(self) -> None: ...


class RealtimeSocket:
    """A connection to a Realtime server; what is sent after the far end closed is dropped, iteration tells of it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    @property
    def close_code(self) -> int | None:
        return self._socket.close_code

    async def send(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            return

    async def send_audio(self, text: str) -> bool:
        """Send audio unless two seconds of it are waiting already; return whether it was sent."""
        if self._socket.transport.get_write_buffer_size() > STALLED_BYTES:
            return False
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            return False
        return True

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        try:
            async for frame in self._socket:
                yield frame
        except ConnectionClosed:
            return

    async def close(self) -> None:
        await self._socket.close()


async def open_realtime(*, caller: str) -> RealtimeConnection:
    """
    Open a session for a call; `caller` is the calling number, of which only a keyed hash leaves the house (S56).

    Raises:
        ModelUnavailable: unreachable or refused; `retry` is false where another try cannot help.
    """
    if settings.ASSISTANT == "standin":
        return await connect_in_process()
    url = realtime_url(settings.OPENAI_REALTIME_URL, settings.OPENAI_REALTIME_MODEL)
    try:
        socket = await connect(
            url,
            additional_headers=_headers(caller),
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            max_size=MESSAGE_BYTES,
            max_queue=QUEUED_FRAMES,
            compression=None,
            proxy=None,
        )
    except InvalidStatus as error:
        code = error.response.status_code
        raise ModelUnavailable(f"status_{code}", retry=code in RETRIED_STATUSES) from error
    except (InvalidURI, InvalidHandshake) as error:
        raise ModelUnavailable("handshake", retry=False) from error
    except (OSError, TimeoutError) as error:
        raise ModelUnavailable("unreachable", retry=True) from error
    return RealtimeSocket(socket)


def _headers(caller: str) -> dict[str, str]:
    headers = {"OpenAI-Safety-Identifier": _pseudonym(caller)}
    match settings.OPENAI_REALTIME_AUTH:
        case "bearer":
            headers["Authorization"] = f"Bearer {settings.OPENAI_API_KEY}"
        case "api-key":
            headers["api-key"] = settings.OPENAI_API_KEY
    return headers


def _pseudonym(caller: str) -> str:
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, b"voice.caller|" + caller.encode(), hashlib.sha256).hexdigest()
