"""
The assistant's audio on its way to the caller: cut into pieces, marked, and never too far ahead of the ear.

By the clock at most `AHEAD_MS` of audio lie unplayed at Twilio; the rest waits here. Marks set that clock, but are not
needed for it: a carrier that returns them late, or never, holds no speech back. The ledger lets lost marks go, so that
such a carrier costs neither memory nor bookkeeping (security reference, S71).
"""

from base64 import b64encode
from collections import deque
from dataclasses import dataclass

from voice.protocol import twilio
from voice.protocol.commands import Command, SendToTwilio
from voice.protocol.playback import Playback
from voice.protocol.twilio import BYTES_PER_MS

AHEAD_MS = 10_000
WAITING_MS = 240_000  # more than the longest answer a model may give (4,096 tokens)
TOLERANCE_MS = 250  # the end of an item that need not be heard for it to count as heard

_MOST_BYTES = 1600  # 200 ms
_PIECE_BYTES = (
    1599  # 199.9 ms: the most that fits 200 ms and a whole number of base64's groups of three
)


@dataclass(slots=True)
class _Item:
    """What is known of an item's audio; `received` counts bytes."""

    content_index: int = 0
    received: int = 0
    complete: bool = False
    cut: bool = False  # the caller interrupted it: whatever else comes of it is dropped
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """An item that the caller did not hear to its end; the model is to be told when it made more than was heard."""

    item_id: str
    content_index: int
    heard_ms: int
    truncate: bool


