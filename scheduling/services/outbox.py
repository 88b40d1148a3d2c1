"""
What is written with a fact so that others learn of it: messages to people, events to other systems.

Words and their limits are in `scheduling/messages/`. What is written here is sent by `delivery.py`, which asks
`still_wanted` just before.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scheduling.clock import real_now
from scheduling.messages.times import is_quiet, notice_time, quiet_until
from scheduling.models import (
    Appointment,
    AppointmentChange,
    EventNumber,
    Message,
    Nurse,
    Patient,
    Source,
    WebhookDelivery,
    WebhookEndpoint,
)
from scheduling.selectors.messages import own_words
from scheduling.selectors.people import has_refused_texts, may_message, patient_zone
from scheduling.services.drafts import (
    Recipient,
    draft,
    number_as_recipient,
    nurse_address,
    nurse_as_recipient,
    patient_address,
    patient_as_recipient,
)
from scheduling.services.reminders import planned_reminders, wants_reminder
from scheduling.webhooks.events import event_body, wants

Kind = AppointmentChange.Kind
MessageKind = Message.Kind

TO_PATIENT = {
    Kind.BOOKED: MessageKind.CONFIRMATION,
    Kind.RESCHEDULED: MessageKind.RESCHEDULED,
    Kind.CANCELLED: MessageKind.CANCELLATION,
}
TO_NURSE = {
    Kind.BOOKED: MessageKind.NURSE_BOOKED,
    Kind.RESCHEDULED: MessageKind.NURSE_RESCHEDULED,
    Kind.CANCELLED: MessageKind.NURSE_CANCELLED,
}
OF_SERIES = {
    MessageKind.CONFIRMATION: MessageKind.SERIES_BOOKED,
    MessageKind.RESCHEDULED: MessageKind.SERIES_RESCHEDULED,
    MessageKind.NURSE_CHANGED: MessageKind.SERIES_RESCHEDULED,
    MessageKind.CANCELLATION: MessageKind.SERIES_CANCELLED,
}
REMINDERS = (MessageKind.REMINDER_48H, MessageKind.REMINDER_2H)
TELLS_OF_COMING_VISIT = (
    MessageKind.CONFIRMATION,
    MessageKind.RESCHEDULED,
    MessageKind.NURSE_CHANGED,
    MessageKind.SERIES_BOOKED,
    MessageKind.SERIES_RESCHEDULED,
    *REMINDERS,
    MessageKind.DETAILS,
    MessageKind.NURSE_BOOKED,
    MessageKind.NURSE_RESCHEDULED,
)
BY_PATIENT = (Source.VOICE, Source.KEYPAD, Source.SMS)
REPLY_LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody is told of a change, and of which start."""

    kind: str
    recipient: Recipient
    start: datetime


def announce(
    *,
    appointment: Appointment,
    kind: str,
    now: datetime,
    tells_of: int = 1,
    tells_nurses: bool = True,
) -> None:
    """
    Write what a change makes people and other systems know, in the transaction of the change.

    `tells_of` is how many visits the patient is told of at once: all of a series with its first one, and with the
    others 0, which tells nothing of the change itself. `tells_nurses` is for the first one of each nurse. Reminders
    are planned for each. Texts to the patient of what staff did at night wait for the morning (`notice_time`).
    """
    change = Kind(kind)
    if change not in (Kind.BOOKED, Kind.ATTENDANCE_CONFIRMED):
        _drop_superseded(appointment, tells_of)
    if change in TO_PATIENT and now < appointment.end:
        _write_messages(appointment, change, now, tells_of=tells_of, tells_nurses=tells_nurses)
    _write_event_of(appointment, kind)


