"""
What is kept for a time only, and the purge that deletes it (security reference, S62).

The purge works in batches, each with its audit event in one transaction. What it has done stands in the run, not in
the process: after a crash the next process goes on with the same run. Legal holds are asked for in each batch.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Model, QuerySet

from accounts.legal_holds import held_ids, take_turn
from accounts.models import LegalHold
from accounts.services import record_event
from scheduling.clock import clinic_zone
from scheduling.models import DataImport, Message, PurgeRun, SlotHold, StaffTask, WaitlistOffer

BATCH = 500
NIGHT_HOUR = 2  # on the clinic's wall: nobody works then, and the audit record's day has begun
WAITING = (Message.Status.PENDING, Message.Status.SENDING)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step of the purge deleted: how many rows, and about whom."""

    count: int
    patient_ids: Collection[UUID] = ()


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of record with a time of its own; `delete` takes at most one batch and returns 0 if none is left."""

    name: str
    delete: Callable[[datetime, int], Batch]


def purge_messages(now: datetime, most: int) -> Batch:
    """Delete messages whose time is over; what still waits to be sent is none of ours."""
    old = Message.objects.filter(created_at__lt=before(now, settings.LIMIT_MESSAGE_DAYS))
    held = held_ids(kind=LegalHold.Kind.PATIENT)
    old = old.exclude(status__in=WAITING).exclude(patient__in=held)
    return delete_rows(old.exclude(appointment__patient__in=held), most)


def purge_tasks(now: datetime, most: int) -> Batch:
    """Delete what staff have done long ago: it holds what callers asked for, and their numbers."""
    done = StaffTask.objects.filter(done_at__lt=before(now, settings.LIMIT_STAFF_TASK_DAYS))
    held = held_ids(kind=LegalHold.Kind.PATIENT)
    return delete_rows(done.exclude(patient__in=held).exclude(appointment__patient__in=held), most)


def purge_imports(now: datetime, most: int) -> Batch:
    """
    Delete what is kept of imports that have ended, well or not.

    Their files are gone already and problems quote no value, so a hold on a patient keeps none of them.
    """
    old = DataImport.objects.filter(finished_at__lt=before(now, settings.LIMIT_IMPORT_DAYS))
    ids = list(old.order_by("created_at", "id").values_list("pk", flat=True)[:most])
    DataImport.objects.filter(pk__in=ids).delete()
    return Batch(len(ids))


def purge_offers(now: datetime, most: int) -> Batch:
    """
    Delete offers from the waitlist with their holds, as late as the texts that told of them.

    One whose start is ahead stays: it is what keeps the same time from being offered to the same entry again.
    """
    old = WaitlistOffer.objects.filter(
        created_at__lt=before(now, settings.LIMIT_MESSAGE_DAYS), start__lt=now
    ).exclude(status=WaitlistOffer.Status.OPEN)
    rows = old.exclude(entry__patient__in=held_ids(kind=LegalHold.Kind.PATIENT))
    found = list(
        rows.order_by("created_at", "pk").values_list("pk", "hold_id", "entry__patient_id")[:most]
    )
    WaitlistOffer.objects.filter(pk__in=[pk for pk, _, _ in found]).delete()
    SlotHold.objects.filter(pk__in=[hold_id for _, hold_id, _ in found]).delete()
    return Batch(len(found), {patient_id for _, _, patient_id in found})


CATEGORIES: tuple[Category, ...] = (
    Category("messages", purge_messages),
    Category("staff_tasks", purge_tasks),
    Category("imports", purge_imports),
    Category("waitlist_offers", purge_offers),
)
"""Of this app; those of calls come from `voice`."""


def before(now: datetime, days: int) -> datetime:
    """Return the instant before which a record is too old."""
    return now - timedelta(days=days)


def delete_rows(rows: QuerySet[Model], most: int) -> Batch:
    """Delete the oldest of some rows that have a `patient` and a `created_at`."""
    found = list(rows.order_by("created_at", "pk").values_list("pk", "patient_id")[:most])
    rows.model._default_manager.filter(pk__in=[pk for pk, _ in found]).delete()
    return Batch(len(found), {patient_id for _, patient_id in found if patient_id})


def night_is_due(*, now: datetime) -> bool:
    """Tell whether a run is unfinished, or none has begun since two o'clock of the last night."""
    local = now.astimezone(clinic_zone())
    night = local.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    if night > local:
        night -= timedelta(days=1)
    begun = PurgeRun.objects.filter(started_at__gte=night).exists()
    return not begun or _open_runs().exists()


@transaction.atomic
def begin_run(*, now: datetime) -> PurgeRun:
    """Return the run that is to go on, or a new one."""
    take_turn()
    return _open_runs().first() or PurgeRun.objects.create(started_at=now)


@transaction.atomic
def purge_batch(
    *, run_id: UUID, categories: Sequence[Category], surface: str, now: datetime, most: int = BATCH
) -> int:
    """
    Delete one batch of what is over its time and record it; with 0 the run is finished.

    `now` is the real time: how old a record is does not depend on the clinic's clock.
    """
    take_turn()
    run = PurgeRun.objects.select_for_update(no_key=True).get(pk=run_id)
    if run.finished_at is not None:  # another process was faster
        return 0
    for category in categories:
        batch = category.delete(now, most)
        if batch.count:
            run.counts = dict(Counter(run.counts) + Counter({category.name: batch.count}))
            run.save(update_fields=["counts"])
            _record(run, "retention.purged", surface, batch, f"{category.name}: {batch.count}")
            return batch.count
    run.finished_at = now
    run.save(update_fields=["finished_at"])
    _record(run, "retention.finished", surface, Batch(0), report(run))
    return 0


def report(run: PurgeRun) -> str:
    """Return in one line what a run deleted."""
    counts = ", ".join(f"{name}: {count}" for name, count in sorted(run.counts.items()))
    return counts or "nothing"


def _open_runs() -> QuerySet[PurgeRun]:
    return PurgeRun.objects.filter(finished_at=None).order_by("started_at", "id")


def _record(run: PurgeRun, action: str, surface: str, batch: Batch, reason: str) -> None:
    record_event(
        action=action,
        outcome="ok",
        surface=surface,
        patient_ids=sorted(batch.patient_ids),
        object_type="purge_run",
        object_id=run.pk,
        reason=reason[:200],
    )
