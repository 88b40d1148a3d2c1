"""Records for the walk over the API: one of each kind that is the nurse's own, and one that is foreign."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts import issued_keys
from accounts.models import ApiKey, AuditEvent, User
from accounts.services import record_event
from scheduling.models import (
    AvailabilityOverride,
    FreedTime,
    Holiday,
    MedicalCondition,
    Message,
    Nurse,
    Patient,
    SlotHold,
    StaffTask,
    WaitlistEntry,
    WaitlistOffer,
    WebhookDelivery,
    WebhookEndpoint,
)
from scheduling.services import webhooks
from tests.dashboard.rows import make_call
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_assignment,
    make_consent,
    make_hold,
    make_nurse,
    make_override,
    make_patient,
    make_specialization,
    make_user,
    make_visit_type,
)

Pair = tuple[Any, Any]


class Rows:
    """A nurse who signs in, a patient of hers, and others; further records are made when they are asked for."""

    def __init__(self) -> None:
        self.login: User = make_user(role="nurse", username="nurse")
        self.nurse: Nurse = make_nurse(user=self.login)
        self.patient: Patient = make_patient()
        self.other_nurse, self.other_patient = make_nurse(), make_patient()
        self.assignment = make_assignment(patient=self.patient, nurse=self.nurse)
        make_visit_type()
        self._made: dict[str, Pair] = {
            "nurse": (self.nurse, self.other_nurse),
            "patient": (self.patient, self.other_patient),
            "other_nurse": (self.other_nurse, self.nurse),
            "other_patient": (self.other_patient, self.patient),
        }

    def pair(self, name: str) -> Pair:
        """Return the nurse's own record of that kind, and a foreign one."""
        if name not in self._made:
            self._made[name] = MAKERS[name](self)
        return self._made[name]

    def filled(self, body: Any) -> Any:
        """Return a body with ids in the places of `$patient` and the like."""
        if isinstance(body, dict):
            return {name: self.filled(value) for name, value in body.items()}
        if isinstance(body, list):
            return [self.filled(value) for value in body]
        if isinstance(body, str) and body.startswith("$"):
            return str(self.pair(body[1:])[0].pk)
        return body


def _appointments(rows: Rows) -> Pair:
    return (
        make_appointment(patient=rows.patient, nurse=rows.nurse, start=TOMORROW_NINE),
        make_appointment(patient=rows.other_patient, nurse=rows.other_nurse, start=TOMORROW_NINE),
    )


def _told_visits(rows: Rows) -> Pair:
    """Return visits whose patients may be written to."""
    visits = rows.pair("appointment")
    for visit in visits:
        make_consent(patient=visit.patient)
    return visits


def _for_each_patient(make: Callable[[Patient], Any]) -> Callable[[Rows], Pair]:
    return lambda rows: (make(rows.patient), make(rows.other_patient))


def _for_each_nurse(make: Callable[[Nurse], Any]) -> Callable[[Rows], Pair]:
    return lambda rows: (make(rows.nurse), make(rows.other_nurse))


def _twice(make: Callable[[int], Any]) -> Callable[[Rows], Pair]:
    return lambda rows: (make(1), make(2))


def _condition(patient: Patient) -> MedicalCondition:
    return MedicalCondition.objects.create(patient=patient, name="Asthma")


def _override(nurse: Nurse) -> AvailabilityOverride:
    starts_at, ends_at = local(2026, 7, 6), local(2026, 7, 10)
    return make_override(nurse=nurse, effect="remove", starts_at=starts_at, ends_at=ends_at)


def _hold(patient: Patient) -> SlotHold:
    until = TOMORROW_NINE + timedelta(hours=1)
    return make_hold(nurse=make_nurse(), patient_id=patient.pk, expires_at=until)


def _wish(patient: Patient) -> WaitlistEntry:
    """Store a wish with an offer that is open."""
    entry = WaitlistEntry.objects.create(
        patient=patient,
        visit_type=make_visit_type(),
        earliest=date(2026, 3, 5),
        latest=date(2026, 3, 20),
        source="voice",
        actor="call:1",
        waiting_since=NOW,
        status="offered",
    )
    nurse, start = make_nurse(), TOMORROW_NINE + timedelta(days=3)
    end, until = start + timedelta(minutes=30), TOMORROW_NINE + timedelta(hours=1)
    hold = make_hold(
        nurse=nurse,
        start=start,
        owner=f"waitlist:{entry.pk}",
        patient_id=patient.pk,
        purpose="waitlist",
        expires_at=until,
    )
    freed = FreedTime.objects.create(nurse=nurse, start=start, end=end, due_at=NOW)
    WaitlistOffer.objects.create(
        entry=entry,
        freed_time=freed,
        hold=hold,
        nurse=nurse,
        start=start,
        end=end,
        expires_at=until,
    )
    return entry


def _message(patient: Patient) -> Message:
    return Message.objects.create(
        channel="sms",
        kind=Message.Kind.REMINDER_48H,
        patient=patient,
        to=patient.phone,
        body="See you tomorrow.",
        due_at=NOW,
    )


def _task(patient: Patient) -> StaffTask:
    return StaffTask.objects.create(
        kind="message",
        patient=patient,
        text="Call back.",
        due_at=NOW,
        source="voice",
        actor="call:1",
    )


def _key(number: int) -> ApiKey:
    return issued_keys.create_key(
        name=f"Program {number}", scopes=["schedule:read"], now=timezone.now()
    )[0]


def _event(number: int) -> AuditEvent:
    return record_event(
        action="call.read", outcome="ok", surface="dashboard", actor_type="system", actor_id=""
    )


def _endpoint(number: int) -> WebhookEndpoint:
    url = f"https://records{number}.example/hook"
    return webhooks.create_endpoint(url=url, events=[], now=timezone.now())[0]


def _delivery(number: int) -> WebhookDelivery:
    return WebhookDelivery.objects.create(
        endpoint=_endpoint(number),
        event_id=uuid4(),
        event_type="appointment.booked",
        body="{}",
        sequence=number,
        due_at=timezone.now(),
        status=WebhookDelivery.Status.FAILED,
    )


MAKERS: dict[str, Callable[[Rows], Pair]] = {
    "appointment": _appointments,
    "assignment": lambda rows: (
        rows.assignment,
        make_assignment(patient=rows.other_patient, nurse=rows.other_nurse),
    ),
    "availability": _for_each_nurse(lambda nurse: nurse.availability.order_by("weekday")[0]),
    "call": _for_each_patient(make_call),
    "condition": _for_each_patient(_condition),
    "delivery": _twice(_delivery),
    "endpoint": _twice(_endpoint),
    "event": _twice(_event),
    "hold": _for_each_patient(_hold),
    "holiday": _twice(
        lambda number: Holiday.objects.create(date=date(2026, 9, number), name="Day off")
    ),
    "key": _twice(_key),
    "message": _for_each_patient(_message),
    "override": _for_each_nurse(_override),
    "specialization": _twice(lambda number: make_specialization()),
    "task": _for_each_patient(_task),
    "told_visit": _told_visits,
    "visit_type": _twice(lambda number: make_visit_type(code=f"kind-{number}")),
    "wish": _for_each_patient(_wish),
}
