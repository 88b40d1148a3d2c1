"""
A phone call that is being held: carries out what the bridge decides, and decides nothing itself.

Twilio's frames and the model's events go into `voice.protocol.bridge.Bridge`; the commands that come back are done
here. Nothing slow runs between two frames: tools and the model's socket are tasks, the database has threads, the
record is written in batches.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.utils import timezone

from voice import live_calls, services
from voice.call_setup import CallSetup, prepare_call
from voice.database_helper import VoiceAgentDatabaseHelper
from voice.exceptions import ModelUnavailable
from voice.media_frames import INTERNAL_ERROR, StreamOver, frame_text, parsed_frame
from voice.models import CallLog
from voice.openai_client import RealtimeConnection, open_realtime
from voice.protocol import realtime, twilio
from voice.protocol.bridge import Bridge, BridgeConfig
from voice.protocol.commands import (
    Close,
    Command,
    Log,
    RecordLatency,
    RecordTurn,
    RecordUsage,
    RunTool,
    SendToOpenAI,
    SendToTwilio,
)
from voice.recorder import Recorder
from voice.threads import in_record_thread

logger = logging.getLogger(__name__)
NO_SOCKET = 1006  # a connection that ended without a closing frame, or never was
MODEL_TRIES = 2
MODEL_RETRY_SECONDS = 1.0
SETTLE_SECONDS = 3.0
TIMER_MARGIN_MS = 0.1  # rounding must not wake the bridge an instant before its time


class CallInProgress:
    """A call that is being held: its bridge, its sockets, its tasks, and the tidying when it is over."""

    def __init__(self, start: twilio.Start, call: CallLog, receive: Any, send: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.twilio_start = start
        self.call = call
        self.receive = receive
        self.send = send
        self.helper = VoiceAgentDatabaseHelper(call.id)
        self.recorder = Recorder(call.id)
        self.openai: RealtimeConnection | None = None
        self.bridge: Bridge
        self.main: asyncio.Task[Any] | None = None
        self.listening = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.answers: set[asyncio.Task[None]] = set()
        self.progress = asyncio.Event()
        self.order = asyncio.Lock()
        self.timer: asyncio.TimerHandle | None = None
        self.timer_ms: float | None = None
        self.ending = False
        self.over: StreamOver | None = None

    @property
    def now_ms(self) -> float:
        return self.loop.time() * 1000

    async def hold(self) -> None:
        """Hold the call to its end; whatever happens, it is tidied up and its end is stored."""
        self.main = asyncio.current_task()
        live_calls.begin(self.call.id)
        logger.info("voice.call.started")
        reason = "crashed"
        try:
            setup = await in_record_thread(prepare_call, self.call.id)
            self.bridge = Bridge(bridge_config(setup))
            await self.perform(self.bridge.start(self.twilio_start, self.now_ms))
            self.arm_timer()
            self.spawn(self.talk_to_model())
            self.spawn(self.recorder.run())
            self.listening = True
            await self.listen_to_twilio()
            reason = "caller_left"
        except StreamOver as over:
            reason = await self.close_twilio(over)
        except asyncio.CancelledError:
            if self.over is None:
                reason = "server_stopped"
                raise
            reason = await self.close_twilio(self.over)
        except Exception:  # the outermost layer of a call: no line stays open and silent (F28)
            logger.exception("voice.call.crashed")
            await self.close_twilio(StreamOver(INTERNAL_ERROR, reason))
        finally:
            self.listening = False
            await asyncio.shield(self.tidy_up(reason))

    async def listen_to_twilio(self) -> None:
        """Feed the bridge with Twilio's frames until Twilio leaves."""
        receive, bridge, loop = self.receive, self.bridge, self.loop
        while self.over is None:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            parsed: twilio.Message | None = None
            try:
                parsed = parsed_frame(frame_text(message))
            except twilio.MediaStreamError as error:
                commands = bridge.twilio_malformed(error.code, loop.time() * 1000)
            else:
                if isinstance(parsed, twilio.Stop):
                    return
                commands = bridge.receive_twilio(parsed, loop.time() * 1000)
            if commands:
                self.recorder.malformed_frames = bridge.malformed_frames
                await self.perform(commands)
            if type(parsed) is not twilio.Media:  # the caller's audio changes nothing that is due
                self.arm_timer()

    async def talk_to_model(self) -> None:
        """Open the model's socket and feed the bridge with its events until it closes."""
        try:
            self.openai = await self.connect_model()
        except ModelUnavailable as error:
            logger.error("voice.model.unavailable", extra={"reason": error.reason})
            await self.model_lost(NO_SOCKET)
            return
        await self.perform(self.bridge.openai_opened(self.now_ms))
        self.arm_timer()  # the model may accept us and then say nothing
        async for frame in self.openai:
            try:
                event = realtime.parse(frame if isinstance(frame, str) else "")
            except realtime.RealtimeError as error:
                logger.warning("voice.model.malformed", extra={"code": error.code})
                commands = self.bridge.openai_garbage(self.now_ms)
            else:
                commands = self.bridge.receive_openai(event, self.now_ms)
            if commands:
                await self.perform(commands)
            self.arm_timer()
        await self.model_lost(self.openai.close_code or NO_SOCKET)

    async def model_lost(self, code: int) -> None:
        await self.perform(self.bridge.openai_lost(code, self.now_ms))
        self.arm_timer()  # what is being said is heard to its end first

    async def connect_model(self) -> RealtimeConnection:
        for attempt in range(1, MODEL_TRIES + 1):
            try:
                return await open_realtime(caller=self.call.from_number)
            except ModelUnavailable as error:
                if not error.retry or attempt == MODEL_TRIES:
                    raise
                await asyncio.sleep(MODEL_RETRY_SECONDS)
        raise AssertionError("the loop returns or raises")

    async def perform(self, commands: Iterable[Command]) -> None:
        """Do what the bridge asked for, in its order, also where a slow socket makes several tasks wait."""
        async with self.order:
            for command in commands:
                await self.carry_out(command)

    async def carry_out(self, command: Command) -> None:
        match command:
            case SendToTwilio(text=text):
                if self.over is None:
                    await self.send_to_twilio({"type": "websocket.send", "text": text})
            case SendToOpenAI(text=text, audio=True):
                if self.openai is not None:
                    await self.openai.send_audio(text)
            case SendToOpenAI(text=text):
                if self.openai is not None:
                    await self.openai.send(text)
            case RecordTurn() | RecordUsage() | RecordLatency():
                self.recorder.add(command)
            case RunTool():
                answering = self.spawn(self.answer(command))
                self.answers.add(answering)
                answering.add_done_callback(self.answers.discard)
            case Log():
                level = logging.WARNING if command.warning else logging.INFO
                logger.log(level, command.event, extra=dict(command.fields))
            case Close():
                await self.end(command)

    async def answer(self, tool: RunTool) -> None:
        """Run a tool beside the audio and give the bridge its answer."""
        answer = await self.helper.run(
            call_id=tool.call_id,
            name=tool.name,
            arguments=tool.arguments,
            evidence=tool.evidence,
            started_ms=tool.started_ms,
        )
        await self.perform(self.bridge.tool_finished(tool.call_id, answer, self.now_ms))
        self.arm_timer()

    async def end(self, close: Close) -> None:
        """
        Store what Twilio shall do next, then leave the loop that waits for Twilio's frames.

        Frames still come while the intent is being stored: only then is the stream over.
        """
        if self.over is not None or self.ending:
            return
        self.ending = True
        if close.intent:
            await in_record_thread(services.store_intent, call_id=self.call.id, intent=close.intent)
        self.over = StreamOver(close.code, close.reason)
        if asyncio.current_task() is self.main:
            raise self.over
        self.stop_listening()

    def stop_listening(self) -> None:
        """Leave the loop that waits for Twilio's next frame, if it still waits."""
        if self.listening and self.main is not None:
            self.listening = False
            self.main.cancel()

    async def close_twilio(self, over: StreamOver) -> str:
        self.over = over
        await self.send_to_twilio({"type": "websocket.close", "code": over.code})
        return over.reason

    async def send_to_twilio(self, message: Mapping[str, Any]) -> None:
        """Send to a caller who may have hung up a moment ago; `receive` is about to tell us then."""
        try:
            await self.send(message)
        except (OSError, RuntimeError):  # uvicorn raises either, by how the socket was lost
            logger.info("voice.stream.gone")

    def arm_timer(self) -> None:
        """Wake the bridge when it next has something to do by itself."""
        self.progress.set()
        due = self.bridge.deadline_ms
        if due == self.timer_ms:
            return
        if self.timer is not None:
            self.timer.cancel()
        self.timer_ms = due
        self.timer = None
        if due is not None:
            self.timer = self.loop.call_at((due + TIMER_MARGIN_MS) / 1000, self.spawn_tick)

    def spawn_tick(self) -> None:
        self.timer_ms = None
        self.spawn(self.tick())

    async def tick(self) -> None:
        await self.perform(self.bridge.tick(self.now_ms))
        self.arm_timer()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task of this call; a failure in it ends the call instead of leaving it silent."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.finished)
        return task

    def finished(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        logger.error("voice.call.task_failed", exc_info=error)
        if self.over is None:
            self.over = StreamOver(INTERNAL_ERROR, "crashed")
            self.stop_listening()

    async def tidy_up(self, reason: str) -> None:
        """End everything that the call began; a confirmed wish is still carried out (LN10)."""
        if self.over is None:
            self.over = StreamOver(0, reason)
        try:
            if hasattr(self, "bridge"):
                await self.settle()
                await self.recorder.finish()
        finally:
            for task in list(self.tasks):
                task.cancel()
            if self.timer is not None:
                self.timer.cancel()
            try:
                if self.openai is not None:
                    await self.openai.close()
                await self.helper.hang_up()
                await in_record_thread(
                    services.end_stream, call_id=self.call.id, reason=reason, now=timezone.now()
                )
            finally:
                live_calls.end(self.call.id)  # the line is free, also when the database is gone
            logger.info("voice.call.ended", extra={"reason": reason})

    async def settle(self) -> None:
        """Give the model a moment to finish what the caller has asked for, and the transcripts to arrive."""
        await self.perform(self.bridge.stop(self.now_ms))
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                while not self.bridge.settled:
                    self.progress.clear()
                    await self.progress.wait()
        if self.answers:  # a write that has begun is never cut off
            await asyncio.wait(self.answers, timeout=settings.LIMIT_TOOL_SECONDS)


def bridge_config(setup: CallSetup) -> BridgeConfig:
    """Return what the bridge needs to know of this call and of our limits."""
    return BridgeConfig(
        session=setup.session,
        greeting_text=setup.greeting_text,
        greeting_audio=setup.greeting_audio,
        language=setup.language,
        silence_ms=settings.LIMIT_SILENCE_SECONDS * 1000,
        silence_prompts=settings.LIMIT_SILENCE_PROMPTS,
        call_limit_ms=settings.LIMIT_CALL_MINUTES * 60_000,
        malformed_frames=settings.LIMIT_MALFORMED_FRAMES,
        model_garbage=settings.LIMIT_MODEL_GARBAGE_EVENTS,
        frames_per_second=settings.LIMIT_FRAMES_PER_SECOND,
        frame_burst=settings.LIMIT_FRAME_BURST,
        payload_bytes=settings.LIMIT_MEDIA_PAYLOAD_BYTES,
        dtmf_digits=settings.LIMIT_DTMF_DIGITS,
    )
