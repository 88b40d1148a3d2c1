"""Events on their way to other systems (scheduling reference, section 15; S66, S67, F32, R10)."""

import json
import threading
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent
from scheduling.clock import real_now
from scheduling.models import StaffTask, WebhookDelivery, WebhookEndpoint
from scheduling.services import webhook_deliveries, webhooks
from scheduling.services.outbox import write_event
from scheduling.webhooks.signatures import key_of, signature
from scheduling.webhooks.transport import Answer
from tests.webhook_receiver import Receiver, answers, hangs, never_ends, receivers, waits_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("local_hosts")]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def make_endpoint(receiver: Receiver, **fields: Any) -> tuple[WebhookEndpoint, str]:
    """Store an endpoint of a receiver that wants every event; return it with its secret."""
    defaults: dict[str, Any] = {"url": receiver.url, "events": [], "now": real_now()}
    return webhooks.create_endpoint(**defaults | fields)


def write(count: int = 1) -> list[str]:
    """Write events as facts do and return their ids in order."""
    for _ in range(count):
        write_event(event_type="appointment.booked", data={"id": str(uuid.uuid4())})
    rows = WebhookDelivery.objects.order_by("sequence").values_list("event_id", flat=True)
    return [str(event_id) for event_id in rows][-count:]


def deliver(at: datetime | None = None, *, after: timedelta = timedelta(0)) -> bool:
    """Let a worker look for something to send now, or then."""
    now = (at or real_now()) + after
    return webhook_deliveries.deliver_next_event(now=now, clinic_now=now)


def deliver_all(at: datetime | None = None) -> None:
    while deliver(at):
        pass


def only_delivery() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


