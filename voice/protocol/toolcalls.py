"""The function calls of the conversation: each is run at most once and answered exactly once."""

from dataclasses import dataclass, field

from voice.protocol.commands import ToolAnswer

_MAX_CALLS = 1_000


@dataclass(slots=True, eq=False)
class Batch:
    """The calls of one response, which are followed by one response when all are answered."""

    spoke: bool  # the response said something before it called
    caller_acts: int  # how often the caller had spoken or typed by then
    open: set[str] = field(default_factory=set)
    effects: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)  # ids of the items that hold the answers


class ToolCalls:
    """All calls by OpenAI's function-call id, which a misbehaving peer may repeat."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: set[str] = set()
        self._running: dict[str, Batch] = {}

    @property
    def running(self) -> bool:
        """Tell whether a call waits for its answer."""
        return bool(self._running)

    def is_new(self, call_id: str) -> bool:
        """Claim a call; False for one that was seen before, or beyond any sensible number."""
        if not call_id or call_id in self._known or len(self._known) >= _MAX_CALLS:
            return False
        self._known.add(call_id)
        return True

    def run(self, call_id: str, batch: Batch) -> None:
        """Note that a claimed call is being run."""
        batch.open.add(call_id)
        self._running[call_id] = batch

    def finish(self, call_id: str, answer: ToolAnswer) -> Batch | None:
        """Take the answer of a running call; nothing if the call is unknown or was answered before."""
        batch = self._running.pop(call_id, None)
        if batch is not None:
            batch.open.discard(call_id)
            batch.effects.add(answer.effect)
        return batch
