"""
Visits that their nurse's hours no longer cover: flagged with a task for staff, and settled (section 11).

A flag is no change of the visit itself: time, nurse, status, version and history stay as they are.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from scheduling.models import Appointment, StaffTask
from scheduling.selectors.calendar import next_staffed
from scheduling.selectors.hours import Outside

SOON = timedelta(hours=48)
TASKS_AT_ONCE = 500
TEXTS = {
    "hours": "The visit lies outside the nurse's hours. Move it, hand it over or leave it.",
    "license": "The nurse's license does not cover the visit. Hand it over.",
    "inactive": "The nurse no longer makes visits. Hand the visit over.",
}


def flag_orphans(outside: Iterable[Outside], *, source: str, actor: str, now: datetime) -> int:
    """Flag visits of locked nurses and ask staff about each, once; return how many were not flagged before."""
    found = {visit.appointment_id: visit for visit in outside}
    rows = Appointment.objects.filter(pk__in=found, orphaned=False)
    fresh = [found[key] for key in rows.order_by("start", "id").values_list("pk", flat=True)]
    if not fresh:
        return 0
    rows.update(orphaned=True)
    due_at = next_staffed(now=now)
    StaffTask.objects.bulk_create(
        [
            StaffTask(
                kind=StaffTask.Kind.ORPHANED,
                topic=visit.reason,
                text=TEXTS[visit.reason],
                urgency=StaffTask.Urgency.TODAY
                if visit.start - now < SOON
                else StaffTask.Urgency.ROUTINE,
                patient_id=visit.patient_id,
                appointment_id=visit.appointment_id,
                due_at=due_at,
                source=source,
                actor=actor,
            )
            for visit in fresh
        ],
        batch_size=TASKS_AT_ONCE,
    )
    return len(fresh)


def settle_orphans(appointment_ids: Collection[UUID], *, now: datetime) -> int:
    """Take the flag off visits and close their tasks; return how many were flagged."""
    flagged = Appointment.objects.filter(pk__in=appointment_ids, orphaned=True)
    settled = flagged.update(orphaned=False)
    if settled:
        StaffTask.objects.filter(
            appointment_id__in=appointment_ids,
            kind=StaffTask.Kind.ORPHANED,
            status=StaffTask.Status.OPEN,
        ).update(status=StaffTask.Status.DONE, done_at=now)
    return settled
