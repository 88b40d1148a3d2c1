"""How a record that staff fill in is stored: checked as a form of it would be, by the rules that its model states."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError

from scheduling.exceptions import InUse
from scheduling.models import Availability, AvailabilityOverride, Holiday, Nurse
from scheduling.services.hours import HoursRow, save_hours

Row = TypeVar("Row", bound=models.Model)
Hours = TypeVar("Hours", Availability, AvailabilityOverride, Holiday, Nurse)


def store(row: Row, values: Mapping[str, Any]) -> Row:
    """
    Store a record with these values; the caller has locked one that is stored already.

    Raises:
        ValidationError: a value, or the record as a whole, is not right.
    """
    _fill(row, values)
    _unless_taken(row, row.save)
    return row


def store_hours(
    row: Hours,
    values: Mapping[str, Any],
    *,
    token: str = "",
    source: str,
    actor: str,
    now: datetime,
) -> Hours:
    """
    Store a record that says when nurses work, as `save_hours` does.

    Raises:
        ValidationError: a value, or the record as a whole, is not right.
        Stale: it would leave visits or held times outside that `token` does not stand for.
        Busy: the database was too busy.
    """
    _fill(row, values)
    rows: list[HoursRow] = [row]
    _unless_taken(
        row, lambda: save_hours(rows=rows, token=token, source=source, actor=actor, now=now)
    )
    return row


def delete_unused(row: models.Model) -> None:
    """
    Delete a record that others may name.

    Raises:
        InUse: some do.
    """
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError as error:
        raise InUse from error


def _fill(row: models.Model, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.full_clean()


def _unless_taken(row: models.Model, write: Callable[[], object]) -> None:
    """
    Write a record; if another one took a name or number of it since it was checked, say which.

    Raises:
        ValidationError: what is to be unique is another's.
    """
    try:
        with transaction.atomic():
            write()
    except IntegrityError:
        row.validate_unique()
        row.validate_constraints()
        raise
