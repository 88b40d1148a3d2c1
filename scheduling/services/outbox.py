"""
What is written with a fact so that others learn of it: a text to the patient, events to other systems.

A text holds date, time and how to reach us: no kind of visit, no reason, no nurse's field.
"""

import json
import uuid
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from scheduling.clock import clinic_zone
from scheduling.models import (
    Appointment,
    AppointmentChange,
    Message,
    WebhookDelivery,
    WebhookEndpoint,
)
from scheduling.selectors.people import may_text

Kind = AppointmentChange.Kind

MESSAGE_KINDS = {
    Kind.BOOKED: Message.Kind.CONFIRMATION,
    Kind.RESCHEDULED: Message.Kind.RESCHEDULED,
    Kind.CANCELLED: Message.Kind.CANCELLATION,
}
TEXTS = {
    "en": {
        Message.Kind.CONFIRMATION: "{clinic}: your appointment is on {when}.",
        Message.Kind.RESCHEDULED: "{clinic}: your appointment was moved to {when}.",
        Message.Kind.CANCELLATION: "{clinic}: your appointment on {when} was cancelled.",
    },
    "es": {
        Message.Kind.CONFIRMATION: "{clinic}: su cita es el {when}.",
        Message.Kind.RESCHEDULED: "{clinic}: su cita pasó al {when}.",
        Message.Kind.CANCELLATION: "{clinic}: su cita del {when} fue cancelada.",
    },
}
OPT_OUT = {"en": " Reply STOP to opt out.", "es": " Responda STOP para no recibir más."}  # S55
CALL_US = {"en": " Questions? Call {phone}.", "es": " ¿Preguntas? Llame al {phone}."}
DAYS_ES = ("lun", "mar", "mié", "jue", "vie", "sáb", "dom")
MONTHS_ES = ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"]


def announce(*, appointment: Appointment, kind: str, now: datetime, quiet: bool = False) -> None:
    """
    Write the text and the events of a change, in the transaction of the change.

    `quiet` leaves out the text to the patient, who is told of a whole series once.
    """
    _drop_superseded(appointment)
    if not quiet:
        _write_text(appointment, kind, now)
    _write_events(appointment, kind, now)


def message_text(*, kind: str, start: datetime, language: str, zone: ZoneInfo) -> str:
    """Return the words of a text about a visit that begins at `start`."""
    language = language if language in TEXTS else "en"
    words = TEXTS[language][Message.Kind(kind)]
    text = words.format(clinic=settings.CLINIC_NAME, when=_when(start, language, zone))
    if settings.CLINIC_PHONE:
        text += CALL_US[language].format(phone=settings.CLINIC_PHONE)
    return text + OPT_OUT[language]


def _when(start: datetime, language: str, zone: ZoneInfo) -> str:
    local = start.astimezone(zone)
    if language == "es":
        day = f"{DAYS_ES[local.weekday()]} {local.day} {MONTHS_ES[local.month - 1]}"
        return f"{day}, {local:%H:%M} {local:%Z}"
    clock = f"{local:%I:%M %p}".lstrip("0")
    return f"{local:%a %b} {local.day}, {clock} {local:%Z}"


def _drop_superseded(appointment: Appointment) -> None:
    waiting = Message.objects.filter(appointment=appointment, status=Message.Status.PENDING)
    waiting.filter(appointment_sequence__lt=appointment.sequence).update(
        status=Message.Status.DROPPED
    )


def _write_text(appointment: Appointment, kind: str, now: datetime) -> None:
    patient = appointment.patient
    message_kind = MESSAGE_KINDS.get(Kind(kind))
    if message_kind is None or patient.deceased or not may_text(patient=patient):
        return
    zone = ZoneInfo(patient.time_zone) if patient.time_zone else clinic_zone()
    language = patient.preferred_language
    Message.objects.create(
        channel=Message.Channel.SMS,
        kind=message_kind,
        patient=patient,
        appointment=appointment,
        appointment_sequence=appointment.sequence,
        to=patient.phone,
        language=language,
        body=message_text(kind=message_kind, start=appointment.start, language=language, zone=zone),
        due_at=now,
    )


def _write_events(appointment: Appointment, kind: str, now: datetime) -> None:
    if kind == Kind.ENTERED_IN_ERROR:
        return  # the list of event types has none for it
    event_type, event_id = f"appointment.{kind}", uuid.uuid4()
    body = json.dumps(
        {
            "type": event_type,
            "timestamp": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "data": {
                "id": str(appointment.pk),
                "sequence": appointment.sequence,
                "patient": str(appointment.patient_id),
                "nurse": str(appointment.nurse_id),
            },
        },
        separators=(",", ":"),
    )
    endpoints = WebhookEndpoint.objects.filter(active=True).order_by("created_at", "id")
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            endpoint=endpoint,
            event_id=event_id,
            event_type=event_type,
            body=body,
            sequence=appointment.sequence,
            due_at=now,
        )
        for endpoint in endpoints
        if not endpoint.events or event_type in endpoint.events
    )
