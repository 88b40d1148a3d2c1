"""
The record of one call, written behind it in batches: the audio path only ever appends to a list.

Every finished turn is in the database within a second (R4). A failed write is tried again with the next batch;
turns are replaced by their item id and figures are totals, so writing twice does no harm.
"""

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from voice import services
from voice.costs import Usage
from voice.protocol.commands import Record, RecordLatency, RecordTurn, RecordUsage
from voice.services import CallFigures
from voice.threads import in_record_thread

logger = logging.getLogger(__name__)
BATCH_SECONDS = 0.4
HEARTBEAT_SECONDS = 10.0
LAST_TRIES = 5


class Recorder:
    """Takes records at any moment; `run` writes them until `finish`."""

    def __init__(self, call_id: UUID) -> None:
        self.call_id = call_id
        self.malformed_frames = 0
        self._turns: dict[str, RecordTurn] = {}
        self._usage = Usage()
        self._greeting_ms: int | None = None
        self._answers: list[int] = []
        self._figures_changed = False
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()  # an older row must not be written over a newer one

    def add(self, record: Record) -> None:
        """Keep a record for the next batch."""
        match record:
            case RecordTurn():
                self._turns[record.item_id] = record
            case RecordUsage(kind="response"):
                self._usage.add_response(record.usage)
                self._figures_changed = True
            case RecordUsage():
                self._usage.add_transcription(record.usage)
                self._figures_changed = True
            case RecordLatency(kind="greeting"):
                self._greeting_ms = record.ms
                self._figures_changed = True
            case RecordLatency():
                self._answers.append(record.ms)
                self._figures_changed = True
        self._wake.set()

    async def run(self) -> None:
        """Write batches for ever; cancelled at the end of the call."""
        loop = asyncio.get_running_loop()
        beat_due = loop.time() + HEARTBEAT_SECONDS
        while True:
            try:
                async with asyncio.timeout_at(beat_due):
                    await self._wake.wait()
                    await asyncio.sleep(BATCH_SECONDS)
            except TimeoutError:
                self._figures_changed = True
            if loop.time() >= beat_due:
                beat_due = loop.time() + HEARTBEAT_SECONDS
                self._figures_changed = True
            self._wake.clear()
            await self._write()

    async def finish(self) -> None:
        """Write what is left, trying a few times."""
        self._figures_changed = True
        for attempt in range(LAST_TRIES):
            if await self._write():
                return
            if attempt < LAST_TRIES - 1:
                await asyncio.sleep(2**attempt)
        logger.error("voice.record.lost", extra={"count": len(self._turns)})

    async def _write(self) -> bool:
        async with self._writing:
            return await self._write_batch()

    async def _write_batch(self) -> bool:
        turns, self._turns = self._turns, {}
        figures_changed, self._figures_changed = self._figures_changed, False
        try:
            await in_record_thread(
                self._store, list(turns.values()), self._figures() if figures_changed else None
            )
        except (DatabaseError, InterfaceError):
            logger.warning("voice.record.delayed", exc_info=True)
            self._turns = turns | self._turns
            self._figures_changed = self._figures_changed or figures_changed
            self._wake.set()
            return False
        return True

    def _store(self, turns: Sequence[RecordTurn], figures: CallFigures | None) -> None:
        if turns:
            services.store_turns(call_id=self.call_id, turns=turns)
        if figures is not None:
            services.store_figures(call_id=self.call_id, figures=figures, now=timezone.now())

    def _figures(self) -> CallFigures:
        answers = sorted(self._answers)
        return CallFigures(
            usage=replace(self._usage),  # a thread reads it while more is added
            greeting_ms=self._greeting_ms,
            answer_p50_ms=percentile(answers, 50),
            answer_p95_ms=percentile(answers, 95),
            malformed_frames=self.malformed_frames,
        )


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """Return the nearest-rank percentile of an ordered list, or nothing for an empty one."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
