"""
Twilio's end of one media stream, without a socket: what it sends, and how strictly it reads what it gets.

Numbers are strings on this wire. Violations are counted as Twilio counts them: 31950 for a binary or undecodable
message, 31951 for an invalid one; a test that sees one fails (twilio reference, sections 6 and 12).
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from voice.standin.earpiece import Earpiece

FRAME_MS: Final = 20
UNDECODABLE: Final = 31950
INVALID: Final = 31951
_SHAPES: Final[Mapping[str, frozenset[str]]] = {
    "media": frozenset({"event", "streamSid", "media"}),
    "mark": frozenset({"event", "streamSid", "mark"}),
    "clear": frozenset({"event", "streamSid"}),
}


class TwilioStream:
    """One bidirectional stream. Times are milliseconds of the call; every method returns texts to send."""

    def __init__(
        self, *, stream_sid: str, call_sid: str, account_sid: str, parameters: Mapping[str, str]
    ) -> None:
        self.stream_sid = stream_sid
        self.earpiece = Earpiece()
        self.violations: list[tuple[int, str]] = []
        self.marks_received = 0
        self._call = {"accountSid": account_sid, "callSid": call_sid}
        self._parameters = dict(parameters)
        self._sequence = 0
        self._chunk = 0

    def opening(self) -> list[str]:
        """Return `connected` and `start`."""
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        start = {
            "streamSid": self.stream_sid,
            **self._call,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": self._parameters,
        }
        return [json.dumps(connected), self._message("start", {"start": start})]

    def frame(self, audio: bytes) -> str:
        """Return the next 20 ms of the caller; `timestamp` follows from the number of frames."""
        self._chunk += 1
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(self._chunk * FRAME_MS),
            "payload": base64.b64encode(audio).decode("ascii"),
        }
        return self._message("media", {"media": media})

    def key(self, digit: str) -> str:
        """Return a pressed key."""
        return self._message("dtmf", {"dtmf": {"track": "inbound_track", "digit": digit}})

    def stop(self) -> str:
        """Return the last message of a stream that the caller's side ends."""
        return self._message("stop", {"stop": self._call})

    def advance(self, now_ms: float) -> list[str]:
        """Play until now; return the marks that were reached."""
        return self._echo(self.earpiece.advance(now_ms))

    def receive(self, data: str | bytes, now_ms: float) -> list[str]:
        """Take one message of the application's; an invalid one is counted and has no effect."""
        message = self._decoded(data)
        if message is None:
            return []
        event = message.get("event")
        if not isinstance(event, str) or event not in _SHAPES:
            return self._violation(INVALID, f"unknown event {event!r}")
        if set(message) != _SHAPES[event]:
            return self._violation(INVALID, f"{event} with the fields {sorted(message)}")
        if message["streamSid"] != self.stream_sid:
            return self._violation(INVALID, f"{event} for another stream")
        if event == "clear":
            return self._echo(self.earpiece.clear(now_ms))
        body = message[event]
        field = "payload" if event == "media" else "name"
        if not isinstance(body, dict) or set(body) != {field} or not isinstance(body[field], str):
            return self._violation(INVALID, f"{event} without exactly its {field}")
        if event == "mark":
            self.marks_received += 1
            return self._echo(self.earpiece.mark(body[field], now_ms))
        try:
            audio = base64.b64decode(body[field], validate=True)
        except binascii.Error:
            return self._violation(INVALID, "media with a payload that is no base64")
        return self._echo(self.earpiece.media(audio, now_ms))

    def _decoded(self, data: str | bytes) -> dict[str, Any] | None:
        if isinstance(data, bytes):
            self._violation(UNDECODABLE, "a binary message")
            return None
        try:
            message = json.loads(data)
        except ValueError:
            self._violation(UNDECODABLE, "a message that is no JSON")
            return None
        if not isinstance(message, dict):
            self._violation(UNDECODABLE, "a message that is no object")
            return None
        return message

    def _violation(self, code: int, detail: str) -> list[str]:
        self.violations.append((code, detail))
        return []

    def _echo(self, names: list[str]) -> list[str]:
        return [self._message("mark", {"mark": {"name": name}}) for name in names]

    def _message(self, event: str, body: Mapping[str, Any]) -> str:
        self._sequence += 1
        return json.dumps(
            {
                "event": event,
                "sequenceNumber": str(self._sequence),
                "streamSid": self.stream_sid,
                **body,
            }
        )
