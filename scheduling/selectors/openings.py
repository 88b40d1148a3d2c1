"""Free starts for visits, by whatever the asker cares about; one engine for every door."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling import slots
from scheduling.clock import clinic_zone
from scheduling.selectors.calendar import clinic_profile
from scheduling.selectors.conditions import nurses_for_condition
from scheduling.selectors.nurse_calendars import (
    Calendars,
    Kind,
    calendars_of,
    kind_of_visit,
    minute_of_day,
    nurses_for,
)

PartOfDay = Literal["morning", "afternoon", "evening"]
PARTS: dict[str, tuple[int, int]] = {
    "morning": (360, 720),
    "afternoon": (720, 1020),
    "evening": (1020, 1320),
}
WHOLE_DAY = (0, 1440)
FIRST_SPAN = timedelta(days=14)
STEPS = (
    "no_hours",
    "notice",
    "license",
    "fully_booked",
    "gap_too_short",
    "cap",
)  # in the engine's order


@dataclass(frozen=True, slots=True)
class Opening:
    """A free time with a nurse; `start` and `end` are UTC, `visit_type` is a code."""

    nurse_id: UUID
    nurse_name: str
    visit_type: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Openings:
    """What was found; without slots `reason` says which step left nothing."""

    slots: tuple[Opening, ...]
    reason: str = ""


def find_openings(
    *,
    now: datetime,
    since: datetime,
    until: datetime,
    visit_type: str = "routine",
    patient_id: UUID | None = None,
    nurse_ids: Collection[UUID] | None = None,
    specialization_id: UUID | None = None,
    condition_id: UUID | None = None,
    language: str | None = None,
    part_of_day: PartOfDay | None = None,
    earliest: time | None = None,
    latest: time | None = None,
    zone: ZoneInfo | None = None,
    limit: int = 20,
    order: Literal["start", "care"] = "start",
    spread: bool = False,
    ignore_appointment_id: UUID | None = None,
    hold_owner: str = "",
    exclude: Collection[tuple[UUID, datetime]] = (),
) -> Openings:
    """
    Return free starts in [since, until), at most `limit`.

    With `condition_id`, a patient's condition, only nurses who are trained for it are asked, if it needs a training.
    `part_of_day`, `earliest` (inclusive) and `latest` (exclusive) are read in `zone`, the patient's; without one in
    the clinic's. `order="start"` uses continuity of care for ties only, `"care"` puts the patient's own nurses
    first; `spread` chooses spoken offers, which are not all next to each other. Holds of `hold_owner` and the visit
    `ignore_appointment_id` do not count as taken.

    Raises:
        NotAvailable: there is no such kind of visit.
        NotFound: there is no such condition.
    """
    kind = kind_of_visit(visit_type)
    if condition_id is not None:
        trained = nurses_for_condition(condition_id=condition_id, among=nurse_ids)
        nurse_ids = nurse_ids if trained is None else trained
    nurses = nurses_for(
        kind,
        patient_id=patient_id,
        nurse_ids=nurse_ids,
        specialization_id=specialization_id,
        language=language,
        now=now,
    )
    several = len(nurses) > 1  # the load of a week decides between nurses only
    known = calendars_of(
        kind,
        nurses,
        since=since,
        until=until,
        now=now,
        patient_id=patient_id,
        ignore_appointment_id=ignore_appointment_id,
        hold_owner=hold_owner,
        whole_weeks=several,
    )
    request = replace(
        request_of(kind, since, until, now, known),
        zone=zone or clinic_zone(),
        part=_part(part_of_day, earliest, latest),
    )
    excluded = {(nurse_id, slots.to_minute(start)) for nurse_id, start in exclude}
    streams = [
        (
            _candidate(row, known.by_nurse[row["id"]], request, patient_id),
            _without(excluded, row["id"], slots.starts(known.by_nurse[row["id"]], request)),
        )
        for row in nurses
    ]
    merged = (
        slots.by_care(streams, patience=kind.patience)
        if order == "care"
        else slots.by_start(streams)
    )
    found = slots.spread_out(merged, limit) if spread else list(islice(merged, limit))
    if not found:
        return Openings((), _reason(known, request, excluded))
    chosen = {UUID(candidate.key) for _, candidate in found}
    names = {
        str(row["id"]): f"{row['first_name']} {row['last_name']}"
        for row in nurses
        if row["id"] in chosen
    }
    length = timedelta(minutes=kind.length)
    return Openings(
        tuple(
            Opening(
                nurse_id=UUID(candidate.key),
                nurse_name=names[candidate.key],
                visit_type=kind.code,
                start=slots.to_instant(start),
                end=slots.to_instant(start) + length,
            )
            for start, candidate in found
        )
    )


def earliest_openings(*, now: datetime, since: datetime | None = None, **wish: Any) -> Openings:
    """
    Return the first free starts from `since`, or from now, to the clinic's horizon; `wish` is as in `find_openings`.

    The range begins with two weeks and doubles until there is something (scheduling reference, section 4).

    Raises:
        NotAvailable, NotFound: as in `find_openings`.
    """
    begins = since or now
    horizon = now + timedelta(days=clinic_profile().horizon_days, minutes=1)
    span = FIRST_SPAN
    while True:
        until = min(begins + span, horizon)
        found = find_openings(now=now, since=begins, until=until, **wish)
        if found.slots or until >= horizon:
            return found
        span *= 2


def first_openings(
    *, now: datetime, visit_type: str, nurse_ids: Collection[UUID]
) -> dict[UUID, datetime | None]:
    """
    Return the first free start, up to the clinic's horizon, of each of these nurses who may make such a visit.

    It is None for a nurse who has none. In five queries, whatever the numbers.

    Raises:
        NotAvailable: there is no such kind of visit.
    """
    kind = kind_of_visit(visit_type)
    until = now + slots.zones.MINUTE * (kind.horizon + 1)
    nurses = nurses_for(kind, patient_id=None, now=now, nurse_ids=nurse_ids)
    known = calendars_of(kind, nurses, since=now, until=until, now=now)
    request = request_of(kind, now, until, now, known)
    firsts = {
        nurse_id: next(slots.starts(calendar, request), None)
        for nurse_id, calendar in known.by_nurse.items()
    }
    return {
        nurse_id: None if start is None else slots.to_instant(start)
        for nurse_id, start in firsts.items()
    }


def check_start(
    *,
    nurse_id: UUID,
    patient_id: UUID | None,
    start: datetime,
    visit_type: str,
    now: datetime,
    hold_owner: str = "",
    ignore_appointment_id: UUID | None = None,
    override_hours: bool = False,
) -> str:
    """
    Return why a visit cannot begin at `start`, or nothing when it can: the eight rules, asked once more.

    With `override_hours` rules 1, 4, 5 and 6 do not count, but the past stays past (section 8).

    Reasons: `not_available`, `specialization`, `license`, `notice`, `horizon`, `no_hours`, `grid`, `patient_busy`,
    `taken`, `buffer`, `cap`. To be asked under the locks of nurse and patient.
    """
    kind = kind_of_visit(visit_type)
    nurses = nurses_for(kind, patient_id=patient_id, nurse_ids=[nurse_id], now=now, skilled=False)
    if not nurses:
        return "not_available"
    if not nurses[0]["skilled"]:
        return "specialization"
    known = calendars_of(
        kind,
        nurses,
        since=start,
        until=start,
        now=now,
        patient_id=patient_id,
        ignore_appointment_id=ignore_appointment_id,
        hold_owner=hold_owner,
    )
    if override_hours and start < now:
        return "notice"
    request = request_of(kind, start, start, now, known)
    skip = slots.OVERRIDABLE if override_hours else frozenset()
    return slots.judge(known.by_nurse[nurse_id], request, slots.to_minute(start), skip=skip)


def request_of(
    kind: Kind, since: datetime, until: datetime, now: datetime, known: Calendars
) -> slots.Request:
    """Return the engine's question for starts in [since, until), without a part of day."""
    return slots.Request(
        length=kind.length,
        since=_next_minute(since),
        until=_next_minute(until),
        earliest=_next_minute(now) + kind.notice,
        latest=slots.to_minute(now) + kind.horizon,
        zone=clinic_zone(),
        holidays=known.holidays,
        patient_visits=known.patient_visits,
    )


