"""
Legal holds: reads and writes (security reference, S62).

Placing and lifting holds, each batch of a purge, and an erasure take turns (`take_turn`), so that nothing is deleted
of what a hold was placed on a moment before.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.exceptions import HoldNeedsReason, NoSuchHold
from accounts.models import LegalHold
from accounts.origin import Origin

TURN = 0x1D_E475
"""An advisory lock: a number that nothing else in the database uses."""
SHORTEST_REASON, LONGEST_REASON = 10, 200  # characters


def take_turn() -> None:
    """Wait until no other transaction places a hold or deletes; on SQLite a transaction excludes all others."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])


def holds_in_force(*, kind: str, record_ids: Iterable[UUID]) -> QuerySet[LegalHold]:
    """Return the holds that rest on some records, the latest first."""
    rows = LegalHold.objects.filter(kind=kind, record_id__in=record_ids, lifted_at=None)
    return rows.select_related("placed_by").order_by("-placed_at", "id")


def held_ids(*, kind: str) -> QuerySet[LegalHold, UUID]:
    """Return the ids of all held records of a kind, in no order: for the condition of another query."""
    rows = LegalHold.objects.filter(kind=kind, lifted_at=None).order_by()
    return rows.values_list("record_id", flat=True)


@transaction.atomic
def place_hold(
    *,
    kind: str,
    record_id: UUID,
    patient_ids: Iterable[UUID],
    reason: str,
    origin: Origin,
    now: datetime,
) -> LegalHold:
    """
    Keep a record from purge and erasure; `patient_ids` are those whom the record is about.

    Raises:
        HoldNeedsReason: the reason is shorter than ten characters, or longer than 200.
    """
    reason = checked_reason(reason)
    take_turn()
    hold = LegalHold.objects.create(
        kind=kind, record_id=record_id, reason=reason, placed_by_id=origin.user_id, placed_at=now
    )
    _record(hold, "hold.placed", patient_ids, reason, origin)
    return hold


@transaction.atomic
def lift_hold(
    *,
    hold_id: UUID,
    record_id: UUID,
    patient_ids: Iterable[UUID],
    reason: str,
    origin: Origin,
    now: datetime,
) -> None:
    """
    End a hold that rests on the record.

    Raises:
        HoldNeedsReason: the reason is shorter than ten characters, or longer than 200.
        NoSuchHold: no such hold is in force on that record.
    """
    reason = checked_reason(reason)
    take_turn()
    in_force = LegalHold.objects.filter(pk=hold_id, record_id=record_id, lifted_at=None)
    hold = in_force.select_for_update(no_key=True).first()
    if hold is None:
        raise NoSuchHold
    hold.lifted_at, hold.lifted_by_id = now, origin.user_id
    hold.save(update_fields=["lifted_at", "lifted_by"])
    _record(hold, "hold.lifted", patient_ids, reason, origin)


def checked_reason(reason: str) -> str:
    """
    Return a reason without odd blanks.

    Raises:
        HoldNeedsReason: it is shorter than ten characters, or longer than 200.
    """
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise HoldNeedsReason
    return reason


def _record(
    hold: LegalHold, action: str, patient_ids: Iterable[UUID], reason: str, origin: Origin
) -> None:
    origin.record(
        action=action,
        patient_ids=patient_ids,
        object_type=hold.kind,
        object_id=hold.record_id,
        reason=reason,
    )
