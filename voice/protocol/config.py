"""What a call is held with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Lines:
    """What the bridge has said on its own account; the last silence line is said again if more are due."""

    silence: tuple[str, ...]
    silence_goodbye: str
    wait: str
    limit_warning: str
    limit_goodbye: str


LINES: Mapping[str, Lines] = {
    "en": Lines(
        silence=("Are you still there?", "I can't hear you. Say yes or press any key."),
        silence_goodbye="I'll let you go. Please call again any time.",
        wait="No rush, take your time.",
        limit_warning="We have about one minute left on this call.",
        limit_goodbye="Our time for this call is up. Please call again any time.",
    ),
    "es": Lines(
        silence=("¿Sigue ahí?", "No le oigo. Diga sí o pulse cualquier tecla."),
        silence_goodbye="Voy a colgar. Llame de nuevo cuando quiera.",
        wait="Sin prisa, tómese su tiempo.",
        limit_warning="Nos queda más o menos un minuto en esta llamada.",
        limit_goodbye="Se acabó el tiempo de esta llamada. Llame de nuevo cuando quiera.",
    ),
}


@dataclass(frozen=True, slots=True)
class BridgeConfig:
    """
    The session, the lines that the bridge has said on its own account, and the limits.

    `session` is the complete object for `session.update`. `greeting_audio` is mu-law, or None if the model shall speak
    the greeting. Times are milliseconds. The limits are those of the security reference, section 9.
    """

    session: Mapping[str, Any]
    greeting_text: str
    greeting_audio: bytes | None = None
    language: str = "en"  # in which the call begins
    lines: Mapping[str, Lines] = field(default_factory=lambda: LINES)
    silence_ms: float = 8_000
    silence_prompts: int = 2
    wait_ms: float = 45_000  # after the caller asked us to hold on
    call_limit_ms: float = 1_800_000
    call_limit_warning_ms: float = 60_000
    malformed_frames: int = 10
    model_garbage: int = 20
    frames_per_second: float = 100
    frame_burst: float = 300
    payload_bytes: int = 8192
    dtmf_digits: int = 32
    dtmf_pause_ms: float = 2_000
    session_timeout_ms: float = 8_000
    farewell_timeout_ms: float = 2_000
    held_audio_ms: float = 2_000
