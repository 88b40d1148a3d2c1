"""
What an update wants of a visit, decided by comparing what is with what was sent: one change, or none. No I/O.

A client reads an Appointment, changes it and sends it back whole. What it left as it was is no wish.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from scheduling.fhir.bodies import Wish, foreign_names
from scheduling.fhir.outcomes import FhirFault
from scheduling.fhir.slot_ids import SlotId
from scheduling.fhir.statuses import state_of
from scheduling.fhir.visits import MINUTE, VisitValues
from scheduling.slots import to_instant

OF_STATUS = frozenset({"arrived", "fulfilled", "noshow"})
UNASKED = frozenset({"proposed", "pending", "waitlist", "checked-in"})
"""Statuses that no visit can be given."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """The visit is as it was sent."""


@dataclass(frozen=True, slots=True)
class Move:
    """Another time, or another nurse."""

    nurse_id: UUID
    start: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    """`reason` is one of ours; `note` may say more."""

    reason: str
    note: str


@dataclass(frozen=True, slots=True)
class Become:
    """`arrived`, `fulfilled` or `noshow`."""

    status: str


@dataclass(frozen=True, slots=True)
class Confirm:
    """The patient says to be there."""


@dataclass(frozen=True, slots=True)
class Revive:
    """Something that is over shall be booked again, which no rule allows."""


Change = Nothing | Move | Cancel | Become | Confirm | Revive


def change(current: VisitValues, wish: Wish) -> Change:
    """
    Return what an update wants.

    Raises:
        FhirFault: 400 if it is about another resource, 422 if a visit cannot be changed so.
    """
    if wish.id != str(current.id):
        raise FhirFault(
            400, "The id is not the one in the address.", code="value", expression="Appointment.id"
        )
    _refuse_what_stays(current, wish)
    move = _move(current, wish)
    now, then = current.state.status, wish.status
    if then in UNASKED:
        raise _rule("A visit cannot be given that status.", "status")
    if then == "entered-in-error" and now != then:
        raise _rule("Only an administrator marks a visit as a mistake.", "status")
    if now == then:
        if move is not None and now != "booked":
            raise _rule("A visit that is not booked cannot be moved.", "start")
        answer = _answer_of_patient(current, wish)
        if move is not None and answer != Nothing():
            raise _rule("Move the visit and confirm it one after the other.", "participant.status")
        return move or answer
    if move is not None:
        raise _rule("Change the time and the status one after the other.", "start")
    if then == "cancelled":
        return Cancel(wish.cancellation_reason or "other", wish.cancellation_note)
    return Become(then) if then in OF_STATUS else Revive()


def _refuse_what_stays(current: VisitValues, wish: Wish) -> None:
    """Refuse to change what a visit keeps for ever."""
    if wish.patient_id != current.patient_id:
        raise _rule("A visit stays with its patient.", "participant")
    if wish.service_type not in {"", current.visit_type.code}:
        raise _rule("A visit stays of its kind. Cancel it and book another.", "serviceType")
    if wish.description not in {"", current.reason}:
        raise _rule("The description is written at booking.", "description")
    known = {current.identifier} if current.identifier else set()
    if set(foreign_names(wish.identifiers, current.id)) - known:
        raise _rule("Identifiers are given at booking.", "identifier")


def _move(current: VisitValues, wish: Wish) -> Move | None:
    """Return where the visit shall be, if that is elsewhere."""
    start, nurse_id = wish.start or current.start, wish.nurse_id or current.nurse_id
    length = current.end - current.start
    ends = {start + length}
    if wish.slot not in {None, _slot_of(current)}:
        assert wish.slot is not None
        slot_start = to_instant(wish.slot.start)
        if wish.slot.visit_type_id != current.visit_type.id:
            raise _rule("The slot is for another kind of visit.", "slot")
        if start not in {current.start, slot_start}:
            raise _rule("The slot begins at another time.", "slot")
        if nurse_id not in {current.nurse_id, wish.slot.nurse_id}:
            raise _rule("The slot is another nurse's.", "slot")
        ends |= {current.end, slot_start + length}
        start, nurse_id = slot_start, wish.slot.nurse_id
    check_length(wish, ends=ends, length=length)
    moved = (start, nurse_id) != (current.start, current.nurse_id)
    return Move(nurse_id, start) if moved else None


def check_length(wish: Wish, *, ends: set[datetime], length: timedelta) -> None:
    """
    Refuse a visit that is shorter or longer than its kind.

    Raises:
        FhirFault: 422.
    """
    minutes = length // MINUTE
    if wish.end is not None and wish.end not in ends:
        raise _rule(f"A visit of that kind lasts {minutes} minutes.", "end")
    if wish.minutes not in {None, minutes}:
        raise _rule(f"A visit of that kind lasts {minutes} minutes.", "minutesDuration")


def _answer_of_patient(current: VisitValues, wish: Wish) -> Change:
    state = current.state
    wanted = state_of(wish.status, wish.participation)
    if state.status != "booked" or wanted == state:
        return Nothing()
    if wanted is not None and wanted.confirmed:
        return Confirm()
    raise _rule("A patient who will not come cancels.", "participant.status")


def _slot_of(current: VisitValues) -> SlotId:
    return SlotId(current.nurse_id, current.minute, current.visit_type.id)


def _rule(text: str, where: str) -> FhirFault:
    return FhirFault(422, text, expression=f"Appointment.{where}")
