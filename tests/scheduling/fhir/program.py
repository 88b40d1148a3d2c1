"""A program of another system, as the tests of FHIR need it: it has a key, and holds every answer to the standard."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from fhir.resources.R4B import get_fhir_model_class

from accounts.models import ApiKey
from tests.accounts.test_api_keys import make_key

ROOT = "/fhir/R4"
FHIR_JSON = "application/fhir+json"
BOTH = ("fhir:read", "fhir:write")


def validated(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource that the standard's own model accepts; R4B differs from R4 in none of ours."""
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return resource


@dataclass
class Program:
    """Sends requests with its key; `scopes` is what the key may do."""

    scopes: tuple[str, ...] = BOTH
    key: ApiKey = field(init=False)

    def __post_init__(self) -> None:
        self.key, self.text = make_key(scopes=self.scopes)
        self.client = Client(
            raise_request_exception=False, headers={"Authorization": f"Bearer {self.text}"}
        )

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request below the root, or to an address from an answer; `If_Match` is the header If-Match."""
        address = path if path.startswith("http") else f"{ROOT}/{path}"
        if body is not None and not isinstance(body, str):
            import json

            body = json.dumps(body)
        response = self.client.generic(
            method,
            address,
            data=body or "",
            content_type=headers.pop("Content_Type", FHIR_JSON),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        if response.content:
            validated(response.json())
        return response

    def get(self, path: str, **headers: str) -> Any:
        """Read, or search."""
        return self.send("GET", path, **headers)

    def found(self, path: str) -> list[dict[str, Any]]:
        """Return the matches on the first page of a search."""
        response = self.get(path)
        assert response.status_code == 200, response.content
        return matches(response.json())

    def ids(self, path: str) -> list[str]:
        """Return the ids of the matches on the first page."""
        return [one["id"] for one in self.found(path)]

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield the Bundles of a search, following the links to the end."""
        address: str | None = path
        while address:
            bundle = self.get(address).json()
            yield bundle
            address = link(bundle, "next")


def matches(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["resource"] for one in entries(bundle, "match")]


def entries(bundle: dict[str, Any], mode: str) -> list[dict[str, Any]]:
    return [one for one in bundle.get("entry", []) if one["search"]["mode"] == mode]


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


def issue(response: Any) -> tuple[int, str]:
    """Return the status of an answer and the code of its first issue."""
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome", outcome
    return response.status_code, outcome["issue"][0]["code"]
