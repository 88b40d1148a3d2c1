"""
What can go wrong with a Realtime server, as data (openai-realtime, section 12, item 13; faults F1-F9 of the security
reference).

A `Behaviour` is given to a session or a server when it is made; nothing is switched while it runs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

EXPIRY_REASON: Final = "Your session hit the maximum duration of 60 minutes."

FaultKind = Literal[
    "refuse_upgrade",  # answer the upgrade with HTTP `status`
    "mute",  # nothing at all after 101
    "close",  # close with `code` and `reason`
    "drop",  # cut the TCP connection without a closing frame
    "stall",  # stop reading the socket
    "fail_response",  # `response.done` failed with `error_code`
    "incomplete_response",  # `response.done` incomplete with `reason`
    "late_session_updated",  # answer `session.update` only after `delay_ms`
    "no_usage",  # `usage: null` in every `response.done`
    "garbage",  # frames that no client should choke on
]


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing that goes wrong.

    `response` is the number of the response it happens in, from 1; 0 means that it happens `delay_ms` after the session
    was opened. Inside a response it happens after `deltas` audio deltas; a failing or incomplete response has the
    number `response`, or every number if that is 0.
    """

    kind: FaultKind
    response: int = 0
    deltas: int = 2
    delay_ms: float = 0.0
    status: int = 503
    code: int = 1011
    reason: str = ""
    error_code: str = "rate_limit_exceeded"
    announced: bool = False  # an `error` with code `session_expired` comes before the close


FAULTS: Final[Mapping[str, Fault]] = {
    "unauthorised": Fault("refuse_upgrade", status=401),
    "throttled": Fault("refuse_upgrade", status=429),
    "unavailable": Fault("refuse_upgrade", status=500),
    "mute": Fault("mute"),
    "dropped": Fault("drop", response=1),
    "server_fault": Fault("close", response=1, code=1011, reason="Internal server error"),
    "stalled": Fault("stall", response=1),
    "garbage": Fault("garbage", response=1),
    "rate_limited": Fault("fail_response", response=1, error_code="rate_limit_exceeded"),
    "no_quota": Fault("fail_response", error_code="insufficient_quota"),
    "no_model_access": Fault("fail_response", error_code="model_not_found"),
    "expired": Fault("close", response=1, code=1001, reason=EXPIRY_REASON),
    "expired_announced": Fault("close", response=1, code=1001, reason=EXPIRY_REASON, announced=True),
    "content_filter": Fault("incomplete_response", response=1, reason="content_filter"),
    "cut_short": Fault("incomplete_response", response=1, reason="max_output_tokens"),
    "late_configuration": Fault("late_session_updated", delay_ms=5000),
    "no_usage": Fault("no_usage"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Behaviour:
    """
    How a session behaves; times in milliseconds.

    `speed`: how much faster than real time audio is sent. `queued_deltas`: audio deltas that still follow a
    `speech_started` which interrupts. `transcripts`: what becomes of the caller's transcripts. `oddity`: how often, 0
    to 1, an unknown event or an unknown field is sent along.
    """

    first_audio_ms: float = 250.0
    delta_audio_ms: int = 200
    speed: float = 10.0
    queued_deltas: int = 3
    transcripts: Literal["completed", "failed", "never"] = "completed"
    transcript_delay_ms: float = 1200.0
    rate_limits_delay_ms: float = 40.0
    lifetime_ms: float = 3_600_000.0
    oddity: float = 0.1
    faults: tuple[Fault, ...] = ()

    def with_faults(self, *names: str) -> "Behaviour":
        """Return this behaviour with the named faults of `FAULTS` added."""
        return replace(self, faults=(*self.faults, *(FAULTS[name] for name in names)))

    def fault(self, *kinds: FaultKind, response: int | None = None) -> Fault | None:
        """Return the first fault of these kinds; with `response`, the first that concerns this response."""
        for fault in self.faults:
            if fault.kind in kinds and (response is None or fault.response in (0, response)):
                return fault
        return None


def garbage(response_id: str) -> tuple[str, ...]:
    """Return frames that a client must survive (F4): no JSON, unknown, bad base64, 2 MB, audio of a dead item."""
    place = {"response_id": response_id, "output_index": 0, "content_index": 0}
    delta = {"type": "response.output_audio.delta", "event_id": "event_garbage", **place}
    dead = {**delta, "item_id": "item_that_never_was"}
    return (
        "this is not JSON {",
        "[]",
        '"text"',
        '{"no": "type"}',
        '{"type": 7}',
        json.dumps({"type": "standin.unheard_of", "event_id": "event_unheard_of"}),
        json.dumps({**dead, "delta": "*** not base64 ***"}),
        json.dumps({**dead, "delta": 17}),
        json.dumps({**dead, "delta": "//8="}),
        json.dumps({**dead, "delta": "/" * 2**21}),
        json.dumps({"type": "response.done", "event_id": "event_bare"}),
        json.dumps({"type": "error", "event_id": "event_odd", "error": "not an object"}),
    )
