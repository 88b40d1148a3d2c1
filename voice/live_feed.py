"""
Telling whoever watches that something happened in a call (security reference, R8, R9, S57).

What happened becomes a row of `LiveEvent` as soon as the fact is committed: ids only, in an order that all processes
share. The channel layer carries nothing but the wish to look there. Nothing here can fail a call: a row that cannot be
written is missed until the watcher looks at the whole again, and a layer that does not answer is left alone for a
while. It runs in the threads that write to the database, never on the loop that carries audio.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import DatabaseError, InterfaceError, transaction
from redis.exceptions import RedisError

from voice.locks import Counted, lock
from voice.models import LiveEvent

logger = logging.getLogger(__name__)
GROUP = "live"
"""Whoever watches is in it. What is sent there says nothing, so it needs no rights: those are asked at each look."""
HINT = {"type": "live.changed"}
HINT_SECONDS = 0.25
REST_SECONDS = 5.0
"""For how long a layer that did not answer is not asked again; watchers look by themselves meanwhile."""

_rests_until = 0.0


def publish(kind: LiveEvent.Kind, *, call_id: UUID, references: Sequence[str] = ("",)) -> None:
    """Tell watchers about a call, or about parts of it, once the surrounding transaction is committed."""
    events = [LiveEvent(kind=kind, call_id=call_id, reference=one) for one in references]
    transaction.on_commit(partial(publish_events, events), robust=True)


def publish_events(events: Sequence[LiveEvent]) -> bool:
    """
    Number and store events, then tell watchers; outside of any transaction. Return whether they were stored.

    Whoever numbers excludes the others until the commit, so no number appears below one that was read already.
    """
    try:
        with transaction.atomic():
            lock(Counted.LIVE_EVENTS)
            LiveEvent.objects.bulk_create(events)
    except (DatabaseError, InterfaceError):
        logger.warning("live.event.lost", exc_info=True)
        return False
    _hint()
    return True


def _hint() -> None:
    try:
        async_to_sync(_send)()
    except (TimeoutError, OSError, RedisError):
        logger.warning("live.layer.silent")


async def _send() -> None:
    global _rests_until  # of this process, as the layer's connection is
    loop, layer = asyncio.get_running_loop(), get_channel_layer()
    if loop.time() < _rests_until:
        return
    rested, _rests_until = _rests_until, loop.time() + REST_SECONDS
    async with asyncio.timeout(HINT_SECONDS):
        await layer.group_send(GROUP, HINT)
    _rests_until = rested
