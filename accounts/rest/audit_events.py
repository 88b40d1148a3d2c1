"""The audit record by REST, to be read by administrators; each look at it is on record too (S46 to S48)."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from accounts.audit.selectors import ACTIONS, audit_events
from accounts.models import AuditEvent
from accounts.permissions import Resource, Verb
from accounts.rest.fields import InstantFilter
from accounts.rest.pages import Pages
from accounts.rest.views import ListView, ObjectView, ResourceView

EXAMPLE = {
    "seq": 4711,
    "at": "2026-03-05T10:00:00.123456-05:00",
    "actor_type": "user",
    "actor_id": "7c6b5a49-3827-4615-8f0e-1d2c3b4a5968",
    "patient_ids": ["5d1d3c5e-7a55-4c0a-8a5c-9a3f0f1c2b3a"],
    "action": "appointment.read",
    "object_type": "appointment",
    "object_id": "0b7e8c1e-6f0e-4b53-9c11-3a5a8f1f2d10",
    "surface": "api",
    "address": "192.0.2.7",
    "request_id": "5f0c6a2e9b7d4c1f8e3a",
    "outcome": "ok",
    "reason": "",
    "changes": {},
}


class AuditEventOutput(serializers.ModelSerializer[AuditEvent]):
    """One thing that somebody did."""

    example: ClassVar[dict[str, Any]] = EXAMPLE

    patient_ids = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Whom it was about."
    )
    changes = serializers.DictField(
        read_only=True,
        help_text="By field, the value before and after; a keyed hash where it tells of a person.",
    )

    class Meta:
        model = AuditEvent
        fields = tuple(EXAMPLE)
        read_only_fields = tuple(EXAMPLE)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "at": {"help_text": "When, to the microsecond."},
            "actor_type": {"help_text": "Who, by kind."},
            "seq": {"help_text": "Rises with each event."},
            "actor_id": {"help_text": "The id of the person, the key or the call."},
            "action": {"help_text": "What was done, such as `appointment.read`."},
            "object_type": {"help_text": "To what kind of record."},
            "object_id": {"help_text": "To which record; empty for a list."},
            "surface": {"help_text": "Where: dashboard, admin, api, ws, call, cli and others."},
            "address": {"help_text": "From which address."},
            "request_id": {"help_text": "Of the request, or Twilio's id of the call."},
            "outcome": {"help_text": "`ok`, or why it was refused."},
            "reason": {"help_text": "What was given as a reason."},
        }


class EventFilters(django_filters.FilterSet):
    """By whom, about whom, what, and when."""

    actor = django_filters.CharFilter(
        method="by",
        label="The id of a person, a key or a call, or `user`, `key`, `call`, `system`.",
    )
    patient = django_filters.UUIDFilter(method="about", label="The patient's id.")
    action = django_filters.CharFilter(
        method="doing", label=f"Such as `appointment.read`, or one of {', '.join(ACTIONS)}."
    )
    outcome = django_filters.CharFilter(label="Such as `ok` or `forbidden`.")
    surface = django_filters.CharFilter(label="Such as `api` or `call`.")

    def by(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to one actor, or to a kind of actors."""
        return rows & audit_events(actor=value)

    def about(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Narrow to one patient."""
        return rows & audit_events(patient_ids=[str(value)])

    def doing(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to one action, or to a group of them."""
        return rows & audit_events(action=value) if value in ACTIONS else rows.filter(action=value)


EventFilters.base_filters["from"] = InstantFilter(
    field_name="at", lookup_expr="gte", label="At or after this date or instant."
)
EventFilters.base_filters["to"] = InstantFilter(
    field_name="at", lookup_expr="lt", label="Before this date or instant."
)


class PagesBySeq(Pages):
    """Pages of the record: every event has a number of its own, so nothing else decides."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        """Return the order."""
        return super().get_ordering(request, queryset, view)[:1]


class EventView(ResourceView):
    """What the views of the record share; the policy opens it to administrators, whole."""

    resource = Resource.AUDIT
    noun = "audit_event"
    output = AuditEventOutput

    def rows(self) -> QuerySet[AuditEvent]:
        """Return all events."""
        return audit_events()

    def visible(self, rows: QuerySet[Any], verb: Verb) -> QuerySet[Any]:
        """Return all of them."""
        return rows

    def patients_of(self, rows: Sequence[Any]) -> Iterable[Any]:
        """Return whom one event is about; a page of the record tells of events, not of what is in records."""
        return rows[0].patient_ids if len(rows) == 1 else ()


class Events(EventView, ListView):
    """Who did what, the latest first."""

    filterset_class = EventFilters
    pagination_class = PagesBySeq
    orderings = ("-seq", "seq")


class Event(EventView, ObjectView):
    """One event."""
