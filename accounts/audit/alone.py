"""Work that one process does at a time, whichever it is."""

from django.db import connection

SEALER = 0x1D_E473
WATCH = 0x1D_E474
"""Advisory locks: any numbers that nothing else in the database uses."""


def alone(work: int) -> bool:
    """
    Become the only one at this work until the surrounding transaction ends; say whether nobody else is at it.

    On SQLite a transaction excludes all others by itself.
    """
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [work])
        (won,) = cursor.fetchone()
    return bool(won)
