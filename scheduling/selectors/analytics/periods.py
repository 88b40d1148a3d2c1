"""
What every figure is computed with: a period of local days, groups within it, and sums over rows.

A day is the one that the clinic's clock shows, so it lasts 23 or 25 hours when the clocks change. Sums are made by the
database, one query for each table; a day or week in which nothing happened is there with zeros.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from itertools import takewhile
from operator import or_
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, CharField, Count, F, Q, QuerySet, Value, Window
from django.db.models.expressions import Combinable
from django.db.models.functions import (
    Cast,
    Concat,
    ExtractHour,
    ExtractIsoWeekDay,
    LPad,
    RowNumber,
    TruncDate,
    TruncWeek,
)

from scheduling import slots

ONE_DAY = timedelta(days=1)
DAYS_PER_WEEK = 7
DIGITS = 4  # of a rate
HUNDRED = 100
AT_RANK = range(HUNDRED)
TOTAL, GROUP = "total", "group"  # over what rows are ranked

Key = date | UUID | str | None
"""What a group is of: a day, the Monday of a week, an id or a code; nothing for rows that have none."""
Figures = Mapping[str, Any]
Groups = Mapping["By", Combinable | str]


class By(StrEnum):
    """How the figures of a period can be parted."""

    DAY = "day"
    WEEK = "week"
    HOUR = "hour"
    """The hour of the week: `1-09` is Mondays from 9 to 10."""
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
class Rank:
    """
    The smallest value of the column `of` that `percent` of 100 rows do not exceed, of those that have a value.

    That is the nearest rank, which both databases compute alike.
    """

    of: str
    percent: int

    def above(self, scope: str) -> Combinable:
        """Return a number that is in [0, 100) at the rank: whole numbers alone, nothing is rounded."""
        place, among = F(f"{scope}_{self.of}_place"), F(f"{scope}_{self.of}_among")
        return place * HUNDRED - among * self.percent


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

    def ranks(self, rows: QuerySet[Any], **ranks: Rank) -> Report:
        """Return the value at each rank, in one query; None where no row has a value."""
        within = self._within(rows).order_by()
        scopes: dict[str, F | None] = {TOTAL: None}
        if self.by is not None:
            within = within.annotate(group=self._group(self.by))
            scopes[GROUP] = F("group")
        columns = {rank.of for rank in ranks.values()}
        for column in columns:
            for scope, part in scopes.items():
                within = within.annotate(**_windows(scope, column, part))
        above = {
            f"{scope}_{name}": rank.above(scope) for name, rank in ranks.items() for scope in scopes
        }
        at_one = reduce(or_, (Q(**{f"{name}__range": (AT_RANK[0], AT_RANK[-1])}) for name in above))
        shown = [*columns, *above, *([GROUP] if self.by else [])]
        found = within.annotate(**above).filter(at_one).values(*shown)
        return _placed(found, ranks)

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
        if by is By.HOUR:
            return _hour_of_the_week(self.moment, self.period.zone)
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


def _hour_of_the_week(moment: str, zone: ZoneInfo) -> Combinable:
    weekday = Cast(ExtractIsoWeekDay(moment, tzinfo=zone), CharField())
    hour = LPad(Cast(ExtractHour(moment, tzinfo=zone), CharField()), 2, Value("0"))
    return Concat(weekday, Value("-"), hour)


def _added(nothing: Figures, parts: Iterable[Figures]) -> Figures:
    total = dict(nothing)
    for part in parts:
        total = {name: value + part[name] for name, value in total.items()}
    return total


def _placed(rows: Iterable[Mapping[str, Any]], ranks: Mapping[str, Rank]) -> Report:
    """Return the values of the rows that stand at a rank of the whole, or of their group."""
    total: dict[str, Any] = dict.fromkeys(ranks)
    groups: dict[Key, dict[str, Any]] = {}
    for row in rows:
        for name, rank in ranks.items():
            if row[f"{TOTAL}_{name}"] in AT_RANK:
                total[name] = row[rank.of]
            if row.get(f"{GROUP}_{name}") in AT_RANK:
                group = groups.setdefault(row[GROUP], dict.fromkeys(ranks))
                group[name] = row[rank.of]
    return Report(total, groups)


def _windows(scope: str, column: str, part: F | None) -> dict[str, Window]:
    """Return where a row stands by its value, and among how many that have one; rows without one come last."""
    order = F(column).asc(nulls_last=True)
    return {
        f"{scope}_{column}_place": Window(RowNumber(), partition_by=part, order_by=order),
        f"{scope}_{column}_among": Window(Count(column), partition_by=part),
    }
