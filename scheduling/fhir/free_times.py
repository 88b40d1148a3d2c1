"""
Reads of times as slots: free ones from the engine, taken ones from rows (scheduling reference, section 16).

A slot is not stored. Its id says nurse, start and kind of visit, so that it can be computed again.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts.permissions import Resource, Verb
from scheduling import slots
from scheduling.fhir import calendars
from scheduling.fhir.bundles import Page
from scheduling.fhir.calendars import SlotValues, TypeValues
from scheduling.fhir.cursors import Cursor
from scheduling.fhir.filters import code, condition, leads_to
from scheduling.fhir.instants import YEARS
from scheduling.fhir.outcomes import FhirFault
from scheduling.fhir.rows import Reader, some, type_values
from scheduling.fhir.search import Search, Token, When
from scheduling.fhir.slot_ids import NO_KIND, SlotId
from scheduling.fhir.statuses import SLOT_STATUSES
from scheduling.fhir.times_off import times_off
from scheduling.models import ACTIVE_STATUSES, Appointment, Nurse, SlotHold, VisitType
from scheduling.selectors.openings import check_start, find_openings
from scheduling.selectors.sight import seen

LONGEST_RANGE = timedelta(days=31, hours=2)
"""31 days of any clock, changes of the clocks included."""
LONGEST_BLOCK = timedelta(days=1)
"""No visit takes that long, with its buffers."""
MOST_SLOTS = 10_000
USUAL_TYPE = "routine"
SLOT_STATUS_SYSTEM = "http://hl7.org/fhir/slotstatus"
NEVER_A_SLOT = frozenset({"grid", "specialization", "not_available"})
"""Why a start is none at all, whoever has the time."""
FILTERS = {
    "schedule": lambda value, context: leads_to({"Schedule": "pk"}, value, context),
    "schedule.actor": lambda value, context: leads_to(
        {"Practitioner": "pk", "PractitionerRole": "pk"}, value, context
    ),
}


@dataclass(frozen=True, slots=True)
class Range:
    """Starts in [since, until)."""

    since: datetime
    until: datetime

    def holds(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


def search_slots(search: Search, cursor: Cursor, reader: Reader) -> Page:
    """
    Return the page of a search at a cursor, by start.

    Raises:
        FhirFault: 400, the range of starts lacks a bound, is too long, or holds too many slots.
    """
    asked = _range(search)
    wanted = _statuses(search)
    found: list[SlotValues] = []
    if wanted and _updated_at(search, reader.now):
        nurses = _nurses(search, reader)
        kinds = _kinds(search, reader)
        if "free" in wanted:
            usual = VisitType.objects.filter(code=USUAL_TYPE, active=True)
            types = kinds if kinds is not None else [type_values(row) for row in usual]
            found += _free(types, nurses, asked, reader)
        found += [
            one for one in _taken(nurses, asked, kinds, wanted, reader) if one.status in wanted
        ]
    if len(found) > MOST_SLOTS:
        raise _too_many()
    ordered = sorted({one.id: one for one in found}.values(), key=_key)
    return _page(ordered, search, cursor, reader)


def one_slot(text: SlotId, reader: Reader) -> dict[str, Any] | None:
    """Return the slot of an id as it is now, or nothing if there never can be one."""
    nurses = list(
        seen(Nurse.objects.filter(pk=text.nurse_id), viewer=reader.viewer, verb=Verb.READ,
             resource=Resource.FHIR)
    )  # fmt: skip
    row = VisitType.objects.filter(pk=text.visit_type_id).first()
    if not nurses or (row is None and text.visit_type_id != NO_KIND):
        return None
    start = slots.to_instant(text.start)
    at = Range(start, start + slots.zones.MINUTE)
    kind = None if row is None else type_values(row)
    there = list(_taken(nurses, at, None, SLOT_STATUSES, reader))
    if kind is not None and row is not None and row.active:
        there += _free([kind], nurses, at, reader)
    values = next((one for one in there if one.id == str(text)), None)
    if values is None and row is not None and kind is not None:
        values = _judged(text, row, kind, reader)
    return None if values is None else calendars.slot(values, reader.context.site, now=reader.now)


def _judged(text: SlotId, row: VisitType, kind: TypeValues, reader: Reader) -> SlotValues | None:
    """Return a start that is not free, with the rules' reason as its status; nothing if it is no start."""
    if not row.active:
        return None
    start = slots.to_instant(text.start)
    reason = check_start(
        nurse_id=text.nurse_id, patient_id=None, start=start, visit_type=row.code, now=reader.now
    )
    if reason in NEVER_A_SLOT:
        return None
    status = {"": "free", "taken": "busy"}.get(reason, "busy-unavailable")
    end = start + timedelta(minutes=row.length_minutes)
    return SlotValues(text.nurse_id, start, end, status, text.start, kind)


