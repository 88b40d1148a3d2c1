"""
How the API describes itself (OpenAPI 3.1): everything is read from the views, so that it cannot say anything else.

What a view does not say in code stands in its docstrings: the first line of a method is the summary of its operation,
the docstring of the view its description. Examples stand at the serializers.
"""

from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from accounts.authentication import BearerKeyAuthentication, SignedInAuthentication
from accounts.permissions import SCOPES, Reach
from accounts.rest.views import (
    ActView,
    CreatingListView,
    ListView,
    ObjectBase,
    ObjectView,
    ResourceView,
)

KEY_SCHEME = "apiKey"
SESSION_SCHEME = "session"


class Problem(serializers.Serializer[Any]):
    """What every error looks like; `code` is stable, `detail` is for people."""

    example: ClassVar[dict[str, Any]] = {
        "code": "not_found",
        "detail": "There is no such page.",
        "request_id": "5f0c6a2e9b7d4c1f8e3a",
    }

    code = serializers.CharField(help_text="Stable: programs may rely on it.")
    detail = serializers.CharField(help_text="What is wrong, in words for people.")
    request_id = serializers.CharField(help_text="Name it when you ask for help.")


class InvalidInput(Problem):
    """An error of what was sent, with what is wrong with each field or parameter."""

    example: ClassVar[dict[str, Any]] = {
        "code": "invalid",
        "detail": "Some of what was sent is not right.",
        "request_id": "5f0c6a2e9b7d4c1f8e3a",
        "fields": {"start": ["This field is required."]},
    }

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; the one more has the name of a property of the framework (contract, section 6)."""
        what = "By field or parameter, what is wrong with it."
        return super().get_fields() | {
            "fields": serializers.DictField(required=False, help_text=what)
        }


ERRORS = {
    400: (InvalidInput, "What was sent is not right."),
    401: (Problem, "Nobody is signed in, or the key opens nothing."),
    403: (Problem, "The role, or the scopes of the key, do not include this."),
    404: (Problem, "There is no such record for you."),
    405: (Problem, "The address does not take that method."),
    406: (Problem, "Answers are JSON."),
    409: (Problem, "The clinic's rules or another record stand against it; `code` says which."),
    412: (Problem, "The object has changed since the state that `If-Match` names."),
    413: (Problem, "The body is too large."),
    415: (Problem, "Send JSON."),
    422: (Problem, "The `Idempotency-Key` was used for another request."),
    429: (Problem, "Too many requests; wait as many seconds as `Retry-After` says."),
    503: (Problem, "Not available just now; nothing was done. Try again."),
}
EVERYWHERE = (400, 401, 403, 406, 429, 503)
WRITING = (409, 413, 415)

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description=(
        "A key of your choice, 1 to 255 characters. The same request with the same key within 24 hours has no second"
        " effect and gets the first answer again."
    ),
    examples=[OpenApiExample("A key", value="4c4f3c7e-booking-1")],
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of the state that you have seen; another one gets 412 and nothing is changed.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that you have; if it is the current one the answer is 304 without a body.",
)
FIELDS = OpenApiParameter(
    "fields",
    str,
    description="Only these fields, parted by commas.",
    examples=[OpenApiExample("Two fields", value="id,created_at")],
)


class ApiSchema(AutoSchema):
    """Reads operations from the views of `accounts.rest`."""

    view: Any

    def get_operation_id(self) -> str:
        """Return a name such as `list_appointments`, which clients are generated with."""
        own = getattr(self.view, "operation", "")
        if own:
            return str(own)
        if not isinstance(self.view, ResourceView):
            return super().get_operation_id()
        noun, plural = self.view.names()
        names = {
            "GET": f"list_{plural}" if isinstance(self.view, ListView) else f"read_{noun}",
            "POST": f"create_{noun}",
            "PATCH": f"change_{noun}",
            "DELETE": f"delete_{noun}",
        }
        return names[self.method]

    def get_tags(self) -> list[str]:
        """Return the resource that the address begins with."""
        return [self.path.removeprefix("/api/v1/").split("/")[0]]

    def get_summary(self) -> str | None:
        """Return the first line of the method's docstring."""
        return self._documented(getattr(self.view, self.method.lower()))[0]

    def get_description(self) -> str:  # type: ignore[override]  # as the library's own
        """Return what the view says of itself, what its method adds, and what a key must open."""
        first, rest = self._documented(type(self.view))
        _, more = self._documented(getattr(self.view, self.method.lower()))
        scopes = self._scopes()
        needs = f"An API key needs the scope {' or '.join(f'`{one}`' for one in scopes)}."
        closed = "For people who are signed in; no scope of an API key opens it."
        parts = (first, rest, more, needs if scopes else closed)
        return "\n\n".join(part for part in parts if part)

    def get_auth(self) -> list[Any]:
        """Return the ways in, with the scopes that a key needs."""
        found = super().get_auth()
        scopes = self._scopes()
        ways = [{KEY_SCHEME: scopes} if KEY_SCHEME in way else way for way in found]
        return [way for way in ways if KEY_SCHEME not in way or scopes]

    def get_override_parameters(self) -> list[Any]:
        """Return the headers and parameters that the kind of view brings along."""
        found = list(getattr(self.view, "schema_parameters", {}).get(self.method, ()))
        if self.method == "POST":
            found.append(IDEMPOTENCY_KEY)
        if isinstance(self.view, ObjectView) and self.method == "GET":
            found += [FIELDS, IF_NONE_MATCH]
        elif isinstance(self.view, ObjectBase) and self.method != "GET":
            found.append(IF_MATCH)
        elif isinstance(self.view, ListView) and self.method == "GET":
            found.append(FIELDS)
            orders = self.view.orderings
            found.append(
                OpenApiParameter(
                    "ordering", str, enum=list(orders), description=f"{orders[0]} unless told."
                )
            )
        return found

    def get_request_serializer(self) -> Any:
        """Return what a body is read with."""
        return getattr(self.view, "inputs", {}).get(self.method)

    def get_response_serializers(self) -> Any:
        """Return what each status is answered with."""
        own = getattr(self.view, "answers", {}).get(self.method)
        found: dict[int, Any] = dict(own) if own else self._usual_answer()
        for code in self._error_codes():
            serializer, words = ERRORS[code]
            found[code] = OpenApiResponse(serializer, description=words)
        return found

    def get_examples(self) -> list[OpenApiExample]:
        """Return the examples of the serializers of this operation."""
        found = []
        request = self.get_request_serializer()
        if request is not None and getattr(request, "example", None) is not None:
            found.append(OpenApiExample("Request", value=request.example, request_only=True))
        for code, answer in self.get_response_serializers().items():
            shown = answer.response if isinstance(answer, OpenApiResponse) else answer
            many = isinstance(shown, serializers.ListSerializer)
            example = getattr(shown.child if many else shown, "example", None)
            if example is not None:
                found.append(
                    OpenApiExample(
                        "Answer" if code < 400 else "Problem",
                        value=example,
                        response_only=True,
                        status_codes=[str(code)],
                    )
                )
        return found

    def _usual_answer(self) -> dict[int, Any]:
        output = self.view.output
        if self.method == "DELETE":
            return {204: OpenApiResponse(description="Done.")}
        if isinstance(self.view, ListView) and self.method == "GET":
            return {200: output(many=True)}
        created = isinstance(self.view, CreatingListView) and self.method == "POST"
        return {201 if created else 200: output}

    def _error_codes(self) -> list[int]:
        codes = set(EVERYWHERE)
        if "{" in self.path:
            codes.add(404)
        if self.method != "GET":
            codes.update(WRITING)
        if self.method == "POST":
            codes.add(422)
        if self.method != "GET" and isinstance(self.view, ObjectBase | ActView):
            codes.add(412)
        return sorted(codes)

    def _scopes(self) -> list[str]:
        """Return the scopes of which each opens this operation to a key; all of them if every key may."""
        verb = self.view.verbs[self.method]
        resource = getattr(self.view, "resource", None)
        if resource is None:
            return [scope.value for scope in SCOPES]
        return [
            str(scope)
            for scope, grants in SCOPES.items()
            if grants.get(resource, {}).get(verb, Reach.NONE) is not Reach.NONE
        ]

    @staticmethod
    def _documented(thing: Any) -> tuple[str, str]:
        """Return the first line of a docstring and the rest, without what is for callers in Python."""
        text = (thing.__doc__ or "").strip()
        first, _, rest = text.partition("\n")
        body = rest.partition("Raises:")[0]
        return first.strip(), "\n".join(line.strip() for line in body.strip().splitlines())


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # the library's
    """An API key in its header."""

    target_class = BearerKeyAuthentication
    name = KEY_SCHEME

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return how a key is sent."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "cmx_…",
            "description": "An API key with scopes, made by an administrator; in the header and nowhere else.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # the library's
    """The session of somebody who is signed in."""

    target_class = SignedInAuthentication
    name = SESSION_SCHEME

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return how a session is sent."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-sessionid",
            "description": "The dashboard's own way in; what writes brings the token of its forms in X-CSRFToken.",
        }
