"""A client generated from the description, as integrators do it, works against the running server."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from carematix.schema import description_of_the_api
from tests.factories import NOW, TOMORROW_NINE, make_nurse, make_patient, make_visit_type
from tests.scheduling.api.keys import Program

NAME = "generated_carematix"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def client_code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Generate the client, and make it importable."""
    folder = tmp_path_factory.mktemp("client")
    described = folder / "openapi.json"
    described.write_text(json.dumps(description_of_the_api()), encoding="utf-8")
    made = subprocess.run(
        [
            BIN / "openapi-python-client", "generate",
            "--path", described, "--output-path", folder / NAME, "--meta", "none", "--fail-on-warning",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        check=False,
        timeout=300,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module(NAME)
    sys.path.remove(str(folder))


def part(name: str) -> Any:
    return importlib.import_module(f"{NAME}.{name}")


class TestAGeneratedClient:
    def test_has_a_function_for_every_operation(self, client_code: ModuleType) -> None:
        missing = [
            operation["operationId"]
            for item in description_of_the_api()["paths"].values()
            for operation in item.values()
            if not hasattr(
                part(f"api.{operation['tags'][0].replace('-', '_')}.{operation['operationId']}"),
                "sync",
            )
        ]

        assert [name for name in missing if not name.startswith("delete_")] == []

    def test_books_moves_and_cancels_a_visit(
        self, client_code: ModuleType, live_server: LiveServer, settings: Any
    ) -> None:
        settings.CAREMATIX_NOW = NOW
        make_visit_type()
        patient, nurse = make_patient(), make_nurse()
        client: Any = client_code
        api = client.AuthenticatedClient(base_url=live_server.url, token=Program().text)
        models, visits = part("models"), "api.appointments"
        wish = models.BookingRequest(patient=patient.pk, nurse=nurse.pk, start=TOMORROW_NINE)
        book = part(f"{visits}.create_appointment")

        booked = book.sync_detailed(client=api, body=wish, idempotency_key="b1")
        again = book.sync(client=api, body=wish, idempotency_key="b1")
        taken = book.sync_detailed(client=api, body=wish)

        assert (booked.status_code, booked.parsed.start) == (HTTPStatus.CREATED, TOMORROW_NINE)
        assert again.id == booked.parsed.id
        assert (taken.status_code, taken.parsed.code) == (HTTPStatus.CONFLICT, "slot_taken")

        later = models.MoveRequest(start=TOMORROW_NINE + timedelta(hours=1))
        moved = part(f"{visits}.reschedule_appointment").sync(
            booked.parsed.id, client=api, body=later, if_match=booked.headers["ETag"]
        )
        stale = part(f"{visits}.cancel_appointment").sync_detailed(
            moved.id,
            client=api,
            body=models.CancellationRequest(),
            if_match=booked.headers["ETag"],
        )
        cancelled = part(f"{visits}.cancel_appointment").sync(
            moved.id, client=api, body=models.CancellationRequest(reason="patient")
        )
        listed = part(f"{visits}.list_appointments").sync(client=api, patient=patient.pk)

        assert moved.start == TOMORROW_NINE + timedelta(hours=1)
        assert stale.status_code == HTTPStatus.PRECONDITION_FAILED
        assert cancelled.status == "cancelled"
        assert [one.id for one in listed.results] == [moved.id]
