"""
What comes out of the phone at the caller's ear: Twilio's buffer of audio and marks, played in real time.

One queue holds audio and marks in the order of their arrival. Audio is played at 8 bytes a millisecond; a mark is
echoed when it is reached, at once when nothing is before it, and all of them when the buffer is cleared (twilio
reference, sections 6, 7 and 12). Times are milliseconds of the call.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from voice.standin.clips import BYTES_PER_MS

_LONGEST_HICCUP_MS: Final = 300  # a shorter gap is choppy sound, not the end of a line


@dataclass(slots=True)
class Sound:
    """Audio that was played without a real pause; `cut` tells that more had been buffered and was thrown away."""

    started_ms: float
    audio: bytearray = field(default_factory=bytearray)
    cut: bool = False

    @property
    def ended_ms(self) -> float:
        """When the last byte was played."""
        return self.started_ms + len(self.audio) / BYTES_PER_MS


class Earpiece:
    """Twilio's playback of one stream."""

    def __init__(self) -> None:
        self.sounds: list[Sound] = []
        self.hiccups = 0
        self.clears: list[float] = []
        self.buffered_bytes = 0
        self.largest_lead_ms = 0.0
        self._queue: deque[bytes | str] = deque()
        self._now_ms = 0.0
        self._budget = (
            0.0  # bytes that may be played by now; only the fraction of a byte is carried over
        )

    @property
    def playing(self) -> bool:
        """Whether audio is left to play."""
        return self.buffered_bytes > 0

    def quiet_since_ms(self) -> float | None:
        """Return since when nothing has been played, or nothing while something plays or before the first sound."""
        return None if self.playing or not self.sounds else self.sounds[-1].ended_ms

    def media(self, audio: bytes, now_ms: float) -> list[str]:
        """Buffer audio; return the marks that were reached until now."""
        reached = self.advance(now_ms)
        if not audio:
            return reached
        if not self.playing:
            self._begin_sound(now_ms)
        self._queue.append(audio)
        self.buffered_bytes += len(audio)
        self.largest_lead_ms = max(self.largest_lead_ms, self.buffered_bytes / BYTES_PER_MS)
        return reached

    def mark(self, name: str, now_ms: float) -> list[str]:
        """Buffer a mark; return the marks that are reached now."""
        reached = self.advance(now_ms)
        if not self._queue:
            return [*reached, name]
        self._queue.append(name)
        return reached

    def clear(self, now_ms: float) -> list[str]:
        """Throw the buffered audio away; return every outstanding mark in order."""
        reached = self.advance(now_ms)
        self.clears.append(now_ms)
        return reached + self._drop()

    def stop(self, now_ms: float) -> float:
        """Stop playing for good; return how many milliseconds of audio were never heard."""
        self.advance(now_ms)
        unheard_ms = self.buffered_bytes / BYTES_PER_MS
        self._drop()
        return unheard_ms

    def advance(self, now_ms: float) -> list[str]:
        """Play until `now_ms`; return the marks that were reached, in order."""
        self._budget += max(0.0, now_ms - self._now_ms) * BYTES_PER_MS
        self._now_ms = max(self._now_ms, now_ms)
        reached: list[str] = []
        while self._queue:
            head = self._queue[0]
            if isinstance(head, str):
                reached.append(head)
                self._queue.popleft()
                continue
            count = min(len(head), int(self._budget))
            if count == 0:
                break
            self.sounds[-1].audio += head[:count]
            self.buffered_bytes -= count
            self._budget -= count
            if count == len(head):
                self._queue.popleft()
            else:
                self._queue[0] = head[count:]
        if not self._queue:
            self._budget = 0.0
        return reached

    def _begin_sound(self, now_ms: float) -> None:
        self._budget = 0.0
        if self.sounds and not self.sounds[-1].cut:
            gap_ms = now_ms - self.sounds[-1].ended_ms
            if gap_ms <= _LONGEST_HICCUP_MS:
                self.hiccups += gap_ms > 1
                return
        self.sounds.append(Sound(now_ms))

    def _drop(self) -> list[str]:
        if self.playing:
            self.sounds[-1].cut = True
        marks = [entry for entry in self._queue if isinstance(entry, str)]
        self._queue.clear()
        self.buffered_bytes = 0
        self._budget = 0.0
        return marks
