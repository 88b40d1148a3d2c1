"""What the admin pages share: the clinic's time, names in choices, records that are only read."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db import models
from django.http import HttpRequest
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from scheduling.clock import clinic_zone
from scheduling.models import Appointment, Nurse, Patient

if TYPE_CHECKING:  # the stubs know these classes as generic, Django itself does not
    ModelAdminBase = admin.ModelAdmin[Any]
    TabularInlineBase = admin.TabularInline[Any, Any]
    ModelFormBase = forms.ModelForm[Any]
else:
    ModelAdminBase = admin.ModelAdmin
    TabularInlineBase = admin.TabularInline
    ModelFormBase = forms.ModelForm


def label(row: models.Model) -> str:
    """Return what people call a row; `str()` keeps names out of logs and error pages."""
    if isinstance(row, Patient):
        return f"{row.name}, born {row.date_of_birth}"
    if isinstance(row, Nurse):
        return row.name
    if isinstance(row, Appointment):
        return f"{timezone.localtime(row.start, clinic_zone()):%a %Y-%m-%d %H:%M}"
    return str(row)


class NamedAutocomplete(AutocompleteJsonView):
    """Show names, not ids, to people who choose a patient or a nurse."""

    def serialize_result(self, obj: models.Model, to_field_name: str) -> dict[str, str]:
        """Return one choice."""
        return {**super().serialize_result(obj, to_field_name), "text": label(obj)}


def autocomplete_view(request: HttpRequest) -> Any:
    """Answer the admin's choice fields."""
    return NamedAutocomplete.as_view(admin_site=admin.site)(request)


class ClinicTimeAdmin(ModelAdminBase):
    """Shows and reads times in the clinic's zone, and people by their names."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """List the rows."""
        with timezone.override(clinic_zone()):
            return _rendered(super().changelist_view(request, extra_context))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show or take one row."""
        with timezone.override(clinic_zone()):
            return _rendered(super().changeform_view(request, object_id, form_url, extra_context))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Name the chosen person in the field."""
        return _named(super().formfield_for_foreignkey(db_field, request, **kwargs))


class NamedInline(TabularInlineBase):
    """An inline whose choices are named."""

    extra = 0

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Name the chosen person in the field."""
        return _named(super().formfield_for_foreignkey(db_field, request, **kwargs))


class ReadOnly:
    """Take away every way of changing a record."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse."""
        return False


class ReadOnlyInline(ReadOnly, NamedInline):
    """Rows that are shown below another record; stamps among them are no form fields at all."""

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Return all that is shown."""
        return self.fields or ()


def _named(field: Any) -> Any:
    if field is not None:
        field.label_from_instance = label
    return field


def _rendered(response: Any) -> Any:
    """Draw the page now: later the clinic's zone is no longer the current one."""
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        response.render()
    return response


admin.site.autocomplete_view = autocomplete_view  # type: ignore[method-assign]  # the site has no other hook
