"""
The gate that keeps one response at a time: idle, requested, active (openai-realtime, section 5).

A conversation has at most one active response. What we want said waits here until the way is free; what the server
began by itself, after the caller spoke, may make a waiting request needless.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REQUEST_TIMEOUT_MS = 10_000
STALL_MS = 20_000


@dataclass(slots=True, eq=False)
class Request:
    """
    One wish for a response.

    A plain one (no `purpose`) lets the model go on from the items named in `answers`; it is dropped if a response that
    has seen them began meanwhile. One with a purpose has its own system item, written in `prelude`.
    """

    purpose: str = ""
    prelude: str = ""
    tool_choice: str = ""
    answers: set[str] = field(default_factory=set)
    rid: str = ""
    attempts: int = 0


class ResponseGate:
    """Who may speak next. `requested` holds what we asked for and the server has not begun yet."""

    def __init__(self) -> None:
        """Begin idle."""
        self.active = False
        self.active_id = ""
        self.active_request: Request | None = None
        self.requested: Request | None = None
        self._requested_at = 0.0
        self._pending: deque[Request] = deque()
        self._unseen: set[str] = set()  # items of ours that the server has not acknowledged
        self._not_before = 0.0
        self._count = 0

    @property
    def idle(self) -> bool:
        """Tell whether nothing is active, requested or waiting."""
        return not (self.active or self.requested or self._pending)

    @property
    def waiting(self) -> bool:
        """Tell whether a request waits for its turn."""
        return bool(self._pending)

    @property
    def ready(self) -> bool:
        """Tell whether a request waits and neither we nor the server stand in its way."""
        return bool(self._pending) and not self.active and self.requested is None

    @property
    def not_before_ms(self) -> float:
        """Return when a request that was put off may be sent."""
        return self._not_before

    @property
    def timeout_ms(self) -> float | None:
        """Return when the outstanding request counts as lost."""
        return self._requested_at + REQUEST_TIMEOUT_MS if self.requested else None

    def sent(self, item_id: str) -> None:
        """Note an item that we added to the conversation."""
        self._unseen.add(item_id)

    def acknowledged(self, item_id: str) -> None:
        """Note that the server has an item of ours."""
        self._unseen.discard(item_id)

    def ask(self, request: Request) -> None:
        """Queue a request; plain ones become one, for one response sees all items."""
        if not request.purpose:
            for other in self._pending:
                if not other.purpose:
                    other.answers |= request.answers
                    return
        if not request.rid:
            self._count += 1
            request.rid = f"rc_{self._count}"
        self._pending.append(request)

    def drop_purposes(self, *purposes: str) -> None:
        """Take back what waits for these purposes, since the caller did something."""
        self._pending = deque(
            request for request in self._pending if request.purpose not in purposes
        )

    def next(self, now_ms: float) -> Request | None:
        """Return the request to send now, if any, and count it as requested."""
        if not self.ready or now_ms < self._not_before:
            return None
        self.requested = self._pending.popleft()
        self._requested_at = now_ms
        return self.requested

    def created(self, response: Mapping[str, Any]) -> bool:
        """Note `response.created`; False means that it is one of ours which nobody waits for any more."""
        rid = _rid(response)
        request = None
        if rid:
            if self.requested is not None and self.requested.rid == rid:
                request, self.requested = self.requested, None
            else:
                request = next((other for other in self._pending if other.rid == rid), None)
                if request is None:
                    return False
                self._pending.remove(request)
        else:
            self._drop_what_is_seen()
        self.active = True
        self.active_id = _id(response)
        self.active_request = request
        return True

    def done(self, response: Mapping[str, Any]) -> tuple[bool, Request | None]:
        """Note `response.done`; return whether it was the active one, and the request that it came from."""
        response_id = _id(response)
        if self.active and response_id and self.active_id and response_id != self.active_id:
            return False, None
        request = self.active_request
        rid = _rid(response)
        if request is None and rid and self.requested is not None and self.requested.rid == rid:
            # Its `response.created` did not reach us.
            request, self.requested = self.requested, None
        self.active = False
        self.active_id = ""
        self.active_request = None
        return True, request

    def refused(self, event_id: str, *, collision: bool) -> bool:
        """Note an `error` for our request; after a collision it waits for the end of the other response."""
        request = self.requested
        if request is None or request.rid != event_id:
            return False
        self.requested = None
        if collision:
            request.prelude = ""  # that item was accepted
            self._pending.appendleft(request)
            self.active = (
                True  # a response of which we have not heard; its `response.done` will free the way
            )
        return True

    def retry(self, request: Request, *, not_before_ms: float) -> None:
        """Ask once more for a response that failed."""
        request.prelude = ""
        request.attempts += 1
        self._not_before = not_before_ms
        if request in self._pending:
            return
        self._count += 1
        request.rid = f"rc_{self._count}"
        self._pending.appendleft(request)

    def time_out(self, now_ms: float) -> Request | None:
        """Return the outstanding request if the server has not begun it in time."""
        if self.requested is None or now_ms < self._requested_at + REQUEST_TIMEOUT_MS:
            return None
        request, self.requested = self.requested, None
        request.prelude = ""
        request.attempts += 1
        self._pending.appendleft(request)
        return request

    def lose(self) -> None:
        """Forget everything: the model is gone."""
        self._pending.clear()
        self.requested = self.active_request = None
        self.active = False
        self.active_id = ""

    def _drop_what_is_seen(self) -> None:
        """Forget plain requests whose items the server had before it began this response by itself (rule 4)."""
        self._pending = deque(
            request
            for request in self._pending
            if request.purpose or request.answers & self._unseen
        )


def _id(response: Mapping[str, Any]) -> str:
    value = response.get("id")
    return value if isinstance(value, str) else ""


def _rid(response: Mapping[str, Any]) -> str:
    metadata = response.get("metadata")
    if not isinstance(metadata, Mapping):
        return ""
    value = metadata.get("rid")
    return value if isinstance(value, str) else ""
