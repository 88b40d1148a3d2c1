"""Liveness and readiness (R14, S11)."""

from typing import Any

import pytest
from django.test import Client

from carematix import health
from voice import live_calls

pytestmark = pytest.mark.django_db


@pytest.fixture
def draining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_calls, "_draining", True)


class TestLiveness:
    def test_asks_nothing_of_anybody(
        self, client: Client, django_assert_num_queries: Any, draining: None
    ) -> None:
        with django_assert_num_queries(0):
            answer = client.get("/health/live")

        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


class TestReadiness:
    def reasons(self, client: Client) -> tuple[int, list[str]]:
        answer = client.get("/health/ready")
        return answer.status_code, answer.json()["reasons"]

    def test_r14_holds_with_a_database_a_disk_and_room_for_calls(self, client: Client) -> None:
        assert self.reasons(client) == (200, [])

    def test_r13_ends_when_the_server_drains(self, client: Client, draining: None) -> None:
        assert self.reasons(client) == (503, ["capacity"])

    @pytest.mark.parametrize(
        "address",
        ["http://clinic.example", "https://elsewhere.example", "https://clinic.example/app", ""],
    )
    def test_s11_ends_with_a_public_address_that_cannot_be_right(
        self, client: Client, settings: Any, address: str
    ) -> None:
        settings.PUBLIC_BASE_URL = address

        status, reasons = self.reasons(client)

        assert status == 503
        assert "public_base_url" in reasons

    def test_s11_ends_when_no_request_of_twilio_could_pass(
        self, client: Client, settings: Any
    ) -> None:
        settings.TWILIO_AUTH_TOKEN = ""

        assert self.reasons(client) == (503, ["carrier_signature"])

    def test_s11_proves_the_real_check(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("voice.signatures._signed", lambda *asked: False)

        assert self.reasons(client) == (503, ["carrier_signature"])

    def test_r14_opens_a_connection_that_is_new(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from django.db import OperationalError, connection

        def refuse(self: Any) -> None:
            raise OperationalError("name of the host")

        monkeypatch.setattr(type(connection._connections["default"]), "connect", refuse)  # type: ignore[attr-defined]

        answer = client.get("/health/ready")

        assert (answer.status_code, answer.json()["reasons"]) == (503, ["database"])
        assert "host" not in answer.content.decode()

    @pytest.mark.parametrize(
        ("used", "expected"),
        [(0.5, (200, [], [])), (0.91, (200, [], ["disk"])), (0.99, (503, ["disk"], ["disk"]))],
    )
    def test_f20_warns_of_a_disk_that_fills_and_ends_when_it_is_full(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, used: float, expected: Any
    ) -> None:
        monkeypatch.setattr(health, "_disk_used", lambda: used)

        answer = client.get("/health/ready")

        assert (answer.status_code, answer.json()["reasons"], answer.json()["warnings"]) == expected

    @pytest.mark.parametrize(
        ("address", "status"), [("127.0.0.1", 200), ("10.1.2.3", 200), ("8.8.8.8", 404)]
    )
    def test_s25_answers_neighbours_only(self, client: Client, address: str, status: int) -> None:
        assert client.get("/health/ready", REMOTE_ADDR=address).status_code == status
