"""The pages on which administrators hold, hand out, erase and correct records (security reference, S59, S62 to S64)."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import NotVisible
from accounts.exceptions import NoSuchHold
from accounts.legal_holds import holds_in_force, lift_hold, place_hold
from accounts.models import LegalHold
from accounts.origin import origin_of
from accounts.permissions import Resource, Verb
from accounts.sign_in import clock
from accounts.sign_in.decorators import recently_authenticated
from dashboard import selectors
from dashboard.emergency import MOST_FOUND, SearchForm
from dashboard.pages import staff_page
from dashboard.privacy_forms import CallPermissionForm, ReasonForm, RelinkForm, permission_words
from scheduling.clock import clinic_now
from scheduling.exceptions import SchedulingError
from scheduling.models import Consent, Patient, PurgeRun, Source
from scheduling.selectors.calls import call_permission
from scheduling.services import record_consent
from voice.models import CallLog
from voice.privacy import erase_patient, patient_export, relink_call

Kind = LegalHold.Kind
PURGED = {
    "transcripts": "Turns of transcripts",
    "tool_calls": "What the assistant did, its words",
    "calls": "Calls",
    "receipts": "Notes of the carrier",
    "messages": "Messages",
    "staff_tasks": "Tasks for staff",
    "imports": "Imported files",
}


@staff_page(Verb.READ, Resource.SETTINGS)
@require_http_methods(["GET", "HEAD", "POST"])
def privacy(request: HttpRequest) -> HttpResponse:
    """Look for a patient; tell what the last purge deleted."""
    search = SearchForm(request.POST if request.method == "POST" else None)
    found: list[Patient] = []
    if search.is_valid():
        found = list(selectors.patients_named(search=search.cleaned_data["search"])[:MOST_FOUND])
        _record(request, "patients.list", patient_ids=sorted(patient.pk for patient in found))
    last = PurgeRun.objects.first()
    context = {
        "section": "privacy",
        "search": search,
        "found": found,
        "purge": last,
        "purged": [(PURGED.get(name, name), count) for name, count in last.counts.items()]
        if last
        else [],
    }
    return render(request, "dashboard/privacy.html", context)


@staff_page(Verb.READ, Resource.SETTINGS)
@require_GET
def patient(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Show what rests on a patient's record, and what can be done with it."""
    return _patient_page(request, _patient(patient_id))


