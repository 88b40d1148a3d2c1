"""
The stand-in without a network: the same session behind an object that is used like a connection.

It lives on the running event loop's clock, so it is exact on a virtual one.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final, Self

from voice.standin.outputs import CloseSocket, DropSocket, Output, SendText, StallSocket
from voice.standin.pump import Pump
from voice.standin.realtime import RealtimeSession

_CUT: Final = 1006  # what a client sees when no closing frame came
_BUFFERED_BYTES: Final = 256 * 1024  # what the buffers of a real connection still take from us
_AUDIO_BYTES: Final = 2 * 50 * 270  # two seconds of caller audio


@dataclass(frozen=True, slots=True)
class _End:
    code: int
    reason: str


class InProcessConnection:
    """
    The client's end, to be made inside a running loop.

    Iteration ends when the connection is closed, whoever closed it, and `close_code` says how. What is sent after that
    is dropped.
    """

    def __init__(self, session: RealtimeSession) -> None:
        self._frames: deque[str] = deque()
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._end: _End | None = None
        self._stalled = False
        self._unread_bytes = 0
        self._pump = Pump(session, self._carry_out)
        self._pump.open()

    @property
    def close_code(self) -> int | None:
        """The closing code, 1006 after a cut, or none while the connection is open."""
        return self._end.code if self._end is not None else None

    @property
    def close_reason(self) -> str:
        """The reason of the closing frame, or an empty text."""
        return self._end.reason if self._end is not None else ""

    async def send(self, text: str) -> None:
        """Hand a frame to the session; if the server has stalled and its buffers are full, wait for the end."""
        if self._stalled:
            self._unread_bytes += len(text)
            if self._unread_bytes > _BUFFERED_BYTES:
                await self._ended.wait()
        else:
            self._pump.receive(text)
        await asyncio.sleep(0)  # as a real send, it lets other tasks run

    async def send_audio(self, text: str) -> bool:
        """Send audio unless two seconds of it are unread already; return whether it was sent."""
        if self._unread_bytes > _AUDIO_BYTES:
            return False
        await self.send(text)
        return True

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close from the client's side; the second time does nothing."""
        self._finish(code, reason)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not self._frames:
            if self._end is not None:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._frames.popleft()

    def _carry_out(self, output: Output) -> None:
        match output:
            case SendText(text=text):
                self._frames.append(text)
                self._changed.set()
            case CloseSocket(code=code, reason=reason):
                self._finish(code, reason)
            case DropSocket():
                self._finish(_CUT, "")
            case StallSocket():
                self._stalled = True

    def _finish(self, code: int, reason: str) -> None:
        if self._end is None:
            self._end = _End(code, reason)
            self._pump.stop()
            self._ended.set()
            self._changed.set()
