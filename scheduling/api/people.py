"""Patients and their conditions. Names, numbers and birth dates travel in bodies, never in addresses (S53)."""

from collections.abc import Mapping
from typing import Any, ClassVar

import django_filters
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request

from accounts.access import Viewer
from accounts.api_views import StrictSerializer
from accounts.permissions import Resource, Verb
from accounts.rest.fields import DayField, InstantFilter
from accounts.rest.views import ChangingObjectView, CreatingListView, ListView
from scheduling.api.base import SchedulingView, known
from scheduling.api.inputs import CONDITION, CapitalsField, RecordInput, StateField
from scheduling.models import CareAssignment, MedicalCondition, Patient
from scheduling.names import name_key
from scheduling.selectors.patient_search import Sought, patients_found
from scheduling.selectors.sight import seen
from scheduling.services.patients import change_patient, create_patient, write_condition

LONGEST_NOTE = 10_000
REASON = "registration_reason"
PATIENT = {
    "id": "5d1d3c5e-7a55-4c0a-8a5c-9a3f0f1c2b3a",
    "first_name": "Ana",
    "last_name": "Morales",
    "date_of_birth": "1958-04-12",
    "phone": "+12025550118",
    "second_phone": "",
    "email": "ana.morales@example.org",
    "postal_code": "10025",
    "state": "NY",
    "reference_number": "P-1042",
    "preferred_language": "es",
    "time_zone": "",
    "message_channel": "sms",
    "remind_48h": True,
    "remind_2h": True,
    "active": True,
    "deceased": False,
    "provisional": False,
    REASON: "",
    "created_at": "2026-03-05T10:00:00-05:00",
    "updated_at": "2026-03-05T10:00:00-05:00",
}
STAMPS = ("id", "created_at", "updated_at")
OF_PATIENT: Mapping[str, Mapping[str, Any]] = {
    "last_name": {"help_text": "Last name; empty for somebody who has only one."},
    "date_of_birth": {"help_text": "Date of birth."},
    "second_phone": {"help_text": "Another number in E.164."},
    "postal_code": {"help_text": "Postal code of the home."},
    "state": {"help_text": "State of the home, two letters; decides which license counts."},
    "reference_number": {"help_text": "The clinic's own number of the patient, once."},
    "preferred_language": {"help_text": "Language of messages and calls."},
    "time_zone": {
        "help_text": "By whose clock visits are told, an IANA name; empty: the clinic's."
    },
    "message_channel": {
        "help_text": "How the patient wants to be told of visits; a consent is needed besides."
    },
    "remind_48h": {"help_text": "Whether to remind two days before a visit."},
    "remind_2h": {"help_text": "Whether to remind two hours before a visit."},
    "active": {"help_text": "Whether the clinic cares for the patient."},
    "deceased": {"help_text": "Whether the patient has died; nobody is told of visits any more."},
    "provisional": {"help_text": "Registered by phone and not yet checked by staff."},
    REASON: {"help_text": "Why somebody was registered, in the words of the call."},
}
CONDITION_SHOWN = {
    "id": "1f2e3d4c-5b6a-4978-8695-a4b3c2d1e0f9",
    "patient": PATIENT["id"],
    "name": "Pressure ulcer of the heel",
    "code": "L89.61",
    "status": "active",
    "since": "2026-01-15",
    "notes": "Dressing every other day.",
    "created_at": "2026-03-05T10:00:00-05:00",
    "updated_at": "2026-03-05T10:00:00-05:00",
}
OF_CONDITION: Mapping[str, Mapping[str, Any]] = {
    "name": {"help_text": "What it is called."},
    "status": {"help_text": "`resolved` ends it; none is deleted."},
    "since": {"help_text": "Since when the patient has it; null: not known."},
    "notes": {"max_length": LONGEST_NOTE, "help_text": "For those who care for the patient."},
}
CODE = "Its ICD-10-CM code; empty: not coded."


class PatientOutput(serializers.ModelSerializer[Patient]):
    """A patient's record."""

    example: ClassVar[dict[str, Any]] = PATIENT

    class Meta:
        model = Patient
        fields = tuple(PATIENT)
        read_only_fields = fields
        extra_kwargs = OF_PATIENT


class PatientWithoutReason(PatientOutput):
    """A patient's record, for those who may not read the clinical one."""

    example: ClassVar[dict[str, Any]] = {
        name: value for name, value in PATIENT.items() if name != REASON
    }

    class Meta(PatientOutput.Meta):
        fields = tuple(name for name in PATIENT if name != REASON)
        read_only_fields = fields


