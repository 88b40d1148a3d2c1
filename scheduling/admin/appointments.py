"""
Visits and holds in the admin.

A visit is booked, moved and ended by the services, within the form's own validation: a rule that refuses is an
error of the form, and staff skip only the rules that are theirs to skip. Nothing here saves a visit itself.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from scheduling import services
from scheduling.admin.bases import ModelFormBase, NamedAdmin, ReadOnly, label, moment
from scheduling.admin.exports import ExportableAdmin
from scheduling.clock import clinic_now
from scheduling.exceptions import (
    InvalidTime,
    NotAvailable,
    NurseUnknown,
    SchedulingError,
    SlotTaken,
)
from scheduling.models import Appointment, SlotHold, Source
from scheduling.selectors.alternatives import in_words, openings_near
from scheduling.selectors.openings import Opening

REFUSALS_SHOWN = 10
OVERRIDE = "Outside the hours"
OVERRIDE_HELP = (
    "Skips hours, grid, notice, horizon and daily cap; never what is taken, nor the license."
)
BREAK = mark_safe("<br>")  # nosec B308 - a constant
ACTS = (
    ("", "Keep the status"),
    ("confirm", "Patient confirms to be there"),
    ("arrive", "Arrived"),
    ("fulfil", "Fulfilled"),
    ("no_show", "No-show"),
    ("cancel", "Cancel"),
    ("error", "Entered in error"),
)


class ServiceForm(ModelFormBase):
    """A form whose last step of validation is the service itself."""

    actor = ""

    def full_clean(self) -> None:
        """Validate the fields, then let the service do or refuse it."""
        super().full_clean()
        if not self.is_bound or self.errors or not hasattr(self, "cleaned_data"):
            return
        try:
            self.instance = self.carry_out()
        except SlotTaken as error:
            self.add_error(self.field_of(error), f"{error.detail} {in_words(self.other_times())}")
        except SchedulingError as error:
            self.add_error(self.field_of(error), error.detail)

    def carry_out(self) -> Appointment:
        """Call the service and return what it stored."""
        raise NotImplementedError

    def other_times(self) -> tuple[Opening, ...]:
        """Return free times near the one that was taken."""
        raise NotImplementedError

    def field_of(self, error: SchedulingError) -> str | None:
        """Return the field that a refusal is about."""
        if isinstance(error, SlotTaken):
            wanted = "patient" if error.who == "patient" else "start"
        elif isinstance(error, InvalidTime):
            wanted = "start"
        elif isinstance(error, NotAvailable | NurseUnknown):
            wanted = "nurse"
        else:
            return None
        return wanted if wanted in self.fields else ("start" if "start" in self.fields else None)

    def save(self, commit: bool = True) -> Any:
        """Return the visit; the service has stored it already."""
        return self.instance

    def save_m2m(self) -> None:
        """Do nothing: a visit has no lists of its own, and the admin asks for this after `save`."""


class BookingForm(ServiceForm):
    """Book a visit."""

    override_hours = forms.BooleanField(required=False, label=OVERRIDE, help_text=OVERRIDE_HELP)

    class Meta:
        model = Appointment
        fields = ("patient", "nurse", "visit_type", "start", "reason")

    def carry_out(self) -> Appointment:
        """Book."""
        data = self.cleaned_data
        return services.book_appointment(
            patient_id=data["patient"].pk,
            nurse_id=data["nurse"].pk,
            start=data["start"],
            visit_type=data["visit_type"].code,
            reason=data["reason"],
            override_hours=data["override_hours"],
            source=Source.ADMIN,
            actor=self.actor,
            now=clinic_now(),
        )

    def other_times(self) -> tuple[Opening, ...]:
        """Look around the start that was wanted, with any nurse."""
        data = self.cleaned_data
        return openings_near(
            start=data["start"],
            visit_type=data["visit_type"].code,
            patient_id=data["patient"].pk,
            now=clinic_now(),
        )


class ChangeForm(ServiceForm):
    """Move a visit, or change its status; one thing at a time."""

    act = forms.ChoiceField(choices=ACTS, required=False, label="Status")
    cancellation_reason = forms.ChoiceField(
        choices=Appointment.CancellationReason.choices,
        required=False,
        initial=Appointment.CancellationReason.CLINIC,
        help_text="Counts only for a cancellation.",
    )
    override_hours = forms.BooleanField(required=False, label=OVERRIDE, help_text=OVERRIDE_HELP)
    note = forms.CharField(
        max_length=500, required=False, help_text="Why; needed for a visit entered in error."
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = Appointment
        fields = ("nurse", "start")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_version"].initial = self.instance.version
        self.stored_version = self.instance.version

    def clean(self) -> dict[str, Any]:
        """Refuse two changes at once, and changes of what somebody else has changed meanwhile."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("act") and self._is_moved():
            raise forms.ValidationError("Move the visit or change its status, one at a time.")
        if data.get("seen_version") not in (None, self.stored_version):
            raise forms.ValidationError("Somebody has changed this visit. Load the page again.")
        return data

    def carry_out(self) -> Appointment:
        """Do what was chosen."""
        data = self.cleaned_data
        common: dict[str, Any] = {
            "appointment_id": self.instance.pk,
            "source": Source.ADMIN,
            "actor": self.actor,
            "now": clinic_now(),
        }
        acts: dict[str, Callable[[], Appointment]] = {
            "confirm": lambda: services.confirm_attendance(**common),
            "arrive": lambda: services.arrive(**common),
            "fulfil": lambda: services.fulfil(**common),
            "no_show": lambda: services.record_no_show(**common),
            "cancel": lambda: services.cancel_appointment(
                **common,
                reason=data["cancellation_reason"] or Appointment.CancellationReason.CLINIC,
                reason_text=data["note"],
            ),
            "error": lambda: services.enter_in_error(**common, reason=data["note"]),
        }
        if data["act"]:
            return acts[data["act"]]()
        if self._is_moved():
            return services.reschedule_appointment(
                **common,
                nurse_id=data["nurse"].pk,
                # A start that was left as it is keeps its instant: shown, it may be one of two.
                start=data["start"] if "start" in self.changed_data else self.initial["start"],
                override_hours=data["override_hours"],
            )
        return Appointment.objects.get(pk=self.instance.pk)

    def other_times(self) -> tuple[Opening, ...]:
        """Look around the start that was wanted, with any nurse."""
        return openings_near(
            start=self.cleaned_data["start"],
            visit_type=self.instance.visit_type.code,
            patient_id=self.instance.patient_id,
            now=clinic_now(),
        )

    def _is_moved(self) -> bool:
        return bool({"nurse", "start"} & set(self.changed_data))