@staff_page(Verb.READ, Resource.SETTINGS)
@require_GET
def call(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Show what rests on a call's record, and whose call it was."""
    return _call_page(request, _call(call_id))


@staff_page(Verb.UPDATE, Resource.SETTINGS)
@require_POST
def patient_hold(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Place a hold on a patient."""
    found, form = _patient(patient_id), ReasonForm(request.POST)
    if not form.is_valid():
        return _patient_page(request, found, form=form)
    _place(request, Kind.PATIENT, found.pk, [found.pk], form)
    return redirect("dashboard:privacy_patient", found.pk)


@staff_page(Verb.UPDATE, Resource.SETTINGS)
@require_POST
def call_hold(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Place a hold on a call."""
    found, form = _call(call_id), ReasonForm(request.POST)
    if not form.is_valid():
        return _call_page(request, found, form=form)
    _place(request, Kind.CALL, found.pk, _patients_of(found), form)
    return redirect("dashboard:privacy_call", found.pk)


@staff_page(Verb.UPDATE, Resource.SETTINGS)
@recently_authenticated
@require_POST
def patient_hold_lifting(request: HttpRequest, patient_id: UUID, hold_id: UUID) -> HttpResponse:
    """Lift a hold from a patient."""
    found, form = _patient(patient_id), ReasonForm(request.POST)
    if not form.is_valid():
        return _patient_page(request, found, form=form)
    _lift(request, hold_id, found.pk, [found.pk], form)
    return redirect("dashboard:privacy_patient", found.pk)


@staff_page(Verb.UPDATE, Resource.SETTINGS)
@recently_authenticated
@require_POST
def call_hold_lifting(request: HttpRequest, call_id: UUID, hold_id: UUID) -> HttpResponse:
    """Lift a hold from a call."""
    found, form = _call(call_id), ReasonForm(request.POST)
    if not form.is_valid():
        return _call_page(request, found, form=form)
    _lift(request, hold_id, found.pk, _patients_of(found), form)
    return redirect("dashboard:privacy_call", found.pk)


@staff_page(Verb.UPDATE, Resource.PATIENT)
@require_POST
def call_permission_answer(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Store what a patient said about calls from us; "do not call" ends texts too (S59)."""
    found, form = _patient(patient_id), CallPermissionForm(request.POST)
    if not form.is_valid():
        return _patient_page(request, found, form=form)
    with transaction.atomic():
        answer = record_consent(
            channel=Consent.Channel.VOICE,
            purpose=Consent.Purpose.CALLS,
            granted=form.cleaned_data["granted"],
            wording=form.cleaned_data["wording"],
            source=Source.DASHBOARD,
            patient_id=found.pk,
            now=clinic_now(),
        )
        _record(
            request,
            "consent.added",
            patient_ids=[found.pk],
            object_type="consent",
            object_id=answer.pk,
            reason="granted" if answer.granted else "refused",
        )
    messages.success(request, "The answer counts from now on.")
    return redirect("dashboard:privacy_patient", found.pk)


@staff_page(Verb.EXPORT, Resource.PATIENT)
@recently_authenticated
@require_POST
def export(request: HttpRequest, patient_id: UUID) -> StreamingHttpResponse:
    """Answer with everything that is kept about a patient; nothing of it is stored, so no link has to end (S63)."""
    found, now = _patient(patient_id), clock.now()
    pieces = patient_export(
        patient_id=found.pk, origin=origin_of(request, surface="dashboard"), now=now
    )
    response = StreamingHttpResponse(pieces, content_type="application/json")
    name = f"patient-{found.pk}.json"  # no name of a person: it ends up in folders and mails
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@staff_page(Verb.UPDATE, Resource.SETTINGS)
@recently_authenticated
@require_POST
def erasure(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Erase a patient for good."""
    found, form = _patient(patient_id), ReasonForm(request.POST)
    if not form.is_valid():
        return _patient_page(request, found, form=form)

    def act() -> None:
        erase_patient(
            patient_id=found.pk,
            reason=form.cleaned_data["reason"],
            origin=origin_of(request, surface="dashboard"),
            now=clinic_now(),
        )

    told = "The patient is erased. Backups and what the carrier keeps end by their own rules."
    _carry_out(request, act, told)
    return redirect("dashboard:privacy_patient", found.pk)


@staff_page(Verb.UPDATE, Resource.SETTINGS)
@require_POST
def relinking(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Say whose call it was."""
    found, form = _call(call_id), RelinkForm(request.POST)
    if not form.is_valid():
        return _call_page(request, found, form=form)
    chosen = form.cleaned_data["patient"]

    def act() -> None:
        relink_call(
            call_id=found.pk,
            patient_id=chosen.pk if chosen else None,
            reason=form.cleaned_data["reason"],
            origin=origin_of(request, surface="dashboard"),
            now=clock.now(),
        )

    _carry_out(request, act, "The call is linked anew.")
    return redirect("dashboard:privacy_call", found.pk)


def _patient_page(request: HttpRequest, found: Patient, form: Any = None) -> HttpResponse:
    _record(
        request,
        "patient.read",
        patient_ids=[found.pk],
        object_type="patient",
        object_id=found.pk,
    )
    answer = call_permission(patient=found)
    context = {
        "section": "privacy",
        "patient": found,
        "holds": holds_in_force(kind=Kind.PATIENT, record_ids=[found.pk]),
        "answer": answer,
        "permission": permission_words(answer),
        "form": form or ReasonForm(),
    }
    return render(request, "dashboard/privacy_patient.html", context)


def _call_page(request: HttpRequest, found: CallLog, form: Any = None) -> HttpResponse:
    _record(
        request,
        "call.read",
        patient_ids=_patients_of(found),
        object_type="call",
        object_id=found.pk,
    )
    context = {
        "section": "privacy",
        "call": found,
        "holds": holds_in_force(kind=Kind.CALL, record_ids=[found.pk]),
        "form": form or RelinkForm(),
    }
    return render(request, "dashboard/privacy_call.html", context)


def _place(
    request: HttpRequest, kind: str, record_id: UUID, patient_ids: list[UUID], form: ReasonForm
) -> None:
    place_hold(
        kind=kind,
        record_id=record_id,
        patient_ids=patient_ids,
        reason=form.cleaned_data["reason"],
        origin=origin_of(request, surface="dashboard"),
        now=clock.now(),
    )
    messages.success(request, "Nothing of this record is deleted until the hold is lifted.")


def _lift(
    request: HttpRequest,
    hold_id: UUID,
    record_id: UUID,
    patient_ids: list[UUID],
    form: ReasonForm,
) -> None:
    try:
        lift_hold(
            hold_id=hold_id,
            record_id=record_id,
            patient_ids=patient_ids,
            reason=form.cleaned_data["reason"],
            origin=origin_of(request, surface="dashboard"),
            now=clock.now(),
        )
    except NoSuchHold as error:
        messages.warning(request, error.detail)
    else:
        messages.success(request, "The hold is lifted.")


def _carry_out(request: HttpRequest, act: Callable[[], None], told: str) -> None:
    """Do it, and say so or why not."""
    try:
        act()
    except SchedulingError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, told)


def _patient(patient_id: UUID) -> Patient:
    found = Patient.objects.filter(pk=patient_id).first()
    if found is None:
        raise NotVisible(resource=Resource.PATIENT, object_id=patient_id, foreign=False)
    return found


def _call(call_id: UUID) -> CallLog:
    found = CallLog.objects.select_related("patient").filter(pk=call_id).first()
    if found is None:
        raise NotVisible(resource=Resource.CALL, object_id=call_id, foreign=False)
    return found


def _patients_of(found: CallLog) -> list[UUID]:
    return [found.patient_id] if found.patient_id else []


def _record(request: HttpRequest, action: str, **details: Any) -> None:
    origin_of(request, surface="dashboard").record(action=action, **details)
