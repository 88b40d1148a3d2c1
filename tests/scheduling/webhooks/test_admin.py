"""Endpoints in the admin: they obey the same rules as everywhere."""

from typing import Any

import pytest
from django.test import Client

from scheduling.clock import real_now
from scheduling.exceptions import EndpointInactive
from scheduling.models import WebhookDelivery, WebhookEndpoint
from scheduling.services import webhooks
from scheduling.services.outbox import write_event
from scheduling.webhooks.sealed_secrets import opened_secret
from scheduling.webhooks.signatures import secret_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db
LIST = "/admin/scheduling/webhookendpoint/"
DELIVERIES = "/admin/scheduling/webhookdelivery/"
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


def act(staff: Client, listing: str, action: str, *rows: Any) -> str:
    """Do one of the actions of a list, and return the page that follows."""
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return staff.post(listing, chosen, follow=True).content.decode()


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

        page = act(staff, LIST, "remove", told, untold)

        assert WebhookEndpoint.objects.get() == told
        assert not WebhookEndpoint.objects.get().active
        assert WebhookDelivery.objects.get().error_code == "endpoint_removed"
        assert page.count("is sent nothing any more.") == 2
        assert staff.post(page_of(told, "delete"), {"post": "yes"}).status_code == 403

    def test_is_sent_a_test_event_while_it_is_on(self, staff: Client) -> None:
        on, off = make_endpoint(), make_endpoint()
        WebhookEndpoint.objects.filter(pk=off.pk).update(active=False)

        page = act(staff, LIST, "send_test", on, off)

        delivery = WebhookDelivery.objects.get()
        assert (delivery.endpoint, delivery.event_type) == (on, "webhook.test")
        assert "a test event is on its way." in page
        assert EndpointInactive().detail in page

    def test_gets_a_new_secret_that_is_shown_once(self, staff: Client) -> None:
        endpoint = make_endpoint()
        before = endpoint.secret

        page = act(staff, LIST, "make_new_secret", endpoint)

        endpoint.refresh_from_db()
        secret = secret_of(opened_secret(endpoint.secret, endpoint_id=endpoint.pk))
        assert endpoint.previous_secret == before
        assert secret.replace("+", "%2B") in page.replace("+", "%2B")
        assert secret not in staff.get(LIST).content.decode()


class TestADeliveryInTheAdmin:
    def test_is_sent_again_unless_its_endpoint_is_off(self, staff: Client) -> None:
        on, off = make_endpoint(), make_endpoint()
        sent = [webhooks.send_test_event(endpoint_id=one.pk, now=real_now()) for one in (on, off)]
        WebhookDelivery.objects.update(status="failed", attempts=9, error_code="timeout")
        WebhookEndpoint.objects.filter(pk=off.pk).update(active=False)

        page = act(staff, DELIVERIES, "send_again", *sent)

        again, left = (WebhookDelivery.objects.get(pk=one.pk) for one in sent)
        assert (again.status, again.attempts, again.error_code) == ("pending", 0, "")
        assert (again.event_id, again.body) == (sent[0].event_id, sent[0].body)
        assert (left.status, left.attempts) == ("failed", 9)
        assert "is sent again." in page

    def test_is_not_edited(self, staff: Client) -> None:
        delivery = webhooks.send_test_event(endpoint_id=make_endpoint().pk, now=real_now())

        answer = staff.post(f"{DELIVERIES}{delivery.pk}/change/", {"status": "delivered"})

        assert answer.status_code == 403