class AttendanceFilter(admin.SimpleListFilter):
    """Visits by whether the patient has confirmed to be there."""

    title = "attendance"
    parameter_name = "attendance"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("confirmed", "Confirmed"), ("open", "Not confirmed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list; an unknown choice is none."""
        if self.value() in {"confirmed", "open"}:
            return queryset.filter(attendance_confirmed_at__isnull=self.value() == "open")
        return queryset


@admin.register(Appointment)
class AppointmentAdmin(ExportableAdmin):
    """Visits; every change is a call of a service."""

    export_kind = "appointments"
    change_list_template = "admin/scheduling/appointment/change_list.html"
    list_display = (
        "start",
        "patient_name",
        "nurse_name",
        "visit_type",
        "status",
        "confirmed",
        "source",
    )
    list_filter = (
        "status",
        AttendanceFilter,
        "source",
        "visit_type",
        "late",
        "orphaned",
    )
    search_fields = ("patient__name_key", "nurse__name_key")
    search_help_text = "Patient or nurse"
    autocomplete_fields = ("patient", "nurse", "visit_type")
    date_hierarchy = "start"
    # No inlines: a formset that failed would show the form again after the service had stored the visit.
    actions = (
        "confirm_selected",
        "arrive_selected",
        "fulfil_selected",
        "no_show_selected",
        "cancel_selected",
        "send_details_selected",
        "export_selected",
    )
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        """Fetch the people along: titles, choices and lists name them."""
        return super().get_queryset(request).select_related("patient", "nurse", "visit_type")

    @admin.display(description="Confirmed", boolean=True, ordering="attendance_confirmed_at")
    def confirmed(self, visit: Appointment) -> bool:
        """Tell whether the patient has confirmed to be there."""
        return visit.attendance_confirmed_at is not None

    @admin.display(description="History")
    def history(self, visit: Appointment) -> str:
        """Return what happened to the visit, a line each."""
        lines = [
            (
                moment(change.at),
                change.get_kind_display(),
                change.get_source_display(),
                change.actor,
                change.reason,
            )
            for change in visit.changes.order_by("version")
        ]
        return format_html_join(BREAK, "{} {}, {} ({}) {}", lines) or "Not recorded"

    @admin.display(description="Messages")
    def texts(self, visit: Appointment) -> str:
        """Return the texts about the visit, a line each."""
        lines = [
            (message.get_kind_display(), message.get_status_display(), message.body)
            for message in visit.messages.order_by("created_at", "id")
        ]
        return format_html_join(BREAK, "{}, {}: {}", lines) or "None"

    @admin.action(description="Patient confirms to be there", permissions=["change"])
    def confirm_selected(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        """Confirm each visit on its own."""
        self._do_for_each(request, queryset, services.confirm_attendance, "Visits confirmed")

    @admin.action(description="Mark as arrived", permissions=["change"])
    def arrive_selected(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        """Note for each visit that the patient is there."""
        self._do_for_each(request, queryset, services.arrive, "Visits marked as arrived")

    @admin.action(description="Mark as fulfilled", permissions=["change"])
    def fulfil_selected(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        """Note for each visit that it took place."""
        self._do_for_each(request, queryset, services.fulfil, "Visits marked as fulfilled")

    @admin.action(description="Mark as no-show", permissions=["change"])
    def no_show_selected(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        """Note for each visit that the patient did not come."""
        self._do_for_each(request, queryset, services.record_no_show, "Visits marked as no-show")

    @admin.action(description="Cancel", permissions=["change"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        """Cancel each visit for the clinic."""
        cancel = partial(services.cancel_appointment, reason=Appointment.CancellationReason.CLINIC)
        self._do_for_each(request, queryset, cancel, "Visits cancelled")

    @admin.action(description="Tell the patient once more when it is", permissions=["change"])
    def send_details_selected(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        """Write to the patient of each visit."""

        def send(*, appointment_id: UUID, now: datetime, **_: str) -> None:
            services.send_details(appointment_id=appointment_id, now=now)

        self._do_for_each(request, queryset, send, "Patients who are told")

    def _do_for_each(
        self,
        request: HttpRequest,
        queryset: QuerySet[Appointment],
        act: Callable[..., Appointment | None],
        done: str,
    ) -> None:
        """Call the service for each visit in a savepoint of its own, and say which ones it refused, and why."""
        refused: list[str] = []
        chosen = list(queryset.select_related("patient"))
        try:
            services.lock_visits([visit.pk for visit in chosen])
        except SchedulingError as error:
            messages.error(request, error.detail)
            return
        for visit in chosen:
            try:
                act(
                    appointment_id=visit.pk,
                    source=Source.ADMIN,
                    actor=f"user:{request.user.pk}",
                    now=clinic_now(),
                )
            except SchedulingError as error:
                refused.append(f"{label(visit)}: {error.detail}")
        if len(refused) < len(chosen):
            messages.success(request, f"{done}: {len(chosen) - len(refused)}.")
        for line in refused[:REFUSALS_SHOWN]:
            messages.warning(request, line)
        if len(refused) > REFUSALS_SHOWN:
            messages.warning(request, f"More that were refused: {len(refused) - REFUSALS_SHOWN}.")

    def get_form(
        self, request: HttpRequest, obj: Appointment | None = None, change: bool = False, **kw: Any
    ) -> Any:
        """Choose between booking and changing, and tell the form who acts."""
        base = ChangeForm if obj else BookingForm
        form: Any = super().get_form(request, obj, change, form=base, **kw)
        form.actor = f"user:{request.user.pk}"
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Appointment | None = None) -> Any:
        """Show the record of a stored visit around what may be changed."""
        if obj is None:
            fields = ("patient", "nurse", "visit_type", "start", "override_hours", "reason")
            return ((None, {"fields": fields}),)
        return (
            (None, {"fields": ("patient_name", "visit_type", "status", "reason")}),
            ("Move", {"fields": ("nurse", "start", "override_hours")}),
            ("Change", {"fields": ("act", "cancellation_reason", "note", "seen_version")}),
            (
                "Record",
                {
                    "fields": (
                        ("end", "source", "late"),
                        ("attendance_confirmed_at", "cancelled_at", "cancelled_by"),
                        ("sequence", "version", "created_at", "updated_at"),
                        "history",
                        "texts",
                    )
                },
            ),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Appointment | None = None) -> Any:
        """Leave only what the services can change."""
        if obj is None:
            return ()
        return (
            "patient_name",
            "visit_type",
            "status",
            "reason",
            "end",
            "source",
            "late",
            "attendance_confirmed_at",
            "cancelled_at",
            "cancelled_by",
            "sequence",
            "version",
            "created_at",
            "updated_at",
            "history",
            "texts",
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: the service has stored the visit while the form was validated."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: visits are cancelled, or marked as entered in error."""
        return False


@admin.register(SlotHold)
class SlotHoldAdmin(ReadOnly, NamedAdmin):
    list_display = ("start", "nurse_name", "purpose", "state", "expires_at")
    list_filter = ("state", "purpose")
    list_select_related = ("nurse",)
    search_fields = ("owner", "nurse__name_key")
    search_help_text = "Nurse, or who holds the time"
    date_hierarchy = "start"
