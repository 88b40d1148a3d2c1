"""
The caller's phone line while a media stream is open: frames out by an absolute clock, audio in, the script between.

Times are milliseconds since the call was placed.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from voice.standin.clips import FRAME_BYTES, SILENCE
from voice.standin.media_stream import FRAME_MS, TwilioStream
from voice.standin.scenarios import Rival
from voice.standin.script import KEY_MS, CallerScript, HangUp, Interfere, Press, Speak
from voice.standin.timeline import Line
from voice.standin.transports import Socket, StreamClosed

LONGEST_CALL_S: Final = 1800.0
_STALL_MS: Final = (
    200.0  # a longer delay of ours shifts the clock: Twilio sends no bursts to catch up
)
_KEY_FRAMES: Final = KEY_MS // FRAME_MS - 1
_SILENT_FRAME: Final = SILENCE * FRAME_BYTES


@dataclass(frozen=True, slots=True)
class LineOptions:
    """Faults of the line: cut without a word after so long, or read slowly; 0 is none."""

    cut_after_ms: int = 0
    slow_reader_ms: int = 0


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """
    How a stream ended.

    `close_code` is the application's, 0 when the caller's side ended it. `unheard_ms` of audio was still buffered.
    `stalls` counts how often this process was too late for its own clock.
    """

    by_caller: bool
    close_code: int
    started_ms: float
    ended_ms: float
    unheard_ms: float
    clears_ms: tuple[float, ...]
    marks: int
    largest_lead_ms: float
    hiccups: int
    stalls: int
    stuck: str = ""


class StreamLine:
    """One stream from `connected` to its end."""

    def __init__(
        self,
        *,
        stream: TwilioStream,
        socket: Socket,
        script: CallerScript,
        began: float,
        options: LineOptions,
        interfere: Callable[[Rival], Awaitable[None]] | None,
    ) -> None:
        self.said: list[Line] = []
        self._stream = stream
        self._socket = socket
        self._script = script
        self._began = began
        self._options = options
        self._interfere = interfere
        self._sending = asyncio.Lock()  # sequence numbers leave in their order
        self._voice: deque[bytes] = deque()
        self._keys: deque[str] = deque()
        self._frames_to_next_key = 0
        self._close_code = 0
        self._by_caller = False
        self._stuck = ""
        self._stalls = 0
        self._rivals: set[asyncio.Task[None]] = set()

    async def hold(self) -> StreamEnd:
        """Hold the line until either side ends it."""
        started_ms = self._now_ms()
        reading = asyncio.create_task(self._read())
        try:
            await self._send(self._stream.opening())
            await self._speak_and_listen(reading)
        except StreamClosed as error:
            self._close_code = error.code
        finally:
            reading.cancel()
            await asyncio.wait({reading})
        if self._by_caller:
            await self._leave()
        for rival in self._rivals:
            await rival
        unheard_ms = self._stream.earpiece.stop(self._now_ms())
        ear = self._stream.earpiece
        return StreamEnd(
            by_caller=self._by_caller,
            close_code=self._close_code,
            started_ms=started_ms,
            ended_ms=self._now_ms(),
            unheard_ms=unheard_ms,
            clears_ms=tuple(ear.clears),
            marks=self._stream.marks_received,
            largest_lead_ms=ear.largest_lead_ms,
            hiccups=ear.hiccups,
            stalls=self._stalls,
            stuck=self._stuck,
        )

    async def _speak_and_listen(self, reading: "asyncio.Task[None]") -> None:
        """Send a frame every 20 ms of an absolute clock, and let the script act, until one side is done."""
        loop = asyncio.get_running_loop()
        due = opened = loop.time()
        while not reading.done():
            await self._send(self._stream.advance(self._now_ms()))
            self._act()
            if self._by_caller:
                return
            await self._send(self._next_messages())
            if loop.time() - opened > LONGEST_CALL_S:
                self._by_caller, self._stuck = True, "the call was never ended"
            if 0 < self._options.cut_after_ms <= (loop.time() - opened) * 1000:
                self._by_caller = True
            due += FRAME_MS / 1000
            late_ms = (loop.time() - due) * 1000
            if late_ms > _STALL_MS:
                due += late_ms / 1000
                self._stalls += 1
            await asyncio.sleep(max(0.0, due - loop.time()))
        reading.result()

    def _act(self) -> None:
        now_ms = self._now_ms()
        for action in self._script.tick(now_ms, self._stream.earpiece):
            match action:
                case Speak(text=text, audio=audio):
                    ends_ms = now_ms + len(audio) / FRAME_BYTES * FRAME_MS
                    self.said.append(Line("caller", now_ms, ends_ms, text))
                    for start in range(0, len(audio), FRAME_BYTES):
                        frame = audio[start : start + FRAME_BYTES]
                        self._voice.append(frame.ljust(FRAME_BYTES, SILENCE))
                case Press(keys=keys):
                    self.said.append(Line("caller", now_ms, now_ms, f"[keypad] {keys}"))
                    self._keys += keys
                case Interfere(rival=rival):
                    task = asyncio.create_task(self._let_rival_book(rival))
                    self._rivals.add(task)
                case HangUp(stuck=stuck):
                    self._by_caller, self._stuck = True, stuck

    async def _let_rival_book(self, rival: Rival) -> None:
        if self._interfere is not None:
            await self._interfere(rival)
        self._script.interfered()

    def _next_messages(self) -> list[str]:
        frame = self._voice.popleft() if self._voice else _SILENT_FRAME
        messages = [self._stream.frame(frame)]
        if self._frames_to_next_key:
            self._frames_to_next_key -= 1
        elif self._keys and not self._voice:
            messages.append(self._stream.key(self._keys.popleft()))
            self._frames_to_next_key = _KEY_FRAMES
        return messages

    async def _read(self) -> None:
        """Take what the application sends, until it closes the stream."""
        while True:
            data = await self._socket.receive()
            await self._send_marks(self._stream.receive(data, self._now_ms()))
            if self._options.slow_reader_ms:
                await asyncio.sleep(self._options.slow_reader_ms / 1000)

    async def _send_marks(self, marks: list[str]) -> None:
        if marks:
            await self._send(marks)

    async def _send(self, texts: list[str]) -> None:
        async with self._sending:
            for text in texts:
                await self._socket.send(text)

    async def _leave(self) -> None:
        """End the stream as the carrier does when the caller hangs up, or cut it."""
        if self._options.cut_after_ms:
            await self._socket.abort()
            return
        try:
            await self._send([self._stream.stop()])
        except StreamClosed:
            return
        await self._socket.close()

    def _now_ms(self) -> float:
        return (asyncio.get_running_loop().time() - self._began) * 1000
