"""Records leave as CSV (security reference, S69): batch by batch, each on record before it goes out."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import AuditEvent
from accounts.services import record_event
from scheduling.exchange.csv_columns import names_of
from scheduling.exchange.csv_text import line
from scheduling.selectors.exports import all_records, export_batch

ROWS_AT_ONCE = 500


def export_csv(
    *,
    kind: str,
    surface: str,
    records: QuerySet[Any] | None = None,
    user_id: UUID | None = None,
    address: str = "",
) -> Iterator[bytes]:
    """
    Yield a file of all records of a kind, or of `records`, as UTF-8.

    Before a batch is handed over, an audit event names its patients: what cannot be recorded does not leave.
    """
    asked = all_records(kind) if records is None else records
    yield _utf8([names_of(kind)])
    after: UUID | None = None
    number = 0
    while True:
        with transaction.atomic():
            batch = export_batch(kind=kind, records=asked, after=after, size=ROWS_AT_ONCE)
            if batch is not None or number == 0:
                record_event(
                    action="export",
                    outcome="ok",
                    surface=surface,
                    actor_type=AuditEvent.ActorType.USER
                    if user_id
                    else AuditEvent.ActorType.SYSTEM,
                    actor_id=user_id or "",
                    patient_ids=batch.patient_ids if batch else (),
                    object_type=kind,
                    address=address,
                )
        if batch is None:
            return
        yield _utf8(batch.rows)
        after, number = batch.last_id, number + 1


def _utf8(rows: list[list[str]]) -> bytes:
    return "".join(line(row) for row in rows).encode()
