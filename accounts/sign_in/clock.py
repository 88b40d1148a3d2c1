"""The clock of logins: the real one, whatever the clinic's pinned clock says (contract, section 8, "Clock")."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """Return the real time, aware, UTC; the edges call it and pass it on."""
    return timezone.now()
