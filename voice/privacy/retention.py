"""What is kept of calls for a time only, and the nightly purge of all apps (security reference, S62)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.legal_holds import held_ids
from accounts.models import LegalHold
from scheduling.services.privacy import CATEGORIES as OF_SCHEDULING
from scheduling.services.privacy import Batch, Category, begin_run, night_is_due, purge_batch
from scheduling.services.privacy.retention import before, delete_rows, report
from voice.models import CallLog, IdentityAttempt, ToolCall, TranscriptEntry, WebhookReceipt

DAY = timedelta(days=1)
WORDLESS = {"arguments": {}, "result": {}, "memory": {}, "arguments_digest": ""}
"""A tool call without what was said in it; its name, its code and its effect stay with the call."""


def purge_transcripts(now: datetime, most: int) -> Batch:
    """Delete what was said in old calls."""
    entries = TranscriptEntry.objects.filter(call__in=_old_calls(now))
    found = list(entries.order_by("call_id", "pk").values_list("pk", "call__patient_id")[:most])
    TranscriptEntry.objects.filter(pk__in=[pk for pk, _ in found]).delete()
    return _batch(found)


def purge_tool_calls(now: datetime, most: int) -> Batch:
    """Take the words out of what the assistant did in old calls: they repeat what callers said."""
    worded = ToolCall.objects.filter(call__in=_old_calls(now)).exclude(**WORDLESS)
    found = list(worded.order_by("call_id", "pk").values_list("pk", "call__patient_id")[:most])
    ToolCall.objects.filter(pk__in=[pk for pk, _ in found]).update(**WORDLESS)
    return _batch(found)


def purge_given_names(now: datetime, most: int) -> Batch:
    """Forget which name was given in a failed or passed check: the limits of a day count it, nobody else (S14)."""
    named = IdentityAttempt.objects.filter(created_at__lt=now - DAY).exclude(name_digest="")
    ids = list(named.order_by("created_at", "pk").values_list("pk", flat=True)[:most])
    IdentityAttempt.objects.filter(pk__in=ids).update(name_digest="")
    return Batch(len(ids))


def purge_calls(now: datetime, most: int) -> Batch:
    """Delete the records of calls, with everything that belongs to them."""
    return delete_rows(not_held(_begun_before(now, settings.LIMIT_CALL_LOG_DAYS)), most)


def purge_receipts(now: datetime, most: int) -> Batch:
    """Delete what shows that the carrier told us something once: nothing is repeated after years."""
    limit = before(now, settings.LIMIT_CALL_LOG_DAYS)
    old = WebhookReceipt.objects.filter(received_at__lt=limit)
    ids = list(old.order_by("received_at", "pk").values_list("pk", flat=True)[:most])
    WebhookReceipt.objects.filter(pk__in=ids).delete()
    return Batch(len(ids))


CATEGORIES: tuple[Category, ...] = (
    Category("transcripts", purge_transcripts),
    Category("tool_calls", purge_tool_calls),
    Category("given_names", purge_given_names),
    Category("calls", purge_calls),
    Category("receipts", purge_receipts),
    *OF_SCHEDULING,
)
"""Of all apps, in the order in which they are purged."""


def not_held(calls: QuerySet[CallLog]) -> QuerySet[CallLog]:
    """Leave out calls under a legal hold, of their own or of their patient."""
    held = Q(pk__in=held_ids(kind=LegalHold.Kind.CALL))
    return calls.exclude(held).exclude(patient__in=held_ids(kind=LegalHold.Kind.PATIENT))


def purge_nightly(*, now: datetime) -> int:
    """Do one batch of the night's purge, or go on with one that was cut short; 0 says that it is done."""
    if not night_is_due(now=now):
        return 0
    run = begin_run(now=now)
    return purge_batch(run_id=run.pk, categories=CATEGORIES, surface="worker", now=now)


def purge_all(*, now: datetime) -> str:
    """Purge everything that is over its time, at once, and return in one line what went."""
    run = begin_run(now=now)
    while purge_batch(run_id=run.pk, categories=CATEGORIES, surface="cli", now=now):
        pass
    run.refresh_from_db()
    return report(run)


def _batch(found: Sequence[tuple[UUID, UUID | None]]) -> Batch:
    return Batch(len(found), {patient_id for _, patient_id in found if patient_id is not None})


def _old_calls(now: datetime) -> QuerySet[CallLog]:
    return not_held(_begun_before(now, settings.LIMIT_TRANSCRIPT_DAYS)).order_by()


def _begun_before(now: datetime, days: int) -> QuerySet[CallLog]:
    return CallLog.objects.filter(created_at__lt=before(now, days))
