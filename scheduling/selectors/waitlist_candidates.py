"""
What must be known of those who wait to tell whether a nurse's time suits them, read for many at once.

A search asks about one patient and many nurses; here it is one nurse and many patients. Both ask the same engine with
the same rules (scheduling reference, sections 2 and 12), but this way the number of queries depends on the number of
batches alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db.models import Q

from scheduling import slots
from scheduling.models import (
    ACTIVE_STATUSES,
    Appointment,
    Consent,
    FreedTime,
    Nurse,
    Patient,
    WaitlistEntry,
    WaitlistOffer,
)
from scheduling.selectors.calendar import ClinicProfile, clinic_profile
from scheduling.selectors.nurse_calendars import Calendars, Kind, calendars_of, nurses_for
from scheduling.selectors.openings import request_of
from scheduling.slots.hours import Range

TOGETHER = 50
"""How many candidates are read together; most of the time the first few decide."""
STARTS = 500  # more than a day's grid has
LONGEST = timedelta(days=1)  # no visit takes that long


@dataclass(frozen=True, slots=True)
class NurseAt:
    """A nurse in the hours around a freed time: the calendar, the skills, the license's state, the clinic's rules."""

    id: UUID
    calendars: Calendars
    skills: frozenset[UUID]
    license_state: str
    profile: ClinicProfile
    now: datetime


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is known of the patients of some entries; keys are patients' ids, numbers and entries' ids."""

    answers: dict[UUID | str, tuple[datetime, bool]]
    visits: dict[UUID, list[Appointment]]
    offered: dict[UUID, set[tuple[UUID, datetime]]]
    now: datetime

    def may_text(self, patient: Patient) -> bool:
        """Tell whether the latest answer, of the patient or of the first number, allows texts about visits."""
        if not patient.phone:
            return False
        given = [self.answers[key] for key in (patient.pk, patient.phone) if key in self.answers]
        # Of two at one time the refusal counts.
        return max(given, key=lambda one: (one[0], not one[1]))[1] if given else False

    def later_visit(self, entry: WaitlistEntry, begins: datetime) -> Appointment | None:
        """Return the next visit of the wished kind that the patient has after `begins`."""
        visits = self.visits.get(entry.patient_id, [])
        wished = (
            visit
            for visit in visits
            if visit.visit_type_id == entry.visit_type_id
            and visit.status == Appointment.Status.BOOKED
            and visit.start > begins
        )
        return next(wished, None)

    def count_upcoming(self, entry: WaitlistEntry) -> int:
        """Return how many active visits of the patient begin after now."""
        return sum(visit.start > self.now for visit in self.visits.get(entry.patient_id, []))

    def busy(self, entry: WaitlistEntry, *, but: Appointment | None) -> tuple[Range, ...]:
        """Return the patient's active visits in UTC minutes, without the one that would be moved."""
        visits = self.visits.get(entry.patient_id, [])
        return tuple(_bare(visit) for visit in visits if but is None or visit.pk != but.pk)

    def offered_before(self, entry: WaitlistEntry) -> set[tuple[UUID, datetime]]:
        """Return the nurses and starts that were offered to an entry, whatever became of that."""
        return self.offered.get(entry.pk, set())


def read_candidates(entries: Sequence[WaitlistEntry], *, now: datetime) -> Candidates:
    """Return what is known of the patients of some entries, in three queries."""
    patients = {entry.patient_id for entry in entries}
    return Candidates(
        answers=_answers(patients, {entry.patient.phone for entry in entries} - {""}),
        visits=_visits(patients, now),
        offered=_offered(entries),
        now=now,
    )


def nurse_at(freed: FreedTime, ranges: Sequence[Range], now: datetime) -> NurseAt | None:
    """Return the nurse of a freed time, known for starts in `ranges`; None if she or he is not active any more."""
    profile = clinic_profile()
    anything = Kind(
        code="", length=0, specialization_id=None, in_patient_state=False, patience=0,
        notice=profile.minimum_notice_minutes, horizon=0, step=profile.slot_step_minutes,
    )  # fmt: skip
    rows = nurses_for(anything, patient_id=None, nurse_ids=[freed.nurse_id], now=now)
    if not rows:
        return None
    skills = Nurse.specializations.through.objects.filter(nurse_id=freed.nurse_id).order_by()
    return NurseAt(
        id=freed.nurse_id,
        calendars=calendars_of(
            anything,
            rows,
            since=slots.to_instant(ranges[0][0]),
            until=slots.to_instant(ranges[-1][1]),
            now=now,
        ),
        skills=frozenset(skills.values_list("specialization_id", flat=True)),
        license_state=rows[0]["license_state"],
        profile=profile,
        now=now,
    )


