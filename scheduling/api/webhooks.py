"""Which other systems are told of events, and what became of each event (scheduling reference, section 15)."""

from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponseBase
from rest_framework import serializers, status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from accounts.access import Viewer
from accounts.api_views import StrictSerializer
from accounts.permissions import Resource
from accounts.rest.fields import InstantFilter, WordsFilter
from accounts.rest.views import (
    ActView,
    CreatingListView,
    DeletingObjectView,
    Done,
    ListView,
    ObjectView,
)
from scheduling.api.base import SchedulingView
from scheduling.clock import real_now
from scheduling.models import WebhookDelivery, WebhookEndpoint
from scheduling.services.webhooks import (
    change_endpoint,
    create_endpoint,
    remove_endpoint,
    replay_delivery,
    rotate_secret,
    send_test_event,
)
from scheduling.webhooks.events import EVENT_TYPES, GROUPS

EVENTS = (*EVENT_TYPES, *GROUPS)
EXAMPLE = {
    "id": "c4d5e6f7-8192-4a3b-8c5d-6e7f8091a2b3",
    "name": "Records system",
    "description": "",
    "url": "https://records.example/hooks/carematix",
    "events": ["appointment.*"],
    "active": True,
    "previous_secret_until": None,
    "last_attempt_at": None,
    "created_at": "2026-03-05T10:00:00-05:00",
    "updated_at": "2026-03-05T10:00:00-05:00",
}
EXAMPLE_DELIVERY = {
    "id": "d5e6f708-91a2-4b3c-9d6e-7f8091a2b3c4",
    "endpoint": EXAMPLE["id"],
    "event_id": "e6f70819-a2b3-4c4d-8e7f-8091a2b3c4d5",
    "event_type": "appointment.booked",
    "sequence": 42,
    "status": "delivered",
    "attempts": 1,
    "due_at": "2026-03-05T10:00:00-05:00",
    "delivered_at": "2026-03-05T10:00:01-05:00",
    "response_status": 204,
    "error_code": "",
    "created_at": "2026-03-05T10:00:00-05:00",
}
SHOWN_ONCE = "whsec_" + "A" * 43 + "="


class WebhookEndpointOutput(serializers.ModelSerializer[WebhookEndpoint]):
    """An address that is told of events."""

    example: ClassVar[dict[str, Any]] = EXAMPLE

    events = serializers.ListField(
        child=serializers.ChoiceField(choices=EVENTS),
        read_only=True,
        help_text="Types or groups; none: all of them.",
    )

    class Meta:
        model = WebhookEndpoint
        fields = tuple(EXAMPLE)
        read_only_fields = tuple(EXAMPLE)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "url": {"help_text": "Where events are sent."},
            "active": {"help_text": "Whether anything is sent; switched off after many failures."},
            "previous_secret_until": {"help_text": "Until when the secret before signs besides."},
            "last_attempt_at": {"help_text": "When something was sent last."},
        }


class WebhookEndpointWithSecret(WebhookEndpointOutput):
    """An endpoint with the secret that its events are signed with: this once."""

    example: ClassVar[dict[str, Any]] = EXAMPLE | {"secret": SHOWN_ONCE}

    secret = serializers.CharField(
        source="shown_secret",
        read_only=True,
        help_text="Shown this once; a repetition has it empty. As Standard Webhooks writes it.",
    )

    class Meta(WebhookEndpointOutput.Meta):
        fields = (*WebhookEndpointOutput.Meta.fields, "secret")
        read_only_fields = fields


class WebhookDeliveryOutput(serializers.ModelSerializer[WebhookDelivery]):
    """One event on its way to one endpoint."""

    example: ClassVar[dict[str, Any]] = EXAMPLE_DELIVERY

    class Meta:
        model = WebhookDelivery
        fields = tuple(EXAMPLE_DELIVERY)
        read_only_fields = tuple(EXAMPLE_DELIVERY)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "event_type": {"help_text": "What happened."},
            "delivered_at": {"help_text": "When the other system took it."},
            "event_id": {"help_text": "The same on every try: `webhook-id`."},
            "sequence": {"help_text": "Later events of one thing have higher ones."},
            "attempts": {"help_text": "How often it was tried."},
            "due_at": {"help_text": "When it is tried next, or was tried last."},
            "response_status": {"help_text": "What the other system answered."},
            "error_code": {"help_text": "Why it did not arrive."},
        }


