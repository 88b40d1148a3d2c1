"""Events for other systems in the admin: where they go, what became of each, and what staff do about it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_site import may_enter
from scheduling.admin.bases import ModelFormBase, NamedAdmin, ReadOnly
from scheduling.exceptions import InvalidWebhookUrl, SchedulingError
from scheduling.models import WebhookDelivery, WebhookEndpoint
from scheduling.services.webhooks import (
    allowed_addresses,
    change_endpoint,
    remove_endpoint,
    replay_delivery,
    rotate_secret,
    send_test_event,
)
from scheduling.webhooks.addresses import MOST_BYTES, target_of
from scheduling.webhooks.events import EVENT_TYPES, GROUPS
from scheduling.webhooks.sealed_secrets import new_secret
from scheduling.webhooks.signatures import secret_of

KEEP_IT = "Keep this secret, it is not shown again"


class WebhookEndpointForm(ModelFormBase):
    """The events as boxes to tick."""

    url = forms.URLField(max_length=MOST_BYTES, assume_scheme="https")
    events = forms.MultipleChoiceField(
        choices=[(event, event) for event in (*EVENT_TYPES, *GROUPS)],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="None ticked: all of them.",
    )

    def clean_url(self) -> str:
        """Refuse an address that may not be called."""
        url: str = self.cleaned_data["url"]
        try:
            target_of(url, allowed_addresses())
        except InvalidWebhookUrl as error:
            raise ValidationError(error.detail) from error
        return url


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(NamedAdmin):
    """Endpoints; one that was told something is switched off instead of deleted, as by the API."""

    form = WebhookEndpointForm
    actions = ("send_test", "make_new_secret", "remove")
    list_display = ("url", "name", "active", "created_at")
    list_filter = ("active",)
    search_fields = ("name", "url")

    def save_model(
        self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool
    ) -> None:
        """Give a new endpoint its secret, and show it this once."""
        if change:
            changed = {name: form.cleaned_data[name] for name in form.changed_data}
            change_endpoint(endpoint_id=obj.pk, now=timezone.now(), **changed)
            return
        key, obj.secret = new_secret(endpoint_id=obj.pk)
        messages.warning(request, f"{KEEP_IT}: {secret_of(key)}")
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Offer the action instead, which knows what to do with what waits."""
        return False

    @admin.action(description="Send a test event", permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Write a test event for each; what becomes of it stands in the list of deliveries."""
        act = partial(send_test_event, now=timezone.now())
        for endpoint in queryset:
            told(
                request,
                name_of(endpoint),
                "a test event is on its way.",
                act,
                endpoint_id=endpoint.pk,
            )

    @admin.action(description="Make a new secret", permissions=["change"])
    def make_new_secret(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Rotate the secret of each and show it, this once; the old one signs besides for a day."""
        for endpoint in queryset:
            secret = rotate_secret(endpoint_id=endpoint.pk, now=timezone.now())
            messages.warning(request, f"{name_of(endpoint)}: {KEEP_IT}: {secret}")

    @admin.action(description="Remove", permissions=["change"])
    def remove(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Send each nothing any more: delete it, or switch it off if it was ever told something."""
        act = partial(remove_endpoint, now=timezone.now())
        for endpoint in queryset:
            told(
                request,
                name_of(endpoint),
                "is sent nothing any more.",
                act,
                endpoint_id=endpoint.pk,
            )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly, NamedAdmin):
    """What was sent where, and how it ended; it can be sent again."""

    actions = ("send_again",)
    list_display = ("created_at", "event_type", "address", "status", "attempts", "due_at")
    list_filter = ("status", "event_type")
    list_select_related = ("endpoint",)
    search_fields = ("event_id", "endpoint__name", "endpoint__url")
    search_help_text = "The id of an event, or an endpoint"
    date_hierarchy = "created_at"
    show_full_result_count = False

    @admin.display(description="Endpoint", ordering="endpoint__url")
    def address(self, delivery: WebhookDelivery) -> str:
        """Return the endpoint by its name, or by its address."""
        return name_of(delivery.endpoint)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Let whoever may enter send again; the rows themselves are not for editing."""
        return may_enter(request)

    @admin.action(description="Send again", permissions=["replay"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        """Send each once more, with the same id and body, signed anew."""
        act = partial(replay_delivery, now=timezone.now())
        for delivery in queryset.select_related("endpoint").order_by("sequence", "id"):
            name = f"{delivery.event_type} to {name_of(delivery.endpoint)}"
            told(request, name, "is sent again.", act, delivery_id=delivery.pk)


def name_of(endpoint: WebhookEndpoint) -> str:
    """Return an endpoint by its name, or by its address."""
    return endpoint.name or endpoint.url


def told(request: HttpRequest, name: str, done: str, act: Callable[..., Any], **ids: Any) -> None:
    """Do something and say so, or why not."""
    try:
        act(**ids)
    except SchedulingError as error:
        messages.warning(request, f"{name}: {error.detail}")
    else:
        messages.success(request, f"{name}: {done}")
