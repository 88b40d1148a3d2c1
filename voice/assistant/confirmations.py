"""The second step of a change: carry it out once its read-back was heard and answered (security reference, S19)."""

import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from scheduling import services
from scheduling.exceptions import SchedulingError, TooLate
from voice.assistant import visits
from voice.assistant.answers import Answer
from voice.assistant.desk import SOURCE, Desk
from voice.assistant.gate import Proposal
from voice.assistant.phrases import short_name


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
    if desk.has_enough_visits():
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
        return visits.time_gone(desk, error, start, visit_type=values["visit_type"])
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
        return visits.time_gone(
            desk, error, start, visit_type=values["visit_type"], moving=appointment
        )
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
            hold_owner=desk.owner,
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
        channel="sms",
        appointment_sequence=appointment.sequence,
        patient_id=appointment.patient_id,  # nurses are told too
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
    if "start" not in proposal.values:
        services.release_holds(owner=desk.owner, now=desk.now)
        return desk.refuse("confirm_required", "confirm_nothing")
    start = datetime.fromisoformat(proposal.values["start"])
    visit_type = str(proposal.values["visit_type"])
    return desk.refuse_with_offer(
        "slot_expired",
        visits.alternatives(desk, start, visit_type=visit_type),
        visit_type=visit_type,
    )
