"""Who cares for whom."""

from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from accounts.api_views import StrictSerializer
from accounts.permissions import Resource
from accounts.rest.views import CreatingListView, DeletingObjectView
from scheduling.api.base import SchedulingView, known
from scheduling.models import CareAssignment, Nurse, Patient
from scheduling.services.care import (
    change_assignment,
    create_assignment,
    delete_assignment,
    locked_assignment,
)

PRIMARY = "Whether this is the patient's primary nurse; who was it before stays assigned."
CLOSED = "Whether this nurse is never offered to this patient."
ASSIGNMENT = {
    "id": "6e7f8a9b-0c1d-4e2f-8a3b-4c5d6e7f8a9b",
    "patient": "5d1d3c5e-7a55-4c0a-8a5c-9a3f0f1c2b3a",
    "nurse": "9c3b1f6a-2d4e-4f5a-9b8c-7d6e5f4a3b2c",
    "primary": True,
    "closed": False,
    "created_at": "2026-03-05T10:00:00-05:00",
}


class CareAssignmentOutput(serializers.ModelSerializer[CareAssignment]):
    """That a nurse cares for a patient, or never does."""

    example: ClassVar[dict[str, Any]] = ASSIGNMENT

    class Meta:
        model = CareAssignment
        fields = tuple(ASSIGNMENT)
        read_only_fields = fields
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "primary": {"help_text": PRIMARY},
            "closed": {"help_text": CLOSED},
        }


class CareAssignmentChange(StrictSerializer):
    """What the nurse is to the patient."""

    example: ClassVar[dict[str, Any]] = {"primary": True}

    primary = serializers.BooleanField(required=False, help_text=PRIMARY)
    closed = serializers.BooleanField(required=False, help_text=CLOSED)


class CareAssignmentInput(CareAssignmentChange):
    """Who cares for whom."""

    example: ClassVar[dict[str, Any]] = {
        name: ASSIGNMENT[name] for name in ("patient", "nurse", "primary")
    }

    patient = serializers.UUIDField()
    nurse = serializers.UUIDField(help_text="An active nurse's id.")


class CareAssignmentFilters(django_filters.FilterSet):
    """Whose assignments, and which."""

    patient = django_filters.UUIDFilter(field_name="patient_id", label="The patient's id.")
    nurse = django_filters.UUIDFilter(field_name="nurse_id", label="The nurse's id.")
    primary = django_filters.BooleanFilter(label="Whether this is the primary nurse.")
    closed = django_filters.BooleanFilter(label=CLOSED)


class CareAssignmentView(SchedulingView):
    """What the views of assignments share."""

    resource = Resource.ASSIGNMENT
    noun = "care_assignment"
    output = CareAssignmentOutput

    def rows(self) -> QuerySet[CareAssignment]:
        """Return all assignments."""
        return CareAssignment.objects.all()

    def lock(self, pk: UUID) -> None:
        """Lock the patient, at whose row changes of assignments meet."""
        if CareAssignment.objects.filter(pk=pk).exists():
            locked_assignment(pk)


class CareAssignments(CareAssignmentView, CreatingListView):
    """
    Which nurses care for which patients, and who is closed to whom.

    There is one assignment of a nurse to a patient: a second one answers 409 `already_assigned`.
    """

    inputs = {"POST": CareAssignmentInput}
    filterset_class = CareAssignmentFilters

    def create(self, values: dict[str, Any]) -> CareAssignment:
        """Store a new one."""
        patient = known(Patient.objects.all(), values["patient"], "patient")
        nurse = known(Nurse.objects.filter(active=True), values["nurse"], "nurse")
        return create_assignment(
            patient_id=patient.pk,
            nurse_id=nurse.pk,
            primary=values.get("primary", False),
            closed=values.get("closed", False),
        )


class CareAssignmentObject(CareAssignmentView, DeletingObjectView):
    """
    One assignment.

    Who is made primary is closed no more, and who is closed is primary no more. Visits that are booked stay.
    """

    inputs = {"PATCH": CareAssignmentChange}

    def change(self, row: CareAssignment, values: dict[str, Any]) -> CareAssignment:
        """Store the change."""
        return change_assignment(
            assignment_id=row.pk, primary=values.get("primary"), closed=values.get("closed")
        )

    def remove(self, row: CareAssignment) -> None:
        """End it."""
        delete_assignment(assignment_id=row.pk)
