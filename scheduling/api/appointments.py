"""
Visits: booked, read, moved, cancelled, and what became of them (scheduling reference, sections 7 and 8).

An act on a visit is an address of its own. Whoever may not see the patient's clinical record is not told the reason.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponseBase
from rest_framework import serializers, status
from rest_framework.request import Request

from accounts.access import Viewer
from accounts.api_views import StrictSerializer
from accounts.permissions import Resource, Verb
from accounts.rest.fields import InstantField, InstantFilter, WordsFilter
from accounts.rest.views import (
    ActView,
    CreatingListView,
    DeletingObjectView,
    Done,
)
from scheduling.api.base import SchedulingView, VisitTypeField, known
from scheduling.clock import clinic_zone
from scheduling.exceptions import SlotExpired, SlotTaken
from scheduling.models import Appointment, Nurse, Patient, SlotHold, Source
from scheduling.selectors.alternatives import openings_near
from scheduling.services import (
    arrive,
    book_appointment,
    cancel_appointment,
    confirm_attendance,
    fulfil,
    record_no_show,
    reschedule_appointment,
)
from scheduling.services.transitions import locked_appointment

SOURCE = Source.API
Reason = Appointment.CancellationReason

EXAMPLE = {
    "id": "0b7e8c1e-6f0e-4b53-9c11-3a5a8f1f2d10",
    "patient": "5d1d3c5e-7a55-4c0a-8a5c-9a3f0f1c2b3a",
    "nurse": "9c3b1f6a-2d4e-4f5a-9b8c-7d6e5f4a3b2c",
    "visit_type": "routine",
    "start": "2026-03-06T09:00:00-05:00",
    "end": "2026-03-06T09:30:00-05:00",
    "status": "booked",
    "source": "api",
    "reason": "",
    "attendance_confirmed_at": None,
    "cancelled_at": None,
    "cancellation_reason": "",
    "cancellation_note": "",
    "late": False,
    "series": None,
    "series_index": None,
    "orphaned": False,
    "sequence": 0,
    "version": 1,
    "created_at": "2026-03-05T10:00:00-05:00",
    "updated_at": "2026-03-05T10:00:00-05:00",
}
CLINICAL = ("reason", "cancellation_note")
WORDS = {
    "start": "When it begins, at the clinic's offset.",
    "end": "When it ends; the next one may begin then.",
    "status": "What became of it.",
    "reason": "What it is about. Only for those who may read the clinical record.",
    "attendance_confirmed_at": "When the patient said to be there.",
    "cancelled_at": "When it was cancelled.",
    "cancellation_reason": "Why it was cancelled, as a word of the list.",
    "cancellation_note": "Own words on that. Only for those who may read the clinical record.",
    "late": "Whether it was cancelled shortly before its start.",
    "series": "The id of the series that it is part of.",
    "series_index": "Which visit of the series it is.",
    "sequence": "Rises with every move and with the cancellation, as calendars need it.",
    "version": "How often it was changed, with its making.",
}


class AppointmentOutput(serializers.ModelSerializer[Appointment]):
    """A visit as it is stored."""

    example: ClassVar[dict[str, Any]] = EXAMPLE
    not_for_all: ClassVar[tuple[str, ...]] = CLINICAL

    visit_type = VisitTypeField(read_only=True, help_text="Code of the kind of visit.")

    class Meta:
        model = Appointment
        fields = tuple(EXAMPLE)
        read_only_fields = tuple(EXAMPLE)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            name: {"help_text": words} for name, words in WORDS.items()
        }


class AppointmentWithoutReason(AppointmentOutput):
    """A visit, for those who may not read what it is about."""

    example: ClassVar[dict[str, Any]] = {
        name: value for name, value in EXAMPLE.items() if name not in CLINICAL
    }

    class Meta(AppointmentOutput.Meta):
        fields = tuple(name for name in EXAMPLE if name not in CLINICAL)
        read_only_fields = fields
        extra_kwargs: ClassVar[dict[str, Any]] = {
            name: {"help_text": words} for name, words in WORDS.items() if name not in CLINICAL
        }


class BookingInput(StrictSerializer):
    """What a new visit needs."""

    example: ClassVar[dict[str, Any]] = {
        "patient": EXAMPLE["patient"],
        "nurse": EXAMPLE["nurse"],
        "visit_type": "routine",
        "start": EXAMPLE["start"],
    }

    patient = serializers.UUIDField()
    nurse = serializers.UUIDField()
    start = InstantField(help_text="As `slots` names it: RFC 3339 with an offset, a whole minute.")
    visit_type = VisitTypeField(
        required=False, default="routine", max_length=40, help_text="A code or an id."
    )
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=500,
        help_text="What it is about, in a few words.",
    )
    hold = serializers.UUIDField(
        required=False, help_text="A hold of yours on this time; see `slot-holds`."
    )


class MoveInput(StrictSerializer):
    """Where a visit is to go."""

    example: ClassVar[dict[str, Any]] = {"start": "2026-03-06T10:00:00-05:00"}

    start = InstantField(help_text="RFC 3339 with an offset, a whole minute.")
    nurse = serializers.UUIDField(required=False, help_text="The same nurse unless told.")
    hold = serializers.UUIDField(
        required=False, help_text="A hold of yours on this time; see `slot-holds`."
    )


class CancellationInput(StrictSerializer):
    """Why a visit is cancelled."""

    example: ClassVar[dict[str, Any]] = {"reason": "patient"}

    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=500,
        help_text=f"One of {', '.join(Reason.values)}, or your own words; `patient` unless told.",
    )


class AppointmentFilters(django_filters.FilterSet):
    """By whom and when; a bound that is a date means the clinic's midnight."""

    patient = django_filters.UUIDFilter(field_name="patient_id", label="The patient's id.")
    nurse = django_filters.UUIDFilter(field_name="nurse_id", label="The nurse's id.")
    visit_type = django_filters.CharFilter(
        field_name="visit_type__code", label="Code of the kind of visit."
    )
    status = WordsFilter(choices=Appointment.Status.choices, label="One or several, by commas.")
    source = WordsFilter(choices=Source.choices, label="One or several, by commas.")
    series = django_filters.UUIDFilter(field_name="series_id", label="The series' id.")
    orphaned = django_filters.BooleanFilter(label="Whether it lies outside the nurse's hours.")
    updated_since = InstantFilter(
        field_name="updated_at", lookup_expr="gte", label="Changed at or after this instant."
    )


