"""
Locks on what is counted before it is done: attempts of identity, calls that are let in, live events.

On PostgreSQL they are advisory locks; on SQLite every transaction that writes excludes all others anyway.
"""

from enum import IntEnum

from django.db import connection


class Counted(IntEnum):
    """What is counted; the numbers are any constants that nothing else in the database uses."""

    IDENTITY_ATTEMPTS = 0x1D_E471
    ADMITTED_CALLS = 0x1D_E472
    LIVE_EVENTS = 0x1D_E473


def lock(counted: Counted) -> None:
    """Let nobody else count until the surrounding transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(counted)])
