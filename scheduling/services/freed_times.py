"""
What became free, noted for the waitlist in the transaction that freed it (scheduling reference, section 12).

`waitlist.py` offers it after the commit.
"""

from datetime import datetime
from uuid import UUID

from scheduling.models import ACTIVE_STATUSES, Appointment, FreedTime

MOST_MOVES = 5
"""How many offered moves may follow each other, each into the time that the one before gave up."""


def record_freed_time(
    *, nurse_id: UUID, start: datetime, end: datetime, now: datetime, depth: int = 0
) -> FreedTime | None:
    """
    Note that a nurse's time in [start, end) became free; `depth` counts the moves from the waitlist that led here.

    Returns None, and notes nothing, if the time is past or the moves have gone on long enough.
    """
    if end <= now or depth > MOST_MOVES:
        return None
    return FreedTime.objects.create(
        nurse_id=nurse_id, start=start, end=end, depth=depth, due_at=now
    )


def record_if_freed(
    *, before: Appointment, after: Appointment, now: datetime, depth: int = 0
) -> FreedTime | None:
    """Note the time that a change of a visit gave back; a visit that has begun gives none back."""
    if before.status not in ACTIVE_STATUSES or before.start <= now:
        return None
    if after.status in ACTIVE_STATUSES and _takes(after) == _takes(before):
        return None
    return record_freed_time(
        nurse_id=before.nurse_id,
        start=before.blocked_from,
        end=before.blocked_until,
        now=now,
        depth=depth,
    )


def _takes(visit: Appointment) -> tuple[UUID, datetime, datetime]:
    return visit.nurse_id, visit.blocked_from, visit.blocked_until
