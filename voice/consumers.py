"""The door of Twilio's media stream: who may connect, and which call a stream belongs to."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from carematix.logs import call_sid as logged_call_sid
from voice import services
from voice.call_in_progress import CallInProgress
from voice.exceptions import StreamRefused
from voice.media_frames import (
    INTERNAL_ERROR,
    POLICY_VIOLATION,
    StreamOver,
    frame_text,
    parsed_frame,
)
from voice.models import CallLog
from voice.protocol import twilio
from voice.signatures import upgrade_is_signed
from voice.threads import in_record_thread

logger = logging.getLogger(__name__)


class MediaStreamConsumer(AsyncWebsocketConsumer):
    """
    One media stream of Twilio.

    `__call__` is overridden: the ordinary consumer makes a task and a dispatch for each of fifty frames a second.
    No channel layer: with one, a stop of Redis would cut every call (security reference, section 13).
    """

    channel_layer_alias = None
    waiting_for_start = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        await receive()  # websocket.connect
        if not self.may_connect(scope):
            await send(
                {"type": "websocket.close", "code": POLICY_VIOLATION}
            )  # 403: not accepted yet
            return
        try:
            start, call = await self.opened(receive, send)
        except StreamRefused as error:
            logger.warning("voice.stream.refused", extra={"reason": error.reason})
            await send({"type": "websocket.close", "code": error.close_code})
            return
        except StreamOver as over:
            if over.code:
                await send({"type": "websocket.close", "code": over.code})
            return
        except (DatabaseError, InterfaceError):
            logger.exception("voice.stream.not_opened")
            await send({"type": "websocket.close", "code": INTERNAL_ERROR})
            return
        await CallInProgress(start, call, receive, send).hold()

    def may_connect(self, scope: Mapping[str, Any]) -> bool:
        """Tell whether Twilio asks: a signature over our address, no browser's Origin, not too many undecided."""
        headers = dict(scope["headers"])
        if b"origin" in headers or not upgrade_is_signed(scope):
            logger.warning("voice.stream.unsigned")
            return False
        return MediaStreamConsumer.waiting_for_start < settings.LIMIT_STREAMS_WITHOUT_START

    async def opened(self, receive: Any, send: Any) -> tuple[twilio.Start, CallLog]:
        """
        Accept the socket, wait for `start` and consume its token; until then the socket costs nothing (S7).

        Raises:
            StreamRefused: no valid start in time, audio before it, or a token that does not open this call.
            StreamOver: the other side left, or sent a frame beyond the limit.
        """
        MediaStreamConsumer.waiting_for_start += 1  # at once: while we await, others are checked
        try:
            async with asyncio.timeout(settings.LIMIT_STREAM_START_SECONDS):
                await send({"type": "websocket.accept"})
                start = await self.first_start(receive)
        except TimeoutError:
            raise StreamRefused("no_start_in_time") from None
        finally:
            MediaStreamConsumer.waiting_for_start -= 1
        logged_call_sid.set(start.call_sid)
        call = await in_record_thread(
            services.open_stream,
            call_sid=start.call_sid,
            account_sid=start.account_sid,
            stream_sid=start.stream_sid,
            token=start.custom_parameters.get("token", ""),
            now=timezone.now(),
        )
        if set(start.custom_parameters) - {"token"}:
            await in_record_thread(services.note_anomaly, call=call, what="custom_parameters")
        return start, call

    async def first_start(self, receive: Any) -> twilio.Start:
        malformed = 0
        while True:
            text = frame_text(await receive())
            try:
                message = parsed_frame(text)
            except twilio.MediaStreamError as error:
                malformed += 1
                logger.warning("voice.stream.malformed", extra={"code": error.code})
                if malformed > settings.LIMIT_MALFORMED_FRAMES:
                    raise StreamRefused("malformed_before_start") from None
                continue
            match message:
                case twilio.Start():
                    return message
                case twilio.Connected():
                    continue
                case _:
                    raise StreamRefused("frame_before_start")
