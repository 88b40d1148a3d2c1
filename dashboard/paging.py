"""Pages of a long list, without ever counting all of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

SIZE = 25
MOST = 1_000
"""Rows that are counted and can be turned to; beyond them the filters are the way."""
NEIGHBOURS = 1

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list. `total` counts the rows that can be turned to; `more` says that there are others."""

    rows: Sequence[Row]
    number: int
    total: int
    more: bool

    @property
    def last(self) -> int:
        """Return the number of the last page; there is always a first one."""
        return max(1, -(-self.total // SIZE))

    @property
    def start(self) -> int:
        """Return the place of the first row in the whole list, from 1 on."""
        return (self.number - 1) * SIZE + 1

    @property
    def end(self) -> int:
        return self.start + len(self.rows) - 1

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.last else None

    def numbers(self) -> Iterator[int | None]:
        """Yield the pages to link to: first, last and neighbours of this one; nothing stands for a gap."""
        near = range(self.number - NEIGHBOURS, self.number + NEIGHBOURS + 1)
        shown = sorted({1, self.last, *near} & set(range(1, self.last + 1)))
        before = 0
        for number in shown:
            if number > before + 1:
                yield None
            yield number
            before = number


def page_of(rows: QuerySet[Row], number: int) -> Page[Row]:
    """
    Return page `number` of an ordered queryset, or the nearest page that exists.

    Two queries: one that counts at most `MOST` rows, one that reads `SIZE`.
    """
    found = rows.order_by().values("pk")[: MOST + 1].count()
    total = min(found, MOST)
    number = min(max(1, number), max(1, -(-total // SIZE)))
    first = (number - 1) * SIZE
    return Page(list(rows[first : first + SIZE]), number, total, more=found > MOST)
