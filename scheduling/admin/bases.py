"""What the admin pages share: people by their names, instants with their zone, records that are only read."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils import formats, timezone

from accounts.admin_site import TitledAdmin
from scheduling.clock import clinic_zone, instant_on_the_wall
from scheduling.exceptions import TimeDoesNotExist
from scheduling.models import (
    Appointment,
    AppointmentSeries,
    Availability,
    AvailabilityOverride,
    CalendarFeed,
    CareAssignment,
    Consent,
    FreedTime,
    MedicalCondition,
    Message,
    Nurse,
    Patient,
    PatientRelation,
    SlotHold,
    StaffTask,
    WaitlistEntry,
    WaitlistOffer,
)

if TYPE_CHECKING:  # the stubs know these classes as generic, Django itself does not
    TabularInlineBase = admin.TabularInline[Any, Any]
    ModelFormBase = forms.ModelForm[Any]
else:
    TabularInlineBase = admin.TabularInline
    ModelFormBase = forms.ModelForm


def label(row: models.Model) -> str:
    """Return what people call a row; `str()` keeps names out of logs and error pages."""
    match row:
        case Patient():
            return f"{row.name}, born {formats.date_format(row.date_of_birth)}"
        case Nurse():
            return row.name
        case Appointment():
            return f"{row.patient.name}, {moment(row.start)}"
        case CareAssignment():
            return f"{row.nurse.name} for {row.patient.name}"
        case MedicalCondition():
            return f"{row.name}, {row.patient.name}"
        case AppointmentSeries() | Consent() | Message() | StaffTask() | WaitlistEntry():
            return f"{row}, {row.patient.name}" if row.patient else str(row)
        case PatientRelation():
            return f"{row.name}, {row.get_kind_display().lower()} of {row.patient.name}"
        case CalendarFeed():
            return f"Calendar of {row.nurse.name}"
        case Availability() | AvailabilityOverride():
            return f"{row.nurse.name}, {row}"
        case SlotHold() | FreedTime() | WaitlistOffer():
            return f"{row.nurse.name}, {moment(row.start)}"
        case _:
            return str(row)


def moment(instant: datetime) -> str:
    """Return an instant on the clinic's wall, with its weekday and zone."""
    return formats.date_format(timezone.localtime(instant, clinic_zone()), "DATETIME_FORMAT")


class LocalTimeField(forms.SplitDateTimeField):
    """Date and time by the clinic's clock; a time that it shows twice is the earlier one."""

    def compress(self, data_list: Any) -> datetime | None:
        """
        Return the instant that a date and a time name, None for neither.

        Raises:
            ValidationError: the clocks skip that time on that day; the code is `time_does_not_exist`.
        """
        day, clock = data_list or (None, None)
        if day is None or clock is None:  # says which is missing, if it is only one
            incomplete: datetime | None = super().compress(data_list)
            return incomplete
        try:
            return instant_on_the_wall(datetime.combine(day, clock))
        except TimeDoesNotExist as error:
            raise ValidationError(error.detail, code=error.code) from error


class NamedAutocomplete(AutocompleteJsonView):
    """Show names, not ids, to people who choose a patient or a nurse."""

    def serialize_result(self, obj: models.Model, to_field_name: str) -> dict[str, str]:
        """Return one choice."""
        return {**super().serialize_result(obj, to_field_name), "text": label(obj)}


def autocomplete_view(request: HttpRequest) -> Any:
    """Answer the admin's choice fields."""
    return NamedAutocomplete.as_view(admin_site=admin.site)(request)


class NamedAdmin(TitledAdmin):
    """Shows people by their names, and gives every row a title that people understand."""

    formfield_overrides = {
        models.DateTimeField: {"form_class": LocalTimeField, "widget": AdminSplitDateTime}
    }

    def title(self, row: Any) -> str:
        return label(row)

    @admin.display(description="Patient", ordering="patient__last_name", empty_value="Not known")
    def patient_name(self, row: Any) -> str | None:
        """Return the name of the row's patient, if it has one."""
        return row.patient.name if row.patient else None

    @admin.display(description="Nurse", ordering="nurse__last_name", empty_value="Any nurse")
    def nurse_name(self, row: Any) -> str | None:
        """Return the name of the row's nurse, if it has one."""
        return row.nurse.name if row.nurse else None

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


admin.site.autocomplete_view = autocomplete_view  # type: ignore[method-assign]  # the site has no other hook
