"""Legal holds and what the purge deleted, to be read: holds are placed and lifted on the pages of privacy."""

from django.contrib import admin

from accounts.models import LegalHold
from scheduling.admin.bases import NamedAdmin, ReadOnly
from scheduling.models import PurgeRun


@admin.register(LegalHold)
class LegalHoldAdmin(ReadOnly, NamedAdmin):
    list_display = ("placed_at", "kind", "record_id", "reason", "placed_by", "lifted_at")
    list_filter = ("kind", ("lifted_at", admin.EmptyFieldListFilter))
    list_select_related = ("placed_by",)
    search_fields = ("record_id", "reason")
    search_help_text = "The id of a patient or a call, or words of the reason"


@admin.register(PurgeRun)
class PurgeRunAdmin(ReadOnly, NamedAdmin):
    list_display = ("started_at", "finished_at", "counts")
    date_hierarchy = "started_at"
