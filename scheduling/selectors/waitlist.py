"""
Reads of the waitlist: to whom a freed time is offered next, and what was offered to a number.

The rules of a start are the search's own; here it is decided who is asked, in which order (scheduling reference,
section 12).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, When

from scheduling import slots
from scheduling.messages.times import is_quiet, quiet_until
from scheduling.models import (
    ACTIVE_STATUSES,
    Appointment,
    CareAssignment,
    FreedTime,
    Patient,
    SlotHold,
    WaitlistEntry,
    WaitlistOffer,
)
from scheduling.selectors.nurse_calendars import SEEN_WITHIN, hours_of
from scheduling.selectors.openings import PARTS
from scheduling.selectors.people import patient_zone
from scheduling.selectors.waitlist_candidates import (
    TOGETHER,
    Candidates,
    NurseAt,
    nurse_at,
    read_candidates,
    starts_for,
)
from scheduling.slots.hours import Range, merge, subtract
from scheduling.slots.zones import local_date, local_minute

ANSWER_WITHIN = timedelta(minutes=30)
SHORTEST_ANSWER = timedelta(minutes=5)
"""An offer that must be answered sooner than this is none."""
AROUND = timedelta(days=1)  # the free time around a freed one ends within a day, as a rule
ONE_DAY = timedelta(days=1)

EntryStatus = WaitlistEntry.Status
Open = WaitlistOffer.Status.OPEN


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Whom to offer which start, until when; `moves` is the patient's later visit that a yes would move."""

    entry: WaitlistEntry
    start: datetime
    expires_at: datetime
    moves: Appointment | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whom to ask about a freed time now; if nobody, when there may be somebody, or None for never."""

    suggestion: Suggestion | None = None
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FreeTime:
    """The free time around a freed one, merged; UTC minutes. `held_until` is when the first hold there lapses."""

    ranges: tuple[Range, ...]
    with_holds: tuple[Range, ...]
    held_until: datetime | None


def open_offer_for_phone(phone: str, now: datetime) -> WaitlistOffer | None:
    """
    Return the offer that a patient with this number, first or second, may still accept; there is never more than one.

    Whose number it is, is decided as for every text: by the living patients only.
    """
    if not phone:
        return None
    offers = WaitlistOffer.objects.filter(
        Q(entry__patient__phone=phone) | Q(entry__patient__second_phone=phone),
        status=Open,
        expires_at__gt=now,
        entry__patient__active=True,
        entry__patient__deceased=False,
    ).select_related("entry__patient", "entry__visit_type", "nurse", "moves")
    return offers.order_by("-created_at", "id").first()


def who_is_next(*, freed: FreedTime, now: datetime) -> Outlook:
    """
    Return to whom a freed time is offered next.

    Entries are asked by priority, then continuity with the nurse, then how long they wait. Passed over are those who
    were asked about this freed time already, who may not be texted, whose clock shows quiet hours, or who have another
    offer open. While parts of the time are on offer, others are asked about parts of what was freed, not about what
    was free around it.
    """
    free = free_time_around(freed=freed, now=now)
    if not free.with_holds or free.with_holds[-1][1] <= slots.to_minute(now):
        return Outlook()
    entries = list(_open_entries(freed, free, now))
    open_until = open_offers(now)
    on_offer_until = _on_offer_until(freed, now)
    again = [on_offer_until] if on_offer_until else []
    calendar = nurse_at(freed, free.ranges, now) if entries and free.ranges else None
    for first in range(0, len(entries), TOGETHER):
        batch = entries[first : first + TOGETHER]
        known = read_candidates(batch, now=now)
        for entry in batch:
            patient, zone = entry.patient, patient_zone(entry.patient)
            busy_until = [open_until[name] for name in reached_by(patient) if name in open_until]
            if busy_until:
                again.append(max(busy_until))
            elif entry.status == EntryStatus.OFFERED or not known.may_text(patient):
                continue
            elif is_quiet(now, zone=zone):
                again.append(quiet_until(now, zone=zone))
            elif calendar and (
                suggestion := _suggestion(
                    entry, freed, free.ranges, calendar, known, now, beside=bool(on_offer_until)
                )
            ):
                return Outlook(suggestion)
    if entries and free.held_until is not None:
        again.append(free.held_until)
    return Outlook(again_at=min(again, default=None))


def _on_offer_until(freed: FreedTime, now: datetime) -> datetime | None:
    """Return when the first of the open offers of a freed time ends; None if there is none."""
    offers = freed.offers.filter(status=Open, expires_at__gt=now).order_by("expires_at")
    return offers.values_list("expires_at", flat=True).first()


def free_time_around(*, freed: FreedTime, now: datetime) -> FreeTime:
    """Return the nurse's free time that overlaps a freed one, with all that it is one piece with."""
    zone = ZoneInfo(freed.nurse.time_zone)
    since, until = freed.start - AROUND, freed.end + AROUND
    hours, holidays = hours_of({freed.nurse_id: zone}, since=since, until=until)
    asked = _minutes(freed.start, freed.end)
    works = slots.free_ranges(
        hours[freed.nurse_id], holidays, local_date(zone, asked[0]), local_date(zone, asked[1])
    )
    around = Q(nurse_id=freed.nurse_id, blocked_until__gt=since, blocked_from__lt=until)
    visits = Appointment.objects.filter(around, status__in=ACTIVE_STATUSES)
    holds = SlotHold.objects.filter(around, state=SlotHold.State.LIVE, expires_at__gt=now)
    without_visits = subtract(works, merge(_blocked(visits)))
    with_holds = _touching(without_visits, asked)
    in_the_way = [
        expires_at
        for begin, end, expires_at in holds.order_by().values_list(
            "blocked_from", "blocked_until", "expires_at"
        )
        if _touching(with_holds, _minutes(begin, end))
    ]
    return FreeTime(
        ranges=_touching(subtract(without_visits, merge(_blocked(holds))), asked),
        with_holds=with_holds,
        held_until=min(in_the_way, default=None),
    )


