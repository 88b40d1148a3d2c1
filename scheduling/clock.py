"""
The clinic's clock: what "now" is to the rules of scheduling.

`CAREMATIX_NOW` makes it stand still. Tokens, logins, call times and audit read the real clock instead.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from scheduling import slots
from scheduling.exceptions import TimeDoesNotExist


def clinic_now() -> datetime:
    """Return the clinic's now, aware, in UTC; edges read it once and pass it on."""
    pinned: datetime | None = settings.CAREMATIX_NOW
    return pinned.astimezone(UTC) if pinned else timezone.now()


def real_now() -> datetime:
    """Return the real clock's now, aware, in UTC: for stamps that other systems read."""
    return timezone.now()


def clinic_zone() -> ZoneInfo:
    """Return the clinic's time zone."""
    zone: ZoneInfo | str = settings.CLINIC_TIME_ZONE
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone)


def instant_on_the_wall(shown: datetime) -> datetime:
    """
    Return the UTC instant at which the clinic's clock shows a naive date and time; the earlier one if it does so twice.

    Raises:
        TimeDoesNotExist: the clocks skip that time on that day.
    """
    start = slots.resolve(clinic_zone(), shown.date(), shown.hour * 60 + shown.minute)
    if start is None:
        raise TimeDoesNotExist
    return slots.to_instant(start) + timedelta(seconds=shown.second, microseconds=shown.microsecond)
