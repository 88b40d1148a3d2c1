"""Messages, events for other systems and work for people, in the admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import Truncator

from scheduling.admin.bases import ModelFormBase, NamedAdmin, ReadOnly
from scheduling.exceptions import InvalidWebhookUrl
from scheduling.models import (
    Message,
    Source,
    StaffTask,
    WebhookDelivery,
    WebhookEndpoint,
)
from scheduling.services.webhooks import allowed_addresses, change_endpoint
from scheduling.webhooks.addresses import MOST_BYTES, target_of
from scheduling.webhooks.events import EVENT_TYPES, GROUPS
from scheduling.webhooks.sealed_secrets import new_secret
from scheduling.webhooks.signatures import secret_of

SUMMARY_CHARACTERS = 60


@admin.register(Message)
class MessageAdmin(ReadOnly, NamedAdmin):
    list_display = (
        "created_at",
        "kind",
        "recipient",
        "to",
        "channel",
        "status",
        "due_at",
        "sent_at",
    )
    list_filter = ("status", "kind", "channel")
    list_select_related = ("patient", "nurse")
    search_fields = ("to", "patient__name_key", "nurse__name_key", "provider_id")
    search_help_text = "Patient, nurse, address or the carrier's id"
    date_hierarchy = "created_at"
    show_full_result_count = False

    @admin.display(description="For", empty_value="Not known")
    def recipient(self, message: Message) -> str | None:
        """Return who the message is for."""
        person = message.patient or message.nurse
        return person.name if person else None


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
    form = WebhookEndpointForm
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
        messages.warning(request, f"Keep this secret, it is not shown again: {secret_of(key)}")
        super().save_model(request, obj, form, change)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly, NamedAdmin):
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
        return delivery.endpoint.name or delivery.endpoint.url


@admin.register(StaffTask)
class StaffTaskAdmin(NamedAdmin):
    """What people have to do; the done ones stay."""

    list_display = (
        "due_at",
        "kind",
        "patient_name",
        "summary",
        "urgency",
        "status",
        "callback_number",
    )
    list_filter = ("status", "kind", "urgency", "topic")
    list_select_related = ("patient",)
    search_fields = ("text", "callback_number", "patient__name_key")
    search_help_text = "Patient, text or number"
    autocomplete_fields = ("patient", "appointment")
    readonly_fields = ("source", "actor", "created_at", "done_at", "done_by")
    date_hierarchy = "due_at"

    @admin.display(description="Text", empty_value="Not recorded")
    def summary(self, task: StaffTask) -> str | None:
        """Return the beginning of the text."""
        return Truncator(task.text).chars(SUMMARY_CHARACTERS) or None

    def save_model(self, request: HttpRequest, obj: StaffTask, form: Any, change: bool) -> None:
        """Stamp who finished a task, and who made it."""
        if not change:
            obj.source, obj.actor = Source.ADMIN, f"user:{request.user.pk}"
        if obj.status == StaffTask.Status.DONE and obj.done_at is None:
            obj.done_at, obj.done_by_id = timezone.now(), request.user.pk
        if obj.status == StaffTask.Status.OPEN:
            obj.done_at = obj.done_by = None
        super().save_model(request, obj, form, change)
