"""Free times, computed for whoever asks (scheduling reference, sections 2 and 9): nothing here is stored or kept."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, Subquery
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_views import StrictSerializer
from accounts.origin import sender_of
from accounts.permissions import Resource, Verb
from accounts.rest.fields import instant_of
from accounts.rest.views import SURFACE
from scheduling.api.base import UNKNOWN, SchedulingView
from scheduling.clock import clinic_zone
from scheduling.exceptions import NotAvailable
from scheduling.models import Patient, VisitType
from scheduling.selectors.openings import PARTS, Openings, find_openings
from scheduling.selectors.sight import seen

USUAL_RANGE = timedelta(days=14)
LONGEST_RANGE = timedelta(days=62, hours=2)
"""62 days of any clock, changes of the clocks included."""
MOST = 100
EXAMPLE_SLOT = {
    "start": "2026-03-06T09:00:00-05:00",
    "end": "2026-03-06T09:30:00-05:00",
    "nurse": "9c3b1f6a-2d4e-4f5a-9b8c-7d6e5f4a3b2c",
    "visit_type": "routine",
}


@extend_schema_field(
    {"anyOf": [{"type": "string", "format": kind} for kind in ("date", "date-time")]}
)
class MomentField(serializers.DateTimeField):
    """A date, which means the clinic's midnight, or an instant with an offset."""

    def to_internal_value(self, value: Any) -> datetime:
        """Return the instant in UTC, or refuse what is none."""
        try:
            return instant_of(str(value))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class SlotsQuery(StrictSerializer):
    """What is asked for."""

    nurse = serializers.UUIDField(required=False, help_text="Only with this nurse: an id.")
    patient = serializers.UUIDField(
        required=False,
        help_text="For this patient: an id. Own visits are in the way, closed nurses are left out.",
    )
    specialization = serializers.UUIDField(
        required=False, help_text="Only with nurses who have this specialization: an id."
    )
    visit_type = serializers.CharField(
        required=False, default="routine", max_length=40, help_text="A code or an id."
    )
    part_of_day = serializers.ChoiceField(
        choices=list(PARTS), required=False, help_text="By the patient's clock, or the clinic's."
    )
    language = serializers.CharField(
        required=False, max_length=8, help_text="Only with nurses who speak it, such as `es`."
    )
    order = serializers.ChoiceField(
        choices=["start", "care"],
        required=False,
        default="start",
        help_text="`care` puts the patient's own nurses first.",
    )
    limit = serializers.IntegerField(
        required=False, default=MOST, min_value=1, max_value=MOST, help_text="How many at most."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; one of them has a name that Python keeps for itself."""
        since = MomentField(
            required=False, help_text="Begins at or after this date or instant; now unless told."
        )
        until = MomentField(
            required=False,
            help_text="Begins before this date or instant; two weeks later unless told, 62 days at most.",
        )
        return super().get_fields() | {"from": since, "to": until}


class SlotOutput(serializers.Serializer[Any]):
    """A time at which the visit could be booked now."""

    example: ClassVar[dict[str, Any]] = EXAMPLE_SLOT

    start = serializers.DateTimeField(help_text="What a booking names.")
    end = serializers.DateTimeField(help_text="When the visit would end.")
    nurse = serializers.UUIDField(source="nurse_id")
    visit_type = serializers.CharField(help_text="Code of the kind of visit.")


class SlotsOutput(serializers.Serializer[Any]):
    """Free times in order; without any, `reason` says which rule left none."""

    example: ClassVar[dict[str, Any]] = {"results": [EXAMPLE_SLOT], "reason": ""}

    results = SlotOutput(many=True, source="slots", help_text="In order.")
    reason = serializers.CharField(
        help_text=(
            "Empty, or `no_hours`, `notice`, `license`, `fully_booked`, `gap_too_short` or `cap`: the rule that the"
            " nurse who came nearest did not meet."
        )
    )


class Slots(SchedulingView):
    """
    Free times.

    Each is a start at which `POST appointments/` would book now; it is kept for nobody, see `slot-holds`. All starts
    of the range are listed in order, up to the limit; ask again from a later instant for more.
    """

    resource = Resource.CALENDAR
    verbs = {"GET": Verb.LIST, "HEAD": Verb.LIST}
    noun, operation = "slot", "list_slots"
    output = SlotsOutput
    answers: ClassVar[dict[str, Any]] = {"GET": {200: SlotsOutput}}
    schema_parameters: ClassVar[dict[str, Any]] = {"GET": [SlotsQuery]}
    parameters = frozenset(SlotsQuery().fields)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """List free times."""
        query = SlotsQuery(data=dict(request.query_params.items()))
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        with transaction.atomic():
            found = self.found(asked)
            self.record_search(asked.get("patient"))
        return Response(SlotsOutput(found).data)

    def found(self, asked: Mapping[str, Any]) -> Openings:
        """
        Return the free times.

        Raises:
            ValidationError: the range is none, or a patient or kind of visit is unknown.
        """
        now = self.now
        since = asked.get("from", now)
        until = asked.get("to", since + USUAL_RANGE)
        if not since < until <= since + LONGEST_RANGE:
            raise serializers.ValidationError(
                {"to": ["The range ends after its beginning, and within 62 days of it."]}
            )
        try:
            code, zone = self.named(asked)
            return find_openings(
                now=now,
                since=since,
                until=until,
                visit_type=code,
                patient_id=asked.get("patient"),
                nurse_ids=[asked["nurse"]] if "nurse" in asked else None,
                specialization_id=asked.get("specialization"),
                language=asked.get("language"),
                part_of_day=asked.get("part_of_day"),
                zone=zone,
                limit=asked["limit"],
                order=asked["order"],
            )
        except NotAvailable as error:
            raise serializers.ValidationError({"visit_type": [error.detail]}) from error

    def named(self, asked: Mapping[str, Any]) -> tuple[str, ZoneInfo | None]:
        """
        Return the code of the kind of visit, and the zone of the patient's clock: in one statement, if any is needed.

        Who may see which nurses care for a patient may ask when one of them is free for the patient.

        Raises:
            ValidationError: there is no such kind of visit, or no such patient for this sender.
        """
        text, patient_id = asked["visit_type"], asked.get("patient")
        kind = as_id(text)
        if kind is None and patient_id is None:
            return text, None
        patients = seen(
            Patient.objects.filter(pk__in=[patient_id] if patient_id else []),
            viewer=self.viewer,
            verb=Verb.READ,
            resource=Resource.ASSIGNMENT,
        )
        rows = VisitType.objects.filter(Q(code=text) if kind is None else Q(pk=kind))
        zone = Subquery(patients.order_by().values("time_zone")[:1])
        found = rows.annotate(zone=zone).values_list("code", "zone").first()
        if found is None:
            raise NotAvailable("There is no such kind of visit.")
        if patient_id is None:
            return found[0], None
        if found[1] is None:
            raise serializers.ValidationError({"patient": [UNKNOWN]})
        return found[0], zone_named(found[1])

    def record_search(self, patient_id: UUID | None) -> None:
        """Write the audit event: for which patient somebody looked."""
        origin = sender_of(self.request, surface=SURFACE)
        assert origin is not None
        origin.record(
            action="slots.list",
            object_type="slot",
            patient_ids=[str(patient_id)] if patient_id else [],
        )


def as_id(text: str) -> UUID | None:
    """Return the id that a text is, if it is one."""
    try:
        return UUID(text)
    except ValueError:
        return None


def zone_named(name: str) -> ZoneInfo:
    """Return the zone of a patient's clock: the clinic's, if no other is known."""
    return ZoneInfo(name) if name else clinic_zone()
