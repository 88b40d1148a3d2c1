"""Endpoints, their secrets, and what is written for them (scheduling reference, section 15)."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from scheduling.clock import real_now
from scheduling.exceptions import EndpointInactive, InvalidWebhookUrl, NotFound, UnknownEvent
from scheduling.models import WebhookDelivery, WebhookEndpoint
from scheduling.services import webhooks
from scheduling.services.outbox import write_event
from scheduling.webhooks.sealed_secrets import SecretUnusable, opened_secret, resealed_secret
from scheduling.webhooks.signatures import key_of
from tests.factories import NOW

pytestmark = pytest.mark.django_db
URL = "https://other.example/hook"


def make_endpoint(**fields: Any) -> WebhookEndpoint:
    """Store an endpoint that wants every event."""
    defaults: dict[str, Any] = {"url": URL, "events": [], "now": NOW}
    return webhooks.create_endpoint(**defaults | fields)[0]


def write(event_type: str = "appointment.booked") -> None:
    """Write an event as a fact does."""
    write_event(event_type=event_type, data={"id": str(uuid.uuid4())})


class TestCreateEndpoint:
    def test_shows_the_secret_once_and_stores_it_sealed(self) -> None:
        endpoint, secret = webhooks.create_endpoint(url=URL, events=["call.completed"], now=NOW)

        stored = WebhookEndpoint.objects.get()
        assert stored.events == ["call.completed"]
        assert secret not in stored.secret
        assert secret.removeprefix("whsec_") not in stored.secret
        assert opened_secret(stored.secret, endpoint_id=endpoint.pk) == key_of(secret)

    @pytest.mark.parametrize("url", ["http://other.example/", "https://127.1/", "https://inside/"])
    def test_s65_refuses_an_address_that_may_not_be_called(self, url: str) -> None:
        with pytest.raises(InvalidWebhookUrl):
            make_endpoint(url=url)

        assert not WebhookEndpoint.objects.exists()

    def test_refuses_a_type_of_event_that_does_not_exist(self) -> None:
        with pytest.raises(UnknownEvent):
            make_endpoint(events=["appointment.booked", "appointment.dreamt"])


class TestASealedSecret:
    def test_opens_and_moves_on_after_a_change_of_the_secret_key(self, settings: Settings) -> None:
        endpoint, secret = webhooks.create_endpoint(url=URL, events=[], now=NOW)
        settings.SEALING_SECRETS = ["a newer one", *settings.SEALING_SECRETS]

        again = resealed_secret(endpoint.secret, endpoint_id=endpoint.pk)
        settings.SEALING_SECRETS = ["a newer one"]

        assert opened_secret(again, endpoint_id=endpoint.pk) == key_of(secret)
        with pytest.raises(SecretUnusable):
            opened_secret(endpoint.secret, endpoint_id=endpoint.pk)

    def test_opens_for_no_other_endpoint(self) -> None:
        endpoint = make_endpoint()

        with pytest.raises(SecretUnusable):
            opened_secret(endpoint.secret, endpoint_id=uuid.uuid4())

    @pytest.mark.parametrize("stored", ["", "whsec_x", "k:", "k:!"])
    def test_of_another_form_is_refused(self, stored: str) -> None:
        with pytest.raises(SecretUnusable):
            opened_secret(stored, endpoint_id=uuid.uuid4())


class TestChangeEndpoint:
    def test_changes_what_was_named(self) -> None:
        endpoint = make_endpoint(name="old")

        webhooks.change_endpoint(endpoint_id=endpoint.pk, name="new", now=NOW)

        assert WebhookEndpoint.objects.values("name", "url").get() == {"name": "new", "url": URL}

    def test_s65_refuses_an_address_that_may_not_be_called(self) -> None:
        endpoint = make_endpoint()

        with pytest.raises(InvalidWebhookUrl):
            webhooks.change_endpoint(endpoint_id=endpoint.pk, url="https://10.0.0.1/", now=NOW)

        assert WebhookEndpoint.objects.get().url == URL

    def test_refuses_a_type_of_event_that_does_not_exist(self) -> None:
        with pytest.raises(UnknownEvent):
            webhooks.change_endpoint(endpoint_id=make_endpoint().pk, events=["odd"], now=NOW)

    def test_never_touches_the_secret(self) -> None:
        with pytest.raises(TypeError):
            webhooks.change_endpoint(endpoint_id=make_endpoint().pk, secret="own", now=NOW)

    def test_that_switches_on_tries_at_once_what_waits(self) -> None:
        endpoint = make_endpoint()
        write()
        WebhookDelivery.objects.update(attempts=7, due_at=NOW + timedelta(days=1))
        webhooks.change_endpoint(endpoint_id=endpoint.pk, active=False, now=NOW)

        webhooks.change_endpoint(endpoint_id=endpoint.pk, active=True, now=NOW)

        assert WebhookDelivery.objects.values_list("attempts", "due_at").get() == (0, NOW)

    def test_of_nobody_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            webhooks.change_endpoint(endpoint_id=uuid.uuid4(), name="new", now=NOW)


class TestRotateSecret:
    def test_keeps_the_old_one_for_a_day(self) -> None:
        endpoint, old = webhooks.create_endpoint(url=URL, events=[], now=NOW)

        new = webhooks.rotate_secret(endpoint_id=endpoint.pk, now=NOW)

        endpoint.refresh_from_db()
        assert new != old
        assert opened_secret(endpoint.secret, endpoint_id=endpoint.pk) == key_of(new)
        assert opened_secret(endpoint.previous_secret, endpoint_id=endpoint.pk) == key_of(old)
        assert endpoint.previous_secret_until == NOW + timedelta(hours=24)


class TestRemoveEndpoint:
    def test_deletes_one_that_was_told_nothing(self) -> None:
        webhooks.remove_endpoint(endpoint_id=make_endpoint().pk, now=NOW)

        assert not WebhookEndpoint.objects.exists()

    def test_keeps_the_history_of_another_and_ends_what_waits(self) -> None:
        endpoint = make_endpoint()
        write()

        webhooks.remove_endpoint(endpoint_id=endpoint.pk, now=NOW)

        endpoint.refresh_from_db()
        delivery = WebhookDelivery.objects.get()
        assert not endpoint.active
        assert (delivery.status, delivery.error_code) == ("failed", "endpoint_removed")


class TestSendTestEvent:
    def test_is_for_one_endpoint_whatever_it_asked_for(self) -> None:
        make_endpoint()
        endpoint = make_endpoint(events=["call.completed"])

        delivery = webhooks.send_test_event(endpoint_id=endpoint.pk, now=NOW)

        assert WebhookDelivery.objects.get() == delivery
        assert json.loads(delivery.body) == {
            "type": "webhook.test",
            "timestamp": "2026-03-05T15:00:00Z",
            "data": {"id": str(endpoint.pk), "sequence": delivery.sequence},
        }

    def test_is_refused_for_one_that_is_off(self) -> None:
        endpoint = make_endpoint()
        webhooks.change_endpoint(endpoint_id=endpoint.pk, active=False, now=NOW)

        with pytest.raises(EndpointInactive):
            webhooks.send_test_event(endpoint_id=endpoint.pk, now=NOW)


class TestReplayDelivery:
    def test_keeps_id_and_body_and_counts_its_tries_anew(self) -> None:
        make_endpoint()
        write()
        before = WebhookDelivery.objects.get()
        WebhookDelivery.objects.update(status="failed", attempts=8, response_status=500)

        again = webhooks.replay_delivery(delivery_id=before.pk, now=NOW)

        assert (again.event_id, again.body) == (before.event_id, before.body)
        assert (again.status, again.attempts, again.due_at) == ("pending", 0, NOW)
        assert again.response_status is None

    def test_is_refused_while_the_endpoint_is_off(self) -> None:
        endpoint = make_endpoint()
        write()
        webhooks.remove_endpoint(endpoint_id=endpoint.pk, now=NOW)

        with pytest.raises(EndpointInactive):
            webhooks.replay_delivery(delivery_id=WebhookDelivery.objects.get().pk, now=NOW)

    def test_of_nothing_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            webhooks.replay_delivery(delivery_id=uuid.uuid4(), now=NOW)


class TestWriteEvent:
    def test_numbers_events_upwards_and_says_so_in_the_body(self) -> None:
        make_endpoint()

        for _ in range(3):
            write()

        rows = list(WebhookDelivery.objects.order_by("sequence"))
        numbers = [row.sequence for row in rows]
        assert numbers == sorted(set(numbers))
        assert [json.loads(row.body)["data"]["sequence"] for row in rows] == numbers

    def test_gives_every_endpoint_the_same_event(self) -> None:
        make_endpoint()
        make_endpoint(url="https://second.example/")

        write()

        first, second = WebhookDelivery.objects.all()
        assert (first.event_id, first.body) == (second.event_id, second.body)

    def test_stamps_with_the_real_clock(self, settings: Settings) -> None:
        settings.CAREMATIX_NOW = NOW
        make_endpoint()
        before = real_now()

        write()

        assert before <= WebhookDelivery.objects.get().due_at <= real_now()

    @pytest.mark.parametrize(
        ("chosen", "told"),
        [
            ([], True),
            (["*"], True),
            (["appointment.*"], True),
            (["appointment.booked"], True),
            (["call.*", "waitlist.*", "appointment.cancelled"], False),
        ],
    )
    def test_is_for_endpoints_that_chose_the_type_or_its_group(
        self, chosen: list[str], told: bool
    ) -> None:
        make_endpoint(events=chosen)

        write("appointment.booked")

        assert WebhookDelivery.objects.exists() is told

    def test_is_for_no_endpoint_that_is_off(self) -> None:
        endpoint = make_endpoint()
        webhooks.change_endpoint(endpoint_id=endpoint.pk, active=False, now=NOW)

        write()

        assert not WebhookDelivery.objects.exists()
