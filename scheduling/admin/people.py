"""Patients, nurses and what belongs to them, in the admin."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import path

from scheduling.admin.bases import ModelFormBase, NamedAdmin, NamedInline, ReadOnlyInline
from scheduling.admin.exports import ExportableAdmin
from scheduling.admin.handover import hand_over
from scheduling.admin.hours import HoursAdmin
from scheduling.admin.weeks import show_week
from scheduling.clock import clinic_now
from scheduling.models import (
    Availability,
    AvailabilityOverride,
    CareAssignment,
    Consent,
    MedicalCondition,
    Nurse,
    Patient,
    PatientRelation,
)
from scheduling.names import name_key
from scheduling.services.reminders import replan_reminders

LANGUAGES = (
    ("en", "English"),
    ("es", "Spanish"),
    ("fr", "French"),
    ("pt", "Portuguese"),
    ("zh", "Chinese"),
    ("vi", "Vietnamese"),
    ("tl", "Tagalog"),
    ("ar", "Arabic"),
)


class ConditionInline(NamedInline):
    model = MedicalCondition
    fields = ("name", "code", "status", "since", "notes")


class RelationInline(NamedInline):
    model = PatientRelation
    fk_name = "patient"
    fields = ("kind", "name", "phone", "related_patient", "may_schedule")
    autocomplete_fields = ("related_patient",)


class AssignmentInline(NamedInline):
    model = CareAssignment
    fields = ("nurse", "primary", "closed")
    autocomplete_fields = ("nurse",)


class ConsentInline(ReadOnlyInline):
    model = Consent
    fields = ("recorded_at", "channel", "purpose", "granted", "source", "wording")


@admin.register(Patient)
class PatientAdmin(ExportableAdmin):
    """Patients, found by name in any spelling, birth date, phone or reference number."""

    export_kind = "patients"
    list_display = ("full_name", "date_of_birth", "phone", "language", "provisional", "active")
    list_filter = ("active", "provisional", "preferred_language", "deceased")
    search_fields = ("name_key", "phone", "second_phone", "reference_number")
    search_help_text = "Name, birth date (YYYY-MM-DD), phone or reference number"
    inlines = (AssignmentInline, RelationInline, ConditionInline, ConsentInline)
    readonly_fields = ("created_at", "updated_at")
    list_per_page = 50
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": (("first_name", "last_name"), "date_of_birth", "preferred_language")}),
        ("Contact", {"fields": (("phone", "second_phone"), "email", ("postal_code", "state"))}),
        ("Messages", {"fields": ("message_channel", ("remind_48h", "remind_2h"))}),
        ("Record", {"fields": ("reference_number", "time_zone", "registration_reason")}),
        ("State", {"fields": (("active", "deceased", "provisional"),)}),
        ("Stamps", {"fields": (("created_at", "updated_at"),)}),
    )

    def save_model(self, request: HttpRequest, obj: Patient, form: Any, change: bool) -> None:
        """Let reminders follow the address, the language and the choices."""
        super().save_model(request, obj, form, change)
        if change:
            replan_reminders(patient_id=obj.pk, now=clinic_now())

    @admin.display(description="Name", ordering="last_name")
    def full_name(self, patient: Patient) -> str:
        """Return the name."""
        return patient.name

    @admin.display(description="Language", ordering="preferred_language")
    def language(self, patient: Patient) -> str:
        """Return the language in words."""
        return patient.get_preferred_language_display()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Patient], search_term: str
    ) -> tuple[QuerySet[Patient], bool]:
        """Find birth dates as well, and names without regard to accents and order."""
        words = search_term.split()
        for word in words:
            try:
                born = forms.DateField().to_python(word)
            except forms.ValidationError:
                continue
            if born and len(word) > 5:
                queryset = queryset.filter(date_of_birth=born)
                words = [other for other in words if other != word]
        plain = " ".join(word if any(map(str.isdigit, word)) else name_key(word) for word in words)
        found, distinct = super().get_search_results(request, queryset, plain)
        return found, distinct


class AvailabilityInline(NamedInline):
    model = Availability
    fields = ("kind", "weekday", "start", "end", "valid_from", "valid_until")


class OverrideInline(NamedInline):
    model = AvailabilityOverride
    fields = ("effect", "date", "start", "end", "starts_at", "ends_at", "note")


class NurseForm(ModelFormBase):
    """A nurse's languages as boxes to tick."""

    languages = forms.MultipleChoiceField(
        choices=LANGUAGES, widget=forms.CheckboxSelectMultiple, initial=["en"]
    )


