"""The pages on which administrators make and revoke API keys (security reference, S36, S42)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, AuditEvent, User
from accounts.permissions import Scope
from accounts.sign_in import ages, clock
from dashboard.api_keys import SCOPES
from tests.accounts.test_api_keys import ask, make_key
from tests.factories import make_user

pytestmark = pytest.mark.django_db
LIST = "/dashboard/api-keys/"
CREATION = f"{LIST}creation/"
FORM = {"name": "Patient portal", "scopes": ["patients:read", "appointments:write"], "days": "30"}


@pytest.fixture
def chief(client: Client) -> User:
    user = make_user(role="admin", first_name="Robin")
    client.force_login(user)
    return user


def shown(client: Client, address: str = LIST) -> str:
    return client.get(address).content.decode()


@pytest.mark.usefixtures("chief")
class TestTheList:
    def test_shows_keys_and_what_became_of_them(self, client: Client) -> None:
        now = clock.now()
        make_key(name="Reporting", networks=["192.0.2.0/24"])
        make_key(name="Old portal", days=1, now=now - timedelta(days=2))
        ApiKey.objects.filter(pk=make_key(name="Lost")[0].pk).update(revoked_at=now)

        page = shown(client)

        for words in ("Reporting", "192.0.2.0/24", "Old portal", "Expired", "Lost", "Revoked"):
            assert words in page

    def test_shows_no_key_itself_s42(self, client: Client) -> None:
        key, text = make_key()

        page = shown(client)

        assert f"cmx_{key.public_id}…" in page
        assert text.rpartition("_")[2] not in page
        assert key.key_hash not in page

    def test_takes_as_many_queries_for_many_as_for_one(
        self, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        make_key()
        with django_assert_max_num_queries(30) as few:
            client.get(LIST)
        for _ in range(10):
            make_key()

        with django_assert_max_num_queries(30) as many:
            client.get(LIST)

        assert len(many) == len(few)


class TestMakingAKey:
    def test_shows_it_once_and_it_works_s42(self, client: Client, chief: User) -> None:
        answer = client.post(CREATION, FORM)

        found = re.search(r"cmx_[0-9a-f]{16}_[\w-]{43}", answer.content.decode())
        assert found is not None
        assert "no-store" in answer["Cache-Control"]
        assert ask(found[0]).json()["scopes"] == FORM["scopes"]
        assert found[0] not in shown(client)
        key = ApiKey.objects.get()
        assert key.created_by == chief
        assert key.expires_at - key.created_at == timedelta(days=30)

    def test_is_on_record_with_who_made_it_s46(self, client: Client, chief: User) -> None:
        client.post(CREATION, FORM)

        event = AuditEvent.objects.get(action="key.created")
        assert (event.actor_id, event.surface) == (str(chief.pk), "dashboard")
        assert event.object_id == str(ApiKey.objects.get().pk)

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_needs_password_and_code_of_the_last_minutes_s36(
        self, client: Client, chief: User, method: str
    ) -> None:
        session = client.session
        session[ages.VERIFIED] -= 601
        session.save()

        page = getattr(client, method)(CREATION, FORM)
        program = getattr(client, method)(CREATION, FORM, headers={"Accept": "application/json"})

        assert page["Location"].startswith("/accounts/reauthenticate/")
        assert (program.status_code, program.json()["code"]) == (403, "reauth_required")
        assert not ApiKey.objects.exists()

    @pytest.mark.usefixtures("chief")
    @pytest.mark.parametrize(
        "wrong",
        [
            {"name": ""},
            {"name": "x" * 81},
            {"scopes": []},
            {"scopes": ["everything"]},
            {"days": "0"},
            {"days": "366"},
            {"days": "soon"},
            {"addresses": "192.0.2.0/24, here"},
        ],
    )
    def test_says_what_is_wrong_and_keeps_what_was_typed(
        self, client: Client, wrong: dict[str, Any]
    ) -> None:
        page = client.post(CREATION, FORM | wrong).content.decode()

        assert "There is a problem" in page
        assert not ApiKey.objects.exists()
        assert 'value="appointments:write" checked' in page or "scopes" in wrong

    @pytest.mark.usefixtures("chief")
    def test_takes_addresses_a_line_or_with_commas(self, client: Client) -> None:
        client.post(CREATION, FORM | {"addresses": "192.0.2.0/24\r\n198.51.100.7, 2001:db8::/32"})

        networks = ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32"]
        assert ApiKey.objects.get().networks == networks

    @pytest.mark.usefixtures("chief")
    def test_sets_nothing_that_is_no_field_of_the_form_s27(self, client: Client) -> None:
        more = {"created_by": "", "key_hash": "0" * 64, "expires_at": "2100-01-01"}
        client.post(CREATION, FORM | more)

        key = ApiKey.objects.get()
        assert key.created_by is not None
        assert key.key_hash != "0" * 64
        assert key.expires_at - key.created_at == timedelta(days=30)

    @pytest.mark.usefixtures("chief")
    def test_offers_every_scope(self, client: Client) -> None:
        assert list(SCOPES) == list(Scope)
        assert shown(client, CREATION).count('name="scopes"') == len(Scope)


@pytest.mark.usefixtures("chief")
class TestRevokingAKey:
    def test_asks_first_and_changes_nothing_by_looking_s37(self, client: Client) -> None:
        key, text = make_key()

        page = shown(client, f"{LIST}{key.pk}/revocation/")

        assert "Revoke the key of Patient portal?" in page
        assert ask(text).status_code == 200

    def test_closes_it_at_once_s28(self, client: Client) -> None:
        key, text = make_key()

        answer = client.post(f"{LIST}{key.pk}/revocation/", follow=True)

        assert "The key Patient portal is revoked." in answer.content.decode()
        assert ask(text).status_code == 401
        assert AuditEvent.objects.filter(action="key.revoked", object_id=str(key.pk)).exists()


class TestOthers:
    @pytest.mark.parametrize("role", ["scheduler", "nurse"])
    def test_neither_see_nor_make_nor_revoke_keys_s25(self, client: Client, role: str) -> None:
        client.force_login(make_user(role=role))
        key, text = make_key()

        answers = [
            client.get(LIST),
            client.post(CREATION, FORM),
            client.post(f"{LIST}{key.pk}/revocation/"),
        ]

        assert [answer.status_code for answer in answers] == [403, 403, 403]
        assert ask(text).status_code == 200
        assert ApiKey.objects.count() == 1
