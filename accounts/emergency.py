"""
Emergency access (security reference, S30; HIPAA 164.312(a)(2)(ii)): reads and writes.

An administrator opens one patient's record, for a stated reason and half an hour, to a member of staff whose role ends
at own patients. It opens what that role may see of own patients, and nothing else.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet

from accounts.exceptions import NobodyToOpenFor, NoSuchAccess, ReasonMissing
from accounts.models import EmergencyAccess, User
from accounts.origin import Origin
from accounts.permissions import Reach, Resource, Role, Verb, reach

LASTS = timedelta(minutes=30)
LONGEST_REASON = 200
SHORTEST_REASON = 10
"""Characters: a word or two explain nothing to whoever reads the audit record."""

logger = logging.getLogger(__name__)


def open_accesses(*, now: datetime) -> QuerySet[EmergencyAccess]:
    """Return those that are open at `now`, with the two people, the latest first."""
    rows = EmergencyAccess.objects.filter(opened_at__lte=now, expires_at__gt=now, ended_at=None)
    return rows.select_related("user", "opened_by").order_by("-opened_at", "id")


def people_to_open_for() -> QuerySet[User]:
    """Return the active members of staff whose role ends at own patients, by name."""
    roles = [role for role in Role if reach(role, Verb.READ, Resource.PATIENT) is Reach.OWN]
    people = User.objects.filter(is_active=True, role__in=roles)
    return people.order_by("last_name", "first_name", "username")


@transaction.atomic
def open_record(
    *, user_id: UUID, patient_id: UUID, reason: str, origin: Origin, now: datetime
) -> EmergencyAccess:
    """
    Open a patient's record to somebody for half an hour, record it, and write to all administrators.

    The mail names the people of the clinic, never the patient nor the reason (S53).

    Raises:
        ReasonMissing: the reason is shorter than ten characters, or longer than 200.
        NobodyToOpenFor: there is no such active person, or their role does not end at own patients.
    """
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise ReasonMissing
    user = people_to_open_for().filter(pk=user_id).first()
    if user is None:
        raise NobodyToOpenFor
    access = EmergencyAccess.objects.create(
        user=user,
        patient_id=patient_id,
        opened_by_id=origin.user_id,
        reason=reason,
        opened_at=now,
        expires_at=now + LASTS,
    )
    _record(access, "emergency.opened", origin, reason)
    transaction.on_commit(lambda: _tell_administrators(access), robust=True)
    return access


@transaction.atomic
def end_access(*, access_id: UUID, origin: Origin, now: datetime) -> None:
    """
    Close a record before its time.

    Raises:
        NoSuchAccess: nothing of that id is open.
    """
    access = open_accesses(now=now).filter(pk=access_id).select_for_update(of=("self",)).first()
    if access is None:
        raise NoSuchAccess
    access.ended_at = now
    access.save(update_fields=["ended_at"])
    _record(access, "emergency.ended", origin, "")


def _record(access: EmergencyAccess, action: str, origin: Origin, reason: str) -> None:
    origin.record(
        action=action,
        patient_ids=[access.patient_id],
        object_type="emergency_access",
        object_id=access.pk,
        reason=reason,
    )


def _tell_administrators(access: EmergencyAccess) -> None:
    """Write at once; a mail that cannot be sent is logged, for the audit record has the event anyway."""
    found = User.objects.filter(role=Role.ADMIN, is_active=True).exclude(email="")
    addresses = list(found.order_by("email").values_list("email", flat=True))
    if not addresses:
        return
    opened_by = access.opened_by.get_full_name() or access.opened_by.get_username()
    user = access.user.get_full_name() or access.user.get_username()
    message = EmailMessage(
        subject="Emergency access was opened",
        body=(
            f"{opened_by} opened one patient's record to {user} for 30 minutes.\n\n"
            "Which record and why stands in the audit record. Whoever is open now, and a way to end it:\n"
            f"{settings.PUBLIC_BASE_URL}/dashboard/emergency/\n"
        ),
        to=addresses,
    )
    try:
        message.send()
    except OSError:  # smtplib's errors are of this class, time-outs and refused connections as well
        logger.exception("accounts.emergency.mail_failed")
