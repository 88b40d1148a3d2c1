"""
Entity tags of single objects (RFC 9110, sections 8.8.3 and 13.1): whoever writes with an old one gets 412.

A tag is a digest of what its reader sees, so every resource has one without a column for it. No Django here.
"""

from hashlib import sha256

SHOWN = 32
ANY = "*"


def tag_of(body: bytes) -> str:
    """Return the strong tag of a rendered object, in its quotes."""
    return f'"{sha256(body).hexdigest()[:SHOWN]}"'


def tags_in(header: str) -> list[str]:
    """Return the tags of an `If-Match` or `If-None-Match` header."""
    return [part.strip() for part in header.split(",") if part.strip()]


def is_current(header: str, tag: str) -> bool:
    """Tell whether `If-Match` allows a write: by strong comparison, or for whatever is stored."""
    found = tags_in(header)
    return ANY in found or tag in found


def is_known(header: str, tag: str) -> bool:
    """Tell whether `If-None-Match` says that the reader has this state: by weak comparison."""
    found = [part.removeprefix("W/") for part in tags_in(header)]
    return ANY in found or tag in found
