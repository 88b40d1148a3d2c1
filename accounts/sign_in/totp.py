"""Time-based one-time codes (RFC 6238, HMAC-SHA-1, 30 seconds, 6 digits); no clock, no database."""

import base64
import hmac
import struct
from hashlib import sha1

STEP_SECONDS = 30
DIGITS = 6
DRIFT_STEPS = 1
"""A phone's clock may be this many steps off (security reference, S32)."""


def code_at(secret: str, step: int) -> str:
    """Return the code of a step; `secret` is base32, as it stands in an authenticator app."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    digest = hmac.new(key, struct.pack(">Q", step), sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_at(seconds: float) -> int:
    """Return the step of a time in seconds since 1970."""
    return int(seconds) // STEP_SECONDS


def matching_step(secret: str, code: str, *, seconds: float) -> int | None:
    """Return the step near `seconds` whose code this is, or nothing; each comparison takes the same time."""
    now = step_at(seconds)
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            found = step
    return found
