"""`docs/api.md`: its commands work as they are written, in their order; its table of errors is complete."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer
from rest_framework import exceptions as of_framework

from accounts.authentication import CsrfFailed, KeyInAddress
from accounts.exceptions import KeyRefused
from accounts.rest.exceptions import Conflict, PreconditionFailed
from carematix.api_errors import DOMAIN, INVALID
from carematix.errors import CODES
from scheduling.models import Appointment
from tests.factories import NOW
from tests.scheduling.api.keys import Program

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
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
)


def commands() -> str:
    return "\n".join(re.findall(r"(?ms)^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8")))


class TestTheCommands:
    def test_work_in_their_order(self, live_server: LiveServer, settings: Any) -> None:
        settings.CAREMATIX_NOW = NOW
        call_command("load_sample_data", verbosity=0)
        before = Appointment.objects.count()
        key = Program(*SCOPES).text

        done = subprocess.run(
            ["sh", "-euc", commands()],
            env={**os.environ, "BASE": live_server.url, "KEY": key, "NO_PROXY": "localhost"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        assert done.returncode == 0, (done.stdout[-1000:], done.stderr)
        assert Appointment.objects.count() == before + 1
        visit = Appointment.objects.latest("created_at")
        assert (visit.status, visit.sequence, visit.source) == ("cancelled", 2, "api")
        assert "304\n" in done.stdout
        assert done.stdout.endswith("Carematix\n")


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
        rows = re.findall(r"(?m)^\| (\d{3}) \| ([^|]+) \|", PAGE.read_text(encoding="utf-8"))
        told = {
            (int(status), code) for status, words in rows for code in re.findall(r"`(\w+)`", words)
        }

        assert told == set(known())
