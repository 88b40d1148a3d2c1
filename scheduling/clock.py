"""
The clinic's clock: what "now" is to the rules of scheduling.

`CAREMATIX_NOW` makes it stand still. Tokens, logins, call times and audit read the real clock instead.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone


def clinic_now() -> datetime:
    """Return the clinic's now, aware, in UTC; edges read it once and pass it on."""
    pinned: datetime | None = settings.CAREMATIX_NOW
    return pinned.astimezone(UTC) if pinned else timezone.now()


def clinic_zone() -> ZoneInfo:
    """Return the clinic's time zone."""
    zone: ZoneInfo | str = settings.CLINIC_TIME_ZONE
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone)
