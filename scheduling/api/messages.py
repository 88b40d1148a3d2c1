"""
Messages to patients and nurses: what was sent, when, and whether it arrived.

They are written by what happens to visits and offers, in fixed words that tell of no person and no reason (S55).
Nobody sends words of their own: what staff can have sent is when a visit is.
"""

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponseBase
from rest_framework import serializers, status
from rest_framework.request import Request

from accounts.api_views import StrictSerializer
from accounts.permissions import Resource
from accounts.rest.fields import InstantFilter, WordsFilter
from accounts.rest.views import CreatingListView, Done, ObjectView
from scheduling.api.base import SchedulingView, known
from scheduling.models import Appointment, Message
from scheduling.services.details import send_details

EXAMPLE = {
    "id": "e2a6d7b4-1f3c-4c58-9b7a-6d5e4f3a2b1c",
    "channel": "sms",
    "kind": "confirmation",
    "patient": "5d1d3c5e-7a55-4c0a-8a5c-9a3f0f1c2b3a",
    "nurse": None,
    "appointment": "0b7e8c1e-6f0e-4b53-9c11-3a5a8f1f2d10",
    "to": "+12125550123",
    "language": "en",
    "subject": "",
    "body": "Carematix: you are booked for Fri Mar 6, 9:00 am. Call 212-555-0100. Reply STOP to opt out.",
    "status": "delivered",
    "due_at": "2026-03-05T10:00:00-05:00",
    "expires_at": "2026-03-06T09:00:00-05:00",
    "attempts": 1,
    "error_code": "",
    "sent_at": "2026-03-05T10:00:02-05:00",
    "created_at": "2026-03-05T10:00:00-05:00",
}


class MessageOutput(serializers.ModelSerializer[Message]):
    """A message and what became of it."""

    example: ClassVar[dict[str, Any]] = EXAMPLE

    class Meta:
        model = Message
        fields = tuple(EXAMPLE)
        read_only_fields = tuple(EXAMPLE)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "channel": {"help_text": "By text or by e-mail."},
            "kind": {"help_text": "What it tells."},
            "to": {"help_text": "The number or address."},
            "body": {"help_text": "The words, as they are sent."},
            "due_at": {"help_text": "When it is to be sent."},
            "expires_at": {"help_text": "After that it is no longer sent."},
            "attempts": {"help_text": "How often it was tried."},
            "error_code": {"help_text": "Why it did not arrive."},
            "sent_at": {"help_text": "When the carrier took it."},
        }


class MessageInput(StrictSerializer):
    """Of which visit the patient is to be told once more."""

    example: ClassVar[dict[str, Any]] = {"appointment": EXAMPLE["appointment"]}

    appointment = serializers.UUIDField(help_text="The visit's id. It is booked and ahead.")
    channel = serializers.ChoiceField(
        choices=Message.Channel.choices,
        required=False,
        help_text="By text or by e-mail; without it the way that the patient prefers.",
    )


class MessageFilters(django_filters.FilterSet):
    """To whom, of what, and what became of it."""

    patient = django_filters.UUIDFilter(field_name="patient_id", label="The patient's id.")
    nurse = django_filters.UUIDFilter(field_name="nurse_id", label="The nurse's id.")
    appointment = django_filters.UUIDFilter(field_name="appointment_id", label="The visit's id.")
    channel = WordsFilter(choices=Message.Channel.choices, label="One or several, by commas.")
    kind = WordsFilter(choices=Message.Kind.choices, label="One or several, by commas.")
    status = WordsFilter(choices=Message.Status.choices, label="One or several, by commas.")


MessageFilters.base_filters["from"] = InstantFilter(
    field_name="due_at", lookup_expr="gte", label="Due at or after this date or instant."
)
MessageFilters.base_filters["to"] = InstantFilter(
    field_name="due_at", lookup_expr="lt", label="Due before this date or instant."
)


class MessageView(SchedulingView):
    """What the views of messages share."""

    resource = Resource.MESSAGE
    noun = "message"
    output = MessageOutput

    def rows(self) -> QuerySet[Message]:
        """Return all messages."""
        return Message.objects.all()


class Messages(MessageView, CreatingListView):
    """Texts and e-mails to patients and nurses, the latest first. A nurse sees those of own patients and own ones."""

    inputs = {"POST": MessageInput}
    filterset_class = MessageFilters
    orderings = ("-created_at", "created_at", "-due_at", "due_at")

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """
        Tell a patient once more when a visit is.

        Of each state of the visit once by each way, else 409 `limit_reached`; without the patient's consent 409
        `not_reachable`. At night a text waits for the morning.
        """
        values = self.read_body()

        def work() -> Done:
            visit = known(Appointment.objects.all(), values["appointment"], "appointment")
            message = send_details(
                appointment_id=visit.pk, channel=values.get("channel", ""), now=self.now
            )
            self.record("created", [message])
            return status.HTTP_201_CREATED, message

        response = self.once(work)
        response["Location"] = f"{request.path}{response.data['id']}/"
        return response


class MessageObject(MessageView, ObjectView):
    """One message."""
