"""
The description's links, followed: a program that knows nothing but the schema books, moves and cancels, in any order.

Every step's id comes out of an earlier answer, as the links say. Bodies get people and times that are there, since no
made-up id would be.
"""

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks

from carematix.schema import description_of_the_api
from scheduling.selectors import find_openings
from tests.accounts.api_rows import Rows
from tests.api.test_schemathesis import one_connection  # noqa: F401  # a fixture, which pytest finds by its name
from tests.factories import NOW, make_availability
from tests.scheduling.api.keys import Program

VISITS = "/api/v1/appointments/"
BOOK, MOVE, CANCEL = "create_appointment", "reschedule_appointment", "cancel_appointment"
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
DONE = {200, 201}
MANY = settings(
    max_examples=40,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def rows(db: None, one_connection: None, settings: Any) -> Rows:  # noqa: F811
    settings.CAREMATIX_NOW = NOW
    settings.LIMIT_KEY_READS_PER_MINUTE = settings.LIMIT_KEY_WRITES_PER_MINUTE = 1_000_000
    found = Rows()
    make_availability(nurse=found.nurse)
    return found


def free_start(rows: Rows) -> str:
    found = find_openings(
        now=NOW,
        since=NOW,
        until=NOW + timedelta(days=14),
        visit_type="routine",
        nurse_ids=[rows.nurse.pk],
        patient_id=rows.patient.pk,
        limit=1,
    )
    return found.slots[0].start.isoformat()


def program_of(rows: Rows, **operations: Any) -> tuple[Any, dict[str, list[str]]]:
    """Return the machine that follows the links, and what it has done, by the visit's id."""
    api: Any = schemathesis.openapi.from_dict(description_of_the_api())
    api.config.generation.update(with_security_parameters=False)
    api.app = get_wsgi_application()
    visits = api.include(**operations)
    headers = {"Authorization": f"Bearer {Program().text}"}
    done: dict[str, list[str]] = defaultdict(list)

    class Visits(visits.as_state_machine()):  # type: ignore[misc]  # its base is made at run time
        def before_call(self, case: Case[Any]) -> None:
            name = case.operation.definition.raw["operationId"]
            for header in ("If-Match", "Idempotency-Key"):
                case.headers.pop(header, None)
            case.query.pop("fields", None)  # answers with few fields: not for a description to say
            if name == BOOK:
                case.body = {
                    "patient": str(rows.patient.pk),
                    "nurse": str(rows.nurse.pk),
                    "start": free_start(rows),
                }
            elif name == MOVE:
                case.body = {"start": free_start(rows)}

        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            return {"headers": headers}

        def validate_response(
            self, response: Response, case: Case[Any], *_: Any, **__: Any
        ) -> None:
            case.validate_response(response, checks=CHECKS)
            name = case.operation.definition.raw["operationId"]
            if response.status_code in DONE and case.operation.method != "get":
                done[response.json()["id"]].append(name)

    return Visits, done


class TestTheLinks:
    def test_lead_from_a_booking_to_its_move_and_its_cancellation(self, rows: Rows) -> None:
        machine, done = program_of(rows, operation_id=[BOOK, MOVE, CANCEL])

        run_state_machine_as_test(machine, settings=MANY)

        assert any(_in_this_order(acts, [BOOK, MOVE, CANCEL]) for acts in done.values()), done

    def test_lead_to_answers_that_the_description_promises(self, rows: Rows) -> None:
        machine, done = program_of(rows, path_regex=f"^{VISITS}")

        run_state_machine_as_test(machine, settings=MANY)

        assert [acts for acts in done.values() if acts[:1] == [BOOK] and len(acts) > 1]


def _in_this_order(acts: list[str], wanted: list[str]) -> bool:
    left = iter(acts)
    return all(one in left for one in wanted)
