"""Who waits for a time: wishes that come, go and run out (scheduling reference, section 12)."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.audit.by_itself import Deed, record_deeds
from scheduling.exceptions import InvalidTransition, NotFound, NurseUnknown, SchedulingError
from scheduling.models import Nurse, WaitlistEntry, WaitlistOffer
from scheduling.selectors.people import patient_zone
from scheduling.services.holds import nurses_held_by
from scheduling.services.offers import lock_offer, nurses_of, owner_of, withdraw_offer
from scheduling.services.rules import visit_type_with_code
from scheduling.services.transactions import (
    ChangedMeanwhile,
    lock_nurses,
    lock_patient,
    lock_patients,
    run_atomically,
)

PARTS_OF_DAY = ("morning", "afternoon", "evening")
FARTHEST_EAST = timedelta(hours=14)  # no clock is further ahead of UTC
BATCH = 200

Status = WaitlistEntry.Status
OPEN = (Status.WAITING, Status.OFFERED)


def join_waitlist(
    *,
    patient_id: UUID,
    visit_type: str,
    nurse_id: UUID | None,
    earliest: date,
    latest: date,
    parts_of_day: Iterable[str],
    source: str,
    actor: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> WaitlistEntry:
    """
    Store a wish for a time; the same open wish is not stored twice.

    Without `expires_at` the wish ends with its last day.

    Raises:
        NotFound, NurseUnknown, NotAvailable: there is no such patient, nurse or kind of visit.
        SchedulingError: the dates are out of order, the end is past, or a part of the day is unknown.
        Busy: the database was too busy.
    """
    asked = set(parts_of_day)
    parts = [part for part in PARTS_OF_DAY if part in asked]
    if len(parts) != len(asked):
        raise SchedulingError("A part of the day is morning, afternoon or evening.")
    if latest < earliest:
        raise SchedulingError("The last day is before the first.")
    if expires_at is not None and expires_at <= now:
        raise SchedulingError("The wish would have ended already.")

    def work() -> WaitlistEntry:
        patient = lock_patient(patient_id)  # of two who store one wish at once, the second finds it
        if not patient.active:
            raise NotFound("There is no such patient.")
        nurse = Nurse.objects.filter(pk=nurse_id, active=True).first() if nurse_id else None
        if nurse_id is not None and nurse is None:
            raise NurseUnknown("There is no such nurse.")
        wish = {
            "patient": patient,
            "visit_type": visit_type_with_code(visit_type),
            "nurse": nurse,
            "earliest": earliest,
            "latest": latest,
            "parts_of_day": parts,
        }
        open_already = WaitlistEntry.objects.filter(status__in=OPEN, **wish).first()
        return open_already or WaitlistEntry.objects.create(
            source=source, actor=actor, waiting_since=now, expires_at=expires_at, **wish
        )

    return run_atomically(work)


def leave_waitlist(*, entry_id: UUID, now: datetime) -> WaitlistEntry:
    """
    Take a wish off the list, with the offer that is open for it; a repetition changes nothing.

    Raises:
        NotFound: there is no such entry.
        InvalidTransition: it has been booked, or has run out.
        Busy: the database was too busy.
    """

    def work() -> WaitlistEntry:
        offers = WaitlistOffer.objects.filter(entry_id=entry_id, status=WaitlistOffer.Status.OPEN)
        offer = offers.first()
        if offer is not None:
            withdraw_offer(offer_id=offer.pk, now=now)
        entry = WaitlistEntry.objects.select_for_update(no_key=True).filter(pk=entry_id).first()
        if entry is None:
            raise NotFound("There is no such entry.")
        if entry.status == Status.OFFERED:
            raise ChangedMeanwhile  # an offer was made just now
        if entry.status == Status.WAITING:
            entry.status = Status.CANCELLED
            entry.save(update_fields=["status"])
        if entry.status != Status.CANCELLED:
            raise InvalidTransition("The wish is no longer on the list.")
        return entry

    return run_atomically(work)


def change_priority(*, entry_id: UUID, priority: int) -> WaitlistEntry:
    """
    Let an open wish go before others, or after them; a higher number goes first.

    Raises:
        NotFound: there is no such entry.
        InvalidTransition: it is no longer on the list.
        Busy: the database was too busy.
    """

    def work() -> WaitlistEntry:
        entry = WaitlistEntry.objects.select_for_update(no_key=True).filter(pk=entry_id).first()
        if entry is None:
            raise NotFound("There is no such entry.")
        if entry.status not in OPEN:
            raise InvalidTransition("The wish is no longer on the list.")
        entry.priority = priority
        entry.save(update_fields=["priority"])
        return entry

    return run_atomically(work)


def lock_entry(entry_id: UUID) -> None:
    """Lock a wish as `leave_waitlist` does: first the people of its open offer; without such a wish nothing."""
    open_offers = WaitlistOffer.objects.filter(entry=entry_id, status=WaitlistOffer.Status.OPEN)
    offer_id = open_offers.values_list("id", flat=True).first()
    if offer_id is not None:
        lock_offer(offer_id)
    WaitlistEntry.objects.select_for_update(no_key=True).filter(pk=entry_id).first()


def lock_wishes(entry_ids: Collection[UUID]) -> None:
    """
    Lock the people of several wishes and of their open offers, before the first of these wishes ends.

    Nobody gets an offer whose patient is locked, so what was locked here stays all there is.

    Raises:
        Busy: the database was too busy.
    """
    open_offers = WaitlistOffer.objects.filter(
        entry__in=entry_ids, status=WaitlistOffer.Status.OPEN
    ).select_related("moves")
    owners = [owner_of(pk) for pk in entry_ids]

    def concerned() -> set[UUID]:
        return nurses_held_by(owners).union(*map(nurses_of, open_offers.all()))

    def work() -> None:
        locked = lock_nurses(concerned())
        wishes = WaitlistEntry.objects.filter(pk__in=entry_ids).order_by()
        lock_patients(set(wishes.values_list("patient_id", flat=True)))
        if not concerned() <= locked.keys():
            raise ChangedMeanwhile

    run_atomically(work)


def expire_entries(*, now: datetime) -> int:
    """End the wishes whose last day, or whose own end, is past; return how many."""
    waiting = WaitlistEntry.objects.filter(status=Status.WAITING)
    perhaps = waiting.filter(latest__lt=(now + FARTHEST_EAST).date()).select_related("patient")
    over = {
        entry.pk: entry.patient_id
        for entry in perhaps.order_by("latest", "id")[:BATCH]
        if entry.latest < now.astimezone(patient_zone(entry.patient)).date()
    }
    ended = waiting.filter(expires_at__lte=now).order_by("id")
    over |= dict(ended.values_list("id", "patient_id")[:BATCH])
    # One at a time: statements that change several rows could wait for each other in a ring.
    return sum(_expire(pk, patient_id) for pk, patient_id in over.items())


@transaction.atomic
def _expire(entry_id: UUID, patient_id: UUID) -> bool:
    """End a wish that still waits; return whether it did."""
    ended = WaitlistEntry.objects.filter(pk=entry_id, status=Status.WAITING).update(
        status=Status.EXPIRED
    )
    if ended:
        record_deeds([Deed("waitlistentry.expired", entry_id, patient_id)])
    return bool(ended)
