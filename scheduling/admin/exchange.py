"""Calendar feeds and imports in the admin, to be read: they begin and end on their own pages."""

from django.contrib import admin

from scheduling.admin.bases import NamedAdmin, ReadOnly
from scheduling.models import CalendarFeed, DataImport


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnly, NamedAdmin):
    list_display = ("nurse_name", "created_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("nurse",)
    search_fields = ("nurse__name_key",)
    search_help_text = "Nurse"


@admin.register(DataImport)
class DataImportAdmin(ReadOnly, NamedAdmin):
    list_display = ("created_at", "kind", "status", "rows_done", "rows_total", "finished_at")
    list_filter = ("status", "kind")
    search_fields = ("digest",)
    search_help_text = "The SHA-256 of a file"
    date_hierarchy = "created_at"
