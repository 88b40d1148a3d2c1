"""
Two ways from the simulated carrier to the application: over sockets, and straight into an ASGI application.

Both speak to the same public doors. The carrier signs the public address; a transport knows where that is reached.
"""

import asyncio
import contextvars
import http.client
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlencode, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from voice.standin.virtual_clock import standing_still

ANSWER_SECONDS: Final = 15.0  # a voice webhook's hard ceiling
HANDSHAKE_SECONDS: Final = 10.0
_ENDING_SECONDS: Final = 20.0
Scope = MutableMapping[str, Any]
Application = Callable[
    [
        Scope,
        Callable[[], Awaitable[dict[str, Any]]],
        Callable[[dict[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
Fields = Sequence[tuple[str, str]]


class Unreachable(ConnectionError):
    """No answer in time, or no connection at all."""


class HandshakeRefused(ConnectionError):
    """The upgrade was answered with something else than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the upgrade was answered with {status}")
        self.status = status


class StreamClosed(ConnectionError):
    """The application closed the stream."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with."""

    status: int
    content_type: str
    body: bytes


class Socket(Protocol):
    """An open media stream."""

    async def send(self, text: str) -> None:
        """Send a text frame, or raise `StreamClosed`."""

    async def receive(self) -> str | bytes:
        """Return the next frame, or raise `StreamClosed`."""

    async def close(self) -> None:
        """Close properly (1000)."""

    async def abort(self) -> None:
        """Cut the connection without a word."""


class Transport(Protocol):
    """How requests and streams reach the application."""

    async def post(self, url: str, fields: Fields, headers: Mapping[str, str]) -> Answer:
        """Post a form to a public address, or raise `Unreachable`."""

    async def open_stream(self, url: str, headers: Mapping[str, str]) -> Socket:
        """Upgrade a public `wss` address, or raise `HandshakeRefused` or `Unreachable`."""


class NetworkTransport:
    """Real HTTP and WebSocket; `reached_at` is where the public address is served, by default there."""

    def __init__(self, reached_at: str = "") -> None:
        self._reached_at = urlsplit(reached_at) if reached_at else None

    async def post(self, url: str, fields: Fields, headers: Mapping[str, str]) -> Answer:
        return await asyncio.to_thread(self._post, url, fields, headers)

    async def open_stream(self, url: str, headers: Mapping[str, str]) -> Socket:
        place = urlsplit(url)
        at = self._reached_at
        if at is not None:
            place = place._replace(scheme="wss" if at.scheme == "https" else "ws", netloc=at.netloc)
        try:
            connection = await connect(
                place.geturl(),
                additional_headers=headers,
                compression=None,
                proxy=None,
                open_timeout=HANDSHAKE_SECONDS,
                max_size=2**20,
                max_queue=None,
            )
        except InvalidStatus as error:
            raise HandshakeRefused(error.response.status_code) from error
        except (OSError, TimeoutError) as error:
            raise Unreachable(str(error)) from error
        return _NetworkSocket(connection)

    def _post(self, url: str, fields: Fields, headers: Mapping[str, str]) -> Answer:
        place = self._reached_at or urlsplit(url)
        secure = place.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(place.netloc, timeout=ANSWER_SECONDS)
        asked = urlsplit(url)
        target = asked.path + (f"?{asked.query}" if asked.query else "")
        try:
            connection.request("POST", target, urlencode(fields), {**_FORM, **headers})
            response = connection.getresponse()
            return Answer(
                response.status, response.headers.get("Content-Type", ""), response.read()
            )
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(str(error)) from error
        finally:
            connection.close()


class _NetworkSocket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise StreamClosed(_code(error)) from error

    async def receive(self) -> str | bytes:
        try:
            return await self._connection.recv()
        except ConnectionClosed as error:
            raise StreamClosed(_code(error)) from error

    async def close(self) -> None:
        await self._connection.close()

    async def abort(self) -> None:
        self._connection.transport.abort()
        await self._connection.wait_closed()


class InProcessTransport:
    """Direct calls of an ASGI application, without a network, on the running loop's clock."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def post(self, url: str, fields: Fields, headers: Mapping[str, str]) -> Answer:
        body = urlencode(fields).encode("ascii")
        scope = _scope("http", url, {**_FORM, **headers, "Content-Length": str(len(body))})
        scope.update(method="POST", http_version="1.1")
        requests: list[dict[str, Any]] = [
            {"type": "http.request", "body": body, "more_body": False}
        ]
        sent: list[dict[str, Any]] = []
        answered = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if requests:
                return requests.pop()
            await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        try:
            with standing_still():
                async with asyncio.timeout(ANSWER_SECONDS):
                    await _in_own_context(self._application(scope, receive, send))
        except TimeoutError as error:
            raise Unreachable("no answer in time") from error
        start = next(message for message in sent if message["type"] == "http.response.start")
        kinds = [value for name, value in start["headers"] if name.lower() == b"content-type"]
        return Answer(
            start["status"],
            kinds[0].decode("latin-1") if kinds else "",
            b"".join(message.get("body", b"") for message in sent),
        )

    async def open_stream(self, url: str, headers: Mapping[str, str]) -> Socket:
        socket = _InProcessSocket(self._application, _scope("websocket", url, headers))
        await socket.handshake()
        return socket


class _InProcessSocket:
    def __init__(self, application: Application, scope: Scope) -> None:
        self._to_application: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_application: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._close_code: int | None = None
        self._to_application.put_nowait({"type": "websocket.connect"})
        self._task = _in_own_context(
            application({**scope, "subprotocols": []}, self._to_application.get, self._sent)
        )

    async def handshake(self) -> None:
        message = await self._next(HANDSHAKE_SECONDS)
        if message["type"] == "websocket.accept":
            if message.get("subprotocol"):
                raise HandshakeRefused(101)  # a subprotocol that nobody offered
            return
        await self._finish()
        raise HandshakeRefused(403 if message["type"] == "websocket.close" else 500)

    async def send(self, text: str) -> None:
        if self._close_code is not None:
            raise StreamClosed(self._close_code)
        self._to_application.put_nowait({"type": "websocket.receive", "text": text})
        await asyncio.sleep(0)

    async def receive(self) -> str | bytes:
        message = await self._next(None)
        if message["type"] != "websocket.send":
            self._close_code = message.get("code", 1000)
            self._to_application.put_nowait(
                {"type": "websocket.disconnect", "code": self._close_code}
            )
            await self._finish()
            raise StreamClosed(self._close_code)
        text = message.get("text")
        return text if text is not None else bytes(message["bytes"])

    async def close(self) -> None:
        await self._leave(1000)

    async def abort(self) -> None:
        await self._leave(1006)

    async def _leave(self, code: int) -> None:
        if self._close_code is None:
            self._close_code = code
            self._to_application.put_nowait({"type": "websocket.disconnect", "code": code})
        await self._finish()

    async def _sent(self, message: dict[str, Any]) -> None:
        self._from_application.put_nowait(message)

    async def _next(self, seconds: float | None) -> dict[str, Any]:
        """Return the application's next message; its end or its crash is a close (1011)."""
        getting = asyncio.ensure_future(self._from_application.get())
        try:
            await asyncio.wait(
                {getting, self._task}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if getting.done():
                return getting.result()
            if not self._from_application.empty():
                return self._from_application.get_nowait()
            if self._task.done():
                return {"type": "ended", "code": 1011}
            raise Unreachable("no answer in time")
        finally:
            getting.cancel()

    async def _finish(self) -> None:
        """Let the application end, and let its exceptions be seen."""
        async with asyncio.timeout(_ENDING_SECONDS):
            await self._task


_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


def _code(error: ConnectionClosed) -> int:
    return error.rcvd.code if error.rcvd is not None else 1006


def _scope(kind: str, url: str, headers: Mapping[str, str]) -> Scope:
    place = urlsplit(url)
    named = {"Host": place.netloc, **headers}
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "scheme": place.scheme,
        "path": unquote(place.path),
        "raw_path": place.path.encode("ascii"),
        "query_string": place.query.encode("ascii"),
        "root_path": "",
        "headers": [
            (name.lower().encode("ascii"), value.encode("latin-1")) for name, value in named.items()
        ],
        "client": ("127.0.0.1", 40000),
        "server": (place.hostname, place.port or 443),
    }


def _in_own_context(awaitable: Awaitable[None]) -> "asyncio.Task[None]":
    """Run a request as a server does: no context variable of the caller leaks in, none leaks out."""

    async def request() -> None:
        await awaitable

    return asyncio.create_task(request(), context=contextvars.copy_context())
