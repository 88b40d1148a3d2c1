"""
What may become of a visit: the one table of scheduling reference, section 8, and the one function that obeys it.

Attendance confirmation and moving are not changes of status and stand in `appointments.py`; they use `store`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from scheduling.exceptions import InvalidTransition, NotFound, TooEarly, TooLate
from scheduling.models import Appointment, AppointmentChange
from scheduling.services.freed_times import record_if_freed
from scheduling.services.holds import lock_with_holds
from scheduling.services.orphans import settle_orphans
from scheduling.services.outbox import announce
from scheduling.services.rules import PATIENT_SOURCES
from scheduling.services.transactions import (
    ChangedMeanwhile,
    lock_nurses,
    lock_patient,
    lock_patients,
    run_atomically,
)

Status = Appointment.Status
Kind = AppointmentChange.Kind

HISTORY_FIELDS = (
    "nurse_id",
    "start",
    "end",
    "blocked_from",
    "blocked_until",
    "status",
    "late",
    "attendance_confirmed_at",
    "cancelled_at",
    "cancelled_by",
    "cancellation_reason",
)


@dataclass(frozen=True, slots=True)
class Window:
    """When a transition may happen, relative to the visit; None does not bound."""

    after_start: timedelta | None = None
    before_end: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One kind of change of status."""

    kind: str
    sources: frozenset[str]
    target: str
    window: Window = Window()
    by_patient: bool = False


NOTHING: Mapping[str, str] = MappingProxyType({})
ANY = frozenset(Status.values)
TRANSITIONS: Mapping[str, tuple[Transition, ...]] = {
    Kind.ARRIVED: (
        Transition(
            Kind.ARRIVED,
            frozenset({Status.BOOKED}),
            Status.ARRIVED,
            Window(after_start=timedelta(minutes=-60), before_end=timedelta(hours=12)),
        ),
        Transition(
            Kind.ARRIVED,
            frozenset({Status.NOSHOW}),
            Status.ARRIVED,
            Window(before_end=timedelta(days=7)),
        ),
    ),
    Kind.FULFILLED: (
        Transition(
            Kind.FULFILLED,
            frozenset({Status.BOOKED, Status.ARRIVED}),
            Status.FULFILLED,
            Window(after_start=timedelta(0)),
        ),
        Transition(
            Kind.FULFILLED,
            frozenset({Status.NOSHOW}),
            Status.FULFILLED,
            Window(before_end=timedelta(days=7)),
        ),
    ),
    Kind.NOSHOW: (
        Transition(
            Kind.NOSHOW,
            frozenset({Status.BOOKED}),
            Status.NOSHOW,
            Window(after_start=timedelta(minutes=15)),
        ),
    ),
    Kind.CANCELLED: (
        Transition(
            Kind.CANCELLED,
            frozenset({Status.BOOKED, Status.ARRIVED}),
            Status.CANCELLED,
            by_patient=True,
        ),
    ),
    Kind.ENTERED_IN_ERROR: (
        Transition(
            Kind.ENTERED_IN_ERROR,
            ANY - {Status.ENTERED_IN_ERROR},
            Status.ENTERED_IN_ERROR,
        ),
    ),
}


def transition_for(*, kind: str, status: str, source: str) -> Transition:
    """
    Return the row of the table for a kind of change and a present status.

    Raises:
        InvalidTransition: the table has none, or not for patients.
    """
    for transition in TRANSITIONS[kind]:
        if status in transition.sources:
            if source in PATIENT_SOURCES and not transition.by_patient:
                raise InvalidTransition("Only the clinic's people can do that.")
            return transition
    raise InvalidTransition


def check_window(*, transition: Transition, start: datetime, end: datetime, now: datetime) -> None:
    """
    Refuse a change outside of its time.

    Raises:
        TooEarly, TooLate: `now` lies before or after the window.
    """
    window = transition.window
    if window.after_start is not None and now < start + window.after_start:
        raise TooEarly
    if window.before_end is not None and now > end + window.before_end:
        raise TooLate


