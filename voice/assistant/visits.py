"""Free times and booked visits of the verified patient: finding, listing, confirming, waiting."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from scheduling import selectors, services
from scheduling.exceptions import NurseUnknown, SchedulingError, SlotExpired, SlotTaken
from scheduling.selectors import Opening
from voice.assistant.answers import Answer
from voice.assistant.dates import Closed, DateConflict, Days, InvalidTime, Wish, resolve
from voice.assistant.desk import OFFERS, SOURCE, Desk
from voice.assistant.phrases import short_name

MINUTE = timedelta(minutes=1)
TIME_GONE = {"slot_taken", "slot_expired", "not_available", "invalid_time", "time_does_not_exist"}
WISH_FIELDS = ("weekday", "week", "month_day", "in_days", "part_of_day", "after", "before")


@dataclass(frozen=True, slots=True)
class NurseWish:
    """Whom the caller wants: one nurse, or anybody with the assigned ones first or not."""

    nurse_id: UUID | None = None
    name: str = ""
    care_first: bool = False


def find_slots(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Return up to three free times for what the caller said, or a code that says why not, with others (section 10)."""
    visit_type = str(values.get("visit_type", "routine"))
    wish = _wish(values)
    found = _days(desk, wish, visit_type=visit_type)
    if isinstance(found, Answer):
        return found
    if answer := _duplicate(desk, found):
        return answer
    nurse = _nurse(desk, values, wish)
    exclude = _offered(desk) if values.get("exclude_offered") else set()
    if nurse is None:
        others = desk.nearest(found, visit_type=visit_type, exclude=exclude)
        return desk.refuse_with_offer("nurse_unknown", others, visit_type=visit_type)
    openings = desk.openings(
        found,
        visit_type=visit_type,
        nurse_ids=None if nurse.nurse_id is None else (nurse.nurse_id,),
        care_first=nurse.care_first,
        exclude=exclude,
    )
    if not openings:
        return _nothing_free(desk, found, nurse, visit_type=visit_type, exclude=exclude)
    kept, offer = desk.offered(openings, visit_type=visit_type)
    if not kept:
        return _nothing_free(desk, found, nurse, visit_type=visit_type, exclude=exclude)
    say = offer.say
    if found.other is not None:
        day = desk.phrases.day(found.first, near=False)
        other = desk.phrases.day(found.other, near=False)
        say = desk.phrases.say("names_both", day=day, other=other, offer=say)
    return Answer(say, data={**offer.data, "understood": _understood(desk, found)})


