"""
Signing what leaves (Standard Webhooks 1.0; scheduling reference, section 15). No I/O, no clock.

A secret is shown as `whsec_` and the base64 of its bytes; the key of the signature is the bytes.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from hashlib import sha256

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)
"""How long a key may be."""


def secret_of(key: bytes) -> str:
    """Return a key in the form in which people copy it."""
    return PREFIX + base64.b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """
    Return the bytes that a secret stands for.

    Raises:
        ValueError: it is not `whsec_` and base64 of 24 to 64 bytes.
    """
    if not secret.startswith(PREFIX):
        raise ValueError("A secret begins with whsec_.")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("A secret is base64 after whsec_.") from error
    if len(key) not in KEY_BYTES:
        raise ValueError("A secret is 24 to 64 bytes.")
    return key


def signature(key: bytes, *, event_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature over `id.timestamp.body`, the body as the exact bytes that are sent."""
    signed = b".".join((event_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode()


def signed_headers(
    *, keys: Sequence[bytes], event_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """
    Return the headers of one attempt.

    `event_id` is the same on every try and holds no dot; `timestamp` is this attempt's, in seconds since 1970. Each
    key signs, the newest one stands first.
    """
    signatures = [signature(key, event_id=event_id, timestamp=timestamp, body=body) for key in keys]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
