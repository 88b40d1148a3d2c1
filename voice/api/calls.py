"""Calls, to be read: who called, what came of it, how long it took and what it cost. Nothing of what was said."""

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from accounts.permissions import Resource, Verb
from accounts.rest.fields import InstantFilter, WordsFilter
from accounts.rest.views import ListView, ObjectView, ResourceView
from scheduling.selectors.sight import seen
from voice.models import CallLog

EXAMPLE = {
    "id": "6a1f9d2c-3b4e-4d5f-8a7b-9c8d7e6f5a4b",
    "call_sid": "CA00000000000000000000000000000001",
    "direction": "inbound",
    "from_number": "+12125550123",
    "to_number": "+12125550100",
    "caller_attested": True,
    "status": "completed",
    "outcome": "booked",
    "ended_reason": "caller_hung_up",
    "language": "en",
    "recording": "implied",
    "locked": False,
    "patient": "5d1d3c5e-7a55-4c0a-8a5c-9a3f0f1c2b3a",
    "appointments": ["0b7e8c1e-6f0e-4b53-9c11-3a5a8f1f2d10"],
    "prompt_version": "d4c3b2a1-0f9e-4d8c-b7a6-5f4e3d2c1b0a",
    "model": "gpt-realtime-2.1",
    "created_at": "2026-03-05T10:00:00-05:00",
    "started_at": "2026-03-05T10:00:01-05:00",
    "ended_at": "2026-03-05T10:02:30-05:00",
    "duration_s": 149,
    "cost_usd": "0.210000",
    "greeting_ms": 480,
    "answer_p50_ms": 640,
    "answer_p95_ms": 910,
    "malformed_frames": 0,
}


class CallOutput(serializers.ModelSerializer[CallLog]):
    """A phone call."""

    example: ClassVar[dict[str, Any]] = EXAMPLE

    class Meta:
        model = CallLog
        fields = tuple(EXAMPLE)
        read_only_fields = tuple(EXAMPLE)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "direction": {"help_text": "Who called whom."},
            "from_number": {"help_text": "Who called."},
            "to_number": {"help_text": "Who was called."},
            "ended_reason": {"help_text": "What ended it."},
            "recording": {"help_text": "Whether the caller agreed to a recording."},
            "model": {"help_text": "Which model spoke."},
            "started_at": {"help_text": "When it was answered; null until then."},
            "ended_at": {"help_text": "When it ended; null until then."},
            "call_sid": {"help_text": "Twilio's id of the call."},
            "caller_attested": {"help_text": "Whether the carrier vouches for the number."},
            "outcome": {"help_text": "What came of it, computed from what was stored."},
            "locked": {"help_text": "Whether too many tries to prove who calls have failed."},
            "patient": {"help_text": "Of whom the call was, once that was proved."},
            "appointments": {"help_text": "Visits that it booked, moved or cancelled."},
            "prompt_version": {"help_text": "The instructions that it was held with."},
            "duration_s": {"help_text": "In seconds."},
            "cost_usd": {"help_text": "In US dollars; null where it is not known."},
            "greeting_ms": {"help_text": "From the stream's start to the first sound."},
            "answer_p50_ms": {
                "help_text": "From the caller's last word to our first sound, median."
            },
            "answer_p95_ms": {"help_text": "The same, 95th percentile."},
            "malformed_frames": {"help_text": "Frames of the stream that made no sense."},
        }


class CallFilters(django_filters.FilterSet):
    """Of whom, when, and what came of it; a bound that is a date means the clinic's midnight."""

    patient = django_filters.UUIDFilter(field_name="patient_id", label="The patient's id.")
    appointment = django_filters.UUIDFilter(
        field_name="appointments", label="Calls that dealt with this visit: its id."
    )
    direction = WordsFilter(choices=CallLog.Direction.choices, label="One or several, by commas.")
    status = WordsFilter(choices=CallLog.Status.choices, label="One or several, by commas.")
    outcome = WordsFilter(choices=CallLog.Outcome.choices, label="One or several, by commas.")


CallFilters.base_filters["from"] = InstantFilter(
    field_name="created_at", lookup_expr="gte", label="Came at or after this date or instant."
)
CallFilters.base_filters["to"] = InstantFilter(
    field_name="created_at", lookup_expr="lt", label="Came before this date or instant."
)


class CallView(ResourceView):
    """What the views of calls share: which calls the sender may see."""

    resource = Resource.CALL
    noun = "call"
    output = CallOutput

    def rows(self) -> QuerySet[CallLog]:
        """Return all calls."""
        return CallLog.objects.prefetch_related("appointments")

    def visible(self, rows: QuerySet[Any], verb: Verb) -> QuerySet[Any]:
        """Return those rows with which the sender may do something."""
        return seen(rows, viewer=self.viewer, verb=verb, resource=self.resource)


class Calls(CallView, ListView):
    """Calls, the latest first. A nurse sees those of own patients."""

    filterset_class = CallFilters
    orderings = ("-created_at", "created_at")


class Call(CallView, ObjectView):
    """One call; what was said and done in it has addresses of its own."""
