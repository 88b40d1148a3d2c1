"""The description of the API and the page that shows it: for whoever has a login or a key, from local files only."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse, HttpResponseBase
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_views import ApiView
from accounts.permissions import Resource, Verb

API = "/api/v1/"
GUIDES = ("api", "webhooks", "fhir", "live-feed")
"""Pages of `docs/` for the authors of programs, who have the clinic's address and not this repository."""


def only_the_api(endpoints: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return the addresses that the description is about; FHIR describes itself at its own."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith(API)]


@lru_cache(maxsize=1)
def description_of_the_api() -> dict[str, Any]:
    """Return the whole description; it is the same for everybody until the code changes."""
    found: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]  # the library's
    found["info"]["description"] += "\n\n" + _without_title(guide_file("api"))
    return found


def guide_file(name: str) -> Path:
    """Return the file of one of `GUIDES`."""
    return Path(settings.BASE_DIR, "docs", f"{name}.md")


def _without_title(file: Path) -> str:
    return file.read_text(encoding="utf-8").partition("\n")[2].strip()


class OpenToEverybody(ApiView):
    """For everybody who is somebody, whatever the role or the scopes."""

    verbs = {"GET": Verb.READ, "HEAD": Verb.READ}

    def resource_of(self, request: Request) -> Resource:
        """Return what every person, and every key, may read."""
        return Resource.ACCOUNT if request.auth is None else Resource.API_KEY


class Description(OpenToEverybody):
    """OpenAPI 3.1, as JSON or YAML."""

    renderer_classes = (
        OpenApiJsonRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer,
        OpenApiYamlRenderer2,
    )

    def get(self, request: Request) -> Response:
        """Describe the API."""
        return Response(description_of_the_api())


class Documentation(OpenToEverybody):
    """The description as a page that one can read and try; its script and style are files of ours (S38)."""

    def get(self, request: Request) -> HttpResponseBase:
        """Show the page; it knows nothing of who looks, for that may be a key."""
        token = get_token(request._request)
        return HttpResponse(render_to_string("carematix/api_docs.html", {"csrf_token": token}))

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Answer whatever is accepted: the page is a page, and errors are worded as everywhere."""
        return super().perform_content_negotiation(request, force=True)

    def handle_exception(self, exc: Exception) -> Any:
        """Lead people to the login; programs are told as everywhere."""
        wants_page = "text/html" in self.request.headers.get("Accept", "")
        if isinstance(exc, NotAuthenticated) and wants_page:
            return redirect_to_login(self.request.get_full_path())
        return super().handle_exception(exc)


class Guide(OpenToEverybody):
    """A page of `docs/` as text, at an address beside which its links to the others lead to them."""

    name = ""

    def get(self, request: Request) -> HttpResponseBase:
        """Show the text."""
        text = guide_file(self.name).read_text(encoding="utf-8")
        return HttpResponse(text, content_type="text/plain; charset=utf-8")

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Answer whatever is accepted; errors are worded as everywhere."""
        return super().perform_content_negotiation(request, force=True)


description = Description.as_view()
documentation = Documentation.as_view()
guides = {name: Guide.as_view(name=name) for name in GUIDES}