def _next_minute(moment: datetime) -> int:
    """Return the first whole minute that is not before a moment."""
    return -((slots.zones.EPOCH - moment) // slots.zones.MINUTE)


def _part(
    part_of_day: PartOfDay | None, earliest: time | None, latest: time | None
) -> tuple[int, int] | None:
    """Return the asked part of the day in minutes; until 00:00 means until the day's end."""
    if part_of_day is None and earliest is None and latest is None:
        return None
    begin, end = PARTS[part_of_day] if part_of_day else WHOLE_DAY
    if earliest is not None:
        begin = max(begin, minute_of_day(earliest))
    if latest is not None:
        end = min(end, minute_of_day(latest) or WHOLE_DAY[1])
    return begin, end


def _without(
    excluded: set[tuple[UUID, int]], nurse_id: UUID, starts: Iterator[int]
) -> Iterator[int]:
    if not excluded:
        return starts
    return (start for start in starts if (nurse_id, start) not in excluded)


def _candidate(
    row: dict[str, Any], calendar: slots.Calendar, request: slots.Request, patient_id: UUID | None
) -> slots.Candidate:
    key = str(row["id"])
    return slots.Candidate(
        key=key,
        care_rank=row["care_rank"],
        load=slots.load_by_week(calendar, request.holidays),
        rotation=slots.rotation(str(patient_id or ""), key),
    )


def _reason(known: Calendars, request: slots.Request, excluded: set[tuple[UUID, int]]) -> str:
    """Return the reason of the nurse who came nearest to an opening."""
    calendars = known.by_nurse.values()
    if excluded and any(True for calendar in calendars for _ in slots.starts(calendar, request)):
        return "fully_booked"  # there are openings, but those were refused already
    reasons = [slots.reason_for_none(calendar, request) for calendar in calendars]
    return max(reasons, key=lambda reason: STEPS.index(reason), default="no_hours")
