"""How long one waits for the first opening, as the slot engine finds it now: what a patient who asks today is told."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from scheduling.models import Nurse, VisitType
from scheduling.selectors.analytics.periods import By, Figures, Key, Report
from scheduling.selectors.openings import first_openings

ONE_DAY = timedelta(days=1)
DIGITS = 2  # of days


class _First(NamedTuple):
    """The first opening of a nurse for a kind of visit, if there is one."""

    nurse_id: UUID
    kind: VisitType
    start: datetime | None


def waits_for_an_opening(*, nurses: QuerySet[Nurse], now: datetime, by: By | None) -> Report:
    """
    Return how long one waits now for these nurses, over every kind of visit in use.

    Six queries for the first kind of visit and five for each other. A nurse counts once in a group, with the earliest
    opening that the group's kinds of visit have; with several languages, in the group of each.
    """
    languages = dict(nurses.filter(active=True).values_list("pk", "languages"))
    firsts = [
        _First(nurse_id, kind, start)
        for kind in VisitType.objects.filter(active=True).order_by("code")
        for nurse_id, start in first_openings(
            now=now, visit_type=kind.code, nurse_ids=list(languages)
        ).items()
    ]
    groups: dict[Key, list[_First]] = {}
    for first in firsts:
        for key in _keys(first, by, languages[first.nurse_id]):
            groups.setdefault(key, []).append(first)
    ordered = sorted(groups, key=lambda key: (key is None, str(key)))
    return Report(_figures(firsts, now), {key: _figures(groups[key], now) for key in ordered})


def _keys(first: _First, by: By | None, languages: Iterable[str]) -> Iterator[Key]:
    match by:
        case By.NURSE:
            yield first.nurse_id
        case By.SPECIALIZATION:
            yield first.kind.specialization_id
        case By.VISIT_TYPE:
            yield first.kind.code
        case By.LANGUAGE:
            yield from languages


def _figures(firsts: Iterable[_First], now: datetime) -> Figures:
    earliest: dict[UUID, datetime | None] = {}
    for nurse_id, _, start in firsts:
        known = earliest.get(nurse_id)
        earliest[nurse_id] = min(filter(None, (known, start)), default=None)
    waits = sorted(start - now for start in earliest.values() if start is not None)
    return {
        "nurses": len(earliest),
        "with_an_opening": len(waits),
        "first_days": _days(waits[0] if waits else None),
        "p50_days": _days(waits[(len(waits) - 1) // 2] if waits else None),
    }


def _days(wait: timedelta | None) -> float | None:
    return None if wait is None else round(wait / ONE_DAY, DIGITS)
