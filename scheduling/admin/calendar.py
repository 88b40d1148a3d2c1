"""The clinic's rules, hours and kinds of visit, in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import formats

from scheduling.admin.bases import NamedAdmin, moment
from scheduling.admin.exports import ExportableAdmin
from scheduling.admin.hours import HoursAdmin
from scheduling.models import (
    Availability,
    AvailabilityOverride,
    Clinic,
    Holiday,
    OpeningHours,
    Specialization,
    VisitType,
)


@admin.register(Clinic)
class ClinicAdmin(NamedAdmin):
    """The one row of the clinic's rules."""

    fieldsets = (
        (None, {"fields": ("address",)}),
        (
            "Rules",
            {
                "fields": (
                    ("minimum_notice_minutes", "horizon_days"),
                    ("late_change_hours", "too_late_hours"),
                    "slot_step_minutes",
                )
            },
        ),
        ("Texts", {"fields": ("bring_en", "bring_es", "services_en", "services_es")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse a second row."""
        return not Clinic.objects.exists() and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(OpeningHours)
class OpeningHoursAdmin(NamedAdmin):
    list_display = ("weekday", "opens", "closes")
    list_filter = ("weekday",)


@admin.register(Holiday)
class HolidayAdmin(HoursAdmin):
    list_display = ("date", "name")
    date_hierarchy = "date"
    search_fields = ("name",)


@admin.register(Specialization)
class SpecializationAdmin(NamedAdmin):
    list_display = ("name", "code", "conditions")
    search_fields = ("name", "code")
    prepopulated_fields = {"code": ("name",)}

    @admin.display(description="conditions")
    def conditions(self, specialization: Specialization) -> str:
        return ", ".join(specialization.condition_codes) or "Any"


@admin.register(VisitType)
class VisitTypeAdmin(NamedAdmin):
    list_display = (
        "name",
        "code",
        "length_minutes",
        "specialization",
        "bookable_by_phone",
        "active",
    )
    list_filter = ("active", "bookable_by_phone", "specialization")
    list_select_related = ("specialization",)
    search_fields = ("name", "code")
    autocomplete_fields = ("specialization",)


@admin.register(Availability)
class AvailabilityAdmin(ExportableAdmin, HoursAdmin):
    export_kind = "availability"
    list_display = ("nurse_name", "weekday", "kind", "start", "end", "valid_from", "valid_until")
    list_filter = ("kind", "weekday")
    list_select_related = ("nurse",)
    search_fields = ("nurse__name_key",)
    autocomplete_fields = ("nurse",)


@admin.register(AvailabilityOverride)
class AvailabilityOverrideAdmin(HoursAdmin):
    list_display = ("nurse_name", "effect", "when", "note")
    list_filter = ("effect",)
    list_select_related = ("nurse",)
    search_fields = ("nurse__name_key", "note")
    autocomplete_fields = ("nurse",)
    date_hierarchy = "date"

    @admin.display(description="When", ordering="date")
    def when(self, row: AvailabilityOverride) -> str:
        """Return the date with its hours, or from when to when the nurse is away."""
        if row.starts_at and row.ends_at:
            return f"{moment(row.starts_at)} to {moment(row.ends_at)}"
        day = formats.date_format(row.date) if row.date else "No date"
        if row.start is None or row.end is None:
            return f"{day}, the whole day"
        return f"{day}, {formats.time_format(row.start)} to {formats.time_format(row.end)}"
