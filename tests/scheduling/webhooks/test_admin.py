"""Endpoints in the admin: they obey the same rules as everywhere."""

from typing import Any

import pytest
from django.test import Client

from scheduling.clock import real_now
from scheduling.models import WebhookDelivery, WebhookEndpoint
from scheduling.services import webhooks
from scheduling.services.outbox import write_event
from scheduling.webhooks.sealed_secrets import opened_secret
from scheduling.webhooks.signatures import secret_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db
LIST = "/admin/scheduling/webhookendpoint/"
URL = "https://other.example/hook"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user(role="admin", is_staff=True, is_superuser=True))
    return client


def form(**changes: Any) -> dict[str, Any]:
    return {"name": "Billing", "url": URL, "events": ["call.*"], "active": "on"} | changes


def page_of(endpoint: WebhookEndpoint, what: str) -> str:
    return f"{LIST}{endpoint.pk}/{what}/"


def make_endpoint() -> WebhookEndpoint:
    return webhooks.create_endpoint(url=URL, events=[], now=real_now())[0]


class TestAnEndpointInTheAdmin:
    def test_shows_its_secret_once(self, staff: Client) -> None:
        page = staff.post(f"{LIST}add/", form(), follow=True)

        endpoint = WebhookEndpoint.objects.get()
        secret = secret_of(opened_secret(endpoint.secret, endpoint_id=endpoint.pk))
        assert endpoint.events == ["call.*"]
        assert secret.replace("+", "%2B") in page.content.decode().replace("+", "%2B")
        assert secret not in staff.get(page_of(endpoint, "change")).content.decode()

    @pytest.mark.parametrize(
        "url", ["http://other.example/", "https://127.1/", "https://10.0.0.1/"]
    )
    def test_s65_refuses_an_address_that_may_not_be_called(self, staff: Client, url: str) -> None:
        page = staff.post(f"{LIST}add/", form(url=url))

        assert page.status_code == 200
        assert "url" in page.context["adminform"].form.errors
        assert not WebhookEndpoint.objects.exists()

    def test_tries_at_once_what_waits_when_it_is_switched_on(self, staff: Client) -> None:
        endpoint = make_endpoint()
        write_event(event_type="call.completed", data={"id": "1"})
        WebhookDelivery.objects.update(attempts=5)
        WebhookEndpoint.objects.update(active=False)

        staff.post(page_of(endpoint, "change"), form())

        endpoint.refresh_from_db()
        assert (endpoint.active, endpoint.name) == (True, "Billing")
        assert WebhookDelivery.objects.get().attempts == 0

    def test_stays_once_it_was_told_something(self, staff: Client) -> None:
        told, untold = make_endpoint(), make_endpoint()
        webhooks.send_test_event(endpoint_id=told.pk, now=real_now())

        for endpoint in (told, untold):
            staff.post(page_of(endpoint, "delete"), {"post": "yes"})

        assert WebhookEndpoint.objects.get() == told
