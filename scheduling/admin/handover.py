"""The page on which a nurse's visits are handed over: shown first, then done as shown."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse

from scheduling import services
from scheduling.clock import clinic_now
from scheduling.exceptions import SchedulingError, Stale
from scheduling.models import Nurse, Source

USUAL_DAYS = 30
YEARS = range(2000, 2100)
ONE_DAY = timedelta(days=1)
CHOICE = "nurse-"  # and the visit's id: the name of the field that chooses who takes it over
A_CALL = "call"


class RangeForm(forms.Form):
    """Which days to hand over, both inclusive."""

    first = forms.DateField(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    last = forms.DateField(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        """Refuse days out of order."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if any(day.year not in YEARS for day in data.values()):
            raise forms.ValidationError("Choose days of this century.")
        if "first" in data and "last" in data and data["last"] < data["first"]:
            raise forms.ValidationError("The last day is before the first.")
        return data

    def bounds(self, zone: ZoneInfo) -> dict[str, datetime]:
        """Return the days as a range of instants, by the nurse's clock."""
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        return {
            "since": datetime.combine(first, time(), zone).astimezone(UTC),
            "until": datetime.combine(last + ONE_DAY, time(), zone).astimezone(UTC),
        }


def hand_over(model_admin: Any, request: HttpRequest, nurse_id: UUID) -> HttpResponse:
    """Show who could take over which visit; on POST hand them over, if nothing has changed since."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    nurse = get_object_or_404(Nurse, pk=nurse_id)
    zone = ZoneInfo(nurse.time_zone)
    now = clinic_now()
    today = now.astimezone(zone).date()
    asked = request.POST if request.method == "POST" else request.GET
    usual = {"first": today.isoformat(), "last": (today + USUAL_DAYS * ONE_DAY).isoformat()}
    form = RangeForm(asked if "first" in asked else usual)
    preview = None
    if form.is_valid():
        bounds = form.bounds(zone)
        if request.method == "POST":
            try:
                return _apply(request, nurse, bounds, now)
            except Stale:
                messages.error(request, "Things have changed since you looked. Please look again.")
            except SchedulingError as error:
                messages.error(request, f"Nothing was handed over: {error.detail}")
        preview = services.preview_handover(nurse_id=nurse.pk, **bounds, now=now)
    return TemplateResponse(
        request,
        "admin/scheduling/nurse/hand_over.html",
        {
            **model_admin.admin_site.each_context(request),
            "title": f"Hand over the visits of {nurse.name}",
            "opts": model_admin.opts,
            "nurse": nurse,
            "form": form,
            "preview": preview,
            "prefix": CHOICE,
            "a_call": A_CALL,
            "colleagues": Nurse.objects.filter(active=True).exclude(pk=nurse.pk),
        },
    )


def _apply(
    request: HttpRequest, nurse: Nurse, bounds: dict[str, datetime], now: datetime
) -> HttpResponse:
    result = services.apply_handover(
        nurse_id=nurse.pk,
        **bounds,
        token=request.POST.get("token", ""),
        choices=_choices(request),
        move_primary="move_primary" in request.POST,
        source=Source.ADMIN,
        actor=f"user:{request.user.pk}",
        now=now,
    )
    messages.success(request, f"Visits handed over: {len(result.appointments)}.")
    if result.tasks:
        messages.warning(request, f"Patients to call, a task each: {len(result.tasks)}.")
    return redirect("admin:scheduling_nurse_change", nurse.pk)


def _choices(request: HttpRequest) -> dict[UUID, UUID | None]:
    """
    Return who was chosen for each visit; None asks for a call.

    Raises:
        Stale: a field is not one that the page has.
    """
    try:
        return {
            UUID(name.removeprefix(CHOICE)): None if value == A_CALL else UUID(value)
            for name, value in request.POST.items()
            if name.startswith(CHOICE) and isinstance(value, str)
        }
    except ValueError as error:
        raise Stale from error
