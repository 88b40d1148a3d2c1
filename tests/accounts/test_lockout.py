"""How often a password may be tried (security reference, S33)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.db import connection
from django.test import Client

from accounts.models import AuditEvent, SignInCounter
from accounts.sign_in import clock, lockout, second_factor
from accounts.sign_in.addresses import network_of
from tests.dashboard.rows import PASSWORD, make_user
from tests.sign_in import code, enrol, give_password, sign_in

PARALLEL = 50


def fail(client: Client, times: int, username: str = "robin") -> list[int]:
    return [give_password(client, username, "wrong").status_code for _ in range(times)]


def let_pass(monkeypatch: pytest.MonkeyPatch, **passed: float) -> None:
    later = clock.now() + timedelta(**passed)
    monkeypatch.setattr(clock, "now", lambda: later)


@pytest.mark.django_db
class TestAnAccount:
    @pytest.mark.parametrize("username", ["robin", "nobody"])
    def test_is_locked_after_five_failures_whether_it_exists_or_not_s33(
        self, client: Client, username: str
    ) -> None:
        enrol(make_user("robin"))
        fail(client, 5, username)

        answer = give_password(client, username, PASSWORD)

        assert answer.status_code == 429
        assert "Too many attempts" in answer.content.decode()

    def test_is_the_same_however_its_name_is_written(self, client: Client) -> None:
        make_user("robin")
        for name in ("robin", "ROBIN", " robin", "Robin", "ｒｏｂｉｎ"):
            give_password(client, name, "wrong")

        assert give_password(client, "robin", PASSWORD).status_code == 429

    def test_opens_after_fifteen_minutes_s33(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        enrol(make_user("robin"))
        fail(client, 5)

        with monkeypatch.context() as before:
            let_pass(before, minutes=14, seconds=59)
            assert give_password(client, "robin", PASSWORD).status_code == 429
        let_pass(monkeypatch, minutes=15, seconds=1)

        assert give_password(client, "robin", PASSWORD).status_code == 302

    def test_forgets_failures_that_are_old(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        enrol(make_user("robin"))
        fail(client, 4)
        let_pass(monkeypatch, minutes=16)

        fail(client, 4)

        assert give_password(client, "robin", PASSWORD).status_code == 302

    def test_counts_no_right_password_and_forgets_failures_after_a_login(
        self, client: Client
    ) -> None:
        enrol(make_user("robin"))
        fail(client, 4)

        sign_in(client, "robin", PASSWORD)
        fail(Client(), 4)

        assert give_password(Client(), "robin", PASSWORD).status_code == 302

    def test_stays_locked_however_often_somebody_tries(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        enrol(make_user("robin"))
        fail(client, 5)
        with monkeypatch.context() as meanwhile:
            let_pass(meanwhile, minutes=10)
            fail(client, 5)
        let_pass(monkeypatch, minutes=15, seconds=1)

        assert give_password(client, "robin", PASSWORD).status_code == 302

    def test_is_not_looked_at_while_locked(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_user("robin")
        fail(client, 5)
        looked: list[Any] = []
        monkeypatch.setattr(ModelBackend, "authenticate", lambda *a, **k: looked.append(a))

        give_password(client, "robin", PASSWORD)

        assert not looked

    def test_that_gets_locked_is_on_record_once(self, client: Client) -> None:
        user = make_user("robin")

        fail(client, 7)

        event = AuditEvent.objects.get(action="login.locked_out")
        assert event.object_id == str(user.pk)

    def test_is_unlocked_by_an_administrator_which_is_on_record_s33(self, client: Client) -> None:
        user, admin = enrol(make_user("robin")), make_user("chief", "admin")
        fail(client, 5)

        was_locked = second_factor.unlock(user_id=user.pk, admin_id=admin.pk)

        assert was_locked
        assert give_password(client, "robin", PASSWORD).status_code == 302
        assert AuditEvent.objects.get(action="login.unlocked").actor_id == str(admin.pk)

    def test_is_unlocked_by_an_action_of_the_admin_site(self, client: Client) -> None:
        user = enrol(make_user("robin"))
        fail(Client(), 5)
        client.force_login(make_user("chief", "admin", is_staff=True, is_superuser=True))

        client.post(
            "/admin/accounts/user/", {"action": "unlock", "_selected_action": [str(user.pk)]}
        )

        assert give_password(Client(), "robin", PASSWORD).status_code == 302

    def test_of_somebody_else_is_not_touched(self, client: Client) -> None:
        enrol(make_user("robin"))
        fail(client, 5, "sam")

        assert give_password(client, "robin", PASSWORD).status_code == 302


@pytest.mark.django_db
class TestAnAddress:
    def test_is_locked_after_twenty_failures_of_any_accounts_s33(self, client: Client) -> None:
        enrol(make_user("robin"))
        for number in range(20):
            give_password(client, f"name{number}", "wrong")

        assert give_password(client, "robin", PASSWORD).status_code == 429
        elsewhere = Client(REMOTE_ADDR="198.51.100.7")
        assert give_password(elsewhere, "robin", PASSWORD).status_code == 302

    def test_opens_again_after_an_hour(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        enrol(make_user("robin"))
        for number in range(20):
            give_password(client, f"name{number}", "wrong")
        let_pass(monkeypatch, minutes=61)

        assert give_password(client, "robin", PASSWORD).status_code == 302

    def test_is_what_the_proxies_saw_and_not_what_the_client_says_s45(
        self, client: Client, settings: Any
    ) -> None:
        settings.TRUSTED_PROXY_COUNT = 1
        enrol(make_user("robin"))
        for number in range(20):
            said = f"203.0.113.{number}, 198.51.100.7"
            client.post(
                "/accounts/login/",
                {"login": f"name{number}", "password": "wrong"},
                headers={"X-Forwarded-For": said},
            )

        counter = SignInCounter.objects.get(key__startswith="address:")
        assert counter.key == "address:198.51.100.7"
        assert len(counter.tries) == 20

    def test_is_a_whole_network_of_ipv6(self) -> None:
        assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1")
        assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")


@pytest.mark.django_db(transaction=True)
class TestTriesAtOnce:
    def test_pass_to_the_password_five_times_at_most_s33(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_user("robin")
        checked: list[str] = []
        plain = ModelBackend.authenticate

        def counted(self: ModelBackend, request: Any, **credentials: Any) -> Any:
            checked.append("password")
            return plain(self, request, **credentials)

        monkeypatch.setattr(ModelBackend, "authenticate", counted)

        def one(number: int) -> int:
            try:
                client = Client(REMOTE_ADDR=f"198.51.100.{number}")
                return int(give_password(client, "robin", "wrong").status_code)
            finally:
                connection.close()

        with ThreadPoolExecutor(PARALLEL) as threads:
            answers = list(threads.map(one, range(PARALLEL)))

        assert len(checked) == 5
        assert sorted(answers) == [200] * 5 + [429] * 45

    def test_of_one_code_let_one_in_s32(self) -> None:
        user = enrol(make_user("robin"))
        now, shown = clock.now(), code()

        def one(number: int) -> bool:
            try:
                return second_factor.use_code(user=user, code=shown, now=now) is not None
            finally:
                connection.close()

        with ThreadPoolExecutor(10) as threads:
            assert sum(threads.map(one, range(10))) == 1


@pytest.mark.django_db
class TestOldCounters:
    def test_are_forgotten(self) -> None:
        now = clock.now()
        lockout.begin_attempt(lockout.account_limit("robin"), now=now - timedelta(days=2))
        lockout.begin_attempt(lockout.account_limit("sam"), now=now)

        assert lockout.forget_old(now=now) == 1
        assert SignInCounter.objects.count() == 1
