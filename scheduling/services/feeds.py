"""The secret addresses of nurses' calendars; at most one is in use for each nurse."""

import secrets
from datetime import datetime
from uuid import UUID

from scheduling.models import CalendarFeed
from scheduling.selectors.feeds import token_digest
from scheduling.services.transactions import lock_nurses, run_atomically

TOKEN_BYTES = 32


def create_feed(*, nurse_id: UUID, now: datetime) -> str:
    """
    Make a new address, revoke the one before it, and return its token, which nobody can read again.

    Raises:
        NurseUnknown: there is no such nurse.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)

    def work() -> str:
        lock_nurses([nurse_id])
        _revoke(nurse_id, now)
        CalendarFeed.objects.create(nurse_id=nurse_id, token_hash=token_digest(token))
        return token

    return run_atomically(work)


def revoke_feed(*, nurse_id: UUID, now: datetime) -> bool:
    """Close the nurse's address; tell whether there was one."""

    def work() -> bool:
        lock_nurses([nurse_id])
        return _revoke(nurse_id, now)

    return run_atomically(work)


def note_feed_use(*, feed_id: UUID, now: datetime) -> None:
    """Stamp when a calendar last read the feed, so that a forgotten address can be told from a used one."""
    CalendarFeed.objects.filter(pk=feed_id).update(last_used_at=now)


def _revoke(nurse_id: UUID, now: datetime) -> bool:
    in_use = CalendarFeed.objects.filter(nurse_id=nurse_id, revoked_at__isnull=True)
    return bool(in_use.update(revoked_at=now))
