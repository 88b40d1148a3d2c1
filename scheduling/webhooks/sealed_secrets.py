"""
Signing keys as they are stored: sealed, so that a copy of the database signs nothing.

The sealing keys come from SECRET_KEY and, for opening, SECRET_KEY_FALLBACKS (HKDF-SHA256, RFC 5869; AES-256-GCM, bound
to the endpoint). A stored secret is the id of its sealing key, a colon, and base64.
"""

import base64
import binascii
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from accounts.key_ring import KEY_BYTES, KeyRing, KeyUnusable, WrappedKey

PURPOSE = b"carematix.webhook-secrets"
ID_CHARACTERS = 8


class SecretUnusable(Exception):
    """A stored secret cannot be opened: SECRET_KEY was changed without a fallback, or the row was tampered with."""

    code = "secret_unusable"


def new_secret(*, endpoint_id: UUID) -> tuple[bytes, str]:
    """Return a fresh signing key of 32 bytes, and the form in which it is stored."""
    key, wrapped = _ring().new_key(owner=_owner(endpoint_id))
    return key, _stored(wrapped)


def sealed_secret(key: bytes, *, endpoint_id: UUID) -> str:
    """Return the form in which a given key is stored."""
    return _stored(_ring().wrap(key, owner=_owner(endpoint_id)))


def opened_secret(stored: str, *, endpoint_id: UUID) -> bytes:
    """
    Return the signing key.

    Raises:
        SecretUnusable: see the class.
    """
    try:
        return _ring().unwrap(_wrapped(stored), owner=_owner(endpoint_id))
    except KeyUnusable as error:
        raise SecretUnusable from error


def resealed_secret(stored: str, *, endpoint_id: UUID) -> str:
    """
    Return a stored secret sealed by the current SECRET_KEY; the same text if it is already.

    Raises:
        SecretUnusable: see the class.
    """
    wrapped = _wrapped(stored)
    try:
        again = _ring().rewrap(wrapped, owner=_owner(endpoint_id))
    except KeyUnusable as error:
        raise SecretUnusable from error
    return stored if again is wrapped else _stored(again)


def _ring() -> KeyRing:
    keys = map(_sealing_key, settings.SEALING_SECRETS)
    return KeyRing({sha256(key).hexdigest()[:ID_CHARACTERS]: key for key in keys})


def _sealing_key(secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=PURPOSE).derive(
        secret.encode()
    )


def _owner(endpoint_id: UUID) -> str:
    return f"webhook-endpoint:{endpoint_id}"


def _stored(wrapped: WrappedKey) -> str:
    return f"{wrapped.key_id}:{base64.b64encode(wrapped.sealed).decode()}"


def _wrapped(stored: str) -> WrappedKey:
    key_id, _, encoded = stored.partition(":")
    try:
        return WrappedKey(key_id, base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError) as error:
        raise SecretUnusable from error
