"""Nurses, and what they are trained for."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.serializers import BaseSerializer

from accounts.permissions import Reach, Resource, Verb
from accounts.rest.fields import InstantFilter
from accounts.rest.views import CreatingListView, DeletingObjectView
from scheduling.api.base import SchedulingView
from scheduling.api.hours_base import TOKEN, HoursListView, HoursObjectView, HoursView
from scheduling.api.inputs import (
    ConditionCodesField,
    LanguagesField,
    RecordInput,
    StateField,
    TokenField,
)
from scheduling.models import Nurse, Specialization
from scheduling.models.people import MAX_BUFFER_MINUTES, MAX_DAILY_CAP
from scheduling.services.catalogue import delete_specialization
from scheduling.services.nurses import change_nurse, create_nurse
from scheduling.services.records import store

MOST_SPECIALIZATIONS = 50
NURSE = {
    "id": "9c3b1f6a-2d4e-4f5a-9b8c-7d6e5f4a3b2c",
    "first_name": "Priya",
    "last_name": "Shah",
    "phone": "+12025550143",
    "email": "priya.shah@example.org",
    "notice_channel": "email",
    "license_number": "RN482913",
    "license_state": "NY",
    "license_expires_on": "2027-12-31",
    "specializations": ["8d9e0f1a-2b3c-4d4e-8f5a-6b7c8d9e0f1a"],
    "languages": ["en", "es"],
    "time_zone": "America/New_York",
    "buffer_before_minutes": 0,
    "buffer_after_minutes": 15,
    "slot_step_minutes": None,
    "slot_offset_minutes": 0,
    "daily_cap": 8,
    "active": True,
    "created_at": "2026-03-05T10:00:00-05:00",
    "updated_at": "2026-03-05T10:00:00-05:00",
}
STAMPS = ("id", "created_at", "updated_at")
SETTABLE = tuple(name for name in NURSE if name not in STAMPS)
OWN = (
    "phone", "email", "notice_channel", "buffer_before_minutes", "buffer_after_minutes",
    "slot_step_minutes", "slot_offset_minutes", "daily_cap",
)  # fmt: skip
OF_NURSE: Mapping[str, Mapping[str, Any]] = {
    "notice_channel": {
        "help_text": "How the nurse is told of new, moved and cancelled visits; empty: not at all."
    },
    "license_number": {"help_text": "Number of the nursing license, once in its state."},
    "license_state": {"help_text": "State of the nursing license, two letters."},
    "license_expires_on": {"help_text": "The last day on which the license is valid."},
    "languages": {"help_text": "Codes of the languages that the nurse speaks."},
    "time_zone": {"help_text": "By whose clock the nurse works, an IANA name."},
    "buffer_before_minutes": {
        "min_value": 0,
        "max_value": MAX_BUFFER_MINUTES,
        "help_text": "Kept free before each visit.",
    },
    "buffer_after_minutes": {
        "min_value": 0,
        "max_value": MAX_BUFFER_MINUTES,
        "help_text": "Kept free after each visit; buffers of neighbours add up.",
    },
    "slot_step_minutes": {
        "min_value": 5,
        "max_value": 240,
        "help_text": "Minutes between two possible starts; null: the clinic's.",
    },
    "slot_offset_minutes": {
        "min_value": 0,
        "max_value": 239,
        "help_text": "Minutes after the full hour at which possible starts begin.",
    },
    "daily_cap": {
        "min_value": 1,
        "max_value": MAX_DAILY_CAP,
        "help_text": "Most visits on one day; null: no limit.",
    },
    "active": {"help_text": "Whether the nurse makes visits."},
}
SPECIALIZATION = {
    "id": "8d9e0f1a-2b3c-4d4e-8f5a-6b7c8d9e0f1a",
    "code": "wound-care",
    "name": "Wound care",
    "condition_codes": ["L89", "L97"],
}
OF_SPECIALIZATION = {
    "code": {"help_text": "How programs call it; it never changes."},
    "name": {"help_text": "How people call it."},
}
SERVES = "Beginnings of ICD-10-CM codes of the conditions that it serves."


class NurseOutput(serializers.ModelSerializer[Nurse]):
    """A nurse, with license and rules of the calendar."""

    example: ClassVar[dict[str, Any]] = NURSE

    specializations = serializers.PrimaryKeyRelatedField[Any](
        many=True, read_only=True, help_text="Ids of what the nurse is trained for."
    )
    languages = LanguagesField(
        read_only=True, help_text="Codes of the languages that the nurse speaks."
    )

    class Meta:
        model = Nurse
        fields = tuple(NURSE)
        read_only_fields = fields
        extra_kwargs = OF_NURSE


class NurseInput(RecordInput):
    """What a nurse's record needs."""

    example: ClassVar[dict[str, Any]] = {
        name: NURSE[name]
        for name in (
            "first_name", "last_name", "email", "license_number", "license_state",
            "license_expires_on", "specializations", "languages", "time_zone",
        )
    }  # fmt: skip

    license_state = StateField(help_text="State of the nursing license, two letters.")
    specializations = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=MOST_SPECIALIZATIONS,
        required=False,
        help_text="Ids of what the nurse is trained for.",
    )
    languages = LanguagesField(
        required=False,
        allow_empty=False,
        help_text="Codes of the languages that the nurse speaks; English unless told.",
    )

    class Meta:
        model = Nurse
        fields: tuple[str, ...] = SETTABLE
        extra_kwargs = OF_NURSE


class NurseChange(NurseInput):
    """What of a nurse's record can be changed."""

    example: ClassVar[dict[str, Any]] = {"license_expires_on": "2028-12-31"}

    token = TokenField()

    class Meta(NurseInput.Meta):
        fields = (*SETTABLE, TOKEN)