class PatientInput(RecordInput):
    """What a patient's record needs."""

    example: ClassVar[dict[str, Any]] = {
        name: PATIENT[name]
        for name in ("first_name", "last_name", "date_of_birth", "phone", "state")
    }

    state = StateField(required=False, allow_blank=True, help_text=OF_PATIENT["state"]["help_text"])

    class Meta:
        model = Patient
        fields = tuple(name for name in PATIENT if name not in STAMPS)
        extra_kwargs = OF_PATIENT


class PatientChange(PatientInput):
    """What of a patient's record can be changed."""

    example: ClassVar[dict[str, Any]] = {"phone": "+12025550119", "provisional": False}


class SearchInput(StrictSerializer):
    """What is known of somebody: all of it has to be true, and something has to be said."""

    example: ClassVar[dict[str, Any]] = {"name": "morales ana", "date_of_birth": "1958-04-12"}

    name = serializers.CharField(
        required=False, max_length=200, help_text="Names or parts of them, in any spelling."
    )
    date_of_birth = DayField(required=False, help_text="Date of birth.")
    phone = serializers.CharField(
        required=False, max_length=32, help_text="First or second number, with its country code."
    )
    email = serializers.CharField(required=False, max_length=254)
    reference_number = serializers.CharField(
        required=False, max_length=24, help_text="The clinic's own number of the patient."
    )
    active = serializers.BooleanField(
        required=False, help_text="Whether the clinic cares for the patient."
    )

    def validate_name(self, name: str) -> str:
        """
        Refuse a name that no two spellings have in common.

        Raises:
            ValidationError: there is no letter in it.
        """
        if not name_key(name):
            raise serializers.ValidationError("Write a name.")
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """
        Refuse to look for everybody.

        Raises:
            ValidationError: nothing is known of anybody.
        """
        if not attrs.keys() - {"active"}:
            raise serializers.ValidationError(
                "Say a name, date of birth, phone, e-mail address or reference number."
            )
        return attrs


class PatientFilters(django_filters.FilterSet):
    """By ids and switches alone; who looks for a person asks `patients/search/`."""

    nurse = django_filters.UUIDFilter(
        method="cared_for", label="Id of a nurse who is assigned to the patient."
    )
    active = django_filters.BooleanFilter(label="Whether the clinic cares for the patient.")
    provisional = django_filters.BooleanFilter(
        label="Whether staff have still to check the record."
    )
    deceased = django_filters.BooleanFilter(label="Whether the patient has died.")
    preferred_language = django_filters.ChoiceFilter(
        choices=Patient.Language.choices, label="Language of messages and calls."
    )
    updated_since = InstantFilter(
        field_name="updated_at", lookup_expr="gte", label="Changed at or after this instant."
    )

    def cared_for(self, rows: QuerySet[Patient], name: str, value: Any) -> QuerySet[Patient]:
        """Return those to whom a nurse is assigned."""
        assigned = CareAssignment.objects.filter(nurse_id=value, closed=False)
        return rows.filter(Exists(assigned.filter(patient=OuterRef("pk"))))


class ConditionOutput(serializers.ModelSerializer[MedicalCondition]):
    """What a patient suffers from."""

    example: ClassVar[dict[str, Any]] = CONDITION_SHOWN

    class Meta:
        model = MedicalCondition
        fields = tuple(CONDITION_SHOWN)
        read_only_fields = fields
        extra_kwargs: ClassVar[dict[str, Any]] = {**OF_CONDITION, "code": {"help_text": CODE}}


class ConditionChange(RecordInput):
    """What of a condition can be changed; it stays with its patient."""

    example: ClassVar[dict[str, Any]] = {"status": "resolved"}

    code = CapitalsField(
        CONDITION,
        required=False,
        allow_blank=True,
        max_length=8,
        error_messages={"invalid": "Write an ICD-10-CM code, such as L89.61."},
        help_text=CODE,
    )

    class Meta:
        model = MedicalCondition
        fields: tuple[str, ...] = ("name", "code", "status", "since", "notes")
        extra_kwargs = OF_CONDITION


class ConditionInput(ConditionChange):
    """What a condition needs."""

    example: ClassVar[dict[str, Any]] = {
        name: CONDITION_SHOWN[name] for name in ("patient", "name", "code", "since")
    }

    patient = serializers.UUIDField()

    class Meta(ConditionChange.Meta):
        fields = ("patient", *ConditionChange.Meta.fields)


