"""What is taken of the nurses' and a patient's time, as one row for each of them (scheduling reference, section 4)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet, Value

from scheduling import slots
from scheduling.models import Appointment, SlotHold
from scheduling.models.appointments import ACTIVE_STATUSES
from scheduling.selectors.packed_minutes import EpochMinute, Spans, numbers_of, one_of

LONGEST = timedelta(days=1)  # no visit takes that long, with its buffers (`visit_type_length`)
HOLD, VISIT, OWN_VISIT = range(3)


def taken_times(
    ids: list[UUID],
    since: datetime,
    until: datetime,
    now: datetime,
    patient_id: UUID | None,
    ignored: Collection[UUID],
    hold_owner: str,
) -> QuerySet[Any, Any]:
    """Return, in one query, the spans of the nurses' active visits, of others' live holds and of the patient."""
    # By the bound of the end on both sides the index leaves out the past and what is far ahead.
    around = Q(blocked_until__gt=since, blocked_until__lt=until + LONGEST, blocked_from__lt=until)
    visits = Appointment.objects.filter(around, status__in=ACTIVE_STATUSES).order_by()
    if ignored:
        visits = visits.exclude(pk__in=ignored)
    by_them = one_of("nurse_id", ids, connection.vendor)
    holds = SlotHold.objects.filter(
        around, by_them, state=SlotHold.State.LIVE, expires_at__gt=now
    ).order_by()
    if hold_owner:
        holds = holds.exclude(owner=hold_owner)
    parts = [_spans(holds, "nurse_id", HOLD)]
    if patient_id is not None:
        parts.append(_spans(visits.filter(patient_id=patient_id), "patient_id", OWN_VISIT))
    theirs = _spans(visits.filter(by_them), "nurse_id", VISIT)
    everything: QuerySet[Any, Any] = theirs.union(*parts, all=True)
    return everything


def _spans(rows: QuerySet[Any], owner: str, what: int) -> QuerySet[Any, Any]:
    """Return the bare times by owner, and with their buffers those that have some; most have none."""
    grouped = rows.values(owner).annotate(
        bare=Spans(EpochMinute("start"), EpochMinute("end")),
        buffered=Spans(
            EpochMinute("blocked_from"),
            EpochMinute("blocked_until"),
            filter=Q(blocked_from__lt=F("start")) | Q(blocked_until__gt=F("end")),
        ),
    )
    named: QuerySet[Any, Any] = grouped.values_list(owner, "bare", "buffered", Value(what))
    return named


def ranges_of(spans: bytes | str | None) -> list[slots.hours.Range]:
    minutes = numbers_of(spans) if spans else ()
    return list(zip(minutes[0::2], minutes[1::2], strict=True))


def id_of(value: Any) -> UUID:
    """Return a row's id; a union loses the column's type on SQLite."""
    return value if isinstance(value, UUID) else UUID(str(value))