class WebhookEndpointInput(StrictSerializer):
    """Where events are to be sent, and which."""

    example: ClassVar[dict[str, Any]] = {
        name: EXAMPLE[name] for name in ("url", "events", "name", "description")
    }

    url = serializers.CharField(max_length=2048, help_text="https; a public address.")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=EVENTS),
        required=False,
        default=list,
        max_length=len(EVENTS),
        help_text="Types or groups; all of them unless told.",
    )
    name = serializers.CharField(required=False, allow_blank=True, default="", max_length=100)
    description = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=1000
    )


class WebhookEndpointChange(StrictSerializer):
    """What may change of an endpoint."""

    example: ClassVar[dict[str, Any]] = {"active": True}

    url = serializers.CharField(
        required=False, max_length=2048, help_text="https; a public address."
    )
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=EVENTS),
        required=False,
        max_length=len(EVENTS),
        help_text="Types or groups; none: all of them.",
    )
    name = serializers.CharField(required=False, allow_blank=True, max_length=100)
    description = serializers.CharField(required=False, allow_blank=True, max_length=1000)
    active = serializers.BooleanField(
        required=False, help_text="Switching on tries at once what waits."
    )


class DeliveryFilters(django_filters.FilterSet):
    """To which endpoint, of what, and what became of it."""

    endpoint = django_filters.UUIDFilter(field_name="endpoint_id", label="The endpoint's id.")
    event_id = django_filters.UUIDFilter(label="The event's id.")
    event_type = WordsFilter(
        choices=[(one, one) for one in EVENT_TYPES], label="One or several, by commas."
    )
    status = WordsFilter(choices=WebhookDelivery.Status.choices, label="One or several, by commas.")


DeliveryFilters.base_filters["from"] = InstantFilter(
    field_name="created_at", lookup_expr="gte", label="Happened at or after this date or instant."
)
DeliveryFilters.base_filters["to"] = InstantFilter(
    field_name="created_at", lookup_expr="lt", label="Happened before this date or instant."
)


class EndpointView(SchedulingView):
    """What the views of endpoints share."""

    resource = Resource.WEBHOOK
    noun = "webhook_endpoint"
    output: ClassVar[type[serializers.Serializer[Any]]] = WebhookEndpointOutput

    def rows(self) -> QuerySet[WebhookEndpoint]:
        """Return all endpoints."""
        return WebhookEndpoint.objects.all()


class DeliveryView(SchedulingView):
    """What the views of deliveries share."""

    resource = Resource.WEBHOOK
    noun, plural = "webhook_delivery", "webhook_deliveries"
    output: ClassVar[type[serializers.Serializer[Any]]] = WebhookDeliveryOutput

    def rows(self) -> QuerySet[WebhookDelivery]:
        """Return all deliveries."""
        return WebhookDelivery.objects.all()

    def lock(self, pk: UUID) -> None:
        """Lock the endpoint before the delivery, in the order of the services."""
        own = WebhookDelivery.objects.filter(pk=pk)
        endpoints = WebhookEndpoint.objects.select_for_update(no_key=True)
        endpoints.filter(pk__in=own.values("endpoint_id")).first()
        own.select_for_update(no_key=True).first()