# ---- What is asked for ------------------------------------------------------------------------


def _range(search: Search) -> Range:
    """
    Return the starts that are asked for.

    Raises:
        FhirFault: 400.
    """
    since: list[datetime] = []
    until: list[datetime] = []
    for wish in search.of("start"):
        if len(wish.values) != 1:
            raise _bad_start("value", "Give one bound in each parameter.")
        bound = wish.values[0]
        assert isinstance(bound, When)
        low, high = bound.span.start, bound.span.end
        match bound.prefix:
            case "eq":
                since.append(low)
                until.append(high)
            case "ge":
                since.append(low)
            case "gt" | "sa":
                since.append(high)
            case "lt" | "eb":
                until.append(low)
            case "le":
                until.append(high)
            case _:
                raise _bad_start("value", "That is no bound.")
    if not since or not until:
        raise _bad_start("required", "Give both bounds, such as start=ge… and start=lt….")
    asked = Range(max(since), min(until))
    if asked.until - asked.since > LONGEST_RANGE:
        raise _bad_start("too-costly", "The bounds are at most 31 days apart.")
    if asked.since.year not in YEARS or asked.until.year not in YEARS:
        raise _bad_start("value", "There are no times so far away.")
    return asked


def _bad_start(code: str, text: str) -> FhirFault:
    return FhirFault(400, text, code=code, expression="Slot.where(start)")


def _too_many() -> FhirFault:
    return FhirFault(
        400, "There are too many slots. Ask for fewer days, or for one schedule.", code="too-costly"
    )


def _statuses(search: Search) -> frozenset[str]:
    wanted = SLOT_STATUSES
    for wish in search.of("status"):
        wanted &= {
            value.code
            for value in wish.values
            if isinstance(value, Token) and value.system in {None, "", SLOT_STATUS_SYSTEM}
        }
    return wanted


def _updated_at(search: Search, now: datetime) -> bool:
    """Tell whether slots, which are as new as the answer, fit what is asked of their age."""
    return all(
        any(isinstance(one, When) and _fits(one, now) for one in wish.values)
        for wish in search.of("_lastUpdated")
    )


def _fits(bound: When, moment: datetime) -> bool:
    low, high = bound.span.start, bound.span.end
    match bound.prefix:
        case "eq":
            return low <= moment < high
        case "ne":
            return not low <= moment < high
        case "lt" | "eb":
            return moment < low
        case "le":
            return moment < high
        case "gt" | "sa":
            return moment >= high
        case _:
            return moment >= low


def _nurses(search: Search, reader: Reader) -> list[Nurse]:
    rows = seen(
        Nurse.objects.filter(active=True),
        viewer=reader.viewer,
        verb=Verb.LIST,
        resource=Resource.FHIR,
    )
    for wish in search.wishes:
        if wish.name in FILTERS:
            rows = rows.filter(condition(wish, FILTERS, reader.context))
    return list(rows.order_by("id"))


def _kinds(search: Search, reader: Reader) -> list[TypeValues] | None:
    """Return the kinds of visit that are asked for; nothing if none is named."""
    wishes = search.of("service-type")
    if not wishes:
        return None
    rows = VisitType.objects.filter(active=True)
    for wish in wishes:
        one_of = Q(pk__in=())
        for value in wish.values:
            assert isinstance(value, Token)
            one_of |= code("code", "visit_types", value, reader.context)
        rows = rows.filter(one_of)
    return [type_values(row) for row in rows.order_by("code")]


# ---- What there is ----------------------------------------------------------------------------


