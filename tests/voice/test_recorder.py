"""The record of a call, written behind it (R4)."""

import asyncio
from collections.abc import Callable
from threading import Event
from time import sleep
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError

from tests.calls.virtual_clock import run
from voice import services
from voice.models import CallLog, TranscriptEntry
from voice.protocol.commands import RecordLatency, RecordTurn, RecordUsage
from voice.recorder import Recorder, percentile

pytestmark = pytest.mark.django_db(transaction=True)


def make_call() -> CallLog:
    return CallLog.objects.create(call_sid="CA1", account_sid="AC1")


def turn(item_id: str, text: str, position: float = 1.0, **more: object) -> RecordTurn:
    return RecordTurn(
        item_id=item_id,
        previous_item_id="",
        position=position,
        speaker="caller",
        text=text,
        started_ms=100,
        **more,  # type: ignore[arg-type]  # each test gives the fields it is about
    )


def held(call: CallLog, act: Callable[[Recorder], None], seconds: float) -> Recorder:
    """Let a recorder run for some seconds of the virtual clock after `act`, and cancel it."""
    made: list[Recorder] = []

    async def scene() -> None:
        made.append(Recorder(call.pk))
        task = asyncio.create_task(made[0].run())
        act(made[0])
        await asyncio.sleep(seconds)
        task.cancel()

    run(scene())
    return made[0]


class TestRecorder:
    def test_stores_a_turn_within_a_second(self) -> None:
        call = make_call()

        held(call, lambda recorder: recorder.add(turn("item_1", "Hello")), 1.0)

        assert call.transcript.get().text == "Hello"

    def test_replaces_a_turn_of_which_more_is_known(self) -> None:
        call = make_call()

        held(call, lambda recorder: recorder.add(turn("item_1", "")), 1.0)
        held(call, lambda recorder: recorder.add(turn("item_1", "Hello", interrupted=True)), 1.0)

        entry = call.transcript.get()
        assert (entry.text, entry.interrupted) == ("Hello", True)

    def test_keeps_the_order_of_the_conversation_not_of_arrival(self) -> None:
        call = make_call()

        def late(recorder: Recorder) -> None:
            recorder.add(turn("item_2", "second", position=2.0))
            recorder.add(turn("item_1", "first", position=1.0))

        held(call, late, 1.0)

        texts = TranscriptEntry.objects.filter(call=call).values_list("text", flat=True)
        assert list(texts) == ["first", "second"]

    @pytest.mark.parametrize("failure", [DatabaseError, InterfaceError])
    def test_loses_nothing_while_the_database_refuses(
        self, failure: type[Exception], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        call = make_call()
        failures = iter([True, True, False])
        store = services.store_turns

        def sometimes(**values: Any) -> None:
            if next(failures, False):
                raise failure("down")
            store(**values)

        monkeypatch.setattr(services, "store_turns", sometimes)

        held(call, lambda recorder: recorder.add(turn("item_1", "Hello")), 3.0)

        assert call.transcript.get().text == "Hello"

    def test_beats_while_nobody_speaks_r6(self) -> None:
        call = make_call()

        held(call, lambda recorder: None, 11.0)

        call.refresh_from_db()
        assert call.heartbeat_at is not None

    def test_adds_up_usage_and_latency_and_writes_totals(self) -> None:
        call = make_call()

        def figures(recorder: Recorder) -> None:
            recorder.add(RecordLatency("greeting", 120))
            for ms in (900, 700, 800):
                recorder.add(RecordLatency("answer", ms))
            recorder.add(RecordUsage("response", None))

        held(call, figures, 1.0)

        call.refresh_from_db()
        assert (call.greeting_ms, call.answer_p50_ms, call.answer_p95_ms) == (120, 800, 900)
        assert call.usage["responses"] == 1
        assert call.cost_usd is None

    def test_writes_what_is_left_at_the_end(self) -> None:
        call = make_call()

        async def scene() -> None:
            recorder = Recorder(call.pk)
            recorder.add(turn("item_1", "Goodbye"))
            await recorder.finish()

        run(scene())

        assert call.transcript.get().text == "Goodbye"

    async def test_never_writes_an_older_row_over_a_newer_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        call = await sync_to_async(make_call)()
        store, storing = services.store_turns, Event()

        def slow_at_first(**values: Any) -> None:
            if not storing.is_set():
                storing.set()
                sleep(0.2)
            store(**values)

        monkeypatch.setattr(services, "store_turns", slow_at_first)
        recorder = Recorder(call.pk)
        recorder.add(turn("item_1", ""))
        running = asyncio.create_task(recorder.run())
        while not storing.is_set():  # noqa: ASYNC110 - it is set in a thread
            await asyncio.sleep(0.01)

        recorder.add(turn("item_1", "Goodbye"))
        await recorder.finish()
        await asyncio.sleep(0.3)
        running.cancel()

        assert (await call.transcript.aget()).text == "Goodbye"


class TestPercentile:
    @pytest.mark.parametrize(
        ("values", "percent", "expected"),
        [([], 50, None), ([7], 95, 7), ([1, 2, 3, 4], 50, 2), ([1, 2, 3, 4], 95, 4)],
    )
    def test_is_the_nearest_rank(
        self, values: list[int], percent: int, expected: int | None
    ) -> None:
        assert percentile(values, percent) == expected
