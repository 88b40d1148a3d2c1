"""
Visits, holds and the waitlist in the admin.

A visit is booked, moved and ended by the services, within the form's own validation: a rule that refuses is an
error of the form, and there is no way around one. Nothing here saves a visit itself.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from scheduling import services
from scheduling.admin.bases import ClinicTimeAdmin, ModelFormBase, ReadOnly
from scheduling.clock import clinic_now
from scheduling.exceptions import (
    InvalidTime,
    NotAvailable,
    NurseUnknown,
    SchedulingError,
    SlotTaken,
)
from scheduling.models import (
    Appointment,
    SlotHold,
    Source,
    WaitlistEntry,
)
from scheduling.services.tasks import PARTS_OF_DAY

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
        except SchedulingError as error:
            self.add_error(self.field_of(error), error.detail)

    def carry_out(self) -> Appointment:
        """Call the service and return what it stored."""
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
            source=Source.ADMIN,
            actor=self.actor,
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
                **common, nurse_id=data["nurse"].pk, start=data["start"]
            )
        return Appointment.objects.get(pk=self.instance.pk)

    def _is_moved(self) -> bool:
        return bool({"nurse", "start"} & set(self.changed_data))


@admin.register(Appointment)
class AppointmentAdmin(ClinicTimeAdmin):
    """Visits; every change is a call of a service."""

    list_display = ("start", "patient_name", "nurse_name", "visit_type", "status", "source")
    list_filter = ("status", "source", "visit_type", "late")
    list_select_related = ("patient", "nurse", "visit_type")
    search_fields = ("patient__name_key", "nurse__name_key")
    search_help_text = "Patient or nurse"
    autocomplete_fields = ("patient", "nurse", "visit_type")
    date_hierarchy = "start"
    # No inlines: a formset that failed would show the form again after the service had stored the visit.
    actions = ("cancel_selected",)
    list_per_page = 50
    show_full_result_count = False

    @admin.display(description="Patient", ordering="patient__last_name")
    def patient_name(self, visit: Appointment) -> str:
        """Return the patient's name."""
        return visit.patient.name

    @admin.display(description="Nurse", ordering="nurse__last_name")
    def nurse_name(self, visit: Appointment) -> str:
        """Return the nurse's name."""
        return visit.nurse.name

    @admin.display(description="History")
    def history(self, visit: Appointment) -> str:
        """Return what happened to the visit, a line each."""
        lines = [
            (
                timezone.localtime(change.at).strftime("%Y-%m-%d %H:%M"),
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

    @admin.action(description="Cancel the selected visits", permissions=["change"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        """Cancel each visit on its own, and say how many could not be."""
        refused = 0
        chosen = list(queryset.values_list("pk", flat=True))
        for appointment_id in chosen:
            try:
                services.cancel_appointment(
                    appointment_id=appointment_id,
                    source=Source.ADMIN,
                    actor=f"user:{request.user.pk}",
                    now=clinic_now(),
                    reason=Appointment.CancellationReason.CLINIC,
                )
            except SchedulingError:
                refused += 1
        messages.success(request, f"Visits cancelled: {len(chosen) - refused}.")
        if refused:
            messages.warning(request, f"Visits that cannot be cancelled any more: {refused}.")

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
            fields = ("patient", "nurse", "visit_type", "start", "reason")
            return ((None, {"fields": fields}),)
        return (
            (None, {"fields": ("patient_name", "visit_type", "status", "reason")}),
            ("Move", {"fields": ("nurse", "start")}),
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
class SlotHoldAdmin(ReadOnly, ClinicTimeAdmin):
    list_display = ("start", "nurse_name", "purpose", "state", "expires_at")
    list_filter = ("state", "purpose")
    list_select_related = ("nurse",)
    search_fields = ("owner", "nurse__name_key")
    date_hierarchy = "start"

    @admin.display(description="Nurse", ordering="nurse__last_name")
    def nurse_name(self, hold: SlotHold) -> str:
        """Return the nurse's name."""
        return hold.nurse.name


class WaitlistForm(ModelFormBase):
    """The parts of the day as boxes to tick."""

    parts_of_day = forms.MultipleChoiceField(
        choices=[(part, part.title()) for part in PARTS_OF_DAY],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="None ticked: any.",
    )


@admin.register(WaitlistEntry)
class WaitlistEntryAdmin(ClinicTimeAdmin):
    form = WaitlistForm
    list_display = ("patient_name", "visit_type", "earliest", "latest", "priority", "status")
    list_filter = ("status", "visit_type")
    list_select_related = ("patient", "visit_type")
    search_fields = ("patient__name_key",)
    autocomplete_fields = ("patient", "nurse", "visit_type")
    readonly_fields = ("source", "actor", "waiting_since", "created_at")

    @admin.display(description="Patient", ordering="patient__last_name")
    def patient_name(self, entry: WaitlistEntry) -> str:
        """Return the patient's name."""
        return entry.patient.name

    def save_model(self, request: HttpRequest, obj: WaitlistEntry, form: Any, change: bool) -> None:
        """Stamp who entered the wish."""
        if not change:
            obj.source, obj.actor = Source.ADMIN, f"user:{request.user.pk}"
            obj.waiting_since = clinic_now()
        super().save_model(request, obj, form, change)
