"""
The pages of `docs/` for authors of programs: their commands work as they are written, in their order.

The table of errors in `docs/api.md` is complete.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer
from rest_framework import exceptions as of_framework

from accounts.authentication import CsrfFailed, KeyInAddress
from accounts.exceptions import KeyRefused
from accounts.rest.api_keys import ReauthRequired
from accounts.rest.exceptions import Conflict, PreconditionFailed
from carematix.api_errors import DOMAIN, INVALID
from carematix.errors import CODES
from scheduling.fhir.statuses import DRAWN
from scheduling.fhir.table import RESOURCES
from scheduling.models import Appointment, SlotHold
from tests.factories import NOW
from tests.scheduling.api.keys import Program

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCOPES = ("patients:read", "schedule:read", "appointments:read", "appointments:write")
OF_THE_FRAMEWORK = (
    of_framework.ParseError,
    of_framework.NotAuthenticated,
    of_framework.PermissionDenied,
    of_framework.NotFound,
    of_framework.MethodNotAllowed,
    of_framework.NotAcceptable,
    of_framework.UnsupportedMediaType,
    of_framework.Throttled,
    CsrfFailed,
    KeyInAddress,
    PreconditionFailed,
    Conflict,
    ReauthRequired,
)


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def run(name: str, folder: Path, *, base: str, key: str) -> str:
    """Run the commands of a page in a shell, and return what they print."""
    commands = "\n".join(re.findall(r"(?ms)^```sh\n(.*?)^```", page(name)))
    done = subprocess.run(
        ["sh", "-euc", commands],
        env={**os.environ, "BASE": base, "KEY": key, "WORK": str(folder), "NO_PROXY": "localhost"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (done.stdout[-1000:], done.stderr)
    return done.stdout


@pytest.fixture
def visits(settings: Any, live_server: LiveServer) -> int:
    """Return how many visits the sample clinic has."""
    settings.CAREMATIX_NOW = NOW
    call_command("load_sample_data", verbosity=0)
    return Appointment.objects.count()


class TestTheQuickStart:
    def test_books_moves_and_cancels(
        self, visits: int, live_server: LiveServer, tmp_path: Path
    ) -> None:
        told = run("api", tmp_path, base=live_server.url, key=Program(*SCOPES).text)

        visit = Appointment.objects.latest("created_at")
        assert Appointment.objects.count() == visits + 1
        assert (visit.status, visit.sequence, visit.source) == ("cancelled", 2, "api")
        assert "304\n" in told
        assert told.endswith("Carematix\n")


class TestThePageOfFhir:
    def test_books_cancels_and_holds(
        self, visits: int, live_server: LiveServer, tmp_path: Path
    ) -> None:
        key = Program("fhir:read", "fhir:write").text

        told = run("fhir", tmp_path, base=live_server.url, key=key)

        visit = Appointment.objects.latest("created_at")
        assert Appointment.objects.count() == visits + 1
        assert (visit.status, visit.patient.last_name) == ("cancelled", "Okafor")
        assert told.split() == ["4.0.1", "cancelled", "pending"]
        assert SlotHold.objects.filter(state="live").count() == 1

    def test_names_every_search_parameter(self) -> None:
        rows = dict(re.findall(r"(?m)^\| ([A-Z]\w+) \| [^|]+ \| ([^|]+) \|$", page("fhir")))

        assert {name: set(re.findall(r"`([^`]+)`", row)) for name, row in rows.items()} == {
            name: {one.name for one in kind.parameters} for name, kind in RESOURCES.items()
        }

    def test_names_every_status(self) -> None:
        told = {tuple(row.split(" | ")) for row in re.findall(r"(?m)^\| (.+) \|$", page("fhir"))}

        for state in DRAWN.values():
            words = (state.status, state.participation, state.slot or "–")
            assert words in {row[1:] for row in told}


def known() -> Iterator[tuple[int, str]]:
    """Yield status and code of everything that an address of the API may answer with."""
    for kind in DOMAIN:
        for failure in (kind, *_below(kind)):
            status = next(DOMAIN[one] for one in failure.__mro__ if one in DOMAIN)
            yield status.value, failure.code  # type: ignore[attr-defined]
    for error in OF_THE_FRAMEWORK:
        yield error.status_code, str(error.default_code)
    for status, (code, _) in CODES.items():
        yield status.value, code
    yield 400, INVALID[0]
    yield 401, KeyRefused.code


def _below(kind: type[Exception]) -> Iterator[type[Exception]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


class TestTheTableOfErrors:
    def test_is_what_the_api_answers_with(self) -> None:
        rows = re.findall(r"(?m)^\| (\d{3}) \| ([^|]+) \|", page("api"))
        told = {
            (int(status), code) for status, words in rows for code in re.findall(r"`(\w+)`", words)
        }

        assert told == set(known())