def _blocked(rows: QuerySet[Appointment] | QuerySet[SlotHold]) -> list[Range]:
    spans = rows.order_by().values_list("blocked_from", "blocked_until")
    return [_minutes(begin, end) for begin, end in spans]


def _touching(ranges: Iterable[Range], asked: Range) -> tuple[Range, ...]:
    return tuple(span for span in ranges if span[0] < asked[1] and span[1] > asked[0])


def _open_entries(freed: FreedTime, free: FreeTime, now: datetime) -> QuerySet[WaitlistEntry]:
    """Return the wishes that a freed time may fulfil, in the order in which they are asked."""
    first = slots.to_instant(free.with_holds[0][0]).date() - ONE_DAY
    last = slots.to_instant(free.with_holds[-1][1]).date() + ONE_DAY
    assigned = CareAssignment.objects.filter(nurse_id=freed.nurse_id, patient=OuterRef("patient"))
    seen = Appointment.objects.filter(
        patient=OuterRef("patient"),
        status=Appointment.Status.FULFILLED,
        start__gt=now - SEEN_WITHIN,
    ).order_by("-start")
    entries = WaitlistEntry.objects.filter(
        Q(nurse=None) | Q(nurse_id=freed.nurse_id),
        Q(expires_at=None) | Q(expires_at__gt=now),
        status__in=(EntryStatus.WAITING, EntryStatus.OFFERED),
        earliest__lte=last,
        latest__gte=first,
        patient__active=True,
        patient__deceased=False,
        visit_type__active=True,
        visit_type__bookable_by_phone=True,  # a patient could not say yes to any other
    ).exclude(Q(pk__in=freed.offers.values("entry_id")) | Exists(assigned.filter(closed=True)))
    ranked = entries.annotate(
        last_nurse=Subquery(seen.values("nurse_id")[:1]),
        care_rank=Case(
            When(Exists(assigned.filter(primary=True)), then=0),
            When(Exists(assigned), then=1),
            When(last_nurse=freed.nurse_id, then=2),
            default=3,
            output_field=IntegerField(),
        ),
    )
    return ranked.select_related("patient", "visit_type").order_by(
        "-priority", "care_rank", "waiting_since", "id"
    )


