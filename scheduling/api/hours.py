"""When nurses work: weekly windows, and changes of single dates and time off (scheduling reference, section 2)."""

from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet
from rest_framework import serializers

from accounts.permissions import Resource
from accounts.rest.fields import InstantFilter
from scheduling.api.hours_base import HoursListView, HoursObjectView, HoursView
from scheduling.api.inputs import RecordInput, TokenField
from scheduling.clock import clinic_zone
from scheduling.models import Availability, AvailabilityOverride

NURSE = "9c3b1f6a-2d4e-4f5a-9b8c-7d6e5f4a3b2c"
WINDOW = {
    "id": "3e0c5a4b-8f2d-4d6c-8f11-2a6b9c0d1e2f",
    "nurse": NURSE,
    "kind": "work",
    "weekday": 0,
    "start": "09:00:00",
    "end": "17:00:00",
    "valid_from": "2026-03-01",
    "valid_until": None,
}
TIME_OFF = {
    "id": "7a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
    "nurse": NURSE,
    "effect": "remove",
    "date": None,
    "start": None,
    "end": None,
    "starts_at": "2026-07-06T00:00:00-04:00",
    "ends_at": "2026-07-13T00:00:00-04:00",
    "note": "Vacation",
}
OF_WINDOW = {
    "kind": {"help_text": "`break` takes time out of the work windows of its weekday."},
    "weekday": {"help_text": "0 is Monday, 6 is Sunday."},
    "start": {"help_text": "By the nurse's clock, whole minutes."},
    "end": {"help_text": "Not after `start`: on the next day. 00:00 to 00:00 is the whole day."},
    "valid_from": {"help_text": "First date on which the window opens; null for no bound."},
    "valid_until": {"help_text": "Last date on which the window opens; null for no bound."},
}
OF_OVERRIDE = {
    "effect": {
        "help_text": "`add`, `remove` or `replace` the time of `date`; time off is `remove`."
    },
    "date": {"help_text": "The nurse's local date; null for time off over a range."},
    "start": {"help_text": "By the nurse's clock; null with `end`: the whole date."},
    "end": {"help_text": "By the nurse's clock; null with `start`: the whole date."},
    "starts_at": {"help_text": "Beginning of time off; null for a change of one date."},
    "ends_at": {"help_text": "End of time off; null for a change of one date."},
    "note": {"help_text": "For the clinic's own people."},
}


class AvailabilityOutput(serializers.ModelSerializer[Availability]):
    """A weekly window by the nurse's clock."""

    example: ClassVar[dict[str, Any]] = WINDOW

    class Meta:
        model = Availability
        fields = tuple(WINDOW)
        read_only_fields = fields
        extra_kwargs = OF_WINDOW


class AvailabilityInput(RecordInput):
    """What a weekly window needs."""

    example: ClassVar[dict[str, Any]] = {
        name: value for name, value in WINDOW.items() if name not in ("id", "valid_until")
    }

    token = TokenField()

    class Meta:
        model = Availability
        fields: tuple[str, ...] = (
            "nurse",
            "kind",
            "weekday",
            "start",
            "end",
            "valid_from",
            "valid_until",
            "token",
        )
        extra_kwargs = OF_WINDOW


class AvailabilityChange(AvailabilityInput):
    """What of a weekly window can be changed; it stays with its nurse."""

    example: ClassVar[dict[str, Any]] = {"end": "16:00:00"}

    class Meta(AvailabilityInput.Meta):
        fields = AvailabilityInput.Meta.fields[1:]


class OverrideOutput(serializers.ModelSerializer[AvailabilityOverride]):
    """A change of one nurse's hours: on one date, or time off over a range."""

    example: ClassVar[dict[str, Any]] = TIME_OFF

    class Meta:
        model = AvailabilityOverride
        fields = tuple(TIME_OFF)
        read_only_fields = fields
        extra_kwargs = OF_OVERRIDE


