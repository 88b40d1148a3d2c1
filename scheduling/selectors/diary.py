"""
The calendars of many nurses and patients at once, for judging thousands of new visits one after the other.

Everything is read in a few queries for each kind of visit; the rules are the engine's own (`scheduling.slots`).
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from scheduling import slots
from scheduling.exceptions import NotAvailable
from scheduling.models import ACTIVE_STATUSES, Appointment, CareAssignment
from scheduling.selectors.calendar import clinic_profile
from scheduling.selectors.nurse_calendars import Kind, calendars_of, kind_of_visit, nurses_for
from scheduling.selectors.openings import request_of
from scheduling.slots.hours import Range

ONE_DAY = timedelta(days=1)
AROUND = 2 * slots.zones.MINUTES_PER_DAY  # beyond the longest visit, and both edges of a local date


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a kind of visit asks: of whom, and within which limits."""

    kind: Kind
    nurses: dict[UUID, dict[str, Any]]
    calendars: dict[UUID, slots.Calendar]
    request: slots.Request


@dataclass(frozen=True, slots=True)
class Entry:
    """A visit ahead that is judged; `row` tells where it comes from."""

    row: int
    patient_id: UUID
    patient_state: str
    nurse_id: UUID
    code: str
    start: datetime


class Diary:
    """What is booked, and what is being booked; made by `open_diary`."""

    def __init__(
        self,
        rules: dict[str, _Rules],
        patient_visits: dict[UUID, list[Range]],
        closed: set[tuple[UUID, UUID]],
    ) -> None:
        self._rules = rules
        self._of_patients = patient_visits
        self._closed = closed
        self._visits: dict[UUID, list[Range]] = {}
        self._blocked: dict[UUID, list[Range]] = {}
        for of_kind in rules.values():
            for nurse_id, calendar in of_kind.calendars.items():
                self._visits.setdefault(nurse_id, sorted(calendar.visits))
                self._blocked.setdefault(nurse_id, sorted(calendar.blocked))
        self._added: dict[UUID, list[tuple[int, Range]]] = {}  # by nurse or patient

    def reason_against(self, entry: Entry) -> str:
        """Return the engine's reason against a visit, or nothing; those of `selectors.openings.check_start`."""
        rules = self._rules.get(entry.code)
        nurse = rules.nurses.get(entry.nurse_id) if rules else None
        if rules is None or nurse is None or (entry.patient_id, entry.nurse_id) in self._closed:
            return "not_available"
        if not nurse["skilled"]:
            return "specialization"
        start = slots.to_minute(entry.start)
        calendar = replace(
            rules.calendars[entry.nurse_id],
            licensed=not rules.kind.in_patient_state
            or nurse["license_state"] == entry.patient_state,
            visits=_near(self._visits[entry.nurse_id], start),
            blocked=_near(self._blocked[entry.nurse_id], start),
        )
        own = tuple(self._of_patients.get(entry.patient_id, ()))
        return slots.judge(calendar, replace(rules.request, patient_visits=own), start)

    def row_in_the_way(self, entry: Entry) -> int | None:
        """Return the row of an added visit at whose time the nurse or the patient of `entry` is busy."""
        visit, around = self._spans(entry)
        for who, span in ((entry.nurse_id, around), (entry.patient_id, visit)):
            for row, taken in self._added.get(who, ()):
                if _meet(taken, span):
                    return row
        return None

    def add(self, entry: Entry) -> None:
        """Book a visit: from now on its time is taken."""
        visit, around = self._spans(entry)
        insort(self._visits[entry.nurse_id], visit)
        insort(self._blocked[entry.nurse_id], around)
        self._of_patients.setdefault(entry.patient_id, []).append(visit)
        self._added.setdefault(entry.nurse_id, []).append((entry.row, around))
        self._added.setdefault(entry.patient_id, []).append((entry.row, visit))

    def _spans(self, entry: Entry) -> tuple[Range, Range]:
        rules = self._rules[entry.code]
        calendar = rules.calendars[entry.nurse_id]
        start = slots.to_minute(entry.start)
        end = start + rules.request.length
        return (start, end), (start - calendar.buffer_before, end + calendar.buffer_after)


def open_diary(
    *,
    codes: Collection[str],
    starts: Sequence[datetime],
    nurse_ids: Collection[UUID],
    patient_ids: Collection[UUID],
    now: datetime,
) -> Diary:
    """Return a diary in which visits of these kinds, starts and people can be judged."""
    horizon = now + timedelta(days=clinic_profile().horizon_days) + ONE_DAY
    judged = [start for start in starts if now - ONE_DAY <= start <= horizon]
    since, until = min(judged, default=now), max(judged, default=now)
    rules = {}
    for code in sorted(codes):
        try:
            kind = kind_of_visit(code)
        except NotAvailable:
            continue
        nurses = nurses_for(kind, patient_id=None, nurse_ids=nurse_ids, now=now, skilled=False)
        known = calendars_of(kind, nurses, since=since, until=until, now=now)
        rules[code] = _Rules(
            kind=kind,
            nurses={nurse["id"]: nurse for nurse in nurses},
            calendars=known.by_nurse,
            request=request_of(kind, since, until, now, known),
        )
    closed = CareAssignment.objects.filter(closed=True, nurse__in=nurse_ids)
    return Diary(
        rules,
        _visits_of(patient_ids, since - 2 * ONE_DAY, until + 2 * ONE_DAY),
        set(closed.order_by().values_list("patient_id", "nurse_id")),
    )


def _visits_of(
    patient_ids: Collection[UUID], since: datetime, until: datetime
) -> dict[UUID, list[Range]]:
    active = Appointment.objects.filter(
        patient__in=patient_ids, status__in=ACTIVE_STATUSES, end__gt=since, start__lt=until
    )
    found: dict[UUID, list[Range]] = {}
    for patient_id, start, end in active.order_by().values_list("patient_id", "start", "end"):
        found.setdefault(patient_id, []).append((slots.to_minute(start), slots.to_minute(end)))
    return found


def _near(ranges: list[Range], start: int) -> tuple[Range, ...]:
    low = bisect_left(ranges, (start - AROUND, start - AROUND))
    return tuple(ranges[low : bisect_left(ranges, (start + AROUND, start + AROUND))])


def _meet(one: Range, other: Range) -> bool:
    return one[0] < other[1] and one[1] > other[0]