class Endpoints(EndpointView, CreatingListView):
    """Addresses that are told of events, each with a secret of its own."""

    inputs = {"POST": WebhookEndpointInput}
    answers: ClassVar[dict[str, Any]] = {"POST": {201: WebhookEndpointWithSecret}}
    secret_fields = ("secret",)
    orderings = ("created_at", "-created_at")

    def output_for(self, viewer: Viewer) -> type[serializers.Serializer[Any]]:
        """Show the secret in the answer to its making only."""
        return WebhookEndpointWithSecret if self.request.method == "POST" else WebhookEndpointOutput

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Have another system told of events."""
        values = self.read_body()

        def work() -> Done:
            row, secret = create_endpoint(**values, now=real_now())
            self.record("created", [row])
            return status.HTTP_201_CREATED, with_secret(self.rows().get(pk=row.pk), secret)

        response = self.once(work)
        response.headers.pop("ETag", None)  # it was made of the secret too, which nobody sees again
        response["Location"] = f"{request.path}{response.data['id']}/"
        return response


class Endpoint(EndpointView, DeletingObjectView):
    """One endpoint; to delete it is to send it nothing more. One that was told something stays readable, inactive."""

    inputs = {"PATCH": WebhookEndpointChange}

    def change(self, row: WebhookEndpoint, values: dict[str, Any]) -> WebhookEndpoint:
        """Change it."""
        return change_endpoint(endpoint_id=row.pk, now=real_now(), **values)

    def remove(self, row: WebhookEndpoint) -> None:
        """Send it nothing more."""
        remove_endpoint(endpoint_id=row.pk, now=real_now())


class SecretRotation(EndpointView, ActView):
    """A new secret; the one before signs besides for another 24 hours, so that no event is lost."""

    act, operation = "secret_rotated", "rotate_webhook_secret"
    output = WebhookEndpointWithSecret
    secret_fields = ("secret",)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Give an endpoint a new secret."""
        self.read_body()

        def work() -> Done:
            row = self.found()
            self.check_match(row)
            secret = rotate_secret(endpoint_id=row.pk, now=real_now())
            self.record(self.act, [row])
            return status.HTTP_200_OK, with_secret(self.rows().get(pk=row.pk), secret)

        response = self.once(work)
        response.headers.pop("ETag", None)  # it was made of the secret too, which nobody sees again
        return response


class Trial(EndpointView, ActView):
    """An event of the type `webhook.test`, for this endpoint whatever it asked for; answers with the delivery."""

    act, operation = "tested", "test_webhook_endpoint"
    answers: ClassVar[dict[str, Any]] = {"POST": {200: WebhookDeliveryOutput}}

    def rendered(self, row: Any) -> bytes:
        """Return the endpoint, which `If-Match` is compared with, or the delivery, which is answered."""
        shown = WebhookDeliveryOutput if isinstance(row, WebhookDelivery) else WebhookEndpointOutput
        return bytes(JSONRenderer().render(shown(row).data))

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send an endpoint a test."""
        self.read_body()

        def work() -> Done:
            row = self.found()
            self.check_match(row)
            delivery = send_test_event(endpoint_id=row.pk, now=real_now())
            self.record(self.act, [row])
            return status.HTTP_200_OK, delivery

        return self.once(work)


class Deliveries(DeliveryView, ListView):
    """What was sent, is on its way, or failed, the latest first."""

    filterset_class = DeliveryFilters
    orderings = ("-created_at", "created_at", "sequence", "-sequence")


class Delivery(DeliveryView, ObjectView):
    """One event on its way to one endpoint."""


class Replay(DeliveryView, ActView):
    """To send an event again: the same id and body, signed anew, its tries counted anew."""

    act, operation = "replayed", "replay_webhook_delivery"

    def perform(self, row: WebhookDelivery, values: dict[str, Any]) -> WebhookDelivery:
        """Send it again."""
        return replay_delivery(delivery_id=row.pk, now=real_now())

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send an event again."""
        return super().post(request, *args, **kwargs)


def with_secret(endpoint: WebhookEndpoint, secret: str) -> WebhookEndpoint:
    """Return an endpoint with the secret that this one answer shows."""
    endpoint.shown_secret = secret  # type: ignore[attr-defined]  # of this answer only, stored sealed
    return endpoint
