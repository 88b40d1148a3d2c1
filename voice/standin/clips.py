"""
The voices of the two stand-ins: shipped recordings, and babble for lines that nobody has recorded.

All audio is G.711 mu-law, 8 kHz, mono: 8 bytes are 1 ms. Recordings are in `clips/`, made by the command
`make_clips` and listed in `clips/manifest.json` by their exact text; a line may also be put together from recorded
pieces, as a railway station announces its trains.

The stand-ins do not understand speech. A line is recognised because its recording is known to both sides, byte by
byte (`Recognition`); to anything else they are deaf.
"""

import hashlib
import json
import math
import random
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal

Voice = Literal["caller", "assistant"]

FOLDER: Final = Path(__file__).parent / "clips"
BYTES_PER_MS: Final = 8
FRAME_BYTES: Final = 160
SILENCE: Final = b"\xff"
FINGERPRINT_BYTES: Final = 2560  # 320 ms from the first loud sample
_LOUD: Final = 1000  # of 32,767; quieter samples do not begin a line
_BABBLE_MS_PER_CHARACTER: Final = 60
_BABBLE_SHORTEST_MS: Final = 500
_SYLLABLES: Final = 48
_PAUSE_BETWEEN_PIECES: Final = SILENCE * (40 * BYTES_PER_MS)
_PAUSE_AFTER_MARK: Final = SILENCE * (160 * BYTES_PER_MS)
_MARKS: Final = ",.;:?!"
_KEPT: Final = 2048
_made: dict[tuple[str, Voice], bytes] = {}  # the newest lines of this process


