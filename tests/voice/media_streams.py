"""A media stream as Twilio opens it, for tests of the consumer; the model's side is a list of events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from channels.testing import WebsocketCommunicator
from django.conf import settings
from twilio.request_validator import RequestValidator

from carematix.asgi import application
from tests.voice.protocol.schema import check_client_event
from tests.voice.twilio_requests import CALL_SID

PATH = "/ws/media-stream"
STREAM_SID = "MZ" + "0123456789abcdef" * 2
SILENCE = "/" * 212 + "////"  # 162 bytes of mu-law silence


class ModelDouble:
    """Takes the place of the Realtime socket: keeps what we send, gives out what the test puts in."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.close_code: int | None = None
        self.closed = False
        self._frames: asyncio.Queue[str | bytes | None] = asyncio.Queue()

    async def send(self, text: str) -> None:
        check_client_event(text)
        self.sent.append(json.loads(text))

    async def send_audio(self, text: str) -> bool:
        await self.send(text)
        return True

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (frame := await self._frames.get()) is not None:
            yield frame

    async def close(self) -> None:
        self.closed = True
        self._frames.put_nowait(None)

    def emits(self, *events: dict[str, Any]) -> None:
        for event in events:
            self._frames.put_nowait(json.dumps(event))

    def emits_raw(self, frame: str | bytes) -> None:
        self._frames.put_nowait(frame)

    def drops(self, code: int = 1006) -> None:
        self.close_code = code
        self._frames.put_nowait(None)

    def types(self) -> list[str]:
        return [event["type"] for event in self.sent]


def upgrade_signature(url: str = "", token: str = "") -> str:
    """Return the signature of the upgrade, over the `wss` address of the TwiML."""
    address = url or "wss://" + settings.PUBLIC_BASE_URL.partition("://")[2] + PATH
    signed: str = RequestValidator(token or settings.TWILIO_AUTH_TOKEN).compute_signature(
        address, {}
    )
    return signed


def stream(signed: str | None = "right", **headers: str) -> WebsocketCommunicator:
    """Return an unopened socket; `signed` is a signature, "right", or nothing for no header."""
    given = upgrade_signature() if signed == "right" else signed
    sent = headers if given is None else headers | {"x-twilio-signature": given}
    encoded = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
    return WebsocketCommunicator(application, PATH, headers=encoded)


def start_frame(token: str, **changes: Any) -> str:
    """Return the `start` frame of a stream."""
    start = {
        "streamSid": STREAM_SID,
        "accountSid": settings.TWILIO_ACCOUNT_SID,
        "callSid": CALL_SID,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": token},
    } | changes
    return json.dumps(
        {"event": "start", "sequenceNumber": "1", "streamSid": STREAM_SID, "start": start}
    )


CONNECTED = json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})


def media_frame(payload: str = SILENCE, number: int = 2) -> str:
    """Return one frame of the caller's audio."""
    return json.dumps(
        {
            "event": "media",
            "sequenceNumber": str(number),
            "streamSid": STREAM_SID,
            "media": {
                "track": "inbound",
                "chunk": str(number),
                "timestamp": str(number * 20),
                "payload": payload,
            },
        }
    )


STOP = json.dumps(
    {
        "event": "stop",
        "sequenceNumber": "9",
        "streamSid": STREAM_SID,
        "stop": {"accountSid": "AC", "callSid": CALL_SID},
    }
)
