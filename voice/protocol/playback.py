"""
The ledger of what Twilio was sent and what the caller heard of it (twilio.md, section 7; openai-realtime, section 6).

Twilio plays what we send in order and in real time. A mark comes back once the audio before it was played, and also
when `clear` dropped that audio: therefore each mark's name begins with a generation that every clear raises.

Two notions are kept apart. *Confirmed* is what marks prove, and nothing else may stand for "the caller heard it" when
a booking rests on it. *Heard* is the best estimate, for cutting a transcript: at least what is confirmed, at most what
was sent, and between them what the clock says, where each piece begins to play at `max(now, when the buffer runs dry)`.
"""

from collections import deque
from dataclasses import dataclass
from itertools import chain

from voice.protocol.twilio import BYTES_PER_MS

MARK_EVERY_MS = 200
LOST_MARK_MS = 2_000  # a mark that is this late by the clock is waited for no longer

_STRETCH_BYTES = (MARK_EVERY_MS + 1) * BYTES_PER_MS
_MOST_LOST = 300  # stretches of which a mark may still come: a minute's
_ROUNDING = 1e-6  # bytes: sums of floating-point milliseconds miss whole ones by less


@dataclass(slots=True)
class _Stretch:
    """Audio of one item between two marks; `length` and `end` (of the item, from its start) count bytes."""

    item: str
    end: int
    length: int
    due_ms: float  # when it will have been played, by the clock
    mark: str = ""


class Playback:
    """Bytes sent and heard of each item. Times are the caller's monotonic milliseconds; audio is mu-law."""

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self.generation = 0
        self._stretches: deque[_Stretch] = deque()  # unconfirmed; the last one may have no mark yet
        self._lost: deque[_Stretch] = deque(
            maxlen=_MOST_LOST
        )  # let go; they came before the others
        self._sent: dict[str, int] = {}
        self._confirmed: dict[str, int] = {}
        self._past: dict[str, int] = {}
        self._dry_at = 0.0

    @property
    def pending(self) -> bool:
        """Tell whether some audio was sent and is neither confirmed, let go nor cleared."""
        return bool(self._stretches)

    @property
    def unconfirmed(self) -> bool:
        """Tell whether some audio was sent and is neither confirmed nor cleared: a stalled carrier may hold it."""
        return bool(self._stretches or self._lost)

    @property
    def dry_at_ms(self) -> float:
        """Return when Twilio's buffer runs dry, by the clock."""
        return self._dry_at

    @property
    def lost_at_ms(self) -> float | None:
        """Return when the next mark counts as lost."""
        if self._stretches and self._stretches[0].mark:
            return self._stretches[0].due_ms + LOST_MARK_MS
        return None

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
        dry_at = self._dry_at = max(now_ms, self._dry_at) + length / BYTES_PER_MS
        last = self._stretches[-1] if self._stretches else None
        if last is None or last.mark or last.item != item:
            last = _Stretch(item, total, length, dry_at)
            self._stretches.append(last)
        else:
            last.end = total
            last.length += length
            last.due_ms = dry_at
        if last.length + length > _STRETCH_BYTES:  # another piece like this one would be too much
            return self.mark_due(now_ms)
        return ""

    def mark_due(self, now_ms: float) -> str:
        """Name the mark that ends the audio sent last, unless it has one; to be asked before another item begins."""
        if not self._stretches or self._stretches[-1].mark:
            return ""
        last = self._stretches[-1]
        last.mark = f"{self.generation}|{last.item}|{last.end // BYTES_PER_MS}"
        last.due_ms = max(last.due_ms, now_ms)  # no mark comes back before it was sent
        return last.mark

    def marked(self, name: str, now_ms: float) -> bool:
        """
        Count everything up to this mark as confirmed. Marks of an older generation, or unknown ones, count nothing.

        A mark of audio that was let go shows that the carrier had only stalled: what follows it is waited for again.
        """
        if not any(stretch.mark == name for stretch in chain(self._lost, self._stretches)):
            return False
        self._recall()
        while True:
            stretch = self._stretches.popleft()
            self._confirmed[stretch.item] = self._past[stretch.item] = stretch.end
            if stretch.mark == name:
                break
        self._resynchronise(now_ms, late_ms=now_ms - stretch.due_ms)
        return True

    def let_go(self, now_ms: float) -> None:
        """Wait no longer for lost marks: their audio counts as heard by the clock, but not as confirmed."""
        while (lost_at := self.lost_at_ms) is not None and now_ms >= lost_at:
            stretch = self._stretches.popleft()
            self._past[stretch.item] = stretch.end
            self._lost.append(stretch)

    def heard_ms(self, item: str, now_ms: float) -> int:
        """Return how much of the item was heard by now, as far as marks and the clock can tell."""
        heard = float(self._past.get(item, 0))
        for stretch in self._stretches:
            if stretch.item == item:
                left = max(0.0, stretch.due_ms - now_ms) * BYTES_PER_MS
                heard += max(0.0, stretch.length - left)
        return int(heard + _ROUNDING) // BYTES_PER_MS

    def past_ms(self, item: str) -> int:
        """Return how much of the item is over: confirmed, let go, or heard when the rest was cleared."""
        return self._past.get(item, 0) // BYTES_PER_MS

    def confirmed_ms(self, item: str) -> int:
        """Return how much of the item marks prove to have been played."""
        return self._confirmed.get(item, 0) // BYTES_PER_MS

    def clear(self, now_ms: float) -> dict[str, int]:
        """Forget what was not heard; return the heard milliseconds of each item that was cut, oldest first."""
        cut = {stretch.item: 0 for stretch in self._stretches}
        for item in cut:
            cut[item] = self.heard_ms(item, now_ms)
        for item, heard in cut.items():
            self._past[item] = heard * BYTES_PER_MS
        self.generation += 1
        self._stretches.clear()
        self._lost.clear()
        self._dry_at = now_ms
        return cut

    def _recall(self) -> None:
        """Wait again for the marks that counted as lost."""
        while self._lost:
            stretch = self._lost.pop()
            self._past[stretch.item] = stretch.end - stretch.length
            self._stretches.appendleft(stretch)

    def _resynchronise(self, now_ms: float, *, late_ms: float) -> None:
        """
        Set the clock by a mark that came back now.

        What follows the mark begins to play now at the latest, so an early mark sets the clock forward. A late mark
        was on its way for a while, which does not slow the audio down; only one that had counted as lost tells of a
        carrier that stalled, and sets the clock back.
        """
        if 0 <= late_ms < LOST_MARK_MS:
            return
        bound = min if late_ms < 0 else max
        due = now_ms
        for stretch in self._stretches:
            due += stretch.length / BYTES_PER_MS
            stretch.due_ms = bound(stretch.due_ms, due)
        self._dry_at = bound(self._dry_at, due)
