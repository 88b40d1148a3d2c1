"""
What is seen and done in the admin site, as audit events: one for each page that shows patients, one for each change.

Changes are written where the admin site notes them, in their transaction. Reads are taken from what the template of
the page was given, so a page that somebody adds is recorded without a line of its own (security reference, S46).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from accounts.audit.changes import Change, changes
from accounts.models import AuditEvent
from accounts.origin import origin_of

if TYPE_CHECKING:  # the stubs know this class as generic, Django itself does not
    ModelAdminBase = admin.ModelAdmin[Any]
else:
    ModelAdminBase = admin.ModelAdmin

PATIENT = "scheduling.patient"
SURFACE = "admin"
LEADS_TO_PATIENT = ("call", "entry", "appointment")
"""Relations of rows that have no patient of their own."""
DEPTH = 12
"""How deep rows may lie in what a template is given: a page, its weeks, their days, what is in them."""
WHAT = {"changelist": "list", "change": "read", "delete": "read"}
WRITING = {"POST"}


class RecordedAdmin(ModelAdminBase):
    """Writes an audit event for whatever is added, changed or deleted, in the same transaction."""

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Keep what the form and the rows below it change, until the change is noted."""
        found = _form_changes(form)
        for formset in formsets or ():
            for one in formset.forms:
                if one.has_changed():
                    prefix = one.instance._meta.model_name
                    found |= {
                        f"{prefix}.{name}": value for name, value in _form_changes(one).items()
                    }
        request._audit_changes = found  # type: ignore[attr-defined]  # ours, until the change is noted
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Record a new row."""
        _record_write(request, "added", [obj])
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Record a changed row."""
        _record_write(request, "changed", [obj])
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Record rows that are about to be deleted."""
        _record_write(request, "deleted", list(queryset))
        return super().log_deletions(request, queryset)


def record_page(request: HttpRequest, response: HttpResponseBase) -> None:
    """Record what a page of the admin site showed or did, once it is drawn and before anybody gets it."""
    if getattr(request, "_audit_recorded", False) or response.status_code >= 400:
        return
    name = request.resolver_match.url_name if request.resolver_match else ""
    if name == "autocomplete":
        _record_choices(request, response)
        return
    _, _, rest = (name or "").partition("_")
    model, _, what = rest.partition("_")
    context = getattr(response, "context_data", None) or {}
    patients = set(_patients_shown(context))
    acts = request.method in WRITING
    if not model or not (acts or patients or _is_about_patients(context)):
        return
    if acts and request.POST.get("action"):
        what = request.POST["action"]
    _record(
        request,
        action=f"{_noun(model)}.{WHAT.get(what, what)}"[:64],
        outcome="refused" if acts and "adminform" in context else "ok",
        patient_ids=patients | _selected_patients(request, context),
        object_type=_noun(model),
        object_id=_object_id(request),
    )


def patients_of(row: object) -> Iterator[str]:
    """Yield the id of the patient that a row is about; it asks no query."""
    if not isinstance(row, models.Model):
        return
    if row._meta.label_lower == PATIENT:
        yield str(row.pk)
    elif patient_id := getattr(row, "patient_id", None):
        yield str(patient_id)
    else:
        for name in LEADS_TO_PATIENT:
            yield from patients_of(row._state.fields_cache.get(name))


def _record_write(request: HttpRequest, what: str, rows: Sequence[models.Model]) -> None:
    """Record a write, with one event for each row."""
    found: dict[str, Change] = getattr(request, "_audit_changes", {})
    for row in rows:
        noun = _noun(str(row._meta.model_name))
        _record(
            request,
            action=f"{noun}.{what}",
            patient_ids=set(patients_of(row)),
            object_type=noun,
            object_id=str(row.pk),
            changes=found,
        )


def _record_choices(request: HttpRequest, response: HttpResponseBase) -> None:
    """Record the patients that a choice field offered."""
    if not isinstance(response, JsonResponse):
        return
    model = apps.get_model(request.GET["app_label"], request.GET["model_name"])
    field = model._meta.get_field(request.GET["field_name"])
    target = field.related_model
    if getattr(getattr(target, "_meta", None), "label_lower", "") != PATIENT:
        return
    results = json.loads(response.content)["results"]
    _record(
        request,
        action="patient.list",
        patient_ids={str(one["id"]) for one in results},
        object_type="patient",
        reason="choices of a field",
    )


def _record(
    request: HttpRequest, *, action: str, patient_ids: Iterable[str], **details: Any
) -> AuditEvent:
    request._audit_recorded = True  # type: ignore[attr-defined]  # ours, until the answer passes
    origin = origin_of(request, surface=SURFACE)
    return origin.record(action=action, patient_ids=sorted(patient_ids), **details)


def _form_changes(form: Any) -> dict[str, Change]:
    """Return what a form changes; of a password only that it was changed."""
    row = getattr(form, "instance", None) or form.user  # the form for passwords has no instance
    after = {name: form.cleaned_data.get(name) for name in form.changed_data}
    secret = {name for name in after if "password" in name}
    plain = {name: value for name, value in after.items() if name not in secret}
    return changes(type(row), form.initial, plain) | {name: [None, None] for name in secret}


def _patients_shown(context: Mapping[str, Any]) -> Iterator[str]:
    """Yield the patients of all rows that a template was given."""
    changelist = context.get("cl")
    if changelist is not None:
        yield from _patients_in(list(changelist.result_list))
    for inline in context.get("inline_admin_formsets", ()):
        yield from _patients_in([form.instance for form in inline.formset.forms])
    yield from _patients_in(list(context.values()))


def _patients_in(value: object, depth: int = DEPTH) -> Iterator[str]:
    if depth == 0:
        return
    if hasattr(value, "_row"):  # a titled row
        value = value._row
    if isinstance(value, models.Model):
        yield from patients_of(value)
    elif isinstance(value, models.QuerySet):
        yield from _patients_in(value._result_cache or [], depth)  # what was not read was not shown
    elif isinstance(value, Mapping):
        yield from _patients_in([*value.keys(), *value.values()], depth)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _patients_in(one, depth - 1)
    elif is_dataclass(value) and not isinstance(value, type):
        if patient_id := getattr(value, "patient_id", None):
            yield str(patient_id)
        yield from _patients_in([getattr(value, field.name) for field in fields(value)], depth - 1)


def _is_about_patients(context: Mapping[str, Any]) -> bool:
    """Tell whether a page is one of a kind of row that belongs to patients, even if it shows none."""
    model = getattr(context.get("opts"), "model", None)
    if model is None:
        return False
    names = {field.name for field in model._meta.fields}
    return model._meta.label_lower == PATIENT or "patient" in names


def _selected_patients(request: HttpRequest, context: Mapping[str, Any]) -> set[str]:
    """Return the patients whose rows were chosen for an action, where the rows are patients."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    chosen = request.POST.getlist("_selected_action") if request.method in WRITING else []
    return set(chosen) if name == "scheduling_patient_changelist" else set()


def _object_id(request: HttpRequest) -> str:
    kwargs = request.resolver_match.kwargs if request.resolver_match else {}
    return str(next(iter(kwargs.values()), ""))[:64]


def _noun(model: str) -> str:
    return "call" if model == "calllog" else model
