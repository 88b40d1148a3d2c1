"""
An event loop whose clock jumps, so that a call of minutes is held in a second.

`time()` advances to the next timer as soon as nothing is ready to run. While a job runs in a thread (a database
query), the clock stands still and the loop waits for the job: a slow disk never eats a deadline of the call.
Real sockets do not work with it; calls run in process.
"""

import asyncio
import contextvars
import selectors
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, cast

T = TypeVar("T")
_READING_S = 1e-8
_LONGEST_WAIT_S = 30.0  # a job that takes longer hangs


class NothingCanHappenError(RuntimeError):
    """Nothing is ready, no timer is set and no thread woke the loop: the loop would wait for ever."""


class _Timers(Protocol):
    """What the loop keeps of its timers; private to asyncio, unchanged since Python 3.4."""

    _scheduled: list[asyncio.TimerHandle]


class _JumpingSelector(selectors.DefaultSelector):
    """Asks the operating system without waiting, and lets the loop's clock jump over the wait instead."""

    def __init__(self, jump: Callable[[float | None], float]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        wait = self._jump(timeout)
        ready = super().select(wait)
        if wait and not ready:
            raise NothingCanHappenError("no timer is set, and no thread has answered")
        return ready


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """A selector loop with virtual time; it begins at 1,000 seconds."""

    def __init__(self) -> None:
        self._virtual_now = 1000.0
        self.jobs = 0  # work in threads; the clock does not jump meanwhile
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        """Return the virtual seconds; reading it takes a moment, as it does on a real clock."""
        self._virtual_now += _READING_S
        return self._virtual_now

    def run_in_executor(  # type: ignore[override]  # typeshed narrows the arguments with TypeVarTuple
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        self.jobs += 1
        try:
            future = super().run_in_executor(executor, func, *args)
        except BaseException:
            self.jobs -= 1
            raise
        future.add_done_callback(self._job_done)
        return future

    def _job_done(self, _future: asyncio.Future[Any]) -> None:
        self.jobs -= 1

    def _jump(self, timeout: float | None) -> float:
        """Return how long to wait in reality; without a job that could end, move the clock instead."""
        if self.jobs or timeout is None:
            return _LONGEST_WAIT_S
        scheduled = cast(_Timers, self)._scheduled
        due = min(handle.when() for handle in scheduled if not handle.cancelled())
        self._virtual_now = max(self._virtual_now, due)
        return 0


@contextmanager
def standing_still() -> Iterator[None]:
    """
    Keep a virtual clock from jumping inside this context; on another loop do nothing.

    It is for work that waits on threads which the loop was not asked for, as a request to Django does at its end.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualClockLoop):
        yield
        return
    loop.jobs += 1
    try:
        yield
    finally:
        loop.jobs -= 1


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a virtual clock, in a context of its own."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(coroutine, context=contextvars.copy_context())
