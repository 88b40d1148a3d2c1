"""Recurring visits in the admin: booked with a look at each date first, changed one, from one on, or all."""

from datetime import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path

from scheduling import services
from scheduling.admin.bases import NamedAdmin, ReadOnly, label
from scheduling.clock import clinic_now
from scheduling.exceptions import SchedulingError, SeriesConflict
from scheduling.models import (
    Appointment,
    AppointmentSeries,
    Nurse,
    Patient,
    Source,
    VisitType,
)
from scheduling.models.appointments import MOST_MEMBERS
from scheduling.models.calendar import Weekday
from scheduling.selectors.series import Member, series_members

CONFLICTS = {
    "time_does_not_exist": "The clocks skip that time on that day",
    "taken": "The nurse is taken",
    "buffer": "Too close to another visit of the nurse",
    "patient_busy": "The patient has another visit then",
    "no_hours": "The nurse does not work then",
    "grid": "Visits do not begin at that minute",
    "notice": "Too soon, or past",
    "horizon": "Too far ahead",
    "cap": "The nurse has no more visits left on that day",
    "license": "The license does not cover it",
    "specialization": "The nurse does not make such visits",
    "not_available": "The nurse is not available for this patient",
}
ON_CONFLICT = forms.BooleanField(
    required=False, label="Leave out what is not possible", help_text="Else nothing is done at all."
)


if TYPE_CHECKING:  # the stubs know the class as generic, Django itself does not
    ModelChoiceBase = forms.ModelChoiceField[Any]
else:
    ModelChoiceBase = forms.ModelChoiceField


class NamedChoice(ModelChoiceBase):
    """A choice of people by their names."""

    def label_from_instance(self, obj: Any) -> str:
        """Return what people call the row."""
        return label(obj)


def _searched(name: str) -> AutocompleteSelect:
    """Return a field's widget that searches on the server: a clinic has too many patients for a list."""
    return AutocompleteSelect(Appointment._meta.get_field(name), admin.site)


def _date() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


def _time() -> forms.TimeInput:
    return forms.TimeInput(format="%H:%M", attrs={"type": "time"})


class SeriesForm(forms.Form):
    """A new series; dates and times are by the nurse's clock."""

    patient = NamedChoice(Patient.objects.all(), widget=_searched("patient"))
    nurse = NamedChoice(Nurse.objects.filter(active=True), widget=_searched("nurse"))
    visit_type = forms.ModelChoiceField(VisitType.objects.filter(active=True))
    first_date = forms.DateField(widget=_date())
    start_time = forms.TimeField(widget=_time(), help_text="By the nurse's clock.")
    every_weeks = forms.IntegerField(min_value=1, max_value=MOST_MEMBERS, initial=1)
    count = forms.IntegerField(
        min_value=1, max_value=MOST_MEMBERS, required=False, label="Number of visits"
    )
    until = forms.DateField(widget=_date(), required=False, label="Or until")
    reason = forms.CharField(max_length=500, required=False)
    skip = ON_CONFLICT

    def people(self) -> dict[str, Any]:
        """Return whom and what the series is for, as the services take it."""
        data = self.cleaned_data
        return {
            "patient_id": data["patient"].pk,
            "nurse_id": data["nurse"].pk,
            "visit_type": data["visit_type"].code,
        }

    def pattern(self) -> services.Pattern:
        """Return when the visits are to be."""
        data = self.cleaned_data
        return services.Pattern(
            first_date=data["first_date"],
            start_time=data["start_time"],
            every_weeks=data["every_weeks"],
            count=data["count"],
            until=data["until"],
        )


