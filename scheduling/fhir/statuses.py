"""
How our words for a visit and FHIR's go together, both ways (scheduling reference, section 16).

Ours are the statuses of a visit, and `held` and `waitlist` for a time that is held and a wish that waits. Whether the
patient has confirmed is a stamp with us and a part of the patient's participation there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

HELD, WAITLIST = "held", "waitlist"


@dataclass(frozen=True, slots=True)
class State:
    """What a visit is with us."""

    status: str
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """What it is there: the appointment's status, the patient's participation, and the slot's status, if any."""

    status: str
    participation: str
    slot: str = ""


DRAWN: Mapping[State, Drawn] = MappingProxyType(
    {
        State(HELD): Drawn("pending", "tentative", "busy-tentative"),
        State(WAITLIST): Drawn("waitlist", "tentative"),
        State("booked"): Drawn("booked", "needs-action", "busy"),
        State("booked", confirmed=True): Drawn("booked", "accepted", "busy"),
        State("arrived"): Drawn("arrived", "accepted", "busy"),
        State("fulfilled"): Drawn("fulfilled", "accepted", "free"),
        State("noshow"): Drawn("noshow", "accepted", "free"),
        State("entered-in-error"): Drawn("entered-in-error", "declined", "free"),
        State("cancelled"): Drawn("cancelled", "declined", "free"),
    }
)
STATES: Mapping[tuple[str, str], State] = MappingProxyType(
    {(drawn.status, drawn.participation): state for state, drawn in DRAWN.items()}
)
"""The way back; no two states are drawn alike."""
APPOINTMENT_STATUSES = frozenset(
    {
        "proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow",
        "entered-in-error", "checked-in", "waitlist",
    }
)  # fmt: skip
"""All words of FHIR R4 for `Appointment.status`."""
PARTICIPATIONS = frozenset({"accepted", "declined", "tentative", "needs-action"})
SLOT_STATUSES = frozenset(
    {"free", "busy", "busy-tentative", "busy-unavailable", "entered-in-error"}
)

CANCELLATION: Mapping[str, str] = MappingProxyType(
    {"patient": "pat", "nurse": "prov", "clinic": "prov", "duplicate": "other", "other": "other"}
)
"""FHIR's word for each of our reasons; ours is sent besides, so that nothing is lost."""
REASONS: Mapping[str, str] = MappingProxyType(
    {"pat": "patient", "prov": "clinic", "other": "other"}
)
"""Our reason for FHIR's word alone."""


def state_of(status: str, participation: str) -> State | None:
    """Return our state for a pair of FHIR's words; nothing if no visit of ours is drawn so."""
    return STATES.get((status, participation))
