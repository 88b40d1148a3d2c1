"""
Past the triggers that keep the audit record: for tests that play an intruder, and to empty the tables between tests.

Tests that commit are followed by a flush of all tables, which the database would refuse for these.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations

from accounts.audit.append_only import AppendOnly
from accounts.models import AuditEvent, AuditSeal

KEPT = (AuditEvent, AuditSeal)


@contextmanager
def no_triggers() -> Iterator[None]:
    """Let statements change kept rows, as somebody who owns the database could."""
    before, after = _statements()
    with connection.cursor() as cursor:
        for statement in before:
            cursor.execute(statement)
        try:
            yield
        finally:
            for statement in after:
                cursor.execute(statement)


def let_tests_flush() -> None:
    """Make Django's flush work on kept rows; for the process of a test run, once."""
    flush = BaseDatabaseOperations.execute_sql_flush

    def flushed(operations: BaseDatabaseOperations, statements: Iterable[str]) -> None:
        before, after = _statements()
        flush(operations, [*before, *statements, *after])

    BaseDatabaseOperations.execute_sql_flush = flushed  # type: ignore[method-assign, assignment]


def _statements() -> tuple[list[str], list[str]]:
    """Return what takes the triggers away and what brings them back."""
    if connection.vendor == "postgresql":
        tables = [model._meta.db_table for model in KEPT]
        return (
            [f'ALTER TABLE "{table}" DISABLE TRIGGER USER' for table in tables],
            [f'ALTER TABLE "{table}" ENABLE TRIGGER USER' for table in tables],
        )
    editor = connection.schema_editor()
    made = [
        str(statement)
        for model in KEPT
        for constraint in model._meta.constraints
        if isinstance(constraint, AppendOnly)
        for statement in constraint.statements(model, editor)
    ]
    return [f"DROP TRIGGER {statement.split()[2]}" for statement in made], made
