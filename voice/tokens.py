"""
The single-use token that binds a media stream to the call it was made for (S6).

Token = HMAC(secret key, CallSid and a random nonce). Only the nonce is stored, so a carrier's retry before the
token was used renders the same TwiML, and nobody who reads the database can open a stream.
"""

import secrets

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

SALT = "voice.stream"


def new_nonce() -> str:
    """Return 32 random bytes as text."""
    return secrets.token_urlsafe(32)


def stream_token(*, call_sid: str, nonce: str) -> str:
    """Return the token for the TwiML's `<Parameter>`, 64 hexadecimal characters."""
    return _sign(call_sid, nonce, settings.SECRET_KEY)


def token_is_right(token: str, *, call_sid: str, nonce: str) -> bool:
    """Compare in constant time, with the present secret key and the ones it replaced."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(constant_time_compare(token, _sign(call_sid, nonce, key)) for key in keys)


def _sign(call_sid: str, nonce: str, key: str) -> str:
    return salted_hmac(SALT, f"{call_sid}|{nonce}", secret=key, algorithm="sha256").hexdigest()
