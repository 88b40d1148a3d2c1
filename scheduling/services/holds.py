"""
Times kept for somebody while a person decides (scheduling reference, section 6).

A hold's row changes under the lock of its nurse only. Whoever changes holds of several nurses locks them all in one
step, by id, before the first row changes; else two such transactions could wait for each other.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from accounts.audit.by_itself import Deed, record_deeds
from scheduling.exceptions import LimitReached, SlotExpired
from scheduling.models import Nurse, SlotHold, VisitType
from scheduling.selectors.openings import check_start
from scheduling.services.rules import Span, raise_for, span_of, visit_type_with_code, whole_minute
from scheduling.services.transactions import ChangedMeanwhile, lock_nurses, run_atomically

State = SlotHold.State
HOLDS_PER_OWNER = 3
HOLD_SECONDS = 120
NURSES_AT_ONCE = 50  # whom the tidying locks together


def hold_slot(
    *,
    owner: str,
    nurse_id: UUID,
    start: datetime,
    visit_type: str,
    patient_id: UUID | None,
    now: datetime,
    seconds: int = HOLD_SECONDS,
    purpose: str = SlotHold.Purpose.PROPOSAL,
    ignore_appointment_id: UUID | None = None,
    keep_proposal: bool = True,
) -> SlotHold:
    """
    Keep a time for `owner`; a new proposal replaces the owner's earlier proposal and offer.

    A search's offer replaces only the earlier offer, so that it never costs the caller an open proposal; with
    `keep_proposal=False`, when none is open any more, it replaces both.

    Raises:
        SlotTaken: a visit, or somebody else's hold, is there.
        InvalidTime, NotAvailable: the rules of section 2 refuse the start.
        LimitReached: the owner already holds three times.
        Busy: the database was too busy.
    """
    begins = whole_minute(start)

    def work() -> SlotHold:
        kind = visit_type_with_code(visit_type)
        locked = lock_with_holds([nurse_id], owner=owner)
        nurse = locked[nurse_id]
        span = span_of(start=begins, visit_type=kind, nurse=nurse)
        expire_in_the_way(nurse=nurse, span=span, now=now)
        reason = check_start(
            nurse_id=nurse_id,
            patient_id=patient_id,
            start=begins,
            visit_type=visit_type,
            now=now,
            hold_owner=owner,
            ignore_appointment_id=ignore_appointment_id,
        )
        raise_for(reason)
        own = SlotHold.objects.filter(owner=owner, state=State.LIVE, nurse__in=locked)
        replaced = {purpose, SlotHold.Purpose.OFFER}
        if purpose == SlotHold.Purpose.OFFER and keep_proposal:
            kept = own.filter(
                purpose=SlotHold.Purpose.PROPOSAL,
                nurse=nurse,
                expires_at__gt=now,
                blocked_from__lt=span.blocked_until,
                blocked_until__gt=span.blocked_from,
            ).first()
            if kept is not None:
                return kept
        elif purpose == SlotHold.Purpose.OFFER:
            replaced.add(SlotHold.Purpose.PROPOSAL)
        own.filter(purpose__in=replaced).update(state=State.RELEASED)
        if own.filter(expires_at__gt=now).count() >= HOLDS_PER_OWNER:
            raise LimitReached("Too many times are kept for you already.")
        return SlotHold.objects.create(
            owner=owner,
            purpose=purpose,
            nurse=nurse,
            patient_id=patient_id,
            visit_type=kind,
            start=span.start,
            end=span.end,
            blocked_from=span.blocked_from,
            blocked_until=span.blocked_until,
            expires_at=now + timedelta(seconds=seconds),
        )

    return run_atomically(work)


def release_holds(*, owner: str, now: datetime) -> int:
    """
    Give up what an owner holds; return how many live holds that were.

    Nothing of another nurse is to be held or booked after it in the same transaction: that would lock nurses out of
    their order. `hold_slot` gives up earlier holds itself, and `book_appointment` locks those of `hold_owner` as well.
    """

    def work() -> int:
        nurses = lock_with_holds([], owner=owner)
        held = SlotHold.objects.filter(owner=owner, state=State.LIVE, nurse__in=nurses)
        held.filter(expires_at__lte=now).update(state=State.EXPIRED)
        return held.update(state=State.RELEASED)

    return run_atomically(work)


def expire_holds(*, now: datetime) -> int:
    """Mark every hold whose time is over; tidiness only, nothing relies on it. Return how many."""
    stale = SlotHold.objects.filter(state=State.LIVE, expires_at__lte=now)
    nurses = list(stale.order_by("nurse_id").values_list("nurse_id", flat=True).distinct())

    def expire(some: Collection[UUID]) -> int:
        found = list(stale.filter(nurse__in=lock_nurses(some)).values_list("id", "patient_id"))
        record_deeds(Deed("slothold.expired", *hold) for hold in found)
        return SlotHold.objects.filter(pk__in=[pk for pk, _ in found]).update(state=State.EXPIRED)

    batches = [nurses[at : at + NURSES_AT_ONCE] for at in range(0, len(nurses), NURSES_AT_ONCE)]
    return sum(run_atomically(partial(expire, batch)) for batch in batches)


def lock_with_holds(nurse_ids: Collection[UUID], *, owner: str) -> dict[UUID, Nurse]:
    """
    Lock nurses and those at whom `owner` holds times, all of them in the order of their ids.

    Raises:
        NurseUnknown: an id is nobody's.
        ChangedMeanwhile: the owner got a hold of another nurse just now; `run_atomically` starts over.
    """
    locked = lock_nurses({*nurse_ids, *nurses_held_by([owner])})
    if not nurses_held_by([owner]) <= locked.keys():
        raise ChangedMeanwhile
    return locked


def nurses_held_by(owners: Iterable[str]) -> set[UUID]:
    """Return the nurses at whom owners hold times, without a lock; nothing is held by an empty name."""
    named = [owner for owner in owners if owner]
    held = SlotHold.objects.filter(owner__in=named, state=State.LIVE).order_by()
    return set(held.values_list("nurse_id", flat=True)) if named else set()


def expire_in_the_way(*, nurse: Nurse, span: Span, now: datetime) -> None:
    """Mark the lapsed holds that would block a span of a locked nurse in the index."""
    SlotHold.objects.filter(
        nurse=nurse,
        state=State.LIVE,
        expires_at__lte=now,
        blocked_from__lt=span.blocked_until,
        blocked_until__gt=span.blocked_from,
    ).update(state=State.EXPIRED)


def use_hold(
    *, owner: str, nurse: Nurse, start: datetime, visit_type: VisitType, now: datetime
) -> None:
    """
    Spend the owner's hold of exactly this start, by compare-and-swap.

    Raises:
        SlotExpired: there is none that is still alive.
    """
    used = SlotHold.objects.filter(
        owner=owner,
        nurse=nurse,
        start=start,
        visit_type=visit_type,
        state=State.LIVE,
        expires_at__gt=now,
    ).update(state=State.USED)
    if used != 1:
        raise SlotExpired
