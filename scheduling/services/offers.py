"""
Freed times, offered to those who wait for one (scheduling reference, section 12).

An offer is a hold owned by its entry, so the database keeps two offers of one time apart; parts of a long time that do
not meet may be on offer to several entries at once. Rows of an offer change under the locks of its nurse, then of its
patient. Nobody is booked without a yes.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts.audit.by_itself import Deed, record_deeds
from scheduling.exceptions import Busy, NotAvailable, NotFound, SchedulingError, SlotExpired
from scheduling.models import (
    Appointment,
    FreedTime,
    Message,
    SlotHold,
    WaitlistEntry,
    WaitlistOffer,
)
from scheduling.selectors.waitlist import (
    Suggestion,
    open_offers,
    patients_reached_with,
    reached_by,
    who_is_next,
)
from scheduling.services.appointments import book_appointment, reschedule_appointment
from scheduling.services.holds import hold_slot, lock_with_holds
from scheduling.services.outbox import write_event, write_message
from scheduling.services.transactions import (
    ChangedMeanwhile,
    lock_nurses,
    lock_patient,
    run_atomically,
)

BATCH = 100
LOOK_AGAIN = timedelta(minutes=1)  # after the rules refused what a search had found just before

EntryStatus = WaitlistEntry.Status
Status = WaitlistOffer.Status


def offer_freed_times(*, now: datetime) -> int:
    """
    Offer each freed time that is due to whoever is next; return how many offers were made.

    Any number of workers may do this at once. Offers without an answer end first.
    """
    expire_offers(now=now)
    due = FreedTime.objects.filter(done_at=None, due_at__lte=now).order_by("created_at", "id")
    ids = list(due.values_list("id", flat=True)[:BATCH])
    return sum(_offer_freed_time(freed_id, now) for freed_id in ids)


def accept_offer(*, offer_id: UUID, source: str, actor: str, now: datetime) -> Appointment:
    """
    Take a yes: book the held time, or move the later visit there; a repetition returns the same visit.

    Raises:
        NotFound: there is no such offer.
        SlotExpired: it is no longer open.
        SlotTaken, InvalidTime, NotAvailable, LimitReached, TooLate, Busy: as in `book_appointment` and
            `reschedule_appointment`; the offer stays open.
    """

    def work() -> Appointment:
        offer = lock_offer(offer_id)
        if offer.status == Status.ACCEPTED and offer.appointment is not None:
            return offer.appointment
        if offer.status != Status.OPEN or offer.expires_at <= now:
            raise SlotExpired
        appointment = _book(offer, source=source, actor=actor, now=now)
        WaitlistEntry.objects.filter(pk=offer.entry_id).update(status=EntryStatus.BOOKED)
        WaitlistOffer.objects.filter(pk=offer.pk).update(
            status=Status.ACCEPTED, answered_at=now, appointment=appointment
        )
        _drop_message(offer)
        _look_again(offer, now)
        _write_event("waitlist.accepted", offer, appointment=str(appointment.pk))
        return appointment

    return run_atomically(work)


def decline_offer(*, offer_id: UUID, now: datetime) -> WaitlistOffer:
    """
    Take a no: the time goes to the next, the patient stays on the list; an offer that has ended stays as it is.

    Raises:
        NotFound: there is no such offer.
        Busy: the database was too busy.
    """
    return _end_offer(offer_id, Status.DECLINED, now)


def withdraw_offer(*, offer_id: UUID, now: datetime) -> WaitlistOffer:
    """
    Take an offer back, and its message if that has not gone out; an offer that has ended stays as it is.

    Raises:
        NotFound: there is no such offer.
        Busy: the database was too busy.
    """
    return _end_offer(offer_id, Status.WITHDRAWN, now)


def expire_offers(*, now: datetime) -> int:
    """End every open offer that nobody answered in time; return how many."""
    silent = WaitlistOffer.objects.filter(status=Status.OPEN, expires_at__lte=now)
    ids = list(silent.order_by("expires_at", "id").values_list("id", flat=True)[:BATCH])
    return sum(_expire(offer_id, now) for offer_id in ids)


def _expire(offer_id: UUID, now: datetime) -> bool:
    """End one offer; one that is busy now waits for the next pass and does not stop the others."""
    try:
        return _end_offer(offer_id, Status.EXPIRED, now).status == Status.EXPIRED
    except Busy:
        return False


def _offer_freed_time(freed_id: UUID, now: datetime) -> int:
    """
    Look who is next without a lock, then offer under the locks what the rules still allow; return how many offers.

    A long time is offered in parts to several entries at once. Each part is held by its entry, so none meets another.
    """
    due = FreedTime.objects.filter(pk=freed_id, done_at=None, due_at__lte=now)
    freed = due.select_related("nurse").first()
    if freed is None:
        return 0
    made = 0
    try:
        while suggestion := (outlook := who_is_next(freed=freed, now=now)).suggestion:
            if not run_atomically(partial(_offer, freed, suggestion, now)):
                return made  # something changed just now: the next pass looks anew
            made += 1
        _rest(freed, now, until=outlook.again_at)
    except SchedulingError:  # somebody was faster, or the wish cannot be judged: the others go on
        _rest(freed, now, until=now + LOOK_AGAIN)
    return made


def _rest(freed: FreedTime, now: datetime, *, until: datetime | None) -> None:
    """Look at a freed time again later, or never; unless somebody has it looked at anew meanwhile."""
    changes: dict[str, Any] = {"due_at": until} if until else {"done_at": now}
    unchanged = FreedTime.objects.filter(pk=freed.pk, done_at=None, due_at=freed.due_at)
    unchanged.update(**changes)


def _offer(freed: FreedTime, suggestion: Suggestion, now: datetime) -> bool:
    """Make an offer; return False if what it rests on has changed, so that the next look finds another."""
    entry, moves = suggestion.entry, suggestion.moves
    lock_nurses([freed.nurse_id])
    reached = patients_reached_with(entry.patient).select_for_update(no_key=True)
    patient = {row.pk: row for row in reached}[entry.patient_id]
    if not FreedTime.objects.filter(pk=freed.pk, done_at=None, due_at__lte=now).exists():
        return False
    if open_offers(now).keys() & reached_by(patient):
        return False
    if moves is not None and not _is_still_booked(moves):
        return False
    waiting = WaitlistEntry.objects.filter(pk=entry.pk, status=EntryStatus.WAITING)
    if not waiting.update(status=EntryStatus.OFFERED):
        return False
    hold = hold_slot(
        owner=owner_of(entry.pk),
        purpose=SlotHold.Purpose.WAITLIST,
        nurse_id=freed.nurse_id,
        start=suggestion.start,
        visit_type=entry.visit_type.code,
        patient_id=entry.patient_id,
        seconds=int((suggestion.expires_at - now).total_seconds()),
        ignore_appointment_id=moves.pk if moves else None,
        now=now,
    )
    offer = WaitlistOffer.objects.create(
        entry=entry,
        freed_time=freed,
        hold=hold,
        nurse_id=hold.nurse_id,
        start=hold.start,
        end=hold.end,
        moves=moves,
        expires_at=hold.expires_at,
    )
    message = write_message(
        kind=Message.Kind.WAITLIST_OFFER,
        patient=patient,
        channel=Message.Channel.SMS,  # half an hour for the answer is too short for an e-mail
        start=hold.start,
        until=hold.expires_at,
        moves=moves is not None,
        expires_at=hold.expires_at,
        now=now,
    )
    if message is None:
        raise NotAvailable("The patient may not be told.")
    _write_event("waitlist.offered", offer)
    record_deeds([Deed("waitlistoffer.offered", offer.pk, entry.patient_id)])
    return True


def _is_still_booked(visit: Appointment) -> bool:
    rows = Appointment.objects.filter(pk=visit.pk, status=Appointment.Status.BOOKED)
    return rows.filter(start=visit.start).exists()


def lock_offer(offer_id: UUID) -> WaitlistOffer:
    """
    Lock the nurses of an offer and of the visit that it would move, then the patient; return the offer as it is now.

    Raises:
        NotFound: there is no such offer.
        ChangedMeanwhile: the visit was moved to another nurse just now; `run_atomically` starts over.
    """
    rows = WaitlistOffer.objects.select_related("entry", "freed_time", "moves", "appointment")
    seen = rows.filter(pk=offer_id).first()
    if seen is None:
        raise NotFound("There is no such offer.")
    locked = lock_with_holds(nurses_of(seen), owner=owner_of(seen.entry_id))
    lock_patient(seen.entry.patient_id)
    offer = rows.get(pk=offer_id)
    if not nurses_of(offer) <= locked.keys():
        raise ChangedMeanwhile
    return offer


def nurses_of(offer: WaitlistOffer) -> set[UUID]:
    """Return the nurses of an offer and of the visit that it would move."""
    return {offer.nurse_id, offer.moves.nurse_id if offer.moves else offer.nurse_id}


def _book(offer: WaitlistOffer, *, source: str, actor: str, now: datetime) -> Appointment:
    """Move the visit that the offer names, while it is still to come; else book a new one."""
    entry, moves = offer.entry, offer.moves
    taken: dict[str, Any] = {
        "nurse_id": offer.nurse_id,
        "start": offer.start,
        "hold_owner": owner_of(entry.pk),
        "source": source,
        "actor": actor,
        "now": now,
    }
    if moves is not None and moves.status == Appointment.Status.BOOKED and now < moves.start:
        depth = offer.freed_time.depth + 1
        return reschedule_appointment(appointment_id=moves.pk, freed_depth=depth, **taken)
    return book_appointment(patient_id=entry.patient_id, visit_type=entry.visit_type.code, **taken)


def _end_offer(offer_id: UUID, status: str, now: datetime) -> WaitlistOffer:
    """End an open offer without a visit: its hold goes, its entry waits again, its time is looked at anew."""

    def work() -> WaitlistOffer:
        offer = lock_offer(offer_id)
        if offer.status != Status.OPEN:
            return offer
        silent = offer.expires_at <= now
        ended = Status.EXPIRED if silent else status
        state = SlotHold.State.EXPIRED if silent else SlotHold.State.RELEASED
        SlotHold.objects.filter(pk=offer.hold_id, state=SlotHold.State.LIVE).update(state=state)
        entries = WaitlistEntry.objects.filter(pk=offer.entry_id, status=EntryStatus.OFFERED)
        entries.update(status=EntryStatus.WAITING)
        offer.status, offer.answered_at = ended, None if silent else now
        offer.save(update_fields=["status", "answered_at"])
        _drop_message(offer)
        _look_again(offer, now)
        if silent:  # any other end has somebody who is recorded for it
            record_deeds([Deed("waitlistoffer.expired", offer.pk, offer.entry.patient_id)])
        return offer

    return run_atomically(work)


def _drop_message(offer: WaitlistOffer) -> None:
    """Drop the text of an offer that has ended, if it has not gone out: it was answered by another way."""
    waiting = Message.objects.filter(
        patient_id=offer.entry.patient_id,
        kind=Message.Kind.WAITLIST_OFFER,
        status=Message.Status.PENDING,
        expires_at=offer.expires_at,
    )
    waiting.update(status=Message.Status.DROPPED)


def _look_again(offer: WaitlistOffer, now: datetime) -> None:
    """Have the offer's freed time looked at anew, and those of its nurse that wait for the end of the offer."""
    waiting = FreedTime.objects.filter(done_at=None, nurse_id=offer.nurse_id, due_at__gt=now)
    waiting.filter(Q(pk=offer.freed_time_id) | Q(due_at=offer.expires_at)).update(due_at=now)


def owner_of(entry_id: UUID) -> str:
    """Return the name under which an entry holds what it is offered."""
    return f"waitlist:{entry_id}"


def _write_event(event_type: str, offer: WaitlistOffer, **more: str) -> None:
    data = {
        "id": str(offer.pk),
        "entry": str(offer.entry_id),
        "patient": str(offer.entry.patient_id),
        "nurse": str(offer.nurse_id),
        **more,
    }
    write_event(event_type=event_type, data=data)
