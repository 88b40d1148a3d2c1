"""When nurses will be away: what removes time from their hours, as instants."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from scheduling import slots
from scheduling.models import AvailabilityOverride, Nurse
from scheduling.selectors.nurse_calendars import minute_of_day

MINUTES_PER_DAY = 1440
MOST_EACH = 50
"""Times off that are told of one nurse: the next ones."""
Spans = list[tuple[datetime, datetime]]


def times_off(
    nurses: Iterable[Nurse],
    *,
    now: datetime,
    until: datetime | None = None,
) -> dict[UUID, Spans]:
    """Return, in one query, the times off of nurses that end after `now` and begin before `until`, earliest first."""
    zones = {nurse.pk: ZoneInfo(nurse.time_zone) for nurse in nurses}
    first = now.date() - timedelta(days=1)
    touched = Q(date__gte=first) | Q(ends_at__gt=now)
    if until is not None:
        last = until.date() + timedelta(days=1)
        touched &= Q(date__lte=last) | Q(starts_at__lt=until)
    rows = AvailabilityOverride.objects.filter(
        touched, nurse_id__in=zones, effect=AvailabilityOverride.Effect.REMOVE
    )
    found: dict[UUID, Spans] = {}
    for row in rows.order_by("date", "starts_at", "start", "id"):
        begin, end = _span(row, zones[row.nurse_id])
        if end > now and begin < end and (until is None or begin < until):
            found.setdefault(row.nurse_id, []).append((begin, end))
    return {nurse_id: sorted(spans)[:MOST_EACH] for nurse_id, spans in found.items()}


def _span(row: AvailabilityOverride, zone: ZoneInfo) -> tuple[datetime, datetime]:
    if row.starts_at is not None and row.ends_at is not None:
        return row.starts_at, row.ends_at
    assert row.date is not None  # the database keeps one of the two forms
    start, end = 0, MINUTES_PER_DAY
    if row.start is not None and row.end is not None:
        start, end = minute_of_day(row.start), minute_of_day(row.end)
        if end <= start:
            end += MINUTES_PER_DAY
    return (
        slots.to_instant(slots.edge_to_minute(zone, row.date, start, is_end=False)),
        slots.to_instant(slots.edge_to_minute(zone, row.date, end, is_end=True)),
    )