class MembersForm(forms.Form):
    """What is to become of one visit, of it and those after it, or of all that are still ahead."""

    visit = forms.ChoiceField(label="Visit")
    scope = forms.ChoiceField(
        choices=[("this", "This visit"), ("following", "This and following"), ("all", "All ahead")],
        label="Which",
    )
    act = forms.ChoiceField(choices=[("move", "Move"), ("cancel", "Cancel")], label="What")
    weekday = forms.TypedChoiceField(
        choices=[("", "The same weekday"), *Weekday.choices],
        coerce=int,
        empty_value=None,
        required=False,
    )
    start_time = forms.TimeField(
        widget=_time(), required=False, help_text="Empty: the same; by the nurse's clock."
    )
    nurse = NamedChoice(
        Nurse.objects.filter(active=True), required=False, empty_label="The same nurse"
    )
    cancellation_reason = forms.ChoiceField(
        choices=Appointment.CancellationReason.choices,
        initial=Appointment.CancellationReason.CLINIC,
        help_text="Counts only for a cancellation.",
    )
    skip = ON_CONFLICT

    def __init__(self, *args: Any, visits: list[Appointment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["visit"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(visit.pk), label(visit)) for visit in visits]

    def carry_out(self, common: dict[str, Any]) -> services.SeriesResult:
        """Move or cancel."""
        data = self.cleaned_data
        common = common | {"appointment_id": UUID(data["visit"]), "scope": data["scope"]}
        if data["act"] == "cancel":
            return services.cancel_series(**common, reason=data["cancellation_reason"])
        start_time: time | None = data["start_time"]
        nurse: Nurse | None = data["nurse"]
        shift = services.Shift(data["weekday"], start_time, nurse.pk if nurse else None)
        return services.reschedule_series(
            **common, shift=shift, on_conflict="skip" if data["skip"] else "fail"
        )


@admin.register(AppointmentSeries)
class AppointmentSeriesAdmin(ReadOnly, NamedAdmin):
    """Series as they were made; their visits change through the services alone."""

    list_display = (
        "patient_name",
        "nurse_name",
        "visit_type",
        "first_date",
        "start_time",
        "every_weeks",
    )
    list_filter = ("visit_type", "source")
    list_select_related = ("patient", "nurse", "visit_type")
    search_fields = ("patient__name_key", "nurse__name_key")
    search_help_text = "Patient or nurse"
    date_hierarchy = "first_date"

    def get_urls(self) -> list[Any]:
        """Add the pages on which a series is booked and its visits are changed."""
        guard = self.admin_site.admin_view
        return [
            path("book/", guard(self.book), name="scheduling_appointmentseries_book"),
            path(
                "<uuid:series_id>/visits/",
                guard(self.visits),
                name="scheduling_appointmentseries_visits",
            ),
            *super().get_urls(),
        ]

    def book(self, request: HttpRequest) -> HttpResponse:
        """Show each visit of a new series with what stands against it, then book it."""
        if not request.user.has_perm("scheduling.add_appointment"):
            raise PermissionDenied
        form = SeriesForm(request.POST or None)
        members: tuple[Member, ...] = ()
        if form.is_valid():
            try:
                if "book" in request.POST:
                    return self._book(request, form)
                members = services.preview_series(
                    **form.people(), pattern=form.pattern(), now=clinic_now()
                )
            except SeriesConflict as error:
                members = error.members
                form.add_error(None, error.detail)
            except SchedulingError as error:
                form.add_error(None, error.detail)
        context = {"form": form, "members": _told(members), "title": "Book a series"}
        return self._page(request, "book", context)

    def visits(self, request: HttpRequest, series_id: UUID) -> HttpResponse:
        """Show the visits of a series, and move or cancel those that are still ahead."""
        if not request.user.has_perm("scheduling.change_appointment"):
            raise PermissionDenied
        series = get_object_or_404(AppointmentSeries, pk=series_id)
        stored = series_members(series_id=series.pk)
        ahead = [
            visit
            for visit in stored
            if visit.status == Appointment.Status.BOOKED and visit.start > clinic_now()
        ]
        form = MembersForm(request.POST or None, visits=ahead)
        members: tuple[Member, ...] = ()
        if form.is_valid():
            try:
                return self._change(request, form, series)
            except SeriesConflict as error:
                members = error.members
                form.add_error(None, error.detail)
            except SchedulingError as error:
                form.add_error(None, error.detail)
        context = {
            "form": form,
            "series": series,
            "visits": stored,
            "ahead": ahead,
            "members": _told(members),
            "title": "Visits of a series",
        }
        return self._page(request, "visits", context)

    def _book(self, request: HttpRequest, form: SeriesForm) -> HttpResponse:
        result = services.book_series(
            **form.people(),
            pattern=form.pattern(),
            reason=form.cleaned_data["reason"],
            on_conflict="skip" if form.cleaned_data["skip"] else "fail",
            **_who(request),
        )
        messages.success(request, f"Visits booked: {len(result.appointments)}.")
        return self._done(request, result)

    def _change(
        self, request: HttpRequest, form: MembersForm, series: AppointmentSeries
    ) -> HttpResponse:
        result = form.carry_out(_who(request))
        done = "cancelled" if form.cleaned_data["act"] == "cancel" else "moved"
        messages.success(request, f"Visits {done}: {len(result.appointments)}.")
        return self._done(request, result)

    def _done(self, request: HttpRequest, result: services.SeriesResult) -> HttpResponse:
        if result.skipped:
            messages.warning(request, f"Left out as not possible: {len(result.skipped)}.")
        return redirect("admin:scheduling_appointmentseries_visits", result.series.pk)

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        return TemplateResponse(
            request,
            f"admin/scheduling/appointmentseries/{name}.html",
            {
                **self.admin_site.each_context(request),
                **context,
                "opts": self.opts,
                "media": self.media + context["form"].media,
            },
        )


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"source": Source.ADMIN, "actor": f"user:{request.user.pk}", "now": clinic_now()}


def _told(members: tuple[Member, ...]) -> list[tuple[Member, str]]:
    """Return the members with what stands against each, in words."""
    return [(member, CONFLICTS.get(member.conflict, "")) for member in members]
