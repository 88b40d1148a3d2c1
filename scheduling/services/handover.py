"""Hand a nurse's visits over to colleagues (scheduling reference, section 11): previewed first, then applied."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from scheduling.exceptions import NurseUnknown, SchedulingError, Stale
from scheduling.models import Appointment, CareAssignment, Nurse, Patient, StaffTask
from scheduling.selectors.calendar import next_staffed
from scheduling.selectors.handover import Handover, handovers
from scheduling.services.appointments import reschedule_appointment
from scheduling.services.care import make_primary
from scheduling.services.rules import PATIENT_SOURCES
from scheduling.services.transactions import lock_nurses, lock_patients, run_atomically

TOPIC = "handover"
NEEDS_CALL = "The nurse cannot make this visit and no colleague takes it over. Call the patient."


@dataclass(frozen=True, slots=True)
class HandoverPreview:
    """The visits to hand over, earliest first; applying needs the token."""

    visits: tuple[Handover, ...]

    @property
    def token(self) -> str:
        """Return a text that stands for exactly these visits and proposals."""
        lines = [
            f"{one.appointment_id} {one.version} {one.start.isoformat()} {one.nurse_id}"
            for one in self.visits
        ]
        return blake2b("\n".join(lines).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class HandoverResult:
    """What was handed over, and the tasks for staff to call the patients of the rest."""

    appointments: tuple[Appointment, ...]
    tasks: tuple[StaffTask, ...]


def preview_handover(
    *, nurse_id: UUID, since: datetime, until: datetime, now: datetime
) -> HandoverPreview:
    """
    Return the nurse's booked visits ahead in [since, until) with a colleague for each; nothing is stored.

    Raises:
        NurseUnknown: there is no such nurse.
    """
    if not Nurse.objects.filter(pk=nurse_id).exists():
        raise NurseUnknown("There is no such nurse.")
    return HandoverPreview(handovers(nurse_id=nurse_id, since=since, until=until, now=now))


def apply_handover(
    *,
    nurse_id: UUID,
    since: datetime,
    until: datetime,
    token: str,
    source: str,
    actor: str,
    now: datetime,
    choices: Mapping[UUID, UUID | None] | None = None,
    move_primary: bool = False,
) -> HandoverResult:
    """
    Hand the visits over as they were shown, each a move of the same visit at its time; all of them or none.

    `choices` puts another nurse in the place of a proposed one, None asks for a call instead. Visits without a nurse
    stay, with a task for staff. `move_primary` makes the colleague the primary nurse of whom the nurse was it.

    Raises:
        Stale: the visits or the proposals are not those of `token` any more; `preview` holds those of now.
        NurseUnknown: there is no such nurse.
        SlotTaken, InvalidTime, NotAvailable: a chosen nurse cannot make a visit.
        Busy: the database was too busy.
    """
    if source in PATIENT_SOURCES:
        raise SchedulingError("Only the clinic's people can hand visits over.")
    wishes = choices or {}

    def seen_as_shown() -> HandoverPreview:
        seen = preview_handover(nurse_id=nurse_id, since=since, until=until, now=now)
        if seen.token != token or wishes.keys() - {one.appointment_id for one in seen.visits}:
            raise Stale(preview=seen)
        return seen

    def work() -> HandoverResult:
        plan = _plan(seen_as_shown(), wishes)
        _lock(nurse_id, plan)
        seen_as_shown()  # under the locks: it is still so
        moved, tasks = [], []
        for one, colleague in plan:
            if colleague is None:
                tasks.append(_ask_for_a_call(one, source=source, actor=actor, now=now))
                continue
            moved.append(
                reschedule_appointment(
                    appointment_id=one.appointment_id,
                    nurse_id=colleague,
                    start=one.start,
                    source=source,
                    actor=actor,
                    now=now,
                    stays_in_series=True,
                )
            )
        if move_primary:
            _move_primary(nurse_id, moved)
        return HandoverResult(tuple(moved), tuple(tasks))

    return run_atomically(work)


def _plan(
    seen: HandoverPreview, wishes: Mapping[UUID, UUID | None]
) -> list[tuple[Handover, UUID | None]]:
    return [(one, wishes.get(one.appointment_id, one.nurse_id)) for one in seen.visits]


def _lock(nurse_id: UUID, plan: Iterable[tuple[Handover, UUID | None]]) -> None:
    """Lock all whom the hand-over concerns, in the order of locks, before the first visit moves."""
    pairs = list(plan)
    lock_nurses({nurse_id} | {colleague for _, colleague in pairs if colleague is not None})
    lock_patients({one.patient_id for one, _ in pairs})


def _ask_for_a_call(one: Handover, *, source: str, actor: str, now: datetime) -> StaffTask:
    """Ask staff to call the patient, once for each visit."""
    patient = Patient.objects.get(pk=one.patient_id)
    task, _ = StaffTask.objects.get_or_create(
        kind=StaffTask.Kind.MESSAGE,
        topic=TOPIC,
        appointment_id=one.appointment_id,
        status=StaffTask.Status.OPEN,
        defaults={
            "text": NEEDS_CALL,
            "callback_number": patient.phone,
            "urgency": StaffTask.Urgency.TODAY,
            "patient": patient,
            "due_at": next_staffed(now=now),
            "source": source,
            "actor": actor,
        },
    )
    return task


def _move_primary(nurse_id: UUID, moved: Iterable[Appointment]) -> None:
    """Make the nurse of the first handed-over visit primary, of each patient whose primary nurse hands over."""
    patients = CareAssignment.objects.filter(nurse_id=nurse_id, primary=True)
    left = set(patients.values_list("patient_id", flat=True))
    for visit in sorted(moved, key=lambda visit: (visit.start, visit.pk)):
        if visit.patient_id in left:
            make_primary(patient_id=visit.patient_id, nurse_id=visit.nurse_id)
            left.discard(visit.patient_id)
