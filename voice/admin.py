"""Calls in the Django admin: to be read, never to be changed."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin_site import TitledAdmin
from voice.models import CallLog, PromptVersion, ToolCall, TranscriptEntry

if TYPE_CHECKING:  # the stubs know these classes as generic, Django itself does not
    TranscriptInlineBase = admin.TabularInline[TranscriptEntry, CallLog]
    ToolCallInlineBase = admin.TabularInline[ToolCall, CallLog]
else:
    TranscriptInlineBase = ToolCallInlineBase = admin.TabularInline


class ReadOnly:
    """Take away every way of changing a record."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class TranscriptInline(ReadOnly, TranscriptInlineBase):
    model = TranscriptEntry
    verbose_name_plural = "transcript"
    fields = ("started_ms", "speaker", "text", "unheard_text", "interrupted")
    extra = 0


class ToolCallInline(ReadOnly, ToolCallInlineBase):
    model = ToolCall
    verbose_name_plural = "what the assistant did"
    fields = ("started_ms", "name", "code", "fact", "duration_ms", "arguments")
    extra = 0


@admin.register(CallLog)
class CallLogAdmin(ReadOnly, TitledAdmin):
    """Calls by caller, found by patient, number or Twilio's id."""

    list_display = (
        "created_at",
        "caller",
        "direction",
        "status",
        "outcome",
        "duration_s",
        "cost_usd",
    )
    list_filter = ("status", "outcome", "direction", "language")
    search_fields = ("call_sid", "from_number", "to_number", "patient__name_key")
    search_help_text = "Patient, number or Twilio's id of the call"
    date_hierarchy = "created_at"
    show_full_result_count = False
    inlines = (TranscriptInline, ToolCallInline)
    fieldsets = (
        (None, {"fields": ("caller", "direction", "from_number", "to_number", "language")}),
        (
            "Course",
            {
                "fields": (
                    ("status", "outcome", "ended_reason"),
                    ("created_at", "started_at", "ended_at", "duration_s"),
                    ("recording", "locked", "caller_attested"),
                )
            },
        ),
        (
            "Speed and cost",
            {"fields": (("greeting_ms", "answer_p50_ms", "answer_p95_ms"), ("cost_usd", "usage"))},
        ),
        (
            "Technical",
            {
                "fields": (
                    ("call_sid", "stream_sid"),
                    ("model", "prompt_version"),
                    ("malformed_frames", "heartbeat_at"),
                )
            },
        ),
    )
    readonly_fields = ("caller", "created_at")

    def title(self, row: CallLog) -> str:
        return f"Call of {self.caller(row)}" if row.patient else str(row)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CallLog]:
        """Fetch the patients along: every page names them."""
        return super().get_queryset(request).select_related("patient")

    @admin.display(description="Caller", ordering="patient__last_name", empty_value="Not known")
    def caller(self, call: CallLog) -> str | None:
        """Return the patient's name, or the number of a caller whom nobody knows."""
        return call.patient.name if call.patient else call.from_number or None


@admin.register(PromptVersion)
class PromptVersionAdmin(ReadOnly, TitledAdmin):
    list_display = ("created_at", "digest")
    search_fields = ("digest", "instructions")
    search_help_text = "The digest, or words of the instructions"
    date_hierarchy = "created_at"
