"""Visits booked and changed by other systems, through the services that every door uses (section 7)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Q

from accounts.permissions import Verb
from scheduling.exceptions import InvalidTransition
from scheduling.fhir import changes
from scheduling.fhir.bodies import Wish
from scheduling.fhir.calendars import APPOINTMENT_TYPES
from scheduling.fhir.identifiers import row_id
from scheduling.fhir.outcomes import FhirFault
from scheduling.fhir.rows import Reader, matching_visits, one_row, visit_values
from scheduling.fhir.search import Search
from scheduling.fhir.visits import Identifier
from scheduling.models import Appointment, Nurse, Patient, SlotHold, Source, VisitType
from scheduling.services import appointments
from scheduling.services.holds import lock_with_holds
from scheduling.services.transactions import lock_patient, run_atomically
from scheduling.services.transitions import locked_appointment
from scheduling.slots import to_instant

USUAL_TYPE = next(iter(APPOINTMENT_TYPES))
BECOME = {
    "arrived": appointments.arrive,
    "fulfilled": appointments.fulfil,
    "noshow": appointments.record_no_show,
}


@dataclass(frozen=True, slots=True)
class Written:
    """A visit before and after a write; before is None for a new one, and what did not change is the same."""

    before: Any
    after: Any


Record = Callable[[Written], None]
"""Writes the audit event, in the transaction of the write."""


@dataclass(frozen=True, slots=True)
class Booking:
    """A wish for a new visit, with everything that it needs."""

    nurse_id: UUID
    patient_id: UUID
    start: datetime
    visit_type: str
    reason: str
    identifier: Identifier | None


def book(
    wish: Wish, *, unless: Search | None, actor: str, reader: Reader, record: Record
) -> tuple[Any, bool]:
    """
    Book a visit; with `unless`, only if no visit fits that search. Return the visit, and whether it is new.

    Raises:
        FhirFault: the wish is not complete, is of people or slots that are not there, or several visits fit.
        SchedulingError: the rules refuse it.
    """
    booking = _booking(wish)
    attempt = partial(_book, booking, unless, actor, reader, record)
    try:
        return run_atomically(attempt)
    except IntegrityError:
        if booking.identifier is None or not _is_named(booking.identifier):
            raise
    return run_atomically(attempt)  # a twin booked it meanwhile, and is seen now


def change(
    visit_id: UUID, wish: Wish, *, version: int, actor: str, reader: Reader, record: Record
) -> Any | None:
    """
    Change a visit as an update wants, if it still has that version. Return it, or nothing if there is none.

    Raises:
        FhirFault: 412 if it has another version; 400 or 422 if it cannot be changed so.
        SchedulingError: the rules refuse it.
    """

    def work() -> Any | None:
        seen = Appointment.objects.filter(pk=visit_id).values_list("nurse_id", flat=True).first()
        if seen is None:
            return None
        # The locks of the service that follows, in their order; so the version cannot change in between.
        locked = locked_appointment(visit_id, also_nurse=_other_nurse(wish, seen))
        if locked.version != version:
            raise FhirFault(412, "The visit has changed since. Read it again, then decide.")
        before = one_row("Appointment", visit_id, reader, verb=Verb.UPDATE)
        _act(visit_id, changes.change(visit_values(before), wish), actor=actor, now=reader.now)
        after = one_row("Appointment", visit_id, reader, verb=Verb.UPDATE)
        record(Written(before, after))
        return after

    return run_atomically(work)


def _other_nurse(wish: Wish, present: UUID) -> UUID | None:
    """
    Return the nurse to whom a visit shall be handed over, if it shall.

    Raises:
        FhirFault: 422, there is no such nurse, or two are named.
    """
    named = {wish.nurse_id, wish.slot.nurse_id if wish.slot else None} - {None, present}
    if len(named) > 1:
        raise FhirFault(422, "The slot is another nurse's.", expression="Appointment.slot")
    other = next(iter(named), None)
    if other is not None and not Nurse.objects.filter(pk=other).exists():
        raise _unknown("Practitioner", "participant")
    return other


def _act(visit_id: UUID, wanted: changes.Change, *, actor: str, now: datetime) -> None:
    who = {"appointment_id": visit_id, "source": Source.FHIR.value, "actor": actor, "now": now}
    match wanted:
        case changes.Move(nurse_id=nurse_id, start=start):
            appointments.reschedule_appointment(nurse_id=nurse_id, start=start, **who)  # type: ignore[arg-type]
        case changes.Cancel(reason=reason, note=note):
            appointments.cancel_appointment(reason=reason, reason_text=note, **who)  # type: ignore[arg-type]
        case changes.Become(status=status):
            BECOME[status](**who)  # type: ignore[arg-type]
        case changes.Confirm():
            appointments.confirm_attendance(**who)  # type: ignore[arg-type]
        case changes.Revive():
            raise InvalidTransition


def _book(
    booking: Booking, unless: Search | None, actor: str, reader: Reader, record: Record
) -> tuple[Any, bool]:
    # Twins meet at these locks, so that the second one sees what the first one booked.
    lock_with_holds([booking.nurse_id], owner=actor)
    lock_patient(booking.patient_id)
    if unless is not None and (there := matching_visits(unless, reader, verb=Verb.CREATE)):
        if len(there) > 1:
            raise FhirFault(412, "Several visits fit that condition. Nothing was booked.")
        record(Written(there[0], there[0]))
        return there[0], False
    name = booking.identifier
    if name is not None and _is_named(name):
        raise FhirFault(
            409, "There is a visit with that identifier.", code="duplicate",
            expression="Appointment.identifier",
        )  # fmt: skip
    booked = appointments.book_appointment(
        patient_id=booking.patient_id,
        nurse_id=booking.nurse_id,
        start=booking.start,
        visit_type=booking.visit_type,
        source=Source.FHIR,
        actor=actor,
        now=reader.now,
        reason=booking.reason,
        hold_owner=actor if _holds(booking, actor, reader.now) else "",
        appointment_id=row_id(name.system, name.value) if name else None,
        identifier=f"{name.system}|{name.value}" if name else "",
    )
    row = one_row("Appointment", booked.pk, reader, verb=Verb.CREATE)
    record(Written(None, row))
    return row, True


def _is_named(name: Identifier) -> bool:
    return Appointment.objects.filter(pk=row_id(name.system, name.value)).exists()


def _holds(booking: Booking, owner: str, now: datetime) -> bool:
    """Tell whether the client holds the time that it books; then it spends the hold."""
    held = SlotHold.objects.filter(
        owner=owner,
        nurse_id=booking.nurse_id,
        start=booking.start,
        visit_type__code=booking.visit_type,
        state=SlotHold.State.LIVE,
        expires_at__gt=now,
    )
    return held.exists()


def _booking(wish: Wish) -> Booking:
    """
    Return a wish with what it leaves open filled in, from its slot or by default.

    Raises:
        FhirFault: 400 or 422.
    """
    if wish.status != "booked":
        raise FhirFault(422, "A new visit is booked at once.", expression="Appointment.status")
    if wish.patient_id is None:
        raise _missing("Name the patient.", "participant")
    kind = _kind(wish)
    start, nurse_id = wish.start, wish.nurse_id
    if wish.slot is not None:
        begins = to_instant(wish.slot.start)
        if start not in {None, begins} or nurse_id not in {None, wish.slot.nurse_id}:
            raise FhirFault(
                422, "The slot is at another time, or another nurse's.",
                expression="Appointment.slot",
            )  # fmt: skip
        start, nurse_id = begins, wish.slot.nurse_id
    if start is None:
        raise _missing("Give a slot, or the start.", "start")
    if nurse_id is None:
        raise _missing("Give a slot, or name the nurse.", "participant")
    length = timedelta(minutes=kind.length_minutes)
    changes.check_length(wish, ends={start + length}, length=length)
    if len(wish.identifiers) > 1:
        raise FhirFault(
            422, "Give a visit one identifier.", code="not-supported",
            expression="Appointment.identifier",
        )  # fmt: skip
    if not Nurse.objects.filter(pk=nurse_id).exists():
        raise _unknown("Practitioner", "participant")
    if not Patient.objects.filter(pk=wish.patient_id).exists():
        raise _unknown("Patient", "participant")
    return Booking(
        nurse_id=nurse_id,
        patient_id=wish.patient_id,
        start=start,
        visit_type=kind.code,
        reason=wish.description,
        identifier=wish.identifiers[0] if wish.identifiers else None,
    )


def _kind(wish: Wish) -> VisitType:
    """Return the kind of visit: the one named, the slot's, or a routine one."""
    fits = Q(active=True)
    if wish.service_type or wish.slot is None:
        fits &= Q(code=wish.service_type or USUAL_TYPE)
    if wish.slot is not None:
        fits &= Q(pk=wish.slot.visit_type_id)
    kind = VisitType.objects.filter(fits).first()
    if kind is None:
        raise FhirFault(
            422, "There is no such kind of visit, or the slot is for another one.",
            expression="Appointment.serviceType",
        )  # fmt: skip
    return kind


def _unknown(kind: str, where: str) -> FhirFault:
    return FhirFault(
        422, f"There is no such {kind}.", code="not-found", expression=f"Appointment.{where}"
    )


def _missing(text: str, where: str) -> FhirFault:
    return FhirFault(400, text, code="required", expression=f"Appointment.{where}")
