"""Messages and work for people, in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import Truncator

from scheduling.admin.bases import NamedAdmin, ReadOnly
from scheduling.models import Message, Source, StaffTask

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