def write_message(
    *,
    kind: str,
    now: datetime,
    patient: Patient | None = None,
    nurse: Nurse | None = None,
    to: str = "",
    channel: str = "",
    language: str = "",
    start: datetime | None = None,
    until: datetime | None = None,
    answer: str = "",
    moves: bool = False,
    expires_at: datetime | None = None,
) -> Message | None:
    """
    Write a message that no change of a visit brings about, due at once: an offer, or the answer to a text.

    With `to` it answers that number, which needs no consent but must not have refused texts; a patient then says only
    whose clock and language count. Else it goes to the patient or nurse by the way that is allowed, or by `channel`
    alone. `start` and `until` are shown as local times, `answer` is a key of `messages.words.ANSWERS`, and `moves` says
    that a yes gives up a later visit.

    Returns None, and writes nothing, if there is no allowed way.
    """
    recipient: Recipient | None = None
    if to:
        recipient = number_as_recipient(to, language=language, patient=patient)
        expires_at = expires_at or now + REPLY_LASTS
    elif patient is not None:
        recipient = patient_as_recipient(patient, channel=channel)
    elif nurse is not None:
        recipient = nurse_as_recipient(nurse)
    if recipient is None:
        return None
    message = draft(
        kind=kind,
        recipient=recipient,
        own=own_words(kinds=[kind]),
        start=start,
        until=until,
        answer=answer,
        moves=moves,
        due_at=now,
        expires_at=expires_at,
    )
    message.save()
    return message


def still_wanted(message: Message, now: datetime) -> str:
    """
    Return why a message must not be sent any more, in one word, or nothing if it may go out.

    Delivery asks just before sending, with a message whose visit and people were read just now; the consent is read
    here. `now` is the clinic's.
    """
    if message.expires_at is not None and now >= message.expires_at:
        return "expired"
    return _why_not_to_them(message) or _why_not_of_visit(message, now)


def rests_until(message: Message, now: datetime) -> datetime | None:
    """
    Return until when a reminder or an offer rests, because the patient's clock shows quiet hours now; else None.

    Plans avoid quiet hours; this is for what could not be sent in time. Notices of changes are not held here: when
    they are due was decided with the change.
    """
    if message.patient is None or message.kind not in (*REMINDERS, MessageKind.WAITLIST_OFFER):
        return None
    zone = patient_zone(message.patient)
    return quiet_until(now, zone=zone) if is_quiet(now, zone=zone) else None


def _drop_superseded(appointment: Appointment, tells_of: int) -> None:
    """
    Drop what waits to be sent of an earlier state of a visit.

    What tells of a whole series goes with its first visit; it stays when that visit alone changes, since the others
    were told of nowhere else.
    """
    waiting = Message.objects.filter(
        appointment=appointment,
        status=Message.Status.PENDING,
        appointment_sequence__lt=appointment.sequence,
    )
    if tells_of == 1:
        waiting = waiting.exclude(kind__in=OF_SERIES.values())
    waiting.update(status=Message.Status.DROPPED)


def _write_messages(
    appointment: Appointment, change: Kind, now: datetime, *, tells_of: int, tells_nurses: bool
) -> None:
    """Write what patient and nurses are told, and the reminders, in one insert."""
    patient = patient_as_recipient(appointment.patient)
    at_night = patient is not None and bool(tells_of) and is_quiet(now, zone=patient.zone)
    line = _line_of(appointment) if change == Kind.RESCHEDULED or at_night else None
    before: dict[str, str] = line.old if change == Kind.RESCHEDULED and line else {}
    notices: list[Notice] = []
    if tells_nurses:
        notices = _notices_to_nurses(appointment, change, before)
    if patient is not None and tells_of:
        kind = _kind_for_patient(change, before, tells_of)
        notices.append(Notice(kind, patient, appointment.start))
    remind = patient is not None and change != Kind.CANCELLED
    if not notices and not remind:
        return
    own = own_words(kinds={*(notice.kind for notice in notices), *REMINDERS})
    by_patient = line is not None and line.source in BY_PATIENT
    starts = [appointment.start, *_start_before(before)]
    messages = [
        draft(
            kind=notice.kind,
            recipient=notice.recipient,
            own=own,
            start=notice.start,
            count=tells_of,
            due_at=notice_due(notice.recipient, starts, now, by_patient=by_patient),
            expires_at=appointment.end if change == Kind.CANCELLED else appointment.start,
            appointment=appointment,
        )
        for notice in notices
    ]
    if patient is not None and remind:
        messages += planned_reminders(appointment=appointment, recipient=patient, own=own, now=now)
    Message.objects.bulk_create(messages)


def _kind_for_patient(change: Kind, before: Mapping[str, str], tells_of: int) -> str:
    kind = TO_PATIENT[change]
    if "nurse_id" in before and "start" not in before:
        kind = MessageKind.NURSE_CHANGED
    return OF_SERIES[kind] if tells_of > 1 else kind


