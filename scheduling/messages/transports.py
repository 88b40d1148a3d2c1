"""
The ways by which a message leaves: Twilio's REST API, Django's mail, and a developer's console.

Each ends as a request to the carrier does (`scheduling.messages.carrier`): accepted, or one of the three failures.
"""

import smtplib
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMessage, get_connection

from scheduling.messages import carrier
from scheduling.messages.carrier import TIMEOUT_S, NotSent, Refused, Uncertain

__all__ = ["Accepted", "NotSent", "Outgoing", "Refused", "Uncertain", "send_mail", "send_text"]

MAX_VALIDITY_S = 36_000
SMTP_FOR_GOOD = 500


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a transport needs of a message; `validity_s` is for how long it is worth delivering."""

    message_id: UUID
    to: str
    subject: str
    body: str
    validity_s: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier has the message; its id and first status are empty where a carrier gives none."""

    provider_id: str = ""
    provider_status: str = ""


def send_text(outgoing: Outgoing) -> Accepted:
    """
    Give a text to Twilio; without an account print it for the developer, in production refuse it.

    Raises:
        NotSent, Refused, Uncertain: see the classes.
    """
    sender = settings.TWILIO_MESSAGING_SERVICE_SID or settings.TWILIO_PHONE_NUMBER
    if not carrier.is_configured() or not sender:
        if settings.DEBUG:
            return _print(f"Text to {outgoing.to}:\n{outgoing.body}\n")
        raise Refused("not_configured")
    with carrier.asked() as client:
        sent = client.messages.create(**_text_fields(outgoing))
    return Accepted(str(sent.sid or ""), str(sent.status or ""))


def _text_fields(outgoing: Outgoing) -> dict[str, Any]:
    """Return the arguments of Twilio's `messages.create` (twilio reference, section 9)."""
    fields: dict[str, Any] = {
        "to": outgoing.to,
        "body": outgoing.body,
        # The id finds the row again when the answer to this request is lost.
        "status_callback": f"{settings.PUBLIC_BASE_URL}/twilio/sms/status?message={outgoing.message_id}",
    }
    if settings.TWILIO_MESSAGING_SERVICE_SID:
        fields["messaging_service_sid"] = settings.TWILIO_MESSAGING_SERVICE_SID
    else:
        fields["from_"] = settings.TWILIO_PHONE_NUMBER
    if outgoing.validity_s is not None:
        fields["validity_period"] = max(1, min(outgoing.validity_s, MAX_VALIDITY_S))
    return fields


def send_mail(outgoing: Outgoing) -> Accepted:
    """
    Give an e-mail to the configured mail server.

    Raises:
        NotSent, Refused, Uncertain: see the classes.
    """
    mail = EmailMessage(outgoing.subject, outgoing.body, to=[outgoing.to])
    try:
        mail.message()
    except (BadHeaderError, UnicodeError) as error:
        raise Refused("odd_header") from error
    connection = get_connection(timeout=TIMEOUT_S) if _is_smtp() else get_connection()
    try:
        connection.open()
    except OSError as error:  # smtplib's own failures, a refused login among them, are OSErrors too
        raise NotSent("no_connection") from error
    try:
        connection.send_messages([mail])
    except smtplib.SMTPRecipientsRefused as error:
        codes = [int(code) for code, _ in error.recipients.values()]
        raise _from_smtp(min(codes, default=SMTP_FOR_GOOD)) from error
    except smtplib.SMTPResponseException as error:
        raise _from_smtp(error.smtp_code) from error
    except OSError as error:
        raise Uncertain("connection_lost") from error
    finally:
        with suppress(OSError):  # what the server took, a rude goodbye does not take back
            connection.close()
    return Accepted()


def _is_smtp() -> bool:
    return bool(settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"))


def _from_smtp(code: int) -> NotSent | Refused:
    """Return what a mail server's refusal means: 4xx is for now, 5xx for good (RFC 5321, section 4.2.1)."""
    return Refused(f"smtp_{code}") if code >= SMTP_FOR_GOOD else NotSent(f"smtp_{code}")


def _print(text: str) -> Accepted:
    sys.stdout.write(text)
    sys.stdout.flush()
    return Accepted(provider_status="printed")
