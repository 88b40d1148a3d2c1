"""Many visits at once, in the fastest way that each database offers; every constraint still holds."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from scheduling.models import Appointment

ROWS_AT_ONCE = 10_000


class VisitRow(NamedTuple):
    """The columns of one stored visit; a model instance for each would cost more than storing it."""

    id: UUID
    patient_id: UUID
    nurse_id: UUID
    visit_type_id: UUID
    start: datetime
    end: datetime
    blocked_from: datetime
    blocked_until: datetime
    status: str
    source: str
    cancelled_at: datetime | None
    cancelled_by: str
    cancellation_reason: str
    sequence: int
    version: int
    created_at: datetime
    updated_at: datetime
    reason: str = ""
    cancellation_note: str = ""
    late: bool = False
    attendance_confirmed_at: datetime | None = None
    series_exception: bool = False
    orphaned: bool = False


def insert(visits: Iterable[VisitRow]) -> None:
    """
    Store visits in the present transaction: by COPY on PostgreSQL, by one prepared statement on SQLite.

    `visits` must not read from the database, which a running COPY forbids.
    """
    quote = connection.ops.quote_name
    table = quote(Appointment._meta.db_table)
    columns = ", ".join(quote(name) for name in VisitRow._fields)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for visit in visits:  # the server stores those sent while the next are made
                    copy.write_row(visit)
            return
        marks = ", ".join(["%s"] * len(VisitRow._fields))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # nosec B608 - names of our own model
        pending = _as_sqlite_stores(visits)
        while batch := list(islice(pending, ROWS_AT_ONCE)):
            cursor.executemany(statement, batch)


def _as_sqlite_stores(visits: Iterable[VisitRow]) -> Iterator[tuple[Any, ...]]:
    as_text = lru_cache(maxsize=100_000)(connection.ops.adapt_datetimefield_value)
    for visit in visits:
        yield tuple(
            value.hex
            if isinstance(value, UUID)
            else as_text(value)
            if isinstance(value, datetime)
            else value
            for value in visit
        )
