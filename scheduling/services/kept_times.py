"""Times that people and programs keep for themselves through the API, a bounded number each (section 6)."""

from datetime import datetime
from uuid import UUID, uuid4

from accounts.models import ApiKey, User
from scheduling.exceptions import LimitReached
from scheduling.models import SlotHold
from scheduling.services.holds import hold_slot
from scheduling.services.transactions import run_atomically

HOLDS_PER_SENDER = 20


def keep_time(
    *,
    sender: User | ApiKey,
    actor: str,
    nurse_id: UUID,
    start: datetime,
    visit_type: str,
    patient_id: UUID | None,
    seconds: int,
    now: datetime,
) -> SlotHold:
    """
    Keep a time for a sender under an owner of its own, so that a further one replaces none.

    The sender's row is locked before any nurse, so that of two requests at once the second sees the first one's hold.

    Raises:
        LimitReached: the sender keeps as many times as one may.
        SlotTaken, InvalidTime, NotAvailable, NurseUnknown, Busy: as in `hold_slot`.
    """

    def work() -> SlotHold:
        # The class that it says of itself: a request's user is a stand-in that is looked up late.
        sender.__class__._default_manager.select_for_update(no_key=True).get(pk=sender.pk)
        own = SlotHold.objects.filter(owner__startswith=f"{actor}/", state=SlotHold.State.LIVE)
        if own.filter(expires_at__gt=now).count() >= HOLDS_PER_SENDER:
            raise LimitReached("You keep too many times already. Release one, or let it lapse.")
        return hold_slot(
            owner=f"{actor}/{uuid4()}",
            nurse_id=nurse_id,
            start=start,
            visit_type=visit_type,
            patient_id=patient_id,
            seconds=seconds,
            now=now,
        )

    return run_atomically(work)
