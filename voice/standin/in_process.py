"""
The stand-in without a network: the same session behind an object that is used like a `websockets` connection.

It lives on the running event loop's clock, so it is exact on a virtual one.
"""

import asyncio
from collections import deque
from typing import Final, Self

from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close

from voice.standin.outputs import CloseSocket, DropSocket, Output, SendText, StallSocket
from voice.standin.pump import Pump
from voice.standin.realtime import RealtimeSession

_CLEAN_CODES: Final = (1000, 1001)
_STALLED_BYTES: Final = 256 * 1024  # what the buffers of a real connection would still take


class InProcessConnection:
    """
    The client's end, to be made inside a running loop.

    `send` raises `websockets.exceptions.ConnectionClosed` once the connection is closed, and waits until then when the
    server has stalled. Iteration ends at a clean close (1000, 1001) and raises `ConnectionClosedError` at any other,
    as that library does.
    """

    def __init__(self, session: RealtimeSession) -> None:
        self._frames: deque[str] = deque()
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()
        self._close: Close | None = None
        self._by_client = False
        self._stalled = False
        self._stalled_bytes = 0
        self._pump = Pump(session, self._carry_out)
        self._pump.open()

    @property
    def close_code(self) -> int | None:
        """The closing code, 1006 after a cut, or none while the connection is open."""
        if not self._closed.is_set():
            return None
        return self._close.code if self._close is not None else 1006

    @property
    def close_reason(self) -> str:
        """The reason of the closing frame, or an empty text."""
        return self._close.reason if self._close is not None else ""

    async def send(self, text: str | bytes) -> None:
        """Hand a frame to the session."""
        if self._stalled:
            self._stalled_bytes += len(text)
            if self._stalled_bytes > _STALLED_BYTES:
                await self._closed.wait()
        if self._closed.is_set():
            raise self._closed_error()
        if not self._stalled:
            self._pump.receive(text)
        await asyncio.sleep(0)  # as a real send, it lets other tasks run

    async def recv(self) -> str:
        """Return the next frame, or raise `ConnectionClosed` after the last one."""
        while not self._frames:
            if self._closed.is_set():
                raise self._closed_error()
            self._changed.clear()
            await self._changed.wait()
        return self._frames.popleft()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close from the client's side; the second time does nothing."""
        if not self._closed.is_set():
            self._by_client = True
            self._end(Close(code, reason))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        try:
            return await self.recv()
        except ConnectionClosedOK as error:
            raise StopAsyncIteration from error

    def _carry_out(self, output: Output) -> None:
        match output:
            case SendText(text=text):
                self._frames.append(text)
                self._changed.set()
            case CloseSocket(code=code, reason=reason):
                self._end(Close(code, reason))
            case DropSocket():
                self._end(None)
            case StallSocket():
                self._stalled = True

    def _end(self, close: Close | None) -> None:
        self._close = close
        self._pump.stop()
        self._closed.set()
        self._changed.set()

    def _closed_error(self) -> ConnectionClosed:
        close = self._close
        if close is None:
            return ConnectionClosedError(None, None)
        kind = ConnectionClosedOK if close.code in _CLEAN_CODES else ConnectionClosedError
        return kind(close, close, not self._by_client)  # each side answers the other's frame
