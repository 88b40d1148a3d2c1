"""
Master keys that wrap data keys: a recording has a key of its own, of which only the wrapped form is stored (S60).

The list comes from the environment (`RECORDING_KEYS`, read as `AUDIT_KEYS` is): the first key wraps, all unwrap. To
replace a master key, put the new one in front, pass every stored key through `rewrap`, then drop the old one.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32
NONCE_BYTES = 12


class KeyUnusable(Exception):
    """A wrapped key cannot be opened: its master key is not in the list, or it was changed or belongs elsewhere."""

    code = "key_unusable"
    detail = "The key of this recording cannot be opened."


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is stored: the id of its master key, and nonce, ciphertext and tag in one."""

    key_id: str
    sealed: bytes


class KeyRing:
    """Master keys by id, in order (AES-256-GCM; the id of the key and of the owner are authenticated)."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """
        Take the keys, the wrapping one first.

        Raises:
            ImproperlyConfigured: there is none.
        """
        if not keys:
            raise ImproperlyConfigured("RECORDING_KEYS must hold a key.")
        self._keys = dict(keys)
        self._current = next(iter(self._keys))

    def new_key(self, *, owner: str) -> tuple[bytes, WrappedKey]:
        """Return a fresh data key of 32 bytes and its wrapped form; `owner` is the id of what it is for."""
        data_key = secrets.token_bytes(KEY_BYTES)
        return data_key, self.wrap(data_key, owner=owner)

    def unwrap(self, wrapped: WrappedKey, *, owner: str) -> bytes:
        """
        Return the data key.

        Raises:
            KeyUnusable: the master key is not known, the wrapped key was changed, or it is another owner's.
        """
        master = self._keys.get(wrapped.key_id)
        if master is None:
            raise KeyUnusable
        nonce, sealed = wrapped.sealed[:NONCE_BYTES], wrapped.sealed[NONCE_BYTES:]
        try:
            return AESGCM(master).decrypt(nonce, sealed, _bound_to(wrapped.key_id, owner))
        except (InvalidTag, ValueError) as error:  # ValueError: cut too short to hold a nonce
            raise KeyUnusable from error

    def rewrap(self, wrapped: WrappedKey, *, owner: str) -> WrappedKey:
        """
        Return the key wrapped by the current master key; the same one if it is already.

        Raises:
            KeyUnusable: as `unwrap`.
        """
        if wrapped.key_id == self._current:
            return wrapped
        return self.wrap(self.unwrap(wrapped, owner=owner), owner=owner)

    def wrap(self, data_key: bytes, *, owner: str) -> WrappedKey:
        """Return a data key wrapped by the current master key."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        cipher = AESGCM(self._keys[self._current])
        sealed = cipher.encrypt(nonce, data_key, _bound_to(self._current, owner))
        return WrappedKey(self._current, nonce + sealed)


def recording_keys() -> KeyRing:
    """Return the master keys of recordings."""
    return KeyRing(settings.RECORDING_KEYS)


def _bound_to(key_id: str, owner: str) -> bytes:
    return f"carematix.data-key|{key_id}|{owner}".encode()
