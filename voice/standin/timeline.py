"""
Both directions of a call on one clock: what the caller said, and what came out of the caller's earpiece.

Times are milliseconds since the call was placed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from voice.standin.clips import BYTES_PER_MS, Recognition, speech_begins, words_heard
from voice.standin.earpiece import Sound

UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line as it was said or heard; `text` is empty when its recording is not known.

    `unheard` is the rest of a known line that was never played. Speaker `carrier` is the voice of `<Say>`.
    """

    speaker: Literal["caller", "assistant", "carrier"]
    started_ms: float
    ended_ms: float
    text: str
    unheard: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing of the line was cut off."""
        return not self.unheard


def heard_lines(sounds: Sequence[Sound], recognition: Recognition) -> list[Line]:
    """Return the assistant's lines in what was played, each cut where it stopped."""
    return [line for sound in sounds for line in _lines_of(sound, recognition)]


def transcript(lines: Iterable[Line]) -> list[str]:
    """Return the lines for people, in the order of their beginnings."""
    names = {"caller": "Caller", "assistant": "Assistant", "carrier": "Carrier"}
    return [
        f"{_clock(line.started_ms)}  {names[line.speaker]:<9}  {_words(line)}"
        for line in sorted(lines, key=lambda line: line.started_ms)
    ]


def _lines_of(sound: Sound, recognition: Recognition) -> Iterable[Line]:
    audio = bytes(sound.audio)
    at = speech_begins(audio)
    while at >= 0:
        text, length = recognition.text_of(audio[at:])
        if not text:
            yield _line(sound, at, len(audio), UNKNOWN, "")
            return
        end = min(len(audio), at + length)
        said = words_heard(text, (end - at) / length)
        yield _line(sound, at, end, said, text[len(said) :].strip())
        at = speech_begins(audio, end)


def _line(sound: Sound, begin: int, end: int, text: str, unheard: str) -> Line:
    return Line(
        "assistant",
        sound.started_ms + begin / BYTES_PER_MS,
        sound.started_ms + end / BYTES_PER_MS,
        text,
        unheard,
    )


def _words(line: Line) -> str:
    if not line.text and not line.unheard:
        return f"(speech, {(line.ended_ms - line.started_ms) / 1000:.1f} s)"
    return f"{line.text} — (cut off)" if line.unheard else line.text


def _clock(ms: float) -> str:
    minutes, tenths = divmod(round(ms / 100), 600)
    return f"{minutes:02}:{tenths // 10:02}.{tenths % 10}"