class OwnCalendarChange(RecordInput):
    """What nurses change of their own record: how they are reached, and the rules of their calendar."""

    example: ClassVar[dict[str, Any]] = {"daily_cap": 6}

    token = TokenField()

    class Meta:
        model = Nurse
        fields = (*OWN, TOKEN)
        extra_kwargs = OF_NURSE


class NurseFilters(django_filters.FilterSet):
    """Which nurses."""

    active = django_filters.BooleanFilter(label="Whether the nurse makes visits.")
    specialization = django_filters.UUIDFilter(
        field_name="specializations__id", label="The specialization's id."
    )
    license_state = django_filters.CharFilter(
        lookup_expr="iexact", max_length=2, label="State of the license, two letters."
    )
    license_expires_before = django_filters.DateFilter(
        field_name="license_expires_on",
        lookup_expr="lt",
        label="The license ends before this date.",
    )
    updated_since = InstantFilter(
        field_name="updated_at", lookup_expr="gte", label="Changed at or after this instant."
    )


class SpecializationOutput(serializers.ModelSerializer[Specialization]):
    """What nurses are trained for."""

    example: ClassVar[dict[str, Any]] = SPECIALIZATION

    condition_codes = ConditionCodesField(read_only=True, help_text=SERVES)

    class Meta:
        model = Specialization
        fields = tuple(SPECIALIZATION)
        read_only_fields = fields
        extra_kwargs = OF_SPECIALIZATION


class SpecializationInput(RecordInput):
    """What a specialization needs."""

    example: ClassVar[dict[str, Any]] = {
        name: value for name, value in SPECIALIZATION.items() if name != "id"
    }

    condition_codes = ConditionCodesField(required=False, help_text=SERVES)

    class Meta:
        model = Specialization
        fields: tuple[str, ...] = ("code", "name", "condition_codes")
        extra_kwargs = OF_SPECIALIZATION


class SpecializationChange(SpecializationInput):
    """What of a specialization can be changed."""

    example: ClassVar[dict[str, Any]] = {"condition_codes": ["L89", "L97", "I83"]}

    class Meta(SpecializationInput.Meta):
        fields = ("name", "condition_codes")


class SpecializationFilters(django_filters.FilterSet):
    """Which specializations."""

    code = django_filters.CharFilter(label="The code.")


class NurseView(HoursView):
    """What the views of nurses share."""

    resource = Resource.CALENDAR
    noun = "nurse"
    output = NurseOutput

    def rows(self) -> QuerySet[Nurse]:
        """Return all nurses."""
        return Nurse.objects.prefetch_related("specializations")


class Nurses(NurseView, HoursListView):
    """Nurses: their licenses, what they are trained for, and the rules of their calendars."""

    inputs = {"POST": NurseInput}
    filterset_class = NurseFilters
    orderings = (
        "-created_at", "created_at", "-updated_at", "updated_at",
        "license_expires_on", "-license_expires_on",
    )  # fmt: skip

    def create(self, values: dict[str, Any]) -> Nurse:
        """Store a new one."""
        skills = values.get("specializations", ())
        rest = {name: value for name, value in values.items() if name != "specializations"}
        return create_nurse(values=rest, specializations=skills, **self.doer)


class NurseObject(NurseView, HoursObjectView):
    """
    One nurse.

    A change of license, time zone or `active`, and a deletion, that would leave booked visits outside answers 409
    `stale` with `token`, `orphaned` and `lost_holds`; the same request with that `token` does it. To delete a nurse is
    to end the work: `active` is false from then on. Nurses change some fields of their own record themselves.
    """

    inputs = {"PATCH": NurseChange}

    def nurses_of(self, pk: UUID) -> list[UUID]:
        """Return the nurse, if there is one."""
        return list(Nurse.objects.filter(pk=pk).values_list("pk", flat=True))

    def reader(self) -> type[BaseSerializer[Any]]:
        """Return what the body is read with: nurses change only a part of their own record."""
        own = self.viewer.reach(Verb.UPDATE, self.resource) is Reach.OWN
        return OwnCalendarChange if own else NurseChange

    def change(self, row: Nurse, values: dict[str, Any]) -> Nurse:
        """Store the change."""
        apart = ("specializations", TOKEN)
        return change_nurse(
            nurse_id=row.pk,
            values={name: value for name, value in values.items() if name not in apart},
            specializations=values.get("specializations"),
            token=values.get(TOKEN, ""),
            **self.doer,
        )

    def remove(self, row: Nurse) -> None:
        """End the nurse's work."""
        change_nurse(nurse_id=row.pk, values={"active": False}, token=self.token, **self.doer)


class SpecializationView(SchedulingView):
    """What the views of specializations share."""

    resource = Resource.CALENDAR
    noun = "specialization"
    output = SpecializationOutput

    def rows(self) -> QuerySet[Specialization]:
        """Return all specializations."""
        return Specialization.objects.all()


class Specializations(SpecializationView, CreatingListView):
    """What nurses can be trained for, and the conditions that it serves."""

    inputs = {"POST": SpecializationInput}
    filterset_class = SpecializationFilters
    orderings = ("code", "-code", "name", "-name")

    def create(self, values: dict[str, Any]) -> Specialization:
        """Store a new one."""
        return store(Specialization(), values)


class SpecializationObject(SpecializationView, DeletingObjectView):
    """
    One specialization.

    One that a nurse has, or a kind of visit needs, is not deleted: that answers 409 `in_use`.
    """

    inputs = {"PATCH": SpecializationChange}

    def change(self, row: Specialization, values: dict[str, Any]) -> Specialization:
        """Store the change."""
        return store(row, values)

    def remove(self, row: Specialization) -> None:
        """Delete it, if nothing needs it."""
        delete_specialization(row)
