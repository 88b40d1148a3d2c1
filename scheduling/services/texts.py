"""
What an incoming text does. The number is proof of nothing but itself (security reference, S15): a text confirms the
next visit of the one patient who has that number, answers that patient's offer, or goes to staff.

Answers are rows of the outbox, never part of the webhook's answer, which is the same whoever wrote what.
"""

import logging
import re
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.services import record_event
from scheduling.exceptions import SchedulingError, SlotExpired
from scheduling.messages.incoming import Meaning, Reading, clean, read
from scheduling.models import Consent, Message, Patient, Source, StaffTask
from scheduling.selectors.appointments import upcoming_appointments
from scheduling.selectors.people import has_refused_texts
from scheduling.selectors.waitlist import open_offer_for_phone
from scheduling.services.appointments import confirm_attendance
from scheduling.services.offers import accept_offer, decline_offer
from scheduling.services.outbox import write_message
from scheduling.services.people import record_consent
from scheduling.services.tasks import take_message

logger = logging.getLogger(__name__)

ACTOR = "text"
TOPIC = "text"
ANSWERABLE = re.compile(r"\+1[2-9]\d{9}")
"""Short codes, premium and foreign numbers are never written to (twilio reference, section 14)."""
ANSWERS_PER_DAY = 5
"""Two machines that answer each other stop here."""
SEVERAL = "Several patients have this number. "
MEANT_A_VISIT = "This ended texts to the number. Perhaps a visit was meant. "
MAY_REFUSE = "This may ask us to stop; nothing was stopped. Ask, and record the answer. "
MAY_MEAN_A_VISIT = frozenset({"cancel", "cancelar", "end"})


def receive_text(*, sender: str, body: str, opt_out_type: str = "", now: datetime) -> None:
    """
    Do what a text asks for, once; the caller sees to it that a repetition does not come here.

    `sender` is the carrier's word for the number, `body` as it came; neither is ever logged.
    """
    text = clean(body)
    number = clean(sender, most=64)
    reading = read(text, opt_out_type=opt_out_type)
    if (
        reading.meaning == Meaning.YES
    ):  # the carrier's word for taking texts again; else just a word
        refused = has_refused_texts(phone=number)
        reading = Reading(Meaning.START if refused else Meaning.OTHER, reading.language)
    done = _act(number, text, reading, now)
    record_event(
        action="text.received",
        outcome=done,
        surface="sms",
        actor_type="system",
        patient_ids=[patient.pk for patient in _patients_of(number)],
    )
    logger.info("scheduling.text.received", extra={"status": done})


def _act(number: str, text: str, reading: Reading, now: datetime) -> str:
    """Carry out a reading and return what was done, in one word."""
    match reading.meaning:
        case Meaning.STOP | Meaning.STOP_CALLS:
            return _refuse(number, text, reading, now)
        case Meaning.START:
            _record_consent(number, text, now, granted=True)
            return "consented"
        case Meaning.CARRIER:
            return "carrier"  # Twilio answers HELP and INFO itself
        case Meaning.CONFIRM:
            done = _confirm(number, now)
        case Meaning.ACCEPT:
            done = _accept(number, reading.language, now)
        case Meaning.DECLINE:
            done = _decline(number, now)
        case _:
            done = ""
    if done:
        return done
    flag = MAY_REFUSE if reading.may_refuse else ""
    _hand_to_staff(number, flag + text, reading.language, now)
    return "staff"


def _refuse(number: str, text: str, reading: Reading, now: datetime) -> str:
    """
    Store that a number wants no more texts, or calls either; it is never answered again.

    The carrier's words need nobody. A sentence is read by staff as well, since it may say more, and so is a word
    that also means the end of a visit, from somebody who has one.
    """
    if reading.meaning == Meaning.STOP_CALLS:
        record_consent(
            channel=Consent.Channel.VOICE,
            purpose=Consent.Purpose.CALLS,
            granted=False,
            wording=text,
            source=Source.SMS,
            phone=number,
            now=now,
        )
    else:
        _record_consent(number, text, now, granted=False)
    meant_a_visit = text.strip(" .!").casefold() in MAY_MEAN_A_VISIT and any(
        upcoming_appointments(patient_id=patient.pk, now=now, limit=1)
        for patient in _patients_of(number)
    )
    if reading.sentence or meant_a_visit:
        _tell_staff(number, (MEANT_A_VISIT if meant_a_visit else "") + text, now)
    return "refused"


