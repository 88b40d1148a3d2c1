"""Whose call it was: the assistant says so once, after that only an administrator (security reference, S64)."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.access import viewer_of
from accounts.legal_holds import checked_reason, holds_in_force, take_turn
from accounts.models import LegalHold, User
from accounts.origin import Origin
from accounts.permissions import Resource, Verb
from scheduling.exceptions import NotFound, StillActive, UnderHold
from scheduling.selectors.privacy import patient_facts
from voice.exceptions import NotAdministrator
from voice.models import CallLog
from voice.services import TERMINAL


@transaction.atomic
def relink_call(
    *, call_id: UUID, patient_id: UUID | None, reason: str, origin: Origin, now: datetime
) -> CallLog:
    """
    Say that a call was another patient's, or nobody's that we know; the event names both.

    Raises:
        HoldNeedsReason: the reason is too short or too long.
        NotAdministrator: the person may not do this.
        NotFound: there is no such call or patient.
        UnderHold: a hold rests on the patient whose call it was and none on the call: away from the patient, nothing
            would keep it from the purge any more (S62).
        StillActive: the call goes on.
    """
    reason = checked_reason(reason)
    take_turn()
    user = User.objects.filter(pk=origin.user_id, is_active=True).first()
    if user is None or not viewer_of(user, now=now).may(Verb.UPDATE, Resource.SETTINGS):
        raise NotAdministrator
    call = CallLog.objects.select_for_update(no_key=True, of=("self",)).filter(pk=call_id).first()
    if call is None or (patient_id and patient_facts(patient_id=patient_id) is None):
        raise NotFound
    if call.status not in TERMINAL:
        raise StillActive("The call goes on. Try again after it.")
    if patient_id != call.patient_id and _is_kept_for_its_patient(call):
        raise UnderHold("A legal hold rests on the patient. Place one on the call first.")
    before, call.patient_id = call.patient_id, patient_id
    call.save(update_fields=["patient"])
    origin.record(
        action="call.relinked",
        patient_ids=sorted({before, patient_id} - {None}, key=str),
        object_type="call",
        object_id=call.pk,
        reason=reason,
        changes={"patient": [str(before or ""), str(patient_id or "")]},
    )
    return call


def _is_kept_for_its_patient(call: CallLog) -> bool:
    """Return whether a hold on the patient alone keeps the call."""
    if call.patient_id is None:
        return False
    own = holds_in_force(kind=LegalHold.Kind.CALL, record_ids=[call.pk])
    of_patient = holds_in_force(kind=LegalHold.Kind.PATIENT, record_ids=[call.patient_id])
    return of_patient.exists() and not own.exists()
