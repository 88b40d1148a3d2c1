"""
Twilio Media Streams: what Twilio sends over the socket, and the three messages we may send.

Audio both ways is G.711 mu-law, 8 kHz, mono, in base64. Nothing here trusts the peer: whatever is not exactly
one of Twilio's messages is refused with `MediaStreamError` (twilio.md, section 6; security reference, S70).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

FRAME_CHARACTERS = 64 * 1024
PAYLOAD_CHARACTERS = 8 * 1024
BYTES_PER_MS = 8  # mu-law at 8 kHz

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}", re.ASCII)
_SID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DIGITS = frozenset("0123456789*#ABCD")
_MAX_PARAMETERS = 32


class MediaStreamError(ValueError):
    """A frame that is not one of Twilio's messages; `code` says what is wrong with it."""

    def __init__(self, code: str) -> None:
        """Keep the stable code; the frame itself is not kept, since it may hold anything."""
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class MediaFormat:
    """How the audio is encoded; Twilio knows this one only."""

    encoding: str = "audio/x-mulaw"
    sample_rate: int = 8000
    channels: int = 1


@dataclass(frozen=True, slots=True)
class Connected:
    """The socket is open; `start` follows."""


@dataclass(frozen=True, slots=True)
class Start:
    """The stream begins; `custom_parameters` are the `<Parameter>` values of our TwiML."""

    stream_sid: str
    call_sid: str
    account_sid: str
    custom_parameters: Mapping[str, str] = field(default_factory=dict)
    media_format: MediaFormat = MediaFormat()


