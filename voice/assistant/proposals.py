"""Changes in two steps: propose, hear the read-back, confirm (S19; voice-conversation, section 10)."""

import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from django.conf import settings

from scheduling import selectors, services
from scheduling.exceptions import SchedulingError, SlotExpired, SlotTaken, TooLate
from scheduling.selectors import Opening
from voice.assistant import callers, visits
from voice.assistant.answers import Answer
from voice.assistant.dates import Days, looks_like_a_time
from voice.assistant.desk import SOURCE, Desk
from voice.assistant.gate import Proposal, SlotHandle
from voice.assistant.identity import birth_date
from voice.assistant.phrases import short_name, weekday_words

PROVISIONAL_BOOKINGS = 1
NONCE_BYTES = 6
TIME_GONE = {"slot_taken", "slot_expired", "not_available", "invalid_time", "time_does_not_exist"}


# ---- propose --------------------------------------------------------------------------------------


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
    if desk.gate.bookings >= desk.limits.bookings or _has_enough(desk):
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


def _has_enough(desk: Desk) -> bool:
    """Say whether the patient may have no further coming visit: three, or one for a record nobody has checked."""
    most = PROVISIONAL_BOOKINGS if desk.gate.provisional else settings.LIMIT_FUTURE_BOOKINGS
    return int(selectors.count_upcoming(patient_id=desk.patient_id, now=desk.now)) >= most


def _unusable(
    desk: Desk, slot: SlotHandle, *, visit_type: str, moving: Any = None
) -> Answer | None:
    """Hold the slot for the proposal; return the refusal if that cannot be, and drop what was proposed before."""
    desk.gate.proposal = None
    services.release_holds(owner=desk.owner, now=desk.now)
    other = selectors.overlapping_appointment(
        patient_id=desk.patient_id, start=slot.start, end=slot.end
    )
    if other is not None and (moving is None or other.pk != moving.pk):
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
        return _time_gone(desk, error, slot.start, visit_type=visit_type, moving=moving)
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


# ---- confirm --------------------------------------------------------------------------------------


