"""The clinic's clock stands at the tests' usual moment."""

from typing import Any

import pytest

from tests.factories import NOW
from tests.scheduling.fhir.program import Program


@pytest.fixture(autouse=True)
def _pinned(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def program(db: None) -> Program:
    return Program()