@dataclass(frozen=True, slots=True)
class Media:
    """Some of the caller's audio; `timestamp_ms` counts from the start of the stream."""

    payload: str
    timestamp_ms: int = 0
    chunk: int = 0
    sequence_number: int = 0
    stream_sid: str = ""


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The caller pressed a key."""

    digit: str
    stream_sid: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """The audio before our mark was played, or was dropped by our `clear`."""

    name: str
    stream_sid: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """The stream ends; the socket closes next."""

    stream_sid: str = ""


Message = Media | Mark | Dtmf | Start | Connected | Stop


def is_base64(text: str) -> bool:
    """Tell whether `text` is complete, padded base64 of the standard alphabet, safe to paste into JSON."""
    return not len(text) % 4 and _BASE64.fullmatch(text) is not None


def decoded_length(payload: str) -> int:
    """Return how many bytes a checked base64 text holds."""
    length = len(payload)
    if not length:
        return 0
    return length // 4 * 3 - (payload[-1] == "=") - (payload[-2] == "=")


def parse(
    text: str,
    *,
    longest_frame: int = FRAME_CHARACTERS,
    longest_payload: int = PAYLOAD_CHARACTERS,
) -> Message:
    """
    Read one text frame of at most `longest_frame` characters, with at most `longest_payload` of base64 in it.

    Raises:
        MediaStreamError: `too_large`, `not_json`, `not_an_object`, `unknown_event`, `missing_key`, `bad_value`,
            `bad_payload`, `unsupported_format`.
    """
    if len(text) > longest_frame:
        raise MediaStreamError("too_large")
    try:
        frame = orjson.loads(text)  # refuses nesting deeper than 1024 by itself
    except ValueError as error:
        raise MediaStreamError("not_json") from error
    if type(frame) is not dict:
        raise MediaStreamError("not_an_object")
    event = frame.get("event")
    if event == "media":
        return _media(frame, longest_payload)
    reader = _READERS.get(event) if isinstance(event, str) else None
    if reader is None:
        raise MediaStreamError("unknown_event")
    return reader(frame)


def media(stream_sid: str, payload: str) -> str:
    """Write audio to be played; `payload` is checked base64 and `stream_sid` came out of `parse`."""
    return f'{{"event":"media","streamSid":"{stream_sid}","media":{{"payload":"{payload}"}}}}'


def mark(stream_sid: str, name: str) -> str:
    """Write a mark, which comes back when the audio sent before it was played or cleared."""
    return f'{{"event":"mark","streamSid":"{stream_sid}","mark":{{"name":{json.dumps(name)}}}}}'


def clear(stream_sid: str) -> str:
    """Write the order to drop all audio that was not played yet."""
    return f'{{"event":"clear","streamSid":"{stream_sid}"}}'


def _media(frame: dict[str, Any], longest_payload: int) -> Media:
    body = frame.get("media")
    if type(body) is not dict:
        raise MediaStreamError("missing_key")
    payload = body.get("payload")
    if type(payload) is not str:
        raise MediaStreamError("missing_key" if payload is None else "bad_payload")
    if len(payload) > longest_payload:
        raise MediaStreamError("too_large")
    if not is_base64(payload):
        raise MediaStreamError("bad_payload")
    return Media(
        payload,
        _number(body, "timestamp"),
        _number(body, "chunk"),
        _number(frame, "sequenceNumber"),
        _text(frame, "streamSid"),
    )


def _start(frame: dict[str, Any]) -> Start:
    body = _object(frame, "start")
    stream_sid = _sid(body if "streamSid" in body else frame, "streamSid")
    if frame.get("streamSid", stream_sid) != stream_sid:
        raise MediaStreamError("bad_value")
    parameters = body.get("customParameters")
    if parameters is None:
        parameters = {}
    if (
        type(parameters) is not dict
        or len(parameters) > _MAX_PARAMETERS
        or not all(type(value) is str for value in parameters.values())
    ):
        raise MediaStreamError("bad_value")
    return Start(
        stream_sid=stream_sid,
        call_sid=_sid(body, "callSid"),
        account_sid=_sid(body, "accountSid"),
        custom_parameters=parameters,
        media_format=_media_format(body),
    )


def _media_format(start: dict[str, Any]) -> MediaFormat:
    if start.get("mediaFormat") is None:
        return MediaFormat()
    body = _object(start, "mediaFormat")
    found = MediaFormat(
        _text(body, "encoding"), _number(body, "sampleRate"), _number(body, "channels")
    )
    if found != MediaFormat():
        raise MediaStreamError("unsupported_format")
    return found


def _dtmf(frame: dict[str, Any]) -> Dtmf:
    digit = _text(_object(frame, "dtmf"), "digit")
    if digit not in _DIGITS:
        raise MediaStreamError("bad_value")
    return Dtmf(digit, _text(frame, "streamSid"))


def _mark(frame: dict[str, Any]) -> Mark:
    return Mark(_text(_object(frame, "mark"), "name"), _text(frame, "streamSid"))


def _stop(frame: dict[str, Any]) -> Stop:
    return Stop(_text(frame, "streamSid"))


def _connected(_frame: dict[str, Any]) -> Connected:
    return Connected()


_READERS: dict[str, Callable[[dict[str, Any]], Message]] = {
    "connected": _connected,
    "start": _start,
    "dtmf": _dtmf,
    "mark": _mark,
    "stop": _stop,
}


def _object(frame: dict[str, Any], key: str) -> dict[str, Any]:
    value = frame.get(key)
    if type(value) is not dict:
        raise MediaStreamError("missing_key" if value is None else "bad_value")
    return value


def _text(frame: dict[str, Any], key: str) -> str:
    value = frame.get(key)
    if type(value) is not str:
        raise MediaStreamError("missing_key" if value is None else "bad_value")
    return value


def _sid(frame: dict[str, Any], key: str) -> str:
    value = _text(frame, key)
    if _SID.fullmatch(value) is None:
        raise MediaStreamError("bad_value")
    return value


def _number(frame: dict[str, Any], key: str) -> int:
    """Read a count. Twilio writes numbers as strings; one that is missing counts as 0, for nothing depends on it."""
    value = frame.get(key, 0)
    if type(value) is int:
        number = value
    elif type(value) is str and value.isdecimal() and value.isascii() and len(value) <= 18:
        number = int(value)
    else:
        raise MediaStreamError("bad_value")
    if number < 0:
        raise MediaStreamError("bad_value")
    return number
