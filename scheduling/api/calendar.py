"""The clinic's own calendar: kinds of visit, and days on which it is closed."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from accounts.permissions import Resource
from accounts.rest.views import CreatingListView, DeletingObjectView
from scheduling.api.base import SchedulingView
from scheduling.api.hours_base import HoursListView, HoursObjectView, HoursView
from scheduling.api.inputs import RecordInput, TokenField
from scheduling.models import Holiday, Nurse, VisitType
from scheduling.services.catalogue import retire_visit_type
from scheduling.services.records import store

HOLIDAY = {
    "id": "5b6c7d8e-9f0a-4b1c-8d2e-3f4a5b6c7d8e",
    "date": "2026-07-03",
    "name": "Independence Day (observed)",
}
KIND = {
    "id": "2c3d4e5f-6a7b-4c8d-9e0f-1a2b3c4d5e6f",
    "code": "wound_care",
    "name": "Wound care",
    "name_es": "Cuidado de heridas",
    "length_minutes": 45,
    "specialization": "8d9e0f1a-2b3c-4d4e-8f5a-6b7c8d9e0f1a",
    "bookable_by_phone": True,
    "in_patient_state": False,
    "continuity_patience_days": 7,
    "active": True,
}
OF_HOLIDAY = {
    "date": {"help_text": "By the clinic's calendar. Windows written for the date itself count."},
    "name": {"help_text": "What day it is."},
}
OF_KIND: Mapping[str, Mapping[str, Any]] = {
    "code": {"help_text": "How programs call it; it never changes."},
    "name": {"help_text": "How people call it, in English."},
    "name_es": {"help_text": "How people call it, in Spanish."},
    "length_minutes": {"min_value": 5, "max_value": 720, "help_text": "How long a visit lasts."},
    "specialization": {"help_text": "Only nurses with it make this visit; null: every nurse."},
    "bookable_by_phone": {"help_text": "Whether the phone assistant may book it."},
    "in_patient_state": {
        "help_text": "Whether the nurse's license must be of the state in which the patient lives."
    },
    "continuity_patience_days": {
        "help_text": "For how many days the primary nurse is worth waiting for."
    },
    "active": {"help_text": "Whether it is offered."},
}


class HolidayOutput(serializers.ModelSerializer[Holiday]):
    """A date on which the clinic is closed."""

    example: ClassVar[dict[str, Any]] = HOLIDAY

    class Meta:
        model = Holiday
        fields = tuple(HOLIDAY)
        read_only_fields = fields
        extra_kwargs = OF_HOLIDAY


class HolidayInput(RecordInput):
    """What a holiday needs."""

    example: ClassVar[dict[str, Any]] = {"date": HOLIDAY["date"], "name": HOLIDAY["name"]}

    token = TokenField()

    class Meta:
        model = Holiday
        fields = ("date", "name", "token")
        extra_kwargs = OF_HOLIDAY


class VisitTypeOutput(serializers.ModelSerializer[VisitType]):
    """A kind of visit."""

    example: ClassVar[dict[str, Any]] = KIND

    class Meta:
        model = VisitType
        fields = tuple(KIND)
        read_only_fields = fields
        extra_kwargs = OF_KIND


class VisitTypeInput(RecordInput):
    """What a kind of visit needs."""

    example: ClassVar[dict[str, Any]] = {
        "code": "wound_care",
        "name": "Wound care",
        "length_minutes": 45,
    }

    class Meta:
        model = VisitType
        fields = tuple(KIND)[1:]
        extra_kwargs = OF_KIND


class VisitTypeChange(VisitTypeInput):
    """What of a kind of visit can be changed; visits that are booked stay as they are."""

    example: ClassVar[dict[str, Any]] = {"length_minutes": 60}

    class Meta(VisitTypeInput.Meta):
        fields = tuple(KIND)[2:]


class VisitTypeFilters(django_filters.FilterSet):
    """Which kinds of visit."""

    code = django_filters.CharFilter(label="The code.")
    specialization = django_filters.UUIDFilter(
        field_name="specialization_id", label="The specialization's id."
    )
    bookable_by_phone = django_filters.BooleanFilter(
        label="Whether the phone assistant may book it."
    )
    active = django_filters.BooleanFilter(label="Whether it is offered.")


class HolidayFilters(django_filters.FilterSet):
    """Which holidays."""


HolidayFilters.base_filters["from"] = django_filters.DateFilter(
    field_name="date", lookup_expr="gte", label="On or after this date."
)
HolidayFilters.base_filters["to"] = django_filters.DateFilter(
    field_name="date", lookup_expr="lt", label="Before this date."
)


class HolidayView(HoursView):
    """What the views of holidays share."""

    resource = Resource.CALENDAR
    noun = "holiday"
    output = HolidayOutput

    def rows(self) -> QuerySet[Holiday]:
        """Return all holidays."""
        return Holiday.objects.all()


class Holidays(HolidayView, HoursListView):
    """
    Dates on which the clinic is closed.

    A holiday that would leave booked visits outside the hours answers 409 `stale` with `token`, `orphaned` and
    `lost_holds`; the same request with that `token` does it.
    """

    inputs = {"POST": HolidayInput}
    filterset_class = HolidayFilters
    orderings = ("date", "-date")


class HolidayObject(HolidayView, HoursObjectView):
    """
    One holiday.

    To move it to a date with booked visits is refused as the list of holidays says.
    """

    inputs = {"PATCH": HolidayInput}

    def nurses_of(self, pk: UUID) -> list[UUID]:
        """Return all nurses."""
        return list(Nurse.objects.order_by("id").values_list("pk", flat=True))


class VisitTypeView(SchedulingView):
    """What the views of kinds of visit share."""

    resource = Resource.CALENDAR
    noun = "visit_type"
    output = VisitTypeOutput

    def rows(self) -> QuerySet[VisitType]:
        """Return all kinds of visit."""
        return VisitType.objects.all()


class VisitTypes(VisitTypeView, CreatingListView):
    """Kinds of visit: how long they last, and which nurses make them."""

    inputs = {"POST": VisitTypeInput}
    filterset_class = VisitTypeFilters
    orderings = ("code", "-code", "name", "-name")

    def create(self, values: dict[str, Any]) -> VisitType:
        """Store a new one."""
        return store(VisitType(), values)


class VisitTypeObject(VisitTypeView, DeletingObjectView):
    """
    One kind of visit.

    To delete one of which there are visits is to take it out of use: `active` is false from then on.
    """

    inputs = {"PATCH": VisitTypeChange}

    def change(self, row: VisitType, values: dict[str, Any]) -> VisitType:
        """Store the change."""
        return store(row, values)

    def remove(self, row: VisitType) -> None:
        """Delete it, or take it out of use."""
        retire_visit_type(row)
