"""The forms in which resources travel: JSON, under FHIR's name for it or the plain one."""

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from accounts.api_policy import BoundedJSONParser

FHIR_JSON = "application/fhir+json"
FORMATS = frozenset({"json", FHIR_JSON, "application/json", "application/json+fhir", "text/json"})


class FhirRenderer(JSONRenderer):
    """What is answered unless the client wants the plain name."""

    media_type = FHIR_JSON
    format = "fhir"


class PlainRenderer(JSONRenderer):
    """The same under the plain name."""


class FhirParser(BoundedJSONParser):
    """JSON under FHIR's name."""

    media_type = FHIR_JSON


class Negotiation(DefaultContentNegotiation):
    """The address may say the form too, and then the header does not count (FHIR R4, section 3.1.0.1.11)."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """
        Return who writes the answer.

        Raises:
            NotAcceptable: the client wants something else than JSON.
        """
        asked: Any = request.query_params.get("_format", "")
        if not asked:
            chosen: tuple[BaseRenderer, str] = super().select_renderer(
                request, renderers, format_suffix
            )
            return chosen
        if asked.partition(";")[0].strip().replace(" ", "+") not in FORMATS:
            raise NotAcceptable
        return next(iter(renderers)), FHIR_JSON