def starts_for(
    entry: WaitlistEntry,
    nurse: NurseAt,
    known: Candidates,
    *,
    since: datetime,
    until: datetime,
    moves: Appointment | None,
) -> Iterator[datetime]:
    """Yield the starts in [since, until) that the rules of section 2 allow, as if the visit `moves` were not there."""
    kind = _kind(entry, nurse.profile)
    if kind.specialization_id and kind.specialization_id not in nurse.skills:
        return
    calendar = nurse.calendars.by_nurse[nurse.id]
    if moves is not None and moves.nurse_id == nurse.id:
        calendar = _without(calendar, moves)
    if kind.in_patient_state:
        calendar = replace(calendar, licensed=nurse.license_state == entry.patient.state)
    request = request_of(kind, since, until, nurse.now, nurse.calendars)
    request = replace(request, patient_visits=known.busy(entry, but=moves))
    yield from (
        slots.to_instant(start) for start in islice(slots.starts(calendar, request), STARTS)
    )


def _kind(entry: WaitlistEntry, profile: ClinicProfile) -> Kind:
    asked = entry.visit_type
    return Kind(
        code=asked.code,
        length=asked.length_minutes,
        specialization_id=asked.specialization_id,
        in_patient_state=asked.in_patient_state,
        patience=asked.continuity_patience_days * slots.zones.MINUTES_PER_DAY,
        notice=profile.minimum_notice_minutes,
        horizon=profile.horizon_days * slots.zones.MINUTES_PER_DAY,
        step=profile.slot_step_minutes,
    )


def _without(calendar: slots.Calendar, visit: Appointment) -> slots.Calendar:
    """Return the nurse's calendar without one visit; no two visits of a nurse share a minute."""
    buffered = (slots.to_minute(visit.blocked_from), slots.to_minute(visit.blocked_until))
    gone = {_bare(visit), buffered}
    return replace(
        calendar,
        visits=tuple(span for span in calendar.visits if span not in gone),
        blocked=tuple(span for span in calendar.blocked if span not in gone),
    )


def _bare(visit: Appointment) -> Range:
    return slots.to_minute(visit.start), slots.to_minute(visit.end)


def _answers(patients: set[UUID], phones: set[str]) -> dict[UUID | str, tuple[datetime, bool]]:
    """Return the latest answers about texts on visits by patient and by number, each with its time."""
    rows = Consent.objects.filter(
        Q(patient__in=patients) | Q(phone__in=phones),
        purpose=Consent.Purpose.APPOINTMENTS,
        channel=Consent.Channel.SMS,
    )
    latest: dict[UUID | str, tuple[datetime, bool]] = {}
    for patient_id, phone, recorded_at, granted in rows.order_by(
        "-recorded_at", "granted", "id"
    ).values_list("patient_id", "phone", "recorded_at", "granted"):
        answer = (recorded_at, granted)
        if patient_id is not None:
            latest.setdefault(patient_id, answer)
        if phone:
            latest.setdefault(phone, answer)
    return latest


def _visits(patients: set[UUID], now: datetime) -> dict[UUID, list[Appointment]]:
    """Return the patients' active visits that are not long over, earliest first."""
    rows = Appointment.objects.filter(
        patient__in=patients, status__in=ACTIVE_STATUSES, start__gt=now - LONGEST
    )
    visits: dict[UUID, list[Appointment]] = {}
    for visit in rows.order_by("start", "id"):
        visits.setdefault(visit.patient_id, []).append(visit)
    return visits


def _offered(entries: Sequence[WaitlistEntry]) -> dict[UUID, set[tuple[UUID, datetime]]]:
    rows = WaitlistOffer.objects.filter(entry__in=[entry.pk for entry in entries]).order_by()
    offered: dict[UUID, set[tuple[UUID, datetime]]] = {}
    for entry_id, nurse_id, start in rows.values_list("entry_id", "nurse_id", "start"):
        offered.setdefault(entry_id, set()).add((nurse_id, start))
    return offered
