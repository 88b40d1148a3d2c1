"""What all tests share; the environment itself is fixed in `tests.settings`, before Django loads."""

import os
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import channel_layers
from django.test import AsyncClient, Client
from hypothesis import HealthCheck, settings

# `ci` repeats the same examples, so a red run is red again; `deep` looks for new ones at length.
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("deep", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_sessionstart() -> None:
    """Let the tables of the audit record be emptied between tests; Django is ready by now."""
    from tests.kept_rows import let_tests_flush

    let_tests_flush()


@pytest.fixture(autouse=True)
def _layer_of_its_own() -> None:
    """Give each test a channel layer of its own: that of Redis binds locks to the loop that used it first."""
    channel_layers.backends.clear()


@pytest.fixture(autouse=True)
def _signed_in_wholly(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let `client.force_login(user)` mean what it says: both factors were given, the second just now by the app.

    `tests.sign_in` has the way through the pages.
    """
    plain, plain_async = Client.force_login, AsyncClient.aforce_login

    def stamp(client: Any, user: Any) -> None:
        session = client.session
        ages.begin(session, rights=rights_of(user), verified=True, now=clock.now())
        session.save()

    def force_login(client: Client, user: Any, backend: str | None = None) -> None:
        plain(client, user, backend)
        stamp(client, user)

    async def aforce_login(client: AsyncClient, user: Any, backend: str | None = None) -> None:
        await plain_async(client, user, backend)
        await database_sync_to_async(stamp)(client, user)

    from accounts.sign_in import ages, clock
    from accounts.sign_in.sessions import rights_of

    monkeypatch.setattr(Client, "force_login", force_login)
    monkeypatch.setattr(AsyncClient, "aforce_login", aforce_login)
