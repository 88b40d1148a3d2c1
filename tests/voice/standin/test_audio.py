"""The audio formats of the stand-in."""

import math

import pytest

from tests.voice.standin.talk import LOUD_FRAME, QUIET_FRAME
from voice.standin.audio import from_mulaw, loudness, to_mulaw
from voice.standin.clips import encode

ALL_CODES = bytes(range(256))


def tone(amplitude: int) -> bytes:
    """Return 20 ms of 400 Hz as mu-law."""
    wave = (amplitude * math.sin(2 * math.pi * 400 * index / 8000) for index in range(160))
    return bytes(encode(int(sample)) for sample in wave)


class TestConversion:
    def test_through_pcm_gives_the_same_mulaw_back(self) -> None:
        back = to_mulaw(from_mulaw(ALL_CODES, "audio/pcm"), "audio/pcm")

        assert [loudness(bytes([code]), "audio/pcmu") for code in back] == [
            loudness(bytes([code]), "audio/pcmu") for code in ALL_CODES
        ]

    def test_to_pcm_makes_six_bytes_of_each_sample(self) -> None:
        assert len(from_mulaw(LOUD_FRAME, "audio/pcm")) == 6 * len(LOUD_FRAME)

    @pytest.mark.parametrize("audio_format", ["audio/pcma", "audio/pcm"])
    @pytest.mark.parametrize("amplitude", [300, 3_000, 30_000])
    def test_keeps_the_loudness(self, audio_format: str, amplitude: int) -> None:
        frame = tone(amplitude)

        converted = loudness(from_mulaw(frame, audio_format), audio_format)
        back = loudness(to_mulaw(from_mulaw(frame, audio_format), audio_format), "audio/pcmu")

        assert converted == pytest.approx(loudness(frame, "audio/pcmu"), rel=0.1)
        assert back == pytest.approx(loudness(frame, "audio/pcmu"), rel=0.1)


class TestLoudness:
    def test_of_a_sine_is_its_root_mean_square(self) -> None:
        expected = 8_000 / math.sqrt(2) / 32_768

        assert loudness(tone(8_000), "audio/pcmu") == pytest.approx(expected, rel=0.03)

    def test_of_silence_is_nothing(self) -> None:
        assert loudness(QUIET_FRAME, "audio/pcmu") == 0
        assert loudness(b"", "audio/pcmu") == 0
        assert loudness(bytes(960), "audio/pcm") == 0