def _record_consent(number: str, text: str, now: datetime, *, granted: bool) -> None:
    record_consent(
        channel=Consent.Channel.SMS,
        purpose=Consent.Purpose.APPOINTMENTS,
        granted=granted,
        wording=text,
        source=Source.SMS,
        phone=number,
        now=now,
    )


def _confirm(number: str, now: datetime) -> str:
    """Confirm the next visit of the one patient who has the number; empty if there is none."""
    patient = _only_patient(number)
    if patient is None:
        return ""
    for visit in upcoming_appointments(patient_id=patient.pk, now=now, limit=1):
        try:
            confirm_attendance(appointment_id=visit.pk, source=Source.SMS, actor=ACTOR, now=now)
        except SchedulingError:
            return ""  # it began, or was changed, this very moment: staff see what was written
        _answer(number, "confirmed", now, patient=patient, start=visit.start)
        return "confirmed"
    return ""


def _accept(number: str, language: str, now: datetime) -> str:
    """
    Take the time offered to the number; the visit's own confirmation is the answer, to the first number at least.

    Empty if several patients have the number, for the text does not say who writes, and if the rules refuse the
    visit: staff see to it then.
    """
    offer = open_offer_for_phone(number, now)
    if offer is not None and _only_patient(number) is None:
        return ""
    if offer is None:
        _answer(number, "no_offer", now, language=language)
        return "no_offer"
    try:
        visit = accept_offer(offer_id=offer.pk, source=Source.SMS, actor=ACTOR, now=now)
    except SlotExpired:  # it ended this very moment
        _answer(number, "offer_gone", now, patient=offer.entry.patient)
        return "offer_gone"
    except SchedulingError:
        return ""
    if number != offer.entry.patient.phone:  # where the visit's confirmation goes
        _answer(number, "confirmed", now, patient=offer.entry.patient, start=visit.start)
    return "accepted"


def _decline(number: str, now: datetime) -> str:
    """Pass the time offered to the number's one patient; empty if there is none: "no" may answer something else."""
    offer = open_offer_for_phone(number, now)
    if offer is None or _only_patient(number) is None:
        return ""
    try:
        decline_offer(offer_id=offer.pk, now=now)
    except SchedulingError:
        return ""
    _answer(number, "offer_passed", now, patient=offer.entry.patient)
    return "declined"


def _hand_to_staff(number: str, text: str, language: str, now: datetime) -> None:
    """Ask staff to call back, and say so; the answer does not depend on whether the number is known."""
    _tell_staff(number, text, now)
    _answer(number, "call_back", now, language=language)


def _tell_staff(number: str, text: str, now: datetime) -> None:
    patients = _patients_of(number)
    take_message(
        topic=TOPIC,
        text=(SEVERAL if len(patients) > 1 else "") + text,
        callback_number=number,
        urgency=StaffTask.Urgency.ROUTINE,
        patient_id=patients[0].pk if len(patients) == 1 else None,
        source=Source.SMS,
        actor=ACTOR,
        now=now,
    )


def _answer(
    number: str,
    answer: str,
    now: datetime,
    *,
    patient: Patient | None = None,
    language: str = "",
    start: datetime | None = None,
) -> None:
    """Write an answer to the number, but for numbers that must not be written to or have had enough."""
    replies = Message.objects.filter(
        to=number,
        kind=Message.Kind.REPLY,
        status__in=Message.Status.values,  # by status and time there is an index
        due_at__gt=now - timedelta(days=1),
    )
    if not ANSWERABLE.fullmatch(number) or replies.count() >= ANSWERS_PER_DAY:
        logger.warning("scheduling.text.not_answered")
        return
    write_message(
        kind=Message.Kind.REPLY,
        to=number,
        patient=patient,
        language=patient.preferred_language if patient else language,
        start=start,
        answer=answer,
        now=now,
    )


def _patients_of(number: str) -> list[Patient]:
    """Return the living patients with that number, at most two: more make no difference."""
    if not number.startswith("+"):
        return []
    rows = Patient.objects.filter(active=True, deceased=False)
    return list(rows.filter(Q(phone=number) | Q(second_phone=number)).order_by("id")[:2])


def _only_patient(number: str) -> Patient | None:
    patients = _patients_of(number)
    return patients[0] if len(patients) == 1 else None
