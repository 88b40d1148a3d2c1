"""
The ledger of what Twilio was sent and what the caller heard of it (twilio.md, section 7; openai-realtime, section 6).

Twilio plays what we send in order and in real time. A mark comes back once the audio before it was played, and also
when `clear` dropped that audio: therefore each mark's name begins with a generation that every clear raises. Between
two marks the ledger counts by the clock, but never past the next mark that is due.
"""

from collections import deque
from dataclasses import dataclass

from voice.protocol.twilio import BYTES_PER_MS

MARK_EVERY_MS = 200
_STRETCH_BYTES = (MARK_EVERY_MS + 1) * BYTES_PER_MS


@dataclass(slots=True)
class _Stretch:
    """Audio of one item between two marks; `length` and `end` (of the item, from its start) count bytes."""

    item: str
    end: int
    length: int
    mark: str = ""


class Playback:
    """Bytes sent and heard of each item. Times are the caller's monotonic milliseconds; audio is mu-law."""

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self.generation = 0
        self._stretches: deque[_Stretch] = deque()  # unconfirmed; the last one may have no mark yet
        self._sent: dict[str, int] = {}
        self._heard: dict[str, int] = {}
        self._unconfirmed = 0
        self._dry_at = 0.0

    @property
    def pending(self) -> bool:
        """Tell whether some audio was sent and is neither confirmed nor cleared."""
        return self._unconfirmed > 0

    @property
    def unconfirmed_ms(self) -> float:
        """Return how much audio was sent and is neither confirmed nor cleared."""
        return self._unconfirmed / BYTES_PER_MS

    @property
    def dry_at_ms(self) -> float:
        """Return when Twilio's buffer runs dry, by the clock."""
        return self._dry_at

    @property
    def open_item(self) -> str:
        """Return the item whose audio was sent last, if no mark follows that audio yet."""
        if self._stretches and not self._stretches[-1].mark:
            return self._stretches[-1].item
        return ""

    def sent_ms(self, item: str) -> int:
        """Return how much of the item was sent."""
        return self._sent.get(item, 0) // BYTES_PER_MS

    def sent(self, item: str, length: int, now_ms: float) -> str:
        """Count `length` bytes of an item as sent; return the name of a mark to send after them, or nothing."""
        total = self._sent.get(item, 0) + length
        self._sent[item] = total
        self._unconfirmed += length
        self._dry_at = max(now_ms, self._dry_at) + length / BYTES_PER_MS
        last = self._stretches[-1] if self._stretches else None
        if last is None or last.mark or last.item != item:
            last = _Stretch(item, total, length)
            self._stretches.append(last)
        else:
            last.end = total
            last.length += length
        if last.length + length > _STRETCH_BYTES:  # another piece like this one would be too much
            return self.mark_due()
        return ""

    def mark_due(self) -> str:
        """Name the mark that ends the audio sent last, unless it has one; to be asked before another item begins."""
        if not self._stretches or self._stretches[-1].mark:
            return ""
        last = self._stretches[-1]
        last.mark = f"{self.generation}|{last.item}|{last.end // BYTES_PER_MS}"
        return last.mark

    def marked(self, name: str, now_ms: float) -> bool:
        """Count everything up to this mark as heard. Marks of an older generation, or unknown ones, count nothing."""
        if not any(stretch.mark == name for stretch in self._stretches):
            return False
        while True:
            stretch = self._stretches.popleft()
            self._unconfirmed -= stretch.length
            self._heard[stretch.item] = stretch.end
            if stretch.mark == name:
                break
        self._dry_at = now_ms + self.unconfirmed_ms  # what follows begins to play now
        return True

    def heard_ms(self, item: str, now_ms: float) -> int:
        """Return how much of the item was heard: what is confirmed, and the running part for the item now playing."""
        heard = float(self._heard.get(item, 0))
        if self._stretches and self._stretches[0].item == item:
            heard += self._running(now_ms)
        return int((heard + 1e-6) // BYTES_PER_MS)

    def confirmed_ms(self, item: str) -> int:
        """Return how much of the item was confirmed by a mark, or was heard when the rest of it was cleared."""
        return self._heard.get(item, 0) // BYTES_PER_MS

    def clear(self, now_ms: float) -> dict[str, int]:
        """Forget what was not heard; return the heard milliseconds of each item that was cut, oldest first."""
        cut = {stretch.item: 0 for stretch in self._stretches}
        if self._stretches:
            first = self._stretches[0].item
            self._heard[first] = self._heard.get(first, 0) + int(self._running(now_ms) + 1e-6)
        for item in cut:
            cut[item] = self._heard.get(item, 0) // BYTES_PER_MS
        self.generation += 1
        self._stretches.clear()
        self._unconfirmed = 0
        self._dry_at = now_ms
        return cut

    def _running(self, now_ms: float) -> float:
        """Return the bytes of the first unconfirmed stretch that have been played by the clock."""
        left = max(0.0, self._dry_at - now_ms) * BYTES_PER_MS
        return max(0.0, min(self._unconfirmed - left, self._stretches[0].length))
