"""Texts as Twilio passes them on, and what was answered."""

from typing import Any

from django.conf import settings as django_settings

from scheduling.models import Message
from tests.voice.twilio_requests import post

SMS = "/twilio/sms"
KNOWN = "+12025550123"
UNKNOWN = "+12025550124"
_sids = iter(range(1, 10_000))


def text_fields(body: str, **changes: str) -> dict[str, str]:
    """Return the form of an incoming text, blanks included (twilio reference, section 9)."""
    sid = f"SM{next(_sids):032d}"
    fields = {
        "MessageSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": django_settings.TWILIO_ACCOUNT_SID,
        "MessagingServiceSid": "",
        "From": KNOWN,
        "To": django_settings.TWILIO_PHONE_NUMBER,
        "Body": body,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "FromCountry": "US",
        "ApiVersion": "2010-04-01",
    }
    return fields | changes


def text(body: str, **changes: str) -> Any:
    """Send a text and return the answer."""
    return post(SMS, text_fields(body, **changes))


def replies() -> list[str]:
    return list(Message.objects.filter(kind="reply").values_list("body", flat=True))
