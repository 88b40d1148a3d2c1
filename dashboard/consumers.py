"""The live feed: who watches is told what goes on in calls, as it happens (docs/live-feed.md)."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from channels.db import database_sync_to_async
from channels.exceptions import ChannelFull
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.db import DatabaseError, InterfaceError
from redis.exceptions import RedisError

from accounts.sign_in import clock
from dashboard.live_access import EntryRefused, FeedClosed, Watcher, admitted
from dashboard.live_messages import Look, Message, Shown, news, snapshot
from voice.live_feed import GROUP

logger = logging.getLogger(__name__)
T = TypeVar("T")
SOCKETS_EACH = 5
"""Of one session or key in one process."""
LOOK_SECONDS = 0.8
"""The longest time between two looks at the database, and so between two checks of the rights: within 1 s (S28)."""
JOIN_SECONDS = 5.0
"""How often the layer is told again who listens, and asked whether it is back."""
GATHER_SECONDS = 0.1
LAYER_SECONDS = 2.0
SEND_SECONDS = 10.0
MOST_BYTES = 256
MALFORMED, INTERNAL_ERROR, TOO_SLOW, TOO_BIG = 4400, 1011, 4408, 1009
LAYER_FAULTS = (TimeoutError, OSError, RedisError, ChannelFull)
_reads = ThreadPoolExecutor(4, thread_name_prefix="live-feed")


class LiveFeedConsumer(AsyncWebsocketConsumer):
    """
    One watcher. The database says what happened; the channel layer only says when to look, and may fail.

    No `channel_layer`: with one, a stop of Redis would cut the socket (security reference, section 13, F19). A watcher
    that reads slowly is not written to faster, for the next look waits until the last message has gone.
    """

    channel_layer_alias = None
    open_sockets: ClassVar[Counter[str]] = Counter()

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        self.watcher: Watcher | None = None
        self.work: asyncio.Task[None] | None = None
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.end()

    async def connect(self) -> None:
        """Let in who may watch; a refused handshake is answered 403."""
        try:
            watcher = await in_thread(lambda: admitted(self.scope, now=clock.now()))
        except EntryRefused:
            await self.close()
            return
        except (DatabaseError, InterfaceError):
            logger.exception("live.not_opened")
            await self.close()
            return
        if self.open_sockets[watcher.name] >= SOCKETS_EACH:
            await self.close()
            return
        self.watcher = watcher
        self.open_sockets[watcher.name] += 1
        await self.accept()
        self.work = asyncio.create_task(self.feed(watcher))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer a ping; nothing else is expected of a watcher."""
        if len(text_data or bytes_data or b"") > MOST_BYTES:
            await self.close(code=TOO_BIG)
            return
        try:
            message = json.loads(text_data or "")
        except (ValueError, RecursionError):
            message = None
        if message != {"type": "ping"}:
            await self.close(code=MALFORMED)
            return
        await self.tell({"type": "pong"})

    async def feed(self, watcher: Watcher) -> None:
        """Tell what goes on, then what happens, until the socket closes or has to."""
        hints = Hints()
        listening = asyncio.create_task(hints.listen())
        try:
            await self.tell_everything(watcher, hints)
        except FeedClosed as closed:
            await self.close(code=closed.code)
        except TimeoutError:
            await self.close(code=TOO_SLOW)
        except (DatabaseError, InterfaceError):
            logger.exception("live.broken")
            await self.close(code=INTERNAL_ERROR)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def tell_everything(self, watcher: Watcher, hints: "Hints") -> None:
        """
        Look and tell for ever.

        Raises:
            FeedClosed: the watcher may not watch any more.
            TimeoutError: the watcher does not take what it is told.
        """
        shown = Shown()
        look = await in_thread(lambda: first_look(watcher, shown))
        await self.tell(*look.messages)
        cursor = last = look.cursor
        degraded = False
        while True:
            if not look.more:
                await hints.wait()
            if hints.silent != degraded:
                degraded = hints.silent
                await self.tell({"type": "degraded" if degraded else "recovered"})
            look = await in_thread(next_look, watcher, shown, cursor, last)
            await self.tell(*look.messages)
            cursor = look.cursor
            last = look.messages[-1]["seq"] if look.messages else last

    async def tell(self, *messages: Message) -> None:
        """
        Send messages.

        Raises:
            TimeoutError: the watcher takes none.
        """
        for message in messages:
            async with asyncio.timeout(SEND_SECONDS):
                await self.send(text_data=json.dumps(message))

    async def end(self) -> None:
        """Tidy up, however the socket ended."""
        if self.work is not None:
            self.work.cancel()
            with suppress(asyncio.CancelledError):
                await self.work
        if self.watcher is not None:
            self.open_sockets[self.watcher.name] -= 1
            if not self.open_sockets[self.watcher.name]:
                del self.open_sockets[self.watcher.name]
            self.watcher = None


class Hints:
    """Hears from the channel layer when to look; while it is silent it is time every second."""

    def __init__(self) -> None:
        self.silent = False
        self._come = asyncio.Event()

    async def wait(self) -> None:
        """Wait for the next hint, but not for long; hints that come close together are one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._come.wait()
                await asyncio.sleep(GATHER_SECONDS)
        self._come.clear()

    async def listen(self) -> None:
        """Take hints for ever, coming back to a layer that failed."""
        while True:
            try:
                await self._listen()
            except LAYER_FAULTS:
                self._turn(silent=True)
                await asyncio.sleep(JOIN_SECONDS)

    async def _listen(self) -> None:
        layer: Any = get_channel_layer()
        channel = await layer.new_channel()
        joined = asyncio.create_task(self._stay(layer, channel))
        heard = asyncio.create_task(self._hear(layer, channel))
        try:
            done, _ = await asyncio.wait({joined, heard}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (joined, heard):
                task.cancel()
            await asyncio.gather(joined, heard, return_exceptions=True)
            with suppress(*LAYER_FAULTS):
                async with asyncio.timeout(LAYER_SECONDS):
                    await layer.group_discard(GROUP, channel)

    async def _stay(self, layer: Any, channel: str) -> None:
        """Join again and again: a layer that lost its keys has forgotten who listens (F19)."""
        while True:
            async with asyncio.timeout(LAYER_SECONDS):
                await layer.group_add(GROUP, channel)
            self._turn(silent=False)
            await asyncio.sleep(JOIN_SECONDS)

    async def _hear(self, layer: Any, channel: str) -> None:
        while True:
            await layer.receive(channel)
            self._come.set()

    def _turn(self, *, silent: bool) -> None:
        if self.silent != silent:
            self.silent = silent
            self._come.set()


def first_look(watcher: Watcher, shown: Shown) -> Look:
    """Return what goes on, if the watcher may still see anything."""
    viewer = watcher.viewer(now=clock.now())
    return snapshot(viewer=viewer, origin=watcher.origin, shown=shown)


def next_look(watcher: Watcher, shown: Shown, cursor: int, last: int) -> Look:
    """Return what happened since, if the watcher may still see anything."""
    viewer = watcher.viewer(now=clock.now())
    return news(viewer=viewer, origin=watcher.origin, shown=shown, after=cursor, last=last)


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Read beside the event loop, in threads that calls and pages do not use."""
    job = database_sync_to_async(function, thread_sensitive=False, executor=_reads)
    result: T = await job(*args)
    return result
