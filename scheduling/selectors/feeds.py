"""Reads of calendar feeds."""

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db.models import Q

from scheduling.exchange.feed import FeedVisit
from scheduling.models import Appointment, CalendarFeed
from scheduling.selectors.calendar import clinic_profile

KEPT = timedelta(days=30)  # past visits, and how long cancelled ones stay
Status = Appointment.Status


def token_digest(token: str) -> str:
    """Return what is stored of a token."""
    return sha256(token.encode()).hexdigest()


def feed_with_token(*, token: str) -> CalendarFeed | None:
    """
    Return the feed in use that has this token; a token is long, so its digest needs no slow hash.

    A feed rests when its nurse has left, or her login is deactivated (security reference, S28).
    """
    in_use = CalendarFeed.objects.select_related("nurse").filter(nurse__active=True)
    rows = in_use.exclude(nurse__user__is_active=False)
    return rows.filter(token_hash=token_digest(token), revoked_at__isnull=True).first()


def feed_of_nurse(*, nurse_id: UUID) -> CalendarFeed | None:
    """Return the nurse's feed in use, if there is one."""
    return CalendarFeed.objects.filter(nurse_id=nurse_id, revoked_at__isnull=True).first()


def appointments_of_feed(*, nurse_id: UUID, now: datetime) -> list[Appointment]:
    """Return the nurse's visits from 30 days ago to the horizon, by start; cancelled ones for 30 days."""
    horizon = now + timedelta(days=clinic_profile().horizon_days)
    rows = Appointment.objects.filter(nurse_id=nurse_id, start__gte=now - KEPT, start__lte=horizon)
    shown = rows.exclude(status=Status.ENTERED_IN_ERROR).exclude(
        Q(status=Status.CANCELLED) & Q(cancelled_at__lt=now - KEPT)
    )
    return list(shown.select_related("patient", "visit_type").order_by("start", "id"))


def feed_visit(appointment: Appointment, *, host: str) -> FeedVisit:
    """Return what a calendar may know of a visit: of the patient the initials."""
    patient = appointment.patient
    initials = "".join(f"{name[0]}." for name in (patient.first_name, patient.last_name) if name)
    return FeedVisit(
        uid=f"{appointment.pk}@{host}",
        start=appointment.start,
        end=appointment.end,
        summary=f"{appointment.visit_type.name} {initials}",
        sequence=appointment.sequence,
        changed_at=appointment.updated_at,
        cancelled=appointment.status == Status.CANCELLED,
    )
