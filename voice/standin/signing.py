"""Twilio's signature on its requests: base64 of HMAC-SHA1 over the address and the sorted fields (twilio.md, 3)."""

import base64
import hashlib
import hmac
from collections.abc import Iterable


def sign(*, auth_token: str, url: str, fields: Iterable[tuple[str, str]] = ()) -> str:
    """Return `X-Twilio-Signature`; of a repeated field each distinct value counts once, in order."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")