def _sample(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return 0x84 - magnitude if code & 0x80 else magnitude - 0x84


_IS_LOUD: Final = bytes(1 if abs(_sample(code)) >= _LOUD else 0 for code in range(256))


def encode(sample: int) -> int:
    """Return the mu-law byte of a 16-bit sample (ITU-T G.711)."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 0x84
    exponent = max(0, magnitude.bit_length() - 8)
    return ~(sign | exponent << 4 | (magnitude >> (exponent + 3)) & 0x0F) & 0xFF


def clip(text: str, voice: Voice) -> bytes:
    """
    Return a line in a voice: its recording, or recorded pieces joined together, or else babble.

    Babble is synthetic and says nothing: syllables of speech-like loudness and length, always the same for the same
    text and voice, so that it can be recognised. It is for tests, where nobody listens.
    """
    made = _made.get((text, voice))
    if made is None:
        made = _recording(text, voice) or _joined(text, voice) or _babble(text, voice)
        if len(_made) >= _KEPT:
            _made.pop(next(iter(_made)))
        _made[text, voice] = made
    return made


def is_recorded(text: str, voice: Voice) -> bool:
    """Tell whether a line has real audio."""
    return bool(_recording(text, voice) or _joined(text, voice))


def duration_ms(audio: bytes) -> float:
    """Return how long mu-law audio plays."""
    return len(audio) / BYTES_PER_MS


def speech_begins(audio: bytes, start: int = 0) -> int:
    """Return the index of the first loud sample at or after `start`, or -1 when there is none."""
    return audio.translate(_IS_LOUD).find(1, start)


def fingerprint(audio: bytes) -> str:
    """
    Return what a recording is recognised by: a digest of the first 320 ms from its first loud sample on.

    It does not depend on silence before the line, on how the line was cut into frames, or on what follows it.
    Silence has the fingerprint "".
    """
    begin = speech_begins(audio)
    if begin < 0:
        return ""
    return hashlib.sha256(audio[begin : begin + FINGERPRINT_BYTES]).hexdigest()[:24]


class Recognition:
    """
    Recordings that are known by their bytes.

    With `follow` it also knows every line that this process makes in that voice, so that a caller in the same process
    as the assistant knows its words while they are played.
    """

    def __init__(self, follow: Voice | None = None) -> None:
        self._follow = follow
        self._known: dict[str, dict[str, bytes]] = {}
        self._learned: set[tuple[str, Voice]] = set()

    @property
    def follows(self) -> bool:
        """Whether lines of this process are known while they are played."""
        return self._follow is not None

    def learn(self, texts: Iterable[str], voice: Voice) -> None:
        """Know these lines from now on."""
        for text in texts:
            if not text or (text, voice) in self._learned:
                continue
            self._learned.add((text, voice))
            audio = clip(text, voice)
            begin = max(0, speech_begins(audio))
            self._known.setdefault(fingerprint(audio), {})[text] = audio[begin:]

    def text_of(self, audio: bytes) -> tuple[str, int]:
        """
        Return the known line that begins at the first loud sample of `audio`, and its length from there in bytes.

        `audio` may be only the beginning of the line. Several lines may begin alike; the longest that fits is meant.
        An unknown line is `("", 0)`.
        """
        if self._follow:
            self.learn([text for text, voice in list(_made) if voice == self._follow], self._follow)
        heard = audio[max(0, speech_begins(audio)) :]
        fitting = [
            (text, len(line))
            for text, line in self._known.get(fingerprint(audio), {}).items()
            if line.startswith(heard[: len(line)])
        ]
        return max(fitting, key=lambda found: found[1], default=("", 0))


def words_heard(text: str, played: float) -> str:
    """Return the first words of a line of which the share `played` (0 to 1) was played."""
    if played >= 1:
        return text
    words = text.split(" ")
    kept, length = 0, 0
    for word in words:
        length += len(word) + 1
        if length > played * (len(text) + 1):
            break
        kept += 1
    return " ".join(words[:kept])


@cache
def manifest() -> Mapping[str, Mapping[str, str]]:
    """Return the names of the shipped files by voice and exact text."""
    path = FOLDER / "manifest.json"
    if not path.exists():
        return {}
    voices: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))["clips"]
    return voices


@cache
def _pieces(voice: Voice) -> Mapping[tuple[str, ...], str]:
    """Return the recorded texts by their words alone."""
    return {tuple(_words(text)): text for text in manifest().get(voice, {})}


def _recording(text: str, voice: Voice) -> bytes:
    name = manifest().get(voice, {}).get(text)
    return (FOLDER / name).read_bytes() if name else b""


def _joined(text: str, voice: Voice) -> bytes:
    """Return the line put together from the longest recorded pieces, or nothing when a word is missing."""
    pieces = _pieces(voice)
    longest = max(map(len, pieces), default=0)
    tokens = text.split()
    audio = b""
    at = 0
    while at < len(tokens):
        for length in range(min(longest, len(tokens) - at), 0, -1):
            found = pieces.get(tuple(_words(" ".join(tokens[at : at + length]))))
            if found:
                break
        else:
            return b""
        at += length
        pause = _PAUSE_AFTER_MARK if tokens[at - 1][-1] in _MARKS else _PAUSE_BETWEEN_PIECES
        audio += _recording(found, voice) + (pause if at < len(tokens) else b"")
    return audio


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return re.findall(r"[\w']+", plain)


def _babble(text: str, voice: Voice) -> bytes:
    """Return syllables in an order that the text decides; none is quiet long enough to end a turn."""
    choose = random.Random(f"{voice}:{text}")
    length_ms = max(_BABBLE_SHORTEST_MS, len(text) * _BABBLE_MS_PER_CHARACTER)
    whole = length_ms * BYTES_PER_MS // FRAME_BYTES * FRAME_BYTES
    audio = bytearray()
    while len(audio) < whole:
        audio += choose.choice(_syllables(voice))
    return bytes(audio[:whole])


@cache
def _syllables(voice: Voice) -> tuple[bytes, ...]:
    """Return sounds of about 160 ms that swell and fade: a low buzz, and a tone that differs."""
    choose = random.Random(voice)
    base_hz = 110 if voice == "assistant" else 150
    sounds = []
    for _ in range(_SYLLABLES):
        pitch = 2 * math.pi * base_hz * choose.uniform(0.85, 1.25) / 8000
        formant = 2 * math.pi * choose.uniform(400, 1800) / 8000
        length = choose.randrange(1120, 1440)
        sounds.append(
            bytes(
                encode(
                    int(
                        7000
                        * (0.45 + 0.55 * math.sin(math.pi * at / length))
                        * (math.sin(pitch * at) + 0.7 * math.sin(formant * at))
                    )
                )
                for at in range(length)
            )
        )
    return tuple(sounds)
