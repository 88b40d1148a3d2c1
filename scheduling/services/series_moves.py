"""Moving the visits of a series together (scheduling reference, section 10)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling.exceptions import NotFound, SchedulingError
from scheduling.models import Appointment, AppointmentChange, Nurse
from scheduling.selectors.appointments import change_rule
from scheduling.selectors.nurse_calendars import minute_of_day
from scheduling.selectors.series import Member, Wanted, judged_members
from scheduling.services.rules import span_of
from scheduling.services.series_members import (
    OnConflict,
    Scope,
    SeriesResult,
    expire_holds_of,
    first_of_each_nurse,
    locked_members,
    refuse_conflicts,
    refuse_late_changes,
    wanted_at,
)
from scheduling.services.transactions import lock_nurses, run_atomically
from scheduling.services.transitions import store


@dataclass(frozen=True, slots=True)
class Shift:
    """How members move: to another weekday of the same week, time of the day, or nurse; None leaves it as it is."""

    weekday: int | None = None
    start_time: time | None = None
    nurse_id: UUID | None = None


def reschedule_series(
    *,
    appointment_id: UUID,
    scope: Scope,
    shift: Shift,
    source: str,
    actor: str,
    now: datetime,
    on_conflict: OnConflict = "fail",
) -> SeriesResult:
    """
    Move booked visits of a series that are still ahead: `appointment_id`, those from it on, or all.

    A visit that is changed alone stays as it is when others move later. With `on_conflict="skip"` visits that cannot
    move stay too.

    Raises:
        NotFound, NurseUnknown: there is no such visit of a series, or no such nurse.
        SeriesConflict: a visit cannot move, or none can.
        TooLate: for a patient, if the first of them begins too soon.
        Busy: the database was too busy.
    """
    if shift.weekday is not None and not 0 <= shift.weekday <= 6:
        raise SchedulingError("A weekday is 0 to 6, from Monday on.")

    def work() -> SeriesResult:
        series, visits = locked_members(appointment_id, scope, now, also_nurse=shift.nurse_id)
        moving = [visit for visit in visits if scope == "this" or not visit.series_exception]
        if not moving:
            raise NotFound("No visit of the series is left to be moved.")
        refuse_late_changes(moving, source, now)
        target = lock_nurses([shift.nurse_id])[shift.nurse_id] if shift.nurse_id else None
        for nurse in {visit.nurse_id: target or visit.nurse for visit in moving}.values():
            expire_holds_of(nurse, now)
        members = _settled_members(moving, shift, target, now)
        possible = [member for member in members if not member.conflict]
        refuse_conflicts(members, possible, on_conflict)
        alone = scope == "this"
        moved = _move(possible, moving, target, alone=alone, source=source, actor=actor, now=now)
        return SeriesResult(series, moved, tuple(one for one in members if one.conflict))

    return run_atomically(work)


def _settled_members(
    moving: Sequence[Appointment], shift: Shift, target: Nurse | None, now: datetime
) -> list[Member]:
    """
    Return the moving visits, judged at their new times.

    The old times of those that move are free, of those that cannot they are not: so what cannot move is found first,
    until nothing more turns up.
    """
    staying: set[UUID] = set()
    while True:
        members = _judged_moves(moving, shift, target, now, staying)
        stuck = {
            member.appointment_id
            for member in members
            if member.conflict and member.appointment_id is not None
        }
        if stuck <= staying:
            return members
        staying |= stuck


def _judged_moves(
    moving: Sequence[Appointment],
    shift: Shift,
    target: Nurse | None,
    now: datetime,
    staying: Collection[UUID],
) -> list[Member]:
    ignore = [visit.pk for visit in moving if visit.pk not in staying]
    by_nurse: dict[UUID, list[Appointment]] = {}
    for visit in moving:
        by_nurse.setdefault((target or visit.nurse).pk, []).append(visit)
    members: list[Member] = []
    for nurse_id, visits in by_nurse.items():
        members += judged_members(
            wanted=[_moved(visit, shift, target) for visit in visits],
            nurse_id=nurse_id,
            patient_id=visits[0].patient_id,
            visit_type=visits[0].visit_type.code,
            now=now,
            ignore=ignore,
        )
    return sorted(members, key=lambda member: member.index)


def _moved(visit: Appointment, shift: Shift, target: Nurse | None) -> Wanted:
    """Return where a visit goes: its local date and time as now, but for what shifts."""
    shown = visit.start.astimezone(ZoneInfo(visit.nurse.time_zone))
    day = shown.date()
    if shift.weekday is not None:
        day += timedelta(days=shift.weekday - day.weekday())
    zone = ZoneInfo((target or visit.nurse).time_zone)
    minute = minute_of_day(shift.start_time or shown.time())
    return wanted_at(zone, visit.series_index or 0, day, minute, visit.pk)


def _move(
    possible: Sequence[Member],
    moving: Sequence[Appointment],
    target: Nurse | None,
    *,
    alone: bool,
    source: str,
    actor: str,
    now: datetime,
) -> tuple[Appointment, ...]:
    """Store the moves, in the order in which none meets another's old time."""
    by_id = {visit.pk: visit for visit in moving}
    pairs = [
        (by_id[member.appointment_id], member.start)
        for member in possible
        if member.appointment_id is not None and member.start is not None
    ]
    pairs = [
        (visit, start)
        for visit, start in pairs
        if start != visit.start or (target is not None and target.pk != visit.nurse_id)
    ]
    pairs.sort(key=lambda pair: pair[0].start)
    first = pairs[0][0].start if pairs else None
    tells_nurses = first_of_each_nurse([visit for visit, _ in pairs])
    if pairs and pairs[0][1] > pairs[0][0].start:
        pairs.reverse()  # all move later: the last makes room first
    moved = []
    for visit, start in pairs:
        nurse = target or visit.nurse
        span = span_of(start=start, visit_type=visit.visit_type, nurse=nurse)
        moved.append(
            store(
                appointment=visit,
                kind=AppointmentChange.Kind.RESCHEDULED,
                changes={
                    "nurse": nurse,
                    "start": span.start,
                    "end": span.end,
                    "blocked_from": span.blocked_from,
                    "blocked_until": span.blocked_until,
                    "attendance_confirmed_at": None,
                    "series_exception": visit.series_exception or alone,
                    "late": visit.late or change_rule(start=visit.start, now=now) != "free",
                },
                source=source,
                actor=actor,
                now=now,
                sequence=True,
                tells_of=len(pairs) if visit.start == first else 0,
                tells_nurses=visit.pk in tells_nurses,
            )
        )
    return tuple(sorted(moved, key=lambda visit: visit.start))
