"""Users and the audit record in the admin site."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import record_event
from tests.dashboard.rows import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _chief(client: Client) -> None:
    client.force_login(make_user("chief", "admin", is_staff=True, is_superuser=True))


class TestUserAdmin:
    def test_finds_people_by_name(self, client: Client) -> None:
        make_user("robin", first_name="Robin", last_name="Sedgemoor")
        make_user("tobias")

        page = client.get("/admin/accounts/user/?q=sedgemoor").content.decode()

        assert "Robin Sedgemoor" in page
        assert "tobias" not in page

    def test_offers_the_role_and_not_hundreds_of_permissions(self, client: Client) -> None:
        user = make_user("robin")

        page = client.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()

        assert 'name="role"' in page
        assert 'name="user_permissions"' not in page

    def test_adds_a_person(self, client: Client) -> None:
        assert 'name="role"' in client.get("/admin/accounts/user/add/").content.decode()

    def test_lets_nobody_change_their_own_rights(self, client: Client) -> None:
        chief, robin = User.objects.get(username="chief"), make_user("robin")

        own = client.get(f"/admin/accounts/user/{chief.pk}/change/").content.decode()
        other = client.get(f"/admin/accounts/user/{robin.pk}/change/").content.decode()

        for right in ("role", "is_active"):
            assert f'name="{right}"' not in own
            assert f'name="{right}"' in other

    def test_has_no_flags_beside_the_role(self, client: Client) -> None:
        page = client.get(f"/admin/accounts/user/{make_user('robin').pk}/change/").content.decode()

        assert 'name="is_staff"' not in page
        assert 'name="is_superuser"' not in page


class TestAuditEventAdmin:
    def test_shows_events(self, client: Client) -> None:
        record_event(action="call.read", outcome="ok", surface="dashboard")

        assert "call.read" in client.get("/admin/accounts/auditevent/").content.decode()

    def test_can_only_be_read_s48(self, client: Client) -> None:
        event = record_event(action="call.read", outcome="ok", surface="dashboard")

        assert client.get("/admin/accounts/auditevent/add/").status_code == 403
        assert (
            client.post(
                f"/admin/accounts/auditevent/{event.pk}/delete/", {"post": "yes"}
            ).status_code
            == 403
        )
        assert (
            'name="_save"'
            not in client.get(f"/admin/accounts/auditevent/{event.pk}/change/").content.decode()
        )
