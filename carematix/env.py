"""
The environment, read in one place and typed.

Every reader names the variable when its value is odd and never repeats the value: it may be a secret.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

ON = {"1", "true", "yes", "on"}
OFF = {"0", "false", "no", "off"}
KEY_BYTES = 32
SMTP = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}  # the usual port of each
MAIL_ADDRESS = re.compile(r"([^<>@]+ <)?[^<>@\s]+@[^<>@\s]+>?")
WITHOUT_HOST = {"sqlite", "unix"}
"""Schemes of addresses that name a file instead of a host."""

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
HOST = re.compile(r"\*|\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\]")


class Environment:
    """Typed reads of a mapping of variables; a missing variable and an empty one are the same."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: str = "") -> str:
        """Return one line of text without surrounding blanks."""
        value = self._variables.get(name, "").strip()
        if not value.isprintable():
            raise _odd(name, "one line of text")
        return value or default

    def secret(self, name: str) -> str:
        """Return a key or a token: printable ASCII without blanks, since it travels in headers."""
        value = self.text(name)
        if not value.isascii() or " " in value:
            raise _odd(name, "printable characters without blanks")
        return value

    def secrets(self, name: str) -> list[str]:
        """Return keys or tokens written with commas."""
        values = self.words(name)
        if any(not value.isascii() or " " in value for value in values):
            raise _odd(name, "a list of printable characters without blanks")
        return values

    def identifier(self, name: str, default: str = "", *, pattern: str = "") -> str:
        """Return a name that machines gave, such as a model's or an account's."""
        value = self.text(name, default)
        expected = re.compile(pattern) if pattern else IDENTIFIER
        if value and not expected.fullmatch(value):
            raise _odd(
                name, f"a name of the form {pattern}" if pattern else "a name without blanks"
            )
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value not in ON | OFF:
            raise _odd(name, "1 or 0")
        return value in ON

    def number(self, name: str, default: int, *, least: int = 0, most: int = 10**9) -> int:
        """Return a whole number between `least` and `most`, both included."""
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

    def ports(self, name: str) -> list[int]:
        """Return port numbers written with commas."""
        words = self.words(name)
        if not all(re.fullmatch("[0-9]{1,5}", word) and 0 < int(word) < 65_536 for word in words):
            raise _odd(name, "a list of port numbers")
        return [int(word) for word in words]

    def hosts(self, name: str) -> list[str]:
        """Return host names without scheme and port, as `ALLOWED_HOSTS` takes them."""
        hosts = self.words(name)
        if not all(HOST.fullmatch(host) for host in hosts):
            raise _odd(name, "a list of host names without scheme, port and path")
        return hosts

    def origins(self, name: str) -> list[str]:
        """Return origins: scheme and host, no path."""
        origins = self.words(name)
        for origin in origins:
            parts = _split(origin)
            if parts is None or parts[0] not in {"http", "https"} or not parts[1] or parts[2]:
                raise _odd(name, "a list of origins such as https://clinic.example")
        return origins

    def url(self, name: str, schemes: Sequence[str], default: str = "") -> str:
        """Return an address of one of `schemes`, without a trailing slash."""
        value = self.text(name, default)
        if not value:
            return ""
        parts = _split(value)
        known = parts is not None and parts[0] in schemes
        if not known or parts is None or not (parts[2] if parts[0] in WITHOUT_HOST else parts[1]):
            raise _odd(
                name, "an address that begins with " + " or ".join(f"{s}://" for s in schemes)
            )
        return value.rstrip("/")

    def folder(self, name: str, default: Path) -> Path:
        """Return the path of a folder that exists or can be made."""
        value = Path(self.text(name, str(default))).expanduser()
        if value.exists() and not value.is_dir():
            raise _odd(name, "the path of a folder")
        return value

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
        if value and not PHONE.fullmatch(value):
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

    def mail(self, name: str) -> dict[str, str | int | bool | None]:
        """
        Return Django's e-mail settings from one address.

        `console://`, `file:///folder`, `smtp://`, `smtp+tls://` (STARTTLS) or `smtp+ssl://`, the last three with
        `user:password@host:port`.
        """
        value = self.text(name, "console://")
        split = _split(value)
        scheme, host, path = split or ("", "", "")
        complete = {"console": True, "file": bool(path)} | dict.fromkeys(SMTP, bool(host))
        if not complete.get(scheme):
            schemes = ", ".join(f"{known}://" for known in complete)
            raise _odd(name, f"an address that begins with one of {schemes}")
        parts = urlsplit(value)
        backend = {"console": "console", "file": "filebased"}.get(parts.scheme, "smtp")
        return {
            "EMAIL_BACKEND": f"django.core.mail.backends.{backend}.EmailBackend",
            "EMAIL_FILE_PATH": parts.path if parts.scheme == "file" else None,
            "EMAIL_HOST": parts.hostname or "localhost",
            "EMAIL_PORT": parts.port or SMTP.get(parts.scheme, 25),
            "EMAIL_HOST_USER": unquote(parts.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
            "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
            "EMAIL_USE_SSL": parts.scheme == "smtp+ssl",
        }

    def mail_address(self, name: str, default: str) -> str:
        """Return an e-mail address, with or without a name before it."""
        value = self.text(name, default)
        if not MAIL_ADDRESS.fullmatch(value):
            raise _odd(name, "an e-mail address")
        return value

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


def _split(address: str) -> tuple[str, str, str] | None:
    """Return scheme, host and path, or nothing when the address or its port cannot be read."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", parts.path


def _odd(name: str, expected: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} must be {expected}.")
