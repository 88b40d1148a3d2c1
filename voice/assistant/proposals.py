"""The first of two steps of a change: check it, hold its time, read it back (security reference, S19)."""

import secrets
from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from django.conf import settings

from scheduling import selectors, services
from scheduling.exceptions import SchedulingError
from voice.assistant import callers, visits
from voice.assistant.answers import Answer
from voice.assistant.claims import birth_date
from voice.assistant.dates import Days, looks_like_a_time
from voice.assistant.desk import Desk
from voice.assistant.gate import Proposal, SlotHandle
from voice.assistant.phrases import short_name, weekday_words

NONCE_BYTES = 6


def propose_registration(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Prepare the record of somebody new; whether such a person exists already is neither looked up nor told."""
    full_name = str(values["full_name"])
    born = birth_date(str(values["date_of_birth"]))
    if len(full_name.split()) < 2:
        return desk.refuse("bad_arguments", "ask_full_name")
    if born is None or born > desk.today:
        return desk.refuse("bad_arguments", "ask_date_of_birth")
    spoken = str(values["phone"])
    uses_caller_id = spoken.casefold() == "caller_id"
    phone = callers.callback_number(
        callers.known_number(desk.call.from_number) if uses_caller_id else spoken
    )
    if not phone:
        return desk.refuse("bad_arguments", "ask_phone")
    phrases = desk.phrases
    read_phone = (
        phrases.say("registration_caller_id")
        if uses_caller_id
        else phrases.say("registration_digits", digits=phrases.digits(phone))
    )
    read_back = phrases.say(
        "registration",
        name=short_name(full_name),
        birth_date=phrases.birth_date(born),
        phone=read_phone,
    )
    return _proposed(
        desk,
        "registration",
        {
            "full_name": full_name,
            "date_of_birth": born.isoformat(),
            "phone": phone,
            "language": str(values.get("language", desk.call.language)),
            "reason": str(values.get("reason", "")),
        },
        read_back=read_back,
        keywords=(short_name(full_name).split()[-1],),
    )


def propose_booking(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Prepare a new visit, and hold its time for as long as the proposal lives."""
    if looks_like_a_time(values["slot"]):
        return _no_such_time(desk)
    slot = desk.own_slot(values["slot"])
    visit_type = str(values.get("visit_type", slot.visit_type))
    if desk.gate.bookings >= desk.limits.bookings or desk.has_enough_visits():
        return desk.refuse("limit_reached", "limit_bookings")
    if refusal := _unusable(desk, slot, visit_type=visit_type):
        return refusal
    read_back = desk.phrases.say(
        "booking",
        visit_type=desk.phrases.visit_type(visit_type),
        nurse=short_name(slot.nurse_name),
        when=desk.phrases.on(slot.start),
    )
    values = {
        **_slot_values(slot, visit_type),
        "reason": str(values.get("reason", "")),
    }
    keywords = weekday_words(slot.start, desk.zone)
    return _proposed(desk, "booking", values, read_back=read_back, keywords=keywords)


def propose_reschedule(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Prepare moving a visit; the old time stays the patient's until the new one is won."""
    if looks_like_a_time(values["slot"]):
        return _no_such_time(desk)
    appointment = desk.own_appointment(values["appointment"])
    slot = desk.own_slot(values["slot"])
    late, refusal = _lateness(desk, appointment, "late_reschedule")
    if refusal is not None:
        return refusal
    visit_type = str(appointment.visit_type.code)
    if refusal := _unusable(desk, slot, visit_type=visit_type, moving=appointment):
        return refusal
    read_back = desk.phrases.say(
        "reschedule_late" if late else "reschedule",
        old_nurse=short_name(appointment.nurse.name),
        old_when=desk.phrases.moment(appointment.start),
        nurse=short_name(slot.nurse_name),
        when=desk.phrases.moment(slot.start),
    )
    return _proposed(
        desk,
        "reschedule",
        {**_slot_values(slot, visit_type), "appointment_id": str(appointment.pk)},
        read_back=read_back,
        keywords=weekday_words(slot.start, desk.zone),
    )


def propose_cancellation(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Prepare cancelling a visit; of a late one the consequence is told first, and the wish asked for again."""
    appointment = desk.own_appointment(values["appointment"])
    late, refusal = _lateness(desk, appointment, "late_cancellation")
    if refusal is not None:
        return refusal
    read_back = desk.phrases.say(
        "cancellation_late" if late else "cancellation",
        visit_type=desk.phrases.visit_type(str(appointment.visit_type.code)),
        nurse=short_name(appointment.nurse.name),
        when=desk.phrases.on(appointment.start),
    )
    return _proposed(
        desk,
        "cancellation",
        {"appointment_id": str(appointment.pk), "reason": str(values.get("reason", ""))},
        read_back=read_back,
        keywords=weekday_words(appointment.start, desk.zone),
    )


def _proposed(
    desk: Desk,
    action: Literal["booking", "reschedule", "cancellation", "registration"],
    values: dict[str, Any],
    *,
    read_back: str,
    keywords: tuple[str, ...],
) -> Answer:
    """Open a proposal in the place of any other one."""
    nonce = secrets.token_hex(NONCE_BYTES)
    desk.gate.proposal = Proposal(
        nonce, action, values, read_back, keywords, desk.started_ms, [desk.call_id]
    )
    return Answer(read_back, data={"proposal": nonce}, exact=True, next="read_back_and_wait")


def _slot_values(slot: SlotHandle, visit_type: str) -> dict[str, Any]:
    return {
        "nurse_id": slot.nurse_id,
        "nurse_name": slot.nurse_name,
        "start": slot.start.isoformat(),
        "visit_type": visit_type,
    }


def _unusable(
    desk: Desk, slot: SlotHandle, *, visit_type: str, moving: Any = None
) -> Answer | None:
    """
    Hold the slot for the proposal; return the refusal if that cannot be, and drop what was proposed before.

    Holding releases the earlier holds itself, under locks taken in one step.
    """
    desk.gate.proposal = None
    other = selectors.overlapping_appointment(
        patient_id=desk.patient_id, start=slot.start, end=slot.end
    )
    if other is not None and (moving is None or other.pk != moving.pk):
        services.release_holds(owner=desk.owner, now=desk.now)
        return visits.duplicate(desk, other)
    try:
        services.hold_slot(
            owner=desk.owner,
            nurse_id=UUID(slot.nurse_id),
            start=slot.start,
            visit_type=visit_type,
            patient_id=desk.patient_id,
            now=desk.now,
            seconds=settings.LIMIT_PROPOSAL_SECONDS,
            purpose="proposal",
            ignore_appointment_id=moving.pk if moving is not None else None,
        )
    except SchedulingError as error:
        return visits.time_gone(desk, error, slot.start, visit_type=visit_type, moving=moving)
    return None


def _lateness(desk: Desk, appointment: Any, line: str) -> tuple[bool, Answer | None]:
    """
    Return whether the change is late, and the answer that must be given first, if any.

    The consequence is told once for each visit; the next proposal goes on and names it again.
    """
    rule = selectors.change_rule(start=appointment.start, now=desk.now)
    if rule == "too_late":
        return True, desk.refuse("too_late")
    key = f"{line}:{appointment.pk}"
    if rule == "late_change" and key not in desk.gate.told_late:
        desk.gate.told_late.append(key)
        hours = desk.phrases.number(int(desk.profile.late_change_hours))
        say = desk.phrases.say(line, hours=hours)
        return True, Answer(say, code="late_change", exact=True)
    return rule == "late_change", None


def _no_such_time(desk: Desk) -> Answer:
    """Answer a date or time where a handle belongs: no time is booked that the server did not offer (A17)."""
    soonest = desk.nearest(Days(desk.today, desk.last_day), visit_type="routine")
    return desk.refuse_with_offer("invalid_time", soonest, visit_type="routine")
