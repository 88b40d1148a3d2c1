"""
The conversation in its order: who said what, how much of it was heard, and what followed each tool's answer.

Transcripts arrive late and in any order; the server names each item's predecessor, and only that decides where a row
stands (openai-realtime, section 7).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from voice.protocol.commands import CallerTurn, Evidence, RecordTurn, Spoken
from voice.protocol.speech import Speech

TRANSCRIPT_TIMEOUT_MS = 10_000
GREETING = "greeting"

_MAX_ITEMS = 5_000
_MAX_TEXT = 20_000


@dataclass(slots=True, eq=False)
class Turn:
    """One message of the conversation; times count from the start of the call."""

    item_id: str
    speaker: Literal["caller", "assistant"]
    started_ms: int
    ended_ms: int | None = None
    text: str = ""
    committed: bool = False  # the caller's: it is part of the conversation
    transcribed: bool | None = (
        None  # the caller's: unknown until a transcript came, failed or is overdue
    )
    due_ms: float | None = None
    closed: bool = False  # the assistant's: nothing more will be heard of it
    stored: RecordTurn | None = None


@dataclass(slots=True)
class _Answered:
    """The place in the conversation where a function call was answered."""

    call_id: str


@dataclass(slots=True)
class _Place:
    previous: str = ""
    position: float = 0.0


@dataclass(slots=True)
class Conversation:
    """All items of the call in order, and the rows made of them."""

    speech: Speech
    turns: dict[str, Turn] = field(default_factory=dict)
    _order: list[str] = field(default_factory=list)
    _places: dict[str, _Place] = field(default_factory=dict)
    _events: list[Turn | _Answered] = field(default_factory=list)
    _awaited: dict[str, Turn] = field(default_factory=dict)

    def place(self, item_id: str, previous: str | None) -> bool:
        """Put an item after its predecessor; None is the first place, an unknown predecessor the last."""
        if item_id in self._places:
            at = self._order.index(item_id)
            if previous is not None and (previous == item_id or previous not in self._places):
                return False
            before = self._order[at - 1] if at else None
            if before == previous or (previous is None and before == GREETING):
                return False
            del self._order[at]
        elif len(self._order) >= _MAX_ITEMS:
            return False
        if previous is None:
            at = 1 if self._order[:1] == [GREETING] and item_id != GREETING else 0
        elif previous in self._places and previous != item_id:
            at = self._order.index(previous) + 1
        else:
            at = len(self._order)
        self._places[item_id] = _Place(self._order[at - 1] if at else "", self._between(at))
        self._order.insert(at, item_id)
        return True

    def append(self, item_id: str) -> None:
        """Put an item last, unless it has a place."""
        if item_id not in self._places:
            self.place(item_id, self._order[-1] if self._order else None)

    def turn(
        self, item_id: str, speaker: Literal["caller", "assistant"], at_ms: int
    ) -> Turn | None:
        """Return the turn of this item, begun now if it is new; nothing if another speaker has it."""
        turn = self.turns.get(item_id)
        if turn is None:
            self.append(item_id)
            if item_id not in self._places:
                return None
            turn = self.turns[item_id] = Turn(item_id, speaker, at_ms)
            self._events.append(turn)
        return turn if turn.speaker == speaker else None

    def commit(self, turn: Turn, at_ms: int, now_ms: float) -> None:
        """Make the caller's turn part of the conversation and wait for its transcript."""
        if turn.committed:
            return
        turn.committed = True
        if turn.ended_ms is None:
            turn.ended_ms = at_ms
        if turn.transcribed is None:
            turn.due_ms = now_ms + TRANSCRIPT_TIMEOUT_MS
            self._awaited[turn.item_id] = turn

    def transcribe(self, turn: Turn, text: str | None) -> None:
        """Fill in what the caller said, or that nobody knows (None)."""
        self._awaited.pop(turn.item_id, None)
        if text is None:
            if turn.transcribed is None:
                turn.transcribed = False
            return
        turn.text = _storable(text)
        turn.transcribed = True

    def write(self, turn: Turn, words: str, *, more: bool) -> None:
        """Add to the words of an assistant's turn, or set all of them."""
        turn.text = _storable(turn.text + words if more else words)

    def overdue(self, now_ms: float) -> list[Turn]:
        """Return the turns whose transcripts did not come in time, and wait for them no longer."""
        late = [
            turn
            for turn in self._awaited.values()
            if turn.due_ms is not None and turn.due_ms <= now_ms
        ]
        for turn in late:
            self.transcribe(turn, None)
        return late

    @property
    def deadline_ms(self) -> float | None:
        """Return when the next transcript is overdue."""
        return next((turn.due_ms for turn in self._awaited.values()), None)

    def answered(self, call_id: str) -> None:
        """Note that a function call was answered at this point."""
        self._events.append(_Answered(call_id))

    def evidence(self) -> Evidence:
        """Return what the caller heard and did after each answered function call."""
        after: dict[str, list[Spoken | CallerTurn]] = {}
        for event in self._events:
            if isinstance(event, _Answered):
                after.setdefault(event.call_id, [])
                continue
            entry: Spoken | CallerTurn
            if event.speaker == "assistant":
                if not self.speech.received_ms(event.item_id):
                    continue
                entry = Spoken(event.text, self.speech.is_whole(event.item_id))
            elif event.committed:
                entry = CallerTurn()
            else:
                continue
            for entries in after.values():
                entries.append(entry)
        return Evidence({call_id: tuple(entries) for call_id, entries in after.items()})

    def rows(self, turn: Turn) -> Iterator[RecordTurn]:
        """Give the row of a finished turn, unless it is stored like this already."""
        row = self._row(turn)
        if row is not None and row != turn.stored:
            turn.stored = row
            yield row

    def _between(self, at: int) -> float:
        """Return a position for an item put before the one that is number `at` now."""
        before = self._places[self._order[at - 1]].position if at else None
        after = self._places[self._order[at]].position if at < len(self._order) else None
        if before is None:
            return 1.0 if after is None else after - 1
        return before + 1 if after is None else (before + after) / 2

    def _row(self, turn: Turn) -> RecordTurn | None:
        place = self._places[turn.item_id]
        if turn.speaker == "caller":
            if turn.transcribed is None:
                return None
            return RecordTurn(
                item_id=turn.item_id,
                previous_item_id=place.previous,
                position=place.position,
                speaker="caller",
                text=turn.text,
                started_ms=turn.started_ms,
                ended_ms=turn.ended_ms,
                transcribed=turn.transcribed,
            )
        received = self.speech.received_ms(turn.item_id)
        if not turn.closed or not received:
            return None
        heard = min(self.speech.playback.past_ms(turn.item_id), received)
        whole = self.speech.is_heard(turn.item_id)
        text, unheard = (turn.text, "") if whole else cut_at(turn.text, heard / received)
        return RecordTurn(
            item_id=turn.item_id,
            previous_item_id=place.previous,
            position=place.position,
            speaker="assistant",
            text=text,
            unheard_text=unheard,
            started_ms=turn.started_ms,
            ended_ms=turn.ended_ms,
            sent_ms=self.speech.playback.sent_ms(turn.item_id),
            heard_ms=heard,
            interrupted=not whole,
        )


def _storable(text: str) -> str:
    """Return what the record can hold: no NUL, which PostgreSQL refuses together with all rows beside it."""
    return text.replace("\0", "")[:_MAX_TEXT]


def cut_at(text: str, share: float) -> tuple[str, str]:
    """Cut a text before the word that was being said when `share` (0 to 1) of it had been heard."""
    if share >= 1:
        return text, ""
    at = int(len(text) * max(0.0, share))
    while 0 < at < len(text) and not (text[at].isspace() or text[at - 1].isspace()):
        at -= 1
    return text[:at].rstrip(), text[at:].lstrip()
