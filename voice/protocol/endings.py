"""How a call ends on our side: a last sentence, heard to its end, and then the socket is closed."""

from dataclasses import dataclass
from typing import Literal

AWAIT_FAREWELL_MS = 15_000

Intent = Literal["", "ended", "transfer"]


@dataclass(slots=True)
class Ending:
    """An ending under way; `awaited` means that the response with the farewell is still to come."""

    reason: str
    intent: Intent
    deadline_ms: float
    awaited: bool
    cancelable: bool  # the caller may think better of it by speaking or pressing a key


class Silence:
    """How often the caller has been asked whether they are there, and how long to wait before the next time."""

    def __init__(self, *, silence_ms: float, wait_ms: float, prompts: int) -> None:
        """Ask `prompts` times, each after `silence_ms`; after a request to hold on wait `wait_ms` once."""
        self._silence_ms = silence_ms
        self._wait_ms = wait_ms
        self._prompts = prompts
        self._asked = 0
        self.patient = False
        self.since_ms = 0.0

    def due_ms(self, dry_at_ms: float) -> float:
        """Return when the silence has lasted too long, if nothing is heard after `dry_at_ms`."""
        return max(self.since_ms, dry_at_ms) + (self._wait_ms if self.patient else self._silence_ms)

    def broken(self, now_ms: float) -> None:
        """Note that the caller did something."""
        self._asked = 0
        self.patient = False
        self.since_ms = now_ms

    def next(self, now_ms: float) -> int | Literal["wait", "goodbye"]:
        """Return what to say: the prompt of that number, the word of patience, or the goodbye."""
        self.since_ms = now_ms
        if self.patient:
            self.patient = False
            return "wait"
        if self._asked >= self._prompts:
            return "goodbye"
        self._asked += 1
        return self._asked - 1
