"""Who waits for a time, and what was offered, in the admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from scheduling import services
from scheduling.admin.bases import ModelFormBase, NamedAdmin, ReadOnly, ReadOnlyInline
from scheduling.clock import clinic_now
from scheduling.exceptions import SchedulingError
from scheduling.models import FreedTime, Source, WaitlistEntry, WaitlistOffer
from scheduling.services.waitlist import PARTS_OF_DAY


class WaitlistForm(ModelFormBase):
    """The parts of the day as boxes to tick."""

    parts_of_day = forms.MultipleChoiceField(
        choices=[(part, part.title()) for part in PARTS_OF_DAY],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="None ticked: any.",
    )


class OfferInline(ReadOnlyInline):
    model = WaitlistOffer
    fields = ("start", "nurse_name", "status", "expires_at", "answered_at", "appointment")

    @admin.display(description="Nurse")
    def nurse_name(self, offer: WaitlistOffer) -> str:
        """Return the name of the nurse whose time was offered."""
        return offer.nurse.name


@admin.register(WaitlistEntry)
class WaitlistEntryAdmin(NamedAdmin):
    """Wishes for a time; their status changes with offers and answers alone."""

    form = WaitlistForm
    inlines = (OfferInline,)
    actions = ("take_off_the_list",)
    list_display = (
        "patient_name",
        "visit_type",
        "nurse_name",
        "earliest",
        "latest",
        "priority",
        "status",
    )
    list_filter = ("status", "visit_type")
    list_select_related = ("patient", "nurse", "visit_type")
    search_fields = ("patient__name_key", "nurse__name_key")
    search_help_text = "Patient or nurse"
    autocomplete_fields = ("patient", "nurse", "visit_type")
    readonly_fields = ("status", "source", "actor", "waiting_since", "created_at")

    @admin.action(description="Take the selected wishes off the list", permissions=["change"])
    def take_off_the_list(self, request: HttpRequest, queryset: QuerySet[WaitlistEntry]) -> None:
        """End each wish on its own, with its open offer, and say how many could not be."""
        refused = 0
        chosen = list(queryset.values_list("pk", flat=True))
        try:
            services.lock_wishes(chosen)
        except SchedulingError as error:
            messages.error(request, error.detail)
            return
        for entry_id in chosen:
            try:
                services.leave_waitlist(entry_id=entry_id, now=clinic_now())
            except SchedulingError:
                refused += 1
        messages.success(request, f"Wishes taken off the list: {len(chosen) - refused}.")
        if refused:
            messages.warning(request, f"Wishes that had ended already: {refused}.")

    def get_readonly_fields(
        self, request: HttpRequest, obj: WaitlistEntry | None = None
    ) -> tuple[str, ...]:
        """Keep a stored wish with its patient: what was offered to one must not be another's."""
        return ("patient", *self.readonly_fields) if obj else tuple(self.readonly_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: what was offered stays on record."""
        return False

    def save_model(self, request: HttpRequest, obj: WaitlistEntry, form: Any, change: bool) -> None:
        """Stamp who entered the wish; of a stored one write what was edited, as offers change its status meanwhile."""
        if change:
            obj.save(update_fields=form.changed_data)
            return
        obj.source, obj.actor = Source.ADMIN, f"user:{request.user.pk}"
        obj.waiting_since = clinic_now()
        super().save_model(request, obj, form, change)


@admin.register(FreedTime)
class FreedTimeAdmin(ReadOnly, NamedAdmin):
    list_display = ("start", "end", "nurse_name", "depth", "due_at", "done_at")
    list_filter = (("done_at", admin.EmptyFieldListFilter),)
    list_select_related = ("nurse",)
    search_fields = ("nurse__name_key",)
    search_help_text = "Nurse"
    date_hierarchy = "start"


@admin.register(WaitlistOffer)
class WaitlistOfferAdmin(ReadOnly, NamedAdmin):
    list_display = ("start", "waiting_patient", "nurse_name", "status", "expires_at", "answered_at")
    list_filter = ("status",)
    list_select_related = ("entry__patient", "nurse")
    search_fields = ("entry__patient__name_key", "nurse__name_key")
    search_help_text = "Patient or nurse"
    date_hierarchy = "start"

    @admin.display(description="Patient", ordering="entry__patient__last_name")
    def waiting_patient(self, offer: WaitlistOffer) -> str:
        """Return who was offered the time."""
        return offer.entry.patient.name
