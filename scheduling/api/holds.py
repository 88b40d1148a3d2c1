"""Times kept while somebody decides (scheduling reference, section 6): own ones, for two minutes at most."""

from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.http import HttpResponseBase
from rest_framework import serializers, status
from rest_framework.request import Request

from accounts.api_views import StrictSerializer
from accounts.models import ApiKey, User
from accounts.permissions import Resource, Verb
from accounts.rest.fields import InstantField, WordsFilter
from accounts.rest.views import CreatingListView, DeletingObjectView, Done
from scheduling.api.base import SchedulingView, VisitTypeField, known
from scheduling.models import Nurse, Patient, SlotHold
from scheduling.services.holds import HOLD_SECONDS, lock_with_holds, release_holds
from scheduling.services.kept_times import keep_time

State = SlotHold.State
EXAMPLE = {
    "id": "7d0c7a52-3c39-4f1f-8a35-0c9d2a4e6b18",
    "nurse": "9c3b1f6a-2d4e-4f5a-9b8c-7d6e5f4a3b2c",
    "patient": "5d1d3c5e-7a55-4c0a-8a5c-9a3f0f1c2b3a",
    "visit_type": "routine",
    "start": "2026-03-06T09:00:00-05:00",
    "end": "2026-03-06T09:30:00-05:00",
    "state": "live",
    "expires_at": "2026-03-05T10:02:00-05:00",
    "created_at": "2026-03-05T10:00:00-05:00",
}


class SlotHoldOutput(serializers.ModelSerializer[SlotHold]):
    """A time that is, or was, kept."""

    example: ClassVar[dict[str, Any]] = EXAMPLE

    visit_type = VisitTypeField(read_only=True, help_text="Code of the kind of visit.")
    state = serializers.ChoiceField(
        choices=State.choices,
        source="state_now",
        read_only=True,
        help_text="`live` keeps the time; `used` became a visit; the others keep nothing.",
    )

    class Meta:
        model = SlotHold
        fields = tuple(EXAMPLE)
        read_only_fields = tuple(EXAMPLE)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "expires_at": {"help_text": "From then on it keeps nothing."},
        }


class SlotHoldInput(StrictSerializer):
    """Which time is to be kept."""

    example: ClassVar[dict[str, Any]] = {
        "nurse": EXAMPLE["nurse"],
        "start": EXAMPLE["start"],
        "visit_type": "routine",
        "patient": EXAMPLE["patient"],
        "seconds": HOLD_SECONDS,
    }

    nurse = serializers.UUIDField()
    start = InstantField(help_text="As `slots` names it: RFC 3339 with an offset, a whole minute.")
    visit_type = VisitTypeField(
        required=False, default="routine", max_length=40, help_text="A code or an id."
    )
    patient = serializers.UUIDField(
        required=False, help_text="For whom, if that is known; own visits are in the way."
    )
    seconds = serializers.IntegerField(
        required=False,
        default=HOLD_SECONDS,
        min_value=1,
        max_value=HOLD_SECONDS,
        help_text="How long the time is kept.",
    )


class HoldFilters(django_filters.FilterSet):
    """By nurse, patient and state."""

    nurse = django_filters.UUIDFilter(field_name="nurse_id", label="The nurse's id.")
    patient = django_filters.UUIDFilter(field_name="patient_id", label="The patient's id.")
    state = WordsFilter(
        field_name="state_now", choices=State.choices, label="One or several, by commas."
    )


class HoldView(SchedulingView):
    """What the views of holds share."""

    resource = Resource.APPOINTMENT
    noun, plural = "slot_hold", "slot_holds"
    output = SlotHoldOutput

    def rows(self) -> QuerySet[SlotHold]:
        """Return all holds, each with the state that it has now."""
        lapsed = When(Q(state=State.LIVE, expires_at__lte=self.now), then=Value(State.EXPIRED))
        state_now = Case(lapsed, default=F("state"), output_field=CharField())
        return SlotHold.objects.select_related("visit_type").annotate(state_now=state_now)

    def visible(self, rows: QuerySet[Any], verb: Verb) -> QuerySet[Any]:
        """Return the sender's own holds; those of calls and of others are nobody's business."""
        return super().visible(rows, verb).filter(owner__startswith=f"{self.actor}/")

    def lock(self, pk: UUID) -> None:
        """Lock the nurse before the hold, in the order of the services."""
        own = SlotHold.objects.filter(pk=pk, owner__startswith=f"{self.actor}/")
        owner = own.values_list("owner", flat=True).first()
        if owner is not None:
            lock_with_holds([], owner=owner)


class Holds(HoldView, CreatingListView):
    """
    Times kept for you.

    While it lives nobody else can book the time; `POST appointments/` with `hold` books it. After `seconds` it keeps
    nothing. You can keep twenty times at once.
    """

    inputs = {"POST": SlotHoldInput}
    filterset_class = HoldFilters

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Keep a time."""
        values = self.read_body()

        def work() -> Done:
            sender = self.request.user
            assert isinstance(sender, User | ApiKey)
            nurse = known(Nurse.objects.all(), values["nurse"], "nurse")
            if "patient" in values:
                known(Patient.objects.all(), values["patient"], "patient")
            row = keep_time(
                sender=sender,
                actor=self.actor,
                nurse_id=nurse.pk,
                start=values["start"],
                visit_type=values["visit_type"],
                patient_id=values.get("patient"),
                seconds=values["seconds"],
                now=self.now,
            )
            self.record("created", [row])
            return status.HTTP_201_CREATED, self.rows().get(pk=row.pk)

        response = self.once(work)
        response["Location"] = f"{request.path}{response.data['id']}/"
        return response


class HoldObject(HoldView, DeletingObjectView):
    """One time kept for you; to delete it is to give it up, and it stays readable for a while."""

    verbs = {"GET": Verb.READ, "HEAD": Verb.READ, "DELETE": Verb.DELETE}

    def remove(self, row: SlotHold) -> None:
        """Give it up; what keeps nothing any more stays as it is."""
        release_holds(owner=row.owner, now=self.now)
