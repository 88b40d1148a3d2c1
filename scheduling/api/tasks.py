"""Work for the clinic's people: call-backs, alarms, duplicates, visits to decide on."""

from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponseBase
from rest_framework import serializers, status
from rest_framework.request import Request

from accounts.api_views import StrictSerializer
from accounts.models import User
from accounts.permissions import Resource
from accounts.rest.fields import InstantField, InstantFilter, WordsFilter
from accounts.rest.views import ActView, ChangingObjectView, CreatingListView, Done
from scheduling.api.base import SchedulingView, known
from scheduling.models import Patient, Source, StaffTask
from scheduling.services.tasks import change_task, complete_task, take_message

LONGEST_TEXT = 2000
EXAMPLE = {
    "id": "b1c9d8e7-5a4b-4c3d-8e2f-1a0b9c8d7e6f",
    "kind": "message",
    "topic": "medication",
    "text": "Wants to know when the nurse comes.",
    "callback_number": "+12125550123",
    "urgency": "today",
    "patient": "5d1d3c5e-7a55-4c0a-8a5c-9a3f0f1c2b3a",
    "appointment": None,
    "status": "open",
    "due_at": "2026-03-05T12:00:00-05:00",
    "source": "dashboard",
    "created_at": "2026-03-05T10:00:00-05:00",
    "done_at": None,
    "done_by": None,
}


class StaffTaskOutput(serializers.ModelSerializer[StaffTask]):
    """Something that people have to do, or have done."""

    example: ClassVar[dict[str, Any]] = EXAMPLE

    class Meta:
        model = StaffTask
        fields = tuple(EXAMPLE)
        read_only_fields = tuple(EXAMPLE)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "kind": {"help_text": "What is to be done."},
            "text": {"help_text": "What it is about."},
            "callback_number": {"help_text": "Whom to call."},
            "urgency": {"help_text": "How soon."},
            "due_at": {"help_text": "By when."},
            "done_at": {"help_text": "When it was done."},
            "topic": {"help_text": "In one or two words, such as `medication`."},
            "done_by": {"help_text": "The id of the account of whoever did it."},
        }


class StaffTaskInput(StrictSerializer):
    """Somebody is to be called back."""

    example: ClassVar[dict[str, Any]] = {
        name: EXAMPLE[name] for name in ("topic", "text", "callback_number", "urgency", "patient")
    }

    text = serializers.CharField(max_length=LONGEST_TEXT, help_text="What it is about.")
    topic = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=24,
        help_text="In one or two words.",
    )
    callback_number = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=64,
        help_text="Whom to call.",
    )
    urgency = serializers.ChoiceField(
        choices=[StaffTask.Urgency.ROUTINE, StaffTask.Urgency.TODAY],
        required=False,
        default=StaffTask.Urgency.ROUTINE,
        help_text="By when it is due follows from it and from the staffed hours.",
    )
    patient = serializers.UUIDField(required=False, allow_null=True, default=None)


class StaffTaskChange(StrictSerializer):
    """What may change of a task that is still to do."""

    example: ClassVar[dict[str, Any]] = {"urgency": "now", "due_at": "2026-03-05T11:00:00-05:00"}

    text = serializers.CharField(
        required=False, max_length=LONGEST_TEXT, help_text="What it is about."
    )
    topic = serializers.CharField(
        required=False, allow_blank=True, max_length=24, help_text="In one or two words."
    )
    callback_number = serializers.CharField(
        required=False, allow_blank=True, max_length=64, help_text="Whom to call."
    )
    urgency = serializers.ChoiceField(
        choices=StaffTask.Urgency.choices, required=False, help_text="How soon."
    )
    due_at = InstantField(required=False, help_text="By when.")


class TaskFilters(django_filters.FilterSet):
    """Of what kind, for whom, and by when."""

    patient = django_filters.UUIDFilter(field_name="patient_id", label="The patient's id.")
    appointment = django_filters.UUIDFilter(field_name="appointment_id", label="The visit's id.")
    kind = WordsFilter(choices=StaffTask.Kind.choices, label="One or several, by commas.")
    status = WordsFilter(choices=StaffTask.Status.choices, label="One or several, by commas.")
    urgency = WordsFilter(choices=StaffTask.Urgency.choices, label="One or several, by commas.")
    due_before = InstantFilter(
        field_name="due_at", lookup_expr="lt", label="Due before this date or instant."
    )


class TaskView(SchedulingView):
    """What the views of tasks share."""

    resource = Resource.STAFF_TASK
    noun = "staff_task"
    output = StaffTaskOutput

    def rows(self) -> QuerySet[StaffTask]:
        """Return all tasks."""
        return StaffTask.objects.all()


class Tasks(TaskView, CreatingListView):
    """What people have to do. One that is added is a call-back; the others are made by what happens."""

    inputs = {"POST": StaffTaskInput}
    filterset_class = TaskFilters
    orderings = ("due_at", "-due_at", "-created_at", "created_at")

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Have somebody called back."""
        values = self.read_body()

        def work() -> Done:
            if values["patient"] is not None:
                known(Patient.objects.all(), values["patient"], "patient")
            row = take_message(
                topic=values["topic"],
                text=values["text"],
                callback_number=values["callback_number"],
                urgency=values["urgency"],
                patient_id=values["patient"],
                source=Source.API,
                actor=self.actor,
                now=self.now,
            )
            self.record("created", [row])
            return status.HTTP_201_CREATED, self.rows().get(pk=row.pk)

        response = self.once(work)
        response["Location"] = f"{request.path}{response.data['id']}/"
        return response


class Task(TaskView, ChangingObjectView):
    """One task."""

    inputs = {"PATCH": StaffTaskChange}

    def change(self, row: StaffTask, values: dict[str, Any]) -> StaffTask:
        """Change it while it is still to do."""
        return change_task(task_id=row.pk, **values)


class Completion(TaskView, ActView):
    """That a task is done; a repetition changes nothing."""

    act, operation = "completed", "complete_staff_task"

    def perform(self, row: StaffTask, values: dict[str, Any]) -> StaffTask:
        """Note who did it."""
        return complete_task(task_id=row.pk, user_id=self.person, now=self.now)

    @property
    def person(self) -> UUID:
        """Return who asks; the policy opens tasks to people only."""
        user = self.request.user
        assert isinstance(user, User)
        return user.pk

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Note that a task is done."""
        return super().post(request, *args, **kwargs)
