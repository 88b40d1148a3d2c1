"""
Who can take over a nurse's visits at their times (scheduling reference, sections 9 and 11).

A colleague has the same specialization, licenses and language, and the rules of booking hold. Who knows the patient
comes first, then who takes over another visit of the patient, then who has the lightest week.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from scheduling import slots
from scheduling.exceptions import NotAvailable
from scheduling.models import Appointment, CareAssignment, Nurse
from scheduling.selectors.nurse_calendars import (
    SEEN_WITHIN,
    Calendars,
    Kind,
    calendars_of,
    kind_of_visit,
)
from scheduling.selectors.openings import request_of

PRIMARY, ASSIGNED, SEEN_LAST, ANYBODY = range(4)


@dataclass(frozen=True, slots=True)
class Handover:
    """A visit to hand over, and the best colleague; without one the patient needs a call."""

    appointment_id: UUID
    version: int
    patient_id: UUID
    patient_name: str
    visit_type: str
    start: datetime
    end: datetime
    nurse_id: UUID | None
    nurse_name: str


@dataclass(frozen=True, slots=True)
class _Knowledge:
    """What is known of the colleagues: skills by nurse, care ranks and closed pairs of (patient, nurse)."""

    nurses: tuple[Mapping[str, Any], ...]
    skills: Mapping[UUID, set[UUID]]
    ranks: dict[tuple[UUID, UUID], int]
    closed: frozenset[tuple[UUID, UUID]]


def handovers(
    *, nurse_id: UUID, since: datetime, until: datetime, now: datetime
) -> tuple[Handover, ...]:
    """Return the nurse's booked visits ahead that start in [since, until), each with the best colleague, in order."""
    leaving = Nurse.objects.get(pk=nurse_id)
    rows = Appointment.objects.filter(
        nurse_id=nurse_id, status=Appointment.Status.BOOKED, start__gt=now
    ).filter(start__gte=since, start__lt=until)
    visits = list(rows.select_related("patient", "visit_type").order_by("start", "id"))
    if not visits:
        return ()
    known = _knowledge(nurse_id, visits, now)
    kinds = _kinds(visits)
    calendars = _calendars(known, kinds, visits, now)
    found = []
    for visit in visits:
        kind = kinds[visit.visit_type.code]
        chosen = None
        if kind is not None and calendars is not None:
            chosen = _best(visit, kind, leaving, known, calendars, now)
        if chosen is not None and calendars is not None:
            known.ranks.setdefault((visit.patient_id, chosen["id"]), SEEN_LAST)
            _occupy(calendars, chosen["id"], visit)
        found.append(_handover(visit, chosen))
    return tuple(found)


def _knowledge(nurse_id: UUID, visits: list[Appointment], now: datetime) -> _Knowledge:
    patients = {visit.patient_id for visit in visits}
    colleagues = Nurse.objects.filter(active=True).exclude(pk=nurse_id).order_by("id")
    nurses = tuple(
        {**row, "patient_state": None}
        for row in colleagues.values(
            "id", "first_name", "last_name", "time_zone", "languages", "license_state",
            "license_expires_on", "buffer_before_minutes", "buffer_after_minutes",
            "slot_step_minutes", "slot_offset_minutes", "daily_cap",
        )
    )  # fmt: skip
    skills: dict[UUID, set[UUID]] = {}
    through = Nurse.specializations.through.objects.values_list("nurse_id", "specialization_id")
    for nurse, specialization in through:
        skills.setdefault(nurse, set()).add(specialization)
    seen = Appointment.objects.filter(
        patient_id__in=patients, status=Appointment.Status.FULFILLED, start__gt=now - SEEN_WITHIN
    )
    last = dict(seen.order_by("start").values_list("patient_id", "nurse_id"))
    ranks = dict.fromkeys(last.items(), SEEN_LAST)
    closed = set()
    assignments = CareAssignment.objects.filter(patient_id__in=patients)
    fields = ("patient_id", "nurse_id", "primary", "closed")
    for patient, nurse, primary, is_closed in assignments.values_list(*fields):
        ranks[patient, nurse] = PRIMARY if primary else ASSIGNED
        if is_closed:
            closed.add((patient, nurse))
    return _Knowledge(nurses, skills, ranks, frozenset(closed))


