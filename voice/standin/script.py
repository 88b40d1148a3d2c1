"""
The caller's mind: when to speak, what to say, when to hang up; it follows a scenario and keeps no clock of its own.

Times are milliseconds of the call.
"""

from dataclasses import dataclass
from typing import Final

from voice.standin.clips import Recognition, clip, duration_ms
from voice.standin.earpiece import Earpiece, Sound
from voice.standin.scenarios import Rival, Scenario, Turn
from voice.standin.timeline import Line, heard_lines

KEY_MS: Final = 220  # from key to key
PATIENCE_MS: Final = 45_000  # the caller gives up when a turn does not come


@dataclass(frozen=True, slots=True)
class Speak:
    """Say a line; `audio` is mu-law."""

    text: str
    audio: bytes


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys, one after another."""

    keys: str


@dataclass(frozen=True, slots=True)
class Interfere:
    """Let someone else book; the caller waits until `interfered` is called."""

    rival: Rival


@dataclass(frozen=True, slots=True)
class HangUp:
    """Put the receiver down; `stuck` tells that the caller lost patience before the script was through."""

    stuck: str = ""


Action = Speak | Press | Interfere | HangUp


class CallerScript:
    """One scenario on its way; `tick` is called every 20 ms."""

    def __init__(self, scenario: Scenario, recognition: Recognition) -> None:
        self.turns_taken = 0
        self._scenario = scenario
        self._recognition = recognition
        self._last_act_ms = 0.0  # end of the caller's last line or key
        self._waits_for_rival = False
        self._interfered = False

    @property
    def through(self) -> bool:
        """Whether every turn was taken."""
        return self.turns_taken == len(self._scenario.turns)

    def interfered(self) -> None:
        """Go on: the rival has booked."""
        self._waits_for_rival = False
        self._interfered = True

    def tick(self, now_ms: float, earpiece: Earpiece) -> list[Action]:
        """Return what the caller does now."""
        if now_ms < self._last_act_ms or self._waits_for_rival:
            return []
        if self.through:
            return self._ending(now_ms, earpiece)
        turn = self._scenario.turns[self.turns_taken]
        if not self._is_time(turn, now_ms, earpiece):
            return self._patience(now_ms, earpiece)
        if turn.rival is not None and not self._interfered:
            self._waits_for_rival = True
            return [Interfere(turn.rival)]
        self._interfered = False
        self.turns_taken += 1
        self._last_act_ms = now_ms
        actions: list[Action] = []
        if turn.caller:
            audio = clip(turn.caller, "caller")
            self._last_act_ms += duration_ms(audio)
            actions.append(Speak(turn.caller, audio))
        if turn.keys:
            self._last_act_ms += KEY_MS * len(turn.keys)
            actions.append(Press(turn.keys))
        return actions

    def _is_time(self, turn: Turn, now_ms: float, earpiece: Earpiece) -> bool:
        when = turn.when
        if when.kind == "greeting":
            sounds = earpiece.sounds
            return bool(sounds) and now_ms >= sounds[0].started_ms + when.after_ms
        if when.kind == "quiet":
            return self._answered(now_ms, earpiece, when.after_ms)
        lines = self._lines_since(earpiece)
        if any(when.words.casefold() in line.text.casefold() for line in lines):
            return True
        # What another process says is not known while it is played: then the time of speech decides.
        unknown_ms = sum(line.ended_ms - line.started_ms for line in lines if not line.text)
        return not self._recognition.follows and unknown_ms >= when.after_ms

    def _answered(self, now_ms: float, earpiece: Earpiece, after_ms: int) -> bool:
        """Tell whether something was heard since the caller's last act, and then nothing for a while."""
        quiet_since = earpiece.quiet_since_ms()
        return (
            quiet_since is not None
            and quiet_since > self._last_act_ms
            and now_ms - quiet_since >= after_ms
        )

    def _lines_since(self, earpiece: Earpiece) -> list[Line]:
        """Return the lines that have been playing since the caller's last act."""
        recent: list[Sound] = [
            sound for sound in earpiece.sounds if sound.ended_ms > self._last_act_ms
        ]
        return [
            line
            for line in heard_lines(recent, self._recognition)
            if line.ended_ms > self._last_act_ms
        ]

    def _ending(self, now_ms: float, earpiece: Earpiece) -> list[Action]:
        ending = self._scenario.ending
        if ending.kind == "wait":
            return self._patience(now_ms, earpiece)
        if ending.answered:
            return [HangUp()] if self._answered(now_ms, earpiece, ending.after_ms) else []
        return [HangUp()] if now_ms - self._last_act_ms >= ending.after_ms else []

    def _patience(self, now_ms: float, earpiece: Earpiece) -> list[Action]:
        last_sound = earpiece.sounds[-1].ended_ms if earpiece.sounds else 0.0
        if now_ms - max(last_sound, self._last_act_ms) < PATIENCE_MS:
            return []
        waited_for = "the end of the call" if self.through else f"turn {self.turns_taken + 1}"
        return [HangUp(f"waited {PATIENCE_MS // 1000} s for {waited_for}")]
