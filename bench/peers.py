"""
Both far ends of a relay in one process with one clock: callers like Twilio's, and a model that echoes.

Each frame carries its number, so a frame is timed on both legs: caller to model, model to caller. The model answers
one endless response of 160-byte deltas, 50 a second and call: the worst case, the real one sends fewer and larger.
Nothing is parsed where a slice will do, or the load would saturate its core before the relay does.
"""

import asyncio
import base64
import json
import os
import re
import secrets
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

FRAME_SECONDS = 0.020
FRAME_BYTES = 160
NUMBER_CHARACTERS = 8
"""Base64 characters at the head of a payload that hold the frame's number (6 bytes)."""
APPEND = '"input_audio_buffer.append"'
PCMU = {"type": "audio/pcmu"}
_TAIL = base64.b64encode(os.urandom(FRAME_BYTES - 6)).decode("ascii")
_TOKEN = re.compile(r'<Parameter name="token" value="([^"]+)"')


@dataclass(slots=True)
class Timing:
    """Seconds that frames took, by leg, while `measuring`."""

    measuring: bool = False
    up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)


class Peers:
    """The callers' and the model's side of one measurement."""

    def __init__(self) -> None:
        self.timing = Timing()
        self._sent_at: dict[int, float] = {}
        self._echoed_at: dict[int, float] = {}
        self._number = 0
        self._clock = time.perf_counter  # uvloop's own clock counts whole milliseconds
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def frames(self) -> int:
        """The number of the latest frame."""
        return self._number

    def lost(self, first: int, last: int) -> int:
        """Return how many of the frames numbered so have not come back, on either leg."""
        return sum(first < number <= last for number in (*self._sent_at, *self._echoed_at))

    # ---- The model ----------------------------------------------------------------------------
    async def model(self, relay: ServerConnection) -> None:
        """Speak the Realtime protocol as far as a call of one endless answer needs it."""
        session = {"type": "realtime", "object": "realtime.session", "id": "sess_bench"}
        await relay.send(event("session.created", session=session))
        delta = ""
        async for text in relay:
            assert isinstance(text, str)
            if APPEND in text:
                if not delta:
                    delta = await self._begin_answer(relay)
                start = text.index('"audio"') + 7
                start = text.index('"', start) + 1
                payload = text[start : text.index('"', start)]
                now = self._clock()
                self._note_heard(payload, now)
                await relay.send(delta + payload + '"}')
            else:
                await self._answer(relay, json.loads(text), session)

    async def _answer(
        self, relay: ServerConnection, message: Mapping[str, object], session: Mapping[str, object]
    ) -> None:
        """Answer a message that is not audio."""
        match message:
            case {"type": "session.update", "session": dict(change)}:
                await relay.send(event("session.updated", session={**session, **change}))
            case {"type": "conversation.item.create", "item": dict(item)}:
                item = {"id": f"item_{secrets.token_hex(8)}", "status": "completed"} | item
                for kind in ("added", "done"):
                    await relay.send(
                        event(f"conversation.item.{kind}", item=item, previous_item_id=None)
                    )
            case _:
                return

    async def _begin_answer(self, relay: ServerConnection) -> str:
        """Open the endless response and return the text that each delta begins with."""
        response_id, item_id = f"resp_{secrets.token_hex(8)}", f"item_{secrets.token_hex(8)}"
        item = {
            "id": item_id, "object": "realtime.item", "type": "message", "role": "assistant",
            "status": "in_progress", "content": [],
        }  # fmt: skip
        response = {
            "object": "realtime.response", "id": response_id, "status": "in_progress", "output": [],
            "metadata": None, "output_modalities": ["audio"],
        }  # fmt: skip
        place = {"response_id": response_id, "output_index": 0}
        await relay.send(event("response.created", response=response))
        await relay.send(event("response.output_item.added", **place, item=item))
        part = {"type": "audio", "transcript": ""}
        await relay.send(
            event(
                "response.content_part.added", **place, item_id=item_id, content_index=0, part=part
            )
        )
        opened = json.dumps(
            {"type": "response.output_audio.delta", "event_id": "event_bench", **place,
             "item_id": item_id, "content_index": 0}
        )  # fmt: skip
        return opened[:-1] + ', "delta": "'

    def _note_heard(self, payload: str, now: float) -> None:
        number = frame_number(payload)
        sent_at = self._sent_at.pop(number, None)
        if sent_at is not None and self.timing.measuring:
            self.timing.up.append(now - sent_at)
        self._echoed_at[number] = now

    # ---- The callers --------------------------------------------------------------------------
    async def call(
        self, socket: ClientConnection, parameters: dict[str, str], call_sid: str
    ) -> None:
        """Hold one call on an open stream: a frame every 20 ms, each mark echoed as soon as it comes."""
        stream_sid = "MZ" + secrets.token_hex(16)
        start = {
            "streamSid": stream_sid, "accountSid": ACCOUNT_SID, "callSid": call_sid, "tracks": ["inbound"],
            "customParameters": parameters,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }  # fmt: skip
        await socket.send(
            json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        )
        await socket.send(
            json.dumps(
                {"event": "start", "sequenceNumber": "1", "streamSid": stream_sid, "start": start}
            )
        )
        self._tasks.append(asyncio.create_task(self._speak(socket, stream_sid)))
        self._tasks.append(asyncio.create_task(self._listen(socket, stream_sid)))

    async def _speak(self, socket: ClientConnection, stream_sid: str) -> None:
        due = self._clock()
        chunk = 0
        while True:
            chunk += 1
            self._number += 1
            number = self._number
            payload = base64.b64encode(number.to_bytes(6, "big")).decode("ascii") + _TAIL
            self._sent_at[number] = self._clock()
            await socket.send(
                f'{{"event":"media","sequenceNumber":"{chunk + 1}","streamSid":"{stream_sid}","media":'
                f'{{"track":"inbound","chunk":"{chunk}","timestamp":"{chunk * 20}","payload":"{payload}"}}}}'
            )
            due += FRAME_SECONDS
            await asyncio.sleep(max(0.0, due - self._clock()))

    async def _listen(self, socket: ClientConnection, stream_sid: str) -> None:
        async for text in socket:
            assert isinstance(text, str)
            now = self._clock()
            if '"payload"' in text:
                start = text.index('"payload"') + 9
                start = text.index('"', start) + 1
                echoed_at = self._echoed_at.pop(frame_number(text[start : start + 8]), None)
                if echoed_at is not None and self.timing.measuring:
                    self.timing.down.append(now - echoed_at)
            elif '"mark"' in text:
                name = json.loads(text)["mark"]["name"]
                await socket.send(
                    json.dumps(
                        {"event": "mark", "sequenceNumber": "1", "streamSid": stream_sid,
                         "mark": {"name": name}}
                    )
                )  # fmt: skip

    def failed(self) -> list[BaseException]:
        """Return what ended a call early."""
        done = [task for task in self._tasks if task.done() and not task.cancelled()]
        return [task.exception() or RuntimeError("a call ended early") for task in done]

    async def hang_up(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


ACCOUNT_SID = "AC" + "b" * 32
AUTH_TOKEN = "b" * 32
PUBLIC_BASE_URL = "https://bench.example"
OUR_NUMBER = "+12025550199"


def event(kind: str, **fields: object) -> str:
    """Return a server event as JSON."""
    return json.dumps({"type": kind, "event_id": f"event_{secrets.token_hex(8)}", **fields})


def frame_number(payload: str) -> int:
    return int.from_bytes(base64.b64decode(payload[:NUMBER_CHARACTERS]), "big")


def place_call(port: int, call_sid: str, index: int) -> str:
    """Post the signed webhook of an incoming call and return the stream's token from the TwiML."""
    fields = {
        "CallSid": call_sid, "AccountSid": ACCOUNT_SID, "From": f"+1303{index:07d}", "To": OUR_NUMBER,
        "CallStatus": "ringing", "Direction": "inbound", "ApiVersion": "2010-04-01",
    }  # fmt: skip
    url = f"{PUBLIC_BASE_URL}/twilio/voice"
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/twilio/voice",
        data=urllib.parse.urlencode(fields).encode(),
        headers={
            "X-Twilio-Signature": RequestValidator(AUTH_TOKEN).compute_signature(url, fields),
            "X-Forwarded-Proto": "https",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        twiml = answer.read().decode()
    found = _TOKEN.search(twiml)
    if found is None:
        raise RuntimeError(f"the webhook gave no stream: {twiml}")
    return found[1]


def stream_signature() -> str:
    """Return Twilio's signature of the stream's upgrade."""
    url = PUBLIC_BASE_URL.replace("https", "wss") + "/ws/media-stream"
    return str(RequestValidator(AUTH_TOKEN).compute_signature(url, {}))


async def open_stream(url: str, headers: dict[str, str]) -> ClientConnection:
    return await connect(url, additional_headers=headers, compression=None, open_timeout=30)


async def serve_model(peers: Peers, port: int) -> None:
    """Take the relay's connections until cancelled."""
    async with serve(peers.model, "127.0.0.1", port, compression=None):
        await asyncio.get_running_loop().create_future()