def list_appointments(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Return the next three booked visits with their handles."""
    visits = [_listed(desk, appointment) for appointment in desk.upcoming(limit=OFFERS)]
    if not visits:
        return Answer(
            desk.phrases.say("no_appointments"), data={"appointments": []}, fact="info_given"
        )
    spoken = [{**visit, "start": datetime.fromisoformat(visit["start"])} for visit in visits]
    return Answer(desk.phrases.visits(spoken), data={"appointments": visits}, fact="info_given")


def confirm_attendance(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Note that the patient will come; a single step, for it changes nothing that could not be changed back."""
    appointment = desk.own_appointment(values["appointment"])
    confirmed = services.confirm_attendance(
        appointment_id=appointment.pk, source=SOURCE, actor=desk.actor, now=desk.now
    )
    desk.link(confirmed)
    say = desk.phrases.say("attendance_confirmed", when=desk.phrases.on(confirmed.start))
    data = {
        "appointment": values["appointment"],
        **desk.visit(confirmed.start, appointment.nurse.name),
    }
    return Answer(say, data=data, fact="attendance_confirmed", written=True)


def join_waitlist(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """Note the wish for a time; the place in the list is not told."""
    visit_type = str(values.get("visit_type", "routine"))
    wish = _wish(values)
    found = _days(desk, wish, visit_type=visit_type)
    if isinstance(found, Answer):
        return found
    nurse = _nurse(desk, values, wish)
    if nurse is None:
        others = desk.nearest(found, visit_type=visit_type)
        return desk.refuse_with_offer("nurse_unknown", others, visit_type=visit_type)
    services.join_waitlist(
        patient_id=desk.patient_id,
        visit_type=visit_type,
        nurse_id=nurse.nurse_id,
        earliest=found.first,
        latest=found.last,
        parts_of_day=[found.part_of_day] if found.part_of_day else [],
        source=SOURCE,
        actor=desk.actor,
        now=desk.now,
    )
    return Answer(desk.phrases.say("waitlisted"), fact="waitlisted", written=True)


def duplicate(desk: Desk, appointment: Any) -> Answer:
    """Return that the patient has a visit at that time, with its handle so that it can be moved."""
    say = desk.phrases.say(
        "duplicate_visit",
        nurse=short_name(appointment.nurse.name),
        when=desk.phrases.on(appointment.start),
    )
    data = {"appointments": [_listed(desk, appointment)]}
    return Answer(say, code="duplicate_visit", data=data)


def time_gone(
    desk: Desk, error: SchedulingError, start: datetime, *, visit_type: str, moving: Any = None
) -> Answer:
    """
    Return why a time cannot be had any more, with others near it.

    Raises:
        SchedulingError: `error`, if it is about something else.
    """
    if error.code == "limit_reached":
        services.release_holds(owner=desk.owner, now=desk.now)
        return desk.refuse("limit_reached", "limit_bookings")
    if error.code not in TIME_GONE:
        raise error
    if isinstance(error, SlotTaken) and error.who == "patient":
        other = selectors.overlapping_appointment(
            patient_id=desk.patient_id, start=start, end=start + MINUTE
        )
        if other is not None and (moving is None or other.pk != moving.pk):
            services.release_holds(owner=desk.owner, now=desk.now)
            return duplicate(desk, other)
    code = "slot_expired" if isinstance(error, SlotExpired) else "slot_taken"
    if error.code in ("invalid_time", "time_does_not_exist"):
        code = "invalid_time"
    others = alternatives(desk, start, visit_type=visit_type, moving=moving)
    if moving is not None and code == "slot_taken":
        kept = desk.phrases.moment(moving.start)
        return desk.refuse_with_offer(
            code, others, visit_type=visit_type, line="slot_taken_kept", kept=kept
        )
    return desk.refuse_with_offer(code, others, visit_type=visit_type)


def alternatives(
    desk: Desk, start: datetime, *, visit_type: str, moving: Any = None
) -> list[Opening]:
    day = start.astimezone(desk.zone).date()
    return desk.nearest(
        Days(day, day),
        visit_type=visit_type,
        ignore_appointment_id=moving.pk if moving is not None else None,
    )


def _listed(desk: Desk, appointment: Any) -> dict[str, str]:
    return {
        "appointment": desk.gate.list_appointment(str(appointment.pk)),
        **desk.visit(appointment.start, appointment.nurse.name),
        "visit_type": str(appointment.visit_type.code),
    }


def _wish(values: Mapping[str, Any]) -> Wish:
    return Wish(**{name: values[name] for name in WISH_FIELDS if name in values})


def _days(desk: Desk, wish: Wish, *, visit_type: str) -> Days | Answer:
    """Return the days that are meant, or the answer that settles the question first."""
    resolution = resolve(
        wish,
        now=desk.now.astimezone(desk.zone),
        horizon_days=desk.horizon_days,
        is_open_day=lambda day: selectors.is_open_day(day=day),
    )
    match resolution:
        case Days():
            return resolution
        case DateConflict(first=first, second=second):
            days = [desk.phrases.day(day, near=False) for day in (first, second)]
            say = desk.phrases.say("date_conflict", first=days[0], second=days[1])
            return Answer(say, code="date_conflict", data={"dates": [str(first), str(second)]})
        case Closed(day=day, days=next_days):
            openings = desk.openings(next_days, visit_type=visit_type, care_first=True)
            return desk.refuse_with_offer(
                "closed",
                openings,
                visit_type=visit_type,
                day=desk.phrases.day(day, near=False),
                next_day=desk.phrases.day(next_days.first, near=False),
            )
        case InvalidTime():
            soonest = desk.nearest(Days(desk.today, desk.last_day), visit_type=visit_type)
            return desk.refuse_with_offer("invalid_time", soonest, visit_type=visit_type)


def _nurse(desk: Desk, values: Mapping[str, Any], wish: Wish) -> NurseWish | None:
    """
    Return whom the caller wants, or None for a name that nobody here has.

    Without a word about a nurse the assigned one comes first, except for "the soonest you have" (contract, section 8).
    """
    named = str(values.get("nurse", ""))
    if named.casefold() in ("assigned", "any", ""):
        soonest = not named and wish == Wish()
        return NurseWish(care_first=named.casefold() != "any" and not soonest)
    try:
        nurse = selectors.nurse_named(name=named)
    except NurseUnknown:
        return None
    return NurseWish(nurse_id=nurse.nurse_id, name=nurse.name)


def _nothing_free(
    desk: Desk,
    days: Days,
    nurse: NurseWish,
    *,
    visit_type: str,
    exclude: set[tuple[UUID, datetime]],
) -> Answer:
    """Offer another nurse on those days, or other days; say so if the nurse is away."""
    others = desk.nearest(days, visit_type=visit_type, exclude=exclude)
    if nurse.nurse_id is not None and selectors.nurse_is_away(
        nurse_id=nurse.nurse_id,
        since=desk.midnight(days.first),
        until=desk.midnight(days.last + timedelta(days=1)),
    ):
        return desk.refuse_with_offer(
            "nurse_away", others, visit_type=visit_type, nurse=short_name(nurse.name)
        )
    return desk.refuse_with_offer("no_slots", others, visit_type=visit_type)


def _duplicate(desk: Desk, days: Days) -> Answer | None:
    """Say once that the patient already has a visit at the very time that was asked for."""
    if not days.single or days.after is None:
        return None
    moment = datetime.combine(days.first, days.after, tzinfo=desk.zone)
    appointment = selectors.overlapping_appointment(
        patient_id=desk.patient_id, start=moment, end=moment + MINUTE
    )
    if appointment is None or str(appointment.pk) in desk.gate.told_duplicate:
        return None
    desk.gate.told_duplicate.append(str(appointment.pk))
    return duplicate(desk, appointment)


def _offered(desk: Desk) -> set[tuple[UUID, datetime]]:
    return {(UUID(slot.nurse_id), slot.start) for slot in desk.gate.slots.values()}


def _understood(desk: Desk, days: Days) -> str:
    """Return the days as the server understood them, in words."""
    first = desk.phrases.day(days.first, near=False)
    if days.single:
        return first
    if days == replace(days, first=desk.today, last=desk.last_day):
        return "soonest"
    return f"{first} – {desk.phrases.day(days.last, near=False)}"
