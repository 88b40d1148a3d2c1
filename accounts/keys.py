"""
API keys as text: how one is made, hashed, recognised and read from a header; no Django, no clock, no database.

A key is `cmx_`, its public id, and 32 random bytes (security reference, S42). Only its SHA-256 is stored: with 256
bits of chance behind it, nothing slower than that would make it harder to guess.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import unquote

from accounts.permissions import Scope

PREFIX = "cmx_"
PUBLIC_ID_BYTES = 8
SECRET_BYTES = 32
SCHEME = "bearer"
LONGEST = 128
"""Characters of a header that are looked at; a key has 64."""

_KEY = re.compile(r"cmx_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")


class InvalidScopes(ValueError):
    """There is no such scope, or none at all."""

    code = "invalid_scopes"

    def __init__(self, unknown: Iterable[str] = ()) -> None:
        names = ", ".join(sorted(unknown))
        known = ", ".join(Scope)
        self.detail = f"There is no scope {names}." if names else "Choose at least one scope."
        self.detail = f"{self.detail} Scopes are {known}."
        super().__init__(self.detail)


class InvalidNetwork(ValueError):
    """Something in a list of addresses is neither an address nor a network."""

    code = "invalid_network"

    def __init__(self, text: str) -> None:
        self.detail = f"{text} is no address and no network such as 192.0.2.0/24."
        super().__init__(self.detail)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: `text` is for its owner's eyes, the rest is stored."""

    text: str
    public_id: str
    digest: str


def new_key() -> NewKey:
    """Return a key that nobody had before."""
    public_id = secrets.token_hex(PUBLIC_ID_BYTES)
    text = f"{PREFIX}{public_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
    return NewKey(text=text, public_id=public_id, digest=digest(text))


def digest(text: str) -> str:
    """Return what is stored of a key: its SHA-256 in hexadecimal digits."""
    return sha256(text.encode()).hexdigest()


def matches(text: str, stored: str) -> bool:
    """Tell whether a key is the one of the stored digest, in a time that tells nothing (S42)."""
    return compare_digest(digest(text).encode(), stored.encode())


def public_id_of(text: str) -> str | None:
    """Return the public id of a key, or nothing if the text is no key at all."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def bearer_token(header: str) -> str | None:
    """Return what an `Authorization` header bears (RFC 6750, section 2.1), or nothing if it is of another scheme."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip()[:LONGEST] if scheme.lower() == SCHEME else None


def is_in_address(address: str) -> bool:
    """Tell whether a path with its query holds a key, or the beginning of one; such an address ends up in logs."""
    return PREFIX in unquote(address).lower()


def scopes_of(names: Iterable[str]) -> list[str]:
    """
    Return scopes in the order of the policy, each once.

    Raises:
        InvalidScopes: one of the names is no scope, or there is none.
    """
    asked = set(names)
    unknown = asked - {scope.value for scope in Scope}
    if unknown or not asked:
        raise InvalidScopes(unknown)
    return [scope.value for scope in Scope if scope in asked]


def networks_of(texts: Iterable[str]) -> list[str]:
    """
    Return networks in CIDR notation, each once; a single address is a network of its own.

    Raises:
        InvalidNetwork: a text is neither, or names a host within a network.
    """
    found = []
    for text in texts:
        try:
            found.append(str(ip_network(text)))
        except ValueError as error:
            raise InvalidNetwork(text) from error
    return list(dict.fromkeys(found))


def is_allowed(address: str, networks: Iterable[str]) -> bool:
    """Tell whether an address lies in one of the networks; without networks every address does."""
    listed = [ip_network(network) for network in networks]
    if not listed:
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in listed)