def _free(
    kinds: Sequence[TypeValues], nurses: Sequence[Nurse], asked: Range, reader: Reader
) -> list[SlotValues]:
    if not nurses:
        return []
    found: list[SlotValues] = []
    for kind in kinds:
        openings = find_openings(
            now=reader.now,
            since=asked.since,
            until=asked.until,
            visit_type=kind.code,
            nurse_ids=[nurse.pk for nurse in nurses],
            limit=MOST_SLOTS + 1,
        )
        found += [
            SlotValues(one.nurse_id, one.start, one.end, "free", slots.to_minute(one.start), kind)
            for one in openings.slots
        ]
        if len(found) > MOST_SLOTS:
            raise _too_many()
    return found


def _taken(
    nurses: Sequence[Nurse],
    asked: Range,
    kinds: Sequence[TypeValues] | None,
    wanted: Collection[str],
    reader: Reader,
) -> Iterator[SlotValues]:
    """Yield what begins in the range and is not free; buffers and times off are of no kind of visit."""
    ids = [nurse.pk for nurse in nurses]
    named = None if kinds is None else {kind.id for kind in kinds}
    around = Q(
        nurse_id__in=ids,
        blocked_until__gt=asked.since,
        blocked_until__lt=asked.until + 2 * LONGEST_BLOCK,
        blocked_from__lt=asked.until,
    )
    busy = bool({"busy", "busy-unavailable"} & set(wanted))
    if busy:
        visits = Appointment.objects.filter(around, status__in=ACTIVE_STATUSES)
        yield from _blocks(visits, "busy", asked, named)
    if {"busy-tentative", "busy-unavailable"} & set(wanted):
        holds = SlotHold.objects.filter(
            around, state=SlotHold.State.LIVE, expires_at__gt=reader.now
        )
        yield from _blocks(holds, "busy-tentative", asked, named)
    if "busy-unavailable" in wanted and named is None:
        away = times_off(nurses, now=asked.since, until=asked.until)
        for nurse_id, spans in away.items():
            for start, end in spans:
                if asked.holds(start):
                    yield _unavailable(nurse_id, start, end)


def _blocks(rows: Any, status: str, asked: Range, named: set[UUID] | None) -> Iterator[SlotValues]:
    ordered = rows.select_related("visit_type").order_by("blocked_from", "id")
    for row in ordered[: MOST_SLOTS + 1]:
        if asked.holds(row.start) and (named is None or row.visit_type_id in named):
            kind = type_values(row.visit_type)
            minute = slots.to_minute(row.start)
            yield SlotValues(row.nurse_id, row.start, row.end, status, minute, kind)
        if named is None:
            for start, end in ((row.blocked_from, row.start), (row.end, row.blocked_until)):
                if start < end and asked.holds(start):
                    yield _unavailable(row.nurse_id, start, end)


def _unavailable(nurse_id: UUID, start: datetime, end: datetime) -> SlotValues:
    return SlotValues(nurse_id, start, end, "busy-unavailable", slots.to_minute(start))


# ---- One page ---------------------------------------------------------------------------------


def _key(values: SlotValues) -> tuple[int, str]:
    return values.minute, values.id


def _page(ordered: Sequence[SlotValues], search: Search, cursor: Cursor, reader: Reader) -> Page:
    """Return the slots after, or before, the one that a cursor names, though it may be there no more."""
    total = len(ordered)
    if not search.count:
        return Page((), total)
    keys = [f"{minute:010d} {row_id}" for minute, row_id in map(_key, ordered)]
    if cursor.backward:
        last = sum(key < cursor.key for key in keys)
        first = max(0, last - search.count)
    else:
        first = sum(key <= cursor.key for key in keys)
        last = min(total, first + search.count)
    shown = ordered[first:last]
    site = reader.context.site
    nurses = {one.nurse_id for one in shown} if "Slot:schedule" in search.includes else set()
    return Page(
        matches=[calendars.slot(one, site, now=reader.now) for one in shown],
        total=total,
        included=some("Schedule", nurses, reader) if nurses else (),
        before=cursor.to(keys[first], backward=True) if shown and first else "",
        after=cursor.to(keys[last - 1], backward=False) if shown and last < total else "",
    )