def confirm_proposal(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Carry out the open proposal, if its read-back was heard and answered; report the row that was stored."""
    proposal = desk.gate.proposal
    if proposal is None:
        return desk.refuse("confirm_required", "confirm_nothing")
    if proposal.is_expired(at_ms=desk.started_ms, limits=desk.limits):
        return _expired(desk, proposal)
    missing = desk.gate.missing_evidence(proposal, desk.evidence)
    if missing or not secrets.compare_digest(
        proposal.nonce.encode(), str(values["proposal"]).encode()
    ):
        proposal.evidence_ids.append(desk.call_id)
        code = missing or "confirm_required"
        say = desk.phrases.say(code, read_back=proposal.read_back)
        return Answer(say, code=code, data={"proposal": proposal.nonce}, exact=True)
    desk.gate.proposal = None
    match proposal.action:
        case "booking":
            return _book(desk, proposal.values)
        case "reschedule":
            return _reschedule(desk, proposal.values)
        case "cancellation":
            return _cancel(desk, proposal.values)
        case "registration":
            return _register(desk, proposal.values)


def _book(desk: Desk, values: Mapping[str, Any]) -> Answer:
    start = datetime.fromisoformat(values["start"])
    if _has_enough(desk):
        return desk.refuse("limit_reached", "limit_bookings")
    try:
        appointment = services.book_appointment(
            patient_id=desk.patient_id,
            nurse_id=UUID(values["nurse_id"]),
            start=start,
            visit_type=values["visit_type"],
            source=SOURCE,
            actor=desk.actor,
            now=desk.now,
            reason=values["reason"],
            hold_owner=desk.owner,
        )
    except SchedulingError as error:
        return _time_gone(desk, error, start, visit_type=values["visit_type"])
    desk.gate.bookings += 1
    return _done(desk, appointment, "booked", when=desk.phrases.moment(appointment.start))


def _reschedule(desk: Desk, values: Mapping[str, Any]) -> Answer:
    start = datetime.fromisoformat(values["start"])
    appointment = _still_theirs(desk, values["appointment_id"])
    if appointment is None:
        return desk.refuse("not_found")
    try:
        moved = services.reschedule_appointment(
            appointment_id=appointment.pk,
            nurse_id=UUID(values["nurse_id"]),
            start=start,
            source=SOURCE,
            actor=desk.actor,
            now=desk.now,
            hold_owner=desk.owner,
        )
    except TooLate:
        return desk.refuse("too_late")
    except SchedulingError as error:
        return _time_gone(desk, error, start, visit_type=values["visit_type"], moving=appointment)
    return _done(desk, moved, "rescheduled", when=desk.phrases.moment(moved.start))


def _cancel(desk: Desk, values: Mapping[str, Any]) -> Answer:
    appointment = _still_theirs(desk, values["appointment_id"])
    if appointment is None:
        return desk.refuse("not_found")
    try:
        cancelled = services.cancel_appointment(
            appointment_id=appointment.pk,
            source=SOURCE,
            actor=desk.actor,
            now=desk.now,
            reason="patient",
            reason_text=values["reason"],
        )
    except TooLate:
        return desk.refuse("too_late")
    except SchedulingError:
        return desk.refuse("not_found")
    return _done(desk, cancelled, "cancelled", when=desk.phrases.moment(cancelled.start))


def _register(desk: Desk, values: Mapping[str, Any]) -> Answer:
    registration = services.register_patient(
        full_name=values["full_name"],
        date_of_birth=date.fromisoformat(values["date_of_birth"]),
        phone=values["phone"],
        language=values["language"],
        reason=values["reason"],
        source=SOURCE,
        actor=desk.actor,
        now=desk.now,
    )
    desk.gate.verify(patient_id=str(registration.patient_id), acting_as="self", provisional=True)
    desk.patients.add(str(registration.patient_id))
    desk.call.patient_id = registration.patient_id
    name = short_name(registration.first_name)
    return Answer(
        desk.phrases.say("registered", name=name),
        data={"verified": True, "first_name": name, "acting_as": "self"},
        fact="registered",
        written=True,
    )


def _done(desk: Desk, appointment: Any, fact: str, *, when: str) -> Answer:
    """Report a change from the stored row; a text is promised only if its row was written too."""
    services.release_holds(owner=desk.owner, now=desk.now)
    desk.link(appointment)
    nurse = appointment.nurse.name
    sends_text = appointment.messages.filter(
        channel="sms", appointment_sequence=appointment.sequence
    ).exists()
    say = desk.phrases.say(
        fact,
        when=when,
        nurse=short_name(nurse),
        text_sent=desk.phrases.say("text_sent") if sends_text else "",
    )
    handle = desk.gate.list_appointment(str(appointment.pk))
    data = {"appointment": handle, **desk.visit(appointment.start, nurse)}
    return Answer(say, data=data, fact=fact, written=True)


def _still_theirs(desk: Desk, appointment_id: str) -> Any:
    """Return the patient's coming visit, looked up again: it may have been cancelled since it was proposed."""
    for appointment in desk.upcoming(limit=50):
        if str(appointment.pk) == appointment_id:
            return appointment
    return None


def _expired(desk: Desk, proposal: Proposal) -> Answer:
    desk.gate.proposal = None
    services.release_holds(owner=desk.owner, now=desk.now)
    if "start" not in proposal.values:
        return desk.refuse("confirm_required", "confirm_nothing")
    start = datetime.fromisoformat(proposal.values["start"])
    visit_type = str(proposal.values["visit_type"])
    return desk.refuse_with_offer(
        "slot_expired", _alternatives(desk, start, visit_type=visit_type), visit_type=visit_type
    )


def _time_gone(
    desk: Desk, error: SchedulingError, start: datetime, *, visit_type: str, moving: Any = None
) -> Answer:
    """
    Return why a time cannot be had any more, with others near it.

    Raises:
        SchedulingError: `error`, if it is about something else.
    """
    if error.code == "limit_reached":
        return desk.refuse("limit_reached", "limit_bookings")
    if error.code not in TIME_GONE:
        raise error
    if isinstance(error, SlotTaken) and error.who == "patient":
        other = selectors.overlapping_appointment(
            patient_id=desk.patient_id, start=start, end=start + visits.MINUTE
        )
        if other is not None and (moving is None or other.pk != moving.pk):
            return visits.duplicate(desk, other)
    services.release_holds(owner=desk.owner, now=desk.now)
    code = "slot_expired" if isinstance(error, SlotExpired) else "slot_taken"
    if error.code in ("invalid_time", "time_does_not_exist"):
        code = "invalid_time"
    others = _alternatives(desk, start, visit_type=visit_type, moving=moving)
    if moving is not None and code == "slot_taken":
        kept = desk.phrases.moment(moving.start)
        return desk.refuse_with_offer(
            code, others, visit_type=visit_type, line="slot_taken_kept", kept=kept
        )
    return desk.refuse_with_offer(code, others, visit_type=visit_type)


def _alternatives(
    desk: Desk, start: datetime, *, visit_type: str, moving: Any = None
) -> list[Opening]:
    day = start.astimezone(desk.zone).date()
    return desk.nearest(
        Days(day, day),
        visit_type=visit_type,
        ignore_appointment_id=moving.pk if moving is not None else None,
    )


def _no_such_time(desk: Desk) -> Answer:
    """Answer a date or time where a handle belongs: no time is booked that the server did not offer (A17)."""
    soonest = desk.nearest(Days(desk.today, desk.last_day), visit_type="routine")
    return desk.refuse_with_offer("invalid_time", soonest, visit_type="routine")
