"""The outgoing side of a session: stamped events, timers, and the end of the connection."""

import heapq
import json
from collections.abc import Callable
from itertools import count
from typing import Final

from voice.standin.client_events import Event
from voice.standin.faults import Behaviour
from voice.standin.ids import Ids
from voice.standin.outputs import CloseSocket, DropSocket, Output, SendText
from voice.standin.schema import ClientError

Action = Callable[[float], None]

_SLACK_MS: Final = (
    0.5  # a loop's clock, converted to milliseconds and back, may fall short by a rounding error
)


class Wire:
    """Collects outputs and runs what is due. Times are milliseconds of one monotonic clock that the caller reads."""

    def __init__(self, ids: Ids, behaviour: Behaviour) -> None:
        self._ids = ids
        self._oddity = behaviour.oddity
        self._outputs: list[Output] = []
        self._timers: list[tuple[float, int, Action]] = []
        self._order = count()
        self.closed = False

    @property
    def deadline_ms(self) -> float | None:
        """When the next timer is due, or none."""
        return self._timers[0][0] if self._timers and not self.closed else None

    def at(self, due_ms: float, action: Action) -> None:
        """Run `action` with its due time once that has come; equal times keep their order."""
        heapq.heappush(self._timers, (due_ms, next(self._order), action))

    def run_due(self, now_ms: float) -> None:
        """Run every timer that is due, also those that they set."""
        while self._timers and self._timers[0][0] <= now_ms + _SLACK_MS and not self.closed:
            due_ms, _, action = heapq.heappop(self._timers)
            action(due_ms)

    def take(self) -> list[Output]:
        """Return the collected outputs and forget them."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def send(self, event: Event) -> None:
        """Write an event with an `event_id` of its own; now and then something unknown goes along."""
        if self._oddity and self._ids.chance(self._oddity):
            self._write({"type": "standin.unheard_of", "event_id": self._ids.new("event")})
        stamped = {"type": event["type"], "event_id": self._ids.new("event"), **event}
        if self._oddity and self._ids.chance(self._oddity):
            stamped["unheard_of"] = {"since": "tomorrow"}
        self._write(stamped)

    def send_raw(self, text: str) -> None:
        """Write a frame as it is."""
        self.act(SendText(text))

    def refuse(self, error: ClientError, client_event_id: object = None) -> None:
        """Write an `error` event that names the client's event."""
        self.send(
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "code": error.code,
                    "message": error.message,
                    "param": error.param,
                    "event_id": client_event_id if isinstance(client_event_id, str) else None,
                },
            }
        )

    def act(self, output: Output) -> None:
        """Hand an output to the connection; after a close or a drop nothing more is."""
        if not self.closed:
            self._outputs.append(output)
            self.closed = isinstance(output, CloseSocket | DropSocket)

    def _write(self, event: Event) -> None:
        self.act(SendText(json.dumps(event, ensure_ascii=False, separators=(",", ":"))))
