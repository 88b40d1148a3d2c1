"""
How the API describes itself (OpenAPI 3.1): everything is read from the views, so that it cannot say anything else.

What a view does not say in code stands in its docstrings: the first line of a method is the summary of its operation,
the docstring of the view its description. Examples stand at the serializers.
"""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from accounts import permissions
from accounts.authentication import BearerKeyAuthentication, SignedInAuthentication
from accounts.permissions import SCOPES, Reach
from accounts.rest import parameters
from accounts.rest.problems import EVERYWHERE, FAULTS, WRITING, InvalidProblem, Problem
from accounts.rest.views import (
    ActView,
    CreatingListView,
    ListView,
    ObjectBase,
    ObjectView,
    ResourceView,
)
from accounts.rest.words import GLOSSARY

KEY_SCHEME = "apiKey"
SESSION_SCHEME = "session"


NEVER_EMPTY = {"email", "uri"}
EVERY_KEY: list[list[str]] = [[]]
"""The ways in of a key that may do something whatever its scopes."""


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
        """Return the first line of the method's docstring; an inherited method gets the name of the resource."""
        method = getattr(self.view, self.method.lower())
        first = self._documented(method)[0]
        if method.__module__ != ResourceView.__module__ or isinstance(self.view, ActView):
            return first
        noun, plural = (name.replace("_", " ") for name in self.view.names())
        one = f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
        usual = {"GET": f"Read {one}.", "POST": f"Add {one}.", "PATCH": f"Change {one}."}
        usual["DELETE"] = f"Delete {one}; what has a history is ended and stays readable."
        return (
            f"List {plural}."
            if isinstance(self.view, ListView) and self.method == "GET"
            else usual[self.method]
        )

    def get_description(self) -> str:  # type: ignore[override]  # as the library's own
        """Return what the view says of itself, what its method adds, and what a key must open."""
        first, rest = self._documented(type(self.view))
        _, more = self._documented(getattr(self.view, self.method.lower()))
        ways = self._ways_of_keys()
        needs = "For people who are signed in; no scope of an API key opens it."
        if ways == EVERY_KEY:
            needs = "Every API key may do this, whatever its scopes."
        elif ways:
            needs = f"An API key needs the scope {' or '.join(f'`{one}`' for (one,) in ways)}."
        parts = (first, rest, more, needs)
        return "\n\n".join(part for part in parts if part)

    def get_auth(self) -> list[Any]:
        """Return the ways in, each of which suffices, with the scope that a key needs."""
        found = super().get_auth()
        people = [way for way in found if KEY_SCHEME not in way]
        return [{KEY_SCHEME: scopes} for scopes in self._ways_of_keys()] + people

    def get_override_parameters(self) -> list[Any]:
        """Return the headers and parameters that the kind of view brings along."""
        found = list(getattr(self.view, "schema_parameters", {}).get(self.method, ()))
        if self.method == "POST":
            found += [parameters.IDEMPOTENCY_KEY, parameters.REPLAYED]
        if isinstance(self.view, ObjectView) and self.method == "GET":
            found += [parameters.FIELDS, parameters.IF_NONE_MATCH, parameters.ETAG]
        elif isinstance(self.view, ObjectBase) and self.method != "GET":
            found += [parameters.IF_MATCH, parameters.ETAG]
        elif isinstance(self.view, CreatingListView) and self.method == "POST":
            found += [parameters.ETAG, parameters.LOCATION]
        elif isinstance(self.view, ListView) and self.method == "GET":
            found.append(parameters.FIELDS)
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
        if isinstance(self.view, ObjectView) and self.method == "GET":
            found[304] = OpenApiResponse(description="It is as `If-None-Match` says.")
        for code in self._error_codes():
            shape = InvalidProblem if FAULTS[code].more and code == min(FAULTS) else Problem
            found[code] = OpenApiResponse(shape, description=FAULTS[code].when)
        return found

    def get_examples(self) -> list[OpenApiExample]:
        """Return the examples of the serializers of this operation."""
        found = []
        request = self.get_request_serializer()
        if request is not None and getattr(request, "example", None) is not None:
            found.append(OpenApiExample("Request", value=request.example, request_only=True))
        for code, answer in self.get_response_serializers().items():
            if code in FAULTS:
                continue  # `shared_parts` has their examples
            shown = answer.response if isinstance(answer, OpenApiResponse) else answer
            many = isinstance(shown, serializers.ListSerializer)
            example = getattr(shown.child if many else shown, "example", None)
            if example is not None:
                found.append(
                    OpenApiExample(
                        "Answer",
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
        if self.method != "GET" and isinstance(self.view, ObjectBase | ActView):
            codes.add(412)
        return sorted(codes)

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """Return what generated clients call the values: `AppointmentOutput` becomes `Appointment`."""
        name: str = super().get_serializer_name(serializer, direction)
        return name.removesuffix("Output").removesuffix("Input")

    def _get_serializer_field_meta(self, field: Any, direction: Any) -> dict[str, Any]:
        """Return what is said of a field; what it does not say itself comes from the glossary."""
        found: dict[str, Any] = super()._get_serializer_field_meta(field, direction)  # type: ignore[no-untyped-call]  # the library's
        words = GLOSSARY.get(getattr(field, "field_name", None) or "")
        return {"description": words} | found if words else found

    def _map_serializer_field(self, field: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the shape of a field; a word of a list may be missing where the column may be blank."""
        found: Any = super()._map_serializer_field(field, *args, **kwargs)  # type: ignore[no-untyped-call]  # the library's
        if not isinstance(found, dict) or not field.read_only or not _may_be_blank(field):
            return found
        if "enum" in found and "" not in found["enum"]:
            found["enum"] = [*found["enum"], ""]
        return found

    def _insert_field_validators(self, field: Any, schema: Any) -> None:
        """Add what validators ask for; the form of a text that may be empty is not promised."""
        super()._insert_field_validators(field, schema)  # type: ignore[no-untyped-call]  # the library's
        if schema.get("format") in NEVER_EMPTY and field.read_only and _may_be_blank(field):
            del schema["format"]

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        """Return the shape of an object; fields that not everybody gets are not promised."""
        found: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]  # the library's
        if withheld := getattr(serializer, "not_for_all", ()):
            found["required"] = [name for name in found["required"] if name not in withheld]
        return found

    def _ways_of_keys(self) -> list[list[str]]:
        """Return the scopes of which each alone opens this operation to a key; `EVERY_KEY` if none is needed."""
        verb = self.view.verbs[self.method]
        resource = getattr(self.view, "resource", None)
        if resource is None or verb in permissions.EVERY_KEY.get(resource, {}):
            return EVERY_KEY
        return [
            [str(scope)]
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


def _may_be_blank(field: Any) -> bool:
    """Tell whether the column of a field may hold an empty text, which the framework forgets if it is read-only."""
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    column = (
        {one.name: one for one in model._meta.concrete_fields}.get(field.source) if model else None
    )
    return bool(column is not None and column.blank and not column.null)


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
