"""
The sealer: it chains new events in the order of `seq`, one process at a time (security reference, S49).

On PostgreSQL an event may become visible after one with a higher `seq`, because its transaction took longer. Sealed is
therefore only what nothing can come before any more: whoever has taken a number holds the table's lock until the end
of the transaction, so the sealer looks who holds it and waits for those. Writers never wait for the sealer.
"""

import time

from django.db import connection, transaction

from accounts.audit import record
from accounts.audit.alone import SEALER, alone
from accounts.audit.chain import next_seal
from accounts.models import AuditEvent, AuditSeal

BATCH = 1_000
LOOKS = 100
PAUSE_S = 0.02


def seal_events() -> int:
    """
    Seal events that wait for it, at most `BATCH`; return how many.

    It is none as well when another sealer is at work, or a transaction that wrote an event goes on for long.
    """
    newest = record.newest_seq()
    last = record.head()
    if newest <= (last.seq if last else 0) or not _settled():
        return 0
    with transaction.atomic():
        if not alone(SEALER):
            return 0
        last = record.head()
        new = []
        for event in record.events(above=last.seq if last else 0, up_to=newest, most=BATCH):
            last = next_seal(event, previous=last, keys=record.keys())
            new.append(AuditSeal(**last._asdict()))
        AuditSeal.objects.bulk_create(new)
    return len(new)


def _settled() -> bool:
    """Wait until every transaction that may have written an event has ended, two seconds at most; say whether."""
    if connection.vendor != "postgresql":
        return True  # SQLite has one writer at a time
    running = _writers()
    for _ in range(LOOKS):
        if not running:
            return True
        time.sleep(PAUSE_S)
        running &= _writers()
    return False


def _writers() -> set[str]:
    """Return the transactions of others that have written, or are about to write, an event."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND granted"
            " AND mode = 'RowExclusiveLock' AND relation = %s::regclass AND pid <> pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [AuditEvent._meta.db_table],
        )
        return {transaction_id for (transaction_id,) in cursor.fetchall()}
