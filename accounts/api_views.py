"""What every view of the API is made of: addresses and bodies that hold only what is known (S27, S44)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.permissions import Resource, Verb


class ApiView(APIView):
    """A view that names its resource, the verb of each method, and the parameters that its address may have."""

    resource: ClassVar[Resource]
    verbs: ClassVar[Mapping[str, Verb]] = {}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @property
    def allowed_methods(self) -> list[str]:
        """Return what the header `Allow` names."""
        return list(self.verbs)

    def resource_of(self, request: Request) -> Resource:
        """Return what the view is about; one that depends on who asks says so itself."""
        return self.resource

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, with all instants at the clinic's offset."""
        with timezone.override(settings.CLINIC_TIME_ZONE):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """
        Look at the address once it is known who asks and that they may.

        Raises:
            ValidationError: a parameter is unknown.
        """
        super().initial(request, *args, **kwargs)
        if unknown := set(request.query_params) - self.parameters:
            raise ValidationError(
                {name: ["There is no such parameter."] for name in sorted(unknown)}
            )


class StrictSerializer(serializers.Serializer[Any]):
    """Input whose unknown and read-only fields are errors, never passed over in silence (security reference, S27)."""

    def to_internal_value(self, data: Any) -> Any:
        """
        Return what was sent, as values.

        Raises:
            ValidationError: something was sent that may not be.
        """
        if isinstance(data, Mapping):
            settable = {name for name, field in self.fields.items() if not field.read_only}
            if unknown := set(data) - settable:
                raise ValidationError(
                    {name: ["This field cannot be set."] for name in sorted(map(str, unknown))}
                )
        return super().to_internal_value(data)
