"""How much the peers may ask of one call (security reference, section 9)."""

FLOOD_MS = 5_000


class FrameBudget:
    """A bucket of frames: `burst` at once, `per_second` for ever; more of them for five seconds are a flood."""

    def __init__(self, *, per_second: float, burst: float) -> None:
        """Begin with a full bucket."""
        self._per_ms = per_second / 1000
        self._burst = burst
        self._recovered = min(per_second, burst / 2)
        self._left = burst
        self._at = 0.0
        self._over_since: float | None = None

    def take(self, now_ms: float) -> bool:
        """Count a frame; False if it is one too many."""
        left = self._left + (now_ms - self._at) * self._per_ms
        self._at = now_ms
        if left > self._burst:
            left = self._burst
        if left >= self._recovered:
            self._over_since = None
        if left >= 1:
            self._left = left - 1
            return True
        self._left = left
        if self._over_since is None:
            self._over_since = now_ms
        return False

    def flooded(self, now_ms: float) -> bool:
        """Tell whether the peer has sent too much for too long."""
        return self._over_since is not None and now_ms - self._over_since >= FLOOD_MS


class HeldAudio:
    """The caller's audio until the model can take it: the newest two seconds."""

    def __init__(self, *, most_bytes: int) -> None:
        """Keep at most `most_bytes` of mu-law."""
        self._most = most_bytes
        self._payloads: list[tuple[str, int]] = []
        self._bytes = 0

    def hold(self, payload: str, length: int) -> None:
        """Keep a payload of `length` bytes; the oldest make room for it."""
        self._payloads.append((payload, length))
        self._bytes += length
        while self._bytes > self._most:
            _, dropped = self._payloads.pop(0)
            self._bytes -= dropped

    def take(self) -> list[str]:
        """Return what was kept, oldest first, and keep nothing."""
        payloads = [payload for payload, _ in self._payloads]
        self._payloads.clear()
        self._bytes = 0
        return payloads
