"""Messages composed but not stored yet: who gets them, by which way, in which words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling.clock import clinic_zone
from scheduling.messages.dates import clock_time, date_and_time
from scheduling.messages.rendering import fill, render
from scheduling.messages.words import ANSWERS, known_language
from scheduling.models import Appointment, Message, Nurse, Patient
from scheduling.selectors.messages import OwnWords, sender, words_for
from scheduling.selectors.people import allowed_channels_of, has_refused_texts, patient_zone

Channel = Message.Channel


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who may be told: the way, the address there, the language, and whose clock is shown."""

    channel: str
    to: str
    language: str
    zone: ZoneInfo
    patient: Patient | None = None
    nurse: Nurse | None = None


def patient_as_recipient(patient: Patient, *, channel: str = "") -> Recipient | None:
    """Return the patient and the way that is preferred and allowed, or `channel` alone; None if there is none."""
    return patients_as_recipients([patient], channel=channel).get(patient.pk)


def patients_as_recipients(
    patients: Iterable[Patient], *, channel: str = ""
) -> dict[UUID, Recipient]:
    """Return those of several patients who may be told, each as `patient_as_recipient` does; in one query."""
    told = [patient for patient in patients if patient.active and not patient.deceased]
    if not told:
        return {}
    ways = allowed_channels_of(told)
    recipients: dict[UUID, Recipient] = {}
    for patient in told:
        way = next((one for one in ways[patient.pk] if channel in ("", one)), None)
        if way is not None:
            recipients[patient.pk] = Recipient(
                channel=way,
                to=patient_address(patient, channel=way),
                language=patient.preferred_language,
                zone=patient_zone(patient),
                patient=patient,
            )
    return recipients


def patient_address(patient: Patient, *, channel: str) -> str:
    """Return the number or the e-mail address on file, empty if there is none."""
    return patient.phone if channel == Channel.SMS else patient.email


def nurse_address(nurse: Nurse, *, channel: str) -> str:
    """Return the number or the e-mail address on file, empty if there is none."""
    return nurse.phone if channel == Channel.SMS else nurse.email


def nurse_as_recipient(nurse: Nurse) -> Recipient | None:
    """Return the nurse and the way she or he wants to be told; None if there is none."""
    if not nurse.active or not nurse.notice_channel:
        return None
    to = nurse_address(nurse, channel=nurse.notice_channel)
    if not to:
        return None
    if nurse.notice_channel == Channel.SMS and has_refused_texts(phone=to):
        return None
    language = "es" if "es" in nurse.languages and "en" not in nurse.languages else "en"
    zone = ZoneInfo(nurse.time_zone)
    return Recipient(nurse.notice_channel, to, language, zone, nurse=nurse)


def number_as_recipient(to: str, *, language: str, patient: Patient | None) -> Recipient | None:
    """Return a number that has texted us, a patient's or not; None if it wants no texts."""
    if not to or has_refused_texts(phone=to):
        return None
    zone = patient_zone(patient) if patient else clinic_zone()
    language = language or (patient.preferred_language if patient else "")
    return Recipient(Channel.SMS, to, known_language(language), zone, patient=patient)


def draft(
    *,
    kind: str,
    recipient: Recipient,
    own: OwnWords,
    due_at: datetime,
    expires_at: datetime | None,
    start: datetime | None = None,
    count: int = 1,
    until: datetime | None = None,
    answer: str = "",
    moves: bool = False,
    appointment: Appointment | None = None,
) -> Message:
    """
    Return a message in full; `answer` is a key of `ANSWERS`, `moves` says that a yes gives up a later visit.

    `count` is how many visits it tells of, the first of which begins at `start`.
    With an appointment the message belongs to that state of it, and is dropped when the visit changes.
    """
    language, zone = known_language(recipient.language), recipient.zone
    blanks = {"count": str(count)}
    if start is not None:
        blanks["when"] = date_and_time(
            start, zone=zone, language=language, channel=recipient.channel
        )
    if until is not None:
        blanks["until"] = clock_time(until, zone=zone, language=language)
    if answer:
        blanks["answer"] = fill(ANSWERS[language][answer], blanks)
    written = render(
        words_for(own, kind=kind, channel=recipient.channel, language=language),
        channel=recipient.channel,
        language=language,
        sender=sender(),
        blanks=blanks,
        moves=moves,
    )
    return Message(
        channel=recipient.channel,
        kind=kind,
        patient=recipient.patient,
        nurse=recipient.nurse,
        appointment=appointment,
        appointment_sequence=appointment.sequence if appointment else None,
        to=recipient.to,
        language=language,
        subject=written.subject,
        body=written.body,
        due_at=due_at,
        expires_at=expires_at,
    )
