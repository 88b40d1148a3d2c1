"""
The ways by which a message leaves: Twilio's REST API, Django's mail, and a developer's console.

A transport says one of four things, because a text must never go out twice (security reference, R10): it was
accepted, it was refused for good, it certainly did not leave and may be tried again, or nobody knows.
"""

import json
import smtplib
import ssl
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import requests
from django.conf import settings
from django.core.mail import BadHeaderError, EmailMessage, get_connection
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

TIMEOUT_S = 15.0
"""How long one step of a request may take; the library itself would wait for ever."""
MAX_VALIDITY_S = 36_000
ANSWERED_NOT_NOW = {429, 503}
CODES_NOT_NOW = {20429, 30001, 30022}
CREDENTIALS = {401, 403}
"""Nothing was accepted, and somebody may be changing the token just now."""
SMTP_FOR_GOOD = 500


class TransportFailure(Exception):
    """A message did not go out as it should; `code` is short and stable, and holds nothing of the message."""

    def __init__(self, code: str) -> None:
        self.code = code[:40]
        super().__init__(self.code)


class NotSent(TransportFailure):
    """It certainly did not leave; trying again later is safe."""


class Refused(TransportFailure):
    """The other side said no, and would say so again."""


class Uncertain(TransportFailure):
    """The request went out and the answer did not come back."""


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
    if not _twilio_configured():
        if settings.DEBUG:
            return _print(f"Text to {outgoing.to}:\n{outgoing.body}\n")
        raise Refused("not_configured")
    from twilio.rest import Client  # slow to import, and only a process that sends needs it

    client = Client(
        settings.TWILIO_ACCOUNT_SID,
        settings.TWILIO_AUTH_TOKEN,
        http_client=_TwilioConnection(settings.TWILIO_API_BASE_URL),
    )
    try:
        sent = client.messages.create(**_text_fields(outgoing))
    except (TwilioRestException, TwilioServiceException) as error:
        raise _from_answer(int(error.status), int(error.code or 0)) from error
    except requests.exceptions.RequestException as error:
        raise _from_connection(error) from error
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise Uncertain("odd_answer") from error
    return Accepted(str(sent.sid or ""), str(sent.status or ""))


def _twilio_configured() -> bool:
    sender = settings.TWILIO_MESSAGING_SERVICE_SID or settings.TWILIO_PHONE_NUMBER
    return bool(settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN and sender)


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


class _TwilioConnection:
    """
    An HTTP client for Twilio's library that goes to the configured address, each request on a new connection.

    A kept connection may be closed at the moment of a request, and nobody could say then whether it arrived.
    """

    is_async = False

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = TwilioHttpClient(pool_connections=False, timeout=TIMEOUT_S)

    def request(self, method: str, uri: str, **options: Any) -> Any:
        """Send one request; the host that the library or its environment chose does not count."""
        parts = urlsplit(uri)
        query = f"?{parts.query}" if parts.query else ""
        return self._client.request(method, f"{self._base_url}{parts.path}{query}", **options)


def _from_answer(status: int, code: int) -> TransportFailure:
    """Return what an answer with an error means (twilio reference, sections 8, 9 and 11)."""
    known = str(code if code > 999 else f"http_{status}")
    if status in ANSWERED_NOT_NOW | CREDENTIALS or code in CODES_NOT_NOW:
        return NotSent(known)
    if status >= 500:
        return Uncertain(known)
    return Refused(known)


def _from_connection(error: requests.exceptions.RequestException) -> TransportFailure:
    """Tell a request that never left from one whose answer was lost."""
    never_left = (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)
    if isinstance(error, never_left):
        return NotSent("no_connection")
    for cause in _causes(error):
        if isinstance(
            cause, NewConnectionError | ConnectTimeoutError | ssl.SSLCertVerificationError
        ):
            return NotSent("no_connection")
    return Uncertain("connection_lost")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what requests and urllib3 wrapped in it."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, BaseException) or found in seen:
            continue
        seen.append(found)
        yield found
        waiting += [*found.args, getattr(found, "reason", None)]


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


def _from_smtp(code: int) -> TransportFailure:
    """Return what a mail server's refusal means: 4xx is for now, 5xx for good (RFC 5321, section 4.2.1)."""
    return Refused(f"smtp_{code}") if code >= SMTP_FOR_GOOD else NotSent(f"smtp_{code}")


def _print(text: str) -> Accepted:
    sys.stdout.write(text)
    sys.stdout.flush()
    return Accepted(provider_status="printed")
