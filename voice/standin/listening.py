"""
The input audio buffer and the voice detector.

The buffer has a clock of its own: milliseconds of audio appended since the session began, at the format that was valid
when they came. Nothing here knows the time of day, so without audio there is no progress (openai-realtime, section 12,
items 2 and 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from voice.standin.audio import BYTES_PER_MS, FRAME_MS, loudness, to_mulaw

LOUD_FRAMES_TO_START: Final = 3  # 60 ms
SHORTEST_COMMIT_MS: Final = 100
_LOUDNESS_AT_FULL_THRESHOLD: Final = 0.04  # threshold 0.5 is about -34 dB of full scale
_LEAD_IN_MS: Final = 1000
_LONGEST_KEPT_MS: Final = 120_000
_SEMANTIC_SILENCE_MS: Final[Mapping[str, int]] = {
    "high": 400,
    "medium": 800,
    "auto": 800,
    "low": 1600,
}


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller began to speak at `audio_start_ms`, prefix padding included."""

    audio_start_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """
    The caller's turn is over; `audio` is the turn as mu-law.

    `lead_in` is up to a second of audio before it: a soft beginning that was too quiet for the detector.
    """

    audio_end_ms: int
    audio: bytes
    lead_in: bytes = b""


class InputBuffer:
    """Appended audio that is not part of an item yet."""

    def __init__(self, audio_format: str) -> None:
        self.format = audio_format
        self._clock_ms = 0.0
        self._partial = b""
        self._kept = bytearray()  # whole frames since the last commit, in `format`
        self._loud_frames = 0
        self._quiet_ms = 0
        self._start_ms: float | None = None

    @property
    def clock_ms(self) -> float:
        """Milliseconds of audio appended since the session began."""
        return self._clock_ms + len(self._partial) / BYTES_PER_MS[self.format]

    @property
    def length_ms(self) -> float:
        """Milliseconds that a commit would take."""
        return (len(self._kept) + len(self._partial)) / BYTES_PER_MS[self.format]

    @property
    def speaking(self) -> bool:
        """Whether a turn has begun and not ended."""
        return self._start_ms is not None

    def change_format(self, audio_format: str) -> None:
        """Go on in another format; what was appended in the old one cannot be joined and is dropped."""
        if audio_format != self.format:
            self._clock_ms = self.clock_ms
            self.clear()
            self.format = audio_format

    def append(
        self, audio: bytes, turn_detection: Mapping[str, Any] | None
    ) -> list[SpeechStarted | SpeechStopped]:
        """Take audio in, and return what the detector noticed in it; without turn detection, nothing."""
        frame_bytes = BYTES_PER_MS[self.format] * FRAME_MS
        data = self._partial + audio
        whole = len(data) // frame_bytes * frame_bytes
        self._partial = data[whole:]
        noticed: list[SpeechStarted | SpeechStopped] = []
        for start in range(0, whole, frame_bytes):
            frame = data[start : start + frame_bytes]
            self._kept += frame
            self._clock_ms += FRAME_MS
            if turn_detection is not None:
                noticed += self._detect(frame, turn_detection)
        surplus = len(self._kept) - _LONGEST_KEPT_MS * BYTES_PER_MS[self.format]
        if surplus > 0:
            del self._kept[:surplus]
        return noticed

    def clear(self) -> None:
        """Forget the audio and a turn that had begun."""
        self._partial = b""
        self._reset()

    def commit(self) -> bytes:
        """Return all kept audio as mu-law and forget it."""
        audio = to_mulaw(bytes(self._kept) + self._partial, self.format)
        self._clock_ms = self.clock_ms
        self.clear()
        return audio

    def _reset(self) -> None:
        self._kept.clear()
        self._loud_frames = 0
        self._quiet_ms = 0
        self._start_ms = None

    def _detect(
        self, frame: bytes, turn_detection: Mapping[str, Any]
    ) -> list[SpeechStarted | SpeechStopped]:
        limit = turn_detection.get("threshold", 0.5) * _LOUDNESS_AT_FULL_THRESHOLD
        loud = loudness(frame, self.format) > limit
        if self._start_ms is None:
            self._loud_frames = self._loud_frames + 1 if loud else 0
            if self._loud_frames < LOUD_FRAMES_TO_START:
                return []
            padding = turn_detection.get("prefix_padding_ms", 300)
            begin = self._clock_ms - LOUD_FRAMES_TO_START * FRAME_MS - padding
            self._start_ms = max(begin, self._clock_ms - self.length_ms, 0)
            self._quiet_ms = 0
            return [SpeechStarted(int(self._start_ms))]
        self._quiet_ms = 0 if loud else self._quiet_ms + FRAME_MS
        if self._quiet_ms < _silence_ms(turn_detection):
            return []
        turn_bytes = int(self._clock_ms - self._start_ms) * BYTES_PER_MS[self.format]
        lead_bytes = turn_bytes + _LEAD_IN_MS * BYTES_PER_MS[self.format]
        audio = to_mulaw(bytes(self._kept[-turn_bytes:]), self.format)
        lead_in = to_mulaw(bytes(self._kept[-lead_bytes:-turn_bytes]), self.format)
        self._reset()
        return [SpeechStopped(int(self._clock_ms), audio, lead_in)]


def _silence_ms(turn_detection: Mapping[str, Any]) -> int:
    """Return how much quiet ends a turn; for semantic detection a fixed time per eagerness stands in."""
    if turn_detection["type"] == "semantic_vad":
        return _SEMANTIC_SILENCE_MS[turn_detection["eagerness"]]
    return max(FRAME_MS, int(turn_detection["silence_duration_ms"]))
