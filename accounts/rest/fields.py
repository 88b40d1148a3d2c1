"""Fields of requests: instants with an offset, dates that instants can be made of, and text the database can hold."""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.drainage import set_override
from rest_framework import serializers

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
NOT_AN_INSTANT = "Write a date, or date and time with an offset, such as 2026-03-06T09:00:00-05:00."


def clinic_zone() -> ZoneInfo:
    """Return the zone that a bare date is read in."""
    zone: ZoneInfo | str = settings.CLINIC_TIME_ZONE
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone)


def instant_of(text: str) -> datetime:
    """
    Return the instant that a text names; a date means its midnight at the clinic (contract, section 8, "Requests").

    Raises:
        ValueError: it is neither a date nor a date and time with an offset, or is out of all bounds.
    """
    try:
        found = parse_datetime(text) if len(text) > len("2026-03-06") else None
        if found is None:
            day = parse_date(text)
            if day is None:
                raise ValueError(NOT_AN_INSTANT)
            found = datetime.combine(day, time(), tzinfo=clinic_zone())
        if found.tzinfo is None:
            raise ValueError(NOT_AN_INSTANT)
        instant = found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(NOT_AN_INSTANT) from error
    if not EARLIEST <= instant < LATEST:
        raise ValueError("Choose a date between 1900 and 2199.")
    return instant


class InstantField(serializers.DateTimeField):
    """RFC 3339 with an offset, never re-read as local time; a time without one is an error."""

    def to_internal_value(self, value: Any) -> datetime:
        """Return the instant in UTC, or refuse what is none."""
        if not isinstance(value, str) or len(value) <= len("2026-03-06"):
            raise serializers.ValidationError(
                "Write date and time with an offset, such as 2026-03-06T09:00:00-05:00."
            )
        try:
            return instant_of(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class DayField(serializers.DateField):
    """A date of the calendar from which an instant can be made in any zone."""

    def to_internal_value(self, value: Any) -> date:
        """Return the date, or refuse one that is out of all bounds."""
        found = super().to_internal_value(value)
        if not EARLIEST.date() <= found < LATEST.date():
            raise serializers.ValidationError("Choose a date between 1900 and 2199.")
        return found


class _InstantFormField(forms.CharField):
    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return instant_of(text)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class InstantFilter(django_filters.Filter):
    """A bound that is a date, the clinic's midnight, or an instant with an offset."""

    field_class = _InstantFormField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what every filter takes; `label` is what the schema says of it."""
        super().__init__(*args, **kwargs)
        either = [{"type": "string", "format": kind} for kind in ("date", "date-time")]
        set_override(self, "field", {"anyOf": either, "description": kwargs.get("label", "")})


class WordsFilter(django_filters.BaseInFilter, django_filters.ChoiceFilter):
    """One or several of a closed list of words, parted by commas."""
