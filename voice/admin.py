"""Calls in the Django admin: to be read, never to be changed."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from voice.models import CallLog, PromptVersion, ToolCall, TranscriptEntry

if TYPE_CHECKING:  # the stubs know these classes as generic, Django itself does not
    TranscriptInlineBase = admin.TabularInline[TranscriptEntry, CallLog]
    ToolCallInlineBase = admin.TabularInline[ToolCall, CallLog]
    CallLogAdminBase = admin.ModelAdmin[CallLog]
    PromptVersionAdminBase = admin.ModelAdmin[PromptVersion]
else:
    TranscriptInlineBase = ToolCallInlineBase = admin.TabularInline
    CallLogAdminBase = PromptVersionAdminBase = admin.ModelAdmin


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
    fields = ("started_ms", "speaker", "text", "unheard_text", "interrupted")
    extra = 0


class ToolCallInline(ReadOnly, ToolCallInlineBase):
    model = ToolCall
    fields = ("started_ms", "name", "code", "fact", "duration_ms", "arguments")
    extra = 0


@admin.register(CallLog)
class CallLogAdmin(ReadOnly, CallLogAdminBase):
    list_display = ("created_at", "direction", "status", "outcome", "patient", "duration_s")
    list_filter = ("status", "outcome", "direction", "language")
    list_select_related = ("patient",)
    search_fields = ("call_sid", "from_number")
    date_hierarchy = "created_at"
    exclude = ("stream_nonce",)
    inlines = (TranscriptInline, ToolCallInline)


@admin.register(PromptVersion)
class PromptVersionAdmin(ReadOnly, PromptVersionAdminBase):
    list_display = ("digest", "created_at")