class OverrideInput(RecordInput):
    """A `date` with or without times, or for time off `starts_at` and `ends_at`."""

    example: ClassVar[dict[str, Any]] = {
        "nurse": NURSE,
        "effect": "remove",
        "starts_at": TIME_OFF["starts_at"],
        "ends_at": TIME_OFF["ends_at"],
        "note": "Vacation",
    }

    token = TokenField()

    class Meta:
        model = AvailabilityOverride
        fields: tuple[str, ...] = (
            "nurse", "effect", "date", "start", "end", "starts_at", "ends_at", "note", "token"
        )  # fmt: skip
        extra_kwargs = OF_OVERRIDE


class OverrideChange(OverrideInput):
    """What of a change of hours can be changed; it stays with its nurse."""

    example: ClassVar[dict[str, Any]] = {"ends_at": "2026-07-10T00:00:00-04:00"}

    class Meta(OverrideInput.Meta):
        fields = OverrideInput.Meta.fields[1:]


class AvailabilityFilters(django_filters.FilterSet):
    """Whose windows, and which."""

    nurse = django_filters.UUIDFilter(field_name="nurse_id", label="The nurse's id.")
    kind = django_filters.ChoiceFilter(
        choices=Availability.Kind.choices, label="`work` or `break`."
    )
    weekday = django_filters.NumberFilter(
        min_value=0, max_value=6, decimal_places=0, label="0 is Monday, 6 is Sunday."
    )


class OverrideFilters(django_filters.FilterSet):
    """Whose changes, of which kind, and when."""

    nurse = django_filters.UUIDFilter(field_name="nurse_id", label="The nurse's id.")
    effect = django_filters.ChoiceFilter(
        choices=AvailabilityOverride.Effect.choices, label="`add`, `remove` or `replace`."
    )

    def not_over(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Return what is still to come at an instant."""
        return rows.filter(
            Q(date__gte=value.astimezone(clinic_zone()).date()) | Q(ends_at__gt=value)
        )

    def begun(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Return what begins before an instant."""
        return rows.filter(
            Q(date__lt=value.astimezone(clinic_zone()).date()) | Q(starts_at__lt=value)
        )


OverrideFilters.base_filters["from"] = InstantFilter(
    method="not_over", label="Not over at this date or instant."
)
OverrideFilters.base_filters["to"] = InstantFilter(
    method="begun", label="Begins before this date or instant."
)


class AvailabilityView(HoursView):
    """What the views of weekly windows share."""

    resource = Resource.CALENDAR
    noun, plural = "availability", "availability"
    output = AvailabilityOutput

    def rows(self) -> QuerySet[Availability]:
        """Return all weekly windows."""
        return Availability.objects.all()


class AvailabilityList(AvailabilityView, HoursListView):
    """
    Weekly windows by the nurse's clock.

    A change that would leave booked visits outside the hours answers 409 `stale` with `token`, `orphaned` and
    `lost_holds`; the same request with that `token` does it. Visits are never moved by it: staff get a task for each.
    """

    inputs = {"POST": AvailabilityInput}
    filterset_class = AvailabilityFilters
    orderings = ("id", "-id")


class AvailabilityObject(AvailabilityView, HoursObjectView):
    """
    One weekly window.

    A nurse may change own ones. What would leave visits outside is refused as the list of windows says.
    """

    inputs = {"PATCH": AvailabilityChange}


class OverrideView(HoursView):
    """What the views of changes of hours share."""

    resource = Resource.CALENDAR
    noun = "availability_override"
    output = OverrideOutput

    def rows(self) -> QuerySet[AvailabilityOverride]:
        """Return all changes of hours."""
        return AvailabilityOverride.objects.all()


class Overrides(OverrideView, HoursListView):
    """
    Changes of hours on single dates, and time off.

    Time off is `remove` with `starts_at` and `ends_at`, over as many days as it takes. What would leave booked visits
    outside the hours answers 409 `stale` with `token`, `orphaned` and `lost_holds`; the same request with that `token`
    does it.
    """

    inputs = {"POST": OverrideInput}
    filterset_class = OverrideFilters
    orderings = ("id", "-id")


class OverrideObject(OverrideView, HoursObjectView):
    """
    One change of hours.

    A nurse may change own ones. What would leave visits outside is refused as the list of changes says.
    """

    inputs = {"PATCH": OverrideChange}
