"""The admin site is no way around the sign-in: passwords, fresh proof, signing out (security reference, section 4)."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from accounts import staff
from accounts.models import User
from accounts.origin import Origin
from accounts.sign_in import ages
from tests.dashboard.rows import PASSWORD, make_user

pytestmark = pytest.mark.django_db
NEW = "nine loud otters run"
USERS = "/admin/accounts/user/"


@pytest.fixture
def chief(client: Client) -> User:
    """Return an administrator who is signed in."""
    user = make_user("chief", "admin")
    client.force_login(user)
    return user


def grow_stale(client: Client) -> None:
    """Let the time pass within which password and code count as just given."""
    session = client.session
    del session[ages.VERIFIED]
    session.save()


ACTS = (
    ("{pk}/password/", {"password1": NEW, "password2": NEW, "usable_password": "true"}),
    ("{pk}/change/", {"username": "robin", "email": "mine@example.com", "role": "admin"}),
    ("{pk}/delete/", {"post": "yes"}),
    ("", {"action": "delete_selected", "_selected_action": "{pk}", "post": "yes"}),
    ("", {"action": "unlock", "_selected_action": "{pk}"}),
    ("", {"action": "send_invitations", "_selected_action": "{pk}"}),
    ("", {"action": "reset_second_factor", "_selected_action": "{pk}"}),
)
"""Where the admin site changes an account, and what is sent there."""


class TestStaleSession:
    @pytest.mark.parametrize(("path", "given"), ACTS)
    def test_s36_is_asked_for_password_and_code_before_an_account_is_touched(
        self, client: Client, chief: User, path: str, given: dict[str, str]
    ) -> None:
        robin = make_user("robin")
        grow_stale(client)
        sent = {name: value.format(pk=robin.pk) for name, value in given.items()}

        answer = client.post(USERS + path.format(pk=robin.pk), sent)

        assert answer["Location"].startswith("/accounts/reauthenticate/")
        assert User.objects.get(pk=robin.pk).check_password(PASSWORD)


class TestLateRequest:
    @pytest.mark.parametrize(
        ("path", "given"),
        [
            *ACTS,
            ("add/", {"username": "friend", "usable_password": "false", "role": "admin"}),
        ],
    )
    def test_s28_of_an_administrator_put_out_meanwhile_changes_no_account(
        self,
        client: Client,
        chief: User,
        monkeypatch: pytest.MonkeyPatch,
        path: str,
        given: dict[str, str],
    ) -> None:
        robin = make_user("robin")
        rows = list(User.objects.exclude(pk=chief.pk).values())
        sent = {name: value.format(pk=robin.pk) for name, value in given.items()}

        def put_out(_: Any) -> bool:
            User.objects.filter(pk=chief.pk).update(role="scheduler")
            return True

        monkeypatch.setattr("accounts.admin.is_recently_authenticated", put_out)

        answer = client.post(USERS + path.format(pk=robin.pk), sent)

        assert answer.status_code == 403
        assert list(User.objects.exclude(pk=chief.pk).values()) == rows

    @pytest.mark.parametrize("path", ["no-uuid/delete/", "no-uuid/change/", "no-uuid/password/"])
    def test_about_nobody_finds_nothing(self, client: Client, chief: User, path: str) -> None:
        answer = client.post(USERS + path, {"post": "yes"})

        assert answer.status_code in {302, 404}


class TestPassword:
    def test_s34_of_one_s_own_is_never_set_without_the_old_one(
        self, client: Client, chief: User
    ) -> None:
        for spelled in (str(chief.pk), chief.pk.hex, str(chief.pk).upper()):
            given = {"password1": NEW, "password2": NEW, "usable_password": "true"}

            answer = client.post(f"{USERS}{spelled}/password/", given)

            assert answer["Location"] == "/accounts/password/change/"
        assert User.objects.get(pk=chief.pk).check_password(PASSWORD)

    def test_s33_has_one_page_where_wrong_tries_are_counted(
        self, client: Client, chief: User
    ) -> None:
        given = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}

        answer = client.post("/admin/password_change/", given)

        assert answer["Location"] == "/accounts/password/change/"
        assert User.objects.get(pk=chief.pk).check_password(PASSWORD)

    def test_s35_of_somebody_else_can_be_set_and_ends_their_sessions(
        self, client: Client, chief: User
    ) -> None:
        robin, browser = make_user("robin"), Client()
        browser.force_login(robin)
        given = {"password1": NEW, "password2": NEW, "usable_password": "true"}
        before = browser.get("/api/v1/me/").status_code

        client.post(f"{USERS}{robin.pk}/password/", given)

        assert User.objects.get(pk=robin.pk).check_password(NEW)
        assert (before, browser.get("/api/v1/me/").status_code) == (200, 401)


class TestSigningOut:
    def test_s35_clears_the_browser(self, client: Client, chief: User) -> None:
        answer = client.post("/admin/logout/")

        assert answer["Clear-Site-Data"] == '"cache", "storage"'
        assert "_auth_user_id" not in client.session


class TestChangedAccount:
    def test_s28_keeps_rights_that_another_administrator_took_meanwhile(
        self, chief: User, rf: RequestFactory
    ) -> None:
        robin = make_user("robin")
        stale = User.objects.get(pk=robin.pk)
        staff.deactivate(user_id=robin.pk, origin=Origin(chief.pk, "dashboard"))
        stale.email = "robin@example.com"
        request: Any = rf.post(USERS)
        request.user = chief
        form = type("Form", (), {"changed_data": ["email"]})()

        admin.site.get_model_admin(User).save_model(request, stale, form, change=True)

        now = User.objects.get(pk=robin.pk)
        assert (now.email, now.is_active) == ("robin@example.com", False)
