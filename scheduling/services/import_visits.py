"""
Visits from a file: history as it is, visits ahead by the rules of every booking (scheduling reference, section 2).

An import only adds visits. What is stored is known by patient, nurse, kind, start and status, and is left as it is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from scheduling.exceptions import SlotTaken
from scheduling.exchange.csv_columns import Row
from scheduling.messages.times import LEADS
from scheduling.models import (
    Appointment,
    AppointmentChange,
    Message,
    Nurse,
    Patient,
    VisitType,
    WebhookEndpoint,
)
from scheduling.models.calendar import LONGEST_VISIT_MINUTES
from scheduling.selectors.alternatives import in_words, openings_near
from scheduling.selectors.diary import Diary, Entry, open_diary
from scheduling.selectors.messages import own_words
from scheduling.services.drafts import Recipient, patients_as_recipients
from scheduling.services.import_hours import NO_SUCH_NURSE, License, stored_nurses
from scheduling.services.import_patients import patient_named, stored_patients
from scheduling.services.import_plans import Occasion, Plan, Repeated, Report, batches
from scheduling.services.outbox import write_event
from scheduling.services.reminders import planned_reminders
from scheduling.services.rules import refusal, span_of
from scheduling.services.transitions import snapshot

Status = Appointment.Status
Key = tuple[UUID, UUID, UUID, datetime]

BATCH = 500
TOLD_AFTER: dict[str, timedelta] = {
    Status.FULFILLED: timedelta(0),
    Status.NOSHOW: timedelta(minutes=15),
}
COLUMN_OF = {"specialization": "visit_type", "license": "nurse_license_number"}
OTHER = Appointment.CancellationReason.OTHER
IMPORTED = "import"
NEVER_NEW = "A new visit is booked, or history: fulfilled, noshow or cancelled."
NO_SUCH_PATIENT = "No patient has this reference number."
OTHERS_TOLD = 20
NO_SUCH_TYPE = "There is no kind of visit with this code."
STORED_OTHERWISE = "This visit is stored with another status. Visits change on their own page; an import adds new ones."


@dataclass(frozen=True, slots=True)
class Names:
    """What a file calls its people: reference numbers and licenses."""

    references: Collection[str]
    licenses: Collection[License]


@dataclass(frozen=True, slots=True)
class People:
    """The records that a file names."""

    patients: Mapping[str, Patient]
    nurses: Mapping[License, Nurse]
    kinds: Mapping[str, VisitType]

    def of(self, row: Row, plan: Plan) -> tuple[Patient, Nurse, VisitType] | None:
        """Return whom and what a row is about; what is unknown is noted in the plan."""
        values = row.values
        patient = patient_named(str(values["patient_reference_number"]), self.patients)
        nurse = self.nurses.get(
            (str(values["nurse_license_state"]), str(values["nurse_license_number"]))
        )
        kind = self.kinds.get(str(values["visit_type"]))
        if patient is None:
            plan.refuse(row.number, "patient_reference_number", "not_found", NO_SUCH_PATIENT)
        if nurse is None:
            plan.refuse(row.number, "nurse_license_number", "not_found", NO_SUCH_NURSE)
        if kind is None:
            plan.refuse(row.number, "visit_type", "not_found", NO_SUCH_TYPE)
        return (patient, nurse, kind) if patient and nurse and kind else None


class Stored:
    """The stored visits of the patients of a file, each of which one row may be about."""

    def __init__(self, patient_ids: Collection[UUID]) -> None:
        self._statuses: dict[Key, list[str]] = {}
        rows = Appointment.objects.filter(patient__in=patient_ids).order_by()
        fields = ("patient_id", "nurse_id", "visit_type_id", "start", "status")
        for *key, status in rows.values_list(*fields).iterator():
            patient_id, nurse_id, kind_id, start = key
            self._statuses.setdefault((patient_id, nurse_id, kind_id, start), []).append(status)

    def take(self, key: Key, status: str) -> bool:
        """Tell whether a visit of this status is stored that no earlier row was about."""
        left = self._statuses.get(key, [])
        if status not in left:
            return False
        left.remove(status)
        return True

    def has_any(self, key: Key) -> bool:
        """Tell whether another visit is stored for these people and this start."""
        return any(status != Status.ENTERED_IN_ERROR for status in self._statuses.get(key, []))


class OtherTimes:
    """What is free near a time that is taken, told for the first rows of a file that meet one: each is a search."""

    def __init__(self, ahead: Sequence[Row], people: People, now: datetime) -> None:
        self.now = now
        self._left = OTHERS_TOLD
        self._wanted: set[tuple[UUID, datetime]] = set()
        for row in ahead:
            key = (str(row.values["nurse_license_state"]), str(row.values["nurse_license_number"]))
            nurse = people.nurses.get(key)
            if nurse is not None:
                self._wanted.add((nurse.pk, row.values["start"]))

    def in_words(self, visit: Appointment) -> str:
        """Return times of the same nurse that no row of the file wants; nothing once enough was told."""
        if not self._left:
            return ""
        self._left -= 1
        found = openings_near(
            start=visit.start,
            visit_type=visit.visit_type.code,
            patient_id=visit.patient_id,
            now=self.now,
            nurse_ids=[visit.nurse_id],
            exclude=self._wanted,
        )
        return in_words(found)


def plan_appointments(
    rows: Sequence[Row], names: Names, occasion: Occasion, report: Report
) -> Plan:
    """Judge the rows of a file of visits, in their order: those before count as booked."""
    nurses = stored_nurses(names.licenses, lock=occasion.for_good)
    people = People(
        nurses=nurses,
        patients=stored_patients(names.references, lock=occasion.for_good),
        kinds={kind.code: kind for kind in VisitType.objects.all()},
    )
    plan, repeated = Plan(), Repeated()
    stored = Stored({patient.pk for patient in people.patients.values()})
    ahead = [row for row in rows if row.values["status"] == Status.BOOKED]
    diary = open_diary(
        codes={str(row.values["visit_type"]) for row in ahead},
        starts=[row.values["start"] for row in ahead],
        nurse_ids=[nurse.pk for nurse in people.nurses.values()],
        patient_ids={patient.pk for patient in people.patients.values()},
        now=occasion.now,
    )
    others = OtherTimes(ahead, people, occasion.now)
    visits: list[Appointment] = []
    for row in report(rows):
        known = people.of(row, plan)
        if known is None:
            continue
        patient, nurse, kind = known
        status = str(row.values["status"])
        key = (patient.pk, nurse.pk, kind.pk, row.values["start"])
        if stored.take(key, status):
            plan.unchanged += 1
            continue
        if earlier := repeated.before((key, status), row.number):
            plan.refuse(row.number, "start", "repeated", f"Row {earlier} is the same visit.")
        elif stored.has_any(key):
            plan.refuse(row.number, "status", "stored_otherwise", STORED_OTHERWISE)
        else:
            visit = _visit(row, patient, nurse, kind, occasion)
            if _is_allowed(visit, row, diary, plan, others):
                visits.append(visit)
    plan.new = len(visits)
    plan.patient_ids = {visit.patient_id for visit in visits}
    plan.write = lambda: _write(visits, occasion)
    return plan


def _visit(
    row: Row, patient: Patient, nurse: Nurse, kind: VisitType, occasion: Occasion
) -> Appointment:
    """Return the visit of a row, not stored; history has the length that the file says, without buffers."""
    values = row.values
    span = span_of(start=values["start"], visit_type=kind, nurse=nurse)
    end: datetime = values.get("end") or span.end
    booked = values["status"] == Status.BOOKED
    cancelled = values["status"] == Status.CANCELLED
    return Appointment(
        patient=patient,
        nurse=nurse,
        visit_type=kind,
        start=span.start,
        end=end,
        blocked_from=span.blocked_from if booked else span.start,
        blocked_until=span.blocked_until if booked else end,
        status=values["status"],
        source=occasion.source,
        reason=values.get("reason", ""),
        cancelled_at=(values.get("cancelled_at") or span.start) if cancelled else None,
        cancelled_by=occasion.actor if cancelled else "",
        cancellation_reason=(values.get("cancellation_reason") or OTHER) if cancelled else "",
    )


def _is_allowed(
    visit: Appointment, row: Row, diary: Diary, plan: Plan, others: "OtherTimes"
) -> bool:
    """Tell whether a new visit may be stored, and book it in the diary if it is ahead; else note what is wrong."""
    wrong = _wrong_length(visit) or _wrong_status(visit, others.now)
    if wrong is not None:
        plan.refuse(row.number, *wrong)
        return False
    return visit.status != Status.BOOKED or _fits(visit, row, diary, plan, others)


def _wrong_length(visit: Appointment) -> tuple[str, str, str] | None:
    length = (visit.end - visit.start) // timedelta(minutes=1)
    if not 0 < length <= LONGEST_VISIT_MINUTES:
        return "end", "bad_value", f"A visit lasts 1 to {LONGEST_VISIT_MINUTES} minutes."
    if visit.status == Status.BOOKED and length != visit.visit_type.length_minutes:
        return "end", "bad_value", "A visit ahead has the length of its kind."
    return None


def _wrong_status(visit: Appointment, now: datetime) -> tuple[str, str, str] | None:
    if visit.status == Status.ARRIVED:
        return "status", "bad_value", NEVER_NEW
    over_after = TOLD_AFTER.get(visit.status)
    if over_after is not None and now < visit.start + over_after:
        return "status", "too_early", "The visit has not taken place yet."
    patient = visit.patient
    if visit.status == Status.BOOKED and (not patient.active or patient.deceased):
        detail = "Visits cannot be booked for this patient."
        return "patient_reference_number", "not_available", detail
    return None


def _fits(visit: Appointment, row: Row, diary: Diary, plan: Plan, others: "OtherTimes") -> bool:
    entry = Entry(
        row=row.number,
        patient_id=visit.patient_id,
        patient_state=visit.patient.state,
        nurse_id=visit.nurse_id,
        code=visit.visit_type.code,
        start=visit.start,
    )
    reason = diary.reason_against(entry)
    if not reason:
        diary.add(entry)
        return True
    error = refusal(reason)
    detail = error.detail
    if isinstance(error, SlotTaken):
        if other := diary.row_in_the_way(entry):
            detail = f"{detail} Row {other} of this file has it."
        detail = f"{detail} {others.in_words(visit)}".strip()
    plan.refuse(row.number, COLUMN_OF.get(reason, "start"), error.code, detail)
    return False


def _write(visits: list[Appointment], occasion: Occasion) -> None:
    Appointment.objects.bulk_create(visits, batch_size=BATCH)
    AppointmentChange.objects.bulk_create(
        [
            AppointmentChange(
                appointment=visit,
                version=visit.version,
                kind=visit.status,  # each status that an import stores is a kind of change as well
                at=occasion.now,
                source=occasion.source,
                actor=occasion.actor,
                reason=IMPORTED,
                new=snapshot(visit),
            )
            for visit in visits
        ],
        batch_size=BATCH,
    )
    booked = [visit for visit in visits if visit.status == Status.BOOKED]
    _plan_reminders(booked, occasion.now)
    if booked and WebhookEndpoint.objects.filter(active=True).exists():
        for visit in booked:
            write_event(
                event_type=f"appointment.{AppointmentChange.Kind.BOOKED}",
                data={
                    "id": str(visit.pk),
                    "patient": str(visit.patient_id),
                    "nurse": str(visit.nurse_id),
                },
            )


def _plan_reminders(visits: Sequence[Appointment], now: datetime) -> None:
    """Write the reminders of new visits, of which none is stored yet."""
    patients = {visit.patient_id: visit.patient for visit in visits}
    recipients: dict[UUID, Recipient] = {}
    for some in batches(patients.values(), BATCH):
        recipients |= patients_as_recipients(some)
    own = own_words(kinds=LEADS)
    messages: list[Message] = []
    for visit in visits:
        recipient = recipients.get(visit.patient_id)
        if recipient is not None:
            messages += planned_reminders(appointment=visit, recipient=recipient, own=own, now=now)
    Message.objects.bulk_create(messages, batch_size=BATCH)