def open_offers(now: datetime) -> Mapping[str, datetime]:
    """Return until when the open offers run, by the patient's id and by each number that could answer."""
    rows = WaitlistOffer.objects.filter(status=Open, expires_at__gt=now)
    until: dict[str, datetime] = {}
    for patient_id, first, second, expires_at in rows.order_by("expires_at").values_list(
        "entry__patient_id", "entry__patient__phone", "entry__patient__second_phone", "expires_at"
    ):
        for name in filter(None, (str(patient_id), first, second)):
            until[name] = expires_at
    return until


def reached_by(patient: Patient) -> set[str]:
    """Return the patient's id and numbers, the names under which `open_offers` tells of an offer to any of them."""
    return {name for name in (str(patient.pk), patient.phone, patient.second_phone) if name}


def _suggestion(
    entry: WaitlistEntry,
    freed: FreedTime,
    ranges: tuple[Range, ...],
    nurse: NurseAt,
    known: Candidates,
    now: datetime,
    *,
    beside: bool,
) -> Suggestion | None:
    """
    Return the start that suits a wish best: one that uses what was freed, then the earliest.

    `beside` other open offers of this time only what was freed counts.
    """
    zone = patient_zone(entry.patient)
    notice = timedelta(minutes=nurse.profile.minimum_notice_minutes)
    warning = max(timedelta(minutes=entry.minimum_warning_minutes), notice + SHORTEST_ANSWER)
    begins = max(slots.to_instant(ranges[0][0]), now + warning)
    moves = known.later_visit(entry, begins)
    if moves is None and known.count_upcoming(entry) >= settings.LIMIT_FUTURE_BOOKINGS:
        return None
    offered = known.offered_before(entry)
    length = timedelta(minutes=entry.visit_type.length_minutes)
    until = slots.to_instant(ranges[-1][1])
    starts = [
        start
        for start in starts_for(entry, nurse, known, since=begins, until=until, moves=moves)
        if (freed.nurse_id, start) not in offered
        and _touching(ranges, _minutes(start, start + length))
        and _is_wished(entry, zone, start)
        and (moves is None or start < moves.start)
        and (not beside or _uses(freed, start, length))
    ]
    if not starts:
        return None
    start = min(starts, key=lambda s: (not _uses(freed, s, length), s))
    expires_at = min(now + ANSWER_WITHIN, start - notice)
    return Suggestion(entry=entry, start=start, expires_at=expires_at, moves=moves)


def _uses(freed: FreedTime, start: datetime, length: timedelta) -> bool:
    """Tell whether a visit takes a part of what was freed."""
    return start < freed.end and start + length > freed.start


def _is_wished(entry: WaitlistEntry, zone: ZoneInfo, start: datetime) -> bool:
    """Tell whether a start lies on the days, and in the parts of the day, of the patient's clock."""
    minute = slots.to_minute(start)
    if not entry.earliest <= local_date(zone, minute) <= entry.latest:
        return False
    of_day = local_minute(zone, minute)
    parts = [PARTS[part] for part in entry.parts_of_day]
    return not parts or any(begin <= of_day < end for begin, end in parts)


def _minutes(start: datetime, end: datetime) -> Range:
    return slots.to_minute(start), slots.to_minute(end)


def patients_reached_with(patient: Patient) -> QuerySet[Patient]:
    """Return a patient and all who share a number, by id: an answer from there could be any of theirs."""
    same = Q(pk=patient.pk)
    for number in filter(None, (patient.phone, patient.second_phone)):
        same |= Q(phone=number) | Q(second_phone=number)
    return Patient.objects.filter(same).order_by("id")
