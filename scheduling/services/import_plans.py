"""What an import would do, before it does it: the problems of a file, or the writes that are left to make."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models

from scheduling.exchange.csv_columns import Row
from scheduling.exchange.csv_text import Problem

Item = TypeVar("Item")

Report = Callable[[Iterable[Row]], Iterator[Row]]
"""Passes rows on, and tells somebody how many have been looked at."""

NOT_ACCEPTED = "This value is not accepted."
STATES = {"state", "license_state"}


@dataclass(frozen=True, slots=True)
class Occasion:
    """
    Who imports, when, and whether for good: then what is scarce is locked before it is looked at.

    `now` is the clinic's.
    """

    source: str
    actor: str
    now: datetime
    for_good: bool


@dataclass(slots=True)
class Plan:
    """The rows of a file judged: how many are new, changed or as stored already, and the patients they are about."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    patient_ids: set[UUID] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    write: Callable[[], None] = lambda: None

    def refuse(self, row: int, column: str, code: str, detail: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(row, column, code, detail))


class Repeated:
    """Finds rows of one file that are about the same record."""

    def __init__(self) -> None:
        self._seen: dict[Any, int] = {}

    def before(self, key: Any, row: int) -> int | None:
        """Return the earlier row with this key, if there is one."""
        earlier = self._seen.setdefault(key, row)
        return earlier if earlier != row else None


def filled(record: models.Model, values: Mapping[str, Any]) -> list[str]:
    """Set values of a record; return the names of those that differ from what it had."""
    changed = []
    for name, value in values.items():
        old = getattr(record, name)
        if old == value or (name in STATES and str(old).upper() == value):
            continue
        setattr(record, name, value)
        changed.append(name)
    return changed


def check_fields(record: models.Model, row: Row, plan: Plan, *, names: Sequence[str]) -> None:
    """Ask the model's own validators about the named fields; their words may quote a value, ours do not."""
    skipped = {one.name for one in record._meta.concrete_fields} - set(names)
    try:
        record.clean_fields(exclude=skipped)
    except ValidationError as error:
        for name in error.error_dict:
            plan.refuse(row.number, name, "bad_value", NOT_ACCEPTED)


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield lists of at most `size` items."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
