"""Bodies that fill in a record: their fields are the model's, with bounds that the edge alone knows."""

from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from accounts.api_views import StrictSerializer
from accounts.rest.fields import DayField, InstantField

TWO_LETTERS = r"^[A-Z]{2}$"
LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,4})?$"
CONDITION = r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$"
CONDITION_BEGINNING = r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{0,4})?$"
MOST_LANGUAGES = 20
MOST_CODES = 200
Words = dict[str, Any]


class RecordInput(StrictSerializer, serializers.ModelSerializer[Any]):
    """
    Fields of a model that may be set, and no others.

    What is to be unique is judged by the service, which knows the record that is changed.
    """

    serializer_field_mapping: ClassVar[dict[Any, Any]] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateField: DayField,
        models.DateTimeField: InstantField,
    }

    def get_validators(self) -> list[Any]:
        """Return none for the record as a whole."""
        return []

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        """Return a field without the question whether another record has the value."""
        kind, options = super().build_standard_field(field_name, model_field)
        judges = options.pop("validators", [])
        rest = [judge for judge in judges if not isinstance(judge, UniqueValidator)]
        return kind, {**options, "validators": rest} if rest else options

    def get_uniqueness_extra_kwargs(
        self, field_names: Any, declared_fields: Any, extra_kwargs: Any
    ) -> Any:
        """Leave what is required to the model's fields, whatever is unique together."""
        return extra_kwargs, {}


class CapitalsField(serializers.RegexField):
    """A short code; small letters count as capitals."""

    def to_internal_value(self, data: Any) -> str:
        """Return the code in capitals."""
        return super().to_internal_value(data).upper()


class StateField(CapitalsField):
    """A state of the USA, as nursing licenses name it."""

    def __init__(self, **options: Any) -> None:
        wrong: Words = {"invalid": "Write two letters, such as NY."}
        super().__init__(TWO_LETTERS, max_length=2, error_messages=wrong, **options)


class LanguagesField(serializers.ListField):
    """Codes of languages."""

    def __init__(self, **options: Any) -> None:
        wrong: Words = {"invalid": "Write codes such as en or es."}
        code = serializers.RegexField(LANGUAGE, max_length=8, error_messages=wrong)
        super().__init__(child=code, max_length=MOST_LANGUAGES, **options)


class ConditionCodesField(serializers.ListField):
    """Beginnings of codes of conditions."""

    def __init__(self, **options: Any) -> None:
        wrong: Words = {"invalid": "Write beginnings of ICD-10-CM codes, such as L89."}
        code = CapitalsField(CONDITION_BEGINNING, max_length=8, error_messages=wrong)
        super().__init__(child=code, max_length=MOST_CODES, **options)


class TokenField(serializers.CharField):
    """What stands for the visits and held times that somebody has seen."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            allow_blank=True,
            max_length=100_000,
            write_only=True,
            help_text="From a 409 `stale`: you have seen what this leaves outside the hours, and want it.",
        )
