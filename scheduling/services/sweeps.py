"""
What the background worker does of scheduling: an ordered list of steps, each safe to run in several workers at once.

A step is given the real time; what is a rule of the clinic asks the clinic's clock (`CAREMATIX_NOW` may stop it).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit.by_itself import Deed, record_deeds
from scheduling.clock import clinic_now
from scheduling.models import (
    ACTIVE_STATUSES,
    Appointment,
    FreedTime,
    Message,
    SlotHold,
    StaffTask,
)
from scheduling.selectors.calendar import next_staffed
from scheduling.services.delivery import ACTOR, deliver_next, resolve_lost
from scheduling.services.holds import expire_holds
from scheduling.services.hours import recheck_hours
from scheduling.services.imports import forget_old_imports, run_next_import
from scheduling.services.offers import offer_freed_times
from scheduling.services.waitlist import expire_entries
from scheduling.services.webhook_deliveries import (
    deliver_next_event,
    look_after_secrets,
    purge_deliveries,
    watch_queues,
)

OUTCOME_DUE = timedelta(hours=1)
OUTCOME_FORGOTTEN = timedelta(days=30)
"""Older visits are history that somebody brought along, not work of today."""
HOLDS_KEPT = timedelta(days=7)
FREED_TIMES_KEPT = timedelta(days=7)
BATCH = 200


class Run(Protocol):
    """The work of a step; it returns how many things it did, and 0 says that nothing is left."""

    def __call__(self, *, now: datetime) -> int: ...


@dataclass(frozen=True, slots=True)
class Step:
    """Something done over and over: at once while there is work, else after `period_s`, by `threads` at a time."""

    name: str
    run: Run
    period_s: float = 1.0
    threads: int = 1


def deliver_texts(*, now: datetime) -> int:
    """Send the text that is due longest."""
    return int(deliver_next(channel=Message.Channel.SMS, now=now, clinic_now=clinic_now()))


def deliver_mails(*, now: datetime) -> int:
    """Send the e-mail that is due longest."""
    return int(deliver_next(channel=Message.Channel.EMAIL, now=now, clinic_now=clinic_now()))


def deliver_events(*, now: datetime) -> int:
    """Send the next event to another system."""
    return int(deliver_next_event(now=now, clinic_now=clinic_now()))


def watch_events(*, now: datetime) -> int:
    """Raise alarms for events that wait too long."""
    return watch_queues(now=now, clinic_now=clinic_now())


def resolve_lost_messages(*, now: datetime) -> int:
    """Show staff what was being sent when a worker died."""
    return resolve_lost(now=now, clinic_now=clinic_now())


def expire_lapsed_holds(*, now: datetime) -> int:
    """Mark the holds whose time is over."""
    lapsed = SlotHold.objects.filter(state=SlotHold.State.LIVE, expires_at__lte=clinic_now())
    return expire_holds(now=clinic_now()) if lapsed.exists() else 0


def offer_times(*, now: datetime) -> int:
    """End offers without an answer, offer what became free."""
    return offer_freed_times(now=clinic_now())


def expire_wishes(*, now: datetime) -> int:
    """End the wishes of the waitlist whose last day is past."""
    return expire_entries(now=clinic_now())


def import_files(*, now: datetime) -> int:
    """Check or apply the file that waits longest."""
    return int(run_next_import(now=now, clinic_now=clinic_now()))


def forget_files(*, now: datetime) -> int:
    """Delete files that were checked and never applied."""
    return forget_old_imports(now=now)


def purge_old_holds(*, now: datetime) -> int:
    """Delete holds that ended a week ago; those that an offer from the waitlist refers to stay."""
    old = SlotHold.objects.exclude(state=SlotHold.State.LIVE).filter(
        expires_at__lt=clinic_now() - HOLDS_KEPT, waitlist_offer__isnull=True
    )
    with transaction.atomic():
        found = list(old.values_list("id", "patient_id")[:BATCH])
        record_deeds(Deed("slothold.deleted", *hold) for hold in found)
        return SlotHold.objects.filter(pk__in=[pk for pk, _ in found]).delete()[0] if found else 0


def purge_old_freed_times(*, now: datetime) -> int:
    """
    Delete freed times that were done with a week ago; they tell of no patient.

    Those that were offered to somebody stay as long as their offers, which the nightly purge deletes.
    """
    old = FreedTime.objects.filter(done_at__lt=clinic_now() - FREED_TIMES_KEPT, offers__isnull=True)
    ids = list(old.order_by("done_at", "id").values_list("id", flat=True)[:BATCH])
    return FreedTime.objects.filter(pk__in=ids).delete()[0] if ids else 0


def recheck_hours_of_all(*, now: datetime) -> int:
    """Show staff the visits that nurses' hours no longer cover: the rules of a time zone may have changed."""
    return recheck_hours(now=clinic_now())


def ask_for_outcomes(*, now: datetime) -> int:
    """Ask staff, once, what became of each visit that ended an hour ago and was not recorded."""
    at = clinic_now()
    open_visits = Appointment.objects.filter(
        status__in=ACTIVE_STATUSES,
        start__gte=at - OUTCOME_FORGOTTEN,
        start__lte=at - OUTCOME_DUE,
        end__lte=at - OUTCOME_DUE,
    ).exclude(tasks__kind=StaffTask.Kind.OUTCOME)
    ids = list(open_visits.order_by("start", "id").values_list("id", flat=True)[:BATCH])
    if not ids:
        return 0
    due_at = next_staffed(now=at)
    return sum(_ask_for_outcome(open_visits.filter(pk=pk), due_at) for pk in ids)


def _ask_for_outcome(asked: QuerySet[Appointment], due_at: datetime) -> int:
    """Write the task under the visit's lock, so that two workers write one."""
    with transaction.atomic():
        visit = Appointment.objects.select_for_update(no_key=True).filter(pk__in=asked).first()
        if visit is None or not asked.exists():
            return 0
        task = StaffTask.objects.create(
            kind=StaffTask.Kind.OUTCOME,
            text="The visit is over. Record whether it took place.",
            patient_id=visit.patient_id,
            appointment=visit,
            due_at=due_at,
            source=visit.source,
            actor=ACTOR,
        )
        record_deeds([Deed("stafftask.added", task.pk, visit.patient_id)])
    return 1


STEPS: tuple[Step, ...] = (
    Step("texts", deliver_texts, threads=4),
    Step("mails", deliver_mails, threads=2),
    Step("webhooks", deliver_events, threads=6),
    Step("webhook_queues", watch_events, period_s=60),
    Step("webhook_secrets", look_after_secrets, period_s=3600),
    Step("old_webhooks", purge_deliveries, period_s=3600),
    Step("lost_messages", resolve_lost_messages, period_s=5),
    Step("holds", expire_lapsed_holds, period_s=5),
    Step("waitlist", offer_times),
    Step("wishes", expire_wishes, period_s=60),
    Step("imports", import_files),
    Step("old_imports", forget_files, period_s=3600),
    Step("outcomes", ask_for_outcomes, period_s=60),
    Step("hours", recheck_hours_of_all, period_s=3600),
    Step("old_holds", purge_old_holds, period_s=3600),
    Step("old_freed_times", purge_old_freed_times, period_s=3600),
)
