"""Runs a session on an event loop: reads the loop's clock, and comes back when the session is due."""

import asyncio
from collections.abc import Callable, Iterable

from voice.standin.outputs import Output
from voice.standin.realtime import RealtimeSession


class Pump:
    """
    Drives one session; `carry_out` is called with each output, in order, and must not block.

    The clock is the loop's, so a loop whose time is virtual makes the session exact.
    """

    def __init__(self, session: RealtimeSession, carry_out: Callable[[Output], None]) -> None:
        self._session = session
        self._carry_out = carry_out
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def open(self) -> None:
        """Begin the session."""
        self._perform(self._session.open(self._now_ms()))

    def receive(self, frame: str | bytes) -> None:
        """Hand a frame of the client over."""
        if not self._stopped:
            self._perform(self._session.receive(frame, self._now_ms()))

    def stop(self) -> None:
        """Do nothing any more; the connection is gone."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        if not self._stopped:
            self._perform(self._session.tick(self._now_ms()))

    def _perform(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            self._carry_out(output)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline_ms = self._session.deadline_ms
        if deadline_ms is not None and not self._stopped:
            self._timer = self._loop.call_at(deadline_ms / 1000, self._tick)

    def _now_ms(self) -> float:
        return self._loop.time() * 1000
