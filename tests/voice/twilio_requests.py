"""Requests as Twilio sends them, for tests of the doors."""

from typing import Any

from django.conf import settings
from django.test import Client
from twilio.request_validator import RequestValidator

CALL_SID = "CA" + "0123456789abcdef" * 2


def call_fields(**changes: str) -> dict[str, str]:
    """Return the form of an incoming call, blanks included (twilio reference, section 2)."""
    fields = {
        "AccountSid": settings.TWILIO_ACCOUNT_SID,
        "CallSid": CALL_SID,
        "ApiVersion": "2010-04-01",
        "Direction": "inbound",
        "CallStatus": "ringing",
        "From": "+12025550102",
        "Caller": "+12025550102",
        "To": settings.TWILIO_PHONE_NUMBER,
        "Called": settings.TWILIO_PHONE_NUMBER,
        "FromCity": "",
        "FromCountry": "US",
        "StirVerstat": "TN-Validation-Passed-A",
    }
    return fields | changes


def signature(path: str, fields: Any, token: str | None = None, base: str = "") -> str:
    """Return the signature of a request to `path`."""
    validator = RequestValidator(token or settings.TWILIO_AUTH_TOKEN)
    signed: str = validator.compute_signature((base or settings.PUBLIC_BASE_URL) + path, fields)
    return signed


def post(path: str, fields: Any, **headers: str) -> Any:
    """Post a form with a right signature; `headers` are added."""
    return post_signed_as(path, fields, signature(path, fields), **headers)


def post_signed_as(path: str, fields: Any, signed: str | None, **headers: str) -> Any:
    """Post a form with a signature of one's own, or with none."""
    sent = {} if signed is None else {"X-Twilio-Signature": signed}
    return Client().post(path, fields, headers=sent | headers)
