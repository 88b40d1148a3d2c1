"""The frames of Twilio's media stream, read within our limits, and how a stream comes to be over."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from voice.protocol import twilio

POLICY_VIOLATION, TOO_BIG, INTERNAL_ERROR = 1008, 1009, 1011  # the WebSocket's close codes


class StreamOver(Exception):
    """The stream was closed by us, with this code and for this reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def frame_text(message: Mapping[str, Any]) -> str:
    """Return the text of a frame; a binary or oversized one reads as empty, which no message is."""
    if message["type"] == "websocket.disconnect":
        raise StreamOver(0, "caller_left")
    text = message.get("text") or ""
    if len(text) > settings.LIMIT_FRAME_BYTES:
        raise StreamOver(TOO_BIG, "frame_too_large")
    return text


def parsed_frame(text: str) -> twilio.Message:
    """
    Read a frame within our limits.

    Raises:
        MediaStreamError: it is not one of Twilio's messages, or one that is too long.
    """
    return twilio.parse(
        text,
        longest_frame=settings.LIMIT_FRAME_BYTES,
        longest_payload=settings.LIMIT_MEDIA_PAYLOAD_BYTES,
    )
