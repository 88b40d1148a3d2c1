"""What booking, moving and cancelling a series have in common: which visits, their locks, what is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling import slots
from scheduling.exceptions import NotFound, SeriesConflict, TooLate
from scheduling.models import Appointment, AppointmentSeries, Nurse, SlotHold
from scheduling.selectors.appointments import change_rule
from scheduling.selectors.series import Member, Wanted
from scheduling.services.rules import PATIENT_SOURCES
from scheduling.services.transactions import ChangedMeanwhile, lock_nurses, lock_patient

OnConflict = Literal["fail", "skip"]
Scope = Literal["this", "following", "all"]


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """What was booked, moved or cancelled, and the members that were left out for a conflict."""

    series: AppointmentSeries
    appointments: tuple[Appointment, ...]
    skipped: tuple[Member, ...] = ()


def wanted_at(
    zone: ZoneInfo, index: int, day: date, minute: int, appointment_id: UUID | None = None
) -> Wanted:
    """Return a visit asked for at a local time; an alternative to a skipped time is looked for at the jump."""
    start = slots.resolve(zone, day, minute)
    around = slots.edge_to_minute(zone, day, minute, is_end=False)
    return Wanted(
        index=index,
        day=day,
        start=None if start is None else slots.to_instant(start),
        around=slots.to_instant(around),
        appointment_id=appointment_id,
    )


def locked_members(
    appointment_id: UUID, scope: Scope, now: datetime, *, also_nurse: UUID | None = None
) -> tuple[AppointmentSeries, list[Appointment]]:
    """
    Lock the nurses and the patient of a series, then its active visits ahead; return them, earliest first.

    Raises:
        NotFound: the visit is in no series, or none of the visits asked for is still ahead.
    """
    seen = Appointment.objects.filter(pk=appointment_id, series__isnull=False)
    anchor = seen.values("series_id", "series_index", "patient_id").first()
    if anchor is None:
        raise NotFound("There is no such visit of a series.")
    rows = Appointment.objects.filter(
        series_id=anchor["series_id"], status=Appointment.Status.BOOKED, start__gt=now
    )
    if scope == "this":
        rows = rows.filter(pk=appointment_id)
    elif scope == "following":
        rows = rows.filter(series_index__gte=anchor["series_index"])
    nurses = set(rows.order_by().values_list("nurse_id", flat=True))
    if not nurses:
        raise NotFound("No visit of the series is still ahead.")
    lock_nurses(nurses | ({also_nurse} if also_nurse else set()))
    lock_patient(anchor["patient_id"])
    visits = list(
        rows.select_for_update(no_key=True, of=("self",))
        .select_related("patient", "nurse", "visit_type")
        .order_by("start", "id")
    )
    if not {visit.nurse_id for visit in visits} <= nurses:
        raise ChangedMeanwhile  # one was moved to a nurse who is not locked
    return AppointmentSeries.objects.get(pk=anchor["series_id"]), visits


def refuse_conflicts(
    members: Sequence[Member], possible: Sequence[Member], on_conflict: OnConflict
) -> None:
    """
    Refuse what is not possible, all or nothing unless conflicts are to be skipped.

    Raises:
        SeriesConflict: a visit is not possible, or none is.
    """
    if on_conflict == "fail" and len(possible) < len(members):
        raise SeriesConflict(members=members)
    if not possible:
        raise SeriesConflict("None of these visits is possible.", members=members)


def refuse_late_changes(visits: Sequence[Appointment], source: str, now: datetime) -> None:
    """
    Refuse a patient's change of a visit that begins too soon.

    Raises:
        TooLate: one does.
    """
    if source in PATIENT_SOURCES and any(
        change_rule(start=visit.start, now=now) == "too_late" for visit in visits
    ):
        raise TooLate


def first_of_each_nurse(visits: Sequence[Appointment]) -> set[UUID]:
    """Return the first of the visits, given earliest first, of each nurse: the one that she is told of."""
    return set({visit.nurse_id: visit.pk for visit in reversed(visits)}.values())


def expire_holds_of(nurse: Nurse, now: datetime) -> None:
    """Mark the lapsed holds of a locked nurse, which would block in the index."""
    lapsed = SlotHold.objects.filter(nurse=nurse, state=SlotHold.State.LIVE, expires_at__lte=now)
    lapsed.update(state=SlotHold.State.EXPIRED)