def locked_appointment(
    appointment_id: UUID, *, also_nurse: UUID | None = None, hold_owner: str = ""
) -> Appointment:
    """
    Lock a visit's nurse (another, and those at whom `hold_owner` holds times), its patient, then the visit.

    Return the visit as it is now.

    Raises:
        NotFound: there is no such visit.
    """
    seen = Appointment.objects.filter(pk=appointment_id).values("nurse_id", "patient_id").first()
    if seen is None:
        raise NotFound("There is no such visit.")
    lock_with_holds({seen["nurse_id"], also_nurse or seen["nurse_id"]}, owner=hold_owner)
    lock_patient(seen["patient_id"])
    appointment = (
        Appointment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("patient", "nurse", "visit_type")
        .get(pk=appointment_id)
    )
    if appointment.nurse_id != seen["nurse_id"]:
        raise ChangedMeanwhile  # it was moved to a nurse who is not locked
    return appointment


def lock_visits(ids: Collection[UUID]) -> None:
    """
    Lock the nurses of several visits, then their patients, before the first of these visits changes.

    Raises:
        Busy: the database was too busy.
    """
    visits = Appointment.objects.filter(pk__in=ids).order_by()

    def work() -> None:
        locked = lock_nurses(set(visits.values_list("nurse_id", flat=True)))
        lock_patients(set(visits.values_list("patient_id", flat=True)))
        if not set(visits.values_list("nurse_id", flat=True)) <= locked.keys():
            raise ChangedMeanwhile

    run_atomically(work)


def advance(
    *,
    appointment: Appointment,
    kind: str,
    source: str,
    actor: str,
    now: datetime,
    reason: str = "",
    changes: Mapping[str, Any] | None = None,
    tells_of: int = 1,
    tells_nurses: bool = True,
) -> Appointment:
    """
    Change the status of a locked visit as the table allows, with history, message and event.

    Raises:
        InvalidTransition, TooEarly, TooLate: the table does not allow it.
    """
    transition = transition_for(kind=kind, status=appointment.status, source=source)
    check_window(transition=transition, start=appointment.start, end=appointment.end, now=now)
    return store(
        appointment=appointment,
        kind=kind,
        changes={"status": transition.target, **(changes or {})},
        source=source,
        actor=actor,
        now=now,
        reason=reason,
        sequence=True,
        tells_of=tells_of,
        tells_nurses=tells_nurses,
    )


def store(
    *,
    appointment: Appointment,
    kind: str,
    changes: Mapping[str, Any],
    source: str,
    actor: str,
    now: datetime,
    reason: str = "",
    sequence: bool,
    tells_of: int = 1,
    tells_nurses: bool = True,
    freed_depth: int = 0,
) -> Appointment:
    """
    Write changes of one visit by compare-and-swap on status and version; add history, message, event and freed time.

    `sequence` tells whether the change is one of time, nurse or status; `tells_of` and
    `tells_nurses` are those of `announce`; `freed_depth` is the depth of the time that a move gives back.
    """
    old = snapshot(appointment)
    rows = Appointment.objects.filter(
        pk=appointment.pk, status=appointment.status, version=appointment.version
    )
    written = rows.update(
        **changes,
        version=F("version") + 1,
        sequence=F("sequence") + (1 if sequence else 0),
        updated_at=timezone.now(),  # noqa: TID251 - a stamp of the row, not a rule
    )
    if written != 1:
        raise ChangedMeanwhile
    if appointment.orphaned and (kind == Kind.RESCHEDULED or "status" in changes):
        settle_orphans([appointment.pk], now=now)  # moved or over: there is nothing left to decide
    changed = Appointment.objects.select_related("patient", "nurse", "visit_type").get(
        pk=appointment.pk
    )
    record(changed, kind=kind, old=old, source=source, actor=actor, now=now, reason=reason)
    announce(appointment=changed, kind=kind, now=now, tells_of=tells_of, tells_nurses=tells_nurses)
    record_if_freed(before=appointment, after=changed, now=now, depth=freed_depth)
    return changed


def record(
    appointment: Appointment,
    *,
    kind: str,
    old: Mapping[str, Any],
    source: str,
    actor: str,
    now: datetime,
    reason: str = "",
    given: Mapping[str, str] = NOTHING,
) -> None:
    """Write a line of history; old and new hold only what differs, new also what was `given` with the request."""
    new = snapshot(appointment)
    AppointmentChange.objects.create(
        appointment=appointment,
        version=appointment.version,
        kind=kind,
        at=now,
        source=source,
        actor=actor,
        reason=reason,
        old={name: value for name, value in old.items() if new[name] != value},
        new={name: value for name, value in new.items() if old.get(name) != value} | dict(given),
    )


def snapshot(appointment: Appointment) -> dict[str, Any]:
    """Return the values that the history keeps, as JSON."""
    return {name: _plain(getattr(appointment, name)) for name in HISTORY_FIELDS}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