AppointmentFilters.base_filters["from"] = InstantFilter(
    field_name="start", lookup_expr="gte", label="Begins at or after this date or instant."
)
AppointmentFilters.base_filters["to"] = InstantFilter(
    field_name="start", lookup_expr="lt", label="Begins before this date or instant."
)


class AppointmentView(SchedulingView):
    """What the views of visits share."""

    resource = Resource.APPOINTMENT
    noun = "appointment"
    output = AppointmentOutput

    def rows(self) -> QuerySet[Appointment]:
        """Return all visits."""
        return Appointment.objects.select_related("visit_type")

    def output_for(self, viewer: Viewer) -> type[serializers.Serializer[Any]]:
        """Leave out what the visit is about for those who may not read it."""
        clinical = viewer.may(Verb.READ, Resource.CLINICAL)
        return AppointmentOutput if clinical else AppointmentWithoutReason

    def lock(self, pk: UUID) -> None:
        """Lock nurse, patient and visit in the order of the services."""
        if Appointment.objects.filter(pk=pk).exists():
            locked_appointment(pk)

    def hold_owner(self, values: Mapping[str, Any]) -> str:
        """
        Return the owner under whom the time is held that a body names.

        Raises:
            SlotExpired: there is no such hold of this sender.
        """
        if "hold" not in values:
            return ""
        holds = SlotHold.objects.filter(pk=values["hold"], owner__startswith=f"{self.actor}/")
        owner = holds.values_list("owner", flat=True).first()
        if owner is None:
            raise SlotExpired
        return owner

    def with_alternatives(
        self, taken: SlotTaken, *, patient: UUID, start: datetime, visit_type: str
    ) -> SlotTaken:
        """Return the refusal with the next times that are free, for whoever has to offer another one."""
        found = openings_near(start=start, visit_type=visit_type, patient_id=patient, now=self.now)
        zone = clinic_zone()
        taken.facts = {  # type: ignore[attr-defined]  # what the one map of errors shows
            "alternatives": [
                {
                    "start": one.start.astimezone(zone).isoformat(),
                    "end": one.end.astimezone(zone).isoformat(),
                    "nurse": str(one.nurse_id),
                    "visit_type": one.visit_type,
                }
                for one in found
            ]
        }
        return taken


