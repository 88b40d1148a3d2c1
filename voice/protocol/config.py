"""What a call is held with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    silence_ms: float = 8_000
    silence_prompts: int = 2
    silence_lines: tuple[str, ...] = (  # the last one is said again if there are more prompts
        "Are you still there?",
        "I can't hear you. Say yes or press any key.",
    )
    silence_goodbye: str = "I'll let you go. Please call again any time."
    wait_ms: float = 45_000  # after the caller asked us to hold on
    wait_prompt: str = "No rush, take your time."
    call_limit_ms: float = 1_800_000
    call_limit_warning_ms: float = 60_000
    call_limit_warning: str = "We have about one minute left on this call."
    call_limit_goodbye: str = "Our time for this call is up. Please call again any time."
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
