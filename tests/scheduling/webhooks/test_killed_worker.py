"""A worker is killed while a receiver thinks: the event is sent again, under the same id (R10)."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connection

from scheduling.models import WebhookDelivery
from tests.scheduling.webhooks.test_deliveries import MINUTE, deliver, make_endpoint, write
from tests.webhook_receiver import Receiver, answers, waits_for

ROOT = Path(__file__).resolve().parents[3]
WORK = """
import django; django.setup()
from scheduling.clock import real_now
from scheduling.services.webhook_deliveries import deliver_next_event
deliver_next_event(now=real_now(), clinic_now=real_now())
"""


def address_of_the_test_database() -> str:
    """Return where another process finds what this test has committed."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"


@pytest.mark.django_db(transaction=True)
class TestAWorkerThatIsKilled:
    def test_r10_leaves_its_event_to_another_after_the_lease(self, receiver: Receiver) -> None:
        variables = dict(os.environ) | {
            "DATABASE_URL": address_of_the_test_database(),
            "DJANGO_SETTINGS_MODULE": "carematix.settings",
            "WEBHOOK_LOCAL_HOSTS": "127.0.0.1",
        }
        moment = threading.Event()
        receiver.script = [waits_for(moment), answers(200)]
        make_endpoint(receiver)
        (event_id,) = write()
        with subprocess.Popen([sys.executable, "-c", WORK], cwd=ROOT, env=variables) as worker:
            assert receiver.arrived.acquire(timeout=60)
            worker.kill()
        moment.set()

        early = deliver()
        late = deliver(after=MINUTE)

        assert (early, late) == (False, True)
        assert receiver.ids == [event_id, event_id]
        assert WebhookDelivery.objects.get().status == "delivered"