class Speech:
    """The assistant's audio of one call, in the order in which it was received."""

    def __init__(self) -> None:
        """Begin silent; `stream_sid` is set when the stream starts."""
        self.stream_sid = ""
        self.playback = Playback()
        self._items: dict[str, _Item] = {}
        self._open: dict[str, _Item] = {}  # received, and not heard to the end
        self._waiting: deque[tuple[str, str, int]] = deque()
        self._waiting_bytes = 0
        self._fixed = ""  # the recorded greeting while it plays: nothing overtakes or interrupts it

    @property
    def pending(self) -> bool:
        """Tell whether the caller still has something to hear."""
        return self.playback.pending or bool(self._waiting)

    @property
    def waiting(self) -> bool:
        """Tell whether audio has not been sent to Twilio yet."""
        return bool(self._waiting)

    def pending_ms(self, now_ms: float) -> float:
        """Return how long it takes, by the clock, until everything has been heard."""
        return max(0.0, self.playback.dry_at_ms - now_ms) + self._waiting_bytes / BYTES_PER_MS

    @property
    def deadline_ms(self) -> float | None:
        """Return when Twilio has room for what waits, or the next mark counts as lost."""
        lost_at = self.playback.lost_at_ms
        if not self._waiting or self._fixed:
            return lost_at
        return self._room_at_ms if lost_at is None else min(self._room_at_ms, lost_at)

    def received_ms(self, item_id: str) -> int:
        """Return how much of the item's audio was received."""
        item = self._items.get(item_id)
        return item.received // BYTES_PER_MS if item else 0

    def is_cut(self, item_id: str) -> bool:
        """Tell whether the caller interrupted the item."""
        item = self._items.get(item_id)
        return item is not None and item.cut

    def is_played(self, item_id: str) -> bool:
        """Tell whether marks prove that all of a complete item was heard, but for the last quarter of a second."""
        return self._is_all(item_id, self.playback.confirmed_ms(item_id))

    def is_heard(self, item_id: str) -> bool:
        """Tell the same of an item that is over by the best estimate: for the record, not as proof."""
        return self._is_all(item_id, self.playback.past_ms(item_id))

    def is_whole(self, item_id: str) -> bool:
        """Tell whether the caller, as marks prove, heard all that the model wanted to say in this item."""
        return self.is_played(item_id) and not self._items[item_id].unfinished

    def leave_unfinished(self, item_id: str) -> None:
        """Note that the model was stopped before the end of this item."""
        item = self._items.get(item_id)
        if item is not None:
            item.unfinished = True

    def is_open(self, item_id: str) -> bool:
        """Tell whether part of the item is still to be heard."""
        return item_id in self._open

    def add(self, item_id: str, content_index: int, payload: str, now_ms: float) -> list[Command]:
        """Send audio that the model made, or let it wait; `payload` is checked base64."""
        item = self._items.get(item_id)
        if item is None:
            item = self._items[item_id] = _Item(content_index)
        if item.cut:
            return []
        length = twilio.decoded_length(payload)
        if not length:
            return []
        self._open[item_id] = item
        if self._waiting or self._fixed or now_ms < self._room_at_ms:
            if self._waiting_bytes + length > WAITING_MS * BYTES_PER_MS:
                item.cut = True  # the caller will not hear it whole, so nothing may rest on it
                return []
            item.received += length
            self._waiting.append((item_id, payload, length))
            self._waiting_bytes += length
            return self.release(now_ms)
        item.received += length
        return self._send(item_id, payload, now_ms)

    def complete(self, item_id: str, now_ms: float) -> list[Command]:
        """Note that the item's audio has ended, and mark its end."""
        item = self._items.get(item_id)
        if item is None or item.complete or item.cut:
            return []
        item.complete = True
        return [] if self._waiting else self._mark(self.playback.mark_due(now_ms))

    def complete_all(self, now_ms: float) -> list[Command]:
        """Note that no more audio comes for any item, since the response that made them is over."""
        commands: list[Command] = []
        for item_id in list(self._open):
            commands += self.complete(item_id, now_ms)
        return commands

    def play_fixed(self, item_id: str, audio: bytes, now_ms: float) -> list[Command]:
        """Send a recording that speech does not interrupt."""
        commands: list[Command] = []
        item = self._items[item_id] = _Item(received=len(audio), complete=True)
        if not audio:
            return commands
        self._open[item_id] = item
        self._fixed = item_id
        for at in range(0, len(audio), _PIECE_BYTES):
            commands += self._send(
                item_id, b64encode(audio[at : at + _PIECE_BYTES]).decode(), now_ms
            )
        return commands + self._mark(self.playback.mark_due(now_ms))

    def marked(self, name: str, now_ms: float) -> bool:
        """Count a mark; tell whether it was one that we wait for."""
        return self.playback.marked(name, now_ms)

    def release(self, now_ms: float) -> list[Command]:
        """Send what waits, as far as Twilio has room."""
        if self._fixed:
            return []
        commands: list[Command] = []
        while self._waiting and now_ms >= self._room_at_ms:
            item_id, payload, length = self._waiting.popleft()
            self._waiting_bytes -= length
            commands += self._send(item_id, payload, now_ms)
        if commands and not self._waiting and self._items[item_id].complete:
            commands += self._mark(self.playback.mark_due(now_ms))
        return commands

    def settle(self, now_ms: float) -> list[str]:
        """Return the items that are heard to their end, each once; a lost mark is waited for no longer."""
        self.playback.let_go(now_ms)
        heard = []
        for item_id, item in list(self._open.items()):
            if self.playback.past_ms(item_id) < item.received // BYTES_PER_MS:
                break
            if item.complete:
                del self._open[item_id]
                heard.append(item_id)
                if item_id == self._fixed:
                    self._fixed = ""
        return heard

    def interrupt(self, now_ms: float, *, by_key: bool = False) -> tuple[list[Command], list[Cut]]:
        """
        Drop all that was not heard; return the `clear`, and what was cut, oldest first.

        The recorded greeting goes on when the caller speaks over it, and ends when a key is pressed.
        """
        keeps_fixed = bool(self._fixed) and not by_key
        commands: list[Command] = []
        fixed = self._fixed
        if self.playback.unconfirmed and not keeps_fixed:
            self.playback.clear(now_ms)
            commands.append(SendToTwilio(twilio.clear(self.stream_sid)))
            self._fixed = ""
        self._waiting.clear()
        self._waiting_bytes = 0
        cuts = []
        for item_id, item in list(self._open.items()):
            if item_id == fixed and keeps_fixed:
                continue
            del self._open[item_id]
            heard = min(self.playback.past_ms(item_id), item.received // BYTES_PER_MS)
            shorter = heard < item.received // BYTES_PER_MS
            item.cut = True  # also of a finished response deltas may still be on their way
            if shorter or not item.complete:
                truncate = shorter and item_id != fixed
                cuts.append(Cut(item_id, item.content_index, heard, truncate))
        return commands, cuts

    def stop(self, now_ms: float) -> None:
        """Let what was heard by now stand as it is: the stream is gone."""
        self.playback.clear(now_ms)

    @property
    def _room_at_ms(self) -> float:
        """Return from when on Twilio has room."""
        return self.playback.dry_at_ms - AHEAD_MS

    def _is_all(self, item_id: str, heard_ms: int) -> bool:
        """Tell whether so much is all of a complete item."""
        item = self._items.get(item_id)
        if item is None or not item.complete or not item.received:
            return False
        received = item.received // BYTES_PER_MS
        return received - heard_ms <= min(TOLERANCE_MS, received // 4)

    def _send(self, item_id: str, payload: str, now_ms: float) -> list[Command]:
        commands: list[Command] = []
        playback = self.playback
        sid = self.stream_sid
        if playback.open_item not in ("", item_id):
            commands += self._mark(playback.mark_due(now_ms))
        length = twilio.decoded_length(payload)
        if length <= _MOST_BYTES:
            commands.append(SendToTwilio(twilio.media(sid, payload)))
            mark = playback.sent(item_id, length, now_ms)
            return commands + self._mark(mark) if mark else commands
        # Base64 may be cut after any multiple of 4 characters without decoding it; equal pieces leave no crumbs.
        pieces = -(-length // _PIECE_BYTES)
        size = -(-len(payload) // (4 * pieces)) * 4
        for at in range(0, len(payload), size):
            piece = payload[at : at + size]
            commands.append(SendToTwilio(twilio.media(sid, piece)))
            commands += self._mark(playback.sent(item_id, twilio.decoded_length(piece), now_ms))
        return commands

    def _mark(self, name: str) -> list[Command]:
        return [SendToTwilio(twilio.mark(self.stream_sid, name))] if name else []
