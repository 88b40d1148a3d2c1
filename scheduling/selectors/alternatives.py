"""Other times for somebody who wanted one that is taken; the same for every door."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import formats

from scheduling.clock import clinic_zone
from scheduling.selectors.openings import Opening, find_openings

MOST = 3
BEFORE, AFTER = timedelta(hours=2), timedelta(days=14)


def openings_near(
    *,
    start: datetime,
    visit_type: str,
    patient_id: UUID,
    now: datetime,
    nurse_ids: Collection[UUID] | None = None,
    exclude: Collection[tuple[UUID, datetime]] = (),
) -> tuple[Opening, ...]:
    """
    Return at most three free times for a patient from two hours before a start on, the earliest first.

    `exclude` names starts with nurses that are spoken for although nothing is stored yet.

    Raises:
        NotAvailable: there is no such kind of visit.
    """
    found = find_openings(
        now=now,
        since=max(start - BEFORE, now),
        until=max(start, now) + AFTER,
        visit_type=visit_type,
        patient_id=patient_id,
        nurse_ids=nurse_ids,
        exclude=exclude,
        limit=MOST,
    )
    return found.slots


def in_words(openings: Collection[Opening]) -> str:
    """Return a sentence that names them on the clinic's clock, or that there are none."""
    if not openings:
        return "Nothing is free within two weeks of it."
    times = "; ".join(
        f"{formats.date_format(one.start.astimezone(clinic_zone()), 'DATETIME_FORMAT')} with {one.nurse_name}"
        for one in openings
    )
    return f"Free near it: {times}."
