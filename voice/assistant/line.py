"""What concerns the call itself: facts about the clinic, messages, staff, emergencies, language, the goodbye."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from scheduling import selectors, services
from voice.assistant import callers, prompt, session
from voice.assistant.answers import Answer
from voice.assistant.desk import SOURCE, Desk
from voice.models import CallLog

STOP_CALLING = "Stop calling me."


def clinic_info(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Return a general fact from the clinic's settings."""
    say = _clinic_text(desk, str(values["topic"]))
    return Answer(say, fact="info_given")


def _clinic_text(desk: Desk, topic: str) -> str:
    phrases, profile = desk.phrases, desk.profile
    match topic:
        case "hours":
            staffed = selectors.staffed(now=desk.now)
            if staffed.open and staffed.closes_at is not None:
                return phrases.say("hours_open", closes=phrases.time(staffed.closes_at))
            if staffed.opens_at is not None:
                return phrases.say("hours_closed", opens=phrases.on(staffed.opens_at))
            return phrases.say("hours_unknown")
        case "next_open_day":
            day = selectors.next_open_day(after=desk.today)
            return phrases.say("next_open_day", day=phrases.day(day, near=False))
        case "phone":
            number = settings.CLINIC_PHONE
            if not number:
                return phrases.say("no_phone")
            return phrases.say("phone", digits=phrases.digits(number))
        case "address":
            text = desk.text(profile.address)
            return phrases.say("address", text=text.rstrip(".")) if text else phrases.say("no_text")
        case _:
            stored = profile.bring if topic == "bring" else profile.services
            text = desk.text(stored(desk.call.language))
            return phrases.say("plain", text=text) if text else phrases.say("no_text")


def leave_message(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Take a message for staff and tell by when they call back; where to is checked (A24)."""
    number, refused = _callback(desk, str(values.get("callback", "")))
    if refused:
        return desk.refuse("bad_arguments", "callback_needed")
    patient_id = desk.patient_id if desk.gate.patient_id else None
    task = services.take_message(
        topic=values["topic"],
        text=values["text"],
        callback_number=number,
        urgency=values.get("urgency", "routine"),
        patient_id=patient_id,
        source=SOURCE,
        actor=desk.actor,
        now=desk.now,
    )
    due = task.due_at.astimezone(desk.zone)
    return Answer(
        desk.phrases.say("message_taken", due=desk.phrases.until(due)),
        data={"due": due.isoformat()},
        fact="message_taken",
        written=True,
    )


def _callback(desk: Desk, wish: str) -> tuple[str, bool]:
    """
    Return the number to call back, and whether the wish must be refused.

    Nothing means the number on file: the task names the patient, so the number need not be copied out of the record.
    Before verification there is no file.
    """
    caller = callers.callback_number(callers.known_number(desk.call.from_number))
    if wish.casefold() == "on_file":
        return "", not desk.gate.patient_id
    if wish.casefold() in ("", "caller_id"):
        if caller:
            return caller, False
        return "", bool(wish) or not desk.gate.patient_id
    number = callers.callback_number(wish)
    return number, not number


def transfer_to_staff(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Connect the caller to staff while they are there; otherwise say when they are."""
    _drop_proposal(desk)
    staffed = selectors.staffed(now=desk.now)
    if not staffed.open:
        if staffed.opens_at is None:
            say = desk.phrases.say("transfer_closed_unknown")
        else:
            say = desk.phrases.say("transfer_closed", opens=desk.phrases.on(staffed.opens_at))
        opens = staffed.opens_at.astimezone(desk.zone).isoformat() if staffed.opens_at else ""
        return Answer(say, code="closed", data={"opens": opens}, next="leave_message")
    if not settings.STAFF_TRANSFER_NUMBER:
        say = desk.phrases.say("transfer_failed")
        return Answer(say, code="temporarily_unavailable", next="leave_message")
    return Answer(desk.phrases.say("transfer"), effect="transfer", fact="transferred")


def report_emergency(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Alarm the staff, drop whatever was being arranged, and return the line to speak word for word."""
    _drop_proposal(desk)
    kind = str(values["kind"])
    happening = str(values.get("happening_now", "unknown"))
    number = callers.known_number(desk.call.from_number)
    services.raise_alarm(
        kind=kind,
        text=str(values.get("words", "")),
        # Somebody in danger at home may be exposed by a call back.
        callback_number="" if kind == "danger" else number,
        patient_id=desk.patient_id if desk.gate.patient_id else None,
        source=SOURCE,
        actor=desk.actor,
        now=desk.now,
    )
    line = f"emergency_{kind}"
    if kind == "medical" and happening == "no":
        line = "emergency_past"
    staffed = bool(selectors.staffed(now=desk.now).open and settings.STAFF_TRANSFER_NUMBER)
    return Answer(
        desk.phrases.say(line),
        exact=True,
        data={"staffed": staffed},
        next="transfer_to_staff" if staffed and line != "emergency_past" else "stay_with_caller",
        fact="crisis" if kind == "self_harm" else "emergency",
        written=True,
    )


def set_language(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Speak and listen in the other language from here on."""
    desk.call.language = str(values["language"])
    return Answer(desk.phrases.say("language_set"), session=language_session(desk))


def language_session(desk: Desk) -> dict[str, Any]:
    """Return the session's part that follows the call's language."""
    text = prompt.instructions(
        clinic=settings.CLINIC_NAME,
        now=desk.now.astimezone(desk.zone),
        staffed=bool(selectors.staffed(now=desk.now).open),
        language=desk.call.language,
        outbound=desk.call.direction == CallLog.Direction.OUTBOUND,
    )
    return session.language_update(
        desk.call.language, text, transcription_model=settings.OPENAI_TRANSCRIPTION_MODEL
    )


def record_choice(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Keep no audio of this call, or never call this number again."""
    if values["choice"] == "no_recording":
        desk.call.recording = CallLog.Recording.REFUSED
        return Answer(desk.phrases.say("no_recording"))
    inbound = desk.call.direction == CallLog.Direction.INBOUND
    phone = callers.known_number(desk.call.from_number if inbound else desk.call.to_number)
    patient_id = desk.patient_id if desk.gate.patient_id else None
    if not phone and patient_id is None:
        return desk.refuse("bad_arguments", "ask_phone")
    services.record_consent(
        channel="voice",
        purpose="calls",
        granted=False,
        wording=STOP_CALLING,
        source=SOURCE,
        patient_id=patient_id,
        phone=phone,
        now=desk.now,
    )
    return Answer(desk.phrases.say("stop_calling"), fact="do_not_call", written=True)


def wait_for_caller(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Let no speech follow."""
    return Answer("", effect="wait")


def end_call(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Hang up after the goodbye was played, unless a proposal still waits for the caller's answer."""
    gate, reason = desk.gate, str(values["reason"])
    if gate.proposal is not None and gate.is_unanswered(
        desk.evidence, at_ms=desk.started_ms, limits=desk.limits
    ):
        gate.proposal.evidence_ids.append(desk.call_id)
        say = desk.phrases.say("end_refused", read_back=gate.proposal.read_back)
        return Answer(say, code="confirm_required", exact=True)
    _drop_proposal(desk)
    line = "goodbye" if reason == "done" else f"goodbye_{reason}"
    say = desk.phrases.say(
        line, **({"clinic": settings.CLINIC_NAME} if reason == "wrong_number" else {})
    )
    return Answer(say, effect="end", fact="" if reason == "done" else reason)


def _drop_proposal(desk: Desk) -> None:
    desk.gate.proposal = None
    services.release_holds(owner=desk.owner, now=desk.now)
