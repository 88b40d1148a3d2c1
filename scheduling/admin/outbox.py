"""Messages, events for other systems and work for people, in the admin."""

import base64
import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone

from scheduling.admin.bases import ClinicTimeAdmin, ModelFormBase, ReadOnly
from scheduling.models import Message, Source, StaffTask, WebhookDelivery, WebhookEndpoint

SECRET_BYTES = 32
EVENTS = (
    "appointment.booked",
    "appointment.rescheduled",
    "appointment.cancelled",
    "appointment.arrived",
    "appointment.fulfilled",
    "appointment.noshow",
    "appointment.attendance_confirmed",
)


@admin.register(Message)
class MessageAdmin(ReadOnly, ClinicTimeAdmin):
    list_display = ("created_at", "kind", "channel", "status", "due_at", "sent_at")
    list_filter = ("status", "kind", "channel")
    search_fields = ("to", "patient__name_key", "provider_id")
    date_hierarchy = "created_at"
    show_full_result_count = False


class WebhookEndpointForm(ModelFormBase):
    """The events as boxes to tick."""

    url = forms.URLField(max_length=500, assume_scheme="https")
    events = forms.MultipleChoiceField(
        choices=[(event, event) for event in EVENTS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="None ticked: all of them.",
    )


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ClinicTimeAdmin):
    form = WebhookEndpointForm
    list_display = ("__str__", "url", "active", "created_at")
    list_filter = ("active",)
    search_fields = ("name", "url")

    def save_model(
        self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool
    ) -> None:
        """Give a new endpoint its secret, and show it this once."""
        if not change:
            key = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
            obj.secret = f"whsec_{key}"
            messages.warning(request, f"Keep this secret, it is not shown again: {obj.secret}")
        super().save_model(request, obj, form, change)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly, ClinicTimeAdmin):
    list_display = ("created_at", "event_type", "endpoint", "status", "attempts", "due_at")
    list_filter = ("status", "event_type")
    list_select_related = ("endpoint",)
    date_hierarchy = "created_at"
    show_full_result_count = False


@admin.register(StaffTask)
class StaffTaskAdmin(ClinicTimeAdmin):
    """What people have to do; the done ones stay."""

    list_display = ("due_at", "kind", "topic", "urgency", "status", "callback_number")
    list_filter = ("status", "kind", "urgency", "topic")
    search_fields = ("text", "callback_number", "patient__name_key")
    autocomplete_fields = ("patient", "appointment")
    readonly_fields = ("source", "actor", "created_at", "done_at", "done_by")
    date_hierarchy = "due_at"

    def save_model(self, request: HttpRequest, obj: StaffTask, form: Any, change: bool) -> None:
        """Stamp who finished a task, and who made it."""
        if not change:
            obj.source, obj.actor = Source.ADMIN, f"user:{request.user.pk}"
        if obj.status == StaffTask.Status.DONE and obj.done_at is None:
            obj.done_at, obj.done_by_id = timezone.now(), request.user.pk
        if obj.status == StaffTask.Status.OPEN:
            obj.done_at = obj.done_by = None
        super().save_model(request, obj, form, change)
