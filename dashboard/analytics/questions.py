"""What is asked of figures: a period of local days, and how it is to be parted."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers

from accounts.rest.fields import DayField
from scheduling.selectors.analytics.periods import By

USUAL_DAYS = 30
MOST_DAYS = 366
ONE_DAY = timedelta(days=1)

FROM = OpenApiParameter(
    "from",
    OpenApiTypes.DATE,
    description=f"The first day, on the clinic's calendar; {USUAL_DAYS} days before `to` unless told.",
    examples=[OpenApiExample("A day", value="2026-03-02")],
)
TO = OpenApiParameter(
    "to",
    OpenApiTypes.DATE,
    description=(
        f"The day after the last one; tomorrow unless told, so that today counts. At most {MOST_DAYS} days"
        " after `from`."
    ),
    examples=[OpenApiExample("A day", value="2026-03-09")],
)


class Question(serializers.Serializer[Any]):
    """The parameters of a report; `groupings` are those that it knows."""

    group_by = serializers.CharField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; one of them has the name of a word of the language."""
        days = {"from": DayField(required=False), "to": DayField(required=False)}
        return days | super().get_fields()

    def validate_group_by(self, value: str) -> By:
        """
        Return how the period is to be parted.

        Raises:
            ValidationError: the report cannot be parted like that.
        """
        known: Collection[By] = self.context["groupings"]
        if value not in known:
            raise serializers.ValidationError(f"Choose one of {', '.join(known)}.")
        return By(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """
        Return the first day and the day after the last.

        Raises:
            ValidationError: there is no day between them, or there are too many.
        """
        today: date = self.context["today"]
        end = attrs.get("to", today + ONE_DAY)
        first = attrs.get("from", end - USUAL_DAYS * ONE_DAY)
        if end <= first:
            raise serializers.ValidationError({"to": ["It has to lie after `from`."]})
        if end - first > MOST_DAYS * ONE_DAY:
            raise serializers.ValidationError({"to": [f"A period has at most {MOST_DAYS} days."]})
        return {"first": first, "end": end, "by": attrs.get("group_by")}


def group_by(groupings: Collection[By]) -> OpenApiParameter:
    """Return the parameter that parts a report."""
    return OpenApiParameter(
        "group_by",
        str,
        enum=list(map(str, groupings)),
        description="Parts the period; without it there is the total alone.",
    )
