"""
Requests made up from the API's own description, by people of every role and by keys: whatever is sent, the answer is
one that the description promises.

Every request is undone, so each finds the same records; ids in addresses are of records that are there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from accounts.permissions import Role
from carematix.schema import description_of_the_api
from tests.accounts.api_routes import API_ROUTES
from tests.accounts.api_rows import Rows
from tests.accounts.test_matrix_api import undone
from tests.factories import TOMORROW_NINE, make_user
from tests.scheduling.api.keys import Program

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
INPUT = {"parameters", "requestBody"}
CSRF = "a" * 32
UNKNOWN = 401
KEY = "key"
SENDERS = [*(role.value for role in Role), KEY]
CASES = {GenerationMode.POSITIVE: 6, GenerationMode.NEGATIVE: 4}
"""Of each operation, by each sender."""
LEAST = 2_000
"""Of all together."""
ROUTES = {
    path.replace("<uuid:pk>", "{id}").replace("<int:pk>", "{id}"): route
    for path, route in API_ROUTES.items()
}
OPERATIONS = [
    (operation["operationId"], method, path)
    for path, item in sorted(description_of_the_api()["paths"].items())
    for method, operation in item.items()
]


@dataclass
class Sender:
    """Somebody who asks, by the headers and cookies that say who it is."""

    rows: Rows
    headers: dict[str, str]
    cookies: dict[str, str]

    def check(self, case: Case[Any], method: str, path: str) -> None:
        """Send a request and compare the answer with the description."""
        self._aim(case, path)
        with undone():
            answer = case.call(headers=self.headers, cookies=self.cookies)
        assert answer.status_code != UNKNOWN, "nobody knows who asks"
        case.validate_response(answer, checks=CHECKS)

    def _aim(self, case: Case[Any], path: str) -> None:
        """Put ids of records that are there in the places of ids, most of which would be of nothing."""
        row = ROUTES[path.removeprefix("/")].row
        if case.path_parameters and row:
            case.path_parameters["id"] = str(self.rows.pair(row)[0].pk)
        if isinstance(case.query, dict):
            case.query.pop("fields", None)  # answers with few fields: not for a description to say
        if isinstance(case.body, dict):
            for name in ("patient", "nurse", "appointment"):
                if isinstance(case.body.get(name), str):
                    case.body[name] = str(self.rows.pair(name)[0].pk)


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Let requests leave the connection of the test open, as Django's own test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def rows(db: None, one_connection: None, settings: Any) -> Rows:
    settings.CAREMATIX_NOW = TOMORROW_NINE + timedelta(minutes=20)
    settings.LIMIT_KEY_READS_PER_MINUTE = settings.LIMIT_KEY_WRITES_PER_MINUTE = 1_000_000
    return Rows()


@pytest.fixture(params=SENDERS)
def sender(request: pytest.FixtureRequest, rows: Rows) -> Sender:
    if request.param == KEY:
        return Sender(rows, {"Authorization": f"Bearer {Program().text}"}, {})
    client = Client()
    client.force_login(rows.login if request.param == Role.NURSE else make_user(role=request.param))
    cookies = {"sessionid": client.cookies["sessionid"].value, "csrftoken": CSRF}
    return Sender(rows, {"X-CSRFToken": CSRF}, cookies)


@pytest.fixture(scope="module")
def api() -> Any:
    schema = schemathesis.openapi.from_dict(description_of_the_api())
    schema.config.generation.update(with_security_parameters=False)  # senders say who they are
    schema.app = get_wsgi_application()
    return schema


@pytest.mark.parametrize(("name", "method", "path"), OPERATIONS, ids=[one[0] for one in OPERATIONS])
class TestAnyRequest:
    def test_is_answered_as_the_description_says(
        self, api: Any, sender: Sender, name: str, method: str, path: str
    ) -> None:
        operation = api[path][method.upper()]
        described = operation.definition.raw
        for mode, number in CASES.items():
            if mode is GenerationMode.NEGATIVE and not described.keys() & INPUT:
                continue  # nothing can be wrong with it

            @settings(
                max_examples=number,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def tried(case: Case[Any]) -> None:
                sender.check(case, method, path)

            tried()


def test_enough_is_tried() -> None:
    assert sum(CASES.values()) * len(SENDERS) * len(OPERATIONS) >= LEAST