class TestDelivery:
    def test_signs_the_exact_body_under_the_id_of_the_event(self, receiver: Receiver) -> None:
        _, secret = make_endpoint(receiver)
        (event_id,) = write()
        now = real_now()

        assert deliver(now)

        (request,) = receiver.received
        delivery = only_delivery()
        assert request.body.decode() == delivery.body
        assert request.headers["webhook-id"] == event_id
        assert request.headers["webhook-timestamp"] == str(int(now.timestamp()))
        assert request.headers["webhook-signature"] == signature(
            key_of(secret), event_id=event_id, timestamp=int(now.timestamp()), body=request.body
        )
        assert (delivery.status, delivery.delivered_at) == ("delivered", now)
        assert (delivery.attempts, delivery.response_status) == (1, 200)

    def test_goes_in_order_of_the_numbers(self, receiver: Receiver) -> None:
        make_endpoint(receiver)
        ids = write(4)

        deliver_all()

        numbers = [json.loads(request.body)["data"]["sequence"] for request in receiver.received]
        assert receiver.ids == ids
        assert numbers == sorted(numbers)

    def test_waits_for_an_earlier_event_that_failed(self, receiver: Receiver) -> None:
        receiver.script = [answers(500), answers(200)]
        make_endpoint(receiver)
        first, second = write(2)

        deliver_all()
        before = list(receiver.ids)
        deliver_all(real_now() + HOUR)

        assert before == [first]
        assert receiver.ids == [first, first, second]

    def test_signs_with_both_secrets_for_a_day_after_a_rotation(self, receiver: Receiver) -> None:
        endpoint, old = make_endpoint(receiver)
        now = real_now()
        new = webhooks.rotate_secret(endpoint_id=endpoint.pk, now=now)
        write(2)

        for at in (now + MINUTE, now + DAY + MINUTE):
            deliver(at)

        for request, at, secrets in zip(
            receiver.received, (now + MINUTE, now + DAY + MINUTE), ([new, old], [new]), strict=True
        ):
            expected = [
                signature(
                    key_of(secret),
                    event_id=request.headers["webhook-id"],
                    timestamp=int(at.timestamp()),
                    body=request.body,
                )
                for secret in secrets
            ]
            assert request.headers["webhook-signature"].split() == expected

    def test_again_by_hand_keeps_id_and_body_and_signs_anew(self, receiver: Receiver) -> None:
        make_endpoint(receiver)
        (event_id,) = write()
        deliver()

        webhooks.replay_delivery(delivery_id=only_delivery().pk, now=real_now())
        deliver(after=MINUTE)

        first, second = receiver.received
        assert receiver.ids == [event_id, event_id]
        assert first.body == second.body
        assert first.headers["webhook-signature"] != second.headers["webhook-signature"]

    def test_r10_whose_worker_died_is_repeated_after_its_lease(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            pass

        def die(*_: object) -> None:
            raise Killed

        make_endpoint(receiver)
        (event_id,) = write()
        now = real_now()
        with monkeypatch.context() as dying:
            dying.setattr(webhook_deliveries, "_record", die)
            with pytest.raises(Killed):
                deliver(now)

        assert not deliver(now, after=MINUTE - timedelta(seconds=1))
        assert deliver(now, after=MINUTE)
        assert receiver.ids == [event_id, event_id]
        assert only_delivery().status == "delivered"

    def test_whose_lease_ran_out_does_not_undo_what_another_worker_did(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_endpoint(receiver)
        write()
        now = real_now()
        first = webhook_deliveries._claim(now)
        assert first is not None

        deliver(now, after=MINUTE)
        webhook_deliveries._record(first, None, "timeout", now, now)

        assert only_delivery().status == "delivered"

    def test_that_people_sent_anew_meanwhile_is_not_held_to_the_old_try(
        self, receiver: Receiver
    ) -> None:
        make_endpoint(receiver)
        write()
        now = real_now()
        first = webhook_deliveries._claim(now)
        assert first is not None

        webhooks.replay_delivery(delivery_id=first.pk, now=now)
        webhook_deliveries._record(first, Answer(410, ""), "http_410", now, now)

        assert (only_delivery().status, only_delivery().attempts) == ("pending", 0)
        assert deliver(now, after=MINUTE)
        assert only_delivery().status == "delivered"


class TestAFailure:
    @pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500])
    def test_is_every_answer_but_a_good_one(self, receiver: Receiver, status: int) -> None:
        receiver.script = [answers(status, "Location: https://other.example/")]
        make_endpoint(receiver)
        write()

        deliver()

        delivery = only_delivery()
        assert (delivery.status, delivery.response_status) == ("pending", status)
        assert (delivery.attempts, delivery.error_code) == (1, f"http_{status}")

    def test_is_tried_again_after_a_minute_and_not_before(self, receiver: Receiver) -> None:
        receiver.script = [answers(500), answers(200)]
        make_endpoint(receiver)
        write()
        now = real_now()
        deliver(now)

        assert not deliver(now, after=timedelta(seconds=59))
        assert deliver(now, after=timedelta(seconds=67))
        assert only_delivery().status == "delivered"

    @pytest.mark.parametrize("status", [429, 503])
    def test_that_asks_for_time_is_given_it(self, receiver: Receiver, status: int) -> None:
        receiver.script = [answers(status, "Retry-After: 600"), answers(200)]
        make_endpoint(receiver)
        write()
        now = real_now()
        deliver(now)

        assert not deliver(now, after=timedelta(seconds=599))
        assert deliver(now, after=timedelta(seconds=601))

    def test_eight_times_switches_the_endpoint_off_and_tells_staff(
        self, receiver: Receiver
    ) -> None:
        receiver.script = [answers(500)]
        endpoint, _ = make_endpoint(receiver, name="Billing")
        write(2)

        for tries in range(1, 12):
            deliver(after=tries * DAY)

        endpoint.refresh_from_db()
        task = StaffTask.objects.get()
        assert len(receiver.received) == 8
        assert not endpoint.active
        assert WebhookDelivery.objects.order_by("sequence")[0].status == "failed"
        assert (task.kind, task.topic) == ("alarm", "webhook_off")
        assert "Billing" in task.text

    def test_with_410_switches_the_endpoint_off_at_once(self, receiver: Receiver) -> None:
        receiver.script = [answers(410)]
        endpoint, _ = make_endpoint(receiver)
        write()

        deliver()

        endpoint.refresh_from_db()
        assert not endpoint.active
        assert (only_delivery().status, only_delivery().error_code) == ("failed", "http_410")
        assert StaffTask.objects.filter(topic="webhook_off").count() == 1
        deed = AuditEvent.objects.get(action="webhookendpoint.switched_off")
        assert (deed.object_id, deed.reason) == (str(endpoint.pk), "http_410")

    @pytest.mark.parametrize("play", [hangs, never_ends], ids=["hanging", "slow"])
    def test_s67_is_a_receiver_that_takes_too_long(
        self, receiver: Receiver, settings: Settings, play: Any
    ) -> None:
        settings.LIMIT_WEBHOOK_SECONDS = 0.3
        receiver.script = [play]
        make_endpoint(receiver)
        write()

        deliver()

        assert (only_delivery().status, only_delivery().error_code) == ("pending", "timeout")

    def test_is_a_secret_that_cannot_be_opened(self, receiver: Receiver) -> None:
        endpoint, _ = make_endpoint(receiver)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(secret="whsec_x")
        write()

        deliver()

        assert only_delivery().error_code == "secret_unusable"
        assert receiver.connections == 0

    def test_is_none_once_a_secret_that_cannot_be_opened_was_rotated(
        self, receiver: Receiver
    ) -> None:
        """A lost SECRET_KEY has lost the old secret: the new one signs alone, and is sealed anew as ever."""
        endpoint, _ = make_endpoint(receiver)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(secret="whsec_x")
        webhooks.rotate_secret(endpoint_id=endpoint.pk, now=real_now())
        write()

        deliver()

        assert only_delivery().status == "delivered"
        assert len(receiver.received[0].headers["webhook-signature"].split()) == 1


