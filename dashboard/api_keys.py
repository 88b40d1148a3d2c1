"""The pages on which administrators make, see and revoke API keys (security reference, S42)."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts import issued_keys
from accounts.access import NotVisible
from accounts.exceptions import NoSuchKey
from accounts.keys import InvalidNetwork
from accounts.models import ApiKey
from accounts.origin import origin_of
from accounts.permissions import Resource, Scope, Verb
from accounts.sign_in import clock
from accounts.sign_in.decorators import recently_authenticated
from dashboard.pages import staff_page
from dashboard.paging import page_of

SCOPES = {
    Scope.PATIENTS_READ: ("Read patients", "Names, dates of birth, contacts, consents."),
    Scope.PATIENTS_WRITE: ("Add and change patients", "Not their conditions or notes."),
    Scope.CLINICAL_READ: ("Read conditions and notes", "What nurses write about patients."),
    Scope.SCHEDULE_READ: ("Read hours and free times", "Nurses, holidays, kinds of visit."),
    Scope.APPOINTMENTS_READ: ("Read visits", "Who is visited when, and by whom."),
    Scope.APPOINTMENTS_WRITE: ("Book, move and cancel visits", "For every patient and nurse."),
    Scope.CALLS_READ: ("Read calls", "Who called when and how it ended, not what was said."),
    Scope.CALLS_CREATE: ("Have the assistant call patients", "Patients who agreed to calls."),
    Scope.TRANSCRIPTS_READ: ("Read transcripts", "Every word of a call."),
    Scope.FHIR_READ: ("Read by FHIR", "For systems that speak FHIR R4."),
    Scope.FHIR_WRITE: ("Write by FHIR", "For systems that speak FHIR R4."),
}
"""Each scope in words, with what it opens."""


class ScopeBoxes(forms.CheckboxSelectMultiple):
    """Boxes of which the first one takes the focus when something is wrong with them."""

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        """Return the id of one box."""
        return super().id_for_label(id_, index or "0")


class KeyForm(forms.Form):
    """Whose key, what it opens, for how long, and from where."""

    name = forms.CharField(label="Name", max_length=80)
    scopes = forms.MultipleChoiceField(
        label="What it opens",
        choices=[(scope.value, words) for scope, (words, _) in SCOPES.items()],
        widget=ScopeBoxes,
        error_messages={"required": "Choose at least one."},
    )
    days = forms.IntegerField(label="Valid for days", min_value=1, initial=issued_keys.USUAL_DAYS)
    addresses = forms.CharField(label="Only from these addresses", required=False, max_length=2000)

    def clean_days(self) -> int:
        """Return a number of days that a key may live."""
        days: int = self.cleaned_data["days"]
        if days > settings.LIMIT_KEY_DAYS:
            raise forms.ValidationError(f"At most {settings.LIMIT_KEY_DAYS} days.")
        return days


@staff_page(Verb.LIST, Resource.API_KEY)
@require_GET
def api_keys(request: HttpRequest) -> HttpResponse:
    """List the keys."""
    number = request.GET.get("page", "")
    wanted = int(number) if number.isdecimal() and len(number) < 6 else 1
    page = page_of(issued_keys.issued_keys(), wanted)
    origin_of(request, surface="dashboard").record(action="keys.list")
    context = {"section": "api_keys", "page": page, "now": clock.now()}
    return render(request, "dashboard/api_keys.html", context)


@staff_page(Verb.CREATE, Resource.API_KEY)
@recently_authenticated
@require_http_methods(["GET", "HEAD", "POST"])
def creation(request: HttpRequest) -> HttpResponse:
    """Make a key and show it, once: in the answer to the form, which no browser keeps."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            key, text = issued_keys.create_key(
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                networks=form.cleaned_data["addresses"].replace(",", " ").split(),
                days=form.cleaned_data["days"],
                origin=origin_of(request, surface="dashboard"),
                now=clock.now(),
            )
        except InvalidNetwork as error:
            form.add_error("addresses", error.detail)
        else:
            context = {"section": "api_keys", "key": key, "text": text, "now": key.created_at}
            return render(request, "dashboard/api_keys_made.html", context)
    context = {
        "section": "api_keys",
        "form": form,
        "scopes": _scope_choices(form),
        "days_hint": f"1 to {settings.LIMIT_KEY_DAYS}. Then the system needs a new key.",
    }
    return render(request, "dashboard/api_keys_creation.html", context)


@staff_page(Verb.DELETE, Resource.API_KEY)
@require_http_methods(["GET", "HEAD", "POST"])
def revocation(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Ask, then close a key."""
    missing = NotVisible(resource=Resource.API_KEY, object_id=key_id, foreign=False)
    if request.method == "POST":
        try:
            key = issued_keys.revoke_key(
                key_id=key_id, origin=origin_of(request, surface="dashboard"), now=clock.now()
            )
        except NoSuchKey as error:
            raise missing from error
        messages.success(
            request, f"The key {key.name} is revoked. Nobody gets in with it any more."
        )
        return redirect("dashboard:api_keys")
    found = ApiKey.objects.filter(pk=key_id).first()
    if found is None:
        raise missing
    context = {"section": "api_keys", "key": found, "now": clock.now()}
    return render(request, "dashboard/api_keys_revocation.html", context)


def _scope_choices(form: KeyForm) -> list[dict[str, Any]]:
    chosen = form["scopes"].value() or []
    return [
        {"value": scope.value, "words": words, "hint": hint, "on": scope.value in chosen}
        for scope, (words, hint) in SCOPES.items()
    ]
