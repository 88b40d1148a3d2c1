"""The virtual clock jumps over waiting, and stands still while a thread works."""

import asyncio
import time

import pytest

from tests.calls.virtual_clock import NothingCanHappenError, run
from voice.standin import virtual_clock


async def _elapsed_of_sleep(seconds: float) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.sleep(seconds)
    return loop.time() - began


class TestVirtualClock:
    def test_sleeps_an_hour_at_once(self) -> None:
        began = time.monotonic()

        assert run(_elapsed_of_sleep(3600)) == pytest.approx(3600)
        assert time.monotonic() - began < 5

    def test_keeps_the_order_of_timers(self) -> None:
        order: list[int] = []

        async def note(number: int) -> None:
            await asyncio.sleep(number)
            order.append(number)

        async def three() -> None:
            await asyncio.gather(note(3), note(1), note(2))

        run(three())

        assert order == [1, 2, 3]

    def test_stands_still_while_a_thread_works(self) -> None:
        async def work() -> float:
            loop = asyncio.get_running_loop()
            began = loop.time()
            async with asyncio.timeout(0.01):
                await asyncio.to_thread(time.sleep, 0.1)
            return loop.time() - began

        assert run(work()) == pytest.approx(0, abs=1e-5)

    def test_lets_timeouts_happen(self) -> None:
        async def wait() -> None:
            async with asyncio.timeout(10):
                await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            run(wait())

    def test_says_when_nothing_can_happen_any_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(virtual_clock, "_LONGEST_WAIT_S", 0.05)

        async def wait() -> None:
            await asyncio.Event().wait()

        with pytest.raises(NothingCanHappenError):
            run(wait())
