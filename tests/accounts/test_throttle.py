"""How often keys may be used, counted for all processes together (security reference, S43)."""

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as product
from django.db import connection
from django.test import Client

from accounts import throttle
from accounts.exceptions import TooManyRequests
from accounts.models import AuditEvent, RequestBucket
from accounts.sign_in import clock
from accounts.throttle import RequestLimit, bad_key_limit, key_limit, take
from tests.accounts.test_api_keys import HOME, ME, ask, make_key
from tests.factories import NOW

ROOT = Path(__file__).resolve().parents[2]
PARALLEL = 200
THREE = RequestLimit("read:test", 3, timedelta(minutes=1))


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock of the door, so that no window slides while a test runs."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def take_from(limit: RequestLimit, *, after_s: float = 0) -> bool:
    """Tell whether one was accepted, so many seconds after the start."""
    try:
        take(limit, now=NOW + timedelta(seconds=after_s))
    except TooManyRequests:
        return False
    return True


@pytest.mark.django_db
class TestABucket:
    def test_gives_no_more_than_the_limit_s43(self) -> None:
        assert [take_from(THREE) for _ in range(5)] == [True, True, True, False, False]

    def test_gives_no_more_in_any_window_however_it_lies_s43(self) -> None:
        accepted = [second for second in range(300) if take_from(THREE, after_s=second)]

        for start in range(300):
            assert sum(start <= second < start + 60 for second in accepted) <= 3

    def test_says_when_there_is_one_again(self) -> None:
        for second in (0, 10, 20):
            take_from(THREE, after_s=second)

        with pytest.raises(TooManyRequests) as refused:
            take(THREE, now=NOW + timedelta(seconds=25.5))

        assert refused.value.wait_s == 35
        assert take_from(THREE, after_s=25.5 + 35)

    def test_is_one_for_each_key_and_kind(self) -> None:
        buckets = {
            key_limit(key_id, method=method).bucket
            for key_id in (UUID(int=1), UUID(int=2))
            for method in ("GET", "HEAD", "POST", "DELETE")
        }

        assert len(buckets) == 4

    def test_of_bad_keys_is_one_for_a_customers_network(self) -> None:
        assert bad_key_limit("2001:db8::1").bucket == bad_key_limit("2001:db8::2").bucket
        assert bad_key_limit("192.0.2.1").bucket != bad_key_limit("192.0.2.2").bucket

    def test_is_forgotten_after_a_day(self) -> None:
        take(THREE, now=NOW)

        assert throttle.forget_old_buckets(now=NOW + timedelta(hours=23)) == 0
        assert throttle.forget_old_buckets(now=NOW + timedelta(hours=25)) == 1

    def test_has_the_limits_of_the_reference_s43(self) -> None:
        limits = (
            product.LIMIT_KEY_READS_PER_MINUTE,
            product.LIMIT_KEY_WRITES_PER_MINUTE,
            product.LIMIT_BAD_KEYS_PER_ADDRESS_HOUR,
        )

        assert limits == (120, 30, 20)


@pytest.mark.django_db
@pytest.mark.usefixtures("still")
class TestAKeysLimit:
    def test_ends_in_429_with_when_to_come_back_s43(self, settings: Any) -> None:
        settings.LIMIT_KEY_READS_PER_MINUTE = 2
        _, text = make_key()

        answers = [ask(text) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2]["Retry-After"] == "60"
        assert answers[2].json()["code"] == "throttled"

    def test_counts_requests_that_the_policy_refuses_s43(self, settings: Any) -> None:
        settings.LIMIT_KEY_WRITES_PER_MINUTE = 2
        _, text = make_key()

        headers = {"Authorization": f"Bearer {text}"}
        answers = [Client().post(ME, headers=headers) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [405, 405, 429]

    def test_is_another_keys_not(self, settings: Any) -> None:
        settings.LIMIT_KEY_READS_PER_MINUTE = 1
        first, second = make_key()[1], make_key()[1]

        assert [ask(text).status_code for text in (first, first, second)] == [200, 429, 200]


@pytest.mark.django_db
@pytest.mark.usefixtures("still")
class TestBadKeys:
    def test_are_20_an_hour_for_an_address_s43(self) -> None:
        answers = Counter(ask("nonsense").status_code for _ in range(25))

        assert answers == {401: 20, 429: 5}
        assert AuditEvent.objects.filter(action="key.refused").count() == 20

    def test_of_a_liar_are_counted_at_the_true_address_s45(self, settings: Any) -> None:
        settings.TRUSTED_PROXY_COUNT = 0
        answers = Counter(
            ask("nonsense", **{"X-Forwarded-For": f"192.0.2.{number}"}).status_code
            for number in range(25)
        )

        assert answers == {401: 20, 429: 5}
        assert RequestBucket.objects.get().key == f"bad_key:{HOME}"

    def test_of_others_lock_no_right_key_out(self) -> None:
        _, text = make_key()
        for _ in range(25):
            ask("nonsense")

        assert ask(text).status_code == 200

    def test_in_addresses_are_counted_too(self) -> None:
        answers = Counter(ask("", path=f"{ME}?key=cmx_1").status_code for _ in range(25))

        assert answers == {400: 20, 429: 5}


@pytest.mark.django_db(transaction=True)
class TestTwoHundredAtOnce:
    @pytest.mark.usefixtures("still")
    def test_through_the_api_are_held_to_the_limit_s43(self) -> None:
        _, text = make_key()

        def one(_: int) -> int:
            try:
                return int(ask(text).status_code)
            finally:
                connection.close()

        with ThreadPoolExecutor(20) as pool:
            answers = Counter(pool.map(one, range(PARALLEL)))

        assert answers == {200: 120, 429: 80}

    def test_of_two_processes_are_held_to_the_limit_s43(self) -> None:
        variables = dict(os.environ) | {
            "DATABASE_URL": database_address(),
            "DJANGO_SETTINGS_MODULE": "carematix.settings",
        }
        command = [sys.executable, "-m", "tests.accounts.bucket_racer"]
        arguments = ["read:race", "120", str(PARALLEL // 2), NOW.isoformat()]
        racers = [
            subprocess.Popen(
                [*command, *arguments], cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        accepted = [int(racer.communicate(timeout=90)[0]) for racer in racers]

        assert sum(accepted) == 120


def database_address() -> str:
    """Return the address of the database that this test uses."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"
