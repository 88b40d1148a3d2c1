"""Keys that the caller presses, gathered until `#` or a pause."""


class Keypad:
    """Digits not yet passed to the model."""

    def __init__(self, *, most: int, pause_ms: float) -> None:
        """Keep at most `most` keys; `pause_ms` without another one ends the entry."""
        self._most = most
        self._pause_ms = pause_ms
        self._keys: list[str] = []
        self.due_ms: float | None = None

    @property
    def typing(self) -> bool:
        """Tell whether keys wait."""
        return self.due_ms is not None

    def press(self, key: str, now_ms: float) -> None:
        """Take a key; those beyond the most are dropped."""
        ends = key == "#"
        if len(self._keys) < self._most and (not ends or not self._keys):
            self._keys.append(key)
        self.due_ms = now_ms if ends else now_ms + self._pause_ms

    def take(self) -> str:
        """Return the entry as the model is told of it, and begin a new one."""
        text = "[keypad] " + " ".join(self._keys)
        self._keys.clear()
        self.due_ms = None
        return text
