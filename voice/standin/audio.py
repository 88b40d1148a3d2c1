"""
The three audio formats of the Realtime API: their byte rates, loudness and conversions.

The stand-in keeps every voice as G.711 mu-law, 8 kHz, mono (8 bytes are 1 ms) and converts at its edges. The code
tables follow ITU-T G.711. Audio that was converted sounds the same but is not always the same bytes, so a caller's
recording is surely recognised in mu-law only.
"""

from array import array
from collections.abc import Mapping
from typing import Final, Literal

AudioFormat = Literal["audio/pcmu", "audio/pcma", "audio/pcm"]

BYTES_PER_MS: Final[Mapping[str, int]] = {"audio/pcmu": 8, "audio/pcma": 8, "audio/pcm": 48}
FRAME_MS: Final = 20
_UPSAMPLING: Final = 3  # 8 kHz to the only PCM rate the API has, 24 kHz
_FULL_SCALE: Final = 32768.0
_SHIFT: Final = 2  # the steps of mu-law near zero are 8


def _mulaw_sample(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return 0x84 - magnitude if code & 0x80 else magnitude - 0x84


def _alaw_sample(code: int) -> int:
    code ^= 0x55
    exponent = (code & 0x70) >> 4
    magnitude = ((code & 0x0F) << 4) + 8
    if exponent:
        magnitude = (magnitude + 0x100) << (exponent - 1)
    return magnitude if code & 0x80 else -magnitude


_MULAW: Final = tuple(_mulaw_sample(code) for code in range(256))
_ALAW: Final = tuple(_alaw_sample(code) for code in range(256))
_MULAW_SQUARES: Final = tuple(sample * sample for sample in _MULAW)
_ALAW_SQUARES: Final = tuple(sample * sample for sample in _ALAW)


def _nearest_codes(samples: tuple[int, ...]) -> tuple[int, ...]:
    """Return, for each 16-bit sample shifted right by `_SHIFT`, the code whose sample is nearest."""
    ordered = sorted(range(256), key=lambda code: samples[code])
    codes = []
    position = 0
    for value in range(-32768, 32768, 1 << _SHIFT):
        middle = value + (1 << _SHIFT) // 2
        while position < 255 and abs(samples[ordered[position + 1]] - middle) <= abs(
            samples[ordered[position]] - middle
        ):
            position += 1
        codes.append(ordered[position])
    return tuple(codes)


_TO_MULAW: Final = _nearest_codes(_MULAW)
_TO_ALAW: Final = _nearest_codes(_ALAW)
_MULAW_TO_ALAW: Final = bytes(_TO_ALAW[(sample + 32768) >> _SHIFT] for sample in _MULAW)
_ALAW_TO_MULAW: Final = bytes(_TO_MULAW[(sample + 32768) >> _SHIFT] for sample in _ALAW)


def loudness(frame: bytes, audio_format: str) -> float:
    """Return the root mean square of a frame, 0 (silence) to 1 (full scale); an empty frame is silent."""
    if audio_format == "audio/pcm":
        samples = _pcm_samples(frame)
        energy, count = sum(sample * sample for sample in samples), len(samples)
    else:
        squares = _MULAW_SQUARES if audio_format == "audio/pcmu" else _ALAW_SQUARES
        energy, count = sum(map(squares.__getitem__, frame)), len(frame)
    return float((energy / count) ** 0.5 / _FULL_SCALE) if count else 0.0


def from_mulaw(audio: bytes, audio_format: str) -> bytes:
    """Return mu-law audio in the asked format; PCM is 16-bit little-endian, 24 kHz, linearly interpolated."""
    if audio_format == "audio/pcmu":
        return audio
    if audio_format == "audio/pcma":
        return audio.translate(_MULAW_TO_ALAW)
    samples = array("h")
    previous = _MULAW[audio[0]] if audio else 0
    for code in audio:
        sample = _MULAW[code]
        step = (sample - previous) / _UPSAMPLING
        samples.extend(int(previous + step * part) for part in range(1, _UPSAMPLING + 1))
        previous = sample
    return samples.tobytes()


def to_mulaw(audio: bytes, audio_format: str) -> bytes:
    """Return audio of the given format as mu-law; of 24 kHz PCM every third sample is kept."""
    if audio_format == "audio/pcmu":
        return audio
    if audio_format == "audio/pcma":
        return audio.translate(_ALAW_TO_MULAW)
    samples = _pcm_samples(audio)[_UPSAMPLING - 1 :: _UPSAMPLING]
    return bytes(_TO_MULAW[(sample + 32768) >> _SHIFT] for sample in samples)


def _pcm_samples(audio: bytes) -> "array[int]":
    samples = array("h")
    samples.frombytes(audio[: len(audio) // 2 * 2])
    return samples
