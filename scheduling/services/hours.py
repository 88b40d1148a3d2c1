"""
When hours change under visits (scheduling reference, section 11).

A change is tried first: written, looked at with the engine before and after, and taken back. Saving does the same under
the nurses' locks and keeps it, if what it would leave outside is what somebody has seen. Visits are never moved.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.audit.by_itself import Deed, record_deeds
from scheduling import slots
from scheduling.exceptions import Stale
from scheduling.models import (
    Appointment,
    Availability,
    AvailabilityOverride,
    Holiday,
    Nurse,
)
from scheduling.selectors.calendar import clinic_profile
from scheduling.selectors.hours import (
    Outside,
    Standing,
    last_active_start,
    orphaned_visits,
    placed_by_decision,
    standing,
    wished_dates,
)
from scheduling.services.freed_times import record_freed_time
from scheduling.services.orphans import flag_orphans, settle_orphans
from scheduling.services.rules import OVERRIDDEN
from scheduling.services.transactions import lock_nurses, run_atomically

HoursRow = Availability | AvailabilityOverride | Holiday | Nurse
AROUND_A_DATE = timedelta(days=2)  # a local date in every zone, and night shifts
MINUTE = timedelta(minutes=1)
NURSES_AT_ONCE = 50
ROWS_AT_ONCE = 500
SWEEP = "worker"


@dataclass(frozen=True, slots=True)
class LostHold:
    """A time kept for somebody that would not be bookable any more."""

    hold_id: UUID
    nurse_id: UUID
    start: datetime


@dataclass(frozen=True, slots=True)
class HoursPreview:
    """What a change of hours leaves outside: visits that stay as they are, and holds; saving needs the token."""

    orphaned: tuple[Outside, ...]
    lost_holds: tuple[LostHold, ...]

    @property
    def token(self) -> str:
        """Return a text that stands for the list: one for the visits together, one for each hold."""
        visits = sorted(f"{one.appointment_id} {one.start.isoformat()}" for one in self.orphaned)
        return ".".join([_digest(visits), *sorted(_hold_digests(self.lost_holds))])

    def was_seen(self, token: str) -> bool:
        """Tell whether a token stands for these visits, and for these holds or more: holds lapse by themselves."""
        visits, *holds = token.split(".")
        if not (self.orphaned or self.lost_holds):
            return True
        return self.token.split(".")[0] == visits and _hold_digests(self.lost_holds) <= set(holds)


@dataclass(frozen=True, slots=True)
class _Trial:
    before: Standing
    after: Standing

    def preview(self) -> HoursPreview:
        """Return what was inside before and is outside after."""
        orphaned = [
            one for key, one in self.after.outside.items() if key not in self.before.outside
        ]
        lost = [
            LostHold(hold.pk, hold.nurse_id, hold.start)
            for key, hold in self.after.holds_outside.items()
            if key not in self.before.holds_outside
        ]
        return HoursPreview(tuple(orphaned), tuple(lost))


def preview_hours(
    *, rows: Sequence[HoursRow] = (), deleted: Sequence[HoursRow] = (), now: datetime
) -> HoursPreview:
    """
    Return which visits and holds a change would leave outside; nothing is stored.

    `rows` are to be saved, `deleted` to be deleted: weekly windows, changes of dates and time off, holidays, nurses.

    Raises:
        Busy: the database was too busy.
    """

    def work() -> HoursPreview:
        trial = _try(rows, deleted, now)
        transaction.set_rollback(True)
        return trial.preview()

    return run_atomically(work)


def save_hours(
    *,
    rows: Sequence[HoursRow] = (),
    deleted: Sequence[HoursRow] = (),
    token: str = "",
    source: str,
    actor: str,
    now: datetime,
) -> HoursPreview:
    """
    Save a change of hours and flag the visits that it leaves outside, each with a task for staff.

    Visits that were outside and are covered again lose their flag, and added time feeds the waitlist. Without anything
    left outside no token is needed.

    Raises:
        Stale: `token` does not stand for what would be left outside now; `preview` is that.
        Busy: the database was too busy.
    """

    def work() -> HoursPreview:
        trial = _try(rows, deleted, now)
        preview = trial.preview()
        if not preview.was_seen(token):
            raise Stale(
                "Look at the visits that this would leave outside the hours.", preview=preview
            )
        flag_orphans(preview.orphaned, source=source, actor=actor, now=now)
        settle_orphans(trial.before.outside.keys() - trial.after.outside.keys(), now=now)
        _feed_waitlist(trial, now)
        return preview

    return run_atomically(work)


def recheck_hours(*, now: datetime) -> int:
    """
    Look at all visits ahead once more, as the rules of a time zone may change; return how many flags changed.

    What staff put outside the hours by decision is no orphan. Only nurses for whom something differs are locked.
    """
    over = Appointment.objects.filter(orphaned=True).exclude(
        pk__in=[visit.pk for visit in orphaned_visits(now=now)]
    )
    changed = run_atomically(lambda: _settle_recorded(list(over), now))
    nurses = list(Nurse.objects.order_by("id").values_list("pk", flat=True))
    for at in range(0, len(nurses), NURSES_AT_ONCE):
        batch = nurses[at : at + NURSES_AT_ONCE]
        differing = _differing(batch, now)
        if differing:
            changed += run_atomically(partial(_recheck, differing, now))
    return changed


def _try(rows: Sequence[HoursRow], deleted: Sequence[HoursRow], now: datetime) -> _Trial:
    """Lock whom a change concerns, write it, and return how things stood before and stand after."""
    nurse_ids = lock_nurses(_concerned([*rows, *deleted])).keys()
    since, until = _window([*rows, *deleted], nurse_ids, now)
    before = standing(nurse_ids=nurse_ids, since=since, until=until, now=now)
    _store(rows)
    for kind, some in _by_kind(
        deleted
    ):  # a deleted instance would lose its key, and be useless after a trial
        kind._base_manager.filter(pk__in=[row.pk for row in some]).delete()
    return _Trial(before, standing(nurse_ids=nurse_ids, since=since, until=until, now=now))


def _feed_waitlist(trial: _Trial, now: datetime) -> None:
    """Note the time that a change adds, as far as somebody waits for those dates."""
    wishes = wished_dates()
    for nurse_id, bookable in trial.after.bookable.items():
        wished = [wishes[key] for key in (nurse_id, None) if key in wishes]
        if not wished:
            continue
        since = max(slots.to_minute(now), _midnight(min(wished)[0]) - slots.zones.MINUTES_PER_DAY)
        until = _midnight(max(last for _, last in wished)) + 2 * slots.zones.MINUTES_PER_DAY
        before = list(trial.before.bookable.get(nurse_id, ()))
        for start, end in slots.hours.subtract(list(bookable), before):
            begin, stop = max(start, since), min(end, until)
            if begin < stop:
                record_freed_time(
                    nurse_id=nurse_id,
                    start=slots.to_instant(begin),
                    end=slots.to_instant(stop),
                    now=now,
                )


def _midnight(day: date) -> int:
    """Return when a date begins in Greenwich; everywhere else that is within a day."""
    return slots.to_minute(datetime.combine(day, time(), tzinfo=UTC))


def _store(rows: Sequence[HoursRow]) -> None:
    """Write rows whether or not they are stored already, of each kind in a few statements."""
    for kind, some in _by_kind(rows):
        fields = [field.name for field in kind._meta.concrete_fields if not field.primary_key]
        kind._base_manager.bulk_create(
            some,
            batch_size=ROWS_AT_ONCE,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[name for name in fields if name != "created_at"],
        )


def _by_kind(rows: Iterable[HoursRow]) -> Iterator[tuple[Any, list[HoursRow]]]:
    """Yield each kind of row with the rows of it, nurses first: the others point to them."""
    found: dict[Any, list[HoursRow]] = {Nurse: []}
    for row in rows:
        found.setdefault(type(row), []).append(row)
    yield from ((kind, some) for kind, some in found.items() if some)


def _concerned(rows: Iterable[HoursRow]) -> set[UUID]:
    """Return the stored nurses whose hours a change bears on: those of a row as it was, and as it will be."""
    ids: set[UUID] = set()
    for kind, some in _by_kind(rows):
        if kind is Holiday:
            return set(Nurse.objects.values_list("pk", flat=True))
        if kind is Nurse:
            ids.update(row.pk for row in some)
            continue
        stored = kind._base_manager.filter(pk__in=[row.pk for row in some]).order_by()
        ids.update(stored.values_list("nurse_id", flat=True))
        ids.update(row.nurse_id for row in some if not isinstance(row, Holiday | Nurse))
    return set(Nurse.objects.filter(pk__in=ids).values_list("pk", flat=True))


def _window(
    rows: Sequence[HoursRow], nurse_ids: Collection[UUID], now: datetime
) -> tuple[datetime, datetime]:
    """Return the time in which a change can matter: around the dates of holidays, else all that is ahead."""
    holidays = [row for row in rows if isinstance(row, Holiday)]
    if len(holidays) == len(rows) and holidays:
        stored = Holiday.objects.filter(pk__in=[row.pk for row in holidays])
        days = sorted({row.date for row in holidays} | {*stored.values_list("date", flat=True)})
        first, last = (datetime.combine(day, time(), tzinfo=UTC) for day in (days[0], days[-1]))
        since = max(now, first - AROUND_A_DATE)
        return since, max(since, last + AROUND_A_DATE + timedelta(days=1))
    horizon = now + timedelta(days=clinic_profile().horizon_days)
    return now, max(horizon, last_active_start(nurse_ids=nurse_ids, now=now) + MINUTE)


def _differing(nurse_ids: Collection[UUID], now: datetime) -> set[UUID]:
    """Return the nurses of whom a visit is flagged and covered, or neither."""
    orphans = orphaned_visits(now=now, nurse_ids=nurse_ids)
    flagged = {visit.pk: visit.nurse_id for visit in orphans}
    outside = _orphans(nurse_ids, now)
    lost = {one.nurse_id for key, one in outside.items() if key not in flagged}
    return lost | {nurse for key, nurse in flagged.items() if key not in outside}


def _recheck(nurse_ids: Collection[UUID], now: datetime) -> int:
    locked = lock_nurses(nurse_ids)
    outside = _orphans(locked.keys(), now)
    flagged = {visit.pk: visit for visit in orphaned_visits(now=now, nurse_ids=locked.keys())}
    settled = _settle_recorded([flagged[key] for key in flagged.keys() - outside.keys()], now)
    record_deeds(
        Deed("appointment.flagged", key, one.patient_id, reason=one.reason)
        for key, one in outside.items()
        if key not in flagged
    )
    sources = dict(Appointment.objects.filter(pk__in=outside).values_list("pk", "source"))
    return settled + sum(
        flag_orphans([one], source=sources[key], actor=SWEEP, now=now)
        for key, one in outside.items()
    )


def _settle_recorded(visits: Collection[Appointment], now: datetime) -> int:
    """Take the flag off visits as the worker, which nobody asked to."""
    record_deeds(Deed("appointment.settled", visit.pk, visit.patient_id) for visit in visits)
    return settle_orphans([visit.pk for visit in visits], now=now)


def _orphans(nurse_ids: Collection[UUID], now: datetime) -> dict[UUID, Outside]:
    until = last_active_start(nurse_ids=nurse_ids, now=now) + MINUTE
    outside = standing(nurse_ids=nurse_ids, since=now, until=until, now=now).outside
    decided = placed_by_decision(appointment_ids=list(outside), reason=OVERRIDDEN)
    return {key: one for key, one in outside.items() if key not in decided}


def _digest(lines: Iterable[str]) -> str:
    return blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()


def _hold_digests(holds: Iterable[LostHold]) -> set[str]:
    return {_digest([str(hold.hold_id)]) for hold in holds}