def _notices_to_nurses(
    appointment: Appointment, change: Kind, before: Mapping[str, str]
) -> list[Notice]:
    """Return what nurses are told; a visit that changes hands is new to one of them and gone for the other."""
    told = [(TO_NURSE[change], appointment.nurse, appointment.start)]
    if "nurse_id" in before:
        start = datetime.fromisoformat(before["start"]) if "start" in before else appointment.start
        told = [
            (MessageKind.NURSE_BOOKED, appointment.nurse, appointment.start),
            (MessageKind.NURSE_CANCELLED, Nurse.objects.get(pk=before["nurse_id"]), start),
        ]
    return [
        Notice(kind, recipient, start)
        for kind, nurse, start in told
        if (recipient := nurse_as_recipient(nurse)) is not None
    ]


def _line_of(appointment: Appointment) -> AppointmentChange | None:
    """Return the line of history of the change just recorded, if it was recorded."""
    lines = AppointmentChange.objects.filter(appointment=appointment, version=appointment.version)
    return lines.first()


def _start_before(before: Mapping[str, str]) -> list[datetime]:
    return [datetime.fromisoformat(before["start"])] if "start" in before else []


def notice_due(
    recipient: Recipient, starts: list[datetime], now: datetime, *, by_patient: bool
) -> datetime:
    """Return when somebody is told; mail wakes nobody, and nurses choose how they are told."""
    if recipient.patient is None or recipient.channel != Message.Channel.SMS:
        return now
    return notice_time(by_patient=by_patient, starts=starts, zone=recipient.zone, now=now)


def _why_not_to_them(message: Message) -> str:
    """Return why the person may not be told, by this way and at this address."""
    patient = message.patient
    by_text, is_reply = message.channel == Message.Channel.SMS, message.kind == MessageKind.REPLY
    if by_text and (is_reply or patient is None) and has_refused_texts(phone=message.to):
        return "refused"
    if is_reply:
        return ""
    if message.nurse is not None:
        wanted = nurse_address(message.nurse, channel=message.channel)
        return "" if message.nurse.active and message.to == wanted else "address_changed"
    if patient is None:
        return ""
    if patient.deceased or not patient.active:
        return "inactive"
    if message.to != patient_address(patient, channel=message.channel):
        return "address_changed"
    if message.kind in REMINDERS and not wants_reminder(patient, message.kind):
        return "not_chosen"
    return "" if may_message(patient=patient, channel=message.channel) else "no_consent"


def _why_not_of_visit(message: Message, now: datetime) -> str:
    """Return why what a message says of its visit is no longer so."""
    visit = message.appointment
    if visit is None:
        return ""
    if message.kind in OF_SERIES.values():
        return ""  # of all its visits; what makes it obsolete drops it
    if message.appointment_sequence != visit.sequence:
        return "superseded"
    if message.kind not in TELLS_OF_COMING_VISIT:
        return ""
    if visit.status != Appointment.Status.BOOKED:
        return "not_booked"
    return "past" if now >= visit.start else ""


def _write_event_of(appointment: Appointment, kind: str) -> None:
    if kind == Kind.ENTERED_IN_ERROR:
        return  # the list of event types has none for it
    write_event(
        event_type=f"appointment.{kind}",
        data={
            "id": str(appointment.pk),
            "patient": str(appointment.patient_id),
            "nurse": str(appointment.nurse_id),
        },
    )


def write_event(*, event_type: str, data: Mapping[str, Any]) -> None:
    """
    Write an event for every endpoint that wants its type, in the transaction of the fact.

    `data` holds ids and no names. The stamps are the real clock's, for another system knows no other.
    """
    endpoints = WebhookEndpoint.objects.filter(active=True).order_by("created_at", "id")
    wanted = [endpoint for endpoint in endpoints if wants(endpoint.events, event_type)]
    if not wanted:
        return
    event_id, at = uuid.uuid4(), real_now()
    number = EventNumber.objects.create().number
    body = event_body(event_type=event_type, at=at, sequence=number, data=data)
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            endpoint=endpoint,
            event_id=event_id,
            event_type=event_type,
            body=body,
            sequence=number,
            due_at=at,
        )
        for endpoint in wanted
    )
