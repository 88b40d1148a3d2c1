"""The API's description: valid OpenAPI 3.1 that says whatever a program's author has to know (contract, section 3)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator

from accounts.permissions import Role
from accounts.rest.problems import FAULTS
from carematix.api_errors import DOMAIN, WORDS
from carematix.schema import GUIDES, description_of_the_api
from tests.factories import make_user
from tests.scheduling.api.keys import Program

ADDRESS = "/api/schema/"
ERRORS = {"400", "401", "403", "429", "503"}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def api() -> Json:
    return description_of_the_api()


def operations(api: Json) -> Iterator[tuple[str, Json]]:
    for path, item in api["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def resolved(api: Json, part: Json) -> Json:
    while "$ref" in part:
        names = part["$ref"].removeprefix("#/").split("/")
        part = api
        for name in names:
            part = part[name]
    return part


def validator(api: Json, schema: Json) -> Draft202012Validator:
    return Draft202012Validator(
        {"components": {"schemas": api["components"]["schemas"]}} | schema,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def contents(api: Json, operation: Json) -> Iterator[tuple[str, Json]]:
    """Yield what is sent, and each answer that has a body."""
    if "requestBody" in operation:
        yield "request", operation["requestBody"]["content"]["application/json"]
    for code, answer in operation["responses"].items():
        for media_type, content in resolved(api, answer).get("content", {}).items():
            if media_type == "application/json":
                yield code, content


class TestTheDescription:
    def test_is_made_without_a_warning(self) -> None:
        description_of_the_api.cache_clear()
        GENERATOR_STATS.reset()
        with GENERATOR_STATS.silence():
            description_of_the_api()

            assert not GENERATOR_STATS._warn_cache
            assert not GENERATOR_STATS._error_cache

    def test_is_valid_openapi_3_1(self, api: Json) -> None:
        assert api["openapi"].startswith("3.1.")
        OpenAPIV31SpecValidator(api).validate()

    def test_has_names_that_are_there_once(self, api: Json) -> None:
        names = [operation["operationId"] for _, operation in operations(api)]

        assert len(names) == len(set(names))

    def test_says_of_every_operation_what_it_does_and_who_may(self, api: Json) -> None:
        silent = [
            name
            for name, operation in operations(api)
            if not (operation.get("summary") and operation.get("description"))
            or not operation.get("security")
            or not operation.get("tags")
        ]

        assert silent == []

    def test_says_of_every_operation_what_can_go_wrong(self, api: Json) -> None:
        silent = {
            name: ERRORS - set(operation["responses"])
            for name, operation in operations(api)
            if ERRORS - set(operation["responses"])
            or ("{" in name and "404" not in operation["responses"])
        }

        assert silent == {}

    def test_says_of_every_parameter_what_it_means(self, api: Json) -> None:
        silent = [
            (name, parameter["name"])
            for name, operation in operations(api)
            for parameter in (resolved(api, one) for one in operation.get("parameters", ()))
            if not parameter.get("description")
        ]

        assert silent == []

    def test_says_of_every_value_what_it_means(self, api: Json) -> None:
        silent = [
            (name, field)
            for name, schema in api["components"]["schemas"].items()
            for field, part in schema.get("properties", {}).items()
            if not (part.get("description") or resolved(api, part).get("description"))
        ]

        assert silent == [], "give these a help_text, or a line in accounts/rest/words.py"

    def test_shows_an_example_of_every_body(self, api: Json) -> None:
        silent = [
            (name, what)
            for name, operation in operations(api)
            for what, content in contents(api, operation)
            if not content.get("examples") and resolved(api, content["schema"]).get("properties")
        ]

        assert silent == [], "give the serializer an `example`"

    def test_shows_examples_that_are_right(self, api: Json) -> None:
        wrong = [
            (name, what, fault.json_path, fault.message)
            for name, operation in operations(api)
            for what, content in contents(api, operation)
            for example in content.get("examples", {}).values()
            for fault in validator(api, content["schema"]).iter_errors(example["value"])
        ]

        assert wrong == []

    def test_shows_errors_as_they_are_worded(self) -> None:
        ours = {fault.code: fault.detail for fault in FAULTS.values()}
        known = {kind.code: _words(kind) for kind in DOMAIN} | WORDS  # type: ignore[attr-defined]

        assert {code: known[code] for code in ours.keys() & known.keys()} == {
            code: ours[code] for code in ours.keys() & known.keys()
        }
        assert len(ours.keys() & known.keys()) > len(FAULTS) / 2


def _words(kind: Any) -> str:
    return str(getattr(kind, "default_detail", getattr(kind, "detail", "")))


@pytest.mark.django_db
class TestItsAddress:
    def test_is_closed_to_nobody_in_particular(self, client: Client) -> None:
        assert client.get(ADDRESS).status_code == 401
        assert client.get("/api/docs/").status_code == 401

    @pytest.mark.parametrize("role", list(Role))
    def test_opens_to_everybody_who_is_signed_in(self, client: Client, role: Role) -> None:
        client.force_login(make_user(role=role))

        answer = client.get(ADDRESS, headers={"Accept": "application/json"})

        assert (answer.status_code, answer.json()["openapi"]) == (200, "3.1.0")

    def test_answers_a_key_in_yaml_if_it_likes(self) -> None:
        program = Program("patients:read")

        answer = program.client.get(
            ADDRESS,
            headers={"Authorization": f"Bearer {program.text}", "Accept": "application/yaml"},
        )

        assert answer["Content-Type"].startswith("application/yaml")
        assert yaml.safe_load(answer.content)["info"]["title"] == "Carematix"

    def test_answers_json_unless_told(self) -> None:
        program = Program("patients:read")

        answer = program.client.get(ADDRESS, headers={"Authorization": f"Bearer {program.text}"})

        assert "json" in answer["Content-Type"]
        assert answer.json()["info"]["title"] == "Carematix"

    @pytest.mark.parametrize("name", GUIDES)
    def test_has_the_pages_for_authors_of_programs_beside_it(self, name: str) -> None:
        program = Program("fhir:read")

        answer = program.client.get(
            f"/api/docs/{name}.md", headers={"Authorization": f"Bearer {program.text}"}
        )
        links = re.findall(r"\]\(([^)#]+)\)", answer.content.decode())

        assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert answer.content.startswith(b"# ")
        assert {link for link in links if "://" not in link} <= {f"{one}.md" for one in GUIDES}

    def test_begins_with_the_quick_start(self, api: Json) -> None:
        assert "## Begin" in api["info"]["description"]

    def test_leads_people_without_a_login_to_it(self, client: Client) -> None:
        answer = client.get("/api/docs/", headers={"Accept": "text/html"})

        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")
