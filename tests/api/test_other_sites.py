"""Browsers of other sites: let in from the origins that the clinic lists, with a key and never with a session (S37)."""

from typing import Any

import pytest
from django.test import Client

from tests.factories import make_user
from tests.scheduling.api.keys import Program

PORTAL = "https://portal.example"
ME = "/api/v1/me/"


@pytest.fixture(autouse=True)
def listed(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PORTAL]


def preflight(client: Client, path: str, origin: str, method: str = "POST") -> Any:
    return client.options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,if-match",
        },
    )


def about_origins(answer: Any) -> dict[str, str]:
    return {
        name: value for name, value in answer.headers.items() if name.startswith("Access-Control")
    }


@pytest.mark.django_db
class TestAListedOrigin:
    def test_may_ask_with_a_key(self) -> None:
        program = Program()

        answer = program.get("me/", Origin=PORTAL)

        assert answer.status_code == 200
        assert answer["Access-Control-Allow-Origin"] == PORTAL

    def test_may_send_the_headers_of_the_api(self, client: Client) -> None:
        answer = preflight(client, "/api/v1/appointments/", PORTAL, "PATCH")

        allowed = answer["Access-Control-Allow-Headers"]
        assert answer["Access-Control-Allow-Origin"] == PORTAL
        assert "PATCH" in answer["Access-Control-Allow-Methods"]
        for name in (
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-none-match",
        ):
            assert name in allowed

    def test_may_read_the_headers_of_answers(self) -> None:
        answer = Program().get("me/", Origin=PORTAL)

        shown = answer["Access-Control-Expose-Headers"]
        for name in ("ETag", "Location", "Retry-After", "X-Request-ID", "Idempotency-Replayed"):
            assert name in shown

    def test_is_never_let_in_with_a_session(self, client: Client) -> None:
        client.force_login(make_user())

        answer = client.get(ME, headers={"Origin": PORTAL})

        assert "Access-Control-Allow-Credentials" not in answer

    @pytest.mark.parametrize("path", ["/dashboard/calls/", "/accounts/login/", "/health/live"])
    def test_is_nobody_at_addresses_of_people(self, client: Client, path: str) -> None:
        assert about_origins(client.get(path, headers={"Origin": PORTAL})) == {}


@pytest.mark.django_db
class TestAnyOtherOrigin:
    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", "http://portal.example", f"{PORTAL}.evil.example", "null", "*"],
    )
    def test_is_told_nothing(self, client: Client, origin: str) -> None:
        answers = (
            preflight(client, ME, origin),
            client.get(ME, headers={"Origin": origin}),
            Program().get("me/", Origin=origin),
        )

        for answer in answers:
            assert about_origins(answer) == {}
