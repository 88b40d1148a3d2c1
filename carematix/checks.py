"""
System checks: what a production server must not be run with (S73 to S77).

`manage.py check --deploy --fail-level WARNING` reads the database too, without `--database`; it never asks Redis,
Twilio or the model.
"""

import re
import stat
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import DatabaseError

from accounts.models import User
from carematix import production
from dashboard import selectors
from dashboard.management.commands.create_sample_logins import PASSWORD as SAMPLE_PASSWORD

Release = tuple[int, ...]

FLOOR = Path(settings.BASE_DIR) / "requirements-floor.txt"
COMMON_PASSWORDS = ("admin", "password", "changeme", "carematix")
"""Tried on administrators beside their own names; the sample logins' password is tried on everybody."""


@register(Tags.security, deploy=True)
def settings_are_right(
    app_configs: Sequence[AppConfig] | None, **options: Any
) -> list[CheckMessage]:
    """E001: name each fault that also stops the server."""
    return [Error(fault, id="carematix.E001") for fault in production.faults(settings)]


@register(Tags.security, deploy=True)
def data_is_real(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """E002 to E004: refuse sample data and passwords that anybody knows."""
    if settings.DEBUG:
        return []
    try:
        found: list[CheckMessage] = []
        if selectors.has_sample_data():
            found.append(Error("The database holds sample data.", id="carematix.E002"))
        if known := sum(map(_has_a_known_password, User.objects.filter(is_active=True))):
            found.append(
                Error(f"{known} active user(s) have a default password.", id="carematix.E003")
            )
    except DatabaseError:
        return [
            Error(
                "The database cannot be read. Is it there, and migrated (manage.py setup)?",
                id="carematix.E004",
            )
        ]
    return found


@register(Tags.security, deploy=True)
def env_file_is_private(
    app_configs: Sequence[AppConfig] | None, **options: Any
) -> list[CheckMessage]:
    """W001: the file of secrets is for its owner alone."""
    file = Path(settings.BASE_DIR) / ".env"
    if not file.exists() or not file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    return [Caution("Others may read .env.", hint="chmod 600 .env", id="carematix.W001")]


@register(Tags.security)
def packages_are_safe(
    app_configs: Sequence[AppConfig] | None, **options: Any
) -> list[CheckMessage]:
    """E005: no package below the version that mends its known flaws (S72, S76)."""
    lowest = floor(FLOOR.read_text(encoding="utf-8"))
    return [
        Error(f"A later release of {name} is needed.", id="carematix.E005")
        for name, least in lowest.items()
        if (found := _installed(name)) and found < least
    ]


def floor(text: str) -> dict[str, Release]:
    """Return the lowest safe release of each package, from lines such as `daphne>=4.2.2  # why`."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    pairs = [line.split(">=") for line in lines if line]
    return {name.strip(): release(least) for name, least in pairs}


def release(text: str) -> Release:
    """Return a version's numbers, as far as they are numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:4])


def _installed(name: str) -> Release:
    try:
        return release(version(name))
    except PackageNotFoundError:
        return ()


def _has_a_known_password(user: User) -> bool:
    tried = [SAMPLE_PASSWORD]
    if user.is_staff or user.is_superuser:
        tried += [user.get_username(), *COMMON_PASSWORDS]
    return any(map(user.check_password, tried))