class TestAnAddressInside:
    @pytest.mark.parametrize(
        "host",
        [
            "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1", "localhost", "localhost.localdomain",
            "[::ffff:7f00:1]", "[::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254",
        ],
    )  # fmt: skip
    def test_s66_is_never_connected_to_however_it_got_into_the_row(
        self, receiver: Receiver, settings: Settings, host: str
    ) -> None:
        settings.WEBHOOK_LOCAL_HOSTS = []
        settings.WEBHOOK_PORTS = [receiver.port]
        endpoint, _ = make_endpoint(receiver, url="https://other.example/hook")
        address = f"https://{host}:{receiver.port}/hook"
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(url=address)
        write()

        deliver()

        assert receiver.connections == 0
        assert only_delivery().status == "pending"
        assert only_delivery().error_code in {"invalid_url", "address_refused", "name_unknown"}

    def test_s66_is_never_reached_by_a_redirection(self, receiver: Receiver) -> None:
        with Receiver() as inside:
            receiver.script = [answers(307, f"Location: {inside.url}")]
            make_endpoint(receiver)
            write()

            deliver()

            assert inside.connections == 0


@pytest.mark.django_db(transaction=True)
class TestASlowReceiver:
    def test_s67_delays_no_other_and_gets_one_event_at_a_time(self) -> None:
        moment = threading.Event()
        with receivers(2) as (slow, quick):
            slow.script = [waits_for(moment)]
            first, _ = make_endpoint(slow)
            make_endpoint(quick)
            WebhookEndpoint.objects.exclude(pk=first.pk).update(last_attempt_at=real_now())
            write(3)
            hanging = threading.Thread(target=self.work)
            hanging.start()
            assert slow.arrived.acquire(timeout=60)

            deliver_all()

            assert len(quick.received) == 3
            assert len(slow.received) == 1
            moment.set()
            hanging.join(60)
            deliver_all()
            assert len(slow.received) == 3

    def work(self) -> None:
        try:
            deliver()
        finally:
            connection.close()


@pytest.mark.django_db(transaction=True)
class TestSeveralWorkers:
    def test_send_the_events_of_an_endpoint_once_each_and_in_order(
        self, receiver: Receiver
    ) -> None:
        make_endpoint(receiver)
        ids = write(20)

        workers = [threading.Thread(target=self.work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)

        assert receiver.ids == ids

    def work(self) -> None:
        try:
            while WebhookDelivery.objects.filter(status="pending").exists():
                deliver()
        finally:
            connection.close()
