"""Emergency access on the pages: who has what open, and the page on which administrators open and end it (S30)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts import emergency
from accounts.access import Viewer
from accounts.exceptions import NobodyToOpenFor, NoSuchAccess, ReasonMissing
from accounts.models import EmergencyAccess, User
from accounts.origin import origin_of
from accounts.permissions import Resource, Verb
from accounts.sign_in import clock
from dashboard import selectors
from dashboard.pages import staff_page
from scheduling.models import Patient

MOST_FOUND = 20


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """A record that is open to somebody for a while."""

    access: EmergencyAccess
    patient: Patient | None


class PersonChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in the stubs only
    """Nurses by their names."""

    def label_from_instance(self, obj: Any) -> str:
        return obj.get_full_name() or str(obj.get_username())


class SearchForm(forms.Form):
    """Which patient; a search never becomes part of an address (S53)."""

    search = forms.CharField(label="Patient", max_length=80)


class OpenForm(forms.Form):
    """Whose record, to whom, and why."""

    patient = forms.UUIDField(
        label="Patient",
        error_messages={"required": "Choose a patient.", "invalid": "Choose a patient."},
    )
    user = PersonChoice(
        queryset=User.objects.none(), label="Open it to", empty_label="Choose a nurse"
    )
    reason = forms.CharField(
        label="Reason",
        min_length=emergency.SHORTEST_REASON,
        max_length=emergency.LONGEST_REASON,
        error_messages={"min_length": ReasonMissing.detail},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].queryset = emergency.people_to_open_for()  # type: ignore[attr-defined]  # a choice field


def open_records(*, viewer: Viewer, now: datetime) -> list[OpenRecord]:
    """Return what is open to the viewer, to be told on every page; no query where nothing is."""
    if not viewer.opened or viewer.user_id is None:
        return []
    return _with_patients(list(emergency.open_accesses(now=now).filter(user=viewer.user_id)))


@staff_page(Verb.CREATE, Resource.USER)
@require_http_methods(["GET", "HEAD", "POST"])
def emergency_access(request: HttpRequest) -> HttpResponse:
    """Show what is open; look for a patient; open the record when all is said."""
    search, found = SearchForm(request.POST if "search" in request.POST else None), []
    form = OpenForm(request.POST if "reason" in request.POST else None)
    if search.is_valid():
        found = list(selectors.patients_named(search=search.cleaned_data["search"])[:MOST_FOUND])
    if form.is_bound and form.is_valid():
        try:
            return _open(request, form)
        except (ReasonMissing, NobodyToOpenFor) as error:
            form.add_error(None, error.detail)
    if form.is_bound and (chosen := form.cleaned_data.get("patient")):
        found = list(Patient.objects.filter(pk=chosen))
    opened = _with_patients(list(emergency.open_accesses(now=clock.now())))
    shown = {patient.pk for patient in (*found, *(one.patient for one in opened)) if patient}
    if search.is_bound or shown:
        _record_shown(request, shown)
    context = {
        "section": "emergency",
        "search": search,
        "found": found,
        "form": form,
        "open": opened,
        "minutes": int(emergency.LASTS.total_seconds() // 60),
    }
    return render(request, "dashboard/emergency.html", context)


@staff_page(Verb.CREATE, Resource.USER)
@require_POST
def end_emergency_access(request: HttpRequest, access_id: UUID) -> HttpResponse:
    """Close a record before its time."""
    try:
        origin = origin_of(request, surface="dashboard")
        emergency.end_access(access_id=access_id, origin=origin, now=clock.now())
        messages.success(request, "The record is closed again.")
    except NoSuchAccess as error:
        messages.warning(request, error.detail)
    return redirect("dashboard:emergency")


def _open(request: HttpRequest, form: OpenForm) -> HttpResponse:
    patient = Patient.objects.filter(pk=form.cleaned_data["patient"]).first()
    if patient is None:
        messages.warning(request, "There is no such patient any more. Search again.")
        return redirect("dashboard:emergency")
    access = emergency.open_record(
        user_id=form.cleaned_data["user"].pk,
        patient_id=patient.pk,
        reason=form.cleaned_data["reason"],
        origin=origin_of(request, surface="dashboard"),
        now=clock.now(),
    )
    person = access.user.get_full_name() or access.user.get_username()
    messages.success(
        request, f"The record of {patient.name} is open to {person}. All administrators are told."
    )
    return redirect("dashboard:emergency")


def _record_shown(request: HttpRequest, patient_ids: set[UUID]) -> None:
    origin_of(request, surface="dashboard").record(
        action="patients.list", patient_ids=sorted(patient_ids)
    )


def _with_patients(accesses: list[EmergencyAccess]) -> list[OpenRecord]:
    patients = Patient.objects.in_bulk([access.patient_id for access in accesses])
    return [OpenRecord(access, patients.get(access.patient_id)) for access in accesses]