class Appointments(AppointmentView, CreatingListView):
    """
    Visits.

    A start is booked only if `slots` would offer it: the rules are checked again, and a time that somebody else got
    in the meantime answers 409 `slot_taken` with `alternatives`.
    """

    inputs = {"POST": BookingInput}
    filterset_class = AppointmentFilters
    orderings = ("-start", "start", "-updated_at", "updated_at", "-created_at", "created_at")
    created = "booked"

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Book a visit."""
        values = self.read_body()

        def work() -> Done:
            patient = known(Patient.objects.all(), values["patient"], "patient")
            nurse = known(Nurse.objects.all(), values["nurse"], "nurse")
            row = book_appointment(
                patient_id=patient.pk,
                nurse_id=nurse.pk,
                start=values["start"],
                visit_type=values["visit_type"],
                reason=values["reason"],
                hold_owner=self.hold_owner(values),
                source=SOURCE,
                actor=self.actor,
                now=self.now,
            )
            self.record("booked", [row])
            return status.HTTP_201_CREATED, self.rows().get(pk=row.pk)

        try:
            response = self.once(work)
        except SlotTaken as taken:
            raise self.with_alternatives(
                taken,
                patient=values["patient"],
                start=values["start"],
                visit_type=values["visit_type"],
            ) from taken
        response["Location"] = f"{request.path}{response.data['id']}/"
        return response


class MovingView(AppointmentView):
    """Moves a visit."""

    def move(self, row: Appointment, values: Mapping[str, Any]) -> Appointment:
        """
        Move the visit to another start, another nurse, or both.

        Raises:
            SchedulingError: the rules or another visit stand against it; the old time is kept.
        """
        nurse_id = values.get("nurse", row.nurse_id)
        known(Nurse.objects.all(), nurse_id, "nurse")
        start = values.get("start", row.start)
        try:
            return reschedule_appointment(
                appointment_id=row.pk,
                nurse_id=nurse_id,
                start=start,
                hold_owner=self.hold_owner(values),
                source=SOURCE,
                actor=self.actor,
                now=self.now,
            )
        except SlotTaken as taken:
            raise self.with_alternatives(
                taken, patient=row.patient_id, start=start, visit_type=row.visit_type.code
            ) from taken


class AppointmentObject(MovingView, DeletingObjectView):
    """
    One visit.

    To change `start` or `nurse` is to move it, to delete it is to cancel it: it stays readable.
    """

    inputs = {"PATCH": MoveInput}

    def change(self, row: Appointment, values: dict[str, Any]) -> Appointment:
        """Move the visit."""
        return self.move(row, values) if values else row

    def remove(self, row: Appointment) -> None:
        """Cancel the visit."""
        cancel_appointment(
            appointment_id=row.pk,
            source=SOURCE,
            actor=self.actor,
            now=self.now,
            reason=Reason.OTHER,
        )


class Cancellation(AppointmentView, ActView):
    """To cancel a visit: the time is free for others at once, a repetition changes nothing."""

    verbs = {"POST": Verb.DELETE}
    inputs = {"POST": CancellationInput}
    act, operation = "cancelled", "cancel_appointment"

    def perform(self, row: Appointment, values: dict[str, Any]) -> Appointment:
        """Cancel it."""
        given = values["reason"].strip()
        code = given if given in Reason.values else Reason.OTHER if given else Reason.PATIENT
        return cancel_appointment(
            appointment_id=row.pk,
            source=SOURCE,
            actor=self.actor,
            now=self.now,
            reason=code,
            reason_text="" if code == given else given,
        )

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Cancel a visit."""
        return super().post(request, *args, **kwargs)


class Rescheduling(MovingView, ActView):
    """To move a visit: the old time is freed only if the new one is won."""

    inputs = {"POST": MoveInput}
    act, operation = "rescheduled", "reschedule_appointment"

    def perform(self, row: Appointment, values: dict[str, Any]) -> Appointment:
        """Move it."""
        return self.move(row, values)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Move a visit."""
        return super().post(request, *args, **kwargs)


class AttendanceAct(AppointmentView, ActView):
    """What became of a visit; a nurse does this for own visits too."""

    resource = Resource.ATTENDANCE

    def taken(self, **about: Any) -> dict[str, Any]:
        """Return what every service of attendance is given."""
        return {"source": SOURCE, "actor": self.actor, "now": self.now, **about}


class AttendanceConfirmation(AttendanceAct):
    """That the patient says to be there; a repetition changes nothing."""

    act, operation = "attendance_confirmed", "confirm_appointment_attendance"

    def perform(self, row: Appointment, values: dict[str, Any]) -> Appointment:
        """Stamp it."""
        return confirm_attendance(**self.taken(appointment_id=row.pk))

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Confirm that the patient will be there."""
        return super().post(request, *args, **kwargs)


class Arrival(AttendanceAct):
    """That the visit goes on, from an hour before its start."""

    act, operation = "arrived", "record_appointment_arrival"

    def perform(self, row: Appointment, values: dict[str, Any]) -> Appointment:
        """Record it."""
        return arrive(**self.taken(appointment_id=row.pk))

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Record that the visit has begun."""
        return super().post(request, *args, **kwargs)


class Fulfilment(AttendanceAct):
    """That the visit took place."""

    act, operation = "fulfilled", "record_appointment_fulfilment"

    def perform(self, row: Appointment, values: dict[str, Any]) -> Appointment:
        """Record it."""
        return fulfil(**self.taken(appointment_id=row.pk))

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Record that the visit took place."""
        return super().post(request, *args, **kwargs)


class NoShow(AttendanceAct):
    """That the patient was not there, from fifteen minutes after the start."""

    act, operation = "noshow", "record_appointment_no_show"

    def perform(self, row: Appointment, values: dict[str, Any]) -> Appointment:
        """Record it."""
        return record_no_show(**self.taken(appointment_id=row.pk))

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Record that the patient was not there."""
        return super().post(request, *args, **kwargs)
