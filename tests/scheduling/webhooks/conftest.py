"""A receiver on this machine, allowed as on a developer's."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.webhook_receiver import Receiver


@pytest.fixture
def local_hosts(settings: Settings) -> None:
    settings.WEBHOOK_LOCAL_HOSTS = ["127.0.0.1"]


@pytest.fixture
def receiver(local_hosts: None) -> Iterator[Receiver]:
    with Receiver() as running:
        yield running
