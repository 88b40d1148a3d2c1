"""Erasure of a patient in all apps (security reference, S63)."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.legal_holds import checked_reason, holds_in_force
from accounts.models import LegalHold
from accounts.origin import Origin
from scheduling.exceptions import StillActive, UnderHold
from scheduling.services.privacy import ErasedPatient, erase_patient_records
from voice.models import CallLog, IdentityAttempt, ToolCall, TranscriptEntry
from voice.privacy.retention import WORDLESS
from voice.services import TERMINAL


@transaction.atomic
def erase_patient(*, patient_id: UUID, reason: str, origin: Origin, now: datetime) -> None:
    """
    Erase a patient: the person, what was written and what was said; visits and calls stay, under a pseudonym.

    The audit record is left as it is: it names the patient by the id alone.

    Raises:
        HoldNeedsReason: the reason is too short or too long.
        NotFound: there is no such patient, or it was erased already.
        UnderHold: a legal hold rests on the patient or on one of the calls.
        StillActive: a visit is ahead, a call goes on, or a message is being sent.
        Busy: the database was too busy.
    """
    reason = checked_reason(reason)
    erased = erase_patient_records(patient_id=patient_id, now=now)
    _erase_calls(erased)
    origin.record(
        action="patient.erased",
        patient_ids=[patient_id],
        object_type="patient",
        object_id=patient_id,
        reason=reason,
    )


def _erase_calls(erased: ErasedPatient) -> None:
    """Take words and numbers out of the patient's calls, and of those from numbers that only the patient had."""
    ids = list(
        _calls_of(erased)
        .select_for_update(no_key=True, of=("self",))
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    calls = CallLog.objects.filter(pk__in=ids)
    if holds_in_force(kind=LegalHold.Kind.CALL, record_ids=ids).exists():
        raise UnderHold
    if calls.exclude(status__in=TERMINAL).exists():
        raise StillActive("The patient is on the phone. Try again after the call.")
    TranscriptEntry.objects.filter(call__in=ids).delete()
    ToolCall.objects.filter(call__in=ids).update(**WORDLESS)
    IdentityAttempt.objects.filter(call__in=ids).update(caller_number="", name_digest="")
    calls.filter(direction=CallLog.Direction.INBOUND).update(from_number="")
    calls.filter(direction=CallLog.Direction.OUTBOUND).update(to_number="")


def _calls_of(erased: ErasedPatient) -> QuerySet[CallLog]:
    numbers = Q(from_number__in=erased.numbers) | Q(to_number__in=erased.numbers)
    return CallLog.objects.filter(Q(patient=erased.patient_id) | Q(patient=None) & numbers)