class ConditionFilters(django_filters.FilterSet):
    """Whose conditions, and which."""

    patient = django_filters.UUIDFilter(field_name="patient_id", label="The patient's id.")
    status = django_filters.ChoiceFilter(
        choices=MedicalCondition.Status.choices, label="`active` or `resolved`."
    )
    updated_since = InstantFilter(
        field_name="updated_at", lookup_expr="gte", label="Changed at or after this instant."
    )


class PatientView(SchedulingView):
    """What the views of patients share."""

    resource = Resource.PATIENT
    noun = "patient"
    output = PatientOutput

    def rows(self) -> QuerySet[Patient]:
        """Return all patients."""
        return Patient.objects.all()

    def patients_of(self, rows: Any) -> Any:
        """Return the ids of the patients themselves."""
        return {row.pk for row in rows}

    def output_for(self, viewer: Viewer) -> type[serializers.Serializer[Any]]:
        """Leave out why somebody was registered for those who may not read the clinical record."""
        clinical = viewer.may(Verb.READ, Resource.CLINICAL)
        return PatientOutput if clinical else PatientWithoutReason


class Patients(PatientView, CreatingListView):
    """
    Patients' records.

    Whoever looks for a person by name, number or birth date asks `POST patients/search/`.
    """

    inputs = {"POST": PatientInput}
    filterset_class = PatientFilters
    orderings = ("-created_at", "created_at", "-updated_at", "updated_at")

    def create(self, values: dict[str, Any]) -> Patient:
        """Store a new one."""
        return create_patient(values=values, now=self.now)


class PatientSearch(PatientView, ListView):
    """
    Patients by what people say of themselves.

    It changes nothing. The body is sent again, unchanged, to the address that `next` names.
    """

    verbs = {"POST": Verb.LIST}
    inputs = {"POST": SearchInput}
    answers: ClassVar[Mapping[str, Any]] = {"POST": {200: PatientOutput(many=True)}}
    orderings = ("-created_at", "created_at", "-updated_at", "updated_at")
    operation = "search_patients"

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find patients."""
        known_of = self.read_body()
        active = known_of.pop("active", None)
        with transaction.atomic():
            rows = self.visible(self.rows(), Verb.LIST)
            if active is not None:
                rows = rows.filter(active=active)
            page = self.paginate_queryset(patients_found(rows, sought=Sought(**known_of)))
            assert page is not None
            self.record("search", page, listed=True)
            shown = self.trimmed(self.shaped(page, many=True))
        return self.get_paginated_response(shown)


class PatientObject(PatientView, ChangingObjectView):
    """
    One patient's record.

    No record of a patient is deleted: `active` is set to false for whom the clinic cares no more. Reminders of visits
    ahead follow a change of number, language or choices.
    """

    inputs = {"PATCH": PatientChange}

    def change(self, row: Patient, values: dict[str, Any]) -> Patient:
        """Store the change."""
        return change_patient(patient_id=row.pk, values=values, now=self.now)


class ConditionView(SchedulingView):
    """What the views of conditions share."""

    resource = Resource.CLINICAL
    noun = "condition"
    output = ConditionOutput

    def rows(self) -> QuerySet[MedicalCondition]:
        """Return all conditions."""
        return MedicalCondition.objects.all()


class Conditions(ConditionView, CreatingListView):
    """What patients suffer from; to add a condition is to change the patient's clinical record."""

    verbs = {"GET": Verb.LIST, "HEAD": Verb.LIST, "POST": Verb.UPDATE}
    inputs = {"POST": ConditionInput}
    filterset_class = ConditionFilters
    orderings = ("-created_at", "created_at", "-updated_at", "updated_at")

    def create(self, values: dict[str, Any]) -> MedicalCondition:
        """Add one to a patient whose record the sender may change."""
        mine = seen(
            Patient.objects.all(), viewer=self.viewer, verb=Verb.UPDATE, resource=self.resource
        )
        patient = known(mine, values["patient"], "patient")
        return write_condition(values={**values, "patient": patient})


class ConditionObject(ConditionView, ChangingObjectView):
    """One condition; `status` says whether the patient still has it, for none is deleted."""

    inputs = {"PATCH": ConditionChange}

    def change(self, row: MedicalCondition, values: dict[str, Any]) -> MedicalCondition:
        """Store the change."""
        return write_condition(values=values, condition_id=row.pk)
