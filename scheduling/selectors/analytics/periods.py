"""
What every figure is computed with: a period of local days, groups within it, and sums over rows.

A day is the one that the clinic's clock shows, so it lasts 23 or 25 hours when the clocks change. Sums are made by the
database, one query for each table; a day or week in which nothing happened is there with zeros.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, Count, F, QuerySet, Window
from django.db.models.expressions import Combinable
from django.db.models.functions import RowNumber, TruncDate, TruncWeek

from scheduling import slots

ONE_DAY = timedelta(days=1)
DAYS_PER_WEEK = 7
DIGITS = 4  # of a rate

Key = date | UUID | str | None
"""What a group is of: a day, the Monday of a week, an id or a code; nothing for rows that have none."""
Figures = Mapping[str, Any]
Groups = Mapping["By", Combinable | str]


class By(StrEnum):
    """How the figures of a period can be parted."""

    DAY = "day"
    WEEK = "week"
    NURSE = "nurse"
    SPECIALIZATION = "specialization"
    LANGUAGE = "language"
    VISIT_TYPE = "visit_type"


@dataclass(frozen=True, slots=True)
class Period:
    """Local dates of `zone` from `first` on; `end` is no part of it."""

    first: date
    end: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        """Return the instant at which the first day begins."""
        return slots.to_instant(self.edge(self.first))

    @property
    def until(self) -> datetime:
        """Return the instant at which the last day is over."""
        return slots.to_instant(self.edge(self.end))

    def edge(self, day: date) -> int:
        """Return the UTC minute at which a day begins."""
        return slots.edge_to_minute(self.zone, day, 0, is_end=False)

    def days(self) -> list[date]:
        """Return the days, in order."""
        return [self.first + number * ONE_DAY for number in range((self.end - self.first).days)]

    def weeks(self) -> list[date]:
        """Return the Mondays of the weeks that the period touches, in order."""
        monday = monday_of(self.first)
        ahead = (monday + number * DAYS_PER_WEEK * ONE_DAY for number in range(len(self.days())))
        return list(takewhile(lambda day: day < self.end, ahead))


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of all rows of a period, and of each group of them."""

    total: Figures
    groups: Mapping[Key, Figures]

    def shaped(self, shape: Callable[[Figures], Figures]) -> "Report":
        """Return what `shape` makes of the total and of each group."""
        return Report(shape(self.total), {key: shape(group) for key, group in self.groups.items()})

    def joined(self, other: "Report", nothing: Figures) -> "Report":
        """Return these figures with the other's beside them; `nothing` stands for a group that the other lacks."""
        return Report(
            {**self.total, **other.total},
            {
                key: {**group, **other.groups.get(key, nothing)}
                for key, group in self.groups.items()
            },
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """Which rows belong to a period, by the instant in the column `moment`, and how they are grouped."""

    period: Period
    by: By | None
    moment: str
    groups: Groups

    def sums(self, rows: QuerySet[Any], **sums: Aggregate) -> Report:
        """Return what the sums come to, in one query; each row is in one group, so the total is that of the groups."""
        found, within = {}, self._within(rows).order_by()
        if self.by is None:
            return Report(within.aggregate(**sums), {})
        nothing = rows.none().aggregate(**sums)  # asks no database
        parts = within.annotate(group=self._group(self.by)).values("group")
        for row in parts.annotate(**sums):
            found[row.pop("group")] = row
        return Report(_added(nothing, found.values()), self._complete(found, nothing))

    def percentile(self, rows: QuerySet[Any], *, name: str, of: str, percent: int) -> Report:
        """
        Return, as the figure `name`, the smallest value of `of` that `percent` of 100 rows do not exceed.

        That is the nearest rank, which both databases compute alike. Rows without a value do not count; the figure is
        None where there is none. Two queries, one without groups.
        """
        within = self._within(rows).order_by().filter(**{f"{of}__isnull": False})
        total = _ranked(within, of, percent, partition=None)
        if self.by is None:
            return Report({name: total.get(None)}, {})
        grouped = within.annotate(group=self._group(self.by))
        found = _ranked(grouped, of, percent, partition="group")
        return Report({name: total.get(None)}, {key: {name: found[key]} for key in found})

    def _within(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        bounds = {
            f"{self.moment}__gte": self.period.since,
            f"{self.moment}__lt": self.period.until,
        }
        return rows.filter(**bounds)

    def _group(self, by: By) -> Combinable:
        day = TruncDate(self.moment, tzinfo=self.period.zone)
        if by is By.DAY:
            return day
        if by is By.WEEK:
            return TruncWeek(day)
        named = self.groups[by]
        return F(named) if isinstance(named, str) else named

    def _complete(self, found: dict[Key, Figures], nothing: Figures) -> dict[Key, Figures]:
        """Return the groups in order; of days and weeks those too that have no row."""
        if self.by in {By.DAY, By.WEEK}:
            keys = self.period.days() if self.by is By.DAY else self.period.weeks()
            return {key: found.get(key, nothing) for key in keys}
        return {key: found[key] for key in sorted(found, key=lambda key: (key is None, str(key)))}


def monday_of(day: date) -> date:
    """Return the Monday of the week of a date."""
    return day - day.weekday() * ONE_DAY


def rate(part: float, whole: float) -> float | None:
    """Return a share of a whole, to four digits; None when the whole is nothing."""
    return round(part / whole, DIGITS) if whole else None


def _added(nothing: Figures, parts: Any) -> Figures:
    total = dict(nothing)
    for part in parts:
        total = {name: value + part[name] for name, value in total.items()}
    return total


def _ranked(rows: QuerySet[Any], of: str, percent: int, *, partition: str | None) -> dict[Key, Any]:
    """Return the value at the rank, by group."""
    parts = F(partition) if partition else None
    placed = rows.annotate(
        place=Window(RowNumber(), partition_by=parts, order_by=of),
        among=Window(Count("pk"), partition_by=parts),
    )
    chosen = placed.annotate(above=F("place") * 100 - F("among") * percent).filter(
        above__gte=0, above__lt=100
    )
    if partition is None:
        return dict.fromkeys([None], chosen.values_list(of, flat=True).first())
    return dict(chosen.values_list(partition, of))
