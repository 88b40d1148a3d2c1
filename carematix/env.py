"""
The environment, read in one place and typed.

Every reader names the variable when its value is odd and never repeats the value: it may be a secret.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

ON = {"1", "true", "yes", "on"}
OFF = {"0", "false", "no", "off", ""}
KEY_BYTES = 32


class Environment:
    """Typed reads of a mapping of variables; a missing variable and an empty one are the same."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: str = "") -> str:
        """Return the variable without surrounding blanks."""
        return self._variables.get(name, "").strip() or default

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value not in ON | OFF:
            raise _odd(name, "1 or 0")
        return value in ON

    def number(self, name: str, default: int, *, least: int = 0, most: int = 10**9) -> int:
        value = self.text(name)
        if not value:
            return default
        try:
            number = int(value)
        except ValueError:
            raise _odd(name, "a whole number") from None
        if not least <= number <= most:
            raise _odd(name, f"a whole number from {least} to {most}")
        return number

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise _odd(name, "one of " + ", ".join(allowed))
        return value

    def words(self, name: str) -> list[str]:
        """Return a list written with commas."""
        return [word for part in self.text(name).split(",") if (word := part.strip())]

    def url(self, name: str, schemes: Sequence[str], default: str = "") -> str:
        """Return an address of one of `schemes`, without a trailing slash."""
        value = self.text(name, default)
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            known = parts.scheme in schemes and bool(parts.netloc or parts.path or parts.scheme == "console")
            _ = parts.port
        except ValueError:
            known = False
        if not known:
            raise _odd(name, "an address that begins with " + " or ".join(s + "://" for s in schemes))
        return value.rstrip("/")

    def zone(self, name: str, default: str) -> str:
        """Return the name of a time zone that exists."""
        value = self.text(name, default)
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise _odd(name, "a time zone such as America/New_York") from None
        return value

    def phone(self, name: str) -> str:
        """Return a number in E.164 form, or nothing."""
        value = self.text(name)
        if value and not (value.startswith("+") and value[1:].isdigit() and 8 <= len(value) <= 16):
            raise _odd(name, "a phone number such as +12025550199")
        return value

    def instant(self, name: str) -> datetime | None:
        """Return an ISO date-time with an offset, or nothing."""
        value = self.text(name)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise _odd(name, "an ISO date-time with an offset") from None
        if moment.tzinfo is None:
            raise _odd(name, "an ISO date-time with an offset")
        return moment

    def keys(self, name: str) -> dict[str, bytes]:
        """Return `id:base64-of-32-bytes[,id:…]` in order; the first one signs or encrypts."""
        keys: dict[str, bytes] = {}
        for word in self.words(name):
            identifier, _, encoded = word.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if not identifier or len(key) != KEY_BYTES or identifier in keys:
                raise _odd(name, "a list of id:base64-of-32-bytes")
            keys[identifier] = key
        return keys


def _odd(name: str, expected: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} must be {expected}.")
