"""What the worker does about events beside sending them: alarms, purges, secrets (F32, S67)."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from scheduling.clock import real_now
from scheduling.models import EventNumber, StaffTask, WebhookEndpoint
from scheduling.services import webhook_deliveries, webhooks
from tests.scheduling.webhooks.test_deliveries import (
    DAY,
    HOUR,
    MINUTE,
    deliver,
    make_endpoint,
    only_delivery,
    write,
)
from tests.webhook_receiver import Receiver

pytestmark = pytest.mark.django_db


class TestTheQueue:
    def test_f32_is_watched_and_tells_staff_once(self, receiver: Receiver) -> None:
        endpoint, _ = make_endpoint(receiver, name="Billing")
        write()
        late = real_now() + HOUR + MINUTE

        early = webhook_deliveries.watch_queues(now=late - 2 * MINUTE, clinic_now=late)
        raised = [webhook_deliveries.watch_queues(now=late, clinic_now=late) for _ in range(2)]

        task = StaffTask.objects.get()
        assert (early, raised) == (0, [1, 0])
        assert (task.kind, task.topic) == ("alarm", "webhook_queue")
        assert task.actor == f"worker:{endpoint.pk}"

    def test_forgets_after_a_month_what_is_done(
        self, receiver: Receiver, settings: Settings
    ) -> None:
        make_endpoint(receiver)
        write(2)
        deliver()
        month = real_now() + timedelta(days=31)

        assert webhook_deliveries.purge_deliveries(now=month - 2 * DAY) == 0
        assert webhook_deliveries.purge_deliveries(now=month) == 1
        assert only_delivery().status == "pending"
        assert EventNumber.objects.count() == 1

    def test_goes_on_with_higher_numbers_after_a_purge(self, receiver: Receiver) -> None:
        make_endpoint(receiver)
        write()
        before = only_delivery().sequence
        deliver()
        webhook_deliveries.purge_deliveries(now=real_now() + 31 * DAY)

        write()

        assert only_delivery().sequence > before


class TestSecrets:
    def test_follow_a_new_secret_key_and_forget_what_was_replaced(
        self, receiver: Receiver, settings: Settings
    ) -> None:
        endpoint, _ = make_endpoint(receiver)
        webhooks.rotate_secret(endpoint_id=endpoint.pk, now=real_now())
        settings.SEALING_SECRETS = ["a newer one", *settings.SEALING_SECRETS]

        for after in (timedelta(0), 2 * DAY):
            webhook_deliveries.look_after_secrets(now=real_now() + after)
        settings.SEALING_SECRETS = ["a newer one"]
        write()
        deliver()

        endpoint.refresh_from_db()
        assert endpoint.previous_secret == ""
        assert only_delivery().status == "delivered"

    def test_that_nobody_can_open_stop_nothing_else(self, receiver: Receiver) -> None:
        endpoint, _ = make_endpoint(receiver)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(secret="whsec_x")

        assert webhook_deliveries.look_after_secrets(now=real_now()) == 0