def _kinds(visits: list[Appointment]) -> dict[str, Kind | None]:
    """Return the kinds of visit by code; one that is no longer in use has no rules to be held to."""
    kinds: dict[str, Kind | None] = {}
    for code in {visit.visit_type.code for visit in visits}:
        try:
            kinds[code] = kind_of_visit(code)
        except NotAvailable:
            kinds[code] = None
    return kinds


def _calendars(
    known: _Knowledge,
    kinds: Mapping[str, Kind | None],
    visits: list[Appointment],
    now: datetime,
) -> Calendars | None:
    """Return the colleagues' calendars for all the visits; what differs between kinds is asked for each visit."""
    kind = next((kind for kind in kinds.values() if kind is not None), None)
    if kind is None:
        return None
    first, last = visits[0].start, visits[-1].end
    return calendars_of(
        kind,
        [dict(row) for row in known.nurses],
        since=first,
        until=last,
        now=now,
        whole_weeks=True,
    )


def _best(
    visit: Appointment,
    kind: Kind,
    leaving: Nurse,
    known: _Knowledge,
    calendars: Calendars,
    now: datetime,
) -> Mapping[str, Any] | None:
    """Return the colleague who fits best; the patient's own times are no matter, as the time stays."""
    request = request_of(kind, visit.start, visit.start, now, calendars)
    start = slots.to_minute(visit.start)
    fitting: dict[int, list[Mapping[str, Any]]] = {}
    for row in known.nurses:
        if not _is_suited(row, visit, kind, leaving, known):
            continue
        calendar = replace(
            calendars.by_nurse[row["id"]],
            licensed=not kind.in_patient_state or row["license_state"] == visit.patient.state,
        )
        rank = known.ranks.get((visit.patient_id, row["id"]), ANYBODY)
        if rank <= min(fitting, default=ANYBODY) and not slots.judge(calendar, request, start):
            fitting.setdefault(rank, []).append(row)
    if not fitting:
        return None

    def order(row: Mapping[str, Any]) -> tuple[int, int, str]:
        load = slots.load_by_week(calendars.by_nurse[row["id"]], calendars.holidays)
        requester, key = str(visit.patient_id), str(row["id"])
        return load(start), slots.rotation(requester, key), key

    return min(fitting[min(fitting)], key=order)


def _is_suited(
    row: Mapping[str, Any], visit: Appointment, kind: Kind, leaving: Nurse, known: _Knowledge
) -> bool:
    language = visit.patient.preferred_language
    return (
        (visit.patient_id, row["id"]) not in known.closed
        and (
            kind.specialization_id is None
            or kind.specialization_id in known.skills.get(row["id"], ())
        )
        and (language in row["languages"] or language not in leaving.languages)
    )


def _occupy(calendars: Calendars, nurse_id: UUID, visit: Appointment) -> None:
    """Count a visit among a colleague's, so that the next proposals respect it."""
    calendar = calendars.by_nurse[nurse_id]
    start, end = slots.to_minute(visit.start), slots.to_minute(visit.end)
    around = (start - calendar.buffer_before, end + calendar.buffer_after)
    calendars.by_nurse[nurse_id] = replace(
        calendar,
        visits=(*calendar.visits, (start, end)),
        blocked=(*calendar.blocked, around),
    )


def _handover(visit: Appointment, chosen: Mapping[str, Any] | None) -> Handover:
    return Handover(
        appointment_id=visit.pk,
        version=visit.version,
        patient_id=visit.patient_id,
        patient_name=visit.patient.name,
        visit_type=visit.visit_type.name,
        start=visit.start,
        end=visit.end,
        nurse_id=chosen["id"] if chosen else None,
        nurse_name=f"{chosen['first_name']} {chosen['last_name']}" if chosen else "",
    )