@admin.register(Nurse)
class NurseAdmin(ExportableAdmin, HoursAdmin):
    """Nurses with their weekly hours and time off."""

    export_kind = "nurses"
    form = NurseForm
    list_display = (
        "full_name",
        "skills",
        "license_number",
        "license_state",
        "license_expires_on",
        "active",
    )
    list_filter = ("active", "specializations", "license_state")
    search_fields = ("name_key", "license_number")
    search_help_text = "Name or license number"
    autocomplete_fields = ("user", "specializations")
    inlines = (AvailabilityInline, OverrideInline)
    actions = ("hand_over_selected", "export_selected")
    readonly_fields = ("created_at", "updated_at")
    date_hierarchy = "license_expires_on"
    fieldsets = (
        (None, {"fields": (("first_name", "last_name"), "user", "active")}),
        ("Contact", {"fields": (("phone", "email"), "notice_channel")}),
        ("License", {"fields": (("license_number", "license_state", "license_expires_on"),)}),
        ("Skills", {"fields": ("specializations", "languages")}),
        (
            "Calendar",
            {
                "fields": (
                    "time_zone",
                    ("buffer_before_minutes", "buffer_after_minutes"),
                    ("slot_step_minutes", "slot_offset_minutes"),
                    "daily_cap",
                )
            },
        ),
        ("Stamps", {"fields": (("created_at", "updated_at"),)}),
    )

    def get_urls(self) -> list[Any]:
        """Add the pages of one nurse: her week, and handing her visits over."""
        guard = self.admin_site.admin_view
        return [
            path(
                "<uuid:nurse_id>/week/",
                guard(partial(show_week, self)),
                name="scheduling_nurse_week",
            ),
            path(
                "<uuid:nurse_id>/hand-over/",
                guard(partial(hand_over, self)),
                name="scheduling_nurse_hand_over",
            ),
            *super().get_urls(),
        ]

    @admin.action(description="Hand over future visits", permissions=["change"])
    def hand_over_selected(self, request: HttpRequest, queryset: QuerySet[Nurse]) -> Any:
        """Lead to the page on which one nurse's visits are handed over."""
        chosen = list(queryset.values_list("pk", flat=True)[:2])
        if len(chosen) != 1:
            messages.warning(request, "Choose one nurse: visits are handed over nurse by nurse.")
            return None
        return redirect("admin:scheduling_nurse_hand_over", chosen[0])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Nurse]:
        """Fetch the specializations of a whole page at once."""
        return super().get_queryset(request).prefetch_related("specializations")

    @admin.display(description="Specializations", empty_value="None")
    def skills(self, nurse: Nurse) -> str | None:
        """Return the specializations by name."""
        return ", ".join(sorted(skill.name for skill in nurse.specializations.all())) or None

    @admin.display(description="Name", ordering="last_name")
    def full_name(self, nurse: Nurse) -> str:
        """Return the name."""
        return nurse.name

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Nurse], search_term: str
    ) -> tuple[QuerySet[Nurse], bool]:
        """Find names without regard to accents and order."""
        words = search_term.split()
        plain = " ".join(word if any(map(str.isdigit, word)) else name_key(word) for word in words)
        return super().get_search_results(request, queryset, plain)


@admin.register(CareAssignment)
class CareAssignmentAdmin(NamedAdmin):
    list_display = ("patient_name", "nurse_name", "primary", "closed")
    list_filter = ("primary", "closed")
    list_select_related = ("patient", "nurse")
    search_fields = ("patient__name_key", "nurse__name_key")
    autocomplete_fields = ("patient", "nurse")
    show_full_result_count = False


@admin.register(PatientRelation)
class PatientRelationAdmin(NamedAdmin):
    list_display = ("name", "kind", "patient_name", "may_schedule")
    list_filter = ("kind", "may_schedule")
    list_select_related = ("patient",)
    search_fields = ("name", "patient__name_key")
    autocomplete_fields = ("patient", "related_patient")


@admin.register(MedicalCondition)
class MedicalConditionAdmin(NamedAdmin):
    list_display = ("name", "code", "patient_name", "status", "since")
    list_filter = ("status",)
    list_select_related = ("patient",)
    search_fields = ("name", "code", "patient__name_key")
    autocomplete_fields = ("patient",)
    show_full_result_count = False


@admin.register(Consent)
class ConsentAdmin(NamedAdmin):
    """Answers are added, never changed: a later row takes the place of an earlier one."""

    list_display = ("recorded_at", "patient_name", "channel", "purpose", "granted", "source")
    list_filter = ("channel", "purpose", "granted")
    list_select_related = ("patient",)
    date_hierarchy = "recorded_at"
    show_full_result_count = False
    search_fields = ("phone", "patient__name_key")
    autocomplete_fields = ("patient",)

    def save_model(self, request: HttpRequest, obj: Consent, form: Any, change: bool) -> None:
        """Let reminders follow the answer."""
        super().save_model(request, obj, form, change)
        replan_reminders(patient_id=obj.patient_id, phone=obj.phone, now=clinic_now())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False
